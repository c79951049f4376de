import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, compareStrings, equals, equivalent, hashKey, orderCompare } from '../../src/value/compare.ts';
import { Float, NodeValue, PathValue, RelationshipValue } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { Duration, ZonedDateTime } from '../../src/value/temporal.ts';
import { values } from './arbitrary.ts';

const map = (object: Record<string, Value>): Value => new Map(Object.entries(object));
const nan = new Float(Number.NaN);

describe('equality', () => {
  it.each<[Value, Value, boolean | null]>([
    [[1, 2], [1], false], [[null], [1], null], [['a'], [1], false], [[[1]], [[1], [null]], false],
    [[[1], [2]], [[1], [null]], null], [[[1], [2, 3]], [[1], [null]], false],
    [map({}), map({ k: null }), false], [map({ k: null }), map({ k: null }), null], [map({ k: 1, l: null }), map({ k: 2, l: null }), false],
    [map({ k: 1, l: null }), map({ k: null, l: 1 }), null], [map({ k: new Float(1) }), map({ k: 1 }), true],
    [nan, nan, false], [nan, 1, false], [nan, 'a', false], [null, null, null], ['1', 1, false], [1, new Float(1), true],
    [2n ** 62n + 1n, new Float(2 ** 62), false], [2n ** 62n, new Float(2 ** 62), true],
    [new Duration(0, 1, 0, 0), new Duration(0, 0, 86400, 0), false],
  ])('%o = %o is %o', (a, b, expected) => {
    expect(equals(a, b)).toBe(expected);
    expect(equals(b, a)).toBe(expected);
  });
});

describe('comparability', () => {
  it('orders lists element by element, and does not know behind a null', () => {
    expect(compare([1, 0], [1])).toBeGreaterThan(0);
    expect(compare([1, null], [1])).toBeGreaterThan(0);
    expect(compare([1, 2], [1, null])).toBeNull();
    expect(compare([1, 'a'], [1, null])).toBeNull();
    expect(compare([1, 2], [3, null])).toBeLessThan(0);
  });

  it('makes every comparison with NaN false, and with another type unknown', () => {
    for (const other of [1, new Float(1), nan]) expect(compare(nan, other)).toBeNaN();
    expect(compare(nan, 'a')).toBeNull();
    expect(compare(1, '1')).toBeNull();
    expect(compare(new Duration(0, 1, 0, 0), new Duration(0, 2, 0, 0))).toBeNull();
    expect(compare(new NodeValue(1), new NodeValue(2))).toBeNull();
  });

  it('is exact between large integers and floats', () => {
    expect(compare(2n ** 53n + 1n, new Float(2 ** 53))).toBeGreaterThan(0);
    expect(compare(new Float(Infinity), 2n ** 62n)).toBeGreaterThan(0);
  });
});

describe('order', () => {
  it('has one place for every type', () => {
    const a = new NodeValue(1);
    const r = new RelationshipValue(1, 0, 1, 2);
    const inOrder: Value[] = [
      map({ a: 'map' }), a, r, ['list'], new PathValue([a], []), 'text', false, true, new Float(1.5), nan, null,
    ];
    expect([...inOrder].reverse().sort(orderCompare)).toEqual(inOrder);
    const lists: Value[] = [[], ['a'], ['a', 1], [1], [1, 'a'], [1, null], [null, 1], [null, 2]];
    expect([...lists].reverse().sort(orderCompare)).toEqual(lists);
  });

  it('is total: antisymmetric and transitive', () => {
    fc.assert(fc.property(values, values, values, (a, b, c) => {
      expect(Math.sign(orderCompare(a, b))).toBe(Math.sign(orderCompare(b, a)) * -1 + 0);
      expect(orderCompare(a, a)).toBe(0);
      if (orderCompare(a, b) <= 0 && orderCompare(b, c) <= 0) expect(orderCompare(a, c)).toBeLessThanOrEqual(0);
    }), { numRuns: 300 });
  });

  it('orders strings by code point, as their UTF-8 bytes are', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }));
  });
});

describe('hash keys', () => {
  it('are equal exactly for equivalent values', () => {
    fc.assert(fc.property(values, values, (a, b) => {
      expect(hashKey(a) === hashKey(b)).toBe(equivalent(a, b));
    }), { numRuns: 1000 });
  });

  it.each<[Value, Value, boolean]>([
    [1, new Float(1), true], [new Float(-0), 0, true], [null, null, true], [nan, nan, true], ['\0n', null, false], ['1', 1, false],
    [2n ** 60n, new Float(2 ** 60), true], [[1, [2]], [new Float(1), [2]], true], [['a', 'b'], ['ab'], false], [[1, 2], [12], false],
    [map({ a: 1, b: 2 }), map({ b: 2, a: 1 }), true], [map({ a: null }), map({}), false],
    [ZonedDateTime.ofEpochMillis(0, 0), ZonedDateTime.ofEpochMillis(0, 3600), false],
  ])('%o and %o: %o', (a, b, same) => {
    expect(hashKey(a) === hashKey(b)).toBe(same);
    expect(equivalent(a, b)).toBe(same);
  });
});
