/** Lists of FLOATs side by side: the same bytes and the same values as the list. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { DbError } from '../../src/base/errors.ts';
import { decodeValue, encodeValue } from '../../src/value/codec.ts';
import { decodeStored, dot, encodeStored, packed, PackedFloats, squaredDistance, storedSize, unpacked, vectorOf } from '../../src/value/packed-floats.ts';
import { Float } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { values } from './arbitrary.ts';

const bytesOf = (encode: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter();
  encode(writer);
  return writer.finish();
};

const numbers = fc.oneof(fc.double(), fc.float(), fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e-45, 3.4028234663852886e38, 0.1));
const floats = fc.array(numbers.map((number) => new Float(number)), { maxLength: 40 });
/** Lists of which one element is something else. */
const mixed = fc.tuple(floats, fc.nat(40), values).map(([list, at, other]): Value[] => [...list.slice(0, at), other, ...list.slice(at)]);

it('has the bytes of the list, and gives the list back', () => {
  fc.assert(fc.property(fc.oneof(floats, mixed, values), (value: Value) => {
    const stored = packed(value);
    const plain = bytesOf((writer) => encodeValue(writer, value));
    expect(bytesOf((writer) => encodeStored(writer, stored))).toEqual(plain);
    expect(unpacked(stored)).toEqual(value);
    const reader = new ByteReader(plain);
    const read = decodeStored(reader);
    expect(reader.done).toBe(true);
    expect(read instanceof PackedFloats).toBe(stored instanceof PackedFloats);
    expect(unpacked(read)).toEqual(value);
  }), { numRuns: 1000 });
});

it('takes four bytes a number where that loses nothing, else eight', () => {
  const of = (...items: number[]) => (packed(items.map((item) => new Float(item))) as PackedFloats).numbers;
  expect(of(0, -0, 1, 0.5, -2.25, 1e10, 3, Infinity)).toBeInstanceOf(Float32Array);
  expect(of(0, 1, 2, 3, 4, 5, 6, 0.1)).toBeInstanceOf(Float64Array);
  expect(of(0, 1, 2, 3, 4, 5, 6, NaN)).toBeInstanceOf(Float64Array);
  expect(packed([1, 2, 3, 4, 5, 6, 7, 8])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(packed(Array.from({ length: 7 }, () => new Float(1)))).toBeInstanceOf(Array);
});

it('refuses bytes that end too early, and reads what only looks like one', () => {
  const whole = bytesOf((writer) => encodeValue(writer, Array.from({ length: 9 }, (_, i) => new Float(i))));
  for (let end = 0; end < whole.length; end++) {
    expect(() => decodeStored(new ByteReader(whole.subarray(0, end)))).toThrow(DbError);
  }
  fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
    const damaged = Buffer.from(whole);
    damaged[at] = byte;
    const read = (decode: () => Value): unknown => {
      try {
        return decode();
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(read(() => unpacked(decodeStored(new ByteReader(damaged))))).toEqual(read(() => decodeValue(new ByteReader(damaged))));
  }), { numRuns: 1000 });
});

it('takes for a vector a list of nothing but numbers', () => {
  expect([...vectorOf([1, new Float(2.5), 3n])!.numbers]).toEqual([1, 2.5, 3]);
  for (const no of [null, 1, 'x', [], [1, null], [1, 'x'], [[1]], new Map()] as Value[]) expect(vectorOf(no)).toBeUndefined();
});

it('multiplies and measures', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -1000, max: 1000 })), { maxLength: 30 }), (pairs) => {
    const [a, b] = [Float32Array.from(pairs, ([x]) => x), Float64Array.from(pairs, ([, y]) => y)];
    for (const one of [a, Float64Array.from(a)]) {
      expect(dot(one, b)).toBe(pairs.reduce((sum, [x, y]) => sum + x * y, 0));
      expect(squaredDistance(one, b)).toBe(pairs.reduce((sum, [x, y]) => sum + (x - y) ** 2, 0));
    }
  }));
});

it('is counted by what it takes', () => {
  const list = Array.from({ length: 384 }, (_, i) => new Float(i));
  expect(storedSize(packed(list))).toBeLessThan(2000);
  // What is no packed list costs far more, and the cache has to know.
  expect(storedSize(list)).toBeGreaterThan(20_000);
  expect(storedSize('x'.repeat(1000))).toBeGreaterThan(1000);
});
