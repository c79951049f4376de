import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { PackReader, PackWriter } from '../../src/bolt/packstream.ts';
import { BOLT_4, BOLT_4_UTC, BOLT_5, packMessage, packValue, unpackMessage, unpackValue } from '../../src/bolt/structures.ts';
import type { Dialect } from '../../src/bolt/structures.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../../src/value/temporal.ts';
import { Point } from '../../src/value/spatial.ts';
import { Float, NodeValue, PathValue, RelationshipValue } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { plainValues, values } from '../value/arbitrary.ts';

function pack(value: Value, dialect: Dialect = BOLT_5): Buffer {
  const writer = new PackWriter(8);
  packValue(writer, value, dialect);
  return writer.take();
}

const hex = (value: Value, dialect?: Dialect): string => pack(value, dialect).toString('hex');

function unpack(bytes: Uint8Array): Value {
  const reader = new PackReader(bytes);
  const value = unpackValue(reader);
  expect(reader.remaining).toBe(0);
  return value;
}

it('gives back plain values', () => {
  fc.assert(fc.property(plainValues, fc.constantFrom(BOLT_4_UTC, BOLT_5), (value, dialect) => {
    expect(unpack(pack(value, dialect))).toEqual(value);
  }), { numRuns: 1000 });
});

describe('layout', () => {
  it.each<[Value, string]>([
    [null, 'c0'], [true, 'c3'], [false, 'c2'], [1, '01'], [127, '7f'], [-16, 'f0'], [-17, 'c8ef'], [-128, 'c880'], [128, 'c90080'], [-129, 'c9ff7f'],
    [32768, 'ca00008000'], [2 ** 31, 'cb0000000080000000'], [-(2 ** 31) - 1, 'cbffffffff7fffffff'], [Number.MIN_SAFE_INTEGER, 'cbffe0000000000001'],
    [-(2n ** 63n), 'cb8000000000000000'], [new Float(1.1), 'c13ff199999999999a'], ['', '80'], ['A', '8141'], ['é', '82c3a9'],
    ['0123456789abcdef', 'd01030313233343536373839616263646566'], [[], '90'], [[1, 2], '920102'], [new Map([['a', 1]]), 'a1816101'], [new Uint8Array([1, 2]), 'cc020102'],
    [LocalDate.of(1970, 1, 2), 'b14401'], [new LocalTime(1), 'b17401'], [new ZonedTime(1, 2), 'b2540102'], [new LocalDateTime(0, 1_000_000_002), 'b2640102'],
    [new Duration(1, 2, 3, 4), 'b44501020304'], [new Point(7203, 1, 2), 'b358c91c23c13ff0000000000000c14000000000000000'],
    [new ZonedDateTime(0, 3_600_000_000_001, 3600), 'b3490001c90e10'], [new ZonedDateTime(0, 3_600_000_000_001, 3600, 'Europe/Paris'), 'b369000' + '18c4575726f70652f5061726973'],
  ])('%o', (value, expected) => {
    expect(hex(value)).toBe(expected);
  });

  it('uses wider lengths as they are needed', () => {
    expect(hex('x'.repeat(255)).slice(0, 4)).toBe('d0ff');
    expect(hex('x'.repeat(256)).slice(0, 6)).toBe('d10100');
    expect(hex('x'.repeat(65536)).slice(0, 10)).toBe('d200010000');
    expect(hex(Array.from({ length: 16 }, () => null)).slice(0, 4)).toBe('d410');
    expect(hex(new Uint8Array(300)).slice(0, 6)).toBe('cd012c');
  });

  it('knows what 4.x clients expect', () => {
    const node = new NodeValue(1, ['A'], new Map());
    const knows = new RelationshipValue(7, 3, 1, 2, 'K', new Map());
    const moment = new ZonedDateTime(0, 3_600_000_000_001, 3600);
    expect(hex(node, BOLT_4)).toBe('b34e01918141a0');
    expect(hex(node, BOLT_5)).toBe('b44e01918141a08131');
    expect(hex(knows, BOLT_4)).toBe('b552070102814ba0');
    expect(hex(knows, BOLT_5)).toBe('b852070102814ba0813781318132');
    expect(hex(moment, BOLT_4)).toBe('b346c90e1001c90e10');
    expect(hex(moment, BOLT_4_UTC)).toBe('b3490001c90e10');
    expect(unpack(pack(moment, BOLT_4))).toEqual(moment);
    const stockholm = ZonedDateTime.ofLocal(20000, 5, 'Europe/Stockholm');
    expect(unpack(pack(stockholm, BOLT_4))).toEqual(stockholm);
  });
});

it('gives back nodes, relationships and paths', () => {
  const [a, b, c] = [1, 2, 3].map((id) => new NodeValue(id, ['A'], new Map([['id', id]]))) as [NodeValue, NodeValue, NodeValue];
  const ab = new RelationshipValue(10, 0, 1, 2, 'R', new Map());
  const cb = new RelationshipValue(11, 0, 3, 2, 'R', new Map([['x', 1 as Value]]));
  for (const dialect of [BOLT_4, BOLT_5]) {
    for (const value of [a, ab, new PathValue([a], []), new PathValue([a, b, c], [ab, cb]), new PathValue([c, b, a, b], [cb, ab, ab])]) {
      expect(unpack(pack(value, dialect))).toEqual(value);
    }
  }
});

it('packs every value the engine may return', () => {
  fc.assert(fc.property(values, fc.constantFrom(BOLT_4, BOLT_4_UTC, BOLT_5), (value, dialect) => {
    pack(value, dialect);
  }));
});

describe('bad input', () => {
  const refused = (bytes: Uint8Array): void => {
    try {
      unpackMessage(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(DbError);
      expect((error as DbError).code).toBe('InvalidRequest');
    }
  };

  it('never gets further than an error: 10,000 random, damaged and cut messages', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      refused(bytes);
      refused(Uint8Array.from([0xb1, 0x10, ...bytes]));
    }), { numRuns: 4000 });
    fc.assert(fc.property(values, fc.nat(), fc.nat(255), (value, position, byte) => {
      const writer = new PackWriter();
      packMessage(writer, 0x71, [value], BOLT_5);
      const bytes = writer.take();
      refused(bytes.subarray(0, position % bytes.length));
      bytes[position % bytes.length] = byte;
      refused(bytes);
    }), { numRuns: 3000 });
  });

  it('does not believe lengths', () => {
    for (const text of ['d2ffffffff', 'd6ffffffff', 'daffffffff', 'ceffffffff', 'd67fffffff0101', 'b1', 'bf4e', 'a101']) {
      expect(() => unpackValue(new PackReader(Buffer.from(text, 'hex')))).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
    }
  });

  it('does not follow nesting without end', () => {
    expect(() => unpackValue(new PackReader(Buffer.alloc(100_000, 0x91)))).toThrow(DbError);
    let deep: Value = 1;
    for (let i = 0; i < 300; i++) deep = [deep];
    expect(() => pack(deep)).toThrow(DbError);
  });

  it.each([
    ['an unknown structure', 'b15a01'], ['a node of two fields', 'b24e0190'], ['a date of text', 'b1448161'], ['a date beyond the calendar', 'b144cb7fffffffffffffff'],
    ['a time beyond the day', 'b174cb00004e94914f0000'], ['an unknown zone', 'b36900008161'], ['an offset beyond 18 hours', 'b3490000ca00fffff0'], ['a point of no system', 'b35801c13ff0000000000000c13ff0000000000000'],
    ['a path that leads nowhere', 'b35090909201' + '00'], ['a relationship outside a path', 'b3720181' + '41a0'], ['a map with a number as key', 'a10101'],
    ['a latitude of 500', 'b358c910e6c10000000000000000c1407f400000000000'], ['a coordinate that is NaN', 'b358c91c23c17ff8000000000000c13ff0000000000000'],
    ['a text that is not UTF-8', '844bf66c6e'], ['half of a surrogate pair', '83eda080'], ['a key that is not UTF-8', 'a182fffe01'],
  ])('refuses %s', (_, text) => {
    expect(() => unpackValue(new PackReader(Buffer.from(text, 'hex')))).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
  });

  it('takes U+FFFD itself for the character that it is, and a longitude beyond 180 for the place it means', () => {
    expect(unpack(pack('a\ufffd'))).toBe('a\ufffd');
    expect(unpack(pack(new Point(4326, 185, 5)))).toEqual(new Point(4326, -175, 5));
  });

  it('refuses bytes behind a message, and a message that is none', () => {
    expect(() => unpackMessage(Buffer.from('b00f01', 'hex'))).toThrow(DbError);
    expect(() => unpackMessage(Buffer.from('01', 'hex'))).toThrow(DbError);
    expect(unpackMessage(Buffer.from('b00f', 'hex'))).toEqual({ tag: 0x0f, fields: [] });
  });
});
