import { isUtf8 } from 'node:buffer';
import { expect, it } from 'vitest';
import { Utf8Check } from '../../src/base/utf8.ts';

function firstWrong(parts: readonly Buffer[]): number | undefined {
  const check = new Utf8Check();
  for (const part of parts) {
    const wrong = check.push(part);
    if (wrong !== undefined) return wrong;
  }
  return check.end();
}

/** However the bytes are cut into parts. */
function eachCut(bytes: Buffer): (number | undefined)[] {
  return Array.from({ length: bytes.length + 1 }, (_, cut) => firstWrong([bytes.subarray(0, cut), bytes.subarray(cut)]));
}

it('passes what is UTF-8, wherever it is cut', () => {
  const bytes = Buffer.from('a é € 𝄞 z');
  expect(new Set(eachCut(bytes))).toEqual(new Set([undefined]));
  expect(firstWrong([...bytes].map((byte) => Buffer.from([byte])))).toBeUndefined();
});

it('tells the place of the first byte that does not belong', () => {
  for (const [hex, place] of [['61e9', 1], ['61e962', 1], ['c3a9ff', 2], ['80', 0], ['6161f09d84', 2], ['eda080', 0], ['c080', 0], ['f4908080', 0]] as const) {
    const bytes = Buffer.from(hex, 'hex');
    expect(isUtf8(bytes)).toBe(false);
    expect(new Set(eachCut(bytes)), hex).toEqual(new Set([place]));
  }
});
