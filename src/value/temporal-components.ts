/** The components of temporal values and durations as properties: `d.year`, `t.offset`, `x.monthsOfYear`. */
import { civilOf, dayOfWeek, epochDayOf, quarterOf, weekOf } from './calendar.ts';
import { Duration, LocalDate, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import type { Temporal } from './temporal.ts';
import { formatOffset } from './zone.ts';
import { overflow } from './value-errors.ts';
import { integer } from './value.ts';
import type { Value } from './value.ts';

/** The named component; undefined when values of this type have no such. */
export function temporalComponent(value: Temporal | Duration, name: string): Value | undefined {
  if (value instanceof Duration) return durationComponent(value, name);
  if (value instanceof LocalDate) return dateComponent(value.epochDay, name);
  if (value instanceof LocalTime) return clockComponent(value.nanoOfDay, name);
  if (value instanceof ZonedTime) return clockComponent(value.nanoOfDay, name) ?? offsetComponent(value.offset, undefined, name);
  const local = dateComponent(value.epochDay, name) ?? clockComponent(value.nanoOfDay, name);
  if (local !== undefined || !(value instanceof ZonedDateTime)) return local;
  return offsetComponent(value.offset, value.zone, name) ?? epochComponent(value, name);
}

function dateComponent(day: number, name: string): number | undefined {
  switch (name) {
    case 'year': return civilOf(day).year;
    case 'month': return civilOf(day).month;
    case 'day': return civilOf(day).day;
    case 'quarter': return quarterOf(civilOf(day).month);
    case 'week': return weekOf(day).week;
    case 'weekYear': return weekOf(day).weekYear;
    case 'weekDay':
    case 'dayOfWeek': return dayOfWeek(day);
    case 'ordinalDay': return day - epochDayOf(civilOf(day).year, 1, 1) + 1;
    case 'dayOfQuarter': {
      const { year, month } = civilOf(day);
      return day - epochDayOf(year, quarterOf(month) * 3 - 2, 1) + 1;
    }
    default: return undefined;
  }
}

function clockComponent(nano: number, name: string): number | undefined {
  switch (name) {
    case 'hour': return Math.floor(nano / 3_600_000_000_000);
    case 'minute': return Math.floor(nano / 60_000_000_000) % 60;
    case 'second': return Math.floor(nano / 1_000_000_000) % 60;
    case 'millisecond': return Math.floor(nano / 1_000_000) % 1000;
    case 'microsecond': return Math.floor(nano / 1000) % 1_000_000;
    case 'nanosecond': return nano % 1_000_000_000;
    default: return undefined;
  }
}

function offsetComponent(offset: number, zone: string | undefined, name: string): Value | undefined {
  switch (name) {
    case 'timezone': return zone ?? formatOffset(offset);
    case 'offset': return formatOffset(offset);
    case 'offsetMinutes': return Math.trunc(offset / 60) + 0;
    case 'offsetSeconds': return offset;
    default: return undefined;
  }
}

function epochComponent(value: ZonedDateTime, name: string): Value | undefined {
  if (name === 'epochSeconds') return value.epochSeconds();
  if (name === 'epochMillis') return integer(BigInt(value.epochSeconds()) * 1000n + BigInt(Math.floor(value.nanoOfDay / 1_000_000) % 1000));
  return undefined;
}

/** Divides towards zero, like Cypher's integers. */
function whole(value: number, by: number): number {
  return Math.trunc(value / by) + 0;
}

function durationComponent(value: Duration, name: string): Value | undefined {
  const { months, days, nanos } = value;
  switch (name) {
    case 'years': return whole(months, 12);
    case 'quarters': return whole(months, 3);
    case 'months': return months;
    case 'weeks': return whole(days, 7);
    case 'days': return days;
    case 'quartersOfYear': return whole(months % 12, 3);
    case 'monthsOfQuarter': return (months % 3) + 0;
    case 'monthsOfYear': return (months % 12) + 0;
    case 'daysOfWeek': return (days % 7) + 0;
    case 'millisecondsOfSecond': return Math.floor(nanos / 1_000_000);
    case 'microsecondsOfSecond': return Math.floor(nanos / 1000);
    case 'nanosecondsOfSecond': return nanos;
    default: return durationClockComponent(BigInt(value.seconds), BigInt(nanos), name);
  }
}

function durationClockComponent(seconds: bigint, nanos: bigint, name: string): Value | undefined {
  switch (name) {
    case 'hours': return integer(seconds / 3600n);
    case 'minutes': return integer(seconds / 60n);
    case 'seconds': return integer(seconds);
    case 'minutesOfHour': return integer((seconds / 60n) % 60n);
    case 'secondsOfMinute': return integer(seconds % 60n);
    case 'milliseconds': return int64(seconds * 1000n + nanos / 1_000_000n);
    case 'microseconds': return int64(seconds * 1_000_000n + nanos / 1000n);
    case 'nanoseconds': return int64(seconds * 1_000_000_000n + nanos);
    default: return undefined;
  }
}

function int64(value: bigint): number | bigint {
  if (BigInt.asIntN(64, value) !== value) throw overflow('the duration is too long to be counted in that unit');
  return integer(value);
}
