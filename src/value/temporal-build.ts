/**
 * `date(x)`, `localtime(x)`, `time(x)`, `localdatetime(x)`, `datetime(x)` and `duration(x)` for a text, another temporal
 * value or a map of components.
 *
 * A map may start from other values (`date`, `time`, `datetime`) and replace parts: `date({date: d, day: 5})`. A date is
 * given by one of four groups: month and day, week and dayOfWeek, quarter and dayOfQuarter, or ordinalDay. A zone in the
 * map *converts* a time that has a zone of its own, and *labels* one that has none.
 */
import {
  NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND, checkRange, checkedEpochDay, civilOf, dayOfWeek, daysInMonth,
  epochDayOf, epochDayOfOrdinal, epochDayOfQuarter, epochDayOfWeek, quarterOf, weekOf,
} from './calendar.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import { parseDate, parseDuration, parseLocalDateTime, parseLocalTime, parseZonedDateTime, parseZonedTime } from './temporal-parse.ts';
import { addFractions, fractionOf, fromFractions, scaleFraction } from './duration.ts';
import type { Fraction } from './duration.ts';
import { Float, isMap } from './value.ts';
import type { CypherMap, Value } from './value.ts';
import { offsetAt, parseZone } from './zone.ts';
import type { Zone } from './zone.ts';
import { invalidType, invalidValue } from './value-errors.ts';

/** What a value without a zone of its own gets. */
export interface TemporalDefaults {
  readonly zone: Zone;
  /** The current instant: decides the offset of a named zone for a time without a date. */
  readonly nowMs: number;
}

const DATE_KEYS = ['year', 'month', 'day', 'week', 'dayOfWeek', 'quarter', 'dayOfQuarter', 'ordinalDay', 'date', 'datetime'];
const TIME_KEYS = ['hour', 'minute', 'second', 'millisecond', 'microsecond', 'nanosecond', 'time', 'datetime'];
const EPOCH_KEYS = ['epochSeconds', 'epochMillis'];
/** A moment since the epoch is whole: only what is finer than it, and how it is shown, may be given too. */
const BESIDE_EPOCH = [...EPOCH_KEYS, 'millisecond', 'microsecond', 'nanosecond', 'timezone'];

/** The components under their canonical names; unknown ones are a mistake. */
function readComponents(type: string, map: CypherMap, allowed: readonly string[]): Map<string, Value> {
  const components = new Map<string, Value>();
  for (const [key, value] of map) {
    const name = key === 'weekday' || key === 'weekDay' ? 'dayOfWeek' : allowed.find((known) => known.toLowerCase() === key.toLowerCase());
    if (name === undefined || !allowed.includes(name)) throw invalidValue(`${type}() does not know the component '${key}'`);
    if (value === null) throw invalidValue(`${type}(): the component '${key}' is null`);
    components.set(name, value);
  }
  return components;
}

function number(components: ReadonlyMap<string, Value>, name: string): number | undefined {
  const value = components.get(name);
  if (value === undefined) return undefined;
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') throw invalidValue(`${name} is out of range`);
  throw invalidType(`${name} of a temporal value must be an integer`);
}

/** The epoch day that a temporal value has, if any. */
function dayPart(value: Value): number | undefined {
  return value instanceof LocalDate || value instanceof LocalDateTime || value instanceof ZonedDateTime ? value.epochDay : undefined;
}

/** The nanosecond of the day that a temporal value has, if any. */
function clockPart(value: Value): number | undefined {
  return value instanceof LocalTime || value instanceof ZonedTime || value instanceof LocalDateTime || value instanceof ZonedDateTime
    ? value.nanoOfDay : undefined;
}

/** The zone that a temporal value has, if any. */
function zonePart(value: Value | undefined): Zone | undefined {
  if (value instanceof ZonedDateTime) return value.zoneOrOffset;
  return value instanceof ZonedTime ? value.offset : undefined;
}

function base(components: ReadonlyMap<string, Value>, name: string, part: (value: Value) => number | undefined): number | undefined {
  const value = components.get(name) ?? components.get('datetime');
  if (value === undefined) return undefined;
  const found = part(value);
  if (found === undefined) throw invalidType(`the component '${components.has(name) ? name : 'datetime'}' is not such a temporal value`);
  return found;
}

/** Epoch day from components, on top of `start` (or the components `date` and `datetime`). */
function dateOf(components: ReadonlyMap<string, Value>, start?: number): number {
  const from = start ?? base(components, 'date', dayPart);
  const get = (name: string): number | undefined => number(components, name);
  const groups = [['month', 'day'], ['week', 'dayOfWeek'], ['quarter', 'dayOfQuarter'], ['ordinalDay']]
    .filter((group) => group.some((name) => components.has(name)));
  if (groups.length > 1) throw invalidValue(`${groups[0]![0]} and ${groups[1]![0]} cannot be given together`);
  const year = get('year');
  if (from === undefined) {
    if (year === undefined) throw invalidValue('year must be given');
    switch (groups[0]?.[0]) {
      case 'week': return epochDayOfWeek(year, needed(components, 'week', 'dayOfWeek'), get('dayOfWeek') ?? 1);
      case 'quarter': return epochDayOfQuarter(year, needed(components, 'quarter', 'dayOfQuarter'), get('dayOfQuarter') ?? 1);
      case 'ordinalDay': return epochDayOfOrdinal(year, get('ordinalDay')!);
      case 'month': return checkedEpochDay(year, needed(components, 'month', 'day'), get('day') ?? 1);
      default: return checkedEpochDay(year, 1, 1);
    }
  }
  const civil = civilOf(from);
  switch (groups[0]?.[0]) {
    case 'week': {
      const old = weekOf(from);
      return epochDayOfWeek(year ?? old.weekYear, get('week') ?? old.week, get('dayOfWeek') ?? dayOfWeek(from));
    }
    case 'quarter': {
      const old = quarterOf(civil.month);
      const dayOfQuarter = from - epochDayOf(civil.year, old * 3 - 2, 1) + 1;
      return epochDayOfQuarter(year ?? civil.year, get('quarter') ?? old, get('dayOfQuarter') ?? dayOfQuarter);
    }
    case 'ordinalDay': return epochDayOfOrdinal(year ?? civil.year, get('ordinalDay')!);
    default: return replaceMonthAndDay(civil, year, get('month'), get('day'));
  }
}

function replaceMonthAndDay(
  old: { readonly year: number; readonly month: number; readonly day: number },
  year: number = old.year, month: number = old.month, day?: number,
): number {
  checkRange('month', month, 1, 12);
  // A day that was not asked for gives way to a shorter month.
  return checkedEpochDay(year, month, day ?? Math.min(old.day, daysInMonth(year, month)));
}

function needed(components: ReadonlyMap<string, Value>, name: string, smaller: string): number {
  const value = number(components, name);
  if (value === undefined) throw invalidValue(`${smaller} cannot be given without ${name}`);
  return value;
}

/** Nanosecond of the day from components, on top of `start` (or the components `time` and `datetime`). */
function clockOf(components: ReadonlyMap<string, Value>, start?: number): number {
  const known = start ?? base(components, 'time', clockPart);
  if (known === undefined) checkNoGap(components);
  const from = known ?? 0;
  const hour = number(components, 'hour') ?? Math.floor(from / NANOS_PER_HOUR);
  const minute = number(components, 'minute') ?? Math.floor(from / NANOS_PER_MINUTE) % 60;
  const second = number(components, 'second') ?? Math.floor(from / NANOS_PER_SECOND) % 60;
  checkRange('hour', hour, 0, 23);
  checkRange('minute', minute, 0, 59);
  checkRange('second', second, 0, 59);
  return hour * NANOS_PER_HOUR + minute * NANOS_PER_MINUTE + second * NANOS_PER_SECOND + (subSecond(components) ?? from % NANOS_PER_SECOND);
}

const DAY_KEYS = ['day', 'dayOfWeek', 'dayOfQuarter', 'ordinalDay', 'date', 'datetime'];

/** What is left out is the smallest: a second goes with a minute, that with an hour, and that, where there is a year, with a day. */
function checkNoGap(components: ReadonlyMap<string, Value>): void {
  const has = (name: string): boolean => components.has(name);
  const finest = ['nanosecond', 'microsecond', 'millisecond'].find(has);
  const need = (smaller: string | undefined, name: string, isGiven = has(name)): void => {
    if (smaller !== undefined && !isGiven) throw invalidValue(`${smaller} cannot be given without ${name}`);
  };
  need(finest, 'second');
  need(has('second') ? 'second' : undefined, 'minute');
  need(has('minute') ? 'minute' : undefined, 'hour');
  if (has('year')) need(has('hour') ? 'hour' : undefined, 'day', DAY_KEYS.some(has));
}

/** Milli-, micro- and nanoseconds complete each other: next to a larger unit, a smaller one only fills the rest. */
function subSecond(components: ReadonlyMap<string, Value>): number | undefined {
  const milli = number(components, 'millisecond');
  const micro = number(components, 'microsecond');
  const nano = number(components, 'nanosecond');
  if (milli === undefined && micro === undefined && nano === undefined) return undefined;
  checkRange('millisecond', milli ?? 0, 0, 999);
  checkRange('microsecond', micro ?? 0, 0, milli === undefined ? 999_999 : 999);
  checkRange('nanosecond', nano ?? 0, 0, micro !== undefined ? 999 : milli !== undefined ? 999_999 : 999_999_999);
  return (milli ?? 0) * 1_000_000 + (micro ?? 0) * 1000 + (nano ?? 0);
}

function needClock(type: string, components: ReadonlyMap<string, Value>): void {
  if (!components.has('hour') && !components.has('time') && !components.has('datetime')) {
    throw invalidValue(`${type}(): hour must be given`);
  }
}

function zoneOf(components: ReadonlyMap<string, Value>): Zone | undefined {
  const value = components.get('timezone');
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalidType('timezone must be a string');
  return parseZone(value);
}

/** The offset that a zone has now, for a time without a date. */
export function currentOffset(zone: Zone, nowMs: number): number {
  const day = Math.floor(nowMs / 86_400_000);
  return offsetAt(zone, day, Math.floor((nowMs - day * 86_400_000) / 1000));
}

function wrongInput(type: string): Error {
  return invalidType(`${type}() needs a string, a map or a temporal value that has such a part`);
}

export function buildDate(input: Value): LocalDate {
  if (typeof input === 'string') return parseDate(input);
  if (isMap(input)) return new LocalDate(dateOf(readComponents('date', input, DATE_KEYS)));
  const day = dayPart(input);
  if (day === undefined) throw wrongInput('date');
  return new LocalDate(day);
}

export function buildLocalTime(input: Value): LocalTime {
  if (typeof input === 'string') return parseLocalTime(input);
  if (isMap(input)) {
    const components = readComponents('localtime', input, TIME_KEYS);
    needClock('localtime', components);
    return new LocalTime(clockOf(components));
  }
  const nano = clockPart(input);
  if (nano === undefined) throw wrongInput('localtime');
  return new LocalTime(nano);
}

export function buildTime(input: Value, defaults: TemporalDefaults): ZonedTime {
  const fallback = (): number => currentOffset(defaults.zone, defaults.nowMs);
  if (typeof input === 'string') return parseZonedTime(input, fallback());
  if (isMap(input)) {
    const components = readComponents('time', input, [...TIME_KEYS, 'timezone']);
    needClock('time', components);
    const nano = clockOf(components);
    const zone = zoneOf(components);
    const source = components.get('time') ?? components.get('datetime');
    const own = source instanceof ZonedDateTime ? source.offset : zonePart(source) as number | undefined;
    const wanted = zone === undefined ? undefined : currentOffset(zone, source instanceof ZonedDateTime ? Number(source.epochSeconds()) * 1000 : defaults.nowMs);
    if (own === undefined) return new ZonedTime(nano, wanted ?? fallback());
    const time = new ZonedTime(nano, own);
    return wanted === undefined ? time : time.withOffset(wanted);
  }
  const nano = clockPart(input);
  if (nano === undefined) throw wrongInput('time');
  const offset = input instanceof ZonedDateTime || input instanceof ZonedTime ? input.offset : fallback();
  return new ZonedTime(nano, offset);
}

export function buildLocalDateTime(input: Value): LocalDateTime {
  if (typeof input === 'string') return parseLocalDateTime(input);
  if (isMap(input)) {
    const components = readComponents('localdatetime', input, [...DATE_KEYS, ...TIME_KEYS]);
    return new LocalDateTime(dateOf(components), clockOf(components));
  }
  const day = dayPart(input);
  if (day === undefined) throw wrongInput('localdatetime');
  return new LocalDateTime(day, clockPart(input) ?? 0);
}

export function buildDateTime(input: Value, defaults: TemporalDefaults): ZonedDateTime {
  if (typeof input === 'string') return parseZonedDateTime(input, defaults.zone);
  if (isMap(input)) {
    const components = readComponents('datetime', input, [...DATE_KEYS, ...TIME_KEYS, ...EPOCH_KEYS, 'timezone']);
    const zone = zoneOf(components);
    if (components.has('epochSeconds') || components.has('epochMillis')) return fromEpoch(components, zone ?? defaults.zone);
    const source = components.get('time') ?? components.get('datetime');
    const own = zonePart(source);
    const preferred = source instanceof ZonedDateTime ? source.offset : undefined;
    const value = ZonedDateTime.ofLocal(dateOf(components), clockOf(components), own ?? zone ?? defaults.zone, preferred);
    return own === undefined || zone === undefined ? value : value.withZone(zone);
  }
  if (input instanceof ZonedDateTime) return input;
  const day = dayPart(input);
  if (day === undefined) throw wrongInput('datetime');
  return ZonedDateTime.ofLocal(day, clockPart(input) ?? 0, defaults.zone);
}

function fromEpoch(components: ReadonlyMap<string, Value>, zone: Zone): ZonedDateTime {
  const beside = [...components.keys()].find((name) => !BESIDE_EPOCH.includes(name));
  const seconds = number(components, 'epochSeconds');
  if (beside !== undefined || (seconds !== undefined && components.has('epochMillis'))) {
    throw invalidValue(`${beside ?? 'epochMillis'} and ${seconds === undefined ? 'epochMillis' : 'epochSeconds'} cannot be given together`);
  }
  const nanos = subSecond(components) ?? 0;
  return seconds === undefined
    ? ZonedDateTime.ofEpochMillis(number(components, 'epochMillis')!, zone, nanos)
    : fromEpochSeconds(seconds, nanos, zone);
}

/** `datetime.fromepoch(seconds, nanoseconds)`. */
export function fromEpochSeconds(seconds: number, nanos: number, zone: Zone): ZonedDateTime {
  const day = Math.floor(seconds / 86_400);
  return ZonedDateTime.ofInstant(day, (seconds - day * 86_400) * NANOS_PER_SECOND + nanos, zone);
}

/** A value of one temporal type with some components replaced; the last step of truncation. `map` knows no base values. */
export function replaceDay(day: number, map: CypherMap): number {
  return dateOf(readComponents('truncate', map, [...DATE_KEYS, ...TIME_KEYS, 'timezone']), day);
}

export function replaceClock(nano: number, unit: string, map: CypherMap): number {
  const components = readComponents('truncate', map, [...DATE_KEYS, ...TIME_KEYS, 'timezone']);
  // A truncated sub-second stays: nanosecond 2 on 14.645 is 14.645000002.
  if (unit === 'millisecond' || (unit === 'microsecond' && !components.has('microsecond'))) {
    const part = nano % NANOS_PER_SECOND;
    if (!components.has('millisecond')) components.set('millisecond', Math.floor(part / 1_000_000));
    if (unit === 'microsecond') components.set('microsecond', Math.floor(part / 1000) % 1000);
  }
  return clockOf(components, nano);
}

export function replaceZone(map: CypherMap): Zone | undefined {
  const key = [...map.keys()].find((name) => name.toLowerCase() === 'timezone');
  return key === undefined ? undefined : zoneOf(new Map([['timezone', map.get(key)!]]));
}

const DURATION_UNITS: ReadonlyMap<string, readonly [index: 0 | 1 | 2, scale: bigint]> = new Map([
  ['years', [0, 12n]], ['quarters', [0, 3n]], ['months', [0, 1n]],
  ['weeks', [1, 7n]], ['days', [1, 1n]],
  ['hours', [2, 3_600_000_000_000n]], ['minutes', [2, 60_000_000_000n]], ['seconds', [2, 1_000_000_000n]],
  ['milliseconds', [2, 1_000_000n]], ['microseconds', [2, 1000n]], ['nanoseconds', [2, 1n]],
]);

export function buildDuration(input: Value): Duration {
  if (typeof input === 'string') return parseDuration(input);
  if (input instanceof Duration) return input;
  if (!isMap(input)) throw invalidType('duration() needs a string, a map or a duration');
  const totals: [Fraction, Fraction, Fraction] = [[0n, 1n], [0n, 1n], [0n, 1n]];
  for (const [key, value] of input) {
    const unit = DURATION_UNITS.get(key.toLowerCase());
    if (unit === undefined) throw invalidValue(`duration() does not know the component '${key}'`);
    if (value instanceof Float && !Number.isFinite(value.value)) throw invalidValue(`${key} of a duration must be finite`);
    if (typeof value !== 'number' && typeof value !== 'bigint' && !(value instanceof Float)) {
      throw invalidType(`${key} of a duration must be a number`);
    }
    const [index, scale] = unit;
    totals[index] = addFractions(totals[index], scaleFraction(fractionOf(value instanceof Float ? value.value : value), scale));
  }
  return fromFractions(...totals);
}
