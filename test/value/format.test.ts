import { expect, it } from 'vitest';
import { formatFloat, formatLiteral, formatValue, jsonText, typeName } from '../../src/value/format.ts';
import { Float, NodeValue, PathValue, RelationshipValue } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalDate } from '../../src/value/temporal.ts';

const map = (object: Record<string, Value>): Map<string, Value> => new Map(Object.entries(object));
const a = new NodeValue(1, ['A', 'B'], map({ x: 1 }));
const b = new NodeValue(2, [], map({}));
const r = new RelationshipValue(7, 3, 2, 1, 'KNOWS', map({ since: new Float(2) }));

it.each<[number, string]>([
  [1, '1.0'], [1.5, '1.5'], [0, '0.0'], [-0, '-0.0'], [1e7, '1.0E7'], [12345678.9, '1.23456789E7'], [9999999, '9999999.0'], [0.001, '0.001'],
  [0.0001, '1.0E-4'], [NaN, 'NaN'], [Infinity, 'Infinity'], [-1e-6, '-1.0E-6'],
])('%d is %s', (value, text) => {
  expect(formatFloat(value)).toBe(text);
});

it('writes values as Cypher does', () => {
  expect(formatValue('it')).toBe('it');
  expect(formatLiteral([1, "it's", null, new Float(2), map({ a: true, 'b c': [] })])).toBe("[1, 'it\\'s', null, 2.0, {a: true, `b c`: []}]");
  expect(formatValue(a)).toBe('(:A:B {x: 1})');
  expect(formatValue(b)).toBe('()');
  expect(formatValue(new PathValue([a, b], [r]))).toBe('<(:A:B {x: 1})<-[:KNOWS {since: 2.0}]-()>');
  expect(formatValue(LocalDate.of(1984, 10, 11))).toBe('1984-10-11');
});

it('writes JSON that loses nothing', () => {
  expect(jsonText([1, 2n ** 62n, new Float(30), new Float(NaN), 'a"b', null, new Uint8Array([1, 2])])).toBe('[1,4611686018427387904,30.0,"NaN","a\\"b",null,"AQI="]');
  expect(jsonText(a)).toBe('{"identity":1,"label":"A","labels":["A","B"],"properties":{"x":1}}');
  expect(JSON.parse(jsonText(new PathValue([a, b], [r])))).toEqual([
    { identity: 1, label: 'A', labels: ['A', 'B'], properties: { x: 1 } },
    { dst: 1, forward: false, identity: 7, label: 'KNOWS', label_id: 3, properties: { since: 2 }, src: 2, temporal_id: 0 },
    { identity: 2, label: '', properties: {} },
  ]);
});

it('names types', () => {
  expect([null, true, 1, 2n ** 62n, new Float(1), 'a', [], map({}), a, r, LocalDate.of(1, 1, 1)].map(typeName)).toEqual(
    ['NULL', 'BOOLEAN', 'INTEGER', 'INTEGER', 'FLOAT', 'STRING', 'LIST', 'MAP', 'NODE', 'RELATIONSHIP', 'DATE'],
  );
});
