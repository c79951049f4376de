import { expect, it } from 'vitest';
import { answerTo, keptAnswer } from '../../src/replica/kept-answer.ts';

const [ONE, OTHER] = ['00112233445566778899aabbccddeeff', 'ff112233445566778899aabbccddeeff'];
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

it.each(['the answer', '', 'a'.repeat(20), '\0OF\0'])('gives the answer %j to the same request only', (text) => {
  const kept = keptAnswer(bytes(text), ONE);
  expect(answerTo(ONE, kept)).toEqual(bytes(text));
  expect(() => answerTo(OTHER, kept)).toThrow(/used before, for another request/);
  // Who cannot say which request it is gets the answer too.
  expect(answerTo(undefined, kept)).toEqual(bytes(text));
});

it('gives what was kept without its request to whoever asks', () => {
  const texts = ['the answer of a server from before, which is longer than a digest', 'short', ''];
  for (const text of texts) expect(answerTo(ONE, bytes(text))).toEqual(bytes(text));
  // Whatever an answer ends with.
  for (const text of [...texts, '\0OF\0', `long enough for a digest${'\0OF\0'.repeat(2)}`]) {
    for (const digest of [ONE, undefined]) expect(answerTo(digest, keptAnswer(bytes(text), undefined))).toEqual(bytes(text));
  }
});

it('keeps no long answers, and knows their requests all the same', () => {
  expect(answerTo(ONE, keptAnswer(new Uint8Array(65_536), ONE))).toHaveLength(65_536);
  const kept = keptAnswer(new Uint8Array(65_537), ONE);
  expect(answerTo(ONE, kept)).toEqual(new Uint8Array());
  expect(() => answerTo(OTHER, kept)).toThrow(/used before/);
});
