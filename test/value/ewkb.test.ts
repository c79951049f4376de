import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ewkbOf, shapeFromBinary, shapeFromHex, shapeFromWkt, type Shape } from '../../src/value/ewkb.ts';

const LINE = '0102000020231C00000300000000000000000000000000000000000040000000000000F03F000000000000F03F00000000000000400000000000000000';

it("writes lines as TuGraph's documentation shows them", () => {
  const shape = shapeFromWkt('LINESTRING', 'LINESTRING(0 2,1 1,2 0)', 7203);
  expect(ewkbOf(shape)).toBe(LINE);
  expect(shapeFromBinary('LINESTRING', LINE)).toEqual(shape);
});

it('reads big-endian bytes, and WKB with its reference system beside it', () => {
  expect(shapeFromBinary('POINT', '002000000100001C233FF00000000000004000000000000000')).toEqual({ kind: 'POINT', srid: 7203, parts: [[[1, 2]]] });
  expect(shapeFromBinary('POINT', '0101000000000000000000F03F0000000000000040', 4326)).toEqual({ kind: 'POINT', srid: 4326, parts: [[[1, 2]]] });
});

it('tells from the digits what they are; without a reference system it is 4326', () => {
  expect(shapeFromHex(LINE.toLowerCase())).toEqual(shapeFromBinary('LINESTRING', LINE));
  expect(shapeFromHex('0101000000000000000000F03F0000000000000040')).toEqual({ kind: 'POINT', srid: 4326, parts: [[[1, 2]]] });
  const long: Shape = { kind: 'LINESTRING', srid: 7203, parts: [Array.from({ length: 300_000 }, (_, i) => [i, -i] as const)] };
  expect(shapeFromHex(ewkbOf(long))).toEqual(long);
  for (const text of ['', 'x', '0', '01', '0104000000', LINE.slice(2), LINE.slice(0, -2), `${LINE}00`]) expect(() => shapeFromHex(text), text).toThrow('InvalidArgumentValue');
});

const position = fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, noDefaultInfinity: true }));
const ring = fc.array(position, { minLength: 3, maxLength: 6 }).map((open) => [...open, open[0]!]);
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.record({ kind: fc.constant('POINT' as const), srid: fc.constantFrom(4326 as const, 7203 as const), parts: position.map((one) => [[one]]) }),
  fc.record({ kind: fc.constant('LINESTRING' as const), srid: fc.constant(4326 as const), parts: fc.array(position, { minLength: 2, maxLength: 6 }).map((line) => [line]) }),
  fc.record({ kind: fc.constant('POLYGON' as const), srid: fc.constant(7203 as const), parts: fc.array(ring, { minLength: 1, maxLength: 3 }) }),
);

function wkt({ kind, parts }: Shape): string {
  const texts = parts.map((part) => part.map(([x, y]) => `${x} ${y}`).join(' , '));
  return kind === 'POLYGON' ? ` polygon ( ${texts.map((text) => `(${text})`).join(' ,')} )` : `${kind}(${texts[0]!})`;
}

it('reads what it writes, and the same from WKT', () => {
  fc.assert(fc.property(shape, (given) => {
    const plain: Shape = { ...given, parts: given.parts.map((part) => part.map(([x, y]) => [x + 0, y + 0] as const)) };
    expect(shapeFromBinary(given.kind, ewkbOf(plain).toLowerCase())).toEqual(plain);
    expect(shapeFromWkt(given.kind, wkt(plain), given.srid)).toEqual(plain);
  }));
});

it.each<[Shape['kind'], string]>([
  ['POINT', 'POINT(1)'], ['POINT', 'POINT(1 2, 3 4)'], ['POINT', 'POINT(1 2 3)'], ['POINT', 'POINT(a b)'], ['POINT', 'LINESTRING(0 0, 1 1)'], ['POINT', ''], ['POINT', 'POINT(1e999 0)'],
  ['LINESTRING', 'LINESTRING(0 0)'], ['LINESTRING', 'LINESTRING()'], ['LINESTRING', 'LINESTRING(0 0, 1 1'], ['POLYGON', 'POLYGON(0 0, 1 0, 1 1, 0 0)'],
  ['POLYGON', 'POLYGON((0 0, 1 0, 0 0))'], ['POLYGON', 'POLYGON((0 0, 1 0, 1 1, 0 1))'], ['POLYGON', 'POLYGON((0 0, 1 0, 1 1, 0 0)'], ['POLYGON', 'POLYGON((0 0, 1 0, 1 1, 0 0),)'],
  ['POLYGON', 'POLYGON()'], ['POLYGON', 'POLYGON((0 0, 1 0, 1 1, 0 0) (0 0, 1 0, 1 1, 0 0))'],
])('refuses %s from %s', (kind, text) => {
  expect(() => shapeFromWkt(kind, text, 7203)).toThrow(/InvalidArgumentValue/);
});

it('refuses bytes that are cut, go on, claim too much, or are something else', () => {
  for (let at = 0; at < LINE.length; at++) expect(() => shapeFromBinary('LINESTRING', LINE.slice(0, at))).toThrow(/InvalidArgumentValue/);
  for (const text of [`${LINE}00`, `02${LINE.slice(2)}`, `${LINE.slice(0, 18)}FFFFFFFF${LINE.slice(26)}`, LINE.replace('231C0000', '241C0000'), LINE.replace('F03F', 'F07F')]) {
    expect(() => shapeFromBinary('LINESTRING', text)).toThrow(/InvalidArgumentValue/);
  }
  expect(() => shapeFromBinary('POINT', LINE)).toThrow(/POINT in EWKB/);
  expect(() => shapeFromBinary('LINESTRING', LINE, 4326)).toThrow(/LINESTRING in WKB/);
});
