/**
 * DURATION: months, days and seconds with nanoseconds, kept apart because a month has no fixed number of days and a day
 * no fixed number of hours.
 *
 * Invariants: `nanos` is 0..999,999,999, so -0.1 s is seconds -1 and nanos 900,000,000; `months` and `days` are safe
 * integers; `seconds` is a 64-bit INTEGER (a number where it is safe, else a bigint).
 *
 * Fractions are exact: a component arrives as a decimal fraction, and what does not fill a unit goes on to the next smaller
 * one (a month counts as 2,629,746 seconds, a year's twelfth), truncated to nanoseconds at the very end.
 */
import { INT64_MAX, INT64_MIN, integer } from './value.ts';
import { NANOS_PER_SECOND, SECONDS_PER_DAY } from './calendar.ts';
import { invalidValue, overflow } from './value-errors.ts';

export const AVERAGE_MONTH_SECONDS = 2_629_746;

const GIGA = 1_000_000_000n;
const DAY_NANOS = 86_400n * GIGA;
const MONTH_NANOS = BigInt(AVERAGE_MONTH_SECONDS) * GIGA;

export class Duration {
  readonly months: number;
  readonly days: number;
  readonly seconds: number | bigint;
  readonly nanos: number;

  /** All parts as the invariants want them; `Duration.of` makes them so. */
  constructor(months: number, days: number, seconds: number | bigint, nanos: number) {
    this.months = months;
    this.days = days;
    this.seconds = seconds;
    this.nanos = nanos;
  }

  /** Carries nanoseconds into seconds and checks the ranges. */
  static of(months: number | bigint, days: number | bigint, seconds: number | bigint, nanos: number | bigint): Duration {
    if (typeof seconds === 'number' && typeof nanos === 'number') {
      const carry = Math.floor(nanos / NANOS_PER_SECOND);
      const total = seconds + carry;
      if (Number.isSafeInteger(total)) {
        return new Duration(safe(months, 'months'), safe(days, 'days'), total + 0, nanos - carry * NANOS_PER_SECOND);
      }
    }
    let carry = BigInt(nanos) / GIGA;
    let rest = BigInt(nanos) % GIGA;
    if (rest < 0n) {
      rest += GIGA;
      carry -= 1n;
    }
    const total = BigInt(seconds) + carry;
    if (total < INT64_MIN || total > INT64_MAX) throw overflow('the seconds of a duration do not fit 64 bits');
    return new Duration(safe(months, 'months'), safe(days, 'days'), integer(total), Number(rest));
  }

  negated(): Duration {
    if (typeof this.seconds === 'number') {
      return this.nanos === 0
        ? new Duration(0 - this.months, 0 - this.days, 0 - this.seconds, 0)
        : new Duration(0 - this.months, 0 - this.days, 0 - this.seconds - 1, NANOS_PER_SECOND - this.nanos);
    }
    return Duration.of(0 - this.months, 0 - this.days, -this.seconds, 0 - this.nanos);
  }

  plus(other: Duration): Duration {
    const months = this.months + other.months;
    const days = this.days + other.days;
    if (typeof this.seconds === 'number' && typeof other.seconds === 'number') {
      const seconds = this.seconds + other.seconds;
      if (Number.isSafeInteger(seconds)) return Duration.of(months, days, seconds, this.nanos + other.nanos);
    }
    return Duration.of(months, days, BigInt(this.seconds) + BigInt(other.seconds), this.nanos + other.nanos);
  }

  times(factor: Fraction): Duration {
    const part = (value: number | bigint): Fraction => [BigInt(value) * factor[0], factor[1]];
    return fromFractions(part(this.months), part(this.days), part(this.#nanosTotal()));
  }

  #nanosTotal(): bigint {
    return BigInt(this.seconds) * GIGA + BigInt(this.nanos);
  }

  /** Whole days and seconds (both towards zero) and the nanoseconds that remain, for adding to a date and time. */
  splitSeconds(): { readonly days: number; readonly seconds: number; readonly nanos: number } {
    const negative = this.seconds < 0 && this.nanos > 0;
    const nanos = negative ? this.nanos - NANOS_PER_SECOND : this.nanos;
    if (typeof this.seconds === 'number') {
      const seconds = negative ? this.seconds + 1 : this.seconds;
      const days = Math.trunc(seconds / SECONDS_PER_DAY) + 0;
      return { days, seconds: seconds - days * SECONDS_PER_DAY, nanos };
    }
    const seconds = negative ? this.seconds + 1n : this.seconds;
    return { days: Number(seconds / 86_400n), seconds: Number(seconds % 86_400n), nanos };
  }

  equals(other: Duration): boolean {
    return this.months === other.months && this.days === other.days && this.seconds === other.seconds && this.nanos === other.nanos;
  }

  /** For ORDER BY: by average length, then by the parts, so that different durations never tie. */
  compareTo(other: Duration): number {
    const length = this.#averageNanos() - other.#averageNanos();
    if (length !== 0n) return length < 0n ? -1 : 1;
    return this.months - other.months || this.days - other.days;
  }

  #averageNanos(): bigint {
    return BigInt(this.months) * MONTH_NANOS + BigInt(this.days) * DAY_NANOS + this.#nanosTotal();
  }

  /** `P1Y2M-3DT4H5M-6.7S`; zero parts are left out, nothing at all is `PT0S`. */
  toString(): string {
    const years = Math.trunc(this.months / 12);
    let text = part(years, 'Y') + part(this.months - years * 12, 'M') + part(this.days, 'D');
    if (this.seconds !== 0 || this.nanos !== 0) text += `T${this.#timeText()}`;
    return text === '' ? 'PT0S' : `P${text}`;
  }

  #timeText(): string {
    const negative = this.seconds < 0;
    let total = BigInt(this.seconds);
    let nanos = this.nanos;
    if (negative && nanos !== 0) {
      total += 1n;
      nanos = NANOS_PER_SECOND - nanos;
    }
    const seconds = total % 60n;
    let text = part(total / 3600n, 'H') + part((total / 60n) % 60n, 'M');
    if (seconds !== 0n || nanos !== 0) {
      const sign = negative && seconds === 0n ? '-' : '';
      const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
      text += `${sign}${seconds}${fraction}S`;
    }
    return text;
  }
}

function part(value: number | bigint, unit: string): string {
  return value === 0 || value === 0n ? '' : `${value}${unit}`;
}

function safe(value: number | bigint, what: string): number {
  const number = Number(value) + 0;
  if (!Number.isSafeInteger(number)) throw overflow(`the ${what} of a duration are out of range`);
  return number;
}

/** An exact fraction: numerator and positive denominator. */
export type Fraction = readonly [bigint, bigint];

const DECIMAL = /^([+-]?)(\d+)(?:[.,](\d*))?(?:[eE]([+-]?\d+))?$/;

/** The fraction that a decimal text or the shortest text of a double says. */
export function fractionOf(value: number | bigint | string): Fraction {
  if (typeof value === 'bigint') return [value, 1n];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return [BigInt(value), 1n];
  const match = DECIMAL.exec(String(value));
  if (match === null) throw invalidValue(`${value} is not a number that a duration can have`);
  const [, sign, whole, decimals = '', exponentText = '0'] = match;
  const exponent = Number(exponentText) - decimals.length;
  // A double has no exponent beyond 308; a longer text is a mistake, not a reason to build a huge number.
  if (Math.abs(exponent) > 400 || whole!.length > 400) throw invalidValue(`${value} is not a number that a duration can have`);
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${decimals}`);
  return exponent >= 0 ? [digits * 10n ** BigInt(exponent), 1n] : [digits, 10n ** BigInt(-exponent)];
}

export function addFractions(a: Fraction, b: Fraction): Fraction {
  return a[1] === b[1] ? [a[0] + b[0], a[1]] : [a[0] * b[1] + b[0] * a[1], a[1] * b[1]];
}

export function scaleFraction(a: Fraction, by: bigint): Fraction {
  return [a[0] * by, a[1]];
}

/** A duration from fractions of months, of days and of nanoseconds. */
export function fromFractions(months: Fraction, days: Fraction, nanos: Fraction): Duration {
  const wholeMonths = months[0] / months[1];
  const restOfMonth: Fraction = [(months[0] % months[1]) * MONTH_NANOS, months[1] * DAY_NANOS];
  const allDays = restOfMonth[0] === 0n ? days : addFractions(days, restOfMonth);
  const wholeDays = allDays[0] / allDays[1];
  const restOfDay: Fraction = [(allDays[0] % allDays[1]) * DAY_NANOS, allDays[1]];
  const allNanos = restOfDay[0] === 0n ? nanos : addFractions(nanos, restOfDay);
  return Duration.of(wholeMonths, wholeDays, 0, allNanos[0] / allNanos[1]);
}
