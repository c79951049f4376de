/**
 * Cypher values as JavaScript values.
 *
 *   NULL               null
 *   BOOLEAN            boolean
 *   INTEGER            number, always a safe integer and never -0; bigint when |n| > 2^53-1 (up to 64 bits)
 *   FLOAT              Float (so that 1.0 is not 1: a bare `number` is always an INTEGER)
 *   STRING             string
 *   BYTES              Uint8Array
 *   LIST               array
 *   MAP                Map<string, Value>, in insertion order
 *   DATE … DURATION    classes of temporal.ts
 *   POINT              class of spatial.ts
 *   NODE, RELATIONSHIP, PATH   the classes below
 *
 * Invariant: an integer that fits a safe `number` is never a bigint (`integer()` makes it so), hence two equal integers
 * are `===`. A value is immutable once it is shared.
 */
import type { LocalDate, LocalTime, ZonedTime, LocalDateTime, ZonedDateTime, Duration } from './temporal.ts';
import type { Point } from './spatial.ts';

export type Value =
  | null | boolean | number | bigint | string | Float | Uint8Array | Value[] | CypherMap
  | LocalDate | LocalTime | ZonedTime | LocalDateTime | ZonedDateTime | Duration | Point
  | NodeValue | RelationshipValue | PathValue;

export type CypherMap = Map<string, Value>;

/** An IEEE 754 double. A wrapper, because a bare number is an INTEGER. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/**
 * A node. Inside the engine it is a handle: `id` alone, with what a view read of it kept in `record` (opaque here, owned
 * by the view that set it). `labels` and `properties` are filled when the value leaves the engine.
 */
export class NodeValue {
  readonly id: number;
  /** Set by the graph view that resolved this handle; never read by other folders. */
  record: unknown = undefined;
  labels: readonly string[] | undefined = undefined;
  properties: CypherMap | undefined = undefined;

  constructor(id: number, labels?: readonly string[], properties?: CypherMap) {
    this.id = id;
    this.labels = labels;
    this.properties = properties;
  }
}

/** A relationship, likewise a handle inside the engine: its ends and type are always known. */
export class RelationshipValue {
  readonly id: number;
  /** Number of the type in the graph's catalog. */
  readonly typeId: number;
  readonly start: number;
  readonly end: number;
  record: unknown = undefined;
  type: string | undefined = undefined;
  properties: CypherMap | undefined = undefined;
  /** TuGraph's numbers of an edge of a declared label, where they are asked for: see cypher/materialize.ts. */
  tugraph: { readonly ordinal: number; readonly temporalId: number | bigint } | undefined = undefined;

  constructor(id: number, typeId: number, start: number, end: number, type?: string, properties?: CypherMap) {
    this.id = id;
    this.typeId = typeId;
    this.start = start;
    this.end = end;
    this.type = type;
    this.properties = properties;
  }
}

/** `nodes.length === relationships.length + 1`; relationship i joins nodes i and i+1, in either direction. */
export class PathValue {
  readonly nodes: readonly NodeValue[];
  readonly relationships: readonly RelationshipValue[];

  constructor(nodes: readonly NodeValue[], relationships: readonly RelationshipValue[]) {
    this.nodes = nodes;
    this.relationships = relationships;
  }
}

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** The INTEGER for a bigint within 64 bits: a number where it is safe. */
export function integer(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

export function isInteger(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isNumber(value: Value): value is number | bigint | Float {
  return typeof value === 'number' || value instanceof Float || typeof value === 'bigint';
}

export function isMap(value: Value): value is CypherMap {
  return value instanceof Map;
}
