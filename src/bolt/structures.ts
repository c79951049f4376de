/**
 * Values and messages in PackStream: which structures Bolt has for them, and how they differ between its versions.
 *
 *   N  node          id, labels, properties                           and from 5.0 on: element id
 *   R  relationship  id, start, end, type, properties                 and from 5.0 on: element ids of it, start and end
 *   r  in a path     id, type, properties                             and from 5.0 on: element id
 *   P  path          nodes, relationships, indexes: relationship (from 1, negative: walked backwards), node (from 0), ...
 *   D  date          days
 *   T  time          nanoseconds of the day, offset         t  local time      nanoseconds of the day
 *   I  datetime      UTC seconds, nanoseconds, offset       i  datetime        UTC seconds, nanoseconds, zone name
 *   F  datetime      local seconds, nanoseconds, offset     f  datetime        local seconds, nanoseconds, zone name
 *   d  local datetime  seconds, nanoseconds                 E  duration        months, days, seconds, nanoseconds
 *   X  point         srid, x, y                             Y  point           srid, x, y, z
 *
 * `I` and `i` are used from 5.0 on, and in 4.3 and 4.4 when both sides agreed on the "utc" patch; `F` and `f` else.
 */
import { walk } from '../base/allowance.ts';
import { DbError } from '../base/errors.ts';
import { NANOS_PER_DAY, NANOS_PER_SECOND, SECONDS_PER_DAY, validEpochDay } from '../value/calendar.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../value/temporal.ts';
import { Point, isSrid, makePoint } from '../value/spatial.ts';
import { Float, NodeValue, PathValue, RelationshipValue } from '../value/value.ts';
import type { CypherMap, Value } from '../value/value.ts';
import { OFFSET_MAX, parseZone } from '../value/zone.ts';
import { PackReader, malformed } from './packstream.ts';
import type { PackWriter, Token } from './packstream.ts';

/** What two versions of Bolt write differently. */
export interface Dialect {
  readonly elementIds: boolean;
  readonly utc: boolean;
}

export const BOLT_4: Dialect = { elementIds: false, utc: false };
export const BOLT_4_UTC: Dialect = { elementIds: false, utc: true };
export const BOLT_5: Dialect = { elementIds: true, utc: true };

/** Lists, maps and structures inside each other, on both sides. */
export const NESTING_MAX = 256;

const tagOf = (letter: string): number => letter.charCodeAt(0);

const NODE = tagOf('N');
const RELATIONSHIP = tagOf('R');
const UNBOUND = tagOf('r');
const PATH = tagOf('P');
const DATE = tagOf('D');
const TIME = tagOf('T');
const LOCAL_TIME = tagOf('t');
const UTC_OFFSET = tagOf('I');
const UTC_ZONE = tagOf('i');
const LEGACY_OFFSET = tagOf('F');
const LEGACY_ZONE = tagOf('f');
const LOCAL_DATETIME = tagOf('d');
const DURATION = tagOf('E');
const POINT_2D = tagOf('X');
const POINT_3D = tagOf('Y');

// ---- writing

export function packMessage(w: PackWriter, tag: number, fields: readonly Value[], dialect: Dialect): void {
  w.structureHeader(fields.length, tag);
  for (const field of fields) packValue(w, field, dialect);
}

export function packValue(w: PackWriter, value: Value, dialect: Dialect, depth = 0): void {
  switch (typeof value) {
    case 'number':
    case 'bigint': w.integer(value); return;
    case 'string': w.string(value); return;
    case 'boolean': w.boolean(value); return;
    default: break;
  }
  if (value === null) w.null();
  else if (value instanceof Float) w.float(value.value);
  else if (Array.isArray(value)) packList(w, value, dialect, depth);
  else if (value instanceof Map) packMap(w, value, dialect, depth);
  else if (value instanceof NodeValue) packNode(w, value, dialect, depth);
  else if (value instanceof RelationshipValue) packRelationship(w, value, dialect, depth);
  else if (value instanceof PathValue) packPath(w, value, dialect, depth);
  else if (value instanceof Uint8Array) w.bytes(value);
  else if (value instanceof Point) packPoint(w, value);
  else packTemporal(w, value, dialect);
}

function deeper(depth: number): number {
  if (depth >= NESTING_MAX) throw new DbError('ArgumentError', `a value is nested more than ${NESTING_MAX} deep, which Bolt clients cannot take`);
  return depth + 1;
}

function packList(w: PackWriter, list: readonly Value[], dialect: Dialect, depth: number): void {
  const inner = deeper(depth);
  walk(list.length);
  w.listHeader(list.length);
  for (const item of list) packValue(w, item, dialect, inner);
}

function packMap(w: PackWriter, map: CypherMap | undefined, dialect: Dialect, depth: number): void {
  const inner = deeper(depth);
  w.mapHeader(map?.size ?? 0);
  if (map === undefined) return;
  walk(map.size);
  for (const [key, item] of map) {
    w.string(key);
    packValue(w, item, dialect, inner);
  }
}

function packNode(w: PackWriter, node: NodeValue, dialect: Dialect, depth: number): void {
  w.structureHeader(dialect.elementIds ? 4 : 3, NODE);
  w.integer(node.id);
  const labels = node.labels ?? [];
  w.listHeader(labels.length);
  for (const label of labels) w.string(label);
  packMap(w, node.properties, dialect, depth);
  if (dialect.elementIds) w.string(String(node.id));
}

function packRelationship(w: PackWriter, value: RelationshipValue, dialect: Dialect, depth: number): void {
  w.structureHeader(dialect.elementIds ? 8 : 5, RELATIONSHIP);
  w.integer(value.id);
  w.integer(value.start);
  w.integer(value.end);
  w.string(value.type ?? '');
  packMap(w, value.properties, dialect, depth);
  if (!dialect.elementIds) return;
  w.string(String(value.id));
  w.string(String(value.start));
  w.string(String(value.end));
}

function packUnbound(w: PackWriter, value: RelationshipValue, dialect: Dialect, depth: number): void {
  w.structureHeader(dialect.elementIds ? 4 : 3, UNBOUND);
  w.integer(value.id);
  w.string(value.type ?? '');
  packMap(w, value.properties, dialect, depth);
  if (dialect.elementIds) w.string(String(value.id));
}

function packPath(w: PackWriter, path: PathValue, dialect: Dialect, depth: number): void {
  const nodes = [...new Map(path.nodes.map((node) => [node.id, node])).values()];
  const relationships = [...new Map(path.relationships.map((value) => [value.id, value])).values()];
  const nodeAt = new Map(nodes.map((node, i) => [node.id, i]));
  const relationshipAt = new Map(relationships.map((value, i) => [value.id, i + 1]));
  w.structureHeader(3, PATH);
  w.listHeader(nodes.length);
  for (const node of nodes) packNode(w, node, dialect, depth);
  w.listHeader(relationships.length);
  for (const value of relationships) packUnbound(w, value, dialect, depth);
  w.listHeader(path.relationships.length * 2);
  path.relationships.forEach((value, i) => {
    const index = relationshipAt.get(value.id)!;
    w.integer(value.start === path.nodes[i]!.id ? index : -index);
    w.integer(nodeAt.get(path.nodes[i + 1]!.id)!);
  });
}

function packPoint(w: PackWriter, point: Point): void {
  w.structureHeader(point.z === undefined ? 3 : 4, point.z === undefined ? POINT_2D : POINT_3D);
  w.integer(point.srid);
  w.float(point.x);
  w.float(point.y);
  if (point.z !== undefined) w.float(point.z);
}

function secondsOf(day: number, nano: number): number | bigint {
  const second = Math.floor(nano / NANOS_PER_SECOND);
  const total = day * SECONDS_PER_DAY + second;
  return Number.isSafeInteger(total) ? total : BigInt(day) * 86_400n + BigInt(second);
}

function packTemporal(
  w: PackWriter, value: LocalDate | LocalTime | ZonedTime | LocalDateTime | ZonedDateTime | Duration, dialect: Dialect,
): void {
  if (value instanceof LocalDate) {
    w.structureHeader(1, DATE);
    w.integer(value.epochDay);
  } else if (value instanceof LocalDateTime) {
    w.structureHeader(2, LOCAL_DATETIME);
    w.integer(secondsOf(value.epochDay, value.nanoOfDay));
    w.integer(value.nanoOfDay % NANOS_PER_SECOND);
  } else if (value instanceof ZonedDateTime) {
    packDateTime(w, value, dialect.utc);
  } else if (value instanceof LocalTime) {
    w.structureHeader(1, LOCAL_TIME);
    w.integer(value.nanoOfDay);
  } else if (value instanceof ZonedTime) {
    w.structureHeader(2, TIME);
    w.integer(value.nanoOfDay);
    w.integer(value.offset);
  } else {
    w.structureHeader(4, DURATION);
    w.integer(value.months);
    w.integer(value.days);
    w.integer(value.seconds);
    w.integer(value.nanos);
  }
}

function packDateTime(w: PackWriter, value: ZonedDateTime, utc: boolean): void {
  const tag = value.zone === undefined ? (utc ? UTC_OFFSET : LEGACY_OFFSET) : (utc ? UTC_ZONE : LEGACY_ZONE);
  w.structureHeader(3, tag);
  w.integer(utc ? value.epochSeconds() : secondsOf(value.epochDay, value.nanoOfDay));
  w.integer(value.nanoOfDay % NANOS_PER_SECOND);
  if (value.zone === undefined) w.integer(value.offset);
  else w.string(value.zone);
}

// ---- reading

export interface Message {
  readonly tag: number;
  readonly fields: readonly Value[];
}

/** One message: a structure and nothing behind it. */
export function unpackMessage(bytes: Uint8Array): Message {
  const reader = new PackReader(bytes);
  const head = reader.next();
  if (head.kind !== 'structure') throw malformed('a message must be a structure');
  const fields: Value[] = [];
  for (let i = 0; i < head.count; i++) fields.push(unpackValue(reader, 1));
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes behind the message`);
  return { tag: head.tag, fields };
}

export function unpackValue(reader: PackReader, depth = 0): Value {
  const token = reader.next();
  switch (token.kind) {
    case 'scalar': return token.value;
    case 'float': return new Float(token.value);
    default: return unpackCompound(reader, token, depth);
  }
}

function unpackCompound(reader: PackReader, token: Exclude<Token, { kind: 'scalar' | 'float' }>, depth: number): Value {
  if (depth >= NESTING_MAX) throw malformed(`nested more than ${NESTING_MAX} deep`);
  if (token.kind === 'map') {
    const map: CypherMap = new Map();
    for (let i = 0; i < token.count; i++) {
      const key = reader.next();
      if (key.kind !== 'scalar' || typeof key.value !== 'string') throw malformed('the key of a map must be a string');
      map.set(key.value, unpackValue(reader, depth + 1));
    }
    return map;
  }
  if (token.kind === 'structure' && token.tag === PATH) return unpackPath(reader, token.count, depth);
  const items: Value[] = [];
  for (let i = 0; i < token.count; i++) items.push(unpackValue(reader, depth + 1));
  return token.kind === 'structure' ? structureValue(token.tag, items) : items;
}

/** The value of a structure whose fields were read; every field is checked before it is used. */
function structureValue(tag: number, fields: readonly Value[]): Value {
  try {
    const value = entityValue(tag, fields) ?? timeValue(tag, fields);
    if (value !== undefined) return value;
  } catch (error) {
    // A zone or a date that does not exist is an error of the value there, but of the request here.
    throw error instanceof DbError && error.code !== 'InvalidRequest' ? malformed(error.message) : error;
  }
  throw malformed(`unknown structure 0x${tag.toString(16)} with ${fields.length} fields`);
}

function entityValue(tag: number, fields: readonly Value[]): Value | undefined {
  switch (tag) {
    case NODE:
      counted(fields, 3, 4);
      return new NodeValue(id(fields[0]), texts(fields[1]), mapField(fields[2]));
    case RELATIONSHIP:
      counted(fields, 5, 8);
      return new RelationshipValue(id(fields[0]), 0, id(fields[1]), id(fields[2]), textField(fields[3]), mapField(fields[4]));
    case POINT_2D:
    case POINT_3D: {
      const threeD = tag === POINT_3D;
      counted(fields, threeD ? 4 : 3);
      const srid = numberField(fields[0]);
      if (!isSrid(srid) || (srid === 4979 || srid === 9157) !== threeD) throw malformed(`a point of reference system ${srid}`);
      return threeD
        ? makePoint(srid, floatField(fields[1]), floatField(fields[2]), floatField(fields[3]))
        : makePoint(srid, floatField(fields[1]), floatField(fields[2]));
    }
    default: return undefined;
  }
}

function timeValue(tag: number, fields: readonly Value[]): Value | undefined {
  switch (tag) {
    case DATE: counted(fields, 1); return new LocalDate(validEpochDay(numberField(fields[0])));
    case LOCAL_TIME: counted(fields, 1); return new LocalTime(within(fields[0], 0, NANOS_PER_DAY - 1));
    case TIME: counted(fields, 2); return new ZonedTime(within(fields[0], 0, NANOS_PER_DAY - 1), offsetField(fields[1]));
    case LOCAL_DATETIME: {
      counted(fields, 2);
      const { day, nano } = moment(fields);
      return new LocalDateTime(day, nano);
    }
    case LEGACY_OFFSET:
    case LEGACY_ZONE: {
      counted(fields, 3);
      const { day, nano } = moment(fields);
      return ZonedDateTime.ofLocal(day, nano, tag === LEGACY_OFFSET ? offsetField(fields[2]) : parseZone(textField(fields[2])));
    }
    case UTC_OFFSET:
    case UTC_ZONE: {
      counted(fields, 3);
      const { day, nano } = moment(fields);
      return ZonedDateTime.ofInstant(day, nano, tag === UTC_OFFSET ? offsetField(fields[2]) : parseZone(textField(fields[2])));
    }
    case DURATION: {
      counted(fields, 4);
      const [months, days, seconds, nanos] = fields.map(integerField);
      return Duration.of(months!, days!, seconds!, nanos!);
    }
    default: return undefined;
  }
}

function unpackPath(reader: PackReader, count: number, depth: number): PathValue {
  if (count !== 3) throw malformed(`a path of ${count} fields`);
  const nodes = listField(unpackValue(reader, depth + 1)).map((node) => {
    if (!(node instanceof NodeValue)) throw malformed('a path needs nodes');
    return node;
  });
  const relationships = unpackUnbounds(reader, depth + 1);
  const indexes = listField(unpackValue(reader, depth + 1)).map((index) => numberField(index));
  const walk = [nodeAt(nodes, 0)];
  const steps: RelationshipValue[] = [];
  if (indexes.length % 2 !== 0) throw malformed('the indexes of a path come in pairs');
  for (let i = 0; i < indexes.length; i += 2) {
    const step = relationships[Math.abs(indexes[i]!) - 1];
    if (step === undefined) throw malformed(`a path without relationship ${indexes[i]}`);
    const from = walk.at(-1)!;
    const to = nodeAt(nodes, indexes[i + 1]!);
    const [start, end] = indexes[i]! > 0 ? [from.id, to.id] : [to.id, from.id];
    steps.push(new RelationshipValue(step.id, 0, start, end, step.type, step.properties));
    walk.push(to);
  }
  return new PathValue(walk, steps);
}

interface Unbound {
  readonly id: number;
  readonly type: string;
  readonly properties: CypherMap;
}

function unpackUnbounds(reader: PackReader, depth: number): Unbound[] {
  const list = reader.next();
  if (list.kind !== 'list') throw malformed('a path needs a list of relationships');
  return Array.from({ length: list.count }, () => {
    const head = reader.next();
    if (head.kind !== 'structure' || head.tag !== UNBOUND) throw malformed('a path needs relationships');
    const fields: Value[] = [];
    for (let i = 0; i < head.count; i++) fields.push(unpackValue(reader, depth + 1));
    counted(fields, 3, 4);
    return { id: id(fields[0]), type: textField(fields[1]), properties: mapField(fields[2]) };
  });
}

function nodeAt(nodes: readonly NodeValue[], index: number): NodeValue {
  const node = nodes[index];
  if (node === undefined) throw malformed(`a path without node ${index}`);
  return node;
}

function counted(fields: readonly Value[], ...counts: readonly number[]): void {
  if (!counts.includes(fields.length)) throw malformed(`a structure of ${fields.length} fields instead of ${counts.join(' or ')}`);
}

function integerField(value: Value | undefined): number | bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw malformed('a field of a structure must be an integer');
  return value;
}

function numberField(value: Value | undefined): number {
  if (typeof value !== 'number') throw malformed('a field of a structure must be an integer of at most 53 bits');
  return value;
}

function within(value: Value | undefined, lower: number, upper: number): number {
  const number = numberField(value);
  if (number < lower || number > upper) throw malformed(`${number} is not between ${lower} and ${upper}`);
  return number;
}

function id(value: Value | undefined): number {
  return within(value, 0, Number.MAX_SAFE_INTEGER);
}

function offsetField(value: Value | undefined): number {
  return within(value, -OFFSET_MAX, OFFSET_MAX);
}

function floatField(value: Value | undefined): number {
  if (!(value instanceof Float)) throw malformed('a coordinate must be a float');
  return value.value;
}

function textField(value: Value | undefined): string {
  if (typeof value !== 'string') throw malformed('a field of a structure must be a string');
  return value;
}

function listField(value: Value | undefined): readonly Value[] {
  if (!Array.isArray(value)) throw malformed('a field of a structure must be a list');
  return value;
}

function texts(value: Value | undefined): string[] {
  return listField(value).map(textField);
}

function mapField(value: Value | undefined): CypherMap {
  if (!(value instanceof Map)) throw malformed('a field of a structure must be a map');
  return value;
}

/** Day and nanosecond of the day from the fields seconds and nanoseconds. */
function moment(fields: readonly Value[]): { readonly day: number; readonly nano: number } {
  const seconds = integerField(fields[0]);
  const nanos = within(fields[1], 0, NANOS_PER_SECOND - 1);
  const day = typeof seconds === 'number' ? Math.floor(seconds / SECONDS_PER_DAY) : Number((seconds - mod(seconds)) / 86_400n);
  const second = typeof seconds === 'number' ? seconds - day * SECONDS_PER_DAY : Number(mod(seconds));
  return { day: validEpochDay(day), nano: second * NANOS_PER_SECOND + nanos };
}

function mod(seconds: bigint): bigint {
  return ((seconds % 86_400n) + 86_400n) % 86_400n;
}
