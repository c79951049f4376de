import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';

/** LEB128 as its definition has it. */
function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

describe('varint', () => {
  it('is LEB128 around every power of two below 2^53', () => {
    for (let power = 0; power <= 53; power++) {
      for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
        if (value > Number.MAX_SAFE_INTEGER) continue;
        const writer = new ByteWriter(1).u8(7).varint(value);
        expect([...writer.view()], String(value)).toEqual([7, ...leb128(value)]);
        const reader = new ByteReader(writer.view(), 1);
        expect(reader.varint()).toBe(value);
        expect(reader.done).toBe(true);
      }
    }
  });
});

describe('plainView', () => {
  it('is what was written last, for short and long contents, also after the memory has grown', () => {
    const writer = new ByteWriter(16);
    for (const length of [3, 0, 16, 3, 17, 3, 16, 1023, 1024, 5000, 3, 1023]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
      expect([...writer.reset().rawOf(bytes, 0, length).plainView()], String(length)).toEqual([...bytes]);
    }
  });
});
