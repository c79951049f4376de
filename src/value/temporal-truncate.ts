/**
 * `date.truncate(unit, value, {components})` and its sisters: the value with everything below the unit at its lowest, then
 * with the given components put in. A zone in the components relabels the local time; it does not convert.
 */
import {
  EPOCH_DAY_MIN, NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND, civilOf, dayOfWeek, epochDayOf, epochDayOfWeek, quarterOf, weekOf,
} from './calendar.ts';
import { LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime, isTemporal } from './temporal.ts';
import type { Temporal } from './temporal.ts';
import { currentOffset, replaceClock, replaceDay, replaceZone } from './temporal-build.ts';
import type { TemporalDefaults } from './temporal-build.ts';
import type { CypherMap, Value } from './value.ts';
import { invalidType, invalidValue } from './value-errors.ts';

export type TemporalType = 'date' | 'localtime' | 'time' | 'localdatetime' | 'datetime';

/** Nanoseconds of the units that truncate a clock; `day` leaves nothing of it. */
const CLOCK_UNITS: ReadonlyMap<string, number> = new Map([
  ['hour', NANOS_PER_HOUR], ['minute', NANOS_PER_MINUTE], ['second', NANOS_PER_SECOND], ['millisecond', 1_000_000], ['microsecond', 1000],
]);

/** First epoch day of the unit that the day is in; undefined for units below a day. */
function truncateDay(unit: string, day: number): number | undefined {
  const { year, month } = civilOf(day);
  const startOf = (years: number): number => Math.max(EPOCH_DAY_MIN, epochDayOf(Math.floor(year / years) * years, 1, 1));
  switch (unit) {
    case 'millennium': return startOf(1000);
    case 'century': return startOf(100);
    case 'decade': return startOf(10);
    case 'year': return startOf(1);
    case 'weekyear': return epochDayOfWeek(weekOf(day).weekYear, 1, 1);
    case 'quarter': return epochDayOf(year, quarterOf(month) * 3 - 2, 1);
    case 'month': return epochDayOf(year, month, 1);
    case 'week': return Math.max(EPOCH_DAY_MIN, day - dayOfWeek(day) + 1);
    case 'day': return day;
    default: return undefined;
  }
}

export function truncate(type: TemporalType, unitText: string, value: Value, fields: CypherMap, defaults: TemporalDefaults): Temporal {
  if (!isTemporal(value)) throw invalidType(`${type}.truncate() needs a temporal value`);
  const unit = unitText.toLowerCase();
  const clockUnit = CLOCK_UNITS.get(unit);
  const day = value instanceof LocalTime || value instanceof ZonedTime ? undefined : value.epochDay;
  const truncatedDay = day === undefined ? undefined : truncateDay(unit, day) ?? day;
  if (clockUnit === undefined && truncateDay(unit, 0) === undefined) throw invalidValue(`'${unitText}' is not a unit to truncate to`);

  const nano = value instanceof LocalDate ? 0 : value.nanoOfDay;
  const clock = (): number => replaceClock(clockUnit === undefined ? 0 : nano - (nano % clockUnit), unit, fields);
  const date = (): number => {
    if (truncatedDay === undefined) throw invalidType(`${type}.truncate() needs a value with a date`);
    return replaceDay(truncatedDay, fields);
  };
  const zoned = value instanceof ZonedDateTime || value instanceof ZonedTime ? value : undefined;
  switch (type) {
    case 'date':
      if (clockUnit !== undefined) throw invalidValue(`a date cannot be truncated to '${unitText}'`);
      return new LocalDate(date());
    case 'localdatetime':
      return new LocalDateTime(date(), clock());
    case 'datetime': {
      const own = zoned instanceof ZonedDateTime ? zoned.zoneOrOffset : undefined;
      return ZonedDateTime.ofLocal(date(), clock(), replaceZone(fields) ?? own ?? defaults.zone, zoned?.offset);
    }
    case 'localtime':
    case 'time': {
      if (value instanceof LocalDate || (clockUnit === undefined && unit !== 'day')) {
        throw invalidValue(`a time cannot be truncated to '${unitText}' from ${value.toString()}`);
      }
      if (type === 'localtime') return new LocalTime(clock());
      const zone = replaceZone(fields);
      const offset = zone !== undefined ? currentOffset(zone, defaults.nowMs) : zoned?.offset ?? currentOffset(defaults.zone, defaults.nowMs);
      return new ZonedTime(clock(), offset);
    }
  }
}
