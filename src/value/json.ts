/**
 * JSON bodies with exact numbers: an integer of any length stays what it is, and `1.0` is a FLOAT.
 *
 * `JSON.parse` is four times faster, so the exact parser only runs where the text has a number that needs it.
 */
import { parse } from 'lossless-json';
import { DbError } from '../base/errors.ts';
import { Point } from './spatial.ts';
import { Float, INT64_MAX, INT64_MIN, integer } from './value.ts';
import type { CypherMap, Value } from './value.ts';

const NEEDS_EXACT = /\d{16}|\d\.0*[^\d]|\d[eE]/;

/** Whether a number outside of strings needs it: a string may hold megabytes of digits. */
function needsExact(text: string): boolean {
  if (!NEEDS_EXACT.test(text)) return false;
  for (let at = 0; ;) {
    const opening = text.indexOf('"', at);
    if (NEEDS_EXACT.test(opening < 0 ? text.slice(at) : text.slice(at, opening))) return true;
    if (opening < 0) return false;
    at = opening;
    do at = text.indexOf('"', at + 1); while (at >= 0 && isEscaped(text, at));
    if (at < 0) return false;
    at++;
  }
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === 92) first--;
  return (at - first) % 2 === 1;
}

function refuse(digits: string): never {
  throw new DbError('InvalidRequest', `Failed to extract JSON: ${digits} does not fit 64 bits`);
}

/** `tooLong`: what an integer beyond 64 bits becomes. */
export function parseJson(text: string, tooLong: (digits: string) => Float = refuse): unknown {
  const exactNumber = (digits: string): number | bigint | Float => {
    if (!/^-?\d+$/.test(digits)) return new Float(Number(digits));
    const value = BigInt(digits);
    return value < INT64_MIN || value > INT64_MAX ? tooLong(digits) : integer(value);
  };
  try {
    return needsExact(text) ? parse(text, undefined, exactNumber) : JSON.parse(text);
  } catch (error) {
    if (error instanceof DbError) throw error;
    throw new DbError('InvalidRequest', `Failed to extract JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const DEPTH_MAX = 100;

export function jsonToValue(json: unknown, depth = 0): Value {
  if (depth > DEPTH_MAX) throw new DbError('InvalidRequest', `a parameter is nested more than ${DEPTH_MAX} levels deep`);
  switch (typeof json) {
    case 'number':
      return Number.isSafeInteger(json) ? json + 0 : new Float(json);
    case 'string': case 'boolean': case 'bigint':
      return json;
    case 'object':
      if (json === null || json instanceof Float || json instanceof Point || json instanceof Uint8Array) return json;
      if (Array.isArray(json)) return json.map((item) => jsonToValue(item, depth + 1));
      return new Map(Object.entries(json).map(([key, value]) => [key, jsonToValue(value, depth + 1)]));
    default:
      return null;
  }
}

/** A body's parameters; TuGraph's keys carry the `$`. */
export function parametersOf(json: unknown): CypherMap {
  if (json === undefined || json === null) return new Map();
  if (typeof json !== 'object' || Array.isArray(json)) throw new DbError('InvalidRequest', '`parameters` must be an object');
  return new Map(Object.entries(json).map(([key, value]) => [key.startsWith('$') ? key.slice(1) : key, jsonToValue(value)]));
}
