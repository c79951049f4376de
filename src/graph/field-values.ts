/**
 * What may be stored: any property value in a free-form label, and converted, range-checked values in declared fields.
 * The texts of declared fields are TuGraph's.
 */
import { DbError } from '../base/errors.ts';
import { Float, INT64_MAX, INT64_MIN } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { formatValue } from '../value/format.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../value/temporal.ts';
import { parseDate, parseLocalDateTime } from '../value/temporal-parse.ts';
import { ewkbOf, pointOf, shapeFromHex } from '../value/ewkb.ts';
import { Point } from '../value/spatial.ts';
import type { FieldDef, FieldType } from './catalog.ts';

/** Bytes of one string at most (TuGraph's limit for STRING). */
export const STRING_BYTES_MAX = 4 * 1024 * 1024 - 1;

/** Throws unless the value may be a property: a scalar, or a list of scalars of one kind without nulls. */
export function checkStorable(value: Value): void {
  if (value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (item === null || !isScalar(item)) throw notStorable(value);
    }
    return;
  }
  if (!isScalar(value)) throw notStorable(value);
}

function isScalar(value: Value): boolean {
  switch (typeof value) {
    case 'boolean': case 'number': case 'bigint': case 'string': return true;
    default:
      return value instanceof Float || value instanceof Uint8Array || value instanceof Point || value instanceof LocalDate
        || value instanceof LocalTime || value instanceof ZonedTime || value instanceof LocalDateTime || value instanceof ZonedDateTime
        || value instanceof Duration;
  }
}

function notStorable(value: Value): DbError {
  return new DbError('TypeError', `InvalidPropertyType: ${formatValue(value)} cannot be stored as a property`, {
    detail: 'InvalidPropertyType', hint: 'a property is a scalar or a list of scalars; store a map as several properties',
  });
}

const INT_LIMITS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  INT8: [-128n, 127n], INT16: [-32768n, 32767n], INT32: [-(2n ** 31n), 2n ** 31n - 1n], INT64: [INT64_MIN, INT64_MAX],
};

const SHAPES: ReadonlySet<FieldType> = new Set<FieldType>(['POINT', 'LINESTRING', 'POLYGON', 'SPATIAL']);

/** BLOBs and the types without an order cannot tell one vertex from another. */
export function canBePrimary(type: FieldType): boolean {
  return type !== 'BLOB' && type !== 'FLOAT_VECTOR' && !SHAPES.has(type);
}

/** The value as the declared field stores it. */
export function fieldValue(field: FieldDef, value: Value): Value {
  if (value === null) {
    if (!field.optional) throw new DbError('ConstraintValidation', `Field [${field.name}] is not optional.`);
    return null;
  }
  const stored = convert(field, value);
  if (stored === undefined) {
    throw new DbError('ConstraintValidation', `Failed to set field [${field.name}]: Cannot convert input [${formatValue(value)}] into type [${field.type}]`, hintOf(field));
  }
  return stored;
}

function hintOf({ type }: FieldDef): { hint?: string } {
  if (!SHAPES.has(type)) return {};
  return { hint: `a text in it is EWKB or WKB in hexadecimal digits; ${type === 'SPATIAL' ? 'pointWKT(), linestringWKT() and polygonWKT() read' : `${type.toLowerCase()}WKT() reads`} WKT` };
}

function convert(field: FieldDef, value: Value): Value | undefined {
  switch (field.type) {
    case 'BOOL': return typeof value === 'boolean' ? value : undefined;
    case 'INT8': case 'INT16': case 'INT32': case 'INT64': return integerIn(field, value);
    case 'FLOAT': case 'DOUBLE': {
      const number = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : value instanceof Float ? value.value : undefined;
      return number === undefined ? undefined : new Float(field.type === 'FLOAT' ? single(field, number) : number);
    }
    case 'STRING':
      if (typeof value !== 'string') return undefined;
      if (value.length > STRING_BYTES_MAX / 3 && Buffer.byteLength(value) > STRING_BYTES_MAX) {
        throw new DbError('ConstraintValidation', `Failed to set field [${field.name}]: Data size too big, ${Buffer.byteLength(value)} bytes of at most ${STRING_BYTES_MAX}`);
      }
      return value;
    case 'DATE': return value instanceof LocalDate ? value : parsed(value, parseDate);
    case 'DATETIME':
      if (value instanceof LocalDateTime) return value;
      if (value instanceof ZonedDateTime) return inUtc(value);
      return parsed(value, (text) => parseLocalDateTime(text.trim().replace(' ', 'T')));
    case 'BLOB':
      if (value instanceof Uint8Array) return value;
      return typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? Uint8Array.from(Buffer.from(value, 'base64')) : undefined;
    case 'POINT': case 'SPATIAL': case 'LINESTRING': case 'POLYGON': {
      if (value instanceof Point) return field.type === 'POINT' || field.type === 'SPATIAL' ? value : undefined;
      const shape = parsed(value, shapeFromHex);
      if (shape === undefined || (field.type !== 'SPATIAL' && field.type !== shape.kind)) return undefined;
      return shape.kind === 'POINT' ? pointOf(shape) : ewkbOf(shape);
    }
    case 'FLOAT_VECTOR': return vector(field, value);
  }
}

/** A DATETIME has no offset, and `datetime()` gives UTC: the moment is kept, where the clock's reading in another zone would be another moment. */
function inUtc(moment: ZonedDateTime): LocalDateTime {
  const { day, nano } = moment.instant();
  return new LocalDateTime(day, nano);
}

/** Clients in JavaScript send every plain number as a FLOAT (the JavaScript driver, TuGraph Browser): a whole one is an integer here. */
function integerIn(field: FieldDef, given: Value): Value | undefined {
  const value = given instanceof Float && Number.isSafeInteger(given.value) ? given.value : given;
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  // Numbers are safe integers, well within 64 bits.
  if (typeof value === 'number' && field.type === 'INT64') return value;
  const [low, high] = INT_LIMITS[field.type]!;
  if (BigInt(value) < low || BigInt(value) > high) {
    throw new DbError('ConstraintValidation', `Failed to set field [${field.name}]: Data size too big, ${value} does not fit ${field.type}`);
  }
  return value;
}

/** A number of 32 bits; what none is, infinity in the text too, stays what it is. */
function single({ name, type }: FieldDef, number: number): number {
  const rounded = Math.fround(number);
  if (Number.isFinite(number) && !Number.isFinite(rounded)) {
    throw new DbError('ConstraintValidation', `Failed to set field [${name}]: Data size too big, ${number} does not fit ${type}`);
  }
  return rounded;
}

function parsed<T>(value: Value, parse: (text: string) => T): T | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parse(value);
  } catch {
    return undefined; // The caller names field, value and type, which says more than the parser's message.
  }
}

function vector(field: FieldDef, value: Value): Value | undefined {
  const list = typeof value === 'string' ? value.split(',').map((part) => new Float(Number(part))) : value;
  if (!Array.isArray(list)) return undefined;
  const floats: Float[] = [];
  for (const item of list) {
    const number = typeof item === 'number' || typeof item === 'bigint' ? Number(item) : item instanceof Float ? item.value : NaN;
    if (!Number.isFinite(number)) return undefined;
    floats.push(new Float(single(field, number)));
  }
  checkDimension(field, floats.length);
  return floats;
}

/** Throws where the field has a vector index for vectors of another length. */
export function checkDimension({ name, vector: index }: FieldDef, length: number): void {
  if (index === undefined || index.dimension === length) return;
  throw new DbError('ConstraintValidation', `Failed to set field [${name}]: vector index dimension mismatch, vector size:${length}, dim:${index.dimension}`, {
    hint: `give ${index.dimension} numbers, or delete the index first: CALL db.deleteVertexVectorIndex(label, '${name}')`,
  });
}
