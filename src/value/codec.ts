/**
 * Binary form of every value, for effects, blocks and rows between threads and servers. Version 1.
 *
 *   tag        kind            payload (varint, string, f64 as in base/bytes.ts; int = an encoded INTEGER, any of the forms here)
 *   0          NULL
 *   1, 2       false, true
 *   3          INTEGER >= 0    varint n
 *   4          INTEGER < 0     varint -1-n
 *   5          INTEGER         i64, only beyond 2^53
 *   6          FLOAT           f64
 *   7          STRING          string
 *   8          BYTES           varint length, bytes
 *   9          LIST            varint count, values
 *   10         MAP             varint count, (string, value) pairs
 *   11         DATE            int epochDay
 *   12         LOCAL TIME      varint nanoOfDay
 *   13         ZONED TIME      varint nanoOfDay, int offset
 *   14         LOCAL DATETIME  int epochDay, varint nanoOfDay
 *   15         ZONED DATETIME  int epochDay, varint nanoOfDay, int offset, string zone (empty: none)
 *   16         DURATION        int months, int days, int seconds, varint nanos
 *   17         POINT           varint srid, f64 x, f64 y, and f64 z for srid 4979 and 9157
 *   18         NODE            varint id, flags (1 labels, 2 properties), [varint count, strings], [map payload]
 *   19         RELATIONSHIP    varint id, varint typeId, varint start, varint end, flags (1 type, 2 properties), [string], [map payload]
 *   20         PATH            varint relationships, then node payload, (relationship payload, node payload) ...
 *   64..255    INTEGER         tag - 64, that is 0..191
 */
import { walk } from '../base/allowance.ts';
import { DbError } from '../base/errors.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Float, NodeValue, PathValue, RelationshipValue, integer } from './value.ts';
import type { CypherMap, Value } from './value.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import { Point, isSrid } from './spatial.ts';
import { invalidValue } from './value-errors.ts';

export const VALUE_CODEC_VERSION = 1;

/** Lists and maps inside each other; deeper ones are refused on both sides rather than overflow the stack. */
export const NESTING_MAX = 1000;

const SMALL_INTEGER = 64;

/** A STRING of which the UTF-8 is there already. */
export function encodeText(w: ByteWriter, bytes: Uint8Array, from: number, to: number): void {
  w.u8(7).varint(to - from).rawOf(bytes, from, to);
}

/** What stands before the values of a LIST. */
export function encodeListHead(w: ByteWriter, count: number): ByteWriter {
  return w.u8(LIST_TAG).varint(count);
}

/** For those who read values without making them. */
export const FLOAT_TAG = 6;
export const LIST_TAG = 9;

export function encodeValue(w: ByteWriter, v: Value): void {
  encode(w, v, 0);
}

function encode(w: ByteWriter, v: Value, depth: number): void {
  switch (typeof v) {
    case 'number': return encodeInteger(w, v);
    case 'string': w.u8(7).string(v); return;
    case 'boolean': w.u8(v ? 2 : 1); return;
    case 'bigint': w.u8(5).i64(v); return;
    default: break;
  }
  if (v === null) w.u8(0);
  else if (v instanceof Float) w.u8(6).f64(v.value);
  else if (Array.isArray(v)) encodeList(w, v, depth);
  else if (v instanceof Map) encodeMap(w.u8(10), v, depth);
  else if (v instanceof NodeValue) encodeNode(w.u8(18), v, depth);
  else if (v instanceof RelationshipValue) encodeRelationship(w.u8(19), v, depth);
  else if (v instanceof PathValue) encodePath(w.u8(20), v, depth);
  else if (v instanceof Uint8Array) w.u8(8).bytes(v);
  else encodeScalarObject(w, v);
}

function encodeInteger(w: ByteWriter, v: number | bigint): void {
  if (typeof v === 'bigint') w.u8(5).i64(v);
  else if (v >= 0) {
    if (v < 256 - SMALL_INTEGER) w.u8(v + SMALL_INTEGER);
    else w.u8(3).varint(v);
  } else w.u8(4).varint(-1 - v);
}

function encodeScalarObject(w: ByteWriter, v: Point | Duration | LocalDate | LocalTime | ZonedTime | LocalDateTime | ZonedDateTime): void {
  if (v instanceof LocalDate) {
    encodeInteger(w.u8(11), v.epochDay);
  } else if (v instanceof LocalTime) {
    w.u8(12).varint(v.nanoOfDay);
  } else if (v instanceof ZonedTime) {
    encodeInteger(w.u8(13).varint(v.nanoOfDay), v.offset);
  } else if (v instanceof LocalDateTime) {
    encodeInteger(w.u8(14), v.epochDay);
    w.varint(v.nanoOfDay);
  } else if (v instanceof ZonedDateTime) {
    encodeInteger(w.u8(15), v.epochDay);
    encodeInteger(w.varint(v.nanoOfDay), v.offset);
    w.string(v.zone ?? '');
  } else if (v instanceof Duration) {
    encodeInteger(w.u8(16), v.months);
    encodeInteger(w, v.days);
    encodeInteger(w, v.seconds);
    w.varint(v.nanos);
  } else {
    w.u8(17).varint(v.srid).f64(v.x).f64(v.y);
    if (v.z !== undefined) w.f64(v.z);
  }
}

function deeper(depth: number): number {
  if (depth >= NESTING_MAX) throw invalidValue(`lists and maps are nested more than ${NESTING_MAX} deep`);
  return depth + 1;
}

function encodeList(w: ByteWriter, list: readonly Value[], depth: number): void {
  const inner = deeper(depth);
  walk(list.length);
  encodeListHead(w, list.length);
  for (const value of list) encode(w, value, inner);
}

function encodeMap(w: ByteWriter, map: CypherMap, depth: number): void {
  const inner = deeper(depth);
  walk(map.size);
  w.varint(map.size);
  for (const [key, value] of map) {
    w.string(key);
    encode(w, value, inner);
  }
}

function encodeNode(w: ByteWriter, node: NodeValue, depth: number): void {
  w.varint(node.id).u8((node.labels === undefined ? 0 : 1) | (node.properties === undefined ? 0 : 2));
  if (node.labels !== undefined) {
    w.varint(node.labels.length);
    for (const label of node.labels) w.string(label);
  }
  if (node.properties !== undefined) encodeMap(w, node.properties, depth);
}

function encodeRelationship(w: ByteWriter, value: RelationshipValue, depth: number): void {
  w.varint(value.id).varint(value.typeId).varint(value.start).varint(value.end);
  w.u8((value.type === undefined ? 0 : 1) | (value.properties === undefined ? 0 : 2));
  if (value.type !== undefined) w.string(value.type);
  if (value.properties !== undefined) encodeMap(w, value.properties, depth);
}

function encodePath(w: ByteWriter, path: PathValue, depth: number): void {
  w.varint(path.relationships.length);
  encodeNode(w, path.nodes[0]!, depth);
  path.relationships.forEach((relationship, i) => {
    encodeRelationship(w, relationship, depth);
    encodeNode(w, path.nodes[i + 1]!, depth);
  });
}

export function decodeValue(r: ByteReader): Value {
  return decode(r, 0);
}

function decode(r: ByteReader, depth: number): Value {
  const tag = r.u8();
  if (tag >= SMALL_INTEGER) return tag - SMALL_INTEGER;
  switch (tag) {
    case 0: return null;
    case 1: return false;
    case 2: return true;
    case 3: return r.varint();
    case 4: return -1 - r.varint();
    case 5: return integer(r.i64());
    case 6: return new Float(r.f64());
    case 7: return r.string();
    // A copy: the reader's buffer may be large, or about to be used again.
    case 8: return new Uint8Array(r.bytes());
    case 9: return decodeList(r, depth);
    case 10: return decodeMap(r, depth);
    case 18: return decodeNode(r, depth);
    case 19: return decodeRelationship(r, depth);
    case 20: return decodePath(r, depth);
    default: return decodeScalarObject(r, tag);
  }
}

/** Reads over a value that `decodeValue` could read, and fails where that would. */
export function skipValue(r: ByteReader): void {
  skip(r, 0);
}

function skip(r: ByteReader, depth: number): void {
  const tag = r.u8();
  if (tag >= SMALL_INTEGER) return;
  switch (tag) {
    case 0: case 1: case 2: return;
    case 3: case 4: r.varint(); return;
    case 5: case 6: r.skip(8); return;
    case 7: case 8: r.skip(r.varint()); return;
    case 9:
      for (let left = decodeCount(r, depth); left > 0; left--) skip(r, depth + 1);
      return;
    case 10:
      for (let left = decodeCount(r, depth); left > 0; left--) {
        r.skip(r.varint());
        skip(r, depth + 1);
      }
      return;
    case 18: decodeNode(r, depth); return;
    case 19: decodeRelationship(r, depth); return;
    case 20: decodePath(r, depth); return;
    default: decodeScalarObject(r, tag);
  }
}

function decodeScalarObject(r: ByteReader, tag: number): Value {
  switch (tag) {
    case 11: return new LocalDate(decodeNumber(r));
    case 12: return new LocalTime(r.varint());
    case 13: return new ZonedTime(r.varint(), decodeNumber(r));
    case 14: return new LocalDateTime(decodeNumber(r), r.varint());
    case 15: return new ZonedDateTime(decodeNumber(r), r.varint(), decodeNumber(r), r.string() || undefined);
    case 16: return new Duration(decodeNumber(r), decodeNumber(r), decodeInteger(r), r.varint());
    case 17: {
      const srid = r.varint();
      if (!isSrid(srid)) throw corrupted(`unknown reference system ${srid}`);
      return srid === 4979 || srid === 9157 ? new Point(srid, r.f64(), r.f64(), r.f64()) : new Point(srid, r.f64(), r.f64());
    }
    default: throw corrupted(`unknown value tag ${tag}`);
  }
}

function corrupted(what: string): DbError {
  return new DbError('Corrupted', `binary value: ${what}`);
}

function decodeInteger(r: ByteReader): number | bigint {
  const value = decode(r, NESTING_MAX);
  if (typeof value !== 'number' && typeof value !== 'bigint') throw corrupted('an integer was expected');
  return value;
}

function decodeNumber(r: ByteReader): number {
  const value = decodeInteger(r);
  if (typeof value !== 'number') throw corrupted('a number is too large');
  return value;
}

/** A count of things that take at least a byte each: never more than there are bytes left. */
function decodeCount(r: ByteReader, depth: number): number {
  if (depth >= NESTING_MAX) throw corrupted('nested too deeply');
  const count = r.varint();
  if (count > r.remaining) throw corrupted(`${count} elements in ${r.remaining} bytes`);
  return count;
}

function decodeList(r: ByteReader, depth: number): Value[] {
  const count = decodeCount(r, depth);
  const list: Value[] = [];
  for (let i = 0; i < count; i++) list.push(decode(r, depth + 1));
  return list;
}

function decodeMap(r: ByteReader, depth: number): CypherMap {
  const count = decodeCount(r, depth);
  const map: CypherMap = new Map();
  for (let i = 0; i < count; i++) {
    const key = r.string();
    map.set(key, decode(r, depth + 1));
  }
  return map;
}

function decodeNode(r: ByteReader, depth: number): NodeValue {
  const id = r.varint();
  const flags = r.u8();
  const labels = (flags & 1) === 0 ? undefined : Array.from({ length: decodeCount(r, depth) }, () => r.string());
  return new NodeValue(id, labels, (flags & 2) === 0 ? undefined : decodeMap(r, depth));
}

function decodeRelationship(r: ByteReader, depth: number): RelationshipValue {
  const id = r.varint();
  const typeId = r.varint();
  const start = r.varint();
  const end = r.varint();
  const flags = r.u8();
  const type = (flags & 1) === 0 ? undefined : r.string();
  return new RelationshipValue(id, typeId, start, end, type, (flags & 2) === 0 ? undefined : decodeMap(r, depth));
}

function decodePath(r: ByteReader, depth: number): PathValue {
  const count = decodeCount(r, depth);
  const nodes = [decodeNode(r, depth)];
  const relationships: RelationshipValue[] = [];
  for (let i = 0; i < count; i++) {
    relationships.push(decodeRelationship(r, depth));
    nodes.push(decodeNode(r, depth));
  }
  return new PathValue(nodes, relationships);
}
