/**
 * Rows as the field `rows` of `lgraph.v1.Rows`, one after the other, in the thread that made them: what comes of a part
 * is a `Rows` message as it is.
 */
import { walk } from '../base/allowance.ts';
import type { ByteWriter } from '../base/bytes.ts';
import type { RowEncoder } from '../service/api.ts';
import { NANOS_PER_SECOND, SECONDS_PER_DAY } from '../value/calendar.ts';
import { Point } from '../value/spatial.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../value/temporal.ts';
import { Float, NodeValue, PathValue, RelationshipValue } from '../value/value.ts';
import type { CypherMap, Value } from '../value/value.ts';
import { ProtoWriter } from './proto-writer.ts';

export const RPC_ENCODING = 'rpc';

/** Fields of `Value`. */
const KIND = {
  null: 1, bool: 2, int: 3, double: 4, string: 5, bytes: 6, list: 7, map: 8, node: 9, relationship: 10, path: 11,
  date: 12, localTime: 13, time: 14, localDateTime: 15, dateTime: 16, duration: 17, point: 18,
} as const;

/** A row that needed more than this was an exception: its buffer is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

function writeValue(w: ProtoWriter, field: number, value: Value): void {
  const start = w.open(field);
  writeKind(w, value);
  w.close(start);
}

function writeKind(w: ProtoWriter, value: Value): void {
  if (value === null) w.integer(KIND.null, 0);
  else if (typeof value === 'string') w.string(KIND.string, value);
  else if (typeof value === 'number' || typeof value === 'bigint') w.integer(KIND.int, value);
  else if (typeof value === 'boolean') w.integer(KIND.bool, value ? 1 : 0);
  else if (value instanceof Float) w.double(KIND.double, value.value);
  else if (value instanceof Uint8Array) w.bytes(KIND.bytes, value);
  else {
    const start = w.open(kindOf(value));
    writeFields(w, value);
    w.close(start);
  }
}

type Compound = Exclude<Value, null | string | number | bigint | boolean | Float | Uint8Array>;

function kindOf(value: Compound): number {
  if (Array.isArray(value)) return KIND.list;
  if (value instanceof Map) return KIND.map;
  if (value instanceof NodeValue) return KIND.node;
  if (value instanceof RelationshipValue) return KIND.relationship;
  if (value instanceof PathValue) return KIND.path;
  if (value instanceof Point) return KIND.point;
  if (value instanceof Duration) return KIND.duration;
  if (value instanceof LocalDate) return KIND.date;
  if (value instanceof LocalTime) return KIND.localTime;
  if (value instanceof ZonedTime) return KIND.time;
  return value instanceof LocalDateTime ? KIND.localDateTime : KIND.dateTime;
}

function writeFields(w: ProtoWriter, value: Compound): void {
  if (Array.isArray(value)) {
    walk(value.length);
    for (const item of value) writeValue(w, 1, item);
  } else if (value instanceof Map) writeEntries(w, 1, value);
  else if (value instanceof NodeValue) writeNode(w, value);
  else if (value instanceof RelationshipValue) writeRelationship(w, value);
  else if (value instanceof PathValue) {
    for (const node of value.nodes) inside(w, 1, () => writeNode(w, node));
    for (const one of value.relationships) inside(w, 2, () => writeRelationship(w, one));
  } else if (value instanceof Point) {
    w.integer(1, value.srid);
    [value.x, value.y, value.z].forEach((coordinate, i) => {
      if (coordinate !== undefined) w.double(i + 2, coordinate);
    });
  } else writeTemporal(w, value);
}

function writeTemporal(w: ProtoWriter, value: LocalDate | LocalTime | ZonedTime | LocalDateTime | ZonedDateTime | Duration): void {
  if (value instanceof LocalDate) w.integer(1, value.epochDay);
  else if (value instanceof LocalTime) w.integer(1, value.nanoOfDay);
  else if (value instanceof ZonedTime) {
    w.integer(1, value.nanoOfDay);
    w.integer(2, value.offset);
  } else if (value instanceof Duration) [value.months, value.days, value.seconds, value.nanos].forEach((part, i) => w.integer(i + 1, part));
  else {
    w.integer(1, value instanceof ZonedDateTime ? value.epochSeconds() : secondsOf(value));
    w.integer(2, value.nanoOfDay % NANOS_PER_SECOND);
    if (!(value instanceof ZonedDateTime)) return;
    w.integer(3, value.offset);
    if (value.zone !== undefined) w.string(4, value.zone);
  }
}

function secondsOf({ epochDay, nanoOfDay }: LocalDateTime): bigint {
  return BigInt(epochDay) * BigInt(SECONDS_PER_DAY) + BigInt(Math.floor(nanoOfDay / NANOS_PER_SECOND));
}

function inside(w: ProtoWriter, field: number, write: () => void): void {
  const start = w.open(field);
  write();
  w.close(start);
}

function writeEntries(w: ProtoWriter, field: number, map: CypherMap | undefined): void {
  walk(map?.size ?? 0);
  for (const [key, value] of map ?? []) {
    const start = w.open(field);
    w.string(1, key);
    writeValue(w, 2, value);
    w.close(start);
  }
}

function writeNode(w: ProtoWriter, node: NodeValue): void {
  w.integer(1, node.id);
  for (const label of node.labels ?? []) w.string(2, label);
  writeEntries(w, 3, node.properties);
}

function writeRelationship(w: ProtoWriter, one: RelationshipValue): void {
  w.integer(1, one.id);
  w.integer(2, one.start);
  w.integer(3, one.end);
  w.string(4, one.type ?? '');
  writeEntries(w, 5, one.properties);
}

let w = new ProtoWriter();

export const rpcEncoder: RowEncoder = {
  name: RPC_ENCODING,
  encode(row, writer: ByteWriter) {
    w.reset();
    const start = w.open(1);
    for (const value of row) writeValue(w, 1, value);
    w.close(start);
    writer.raw(w.view());
    if (w.capacity > KEPT_BYTES_MAX) w = new ProtoWriter();
  },
};
