/**
 * Values of declared fields as text cells and back: `cellReader` for imports, `cellText` for exports. What one writes the other reads
 * as the same value.
 *
 *   BOOL true false · INT* decimal · FLOAT DOUBLE shortest decimal, NaN, Infinity · DATE DATETIME ISO 8601 (a blank for the T is read)
 *   STRING as it is · BLOB base64 · FLOAT_VECTOR numbers with commas · POINT and the like: EWKB or WKB in hexadecimal digits, or
 *   a Cypher point
 */
import { DbError } from '../base/errors.ts';
import type { FieldDef } from '../graph/catalog.ts';
import { fieldValue } from '../graph/field-values.ts';
import { makePoint } from '../value/spatial.ts';
import type { Srid } from '../value/spatial.ts';
import { Float, integer } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import type { Cell } from './csv.ts';

/** Reads a cell as the stored value; throws a DbError with the reason. A cell that is not a text is a JSON value. */
export type CellReader = (cell: Cell | Exclude<Value, string>) => Value;

const CYPHER_POINT = /^point\(\{x: ([^,]+), y: ([^,]+?)(?:, z: ([^,]+))?, crs: '([a-z0-9-]+)'\}\)$/;
const SRIDS: Readonly<Record<string, Srid>> = { 'wgs-84': 4326, 'wgs-84-3d': 4979, cartesian: 7203, 'cartesian-3d': 9157 };

export function cellReader(field: FieldDef): CellReader {
  const read = textReader(field);
  return (cell) => {
    if (cell === null) {
      if (field.optional) return null;
      if (field.type === 'STRING') return '';
      throw new DbError('ConstraintValidation', `Field [${field.name}] is not optional.`);
    }
    return typeof cell === 'string' ? read(cell) : fieldValue(field, cell);
  };
}

function textReader(field: FieldDef): (cell: string) => Value {
  const bad = (cell: string) => new DbError('ConstraintValidation', `Failed to parse into type ${field.type}: ${shortened(cell)}`);
  const checked = (value: Value): Value => fieldValue(field, value);
  switch (field.type) {
    case 'STRING': return (cell) => (cell.length < 1_000_000 ? cell : checked(cell));
    case 'INT64': return (cell) => wholeNumber(cell) ?? checked(longInteger(cell, bad));
    case 'INT8': case 'INT16': case 'INT32': return (cell) => checked(wholeNumber(cell) ?? longInteger(cell, bad));
    case 'FLOAT': case 'DOUBLE':
      return (cell) => {
        const number = Number(cell);
        if (Number.isNaN(number) ? cell !== 'NaN' : cell.trim() === '') throw bad(cell);
        return field.type === 'FLOAT' ? checked(new Float(number)) : new Float(number);
      };
    case 'BOOL':
      return (cell) => {
        const word = cell.trim().toLowerCase();
        if (word === 'true' || word === '1') return true;
        if (word === 'false' || word === '0') return false;
        throw bad(cell);
      };
    case 'FLOAT_VECTOR': return (cell) => (cell === '' ? [] : floats(cell, bad));
    default: {
      const mayBePoint = field.type === 'POINT' || field.type === 'SPATIAL';
      return (cell) => {
        try {
          return checked(mayBePoint ? cypherPoint(cell) ?? cell : cell);
        } catch (error) {
          throw error instanceof DbError && error.message.includes('Cannot convert') ? bad(cell) : error;
        }
      };
    }
  }
}

/** The usual case; undefined: something else. */
function wholeNumber(cell: string): number | undefined {
  // Plus 0: there is no integer -0.
  return /^-?\d{1,15}$/.test(cell) ? Number(cell) + 0 : undefined;
}

/** The same of a part of bytes, for millions of them; NaN: something else. */
export function wholeNumberIn(bytes: Uint8Array, from: number, to: number): number {
  const isNegative = bytes[from] === 45;
  let at = isNegative ? from + 1 : from;
  if (to - at > 15 || to === at) return Number.NaN;
  let number = 0;
  for (; at < to; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return isNegative ? 0 - number : number;
}

function longInteger(cell: string, bad: (cell: string) => DbError): Value {
  const text = cell.trim();
  if (!/^[+-]?\d{1,19}$/.test(text)) throw bad(cell);
  return integer(BigInt(text.replace('+', '')));
}

function floats(cell: string, bad: (cell: string) => DbError): Value {
  return cell.split(',').map((part) => {
    const number = Number(part);
    const rounded = Math.fround(number);
    if (part.trim() === '' || !Number.isFinite(rounded)) throw bad(cell);
    return new Float(rounded);
  });
}

export function cypherPoint(cell: string): Value | undefined {
  const match = CYPHER_POINT.exec(cell);
  const srid = match === null ? undefined : SRIDS[match[4]!];
  return match === null || srid === undefined ? undefined : makePoint(srid, Number(match[1]), Number(match[2]), match[3] === undefined ? undefined : Number(match[3]));
}

export function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}… (${text.length} characters)` : text;
}

/** The text of a stored value that `cellReader` of the same field reads as that value; null for null. */
export function cellText(value: Value): string | null {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((item) => (item instanceof Float ? floatText(item.value) : String(cellText(item)))).join(',');
  return String(value);
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
