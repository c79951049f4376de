/**
 * Shapes of two coordinates as TuGraph writes them: EWKB in hexadecimal digits, in capitals.
 *
 *   | byte order 01 | type u32 + 0x20000000 | srid u32 | what follows |      little endian; big endian is read too
 *   point: x f64, y f64 · line: count u32, points · polygon: count u32, rings, each a count u32 and points
 *
 * WKB is the same without the SRID and its flag. A ring is closed: its last point is its first.
 */
import { isSrid, makePoint, type Point, type Srid } from './spatial.ts';
import { invalidValue } from './value-errors.ts';

export type ShapeKind = 'POINT' | 'LINESTRING' | 'POLYGON';
type Position = readonly [number, number];

export interface Shape {
  readonly kind: ShapeKind;
  readonly srid: Srid;
  /** One of one point, one line, or one for each ring. */
  readonly parts: readonly (readonly Position[])[];
}

const KINDS: readonly ShapeKind[] = ['POINT', 'LINESTRING', 'POLYGON'];
const SRID_FLAG = 0x20000000;

export function ewkbOf({ kind, srid, parts }: Shape): string {
  const points = parts.reduce((sum, part) => sum + part.length, 0);
  const counts = kind === 'POINT' ? 0 : kind === 'LINESTRING' ? 1 : 1 + parts.length;
  const bytes = Buffer.alloc(9 + 4 * counts + 16 * points);
  let at = bytes.writeUInt8(1, 0);
  at = bytes.writeUInt32LE(KINDS.indexOf(kind) + 1 + SRID_FLAG, at);
  at = bytes.writeUInt32LE(srid, at);
  if (kind === 'POLYGON') at = bytes.writeUInt32LE(parts.length, at);
  for (const part of parts) {
    if (kind !== 'POINT') at = bytes.writeUInt32LE(part.length, at);
    for (const position of part) for (const each of position) at = bytes.writeDoubleLE(each, at);
  }
  return bytes.toString('hex').toUpperCase();
}

/** `POINT(1 2)`, `LINESTRING(0 0, 1 1)`, `POLYGON((0 0, 1 0, 1 1, 0 0))`. */
export function shapeFromWkt(kind: ShapeKind, wkt: string, srid: number): Shape {
  const [, name, inner] = /^\s*([A-Za-z]+)\s*\(([^]*)\)\s*$/.exec(wkt) ?? [];
  if (name?.toUpperCase() !== kind) throw unreadable(kind, wkt, 'WKT');
  const rings = kind === 'POLYGON' ? inner!.split(/\)\s*,/).map((ring) => /^\s*\(([^()]*)\)?\s*$/.exec(ring)?.[1] ?? '') : [inner!];
  if (kind === 'POLYGON' && !/\)\s*$/.test(inner!)) throw unreadable(kind, wkt, 'WKT');
  return checked({ kind, srid: sridOf(srid), parts: rings.map((ring) => ring.split(',').map(positionOf)) }, wkt, 'WKT');
}

const NUMBER = String.raw`([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)`;
const POSITION = new RegExp(String.raw`^\s*${NUMBER}\s+${NUMBER}\s*$`);

function positionOf(text: string): Position {
  const found = POSITION.exec(text);
  return found === null ? [NaN, NaN] : [Number(found[1]), Number(found[2])];
}

/** From hexadecimal digits: EWKB, or WKB where its reference system is given beside it. */
export function shapeFromBinary(kind: ShapeKind, hex: string, srid?: number): Shape {
  const form = srid === undefined ? 'EWKB' : 'WKB';
  const reader = new Reader(bytesOf(hex));
  if (reader.u32() !== KINDS.indexOf(kind) + 1 + (srid === undefined ? SRID_FLAG : 0)) throw unreadable(kind, hex, form);
  const system = sridOf(srid ?? reader.u32());
  const parts: Position[][] = [];
  for (let left = kind === 'POLYGON' ? reader.u32() : 1; left > 0 && !reader.failed; left--) parts.push(reader.positions(kind === 'POINT' ? 1 : reader.u32()));
  if (!reader.isDone) throw unreadable(kind, hex, form);
  return checked({ kind, srid: system, parts }, hex, form);
}

/** From hexadecimal digits that say themselves what they are: EWKB, or WKB, which is of 4326. */
export function shapeFromHex(hex: string): Shape {
  const type = new Reader(bytesOf(hex)).u32();
  const kind = KINDS[type - 1] ?? KINDS[type - SRID_FLAG - 1];
  if (kind === undefined) throw unreadable('shape', hex, 'EWKB');
  return shapeFromBinary(kind, hex, type < SRID_FLAG ? 4326 : undefined);
}

/** None if these are not hexadecimal digits. */
function bytesOf(hex: string): Buffer {
  return hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
}

/** What is read beyond the end is NaN, and the reader has failed. */
class Reader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at = 1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#little = bytes[0] === 1;
    if (bytes.length === 0 || bytes[0]! > 1) this.#at = Infinity;
  }

  get failed(): boolean {
    return this.#at > this.#bytes.length;
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length;
  }

  u32(): number {
    const at = this.#take(4);
    if (at === undefined) return NaN;
    return this.#little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  #f64(): number {
    const at = this.#take(8);
    if (at === undefined) return NaN;
    return this.#little ? this.#bytes.readDoubleLE(at) : this.#bytes.readDoubleBE(at);
  }

  positions(count: number): Position[] {
    const found: Position[] = [];
    for (let i = 0; i < count && !this.failed; i++) found.push([this.#f64(), this.#f64()]);
    return found;
  }

  #take(length: number): number | undefined {
    const at = this.#at;
    this.#at = at + length > this.#bytes.length ? Infinity : at + length;
    return this.failed ? undefined : at;
  }
}

export function pointOf({ srid, parts }: Shape): Point {
  const [x, y] = parts[0]![0]!;
  return makePoint(srid, x, y);
}

function sridOf(srid: number): Srid {
  if (!isSrid(srid) || srid === 4979 || srid === 9157) throw invalidValue(`${srid} is not a reference system of two coordinates`);
  return srid;
}

function checked(shape: Shape, text: string, form: string): Shape {
  const { kind, parts } = shape;
  const fewest = { POINT: 1, LINESTRING: 2, POLYGON: 4 }[kind];
  const fits = parts.length > 0 && parts.every((part) => part.length >= fewest && part.every((position) => position.every(Number.isFinite)));
  if (!fits || (kind === 'POINT' && parts[0]!.length > 1)) throw unreadable(kind, text, form);
  const isClosed = (ring: readonly Position[]): boolean => ring[0]!.every((each, i) => each === ring.at(-1)![i]);
  if (kind === 'POLYGON' && !parts.every(isClosed)) throw invalidValue('a ring of a polygon ends where it begins');
  return shape;
}

function unreadable(kind: ShapeKind | 'shape', text: string, form: string): Error {
  return invalidValue(`'${text.length > 60 ? `${text.slice(0, 60)}…` : text}' is no ${kind} in ${form}`);
}
