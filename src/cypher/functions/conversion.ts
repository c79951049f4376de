/** Conversions between types: `toX`, `toXOrNull`, `toXList`, `valueType`. */
import { walk } from '../../base/allowance.ts';
import { DbError } from '../../base/errors.ts';
import { Duration, isTemporal } from '../../value/temporal.ts';
import { Point } from '../../value/spatial.ts';
import { formatFloat, typeName } from '../../value/format.ts';
import { invalidValue, outOfRange } from '../../value/value-errors.ts';
import { Float, INT64_MAX, INT64_MIN, integer } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { argumentsRefused, listArgument, scalar, stringArgument, wrongArgument } from './function.ts';
import type { Kind, ScalarFunction } from './function.ts';

const INTEGER_TEXT = /^[+-]?\d+$/;
const FLOAT_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function integerOfDouble(value: number): number | bigint {
  const whole = Math.trunc(value) + 0;
  if (Number.isSafeInteger(whole)) return whole;
  const exact = Number.isFinite(whole) ? BigInt(whole) : undefined;
  if (exact === undefined || exact > INT64_MAX || exact < INT64_MIN) throw outOfRange(`${formatFloat(value)} is no 64-bit integer`);
  return exact;
}

function toInteger(value: Value): Value {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Float) return integerOfDouble(value.value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') throw wrongArgument('toInteger', 'a boolean, a number or a string', value);
  const text = value.trim();
  // No 64-bit integer has more digits; longer texts are not worth the work.
  if (INTEGER_TEXT.test(text) && text.length <= 40) {
    const exact = BigInt(text.replace('+', ''));
    return exact > INT64_MAX || exact < INT64_MIN ? null : integer(exact);
  }
  if (!FLOAT_TEXT.test(text)) return null;
  const double = Number(text);
  return Math.abs(double) < 2 ** 63 ? integerOfDouble(double) : null;
}

function toFloat(value: Value): Value {
  if (value instanceof Float) return value;
  if (typeof value === 'number' || typeof value === 'bigint') return new Float(Number(value));
  if (typeof value !== 'string') throw wrongArgument('toFloat', 'a number or a string', value);
  const text = value.trim();
  if (FLOAT_TEXT.test(text)) return new Float(Number(text));
  return /^([+-]?Infinity|NaN)$/.test(text) ? new Float(Number(text)) : null;
}

function toBoolean(value: Value): Value {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return value !== 0;
  if (typeof value !== 'string') throw wrongArgument('toBoolean', 'a boolean, an integer or a string', value);
  const text = value.trim().toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : null;
}

function toText(value: Value): Value {
  if (typeof value === 'string') return value;
  if (value instanceof Float) return formatFloat(value.value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value !== null && (isTemporal(value) || value instanceof Duration || value instanceof Point)) return value.toString();
  throw wrongArgument('toString', 'a number, a boolean, a string, a temporal value or a point', value);
}

/** The three forms of one conversion: failing, null for what cannot be converted, and item by item. */
function forms(name: string, accepts: string, returns: Kind, convert: (value: Value) => Value): ScalarFunction[] {
  const orNull = (value: Value): Value => {
    if (value === null) return null;
    try {
      return convert(value);
    } catch (error) {
      if (error instanceof DbError) return null;
      throw error;
    }
  };
  return [
    scalar(name, [accepts], returns, ([value], context) => {
      const result = convert(value!);
      // openCypher: what cannot be converted is null. A graph in TuGraph's way: an error.
      if (result === null && context.view.catalog.strict) throw new DbError('ArgumentError', argumentsRefused(name), { detail: 'InvalidArgumentValue' });
      return result;
    }),
    scalar(`${name}OrNull`, ['ANY'], returns, ([value]) => orNull(value!)),
    scalar(`${name}List`, ['LIST'], 'LIST', ([list]) => listArgument(`${name}List`, list).map(orNull)),
  ];
}

/** In which order the types of a list are named. */
const TYPE_ORDER = [
  'NULL', 'BOOLEAN', 'STRING', 'INTEGER', 'FLOAT', 'BYTES', 'DATE', 'LOCAL TIME', 'ZONED TIME', 'LOCAL DATETIME', 'ZONED DATETIME', 'DURATION', 'POINT',
  'NODE', 'RELATIONSHIP', 'MAP', 'LIST', 'PATH',
];
const typeRank = (type: string): number => TYPE_ORDER.indexOf(type.replace(/ NOT NULL$|<.*/, ''));

/** `INTEGER NOT NULL`, `LIST<STRING NOT NULL> NOT NULL`, `NULL`. */
function valueType(value: Value): string {
  if (value === null) return 'NULL';
  if (!Array.isArray(value)) return `${typeName(value)} NOT NULL`;
  walk(value.length);
  const inner = [...new Set(value.map(valueType))].sort((a, b) => typeRank(a) - typeRank(b) || (a < b ? -1 : 1));
  if (inner.length === 0) return 'LIST<NOTHING> NOT NULL';
  // A null among others makes them nullable.
  const types = inner.includes('NULL') && inner.length > 1
    ? inner.filter((type) => type !== 'NULL').map((type) => type.replace(/ NOT NULL$/, ''))
    : inner;
  return `LIST<${types.join(' | ')}> NOT NULL`;
}

function bin([text]: Value[]): Value {
  const base64 = stringArgument('bin', text);
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64)) throw invalidValue('bin() needs a base64 text');
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

// Kinds that cannot be told apart at compile time in a useful way are left to the run time, as the TCK expects.
export const CONVERSION_FUNCTIONS: readonly ScalarFunction[] = [
  ...forms('toInteger', 'ANY', 'INTEGER', toInteger),
  ...forms('toFloat', 'ANY', 'FLOAT', toFloat),
  ...forms('toBoolean', 'ANY', 'BOOLEAN', toBoolean),
  ...forms('toString', 'ANY', 'STRING', toText),
  scalar('valueType', ['ANY'], 'STRING', ([value]) => valueType(value!), { nulls: true }),
  scalar('bin', ['STRING'], 'BYTES', bin),
];
