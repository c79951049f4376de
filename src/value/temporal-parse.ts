/**
 * Temporal values and durations from ISO 8601 text, basic and extended, in all the forms of openCypher.
 *
 *   date      2015-07-21  20150721  2015-07  201507  2015  2015-W30-2  2015W302  2015-W30  2015W30
 *             2015-Q3-21  2015Q321  2015-Q3  2015Q3  2015-202  2015202  +123456-07-21 (sign: up to nine digits, and dashes)
 *   time      21:40:32.142  214032.142  21:40:32  214032  21:40  2140  21
 *   zone      Z  +01  +0100  +01:00  +01:00:30  then or instead [Europe/Stockholm]
 *   datetime  date, `T` or a space, time, zone
 *   duration  P1Y2M3W4DT5H6M7.8S (each number with a sign and a fraction)  P2012-02-02T14:37:21.545
 */
import {
  NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND, checkRange, checkedEpochDay, epochDayOfOrdinal, epochDayOfQuarter, epochDayOfWeek,
} from './calendar.ts';
import { LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import { addFractions, fractionOf, fromFractions, scaleFraction } from './duration.ts';
import type { Duration, Fraction } from './duration.ts';
import { parseOffset, parseZone } from './zone.ts';
import type { Zone } from './zone.ts';
import { invalidValue } from './value-errors.ts';
import type { DbError } from '../base/errors.ts';

const DATE = new RegExp(
  '^(?:'
  // A signed year may have up to nine digits, so what follows needs a dash.
  + '(?<longYear>[+-]\\d{1,9})(?:-(?:(?<m1>\\d\\d)(?:-(?<d1>\\d\\d))?|W(?<w1>\\d\\d)(?:-(?<wd1>\\d))?|Q(?<q1>\\d)(?:-(?<qd1>\\d{1,2}))?|(?<o1>\\d{3})))?'
  + '|(?<year>\\d{4})(?:'
  + '-(?<m2>\\d{1,2})(?:-(?<d2>\\d{1,2}))?'
  + '|(?<m3>\\d\\d)(?<d3>\\d\\d)?'
  + '|-W(?<w2>\\d{1,2})(?:-(?<wd2>\\d))?|W(?<w3>\\d\\d)(?<wd3>\\d)?'
  + '|-Q(?<q2>\\d)(?:-(?<qd2>\\d{1,2}))?|Q(?<q3>\\d)(?<qd3>\\d{1,2})?'
  + '|-(?<o2>\\d{3})|(?<o3>\\d{3})'
  + ')?)$',
);

const TIME = /^(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?|(\d\d)(?:(\d\d)(?:[.,](\d{1,9}))?)?)?$/;
const ZONE = /^(.*?)(Z|z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?(?:\[([^\]]+)\])?$/;

const TEXT_MAX = 200;

function clean(text: string): string {
  if (text.length > TEXT_MAX) throw invalidValue(`a text of ${text.length} characters is no temporal value`);
  return text.trim();
}

function cannotParse(text: string, type: string): DbError {
  return invalidValue(`'${text}' cannot be read as a ${type}`);
}

/** Epoch day of a date text, or undefined when it has no such form. */
function dateText(text: string): number | undefined {
  const groups = DATE.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const get = (name: string): number | undefined => {
    const found = groups[`${name}1`] ?? groups[`${name}2`] ?? groups[`${name}3`];
    return found === undefined ? undefined : Number(found);
  };
  const year = Number(groups['longYear'] ?? groups['year']);
  const week = get('w');
  if (week !== undefined) return epochDayOfWeek(year, week, get('wd') ?? 1);
  const quarter = get('q');
  if (quarter !== undefined) return epochDayOfQuarter(year, quarter, get('qd') ?? 1);
  const ordinal = get('o');
  if (ordinal !== undefined) return epochDayOfOrdinal(year, ordinal);
  return checkedEpochDay(year, get('m') ?? 1, get('d') ?? 1);
}

/** Nanosecond of the day of a time text without a zone, or undefined when it has no such form. */
function timeText(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const hour = Number(match[1]);
  const minute = Number(match[2] ?? match[5] ?? 0);
  const second = Number(match[3] ?? match[6] ?? 0);
  const fraction = match[4] ?? match[7] ?? '';
  checkRange('hour', hour, 0, 23);
  checkRange('minute', minute, 0, 59);
  checkRange('second', second, 0, 59);
  return hour * NANOS_PER_HOUR + minute * NANOS_PER_MINUTE + second * NANOS_PER_SECOND + Number(fraction.padEnd(9, '0'));
}

interface ZonedText {
  readonly text: string;
  readonly offset: number | undefined;
  readonly name: string | undefined;
}

function splitZone(text: string): ZonedText {
  const match = ZONE.exec(text);
  const offset = match?.[2] === undefined ? undefined : parseOffset(match[2]);
  return { text: match?.[1] ?? text, offset, name: match?.[3] };
}

/** Date and time texts on both sides of the `T`; a date alone is its midnight. */
function splitDateTime(text: string): readonly [date: string, time: string] {
  // Not in the name of a zone, which may contain a `t` too.
  const at = text.replace(/\[.*$/, '').search(/[Tt ]/);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export function parseDate(text: string): LocalDate {
  const day = dateText(clean(text));
  if (day === undefined) throw cannotParse(text, 'date');
  return new LocalDate(day);
}

export function parseLocalTime(text: string): LocalTime {
  const nano = timeText(clean(text).replace(/^[Tt]/, ''));
  if (nano === undefined) throw cannotParse(text, 'local time');
  return new LocalTime(nano);
}

/** `zone` applies where the text has none. */
export function parseZonedTime(text: string, zoneOffset: number): ZonedTime {
  const zoned = splitZone(clean(text).replace(/^[Tt]/, ''));
  const nano = timeText(zoned.text);
  if (nano === undefined) throw cannotParse(text, 'time');
  if (zoned.name !== undefined && zoned.offset === undefined) {
    throw invalidValue(`'${text}' has a named time zone but no date, so its offset is not known`);
  }
  return new ZonedTime(nano, zoned.offset ?? zoneOffset);
}

export function parseLocalDateTime(text: string): LocalDateTime {
  const [date, time] = splitDateTime(clean(text));
  const day = dateText(date);
  const nano = time === '' ? 0 : timeText(time);
  if (day === undefined || nano === undefined) throw cannotParse(text, 'local datetime');
  return new LocalDateTime(day, nano);
}

/** `zone` applies where the text has none. */
export function parseZonedDateTime(text: string, zone: Zone): ZonedDateTime {
  const [date, clock] = splitDateTime(clean(text));
  // Without a `T` there may still be a zone name; an offset would look like a part of the date.
  const zoned = clock === '' ? splitName(date) : splitZone(clock);
  const day = dateText(clock === '' ? zoned.text : date);
  const nano = clock === '' ? 0 : timeText(zoned.text);
  if (day === undefined || nano === undefined) throw cannotParse(text, 'datetime');
  if (zoned.name === undefined) return ZonedDateTime.ofLocal(day, nano, zoned.offset ?? zone);
  const name = parseZone(zoned.name);
  const value = ZonedDateTime.ofLocal(day, nano, name, zoned.offset);
  if (zoned.offset !== undefined && value.offset !== zoned.offset) {
    throw invalidValue(`'${text}': the time zone ${zoned.name} does not have that offset at that time`);
  }
  return value;
}

function splitName(text: string): ZonedText {
  const match = /^([^[]*?)([Zz])?(?:\[([^\]]+)\])?$/.exec(text);
  return { text: match?.[1] ?? text, offset: match?.[2] === undefined ? undefined : 0, name: match?.[3] };
}

const NUMBER = '([+-]?\\d+(?:[.,]\\d+)?)';
const optional = (unit: string): string => `(?:${NUMBER}${unit})?`;
const UNITS = new RegExp(
  `^([+-]?)P(?!$)${optional('Y')}${optional('M')}${optional('W')}${optional('D')}`
  + `(?:T(?=[\\d+-])${optional('H')}${optional('M')}${optional('S')})?$`, 'i',
);
const DATE_LIKE = /^([+-]?)P(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d)(?::?(\d\d)(?::?(\d\d(?:[.,]\d{1,9})?))?)?)?$/i;

const ZERO: Fraction = [0n, 1n];
const SECOND = 1_000_000_000n;

export function parseDuration(text: string): Duration {
  const trimmed = clean(text);
  const units = UNITS.exec(trimmed);
  const parts = units !== null ? units.slice(2) : dateLike(trimmed);
  if (parts === undefined) throw cannotParse(text, 'duration');
  const sign = trimmed.startsWith('-') ? -1n : 1n;
  const part = (index: number, scale: bigint): Fraction => {
    const number = parts[index];
    return number === undefined ? ZERO : scaleFraction(fractionOf(number), scale * sign);
  };
  return fromFractions(
    addFractions(part(0, 12n), part(1, 1n)),
    addFractions(part(2, 7n), part(3, 1n)),
    addFractions(addFractions(part(4, 3600n * SECOND), part(5, 60n * SECOND)), part(6, SECOND)),
  );
}

/** The parts of `P2012-02-02T14:37:21.545` in the order of the units: years, months, weeks, days, hours ... */
function dateLike(text: string): (string | undefined)[] | undefined {
  const match = DATE_LIKE.exec(text);
  return match === null ? undefined : [match[2], match[3], undefined, ...match.slice(4)];
}
