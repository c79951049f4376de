/**
 * The proleptic Gregorian calendar as arithmetic on epoch days (day 0 is 1970-01-01), for years up to ±999,999,999.
 *
 * The conversions are Howard Hinnant's `days_from_civil` and `civil_from_days`, with floor division of doubles instead
 * of 32-bit integers: all numbers here stay below 2^53.
 */
import { invalidValue } from './value-errors.ts';

export const YEAR_MAX = 999_999_999;
export const EPOCH_DAY_MIN = -365_243_219_162;
export const EPOCH_DAY_MAX = 365_241_780_471;
export const NANOS_PER_SECOND = 1_000_000_000;
export const NANOS_PER_MINUTE = 60 * NANOS_PER_SECOND;
export const NANOS_PER_HOUR = 3600 * NANOS_PER_SECOND;
export const SECONDS_PER_DAY = 86_400;
export const NANOS_PER_DAY = SECONDS_PER_DAY * NANOS_PER_SECOND;

export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Remainder with the sign of the divisor. */
export function floorMod(value: number, by: number): number {
  const rest = value % by;
  return rest < 0 ? rest + by : rest + 0;
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : MONTH_DAYS[month - 1]!;
}

/** Epoch day of a date that exists; no checks. */
export function epochDayOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function civilOf(epochDay: number): CivilDate {
  const z = epochDay + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

/** Epoch day of year, month and day as a user gave them. */
export function checkedEpochDay(year: number, month: number, day: number): number {
  checkRange('year', year, -YEAR_MAX, YEAR_MAX);
  checkRange('month', month, 1, 12);
  checkRange('day', day, 1, 31);
  if (day > daysInMonth(year, month)) throw invalidValue(`month ${month} of year ${year} has no day ${day}`);
  return epochDayOf(year, month, day);
}

export function checkRange(name: string, value: number, lower: number, upper: number): void {
  if (!(value >= lower && value <= upper)) {
    throw invalidValue(`${name} must be between ${lower} and ${upper}, but is ${value}`);
  }
}

/** A computed epoch day, or the error that the date is out of range. */
export function validEpochDay(epochDay: number): number {
  if (!(epochDay >= EPOCH_DAY_MIN && epochDay <= EPOCH_DAY_MAX)) {
    throw invalidValue(`the date is outside the years -${YEAR_MAX} to ${YEAR_MAX}`);
  }
  return epochDay;
}

/** 1 (Monday) to 7 (Sunday). */
export function dayOfWeek(epochDay: number): number {
  return floorMod(epochDay + 3, 7) + 1;
}

/** ISO 8601: week 1 is the week with the year's first Thursday. */
export function weekOf(epochDay: number): { readonly weekYear: number; readonly week: number } {
  const thursday = epochDay + 4 - dayOfWeek(epochDay);
  const weekYear = civilOf(thursday).year;
  return { weekYear, week: Math.floor((thursday - epochDayOf(weekYear, 1, 1)) / 7) + 1 };
}

function firstMonday(weekYear: number): number {
  const fourth = epochDayOf(weekYear, 1, 4);
  return fourth - (dayOfWeek(fourth) - 1);
}

export function epochDayOfWeek(weekYear: number, week: number, weekday: number): number {
  checkRange('year', weekYear, -YEAR_MAX, YEAR_MAX);
  checkRange('week', week, 1, 53);
  checkRange('dayOfWeek', weekday, 1, 7);
  const monday = firstMonday(weekYear) + (week - 1) * 7;
  if (week === 53 && monday >= firstMonday(weekYear + 1)) throw invalidValue(`year ${weekYear} does not have 53 weeks`);
  return monday + weekday - 1;
}

export function quarterOf(month: number): number {
  return Math.floor((month - 1) / 3) + 1;
}

export function epochDayOfQuarter(year: number, quarter: number, dayOfQuarter: number): number {
  checkRange('year', year, -YEAR_MAX, YEAR_MAX);
  checkRange('quarter', quarter, 1, 4);
  checkRange('dayOfQuarter', dayOfQuarter, 1, 92);
  const first = epochDayOf(year, quarter * 3 - 2, 1);
  const next = quarter === 4 ? epochDayOf(year + 1, 1, 1) : epochDayOf(year, quarter * 3 + 1, 1);
  if (first + dayOfQuarter - 1 >= next) throw invalidValue(`quarter ${quarter} of year ${year} has no day ${dayOfQuarter}`);
  return first + dayOfQuarter - 1;
}

export function epochDayOfOrdinal(year: number, ordinalDay: number): number {
  checkRange('year', year, -YEAR_MAX, YEAR_MAX);
  checkRange('ordinalDay', ordinalDay, 1, isLeapYear(year) ? 366 : 365);
  return epochDayOf(year, 1, 1) + ordinalDay - 1;
}

/** Adds months; a day that the new month does not have becomes its last one. */
export function plusMonths(epochDay: number, months: number): number {
  if (months === 0) return epochDay;
  const { year, month, day } = civilOf(epochDay);
  const total = year * 12 + (month - 1) + months;
  const newYear = Math.floor(total / 12);
  const newMonth = floorMod(total, 12) + 1;
  if (!(Math.abs(newYear) <= YEAR_MAX)) throw invalidValue(`the date is outside the years -${YEAR_MAX} to ${YEAR_MAX}`);
  return epochDayOf(newYear, newMonth, Math.min(day, daysInMonth(newYear, newMonth)));
}

/** Whole months from one date to another, towards zero. */
export function monthsBetween(from: number, to: number): number {
  const a = civilOf(from);
  const b = civilOf(to);
  const packedA = (a.year * 12 + a.month - 1) * 32 + a.day;
  const packedB = (b.year * 12 + b.month - 1) * 32 + b.day;
  return Math.trunc((packedB - packedA) / 32) + 0;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** `1984-10-11`, `-0044-03-15`, `+12345-01-01`. */
export function formatDate(epochDay: number): string {
  const { year, month, day } = civilOf(epochDay);
  const digits = pad(Math.abs(year), 4);
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  return `${sign}${digits}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** `12:31`, `12:31:14`, then 3, 6 or 9 digits of fraction as needed. */
export function formatTime(nanoOfDay: number): string {
  const hour = Math.floor(nanoOfDay / NANOS_PER_HOUR);
  const minute = Math.floor(nanoOfDay / NANOS_PER_MINUTE) % 60;
  const second = Math.floor(nanoOfDay / NANOS_PER_SECOND) % 60;
  const nano = nanoOfDay % NANOS_PER_SECOND;
  const head = `${pad(hour, 2)}:${pad(minute, 2)}`;
  if (nano === 0) return second === 0 ? head : `${head}:${pad(second, 2)}`;
  const fraction = pad(nano, 9);
  const digits = nano % 1_000_000 === 0 ? 3 : nano % 1000 === 0 ? 6 : 9;
  return `${head}:${pad(second, 2)}.${fraction.slice(0, digits)}`;
}
