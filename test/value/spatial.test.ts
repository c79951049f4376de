import { expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { Point, distance, makePoint, pointComponent, pointFromMap, withinBBox } from '../../src/value/spatial.ts';
import { Float } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';

const point = (object: Record<string, Value>): Point | null => pointFromMap(new Map(Object.entries(object)));

it.each<[Record<string, Value>, number]>([
  [{ x: 1, y: 2 }, 7203], [{ x: 1, y: 2, z: 3 }, 9157], [{ longitude: 1, latitude: 2 }, 4326], [{ longitude: 1, latitude: 2, height: 3 }, 4979],
  [{ x: 1, y: 2, crs: 'WGS-84' }, 4326], [{ x: 1, y: 2, srid: 4326 }, 4326], [{ x: 1, y: 2, z: 3, crs: 'wgs-84-3d' }, 4979],
])('point(%o) has the system %i', (components, srid) => {
  expect(point(components)?.srid).toBe(srid);
});

it.each<[Record<string, Value>]>([
  [{ x: 1 }], [{ x: 'a', y: 2 }], [{ x: 1, y: 2, crs: 'moon' }], [{ x: 1, y: 2, srid: 1 }], [{ x: 1, y: 2, srid: 9157 }], [{ x: 1, y: 2, foo: 3 }],
  [{ longitude: 1, latitude: 91 }], [{ longitude: 1, latitude: 2, crs: 'cartesian' }], [{ x: new Float(NaN), y: 2 }], [{ x: 1, y: 2, crs: 'cartesian', srid: 4326 }],
])('refuses point(%o)', (components) => {
  expect(() => point(components)).toThrow(DbError);
});

it('is null for a null coordinate', () => {
  expect(point({ x: null, y: 1 })).toBeNull();
});

it('measures straight on a plane and along the sphere on the earth', () => {
  expect(distance(makePoint(7203, 0, 0), makePoint(7203, 3, 4))).toBe(5);
  expect(distance(makePoint(9157, 0, 0, 0), makePoint(9157, 2, 3, 6))).toBe(7);
  const copenhagen = makePoint(4326, 12.564590, 55.672874);
  const malmo = makePoint(4326, 12.994341, 55.611784);
  expect(distance(copenhagen, malmo)).toBeCloseTo(27842, -1);
  expect(distance(makePoint(4979, 0, 0, 0), makePoint(4979, 0, 0, 100))).toBe(100);
  expect(distance(makePoint(4326, 1, 1), makePoint(7203, 1, 1))).toBeNull();
});

it('knows what lies in a box, across the 180th meridian too', () => {
  const box = [makePoint(4326, 170, -10), makePoint(4326, -170, 10)] as const;
  expect(withinBBox(makePoint(4326, 175, 0), ...box)).toBe(true);
  expect(withinBBox(makePoint(4326, -175, 0), ...box)).toBe(true);
  expect(withinBBox(makePoint(4326, 0, 0), ...box)).toBe(false);
  expect(withinBBox(makePoint(7203, 0, 0), ...box)).toBeNull();
});

it('wraps longitudes and shows its components', () => {
  const wrapped = makePoint(4326, 190, 5);
  expect(pointComponent(wrapped, 'longitude')).toEqual(new Float(-170));
  expect(pointComponent(wrapped, 'crs')).toBe('wgs-84');
  expect(pointComponent(new Point(7203, 1, 2), 'latitude')).toBeUndefined();
  expect(new Point(7203, 1, 2.5).toString()).toBe("point({x: 1.0, y: 2.5, crs: 'cartesian'})");
});
