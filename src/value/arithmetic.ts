/**
 * The operators `+ - * / % ^` and unary minus.
 *
 * Null in, null out. INTEGER is exact 64-bit: the fast path is two numbers with a safe result, everything else goes
 * through bigint and ends in an overflow error rather than a wrong number. INTEGER with FLOAT is FLOAT. An INTEGER is never
 * -0, hence the `+ 0` behind products.
 */
import { mayMakeList } from '../base/allowance.ts';
import { DbError } from '../base/errors.ts';
import { Float, INT64_MAX, INT64_MIN, integer, isInteger, isNumber } from './value.ts';
import type { Value } from './value.ts';
import { Duration, isTemporal, type Temporal } from './temporal.ts';
import { Point } from './spatial.ts';
import { fractionOf, fromFractions } from './duration.ts';
import type { Fraction } from './duration.ts';
import { formatFloat, typeName } from './format.ts';
import { mayMakeText } from './texts.ts';
import { invalidType, invalidValue, overflow } from './value-errors.ts';

export function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) {
    return isInteger(a) && isInteger(b) ? int64(BigInt(a) + BigInt(b), a, '+', b) : new Float(double(a) + double(b));
  }
  if (typeof a === 'string' && typeof b === 'string') return joined(a, b);
  if (Array.isArray(a) || Array.isArray(b)) return concatenated(Array.isArray(a) ? a : [a], Array.isArray(b) ? b : [b]);
  if (typeof a === 'string' && isSimple(b)) return joined(a, simpleText(b));
  if (typeof b === 'string' && isSimple(a)) return joined(simpleText(a), b);
  if (b instanceof Duration && (isTemporal(a) || a instanceof Duration)) return a.plus(b);
  if (a instanceof Duration && isTemporal(b)) return b.plus(a);
  throw wrongTypes(a, '+', b);
}

function joined(a: string, b: string): string {
  mayMakeText(a.length + b.length);
  return a + b;
}

function concatenated(a: readonly Value[], b: readonly Value[]): Value[] {
  mayMakeList(a.length + b.length);
  return a.concat(b);
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) {
    return isInteger(a) && isInteger(b) ? int64(BigInt(a) - BigInt(b), a, '-', b) : new Float(double(a) - double(b));
  }
  if (b instanceof Duration && (isTemporal(a) || a instanceof Duration)) return a.plus(b.negated());
  throw wrongTypes(a, '-', b);
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) {
    return isInteger(a) && isInteger(b) ? int64(BigInt(a) * BigInt(b), a, '*', b) : new Float(double(a) * double(b));
  }
  if (a instanceof Duration && isNumber(b)) return a.times(fraction(b));
  if (b instanceof Duration && isNumber(a)) return b.times(fraction(a));
  throw wrongTypes(a, '*', b);
}

export function divide(a: Value, b: Value): Value {
  // The quotient of two safe integers, truncated, is exact: its fraction is too far from 1 to be rounded up.
  if (typeof a === 'number' && typeof b === 'number' && b !== 0) return Math.trunc(a / b) + 0;
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) {
    if (!isInteger(a) || !isInteger(b)) return new Float(double(a) / double(b));
    if (b === 0) throw new DbError('ArithmeticError', '/ by zero', { detail: 'DivisionByZero' });
    return int64(BigInt(a) / BigInt(b), a, '/', b);
  }
  if (a instanceof Duration && isNumber(b)) {
    const [numerator, denominator] = fraction(b);
    if (numerator === 0n) throw new DbError('ArithmeticError', '/ by zero', { detail: 'DivisionByZero' });
    const inverse: Fraction = numerator < 0n ? [-denominator, -numerator] : [denominator, numerator];
    const part = (value: number | bigint): Fraction => [BigInt(value) * inverse[0], inverse[1]];
    return fromFractions(part(a.months), part(a.days), part(BigInt(a.seconds) * 1_000_000_000n + BigInt(a.nanos)));
  }
  throw wrongTypes(a, '/', b);
}

/** The result has the sign of the dividend. */
export function modulo(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number' && b !== 0) return (a % b) + 0;
  if (a === null || b === null) return null;
  if (!isNumber(a) || !isNumber(b)) throw wrongTypes(a, '%', b);
  if (!isInteger(a) || !isInteger(b)) return new Float(double(a) % double(b));
  if (b === 0) throw new DbError('ArithmeticError', '/ by zero', { detail: 'DivisionByZero' });
  return integer(BigInt(a) % BigInt(b));
}

/** Always a FLOAT. */
export function power(a: Value, b: Value): Value {
  if (a === null || b === null) return null;
  if (!isNumber(a) || !isNumber(b)) throw wrongTypes(a, '^', b);
  return new Float(double(a) ** double(b));
}

export function negate(a: Value): Value {
  if (typeof a === 'number') return 0 - a;
  if (a === null) return null;
  if (typeof a === 'bigint') {
    if (a === INT64_MIN) throw overflow(`-(${a}) does not fit a 64-bit integer`);
    return integer(-a);
  }
  if (a instanceof Float) return new Float(-a.value);
  if (a instanceof Duration) return a.negated();
  throw invalidType(`unary minus needs a number, not ${typeName(a)}`);
}

/** A number as a double, INTEGERs rounded. */
export function double(value: number | bigint | Float): number {
  return value instanceof Float ? value.value : Number(value);
}

function int64(result: bigint, a: Value, operator: string, b: Value): number | bigint {
  if (result < INT64_MIN || result > INT64_MAX) throw overflow(`${String(a)} ${operator} ${String(b)} does not fit a 64-bit integer`);
  return integer(result);
}

function fraction(value: number | bigint | Float): Fraction {
  if (!(value instanceof Float)) return fractionOf(value);
  if (!Number.isFinite(value.value)) throw invalidValue(`a duration cannot be multiplied or divided by ${value.value}`);
  return fractionOf(value.value);
}

type Simple = number | bigint | boolean | Float | Temporal | Duration | Point;

/** What `+` writes beside a text. */
function isSimple(value: Value): value is Simple {
  return isNumber(value) || typeof value === 'boolean' || value instanceof Duration || value instanceof Point || isTemporal(value);
}

function simpleText(value: Simple): string {
  return value instanceof Float ? formatFloat(value.value) : String(value);
}

function wrongTypes(a: Value, operator: string, b: Value): DbError {
  return invalidType(`cannot compute ${typeName(a)} ${operator} ${typeName(b)}`);
}
