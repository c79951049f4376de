import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES, findFunction } from '../../../src/cypher/functions/index.ts';
import { NodeValue, PathValue } from '../../../src/value/value.ts';
import type { Value } from '../../../src/value/value.ts';
import { Point } from '../../../src/value/spatial.ts';
import { ann, bob, call, context, f, knows, map } from './call.ts';

const NAN = f(Number.NaN);

describe('results', () => {
  it.each<[string, Value[], Value]>([
    // numbers
    ['abs', [-5], 5], ['abs', [f(-1.5)], f(1.5)], ['abs', [-(2n ** 62n)], 2n ** 62n], ['sign', [f(-0.5)], -1], ['sign', [0], 0], ['ceil', [f(0.1)], f(1)],
    ['floor', [f(-0.1)], f(-1)], ['ceiling', [1], f(1)], ['round', [f(0.5)], f(1)], ['round', [f(-1.5)], f(-1)], ['round', [f(-0.2)], f(0)], ['round', [f(2.675), 2], f(2.68)],
    ['round', [f(-2.5), 0], f(-3)], ['round', [f(2.55), 1, 'HALF_DOWN'], f(2.5)], ['round', [f(2.45), 1, 'HALF_EVEN'], f(2.4)], ['round', [f(1.41), 1, 'UP'], f(1.5)],
    ['round', [f(-1.41), 1, 'CEILING'], f(-1.4)], ['round', [f(1e300), 2], f(1e300)], ['sqrt', [f(12.96)], f(3.6)], ['sqrt', [-1], NAN], ['isNaN', [NAN], true], ['isNaN', [1], false],
    ['atan2', [0, 1], f(0)], ['log10', [1000], f(3)], ['e', [], f(Math.E)], ['haversin', [0], f(0)], ['degrees', [f(Math.PI)], f(180)],
    // strings
    ['toUpper', ['aé'], 'AÉ'], ['upper', ['a'], 'A'], ['toLower', ['AB'], 'ab'], ['substring', ['0123456789', 1], '123456789'], ['substring', ['0123', 1, 2], '12'],
    ['substring', ['a😀b', 1, 1], '😀'], ['left', ['hello', 2], 'he'], ['left', ['hi', 9], 'hi'], ['right', ['hello', 2], 'lo'], ['right', ['hi', 9], 'hi'],
    ['trim', ['  a '], 'a'], ['ltrim', ['  a '], 'a '], ['rtrim', ['  a '], '  a'], ['trim', ['xxaxx', 'x'], 'a'], ['replace', ['hello', 'l', 'w'], 'hewwo'],
    ['replace', ['aaa', 'a', 'b', 2], 'bba'], ['replace', ['ab', '', '-'], '-a-b-'], ['split', ['one1two', '1'], ['one', 'two']], ['split', ['a,b;c', [',', ';']], ['a', 'b', 'c']],
    ['split', ['ab', ''], ['a', 'b']], ['reverse', ['a😀b'], 'b😀a'], ['reverse', [[1, 2]], [2, 1]], ['char_length', ['a😀'], 2], ['normalize', ['e\u0301'], 'é'],
    ['concat', ['a', 'b', 'c'], 'abc'], ['mask', ['13800000000', 4, 7], '138****0000'], ['mask', ['abc', 1, 2, '#'], '##c'],
    // lists
    ['size', [[1, 2, 3]], 3], ['size', ['a😀'], 2], ['head', [[1, 2]], 1], ['head', [[]], null], ['last', [[1, 2]], 2], ['tail', [[1, 2, 3]], [2, 3]], ['tail', [[]], []],
    ['range', [0, 3], [0, 1, 2, 3]], ['range', [0, -1], []], ['range', [10, -10, -3], [10, 7, 4, 1, -2, -5, -8]], ['range', [0, 1, -1], []], ['range', [1381, -3412, -1298], [1381, 83, -1215, -2513]],
    ['range', [2n ** 62n, 2n ** 62n + 1n], [2n ** 62n, 2n ** 62n + 1n]], ['coalesce', [null, 2, 3], 2], ['coalesce', [null], null], ['isEmpty', [[]], true], ['isEmpty', [map({ a: 1 })], false],
    ['nullIf', [1, 1], null], ['nullIf', [1, 2], 1], ['nullIf', [null, 1], null], ['exists', [null], false], ['isAsc', [[1, 2, 3]], true], ['isAsc', [[1, 1]], false], ['isDesc', [[3, 1]], true],
    ['hasDuplicates', [[1, f(1)]], true], ['maxInList', [[1, 5, 2]], 5], ['minInList', [[1, 5, null]], 1],
    // conversion
    ['toInteger', ['42'], 42], ['toInteger', ['2.9'], 2], ['toInteger', [f(-2.9)], -2], ['toInteger', ['foo'], null], ['toInteger', ['9223372036854775807'], 2n ** 63n - 1n],
    ['toInteger', ['9223372036854775808'], null], ['toInteger', ['1e3'], 1000], ['toFloat', ['5'], f(5)], ['toFloat', [3], f(3)], ['toFloat', ['foo'], null], ['toFloat', [''], null],
    ['toBoolean', ['TRUE'], true], ['toBoolean', [' tru '], null], ['toBoolean', [0], false], ['toString', [f(2.3)], '2.3'], ['toString', [true], 'true'], ['toString', [42], '42'],
    ['toIntegerOrNull', [[]], null], ['toStringOrNull', [map({})], null], ['toIntegerList', [['1', 'x', true, null]], [1, null, 1, null]], ['toFloatList', [[1, 'x']], [f(1), null]],
    ['valueType', [1], 'INTEGER NOT NULL'], ['valueType', [null], 'NULL'], ['valueType', [[1, 'a']], 'LIST<STRING NOT NULL | INTEGER NOT NULL> NOT NULL'], ['bin', ['AQI='], new Uint8Array([1, 2])],
    // graph
    ['id', [knows], 5], ['elementId', [ann], '0'], ['labels', [ann], ['Person', 'Dog']], ['label', [bob], 'Person'], ['label', [knows], 'KNOWS'], ['type', [knows], 'KNOWS'],
    ['keys', [ann], ['name']], ['keys', [knows], ['since']], ['keys', [map({ a: null })], ['a']], ['properties', [bob], map({ name: 'Bob' })], ['startNode', [knows], ann], ['endNode', [knows], bob],
    ['nodes', [new PathValue([ann, bob], [knows])], [ann, bob]], ['relationships', [new PathValue([ann, bob], [knows])], [knows]], ['length', [new PathValue([ann, bob], [knows])], 1],
    ['euid', [knows], '0_1_0_0_5'], ['getMemberProp', [[ann, bob], 'name'], ['Ann', 'Bob']], ['getMemberProp', [[ann], 'nothing'], [null]],
    // points
    ['point', [map({ x: 1, y: 2 })], new Point(7203, 1, 2)], ['point', [1, 2], new Point(4326, 1, 2)], ['point', [map({ x: null, y: 2 })], null],
    ['point.distance', [new Point(7203, 0, 0), new Point(7203, 3, 4)], f(5)], ['distance', [new Point(7203, 0, 0), new Point(4326, 3, 4)], null],
    ['point.withinBBox', [new Point(7203, 1, 1), new Point(7203, 0, 0), new Point(7203, 2, 2)], true],
    // time
    ['timestamp', [], 1709209815123], ['dateComponent', [0, 'year'], 1970], ['datetimeComponent', [1_000_001, 'microsecond'], 1],
  ])('%s(%o)', (name, args, expected) => {
    expect(call(name, ...args)).toEqual(expected);
  });
});

it.each<[string, Value[], string]>([
  ['date', [], '2024-02-29'], ['localtime', [], '12:30:15.123456789'], ['time', [], '12:30:15.123456789Z'], ['localdatetime', [], '2024-02-29T12:30:15.123456789'],
  ['datetime', [], '2024-02-29T12:30:15.123456789Z'], ['datetime.transaction', [], '2024-02-29T12:30:14.123Z'], ['datetime.statement', ['Asia/Tokyo'], '2024-02-29T21:30:15.123456789+09:00[Asia/Tokyo]'],
  ['datetime', [map({ timezone: 'America/Los Angeles' })], '2024-02-29T04:30:15.123456789-08:00[America/Los_Angeles]'], ['date', ['2015-W30'], '2015-07-20'],
  ['datetime.fromEpoch', [416779, 999999999], '1970-01-05T19:46:19.999999999Z'], ['datetime.fromepochmillis', [237821673987], '1977-07-15T13:34:33.987Z'],
  ['date.truncate', ['quarter', call('date', '1984-11-11')], '1984-10-01'], ['time.truncate', ['hour', call('localtime', '12:31'), map({ timezone: '+01:00' })], '12:00+01:00'],
  ['duration', [map({ days: 1, hours: 36 })], 'P1DT36H'], ['duration.inDays', [call('date', '1984-10-11'), call('date', '2015-06-24')], 'P11213D'],
])('%s(%o) is %s', (name, args, expected) => {
  expect(String(call(name, ...args))).toBe(expected);
});

describe('mistakes', () => {
  it.each<[string, Value[], string, string]>([
    ['toInteger', [[]], 'TypeError', 'InvalidArgumentValue'], ['toBoolean', [f(1)], 'TypeError', 'InvalidArgumentValue'], ['toFloat', [[]], 'TypeError', 'InvalidArgumentValue'],
    ['toString', [ann], 'TypeError', 'InvalidArgumentValue'], ['labels', [1], 'TypeError', 'InvalidArgumentValue'], ['type', [''], 'TypeError', 'InvalidArgumentValue'],
    ['range', [2, 8, 0], 'ArgumentError', 'NumberOutOfRange'], ['range', [f(0), 1, 1], 'ArgumentError', 'InvalidArgumentType'], ['range', [0, 1e9], 'MemoryLimit', ''],
    ['substring', ['a', -1], 'ArgumentError', 'NegativeIntegerArgument'], ['left', ['a', -1], 'ArgumentError', 'NegativeIntegerArgument'], ['labels', [new NodeValue(9)], 'EntityNotFound', 'DeletedEntityAccess'],
    ['abs', [-(2n ** 63n)], 'ArithmeticError', 'NumberOutOfRange'], ['abs', ['a'], 'TypeError', 'InvalidArgumentValue'], ['round', [1, -1], 'ArgumentError', 'NumberOutOfRange'],
    ['round', [1, 1, 'X'], 'ArgumentError', 'InvalidArgumentValue'], ['date', ['x'], 'ArgumentError', 'InvalidArgumentValue'], ['date', [1], 'TypeError', 'InvalidArgumentType'],
    ['duration.between', [1, 2], 'TypeError', 'InvalidArgumentValue'], ['toInteger', [f(1e300)], 'ArgumentError', 'NumberOutOfRange'], ['maxInList', [[]], 'ArgumentError', 'InvalidArgumentValue'],
  ])('%s(%o): %s %s', (name, args, code, detail) => {
    expect(() => call(name, ...args)).toThrow(expect.objectContaining(detail === '' ? { code } : { code, detail }));
  });
});

describe('the registry', () => {
  it('finds names in any case', () => {
    expect(findFunction('DURATION.INSECONDS')?.name).toBe('duration.inSeconds');
    expect(findFunction('toupper')?.name).toBe('toUpper');
    expect(findFunction('nothing')).toBeUndefined();
  });

  it('has each name once', () => {
    expect(new Set(FUNCTION_NAMES.map((name) => name.toLowerCase())).size).toBe(FUNCTION_NAMES.length);
  });

  it('gives null for null, but where null is the question', () => {
    const seeing = ['coalesce', 'nullIf', 'exists', 'valueType'];
    for (const name of FUNCTION_NAMES) {
      const definition = findFunction(name)!;
      const count = Math.min(Math.max(definition.minArgs, 1), definition.maxArgs);
      if (count === 0 || seeing.includes(name)) continue;
      expect([name, definition.call(Array.from({ length: count }, () => null), context)]).toEqual([name, null]);
    }
  });

  it('makes random numbers and UUIDs from the statement\'s seed', () => {
    expect(call('randomUUID')).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect((call('rand') as { value: number }).value).toBeLessThan(1);
  });
});
