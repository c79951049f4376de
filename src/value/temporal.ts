/**
 * DATE, LOCAL TIME, ZONED TIME, LOCAL DATETIME and ZONED DATETIME, with nanoseconds, over the years ±999,999,999.
 *
 *   epochDay   days since 1970-01-01 on the calendar of the value's own zone
 *   nanoOfDay  0..86,399,999,999,999 on the clock of the value's own zone
 *   offset     seconds east of UTC
 *   zone       IANA name, if the value has one; `offset` is then what that zone had at that moment
 *
 * Immutable. How they are read from text, built from maps, truncated, taken apart and subtracted: temporal-*.ts.
 */
import {
  NANOS_PER_DAY, NANOS_PER_SECOND, SECONDS_PER_DAY, civilOf, checkedEpochDay, floorMod, formatDate, formatTime, plusMonths, validEpochDay,
} from './calendar.ts';
import type { CivilDate } from './calendar.ts';
import { formatOffset, offsetAt, resolveLocal } from './zone.ts';
import type { Zone } from './zone.ts';
import { Duration } from './duration.ts';

export { Duration };

export type Temporal = LocalDate | LocalTime | ZonedTime | LocalDateTime | ZonedDateTime;

export class LocalDate {
  readonly epochDay: number;

  constructor(epochDay: number) {
    this.epochDay = epochDay;
  }

  static of(year: number, month: number, day: number): LocalDate {
    return new LocalDate(checkedEpochDay(year, month, day));
  }

  civil(): CivilDate {
    return civilOf(this.epochDay);
  }

  /** Hours and smaller count only as whole days. */
  plus(duration: Duration): LocalDate {
    const day = plusMonths(this.epochDay, duration.months) + duration.days + duration.splitSeconds().days;
    return new LocalDate(validEpochDay(day));
  }

  compareTo(other: LocalDate): number {
    return this.epochDay - other.epochDay;
  }

  toString(): string {
    return formatDate(this.epochDay);
  }
}

/** The nanosecond of the day after adding the time part of a duration; days fall off. */
function clockPlus(nanoOfDay: number, duration: Duration): number {
  const { seconds, nanos } = duration.splitSeconds();
  return floorMod(nanoOfDay + seconds * NANOS_PER_SECOND + nanos, NANOS_PER_DAY);
}

export class LocalTime {
  readonly nanoOfDay: number;

  constructor(nanoOfDay: number) {
    this.nanoOfDay = nanoOfDay;
  }

  plus(duration: Duration): LocalTime {
    return new LocalTime(clockPlus(this.nanoOfDay, duration));
  }

  compareTo(other: LocalTime): number {
    return this.nanoOfDay - other.nanoOfDay;
  }

  toString(): string {
    return formatTime(this.nanoOfDay);
  }
}

export class ZonedTime {
  readonly nanoOfDay: number;
  readonly offset: number;

  constructor(nanoOfDay: number, offset: number) {
    this.nanoOfDay = nanoOfDay;
    this.offset = offset;
  }

  /** Nanosecond of the day in UTC; below 0 or beyond the day where the offset leads there. */
  get utcNano(): number {
    return this.nanoOfDay - this.offset * NANOS_PER_SECOND;
  }

  plus(duration: Duration): ZonedTime {
    return new ZonedTime(clockPlus(this.nanoOfDay, duration), this.offset);
  }

  /** The same moment on the clock of another offset. */
  withOffset(offset: number): ZonedTime {
    return new ZonedTime(floorMod(this.utcNano + offset * NANOS_PER_SECOND, NANOS_PER_DAY), offset);
  }

  compareTo(other: ZonedTime): number {
    return this.utcNano - other.utcNano || this.offset - other.offset;
  }

  toString(): string {
    return formatTime(this.nanoOfDay) + formatOffset(this.offset);
  }
}

interface DayAndNano {
  readonly day: number;
  readonly nano: number;
}

/** Carries nanoseconds beyond a day (at most some 9e15 of them) into the day. */
function carried(day: number, nano: number): DayAndNano {
  const days = Math.floor(nano / NANOS_PER_DAY);
  return { day: day + days, nano: nano - days * NANOS_PER_DAY };
}

export class LocalDateTime {
  readonly epochDay: number;
  readonly nanoOfDay: number;

  constructor(epochDay: number, nanoOfDay: number) {
    this.epochDay = epochDay;
    this.nanoOfDay = nanoOfDay;
  }

  civil(): CivilDate {
    return civilOf(this.epochDay);
  }

  plus(duration: Duration): LocalDateTime {
    const { days, seconds, nanos } = duration.splitSeconds();
    const date = plusMonths(this.epochDay, duration.months) + duration.days + days;
    const { day, nano } = carried(date, this.nanoOfDay + seconds * NANOS_PER_SECOND + nanos);
    return new LocalDateTime(validEpochDay(day), nano);
  }

  compareTo(other: LocalDateTime): number {
    return this.epochDay - other.epochDay || this.nanoOfDay - other.nanoOfDay;
  }

  toString(): string {
    return `${formatDate(this.epochDay)}T${formatTime(this.nanoOfDay)}`;
  }
}

export class ZonedDateTime {
  readonly epochDay: number;
  readonly nanoOfDay: number;
  readonly offset: number;
  readonly zone: string | undefined;

  constructor(epochDay: number, nanoOfDay: number, offset: number, zone?: string) {
    this.epochDay = epochDay;
    this.nanoOfDay = nanoOfDay;
    this.offset = offset;
    this.zone = zone;
  }

  /** A local date and time in a zone. `preferred` decides between the two moments of an overlap. */
  static ofLocal(epochDay: number, nanoOfDay: number, zone: Zone, preferred?: number): ZonedDateTime {
    const { offset, shift } = resolveLocal(zone, epochDay, Math.floor(nanoOfDay / NANOS_PER_SECOND), preferred);
    const { day, nano } = carried(epochDay, nanoOfDay + shift * NANOS_PER_SECOND);
    return new ZonedDateTime(day, nano, offset, typeof zone === 'string' ? zone : undefined);
  }

  static ofInstant(utcDay: number, utcNano: number, zone: Zone): ZonedDateTime {
    const utc = carried(utcDay, utcNano);
    const offset = offsetAt(zone, utc.day, Math.floor(utc.nano / NANOS_PER_SECOND));
    const { day, nano } = carried(utc.day, utc.nano + offset * NANOS_PER_SECOND);
    return new ZonedDateTime(validEpochDay(day), nano, offset, typeof zone === 'string' ? zone : undefined);
  }

  static ofEpochMillis(ms: number, zone: Zone, nanos = 0): ZonedDateTime {
    const day = Math.floor(ms / 86_400_000);
    return ZonedDateTime.ofInstant(day, (ms - day * 86_400_000) * 1_000_000 + nanos, zone);
  }

  get zoneOrOffset(): Zone {
    return this.zone ?? this.offset;
  }

  civil(): CivilDate {
    return civilOf(this.epochDay);
  }

  /** Day and nanosecond of day in UTC. */
  instant(): DayAndNano {
    return carried(this.epochDay, this.nanoOfDay - this.offset * NANOS_PER_SECOND);
  }

  /** Seconds since 1970 in UTC; a bigint in years that doubles cannot count in seconds. */
  epochSeconds(): number | bigint {
    const { day, nano } = this.instant();
    const seconds = day * SECONDS_PER_DAY + Math.floor(nano / NANOS_PER_SECOND);
    return Number.isSafeInteger(seconds) ? seconds : BigInt(day) * 86_400n + BigInt(Math.floor(nano / NANOS_PER_SECOND));
  }

  /** The same instant in another zone. */
  withZone(zone: Zone): ZonedDateTime {
    const { day, nano } = this.instant();
    return ZonedDateTime.ofInstant(day, nano, zone);
  }

  /** Months and days are added on the calendar, hours and smaller on the time line. */
  plus(duration: Duration): ZonedDateTime {
    const { days, seconds, nanos } = duration.splitSeconds();
    const date = validEpochDay(plusMonths(this.epochDay, duration.months) + duration.days);
    const moved = date === this.epochDay ? this : ZonedDateTime.ofLocal(date, this.nanoOfDay, this.zoneOrOffset, this.offset);
    const { day, nano } = moved.instant();
    return ZonedDateTime.ofInstant(validEpochDay(day + days), nano + seconds * NANOS_PER_SECOND + nanos, this.zoneOrOffset);
  }

  /** By instant; the same instant on different clocks is ordered by offset, then by the name of the zone. */
  compareTo(other: ZonedDateTime): number {
    const a = this.instant();
    const b = other.instant();
    const order = a.day - b.day || a.nano - b.nano || this.offset - other.offset;
    if (order !== 0 || this.zone === other.zone) return order;
    return (this.zone ?? '') < (other.zone ?? '') ? -1 : 1;
  }

  toString(): string {
    const name = this.zone === undefined ? '' : `[${this.zone}]`;
    return `${formatDate(this.epochDay)}T${formatTime(this.nanoOfDay)}${formatOffset(this.offset)}${name}`;
  }
}

export function isTemporal(value: unknown): value is Temporal {
  return value instanceof LocalDate || value instanceof ZonedDateTime || value instanceof LocalDateTime
    || value instanceof LocalTime || value instanceof ZonedTime;
}
