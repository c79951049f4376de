/**
 * The four ways in which openCypher compares values.
 *
 *   equals        `=`: three-valued; null with anything is unknown, NaN equals nothing, 1 = 1.0, other types differ
 *   compare       `<` and so on: null where values of these types are not comparable; NaN (the number) where a FLOAT NaN takes
 *                 part, so that every one of `compare(a, b) < 0`, `<= 0`, `> 0` is false
 *   orderCompare  ORDER BY: a total order over all values
 *   equivalent    DISTINCT and grouping: like equality, but null ≡ null and NaN ≡ NaN; `hashKey` is its key for a Map
 */
import { walk } from '../base/allowance.ts';
import { Float, NodeValue, PathValue, RelationshipValue, isNumber } from './value.ts';
import type { CypherMap, Value } from './value.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import { Point } from './spatial.ts';
import { textsOf } from './texts.ts';

/** INTEGERs and FLOATs as something that JavaScript compares exactly: `1n < 1.5` holds. */
function numeric(value: number | bigint | Float): number | bigint {
  return value instanceof Float ? value.value : value;
}

/** Unlike `===`, compares a bigint with a double by value; NaN is still no one's equal. */
function sameNumber(x: number | bigint, y: number | bigint): boolean {
  return x <= y && x >= y;
}

export function equals(a: Value, b: Value): boolean | null {
  if (typeof a === 'number' && typeof b === 'number') return a === b;
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) return sameNumber(numeric(a), numeric(b));
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (Array.isArray(a)) return Array.isArray(b) ? equalLists(a, b) : false;
  if (a instanceof Map) return b instanceof Map ? equalMaps(a, b) : false;
  return sameScalar(a, b);
}

function equalLists(a: readonly Value[], b: readonly Value[]): boolean | null {
  if (a.length !== b.length) return false;
  walk(a.length);
  let unknown = false;
  for (let i = 0; i < a.length; i++) {
    const same = equals(a[i]!, b[i]!);
    if (same === false) return false;
    if (same === null) unknown = true;
  }
  return unknown ? null : true;
}

function equalMaps(a: CypherMap, b: CypherMap): boolean | null {
  if (a.size !== b.size) return false;
  walk(a.size);
  for (const key of a.keys()) {
    if (!b.has(key)) return false;
  }
  let unknown = false;
  for (const [key, value] of a) {
    const same = equals(value, b.get(key)!);
    if (same === false) return false;
    if (same === null) unknown = true;
  }
  return unknown ? null : true;
}

/** Entities by identity, temporal values and points by content. */
function sameScalar(a: Exclude<Value, null>, b: Exclude<Value, null>): boolean {
  if (a instanceof NodeValue) return b instanceof NodeValue && a.id === b.id;
  if (a instanceof RelationshipValue) return b instanceof RelationshipValue && a.id === b.id;
  if (a instanceof PathValue) return b instanceof PathValue && comparePaths(a, b) === 0;
  if (a instanceof Point) return b instanceof Point && a.equals(b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Duration) return b instanceof Duration && a.equals(b);
  return compareTemporals(a, b) === 0;
}

/** Order of two temporal values of the same type, undefined for other pairs. */
function compareTemporals(a: Value, b: Value): number | undefined {
  if (a instanceof LocalDate && b instanceof LocalDate) return a.compareTo(b);
  if (a instanceof LocalDateTime && b instanceof LocalDateTime) return a.compareTo(b);
  if (a instanceof ZonedDateTime && b instanceof ZonedDateTime) return a.compareTo(b);
  if (a instanceof LocalTime && b instanceof LocalTime) return a.compareTo(b);
  if (a instanceof ZonedTime && b instanceof ZonedTime) return a.compareTo(b);
  return undefined;
}

export function compare(a: Value, b: Value): number | null {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) {
    const x = numeric(a);
    const y = numeric(b);
    if (x < y) return -1;
    if (x > y) return 1;
    return sameNumber(x, y) ? 0 : Number.NaN;
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return compareTemporals(a, b) ?? null;
}

function compareLists(a: readonly Value[], b: readonly Value[]): number | null {
  const length = Math.min(a.length, b.length);
  walk(length);
  for (let i = 0; i < length; i++) {
    const order = compare(a[i]!, b[i]!) ?? (equals(a[i]!, b[i]!) === true ? 0 : null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/**
 * By code point, which is also the order of the UTF-8 bytes in an index. JavaScript compares UTF-16 units, which differs
 * only where a surrogate meets a character from U+E000 on.
 */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      const surrogateX = x < 0xe000;
      if (surrogateX !== y < 0xe000) return surrogateX ? 1 : -1;
    }
    return x - y;
  }
  return a.length - b.length;
}

/** MAP < NODE < RELATIONSHIP < LIST < PATH < BYTES < POINT < temporal types < STRING < BOOLEAN < NUMBER < NaN < null */
function rank(value: Value): number {
  if (value === null) return 99;
  switch (typeof value) {
    case 'number':
    case 'bigint': return 50;
    case 'string': return 30;
    case 'boolean': return 40;
    default: break;
  }
  if (value instanceof Float) return Number.isNaN(value.value) ? 51 : 50;
  if (value instanceof Map) return 0;
  if (value instanceof NodeValue) return 1;
  if (value instanceof RelationshipValue) return 2;
  if (Array.isArray(value)) return 3;
  if (value instanceof PathValue) return 4;
  if (value instanceof Uint8Array) return 5;
  if (value instanceof Point) return 6;
  if (value instanceof ZonedDateTime) return 10;
  if (value instanceof LocalDateTime) return 11;
  if (value instanceof LocalDate) return 12;
  if (value instanceof ZonedTime) return 13;
  if (value instanceof LocalTime) return 14;
  return 15;
}

export function orderCompare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  const ranks = rank(a) - rank(b);
  if (ranks !== 0) return ranks;
  if (a === null || b === null) return 0;
  if (Array.isArray(a) && Array.isArray(b)) return orderLists(a, b);
  if (a instanceof Map && b instanceof Map) return orderMaps(a, b);
  if (a instanceof NodeValue && b instanceof NodeValue) return a.id - b.id;
  if (a instanceof RelationshipValue && b instanceof RelationshipValue) return a.id - b.id;
  if (a instanceof PathValue && b instanceof PathValue) return comparePaths(a, b);
  if (a instanceof Point && b instanceof Point) return a.compareTo(b);
  if (a instanceof Duration && b instanceof Duration) return a.compareTo(b);
  // What is left is comparable with its own kind; two NaN are not, and tie.
  return compare(a, b) || 0;
}

function orderLists(a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length);
  walk(length);
  for (let i = 0; i < length; i++) {
    const order = orderCompare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** By sorted keys first, then by their values. */
function orderMaps(a: CypherMap, b: CypherMap): number {
  if (a.size !== b.size) return a.size - b.size;
  walk(a.size);
  const keysA = [...a.keys()].sort(compareStrings);
  const keysB = [...b.keys()].sort(compareStrings);
  for (let i = 0; i < keysA.length; i++) {
    const order = compareStrings(keysA[i]!, keysB[i]!);
    if (order !== 0) return order;
  }
  for (const key of keysA) {
    const order = orderCompare(a.get(key)!, b.get(key)!);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePaths(a: PathValue, b: PathValue): number {
  const length = Math.min(a.nodes.length, b.nodes.length);
  for (let i = 0; i < length; i++) {
    const order = a.nodes[i]!.id - b.nodes[i]!.id || (a.relationships[i]?.id ?? -1) - (b.relationships[i]?.id ?? -1);
    if (order !== 0) return order;
  }
  return a.nodes.length - b.nodes.length;
}

export function equivalent(a: Value, b: Value): boolean {
  return a === b || orderCompare(a, b) === 0;
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * A key that two values share if and only if they are equivalent. Numbers and nearly all strings are their own key;
 * everything else is text behind a NUL, which strings that begin with one get too.
 */
export function hashKey(value: Value): string | number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return value.charCodeAt(0) === 0 ? `\0s${value}` : value;
  if (value === null) return '\0n';
  if (typeof value === 'boolean') return value ? '\0t' : '\0f';
  if (typeof value === 'bigint') return `\0i${value}`;
  if (value instanceof Float) return floatKey(value.value);
  return `\0${objectKey(value)}`;
}

function floatKey(value: number): string | number {
  if (Number.isNaN(value)) return '\0NaN';
  // An integral double beyond 2^53 may equal a bigint INTEGER.
  if (!Number.isInteger(value) || Math.abs(value) <= Number(SAFE)) return value + 0;
  return `\0i${BigInt(value)}`;
}

function objectKey(value: Exclude<Value, null | boolean | number | bigint | string | Float>): string {
  if (value instanceof NodeValue) return `N${value.id}`;
  if (value instanceof RelationshipValue) return `R${value.id}`;
  if (Array.isArray(value)) return `[${textsOf(value, nestedKey, '')}`;
  if (value instanceof Map) {
    return `{${textsOf([...value.keys()].sort(), (key) => nestedText(key) + nestedKey(value.get(key)!), '')}`;
  }
  if (value instanceof PathValue) {
    return `P${value.nodes.map((node) => node.id).join(',')};${value.relationships.map((relationship) => relationship.id).join(',')}`;
  }
  if (value instanceof Uint8Array) return `B${Buffer.from(value).toString('latin1')}`;
  if (value instanceof Point) return `p${value.srid};${value.x + 0};${value.y + 0};${value.z === undefined ? '' : value.z + 0}`;
  if (value instanceof Duration) return `L${value.months};${value.days};${value.seconds};${value.nanos}`;
  if (value instanceof LocalDate) return `D${value.epochDay}`;
  if (value instanceof LocalTime) return `T${value.nanoOfDay}`;
  if (value instanceof ZonedTime) return `U${value.nanoOfDay};${value.offset}`;
  if (value instanceof LocalDateTime) return `E${value.epochDay};${value.nanoOfDay}`;
  return `Z${value.epochDay};${value.nanoOfDay};${value.offset};${value.zone ?? ''}`;
}

/** Keys behind each other, each saying where it ends. */
function nestedKey(value: Value): string {
  const key = hashKey(value);
  return typeof key === 'number' ? `#${key};` : nestedText(key);
}

function nestedText(text: string): string {
  return `${text.length}:${text}`;
}
