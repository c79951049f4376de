import fc from 'fast-check';
import { expect, it } from 'vitest';
import { add, divide, modulo, multiply, negate, power, subtract } from '../../src/value/arithmetic.ts';
import { DbError } from '../../src/base/errors.ts';
import { Float, INT64_MAX, INT64_MIN, integer } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { integers } from './arbitrary.ts';

const OPERATORS: readonly [(a: Value, b: Value) => Value, (a: bigint, b: bigint) => bigint][] = [
  [add, (a, b) => a + b], [subtract, (a, b) => a - b], [multiply, (a, b) => a * b], [divide, (a, b) => a / b], [modulo, (a, b) => a % b],
];

it('is exact over 64 bits, or says that it overflows', () => {
  fc.assert(fc.property(integers, integers, fc.constantFrom(...OPERATORS), (a, b, [operator, exact]) => {
    const run = (): Value => operator(a, b);
    if ((operator === divide || operator === modulo) && b === 0) {
      expect(run).toThrow('/ by zero');
      return;
    }
    const expected = exact(BigInt(a), BigInt(b));
    if (expected > INT64_MAX || expected < INT64_MIN) expect(run).toThrow(DbError);
    else expect(Object.is(run(), integer(expected))).toBe(true);
  }), { numRuns: 3000 });
});

it('never makes an integer -0', () => {
  for (const zero of [multiply(0, -5), divide(0, -5), divide(-1, 2), modulo(-4, 2), negate(0)]) expect(Object.is(zero, 0)).toBe(true);
});

it('mixes integers and floats as floats', () => {
  expect(add(1, new Float(0.5))).toEqual(new Float(1.5));
  expect(divide(1, new Float(0))).toEqual(new Float(Infinity));
  expect(divide(7, 2)).toBe(3);
  expect(divide(-7, 2)).toBe(-3);
  expect(modulo(new Float(5.5), 2)).toEqual(new Float(1.5));
  expect(power(2, 3)).toEqual(new Float(8));
});

it('lets null through, whatever the other side is', () => {
  for (const operator of [add, subtract, multiply, divide, modulo, power]) {
    expect(operator(null, 'x')).toBeNull();
    expect(operator([1], null)).toBeNull();
  }
  expect(negate(null)).toBeNull();
});

it('joins strings and lists', () => {
  expect(add('a', 'b')).toBe('ab');
  expect(add('a', 1)).toBe('a1');
  expect(add(new Float(1.5), 'a')).toBe('1.5a');
  expect(add([1], [2, 3])).toEqual([1, 2, 3]);
  expect(add([1], 2)).toEqual([1, 2]);
  expect(add(1, [2])).toEqual([1, 2]);
});

it('names the types it cannot combine', () => {
  expect(() => subtract('a', 1)).toThrow('STRING - INTEGER');
  expect(() => add(true, 1)).toThrow(expect.objectContaining({ code: 'TypeError', detail: 'InvalidArgumentType' }));
  expect(() => negate('a')).toThrow(DbError);
  expect(() => negate(INT64_MIN)).toThrow(DbError);
});
