/**
 * What can be known of a value's type before a statement runs: enough for the compile-time errors of openCypher, and for
 * fast paths. Unknown is `any`; a type here never promises that the value is not null.
 */
import type { Value } from '../../value/value.ts';
import { Float } from '../../value/value.ts';

export type TypeKind =
  | 'any' | 'null' | 'boolean' | 'integer' | 'float' | 'number' | 'string' | 'list' | 'map' | 'node' | 'relationship' | 'path'
  | 'temporal' | 'point';

export interface StaticType {
  readonly kind: TypeKind;
  /** Of a list. */
  readonly element?: StaticType;
}

const type = (kind: TypeKind): StaticType => ({ kind });

export const ANY = type('any');
export const NULL = type('null');
export const BOOLEAN = type('boolean');
export const INTEGER = type('integer');
export const FLOAT = type('float');
export const NUMBER = type('number');
export const STRING = type('string');
export const MAP = type('map');
export const NODE = type('node');
export const RELATIONSHIP = type('relationship');
export const PATH = type('path');
export const TEMPORAL = type('temporal');
export const POINT = type('point');

export function listOf(element: StaticType): StaticType {
  return { kind: 'list', element };
}

export const LIST = listOf(ANY);

/** The narrowest type both fit. */
export function join(a: StaticType, b: StaticType): StaticType {
  if (a.kind === 'null') return b;
  if (b.kind === 'null') return a;
  if (a.kind === b.kind) return a.kind === 'list' ? listOf(join(a.element ?? ANY, b.element ?? ANY)) : a;
  return isNumeric(a) && isNumeric(b) ? NUMBER : ANY;
}

export function isNumeric(t: StaticType): boolean {
  return t.kind === 'integer' || t.kind === 'float' || t.kind === 'number';
}

export function isUnknown(t: StaticType): boolean {
  return t.kind === 'any' || t.kind === 'null';
}

export function typeOfValue(value: Value): StaticType {
  if (value === null) return NULL;
  switch (typeof value) {
    case 'boolean': return BOOLEAN;
    case 'number': case 'bigint': return INTEGER;
    case 'string': return STRING;
    default: return value instanceof Float ? FLOAT : Array.isArray(value) ? LIST : value instanceof Map ? MAP : ANY;
  }
}

const RESULTS: Readonly<Record<string, StaticType>> = {
  count: INTEGER, size: INTEGER, length: INTEGER, id: INTEGER, tointeger: INTEGER, sign: INTEGER, timestamp: INTEGER,
  tofloat: FLOAT, rand: FLOAT, sqrt: FLOAT, floor: FLOAT, ceil: FLOAT, pi: FLOAT, e: FLOAT, avg: ANY, percentilecont: FLOAT,
  tostring: STRING, type: STRING, tolower: STRING, toupper: STRING, trim: STRING, ltrim: STRING, rtrim: STRING,
  substring: STRING, replace: STRING, left: STRING, right: STRING,
  toboolean: BOOLEAN, isempty: BOOLEAN, labels: listOf(STRING), keys: listOf(STRING), split: listOf(STRING),
  nodes: listOf(NODE), relationships: listOf(RELATIONSHIP), rels: listOf(RELATIONSHIP), range: listOf(INTEGER),
  properties: ANY,
};

/** The type of a function's result, by its lower-case name. */
export function resultType(name: string, args: readonly StaticType[]): StaticType {
  const first = args[0];
  switch (name) {
    case 'collect': return listOf(first ?? ANY);
    case 'head': case 'last': return first?.kind === 'list' ? first.element ?? ANY : ANY;
    case 'tail': return first?.kind === 'list' ? first : ANY;
    case 'min': case 'max': return first?.kind === 'list' ? ANY : first ?? ANY;
    case 'coalesce': return args.length === 0 ? ANY : args.reduce(join);
    default: return Object.hasOwn(RESULTS, name) ? RESULTS[name]! : ANY;
  }
}

/** What the first argument of some functions must be, where it is known: the rest is checked when they run. */
const ARGUMENTS: Readonly<Record<string, readonly TypeKind[]>> = {
  labels: ['node'],
  type: ['relationship'],
  nodes: ['path'],
  relationships: ['path'],
  length: ['path', 'string', 'list'],
  size: ['list', 'string', 'map'],
  properties: ['node', 'relationship', 'map', 'path'],
  keys: ['node', 'relationship', 'map'],
  startnode: ['relationship'],
  endnode: ['relationship'],
};

export function acceptedArguments(name: string): readonly TypeKind[] | undefined {
  return Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name] : undefined;
}
