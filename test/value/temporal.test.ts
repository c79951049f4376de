import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { civilOf, epochDayOf } from '../../src/value/calendar.ts';
import { fractionOf } from '../../src/value/duration.ts';
import { Duration, LocalDate, ZonedDateTime } from '../../src/value/temporal.ts';
import type { Temporal } from '../../src/value/temporal.ts';
import { parseDate, parseDuration, parseLocalDateTime, parseLocalTime, parseZonedDateTime, parseZonedTime } from '../../src/value/temporal-parse.ts';
import { buildDate, buildDateTime, buildDuration, buildLocalDateTime, buildLocalTime, buildTime } from '../../src/value/temporal-build.ts';
import { daysBetween, durationBetween, monthsBetweenTemporals, secondsBetween } from '../../src/value/temporal-between.ts';
import { temporalComponent } from '../../src/value/temporal-components.ts';
import { truncate } from '../../src/value/temporal-truncate.ts';
import { Float } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';
import { dateTimes, dates, durations, localDateTimes, localTimes, times } from './arbitrary.ts';

const map = (object: Record<string, Value>): Map<string, Value> => new Map(Object.entries(object));
const defaults = { zone: 0, nowMs: 0 };
const half = new Float(0.5);

describe('text', () => {
  it.each([
    ['2015-07-21', '2015-07-21'], ['20150721', '2015-07-21'], ['2015-07', '2015-07-01'], ['201507', '2015-07-01'], ['2015-W30-2', '2015-07-21'],
    ['2015W302', '2015-07-21'], ['2015-W30', '2015-07-20'], ['2015W30', '2015-07-20'], ['2015-202', '2015-07-21'], ['2015202', '2015-07-21'],
    ['2015', '2015-01-01'], ['2015-Q2-60', '2015-05-30'], ['2015Q260', '2015-05-30'], ['2015-Q2', '2015-04-01'], ['2015Q2', '2015-04-01'],
    ['-0044-03-15', '-0044-03-15'], ['+999999999-12-31', '+999999999-12-31'], ['-999999999-01-01', '-999999999-01-01'],
  ])('date %s', (text, expected) => {
    expect(parseDate(text).toString()).toBe(expected);
  });

  it.each(['', 'x', '2015-13-01', '2015-02-29', '2015-W54', '2017-W53', '2015-366', '2015-Q5', '2015-7-', '20150721T', '+1000000000-01-01', '1'.repeat(1000)])(
    'refuses the date "%s"', (text) => {
      expect(() => parseDate(text)).toThrow(DbError);
    },
  );

  it.each([
    ['2015-07-21T21:40:32.142+02:00[Europe/Stockholm]', '2015-07-21T21:40:32.142+02:00[Europe/Stockholm]'],
    ['2015-07-21T21:40:32.142+0845[Australia/Eucla]', '2015-07-21T21:40:32.142+08:45[Australia/Eucla]'],
    ['2015-07-21T21:40:32.142[Europe/London]', '2015-07-21T21:40:32.142+01:00[Europe/London]'],
    ['1818-07-21T21:40:32.142[Europe/Stockholm]', '1818-07-21T21:40:32.142+00:53:28[Europe/Stockholm]'],
    ['2015-W30T2140-02', '2015-07-20T21:40-02:00'], ['2015202T21+18:00', '2015-07-21T21:00+18:00'], ['2015T214032-0100', '2015-01-01T21:40:32-01:00'],
    ['2015-07-21', '2015-07-21T00:00Z'], ['2015-07-21[Europe/Stockholm]', '2015-07-21T00:00+02:00[Europe/Stockholm]'],
    ['2015-07-21T21:40[europe/LONDON]', '2015-07-21T21:40+01:00[Europe/London]'], ['2017-05-03 10:40:32.5', '2017-05-03T10:40:32.500Z'],
  ])('datetime %s', (text, expected) => {
    expect(parseZonedDateTime(text, 0).toString()).toBe(expected);
  });

  it.each(['2015-07-21T21:40+05:00[Europe/Stockholm]', '2015-07-21T21:40[Mars/Base]', '2015-07-21T21:40+19:00', '2015-07-21T24:00', 'T21:40'])(
    'refuses the datetime "%s"', (text) => {
      expect(() => parseZonedDateTime(text, 0)).toThrow(DbError);
    },
  );

  it.each([
    ['P14DT16H12M', 'P14DT16H12M'], ['P5M1.5D', 'P5M1DT12H'], ['P0.75M', 'P22DT19H51M49.5S'], ['PT0.75M', 'PT45S'], ['P2.5W', 'P17DT12H'],
    ['P12Y5M14DT16H12M70S', 'P12Y5M14DT16H13M10S'], ['P2012-02-02T14:37:21.545', 'P2012Y2M2DT14H37M21.545S'], ['-P1Y', 'P-1Y'], ['P-1Y', 'P-1Y'],
    ['PT-0.1S', 'PT-0.1S'], ['PT0S', 'PT0S'],
  ])('duration %s', (text, expected) => {
    expect(parseDuration(text).toString()).toBe(expected);
  });

  it.each(['', 'P', 'PT', 'P1', '1Y', 'P1H', 'PT1D', 'P1YT'])('refuses the duration "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow(DbError);
  });

  it('gives back what it reads', () => {
    const cases: readonly [fc.Arbitrary<{ toString(): string }>, (text: string) => { toString(): string }][] = [
      [dates, parseDate], [localTimes, parseLocalTime], [times, (text) => parseZonedTime(text, 0)], [localDateTimes, parseLocalDateTime],
      [dateTimes, (text) => parseZonedDateTime(text, 0)], [durations, parseDuration],
    ];
    for (const [arbitrary, parse] of cases) {
      fc.assert(fc.property(arbitrary, (value) => {
        expect(parse(value.toString())).toEqual(value);
      }), { numRuns: 200 });
    }
  });
});

describe('the calendar', () => {
  it('agrees with Date where Date reaches', () => {
    fc.assert(fc.property(fc.integer({ min: -8e7, max: 8e7 }), (day) => {
      const date = new Date(day * 86_400_000);
      const civil = civilOf(day);
      expect(civil).toEqual({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
      expect(epochDayOf(civil.year, civil.month, civil.day)).toBe(day);
    }));
  });

  it.each([
    [{ year: 1816, week: 1 }, '1816-01-01'], [{ year: 1816, week: 52 }, '1816-12-23'], [{ year: 1817, week: 1 }, '1816-12-30'],
    [{ year: 1984, week: 10, dayOfWeek: 3 }, '1984-03-07'], [{ year: 1984, ordinalDay: 202 }, '1984-07-20'],
    [{ year: 1984, quarter: 3, dayOfQuarter: 45 }, '1984-08-14'], [{ year: 1984, quarter: 3 }, '1984-07-01'], [{ year: 1984, month: 10 }, '1984-10-01'],
    [{ date: LocalDate.of(1816, 12, 30), week: 2, dayOfWeek: 3 }, '1817-01-08'], [{ date: LocalDate.of(1816, 12, 31), week: 2 }, '1817-01-07'],
    [{ year: 1816, date: LocalDate.of(1816, 12, 30), week: 2, dayOfWeek: 3 }, '1816-01-10'],
    [{ date: LocalDate.of(1984, 11, 11), quarter: 3 }, '1984-08-11'], [{ date: LocalDate.of(1984, 1, 31), month: 2 }, '1984-02-29'],
  ])('date(%o) is %s', (components, expected) => {
    expect(buildDate(map(components)).toString()).toBe(expected);
  });

  it.each<[Record<string, Value>]>([
    [{}], [{ month: 5 }], [{ year: 2015, day: 5 }], [{ year: 2015, month: 2, day: 30 }], [{ year: 2015, month: 1, week: 2 }], [{ year: 2015, foo: 1 }],
    [{ year: 2015, hour: 1 }], [{ year: null }], [{ year: new Float(2015) }], [{ year: '2015' }], [{ date: 5 }], [{ year: 1e10 }],
  ])('refuses date(%o)', (components) => {
    expect(() => buildDate(map(components))).toThrow(DbError);
  });
});

describe('construction', () => {
  it.each([
    [{ hour: 12, minute: 31, second: 14, nanosecond: 789, millisecond: 123, microsecond: 456 }, '12:31:14.123456789'],
    [{ hour: 12, minute: 31, second: 14, nanosecond: 645876123 }, '12:31:14.645876123'], [{ hour: 12, minute: 31, second: 14, microsecond: 645876 }, '12:31:14.645876'],
    [{ hour: 12, minute: 31, second: 14, millisecond: 645 }, '12:31:14.645'], [{ hour: 12 }, '12:00'],
  ])('localtime(%o) is %s', (components, expected) => {
    expect(buildLocalTime(map(components)).toString()).toBe(expected);
    expect(buildTime(map({ ...components, timezone: '+02:05:59' }), defaults).toString()).toBe(`${expected}+02:05:59`);
  });

  it('refuses sub-seconds that overlap, and times beyond the day', () => {
    for (const wrong of [{ hour: 24 }, { hour: 1, minute: 60 }, { minute: 5 }, { hour: 1, millisecond: 1, microsecond: 1000 }, { hour: 1, year: 5 }]) {
      expect(() => buildLocalTime(map(wrong))).toThrow(DbError);
    }
  });

  it('converts a time that has a zone, and labels one that has none', () => {
    const zoned = buildDateTime(map({ year: 1984, month: 10, day: 11, hour: 12, timezone: 'Europe/Stockholm' }), defaults);
    expect(zoned.toString()).toBe('1984-10-11T12:00+01:00[Europe/Stockholm]');
    expect(buildDateTime(map({ datetime: zoned, timezone: '+05:00' }), defaults).toString()).toBe('1984-10-11T16:00+05:00');
    expect(buildDateTime(map({ datetime: buildLocalDateTime(zoned), timezone: '+05:00' }), defaults).toString()).toBe('1984-10-11T12:00+05:00');
    expect(buildTime(map({ time: zoned, second: 42, timezone: '+05:00' }), defaults).toString()).toBe('16:00:42+05:00');
    expect(buildDateTime(map({ date: zoned, hour: 10 }), defaults).toString()).toBe('1984-10-11T10:00Z');
    expect(buildDateTime(map({ epochSeconds: 416779, nanosecond: 999999999 }), defaults).toString()).toBe('1970-01-05T19:46:19.999999999Z');
  });

  it.each<[Record<string, Value>, string]>([
    [{ days: 14, hours: 16, minutes: 12 }, 'P14DT16H12M'], [{ months: 5, days: new Float(1.5) }, 'P5M1DT12H'], [{ months: new Float(0.75) }, 'P22DT19H51M49.5S'],
    [{ weeks: new Float(2.5) }, 'P17DT12H'], [{ days: 14, seconds: 70, milliseconds: 1 }, 'P14DT1M10.001S'], [{ seconds: 1, milliseconds: -1 }, 'PT0.999S'],
    [{ seconds: -60, milliseconds: 1 }, 'PT-59.999S'], [{ seconds: -60, milliseconds: -1 }, 'PT-1M-0.001S'], [{ days: 1, milliseconds: -1 }, 'P1DT-0.001S'],
    [{ seconds: 2, milliseconds: -1 }, 'PT1.999S'], [{ seconds: -2, milliseconds: 1 }, 'PT-1.999S'], [{ minutes: 12, seconds: -60 }, 'PT11M'],
    [{ years: 12, months: 5, days: -14, hours: 16 }, 'P12Y5M-14DT16H'], [{ minutes: new Float(1.5), seconds: 1 }, 'PT1M31S'], [{ seconds: new Float(70.3) }, 'PT1M10.3S'],
    [{ seconds: 2n ** 62n }, 'PT1281023894007607H45M4S'],
  ])('duration(%o) is %s', (components, expected) => {
    expect(buildDuration(map(components)).toString()).toBe(expected);
  });
});

describe('time zones', () => {
  it('agree with Intl at every instant', () => {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', timeZoneName: 'longOffset' });
    fc.assert(fc.property(fc.integer({ min: -2e9, max: 4e9 }), (second) => {
      const name = format.formatToParts(second * 1000).find((part) => part.type === 'timeZoneName')!.value.replace('GMT', '');
      expect(ZonedDateTime.ofEpochMillis(second * 1000, 'America/New_York').toString()).toContain(name.replace(/:00$/, ''));
    }));
  });

  it('move on out of a gap, and take the first hour of an overlap unless the text says which', () => {
    expect(parseZonedDateTime('2017-03-26T02:30[Europe/Stockholm]', 0).toString()).toBe('2017-03-26T03:30+02:00[Europe/Stockholm]');
    expect(parseZonedDateTime('2017-10-29T02:30[Europe/Stockholm]', 0).toString()).toBe('2017-10-29T02:30+02:00[Europe/Stockholm]');
    expect(parseZonedDateTime('2017-10-29T02:30+01:00[Europe/Stockholm]', 0).toString()).toBe('2017-10-29T02:30+01:00[Europe/Stockholm]');
  });

  it('repeat their rules in far years', () => {
    expect(parseZonedDateTime('+999999-07-01T00:00[Europe/Stockholm]', 0).offset).toBe(7200);
    expect(parseZonedDateTime('-999999-07-01T00:00[Europe/Stockholm]', 0).offset).toBeLessThan(3600 * 1.5);
  });
});

describe('arithmetic', () => {
  it('adds months on the calendar and hours on the time line', () => {
    const before = parseZonedDateTime('2017-10-28T12:00[Europe/Stockholm]', 0);
    expect(before.plus(parseDuration('P1D')).toString()).toBe('2017-10-29T12:00+01:00[Europe/Stockholm]');
    expect(before.plus(parseDuration('PT24H')).toString()).toBe('2017-10-29T11:00+01:00[Europe/Stockholm]');
    expect(LocalDate.of(2016, 1, 31).plus(parseDuration('P1M')).toString()).toBe('2016-02-29');
    expect(LocalDate.of(1984, 10, 11).plus(parseDuration('PT36H')).toString()).toBe('1984-10-12');
    expect(LocalDate.of(1984, 10, 11).plus(parseDuration('PT36H').negated()).toString()).toBe('1984-10-10');
  });

  it('refuses results out of range', () => {
    expect(() => LocalDate.of(999_999_999, 12, 31).plus(parseDuration('P1D'))).toThrow(DbError);
    expect(() => new Duration(0, 0, 2n ** 63n - 1n, 0).plus(new Duration(0, 0, 1, 0))).toThrow(DbError);
  });

  it('undoes itself', () => {
    fc.assert(fc.property(durations, (duration) => {
      if (duration.seconds === -(2n ** 63n)) return;
      expect(duration.negated().negated()).toEqual(duration);
      expect(duration.plus(duration.negated()).toString()).toBe('PT0S');
    }));
  });

  it('multiplies exactly', () => {
    const duration = parseDuration('P12Y5M14DT16H13M10.000000001S');
    expect(duration.times(fractionOf(half.value)).toString()).toBe('P6Y2M22DT13H21M8S');
    expect(duration.times([2n, 1n]).toString()).toBe('P24Y10M28DT32H26M20.000000002S');
  });
});

describe('differences', () => {
  const parse = (text: string): Temporal => (text.includes('T') ? parseLocalDateTime(text) : text.includes(':') ? parseLocalTime(text) : parseDate(text));

  it.each([
    ['1984-10-11', '2015-06-24', 'P30Y8M13D'], ['1984-10-11', '2016-07-21T21:45:22.142', 'P31Y9M10DT21H45M22.142S'],
    ['2015-07-21T21:40:32.142', '2015-06-24', 'P-27DT-21H-40M-32.142S'], ['14:30', '2015-06-24', 'PT-14H-30M'],
    ['2018-01-02T10:00:00.1', '2018-01-01T10:00:00.2', 'PT-23H-59M-59.9S'], ['-999999999-01-01', '+999999999-12-31', 'P1999999998Y11M30D'],
  ])('between %s and %s: %s', (from, to, expected) => {
    expect(durationBetween(parse(from), parse(to)).toString()).toBe(expected);
  });

  it('count whole units only', () => {
    expect(monthsBetweenTemporals(parse('2018-07-21'), parse('2016-07-21T21:40:32')).toString()).toBe('P-1Y-11M');
    expect(daysBetween(parse('2015-07-21T21:40:32.142'), parse('2015-06-24')).toString()).toBe('P-27D');
    expect(secondsBetween(parseLocalDateTime('-999999999-01-01'), parseLocalDateTime('+999999999-12-31T23:59:59')).toString()).toBe('PT17531639991215H59M59S');
  });

  it('see the hour that a night in October has more', () => {
    const start = parseZonedDateTime('2017-10-29T00:00[Europe/Stockholm]', 0);
    expect(secondsBetween(start, parse('2017-10-29T04:00')).toString()).toBe('PT5H');
    expect(secondsBetween(start, parse('2017-10-30')).toString()).toBe('PT25H');
  });

  it('added to the start give the end', () => {
    fc.assert(fc.property(localDateTimes, localDateTimes, (a, b) => {
      const difference = durationBetween(a, b);
      if (difference.months < 0) return; // going back, a short month may end elsewhere
      expect(a.plus(difference)).toEqual(b);
    }));
  });
});

describe('components and truncation', () => {
  const moment = parseZonedDateTime('1984-11-11T12:31:14.645876123+01:00[Europe/Stockholm]', 0);

  it.each<[string, Value]>([
    ['year', 1984], ['quarter', 4], ['month', 11], ['week', 45], ['weekYear', 1984], ['day', 11], ['ordinalDay', 316], ['weekDay', 7], ['dayOfQuarter', 42],
    ['hour', 12], ['minute', 31], ['second', 14], ['millisecond', 645], ['microsecond', 645876], ['nanosecond', 645876123],
    ['timezone', 'Europe/Stockholm'], ['offset', '+01:00'], ['offsetMinutes', 60], ['offsetSeconds', 3600], ['epochSeconds', 469020674], ['epochMillis', 469020674645],
  ])('%s is %s', (name, expected) => {
    expect(temporalComponent(moment, name)).toBe(expected);
  });

  it('has nothing under other names', () => {
    expect(temporalComponent(moment, 'years')).toBeUndefined();
    expect(temporalComponent(LocalDate.of(1984, 1, 1), 'hour')).toBeUndefined();
    expect(temporalComponent(parseDuration('PT-23H-59M-59.9S'), 'seconds')).toBe(-86400);
    expect(temporalComponent(parseDuration('PT-23H-59M-59.9S'), 'nanosecondsOfSecond')).toBe(100_000_000);
  });

  it.each([
    ['millennium', {}, '1000-01-01T00:00+01:12:12'], ['weekYear', { day: 5 }, '1984-01-05T00:00+01:00'], ['week', { dayOfWeek: 2 }, '1984-11-06T00:00+01:00'],
    ['millisecond', { nanosecond: 2 }, '1984-11-11T12:31:14.645000002+01:00'], ['microsecond', { nanosecond: 2 }, '1984-11-11T12:31:14.645876002+01:00'],
    ['hour', { timezone: '-02:00' }, '1984-11-11T12:00-02:00'],
  ])('cuts to %s with %o', (unit, fields, expected) => {
    const text = truncate('datetime', unit, moment, map(fields), defaults).toString().replace(/\[.*/, '');
    // The mean time of Stockholm depends on the edition of the time zone data.
    expect(text.replace('+00:53:28', '+01:12:12')).toBe(expected);
  });
});
