import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { DbError } from '../../src/base/errors.ts';
import { decodeValue, encodeValue, skipValue } from '../../src/value/codec.ts';
import { Float } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalDate } from '../../src/value/temporal.ts';
import { values } from './arbitrary.ts';

function bytesOf(value: Value): Buffer {
  const writer = new ByteWriter();
  encodeValue(writer, value);
  return writer.finish();
}

it('gives back every value, and reads exactly what it wrote', () => {
  fc.assert(fc.property(values, (value) => {
    const reader = new ByteReader(bytesOf(value));
    expect(decodeValue(reader)).toEqual(value);
    expect(reader.done).toBe(true);
  }), { numRuns: 500 });
});

it('never crashes on damaged bytes', () => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), values.map((v) => bytesOf(v).subarray(0, -1))), (bytes) => {
    try {
      decodeValue(new ByteReader(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(DbError);
    }
  }), { numRuns: 2000 });
});

it('skips what it can decode, and nothing else', () => {
  const end = (read: (reader: ByteReader) => unknown, bytes: Uint8Array): number | string => {
    const reader = new ByteReader(bytes);
    try {
      read(reader);
      return reader.position;
    } catch (error) {
      return error instanceof DbError ? error.code : String(error);
    }
  };
  fc.assert(fc.property(fc.oneof(values.map(bytesOf), values.map((v) => bytesOf(v).subarray(0, -1)), fc.uint8Array({ maxLength: 60 })), (bytes) => {
    expect(end(skipValue, bytes)).toBe(end(decodeValue, bytes));
  }), { numRuns: 2000 });
});

// The layout is a promise to data already on disk: this changes only together with VALUE_CODEC_VERSION.
it('keeps its layout', () => {
  const hex = (value: Value): string => bytesOf(value).toString('hex');
  expect(hex(null)).toBe('00');
  expect(hex(true)).toBe('02');
  expect(hex(0)).toBe('40');
  expect(hex(191)).toBe('ff');
  expect(hex(192)).toBe('03c001');
  expect(hex(-1)).toBe('0400');
  expect(hex(2n ** 62n)).toBe('050000000000000040');
  expect(hex(new Float(1))).toBe('06000000000000f03f');
  expect(hex('hé')).toBe('070368c3a9');
  expect(hex([1, [null]])).toBe('0902410901' + '00');
  expect(hex(new Map([['a', 1]]))).toBe('0a01016141');
  expect(hex(LocalDate.of(1970, 1, 11))).toBe('0b4a');
});

it('refuses to nest without end', () => {
  let deep: Value = 1;
  for (let i = 0; i < 2000; i++) deep = [deep];
  expect(() => bytesOf(deep)).toThrow(DbError);
  expect(() => decodeValue(new ByteReader(Buffer.alloc(5000, Buffer.from([9, 1]))))).toThrow(DbError);
});
