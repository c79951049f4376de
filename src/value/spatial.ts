/**
 * POINT: two or three coordinates in one of four reference systems.
 *
 *   srid 4326  wgs-84         longitude, latitude (degrees)
 *   srid 4979  wgs-84-3d      and height (metres)
 *   srid 7203  cartesian      x, y
 *   srid 9157  cartesian-3d   and z
 *
 * Distances: straight line for cartesian points, haversine on a sphere of 6,378,140 m for geographic ones (the figures of
 * Neo4j, so that queries give the same numbers). Points of different systems have no distance.
 */
import { Float, isNumber } from './value.ts';
import type { CypherMap, Value } from './value.ts';
import { invalidType, invalidValue } from './value-errors.ts';

export type Srid = 4326 | 4979 | 7203 | 9157;

const EARTH_RADIUS_METRES = 6_378_140;

const NAMES: ReadonlyMap<number, string> = new Map([[4326, 'wgs-84'], [4979, 'wgs-84-3d'], [7203, 'cartesian'], [9157, 'cartesian-3d']]);

export class Point {
  readonly srid: Srid;
  readonly x: number;
  readonly y: number;
  readonly z: number | undefined;

  constructor(srid: Srid, x: number, y: number, z?: number) {
    this.srid = srid;
    this.x = x;
    this.y = y;
    this.z = z;
  }

  get crs(): string {
    return NAMES.get(this.srid)!;
  }

  get isGeographic(): boolean {
    return this.srid === 4326 || this.srid === 4979;
  }

  equals(other: Point): boolean {
    return this.srid === other.srid && this.x === other.x && this.y === other.y && this.z === other.z;
  }

  /** For ORDER BY: by system, then coordinate by coordinate. */
  compareTo(other: Point): number {
    return this.srid - other.srid || order(this.x, other.x) || order(this.y, other.y) || order(this.z ?? 0, other.z ?? 0);
  }

  toString(): string {
    const z = this.z === undefined ? '' : `, z: ${decimal(this.z)}`;
    return `point({x: ${decimal(this.x)}, y: ${decimal(this.y)}${z}, crs: '${this.crs}'})`;
  }
}

/** Not a difference: infinities would give NaN. */
function order(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function decimal(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? value.toFixed(1) : String(value);
}

export function isSrid(value: number): value is Srid {
  return NAMES.has(value);
}

/** A point with checked coordinates. Longitudes beyond ±180 wrap around; latitudes beyond ±90 are a mistake. */
export function makePoint(srid: Srid, x: number, y: number, z?: number): Point {
  if (!Number.isFinite(x) || !Number.isFinite(y) || (z !== undefined && !Number.isFinite(z))) {
    throw invalidValue('the coordinates of a point must be finite');
  }
  if (srid !== 4326 && srid !== 4979) return new Point(srid, x, y, z);
  if (Math.abs(y) > 90) throw invalidValue(`a latitude must be between -90 and 90, but is ${y}`);
  return new Point(srid, Math.abs(x) > 180 ? wrapLongitude(x) : x, y, z);
}

function wrapLongitude(x: number): number {
  const wrapped = (((x + 180) % 360) + 360) % 360 - 180;
  return wrapped === -180 && x > 0 ? 180 : wrapped;
}

const KEYS = new Set(['x', 'y', 'z', 'longitude', 'latitude', 'height', 'crs', 'srid']);

/** `point({...})`. Null when a coordinate is null. */
export function pointFromMap(map: CypherMap): Point | null {
  for (const key of map.keys()) {
    if (!KEYS.has(key)) throw invalidValue(`point() does not know the key '${key}'`);
  }
  for (const key of KEYS) {
    if (map.get(key) === null) return null;
  }
  const geographic = map.has('longitude') || map.has('latitude') || map.has('height');
  const x = coordinate(map, map.has('longitude') ? 'longitude' : 'x');
  const y = coordinate(map, map.has('latitude') ? 'latitude' : 'y');
  const z = coordinate(map, map.has('height') ? 'height' : 'z');
  if (x === undefined || y === undefined) {
    throw invalidValue('a point needs x and y, or longitude and latitude');
  }
  return makePoint(chooseSrid(map, geographic, z !== undefined), x, y, z);
}

function coordinate(map: CypherMap, key: string): number | undefined {
  const value = map.get(key);
  if (value === undefined) return undefined;
  if (!isNumber(value)) throw invalidType(`${key} of a point must be a number`);
  return value instanceof Float ? value.value : Number(value);
}

function chooseSrid(map: CypherMap, geographic: boolean, threeD: boolean): Srid {
  const srid = namedSrid(map.get('crs'), map.get('srid'));
  if (srid === undefined) {
    if (geographic) return threeD ? 4979 : 4326;
    return threeD ? 9157 : 7203;
  }
  if (geographic && srid !== 4326 && srid !== 4979) {
    throw invalidValue(`longitude and latitude do not go with the reference system ${NAMES.get(srid)!}`);
  }
  if ((srid === 4979 || srid === 9157) !== threeD) {
    throw invalidValue(`the reference system ${NAMES.get(srid)!} needs ${threeD ? 2 : 3} coordinates`);
  }
  return srid;
}

function namedSrid(crs: Value | undefined, number: Value | undefined): Srid | undefined {
  let srid: Srid | undefined;
  if (crs !== undefined) {
    if (typeof crs !== 'string') throw invalidType('crs of a point must be a string');
    const found = [...NAMES].find(([, name]) => name === crs.toLowerCase());
    if (found === undefined) throw invalidValue(`unknown coordinate reference system '${crs}'`);
    srid = found[0] as Srid;
  }
  if (number !== undefined) {
    if (typeof number !== 'number') throw invalidType('srid of a point must be an integer');
    if (!isSrid(number)) throw invalidValue(`unknown spatial reference identifier ${number}`);
    if (srid !== undefined && srid !== number) throw invalidValue('crs and srid of the point name different systems');
    srid = number;
  }
  return srid;
}

/** Null when the points are of different systems. */
export function distance(a: Point, b: Point): number | null {
  if (a.srid !== b.srid) return null;
  const dz = (a.z ?? 0) - (b.z ?? 0);
  if (!a.isGeographic) return Math.hypot(a.x - b.x, a.y - b.y, dz);
  const radius = EARTH_RADIUS_METRES + ((a.z ?? 0) + (b.z ?? 0)) / 2;
  const radians = Math.PI / 180;
  const latitude = Math.sin(((b.y - a.y) * radians) / 2) ** 2;
  const longitude = Math.sin(((b.x - a.x) * radians) / 2) ** 2;
  const chord = latitude + Math.cos(a.y * radians) * Math.cos(b.y * radians) * longitude;
  const surface = 2 * radius * Math.asin(Math.min(1, Math.sqrt(chord)));
  return a.z === undefined ? surface : Math.hypot(surface, dz);
}

/** Whether the point lies in the box, edges included. A geographic box may cross the 180th meridian. Null for mixed systems. */
export function withinBBox(point: Point, lowerLeft: Point, upperRight: Point): boolean | null {
  if (point.srid !== lowerLeft.srid || point.srid !== upperRight.srid) return null;
  const inside = (value: number, lower: number, upper: number): boolean => value >= lower && value <= upper;
  if (!inside(point.y, lowerLeft.y, upperRight.y)) return false;
  if (point.z !== undefined && !inside(point.z, lowerLeft.z ?? 0, upperRight.z ?? 0)) return false;
  if (point.isGeographic && lowerLeft.x > upperRight.x) return point.x >= lowerLeft.x || point.x <= upperRight.x;
  return inside(point.x, lowerLeft.x, upperRight.x);
}

/** A component as a property (`p.x`, `p.latitude`, `p.crs`); undefined when points of this system have no such. */
export function pointComponent(point: Point, name: string): Value | undefined {
  switch (name) {
    case 'x': return new Float(point.x);
    case 'y': return new Float(point.y);
    case 'z': return point.z === undefined ? undefined : new Float(point.z);
    case 'longitude': return point.isGeographic ? new Float(point.x) : undefined;
    case 'latitude': return point.isGeographic ? new Float(point.y) : undefined;
    case 'height': return point.isGeographic && point.z !== undefined ? new Float(point.z) : undefined;
    case 'crs': return point.crs;
    case 'srid': return point.srid;
    default: return undefined;
  }
}
