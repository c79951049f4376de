import { expect, it } from 'vitest';
import { AGGREGATE_NAMES, findAggregate } from '../../../src/cypher/functions/index.ts';
import { parseDuration } from '../../../src/value/temporal-parse.ts';
import type { Value } from '../../../src/value/value.ts';
import { aggregate, f } from './call.ts';

const rows = (...values: Value[]): Value[][] => values.map((value) => [value]);
const at = (percentile: Value, ...values: Value[]): Value[][] => values.map((value) => [value, percentile]);

it.each<[string, Value[][], Value]>([
  ['count', rows(1, null, 'a'), 2], ['count', [], 0], ['sum', rows(33, null, 42), 75], ['sum', [], 0], ['sum', rows(1, f(0.5)), f(1.5)], ['avg', rows(1, 2, null), f(1.5)], ['avg', [], null],
  ['avg', rows(...Array.from({ length: 10 }, () => f(0.1))), f(0.1)], ['max', rows(1, 2, 0, null, -1), 2], ['min', rows(1, 2, 0, null, -1), -1], ['max', rows(1, f(2), 5, null, f(3.2)), 5],
  ['max', rows('a', 'b', 'B', null, 'abc1'), 'b'], ['min', rows('a', 'b', 'B'), 'B'], ['max', rows([1], [2], [2, 1]), [2, 1]], ['max', rows(1, 'a', null, [1, 2], f(0.2), 'b'), 1],
  ['min', rows(1, 'a', null, [1, 2], f(0.2), 'b'), [1, 2]], ['min', [], null], ['collect', rows(1, null, [2]), [1, [2]]], ['collect', [], []],
  ['avg', rows(f(1e308), f(1e308), f(1.6e308), -1), f(0.9e308)], ['avg', rows(f(1e308), f(1e308), f(-1e308), f(-1e308)), f(0)], ['avg', rows(f(Infinity), 1), f(Infinity)],
  ['stDev', rows(1, 2, 3), f(1)], ['stDevP', rows(2, 4), f(1)], ['stDev', rows(1), f(0)], ['variance', rows(1, 2, 3), f(1)], ['varianceP', rows(2, 4), f(1)],
  ['percentileDisc', at(f(0), f(10), f(20), f(30)), f(10)], ['percentileDisc', at(f(0.5), f(10), f(20), f(30)), f(20)], ['percentileDisc', at(1, 30, 10, 20), 30],
  ['percentileCont', at(f(0.5), 10, 20, 30), f(20)], ['percentileCont', at(f(0.4), 10, 20), f(14)], ['percentileCont', at(f(1), f(10), f(20)), f(20)], ['percentileCont', [], null],
])('%s of %o', (name, input, expected) => {
  expect(aggregate(name, input)).toEqual(expected);
});

it('adds durations, and averages them', () => {
  expect(String(aggregate('sum', rows(parseDuration('P1D'), parseDuration('PT1H'))))).toBe('P1DT1H');
  expect(String(aggregate('avg', rows(parseDuration('P1D'), parseDuration('P2D'))))).toBe('P1DT12H');
});

it('refuses what it cannot total', () => {
  expect(() => aggregate('sum', rows('a'))).toThrow(expect.objectContaining({ code: 'TypeError', detail: 'InvalidArgumentType' }));
  expect(() => aggregate('sum', rows(2n ** 62n, 2n ** 62n))).toThrow(expect.objectContaining({ code: 'ArithmeticError' }));
  for (const name of ['percentileDisc', 'percentileCont']) {
    expect(() => aggregate(name, at(null, 1, 2))).toThrow(expect.objectContaining({ code: 'TypeError', detail: 'InvalidArgumentType' }));
    expect(aggregate(name, at(null, null))).toBe(null);
  }
  for (const wrong of [1000, -1, f(1.1)]) {
    for (const name of ['percentileDisc', 'percentileCont']) {
      expect(() => aggregate(name, at(wrong, 1))).toThrow(expect.objectContaining({ code: 'ArgumentError', detail: 'NumberOutOfRange' }));
    }
  }
});

it('says how much it holds', () => {
  const collect = findAggregate('COLLECT')!.create();
  const before = collect.bytes;
  collect.add(['x'.repeat(1000)]);
  expect(collect.bytes - before).toBeGreaterThan(900);
  expect(AGGREGATE_NAMES).toContain('percentileCont');
});
