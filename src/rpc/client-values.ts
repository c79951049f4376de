/** Parameters of clients: `lgraph.v1.Value`, as proto-loader gives it, as a Cypher value. Every field is checked. */
import { DbError } from '../base/errors.ts';
import { NANOS_PER_DAY, NANOS_PER_SECOND, SECONDS_PER_DAY, validEpochDay } from '../value/calendar.ts';
import { isSrid, makePoint } from '../value/spatial.ts';
import type { Point } from '../value/spatial.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../value/temporal.ts';
import { Float, integer, NodeValue, PathValue, RelationshipValue } from '../value/value.ts';
import type { CypherMap, Value } from '../value/value.ts';
import { OFFSET_MAX, parseZone } from '../value/zone.ts';

/** A message as it was read: 64-bit integers are text. */
export type Message = Readonly<Record<string, unknown>>;

const NESTING_MAX = 100;

export function wrong(message: string): DbError {
  return new DbError('InvalidRequest', message, { hint: 'proto/lgraph.proto says what each field holds' });
}

export function messages(list: unknown): readonly Message[] {
  return Array.isArray(list) ? list as Message[] : [];
}

/** `repeated Entry`; a key that comes twice counts as it came last, as in every map of Protocol Buffers. */
export function mapOf(entries: unknown, depth = 0): CypherMap {
  return new Map(messages(entries).map(({ key, value }) => [String(key), valueOf(value as Message | null, depth + 1)]));
}

export function valueOf(message: Message | null, depth = 0): Value {
  if (depth > NESTING_MAX) throw wrong(`a value is nested more than ${NESTING_MAX} deep`);
  const kind = message?.kind as string | undefined;
  if (message === null || kind === undefined) return null;
  const held = message[kind];
  switch (kind) {
    case 'null_value': return null;
    case 'bool_value': case 'string_value': return held as boolean | string;
    case 'int_value': return whole(held);
    case 'double_value': return new Float(held as number);
    case 'bytes_value': return new Uint8Array(held as Buffer);
    default: return compound(kind, held as Message, depth);
  }
}

function compound(kind: string, held: Message, depth: number): Value {
  switch (kind) {
    case 'list_value': return messages(held.values).map((one) => valueOf(one, depth + 1));
    case 'map_value': return mapOf(held.entries, depth);
    case 'node_value': return node(held, depth);
    case 'relationship_value': return relationship(held, depth);
    case 'path_value': return path(held, depth);
    case 'point_value': return point(held);
    default: return temporal(kind, held);
  }
}

function whole(value: unknown): number | bigint {
  return integer(BigInt(value as string));
}

function within(value: unknown, lower: number, upper: number): number {
  const number = Number(value);
  if (number < lower || number > upper) throw wrong(`${number} is not between ${lower} and ${upper}`);
  return number;
}

function id(value: unknown): number {
  return within(value, 0, Number.MAX_SAFE_INTEGER);
}

function node(held: Message, depth: number): NodeValue {
  return new NodeValue(id(held.id), held.labels as string[], mapOf(held.properties, depth));
}

function relationship(held: Message, depth: number): RelationshipValue {
  return new RelationshipValue(id(held.id), 0, id(held.start_id), id(held.end_id), held.type as string, mapOf(held.properties, depth));
}

function path(held: Message, depth: number): PathValue {
  const nodes = messages(held.nodes).map((one) => node(one, depth + 1));
  const steps = messages(held.relationships).map((one) => relationship(one, depth + 1));
  if (nodes.length !== steps.length + 1) throw wrong(`a path of ${steps.length} relationships has ${steps.length + 1} nodes, found ${nodes.length}`);
  steps.forEach(({ start, end }, i) => {
    const ends = [nodes[i]!.id, nodes[i + 1]!.id];
    if (!ends.includes(start) || !ends.includes(end)) throw wrong(`relationship ${i} of a path does not join its neighbours`);
  });
  return new PathValue(nodes, steps);
}

function point({ srid, x, y, z }: Message): Point {
  if (!isSrid(srid as number)) throw wrong(`a point of reference system ${String(srid)}`);
  const isThreeD = srid === 4979 || srid === 9157;
  return makePoint(srid as 4326, x as number, y as number, isThreeD ? z as number : undefined);
}

function temporal(kind: string, held: Message): Value {
  switch (kind) {
    case 'date_value': return new LocalDate(validEpochDay(Number(held.days)));
    case 'local_time_value': return new LocalTime(timeOfDay(held.nanos));
    case 'time_value': return new ZonedTime(timeOfDay(held.nanos), offset(held.offset_seconds));
    case 'local_date_time_value': {
      const { day, nano } = moment(held);
      return new LocalDateTime(day, nano);
    }
    case 'date_time_value': {
      const { day, nano } = moment(held);
      return ZonedDateTime.ofInstant(day, nano, held.zone === '' ? offset(held.offset_seconds) : parseZone(held.zone as string));
    }
    case 'duration_value': return Duration.of(whole(held.months), whole(held.days), whole(held.seconds), whole(held.nanos));
    default: throw wrong(`a value of the kind ${kind}`);
  }
}

function timeOfDay(value: unknown): number {
  return within(value, 0, NANOS_PER_DAY - 1);
}

function offset(value: unknown): number {
  return within(value, -OFFSET_MAX, OFFSET_MAX);
}

function moment({ seconds, nanos }: Message): { readonly day: number; readonly nano: number } {
  const total = BigInt(seconds as string);
  const perDay = BigInt(SECONDS_PER_DAY);
  const second = ((total % perDay) + perDay) % perDay;
  return { day: validEpochDay(Number((total - second) / perDay)), nano: Number(second) * NANOS_PER_SECOND + within(nanos, 0, NANOS_PER_SECOND - 1) };
}
