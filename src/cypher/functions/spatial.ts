/** Points. */
import { Point, distance, isSrid, makePoint, pointFromMap, withinBBox } from '../../value/spatial.ts';
import { invalidValue } from '../../value/value-errors.ts';
import { Float } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { alias, countArgument, doubleArgument, scalar, wrongArgument } from './function.ts';
import type { ScalarFunction } from './function.ts';

function asPoint(name: string, value: Value | undefined): Point {
  if (value instanceof Point) return value;
  throw wrongArgument(name, 'points', value);
}

/** `point({...})`, or TuGraph's `point(x, y[, srid])`. */
function point([first, y, srid]: Value[]): Value {
  if (y === undefined) {
    if (first instanceof Point) return first;
    if (first instanceof Map) return pointFromMap(first);
    throw wrongArgument('point', 'a map or two coordinates', first);
  }
  const system = srid === undefined ? 4326 : countArgument('point', srid);
  if (!isSrid(system) || system === 4979 || system === 9157) throw invalidValue(`${system} is not a reference system of two coordinates`);
  return makePoint(system, doubleArgument('point', first), doubleArgument('point', y));
}

const pointDistance = scalar('point.distance', ['POINT', 'POINT'], 'FLOAT', ([a, b]) => {
  const metres = distance(asPoint('point.distance', a), asPoint('point.distance', b));
  return metres === null ? null : new Float(metres);
});

export const SPATIAL_FUNCTIONS: readonly ScalarFunction[] = [
  scalar('point', ['MAP|POINT|NUMBER', 'NUMBER', 'INTEGER'], 'POINT', point, { min: 1 }),
  pointDistance,
  alias('distance', pointDistance),
  scalar('point.withinBBox', ['POINT', 'POINT', 'POINT'], 'BOOLEAN', (args) => {
    const [value, lowerLeft, upperRight] = args.map((arg) => asPoint('point.withinBBox', arg));
    return withinBBox(value!, lowerLeft!, upperRight!);
  }),
];
