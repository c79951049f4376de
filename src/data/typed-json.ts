/**
 * Property values as JSON without loss: what JSON has is itself (integers exactly, a FLOAT always with a fraction or an exponent); every
 * other kind is an object with one key.
 *
 *   {"float": "NaN" | "Infinity" | "-Infinity"}   {"bytes": base64}   {"point": "point({x: 1.0, y: 2.0, crs: 'cartesian'})"}
 *   {"date": …} {"localtime": …} {"time": …} {"localdatetime": …} {"datetime": …} {"duration": …}   ISO 8601
 */
import { DbError } from '../base/errors.ts';
import { jsonFloat, aTypeName, typeName } from '../value/format.ts';
import { Point } from '../value/spatial.ts';
import { parseDate, parseDuration, parseLocalDateTime, parseLocalTime, parseZonedDateTime, parseZonedTime } from '../value/temporal-parse.ts';
import { Float } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { cypherPoint } from './cells.ts';

export function typedJson(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Float) return Number.isFinite(value.value) ? jsonFloat(value.value) : wrapped('float', String(value.value));
  if (Array.isArray(value)) return `[${value.map(typedJson).join(',')}]`;
  if (value instanceof Uint8Array) return wrapped('bytes', Buffer.from(value).toString('base64'));
  if (value instanceof Point) return wrapped('point', value.toString());
  return wrapped(kindOf(value), value.toString());
}

function wrapped(kind: string, text: string): string {
  return `{"${kind}":${JSON.stringify(text)}}`;
}

/** By `typeName`. */
const KINDS: Readonly<Record<string, string>> = {
  DATE: 'date', 'LOCAL TIME': 'localtime', 'ZONED TIME': 'time', 'LOCAL DATETIME': 'localdatetime', 'ZONED DATETIME': 'datetime', DURATION: 'duration',
};

function kindOf(value: Value): string {
  const kind = KINDS[typeName(value)];
  if (kind === undefined) throw new DbError('Internal', `${aTypeName(value)} is no property`);
  return kind;
}

const READERS: Readonly<Record<string, (text: string) => Value | undefined>> = {
  float: (text) => new Float(Number(text)),
  bytes: (text) => Uint8Array.from(Buffer.from(text, 'base64')),
  point: cypherPoint,
  date: parseDate, localtime: parseLocalTime, time: (text) => parseZonedTime(text, 0), localdatetime: parseLocalDateTime,
  datetime: (text) => parseZonedDateTime(text, 0), duration: parseDuration,
};

/** The property of a value that `jsonToValue` made of `typedJson`'s text. */
export function fromTypedJson(json: Value): Value {
  if (Array.isArray(json)) return json.map(fromTypedJson);
  if (!(json instanceof Map)) return json;
  const [entry, ...others] = [...json];
  const read = entry === undefined || others.length > 0 ? undefined : READERS[entry[0]];
  const value = read === undefined || typeof entry![1] !== 'string' ? undefined : read(entry![1]);
  if (value === undefined) throw new DbError('ConstraintValidation', `a map is no property; other kinds are {"kind": "text"} with one of ${Object.keys(READERS).join(', ')}`);
  return value;
}
