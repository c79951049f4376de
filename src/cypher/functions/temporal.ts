/**
 * Temporal functions. `date()` and its sisters without an argument are the statement's clock, with `.transaction`,
 * `.statement` and `.realtime` to choose; `.truncate` cuts; `duration.between` and its kind subtract.
 */
import { systemClock } from '../../base/clock.ts';
import { LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime, isTemporal } from '../../value/temporal.ts';
import type { Duration, Temporal } from '../../value/temporal.ts';
import {
  buildDate, buildDateTime, buildDuration, buildLocalDateTime, buildLocalTime, buildTime, fromEpochSeconds,
} from '../../value/temporal-build.ts';
import type { TemporalDefaults } from '../../value/temporal-build.ts';
import { truncate } from '../../value/temporal-truncate.ts';
import type { TemporalType } from '../../value/temporal-truncate.ts';
import { daysBetween, durationBetween, monthsBetweenTemporals, secondsBetween } from '../../value/temporal-between.ts';
import { temporalComponent } from '../../value/temporal-components.ts';
import { invalidValue } from '../../value/value-errors.ts';
import { parseZone } from '../../value/zone.ts';
import type { Zone } from '../../value/zone.ts';
import type { CypherMap, Value } from '../../value/value.ts';
import { countArgument, scalar, stringArgument, wrongArgument } from './function.ts';
import type { FunctionContext, FunctionTime, Kind, ScalarFunction } from './function.ts';

const NOT_PURE = { deterministic: false } as const;

/** UTC as the default zone is the plain offset, so that `datetime()` ends in `Z`, not in `Z[UTC]`. */
function defaultZone(context: FunctionContext): Zone {
  return context.timeZone === 'UTC' ? 0 : parseZone(context.timeZone);
}

function defaults(context: FunctionContext): TemporalDefaults {
  return { zone: defaultZone(context), nowMs: context.statementTime.wallMs };
}

function now(type: TemporalType, time: FunctionTime, zone: Zone): Temporal {
  const moment = ZonedDateTime.ofEpochMillis(time.wallMs, zone, time.nanos ?? 0);
  switch (type) {
    case 'date': return new LocalDate(moment.epochDay);
    case 'localtime': return new LocalTime(moment.nanoOfDay);
    case 'time': return new ZonedTime(moment.nanoOfDay, moment.offset);
    case 'localdatetime': return new LocalDateTime(moment.epochDay, moment.nanoOfDay);
    case 'datetime': return moment;
  }
}

function build(type: TemporalType, input: Value, context: FunctionContext): Temporal {
  switch (type) {
    case 'date': return buildDate(input);
    case 'localtime': return buildLocalTime(input);
    case 'time': return buildTime(input, defaults(context));
    case 'localdatetime': return buildLocalDateTime(input);
    case 'datetime':
      if (typeof input === 'string' && TUGRAPH_DATETIME.test(input)) return buildLocalDateTime(input.replace(' ', 'T'));
      return buildDateTime(input, defaults(context));
  }
}

/** TuGraph's DATETIME has no zone; openCypher has no such text. */
const TUGRAPH_DATETIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/;

/** `{timezone: 'X'}` alone asks for the current moment there. */
function onlyZone(input: Value): Zone | undefined {
  if (!(input instanceof Map) || input.size !== 1) return undefined;
  const zone = input.get('timezone');
  return typeof zone === 'string' ? parseZone(zone) : undefined;
}

function clockFunction(name: string, type: TemporalType, kind: Kind, clock: (context: FunctionContext) => FunctionTime): ScalarFunction {
  return scalar(name, ['STRING|MAP'], kind, ([zone], context) => {
    if (zone === undefined) return now(type, clock(context), defaultZone(context));
    return now(type, clock(context), onlyZone(zone) ?? parseZone(stringArgument(name, zone)));
  }, { min: 0, deterministic: false });
}

function truncateFunction(type: TemporalType, kind: Kind): ScalarFunction {
  const name = `${type}.truncate`;
  return scalar(name, ['STRING', 'TEMPORAL', 'MAP'], kind, ([unit, value, fields], context) => {
    if (fields !== undefined && !(fields instanceof Map)) throw wrongArgument(name, 'a map of components', fields);
    const input = value ?? now('datetime', context.statementTime, defaultZone(context));
    return truncate(type, stringArgument(name, unit), input, fields ?? (new Map() as CypherMap), defaults(context));
  }, { min: 1, deterministic: false });
}

function family(type: TemporalType, kind: Kind): ScalarFunction[] {
  return [
    scalar(type, ['STRING|MAP|TEMPORAL'], kind, ([input], context) => {
      if (input === undefined) return now(type, context.statementTime, defaultZone(context));
      const zone = onlyZone(input);
      return zone === undefined ? build(type, input, context) : now(type, context.statementTime, zone);
    }, { min: 0, deterministic: false }),
    clockFunction(`${type}.transaction`, type, kind, (context) => context.transactionTime),
    clockFunction(`${type}.statement`, type, kind, (context) => context.statementTime),
    clockFunction(`${type}.realtime`, type, kind, () => ({ wallMs: systemClock.wallMs() })),
    truncateFunction(type, kind),
  ];
}

function difference(name: string, compute: (from: Temporal, to: Temporal) => Duration): ScalarFunction {
  return scalar(name, ['TEMPORAL', 'TEMPORAL'], 'DURATION', ([from, to]) => {
    if (!isTemporal(from)) throw wrongArgument(name, 'temporal values', from);
    if (!isTemporal(to)) throw wrongArgument(name, 'temporal values', to);
    return compute(from, to);
  });
}

/** TuGraph: a component of a date, or of days since 1970. */
function dateComponent([value, component]: Value[]): Value {
  const date = value instanceof LocalDate ? value : new LocalDate(countArgument('dateComponent', value));
  return componentOf(date, stringArgument('dateComponent', component), ['year', 'month', 'day']);
}

/** TuGraph: a component of a datetime, or of microseconds since 1970. */
function datetimeComponent([value, component]: Value[]): Value {
  const time = value instanceof LocalDateTime || value instanceof ZonedDateTime ? value : fromMicros(countArgument('datetimeComponent', value));
  return componentOf(time, stringArgument('datetimeComponent', component), ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond']);
}

function fromMicros(micros: number): ZonedDateTime {
  const seconds = Math.floor(micros / 1_000_000);
  return fromEpochSeconds(seconds, (micros - seconds * 1_000_000) * 1000, 0);
}

function componentOf(value: Temporal, component: string, known: readonly string[]): Value {
  const found = known.includes(component) ? temporalComponent(value, component) : undefined;
  if (found === undefined) throw invalidValue(`Invalid input: ${component}`);
  return found;
}

export const TEMPORAL_FUNCTIONS: readonly ScalarFunction[] = [
  ...family('date', 'DATE'),
  ...family('localtime', 'LOCAL TIME'),
  ...family('time', 'ZONED TIME'),
  ...family('localdatetime', 'LOCAL DATETIME'),
  ...family('datetime', 'ZONED DATETIME'),
  scalar('datetime.fromepoch', ['INTEGER', 'INTEGER'], 'ZONED DATETIME', ([seconds, nanos], context) =>
    fromEpochSeconds(countArgument('datetime.fromepoch', seconds), countArgument('datetime.fromepoch', nanos), defaultZone(context)), NOT_PURE),
  scalar('datetime.fromepochmillis', ['INTEGER'], 'ZONED DATETIME', ([ms], context) =>
    ZonedDateTime.ofEpochMillis(countArgument('datetime.fromepochmillis', ms), defaultZone(context)), NOT_PURE),
  scalar('timestamp', [], 'INTEGER', (_, context) => context.statementTime.wallMs, NOT_PURE),
  scalar('duration', ['STRING|MAP|DURATION'], 'DURATION', ([input]) => buildDuration(input!)),
  difference('duration.between', durationBetween),
  difference('duration.inMonths', monthsBetweenTemporals),
  difference('duration.inDays', daysBetween),
  difference('duration.inSeconds', secondsBetween),
  scalar('dateComponent', ['INTEGER|DATE', 'STRING'], 'INTEGER', dateComponent),
  scalar('datetimeComponent', ['INTEGER|TEMPORAL', 'STRING'], 'INTEGER', datetimeComponent),
];
