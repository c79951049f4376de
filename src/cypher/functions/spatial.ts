/** Points; and TuGraph's lines and polygons, which are texts: EWKB in hexadecimal digits. */
import { ewkbOf, pointOf, shapeFromBinary, shapeFromWkt, type Shape, type ShapeKind } from '../../value/ewkb.ts';
import { Point, distance, isSrid, makePoint, pointFromMap, withinBBox } from '../../value/spatial.ts';
import { invalidValue } from '../../value/value-errors.ts';
import { Float } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { alias, countArgument, doubleArgument, scalar, stringArgument, wrongArgument } from './function.ts';
import type { ScalarFunction } from './function.ts';

function asPoint(name: string, value: Value | undefined): Point {
  if (value instanceof Point) return value;
  throw wrongArgument(name, 'points', value);
}

/** `point({...})`, or TuGraph's `point(x, y[, srid])` and `point(ewkb)`. */
function point([first, y, srid]: Value[]): Value {
  if (y === undefined) {
    if (first instanceof Point) return first;
    if (first instanceof Map) return pointFromMap(first);
    if (typeof first === 'string') return stored(shapeFromBinary('POINT', first));
    throw wrongArgument('point', 'a map, two coordinates or a text in EWKB', first);
  }
  const system = srid === undefined ? 4326 : countArgument('point', srid);
  if (!isSrid(system) || system === 4979 || system === 9157) throw invalidValue(`${system} is not a reference system of two coordinates`);
  return makePoint(system, doubleArgument('point', first), doubleArgument('point', y));
}

function stored(shape: Shape): Value {
  return shape.kind === 'POINT' ? pointOf(shape) : ewkbOf(shape);
}

/** `linestringWKT(text[, srid])` and the like. */
function reader(kind: ShapeKind, form: 'WKT' | 'WKB'): ScalarFunction {
  const name = `${kind.toLowerCase()}${form}`;
  return scalar(name, ['STRING', 'INTEGER'], kind === 'POINT' ? 'POINT' : 'STRING', ([given, srid]) => {
    const text = stringArgument(name, given);
    const system = srid === undefined ? 4326 : countArgument(name, srid);
    return stored(form === 'WKT' ? shapeFromWkt(kind, text, system) : shapeFromBinary(kind, text, system));
  }, { min: 1 });
}

const pointDistance = scalar('point.distance', ['POINT', 'POINT'], 'FLOAT', ([a, b]) => {
  const metres = distance(asPoint('point.distance', a), asPoint('point.distance', b));
  return metres === null ? null : new Float(metres);
});

export const SPATIAL_FUNCTIONS: readonly ScalarFunction[] = [
  scalar('point', ['MAP|POINT|NUMBER|STRING', 'NUMBER', 'INTEGER'], 'POINT', point, { min: 1 }),
  scalar('linestring', ['STRING'], 'STRING', ([text]) => stored(shapeFromBinary('LINESTRING', stringArgument('linestring', text)))),
  scalar('polygon', ['STRING'], 'STRING', ([text]) => stored(shapeFromBinary('POLYGON', stringArgument('polygon', text)))),
  reader('POINT', 'WKT'), reader('POINT', 'WKB'), reader('LINESTRING', 'WKT'), reader('LINESTRING', 'WKB'), reader('POLYGON', 'WKT'), reader('POLYGON', 'WKB'),
  pointDistance,
  alias('distance', pointDistance),
  scalar('point.withinBBox', ['POINT', 'POINT', 'POINT'], 'BOOLEAN', (args) => {
    const [value, lowerLeft, upperRight] = args.map((arg) => asPoint('point.withinBBox', arg));
    return withinBBox(value!, lowerLeft!, upperRight!);
  }),
];
