/** Random values of every kind, for property tests. */
import fc from 'fast-check';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../../src/value/temporal.ts';
import { EPOCH_DAY_MAX, EPOCH_DAY_MIN, NANOS_PER_DAY } from '../../src/value/calendar.ts';
import { Point } from '../../src/value/spatial.ts';
import { Float, INT64_MAX, INT64_MIN, NodeValue, PathValue, RelationshipValue, integer } from '../../src/value/value.ts';
import type { CypherMap, Value } from '../../src/value/value.ts';

const day = fc.integer({ min: EPOCH_DAY_MIN, max: EPOCH_DAY_MAX });
const nearDay = fc.integer({ min: -80_000, max: 80_000 });
const nano = fc.integer({ min: 0, max: NANOS_PER_DAY - 1 });
const offset = fc.integer({ min: -18 * 3600, max: 18 * 3600 });
const id = fc.integer({ min: 0, max: 2 ** 40 });

export const integers: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }).map(integer),
);
export const dates = fc.oneof(day, nearDay).map((d) => new LocalDate(d));
export const localTimes = nano.map((n) => new LocalTime(n));
export const times = fc.tuple(nano, offset).map(([n, o]) => new ZonedTime(n, o));
export const localDateTimes = fc.tuple(day, nano).map(([d, n]) => new LocalDateTime(d, n));
export const dateTimes = fc.oneof(
  fc.tuple(day, nano, offset).map(([d, n, o]) => new ZonedDateTime(d, n, o)),
  fc.tuple(nearDay, nano, fc.constantFrom('Europe/Stockholm', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC'))
    .map(([d, n, zone]) => ZonedDateTime.ofLocal(d, n, zone)),
);
export const durations = fc.tuple(
  fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: -1e6, max: 1e6 }),
  fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.bigInt({ min: INT64_MIN, max: INT64_MAX }).map(integer)), fc.integer({ min: 0, max: 999_999_999 }),
).map(([months, days, seconds, nanos]) => new Duration(months, days, seconds, nanos));
const coordinate = fc.double({ noNaN: true, noDefaultInfinity: true });
const longitude = fc.double({ noNaN: true, min: -180, max: 180 });
const latitude = fc.double({ noNaN: true, min: -90, max: 90 });
export const points = fc.oneof(
  fc.tuple(longitude, latitude).map(([x, y]) => new Point(4326, x, y)), fc.tuple(coordinate, coordinate).map(([x, y]) => new Point(7203, x, y)),
  fc.tuple(longitude, latitude, coordinate).map(([x, y, z]) => new Point(4979, x, y, z)), fc.tuple(coordinate, coordinate, coordinate).map(([x, y, z]) => new Point(9157, x, y, z)),
);

export const scalars: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null), fc.boolean(), integers, fc.double().map((n) => new Float(n)), fc.string(), fc.string({ unit: 'grapheme' }),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
  dates, localTimes, times, localDateTimes, dateTimes, durations, points,
);

const mapOf = (value: fc.Arbitrary<Value>): fc.Arbitrary<CypherMap> =>
  fc.array(fc.tuple(fc.string(), value), { maxLength: 4 }).map((entries) => new Map(entries));

const nodes = fc.oneof(
  id.map((n) => new NodeValue(n)),
  fc.tuple(id, fc.array(fc.string(), { maxLength: 3 }), mapOf(scalars)).map(([n, labels, properties]) => new NodeValue(n, labels, properties)),
);
const relationships = fc.oneof(
  fc.tuple(id, fc.nat(1000), id, id).map(([n, t, a, b]) => new RelationshipValue(n, t, a, b)),
  fc.tuple(id, fc.nat(1000), id, id, fc.string(), mapOf(scalars)).map(([n, t, a, b, type, p]) => new RelationshipValue(n, t, a, b, type, p)),
);
const paths = fc.array(fc.tuple(relationships, nodes), { maxLength: 3 }).chain((steps) => nodes.map(
  (first) => new PathValue([first, ...steps.map(([, node]) => node)], steps.map(([relationship]) => relationship)),
));

/** What a property may hold, nested. */
export const plainValues: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalars, fc.array(tie('value'), { maxLength: 4 }), mapOf(tie('value'))),
})).value;

export const values: fc.Arbitrary<Value> = fc.oneof(plainValues, nodes, relationships, paths, fc.array(fc.oneof(nodes, paths, plainValues), { maxLength: 3 }));
