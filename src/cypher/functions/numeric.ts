/** Numbers: rounding, roots, logarithms, trigonometry, random. */
import { DbError } from '../../base/errors.ts';
import { negate } from '../../value/arithmetic.ts';
import { fractionOf } from '../../value/duration.ts';
import { invalidValue } from '../../value/value-errors.ts';
import { Float, isInteger } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { alias, countArgument, doubleArgument, numberArgument, scalar, stringArgument } from './function.ts';
import type { ScalarFunction } from './function.ts';

/** A function from double to double. */
function real(name: string, compute: (x: number) => number): ScalarFunction {
  return scalar(name, ['NUMBER'], 'FLOAT', ([x]) => new Float(compute(doubleArgument(name, x))));
}

function abs([x]: Value[]): Value {
  const value = numberArgument('abs', x);
  if (value instanceof Float) return new Float(Math.abs(value.value));
  return value < 0 ? negate(value) : value;
}

function sign([x]: Value[]): Value {
  const value = numberArgument('sign', x);
  const double = value instanceof Float ? value.value : value;
  return double > 0 ? 1 : double < 0 ? -1 : 0;
}

type Mode = 'UP' | 'DOWN' | 'CEILING' | 'FLOOR' | 'HALF_UP' | 'HALF_DOWN' | 'HALF_EVEN';
const MODES: readonly string[] = ['UP', 'DOWN', 'CEILING', 'FLOOR', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN'] satisfies Mode[];

/** One argument rounds ties towards positive infinity; with a precision they go away from zero, unless the mode says otherwise. */
function round([x, precision, mode]: Value[]): Value {
  const value = doubleArgument('round', x);
  if (precision === undefined) return new Float(Math.round(value) + 0);
  const digits = countArgument('round', precision);
  if (digits < 0) throw new DbError('ArgumentError', 'NumberOutOfRange: round(): the precision must not be negative', { detail: 'NumberOutOfRange' });
  const name = mode === undefined ? 'HALF_UP' : stringArgument('round', mode).toUpperCase();
  if (!MODES.includes(name)) throw invalidValue(`round() does not know the mode '${name}'; it knows ${MODES.join(', ')}`);
  // Doubles have at most 17 significant digits, and none below 5e-324.
  if (!Number.isFinite(value) || digits > 330) return new Float(value);
  return new Float(roundDecimal(value, digits, name as Mode));
}

/** Rounds the decimal number that people see (2.675 is 2.675, not 2.67499999...). */
function roundDecimal(value: number, digits: number, mode: Mode): number {
  const [numerator, denominator] = fractionOf(value);
  const scaled = (numerator < 0n ? -numerator : numerator) * 10n ** BigInt(digits);
  const floor = scaled / denominator;
  const rest = scaled % denominator;
  const negative = value < 0;
  const half = rest * 2n === denominator;
  const beyondHalf = rest * 2n > denominator;
  const away: Record<Mode, boolean> = {
    UP: rest > 0n,
    DOWN: false,
    CEILING: rest > 0n && !negative,
    FLOOR: rest > 0n && negative,
    HALF_UP: beyondHalf || half,
    HALF_DOWN: beyondHalf,
    HALF_EVEN: beyondHalf || (half && floor % 2n === 1n),
  };
  return Number(`${negative ? '-' : ''}${floor + (away[mode] ? 1n : 0n)}e-${digits}`) + 0;
}

function isNaNValue([x]: Value[]): Value {
  const value = numberArgument('isNaN', x);
  return !isInteger(value) && Number.isNaN(value.value);
}

const RADIANS_PER_DEGREE = Math.PI / 180;

const ceil = real('ceil', Math.ceil);

export const NUMERIC_FUNCTIONS: readonly ScalarFunction[] = [
  scalar('abs', ['NUMBER'], 'NUMBER', abs),
  scalar('sign', ['NUMBER'], 'INTEGER', sign),
  ceil,
  alias('ceiling', ceil),
  real('floor', Math.floor),
  scalar('round', ['NUMBER', 'INTEGER', 'STRING'], 'FLOAT', round, { min: 1 }),
  scalar('isNaN', ['NUMBER'], 'BOOLEAN', isNaNValue),
  real('sqrt', Math.sqrt),
  real('exp', Math.exp),
  real('log', Math.log),
  real('log10', Math.log10),
  real('sin', Math.sin),
  real('cos', Math.cos),
  real('tan', Math.tan),
  real('cot', (x) => 1 / Math.tan(x)),
  real('asin', Math.asin),
  real('acos', Math.acos),
  real('atan', Math.atan),
  scalar('atan2', ['NUMBER', 'NUMBER'], 'FLOAT', ([y, x]) => new Float(Math.atan2(doubleArgument('atan2', y), doubleArgument('atan2', x)))),
  real('sinh', Math.sinh),
  real('cosh', Math.cosh),
  real('tanh', Math.tanh),
  real('coth', (x) => 1 / Math.tanh(x)),
  real('haversin', (x) => (1 - Math.cos(x)) / 2),
  real('degrees', (x) => x / RADIANS_PER_DEGREE),
  real('radians', (x) => x * RADIANS_PER_DEGREE),
  scalar('pi', [], 'FLOAT', () => new Float(Math.PI)),
  scalar('e', [], 'FLOAT', () => new Float(Math.E)),
  scalar('rand', [], 'FLOAT', (_, context) => new Float(context.random.next()), { deterministic: false }),
];
