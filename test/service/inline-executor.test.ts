/** Which reads run on the main thread, and which go to a reader. */
import { expect, it } from 'vitest';
import type { LocalRequest, RunReply } from '../../src/service/api.ts';
import { InlineExecutor } from '../../src/service/inline-executor.ts';
import type { ReadHost } from '../../src/service/read-host.ts';
import { InlineBudgetSpent } from '../../src/service/statement.ts';

const BUDGET = { rows: 1000, ms: 100 };

function executor({ load = 0 } = {}) {
  const ran: string[] = [];
  const readers = { load };
  const clock = { now: 1, monotonicMs: () => clock.now, wallMs: () => clock.now };
  const host = {
    run: ({ text }: LocalRequest): Partial<RunReply> => {
      ran.push(text);
      const [kind, ms = ran.length % 6 === 0 ? 150 : 0] = text.split(' ');
      clock.now += Number(ms);
      if (kind === 'spends') throw new InlineBudgetSpent();
      return { execution: kind === 'streams' ? 1 : 0 };
    },
    discard: () => undefined,
  };
  const inline = new InlineExecutor(host as unknown as ReadHost, BUDGET, () => readers.load, clock);
  const run = (text: string, reader: object): boolean => inline.tryRun({ text } as LocalRequest, reader) !== undefined;
  return { run, ran, readers, clock };
}

const [ANN, BOB] = [{}, {}];
/** Till then nothing middling is sent on. */
const WARM_RUNS = 64;

it('keeps a middling read here while nobody else reads, and sends it on while somebody does and a reader has time', () => {
  const { run, readers } = executor();
  for (let i = 0; i < WARM_RUNS; i++) expect(run('gives 30', ANN)).toBe(true);
  // Bob reads something short in between, so Ann is not alone.
  expect(run('gives 0', BOB)).toBe(true);
  expect(run('gives 30', ANN)).toBe(false);
  expect(run('gives 0', BOB)).toBe(true);
  readers.load = 8;
  expect(run('gives 30', ANN)).toBe(true);
  readers.load = 7;
  expect(run('gives 0', BOB)).toBe(true);
  expect(run('gives 30', ANN)).toBe(false);
});

it('tries it here again and again, and keeps it once it is short', () => {
  const { run } = executor();
  const text = 'gives 30';
  for (let i = 0; i < WARM_RUNS; i++) expect(run(text, ANN)).toBe(true);
  let here = 0;
  for (let i = 0; i < 64; i++) {
    run('gives 0', BOB);
    if (run(text, ANN)) here++;
  }
  expect(here).toBe(4);
});

it('takes no notice of a few runs that take very long', () => {
  const { run } = executor();
  for (let i = 0; i < WARM_RUNS + 8; i++) run('varies', ANN);
  for (let i = 0; i < 10; i++) {
    expect(run('gives 0', BOB)).toBe(true);
    expect(run('varies', ANN)).toBe(true);
  }
});

it('keeps it where there is no reader', () => {
  const { run } = executor({ load: Infinity });
  for (let i = 0; i < WARM_RUNS + 8; i++) expect(run('gives 21', i % 2 === 0 ? ANN : BOB)).toBe(true);
});

it('does not judge a statement by its first run', () => {
  const { run } = executor();
  for (let i = 0; i < 3; i++) expect(run('gives 26', ANN)).toBe(true);
  expect(run('gives 0', BOB)).toBe(true);
  expect(run('gives 26', ANN)).toBe(true);
});

it.each(['spends 0', 'streams 0'])('does not try again at once what was too long: %s', (text) => {
  const { run, ran } = executor();
  expect(run(text, ANN)).toBe(false);
  expect(run(text, ANN)).toBe(false);
  expect(ran).toEqual([text]);
});

it('sends on what takes longer than allowed again and again though it touches few rows, and tries it again later', () => {
  const { run, ran, clock } = executor();
  for (let i = 0; i < 4; i++) expect(run('gives 105', ANN)).toBe(true);
  expect(run('gives 105', ANN)).toBe(false);
  expect(ran).toHaveLength(4);
  clock.now += 100;
  expect(run('gives 105', ANN)).toBe(true);
});
