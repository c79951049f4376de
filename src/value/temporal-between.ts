/**
 * `duration.between(a, b)` and `duration.inMonths`, `inDays`, `inSeconds`.
 *
 * Values of different kinds are first made alike: one without a date takes the other's, one without a time is at midnight,
 * one without a zone takes the other's.
 */
import { SECONDS_PER_DAY, monthsBetween, plusMonths } from './calendar.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import type { Temporal } from './temporal.ts';
import type { Zone } from './zone.ts';

type Moment = LocalDateTime | ZonedDateTime;

const hasDate = (value: Temporal): value is LocalDate | LocalDateTime | ZonedDateTime => !(value instanceof LocalTime || value instanceof ZonedTime);

function zoneOf(value: Temporal): Zone | undefined {
  return value instanceof ZonedDateTime ? value.zoneOrOffset : value instanceof ZonedTime ? value.offset : undefined;
}

/** Both as moments on one time line; two times are taken on the same day. */
function aligned(from: Temporal, to: Temporal): readonly [Moment, Moment] {
  const day = hasDate(from) ? from.epochDay : hasDate(to) ? to.epochDay : 0;
  const zone = zoneOf(from) ?? zoneOf(to);
  const moment = (value: Temporal): Moment => {
    const epochDay = hasDate(value) ? value.epochDay : day;
    const nano = value instanceof LocalDate ? 0 : value.nanoOfDay;
    if (value instanceof ZonedDateTime) return value;
    const own = zoneOf(value) ?? zone;
    return own === undefined ? new LocalDateTime(epochDay, nano) : ZonedDateTime.ofLocal(epochDay, nano, own);
  };
  const start = moment(from);
  const end = moment(to);
  // Months and days are counted on the calendar of the first value's zone.
  return [start, start instanceof ZonedDateTime && end instanceof ZonedDateTime ? end.withZone(start.zoneOrOffset) : end];
}

/** The end's day, moved back towards the start when the last day is not complete. */
function completeDay(start: Moment, end: Moment): number {
  if (end.epochDay > start.epochDay && end.nanoOfDay < start.nanoOfDay) return end.epochDay - 1;
  if (end.epochDay < start.epochDay && end.nanoOfDay > start.nanoOfDay) return end.epochDay + 1;
  return end.epochDay;
}

function onDay(moment: Moment, epochDay: number): Moment {
  return moment instanceof ZonedDateTime
    ? ZonedDateTime.ofLocal(epochDay, moment.nanoOfDay, moment.zoneOrOffset, moment.offset)
    : new LocalDateTime(epochDay, moment.nanoOfDay);
}

function timeBetween(start: Moment, end: Moment, months: number, days: number): Duration {
  const position = (moment: Moment): readonly [number, number] => {
    if (moment instanceof LocalDateTime) return [moment.epochDay, moment.nanoOfDay];
    const { day, nano } = moment.instant();
    return [day, nano];
  };
  const [startDay, startNano] = position(start);
  const [endDay, endNano] = position(end);
  const nanos = endNano - startNano;
  const seconds = (endDay - startDay) * SECONDS_PER_DAY;
  return Duration.of(months, days, Number.isSafeInteger(seconds) ? seconds : BigInt(endDay - startDay) * 86_400n, nanos);
}

export function durationBetween(from: Temporal, to: Temporal): Duration {
  const [start, end] = aligned(from, to);
  if (!hasDate(from) || !hasDate(to)) return timeBetween(start, end, 0, 0);
  const months = monthsBetween(start.epochDay, completeDay(start, end));
  const afterMonths = onDay(start, plusMonths(start.epochDay, months));
  const days = completeDay(afterMonths, end) - afterMonths.epochDay;
  return timeBetween(onDay(afterMonths, afterMonths.epochDay + days), end, months, days);
}

export function monthsBetweenTemporals(from: Temporal, to: Temporal): Duration {
  if (!hasDate(from) || !hasDate(to)) return new Duration(0, 0, 0, 0);
  const [start, end] = aligned(from, to);
  return new Duration(monthsBetween(start.epochDay, completeDay(start, end)), 0, 0, 0);
}

export function daysBetween(from: Temporal, to: Temporal): Duration {
  if (!hasDate(from) || !hasDate(to)) return new Duration(0, 0, 0, 0);
  const [start, end] = aligned(from, to);
  return new Duration(0, completeDay(start, end) - start.epochDay, 0, 0);
}

export function secondsBetween(from: Temporal, to: Temporal): Duration {
  const [start, end] = aligned(from, to);
  return timeBetween(start, end, 0, 0);
}
