/**
 * Time zones: fixed offsets, and IANA names through `Intl`.
 *
 * `Intl` only formats, so the offset of an instant is the formatted local time minus the instant. That costs 2 µs, hence
 * a cache of blocks of six days with a constant offset; a block with a change in it keeps the second of the change.
 * Rules repeat after 400 years: later instants are moved back by whole cycles. Before 1800 local mean time holds.
 */
import { SECONDS_PER_DAY, civilOf, epochDayOf } from './calendar.ts';
import { invalidValue } from './value-errors.ts';

/** A fixed offset in seconds, or an IANA name. */
export type Zone = number | string;

export const OFFSET_MAX = 18 * 3600;

const BLOCK_SECONDS = 2 ** 19;
const BLOCKS_MAX = 20_000;
/** More than there are; only odd spellings of less usual names lead there. */
const ZONES_MAX = 1000;

interface Block {
  readonly before: number;
  readonly after: number;
  /** The first second with the offset `after`. */
  readonly change: number;
}

interface NamedZone {
  readonly format: Intl.DateTimeFormat;
  readonly blocks: Map<number, Block>;
}

const zones = new Map<string, NamedZone>();

function namedZone(name: string): NamedZone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  // Intl also takes offsets such as "+01:00", which are not names.
  if (!/^[A-Za-z]/.test(name)) throw invalidValue(`unknown time zone '${name}'`);
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name, hourCycle: 'h23',
      year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
  } catch (cause) {
    throw cause instanceof RangeError ? invalidValue(`unknown time zone '${name}'`) : cause;
  }
  const zone = { format, blocks: new Map<number, Block>() };
  if (zones.size >= ZONES_MAX) zones.clear();
  zones.set(name, zone);
  return zone;
}

let spellings: ReadonlyMap<string, string> | undefined;

/** Checks a zone's name, and gives it the usual spelling: names are known in any case, but a value should have one text. */
export function zoneName(name: string): string {
  spellings ??= new Map(Intl.supportedValuesOf('timeZone').map((known) => [known.toLowerCase(), known]));
  const usual = spellings.get(name.toLowerCase()) ?? name;
  namedZone(usual);
  return usual;
}

function intlOffset(zone: NamedZone, epochSecond: number): number {
  // "7/21/1818, 00:53:28"
  const parts = zone.format.format(epochSecond * 1000).match(/\d+/g)!;
  const [month, day, year, hour, minute, second] = parts.map(Number) as [number, number, number, number, number, number];
  const local = epochDayOf(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
  return local - epochSecond;
}

function block(zone: NamedZone, index: number): Block {
  const known = zone.blocks.get(index);
  if (known !== undefined) return known;
  let low = index * BLOCK_SECONDS;
  let high = low + BLOCK_SECONDS - 1;
  const before = intlOffset(zone, low);
  const after = intlOffset(zone, high);
  if (before === after) {
    high = low;
  } else {
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (intlOffset(zone, middle) === before) low = middle;
      else high = middle;
    }
  }
  if (zone.blocks.size >= BLOCKS_MAX) zone.blocks.clear();
  const found = { before, after, change: high };
  zone.blocks.set(index, found);
  return found;
}

/** The same instant, in a year for which `Intl` can be asked. */
function nearDay(epochDay: number): number {
  const { year } = civilOf(epochDay);
  if (year < 1800) return epochDayOf(1800, 1, 1);
  if (year < 2400) return epochDay;
  return epochDay - Math.floor((year - 2000) / 400) * 146_097;
}

/** Offset in seconds at an instant, given as UTC day and second of that day (which may lie outside 0..86399). */
export function offsetAt(zone: Zone, utcDay: number, secondOfDay: number): number {
  if (typeof zone === 'number') return zone;
  const named = namedZone(zone);
  const epochSecond = nearDay(utcDay) * SECONDS_PER_DAY + Math.floor(secondOfDay);
  const { before, after, change } = block(named, Math.floor(epochSecond / BLOCK_SECONDS));
  return epochSecond >= change ? after : before;
}

/**
 * The offset for a local time. In an overlap: `preferred` if it is one of the two, else the earlier instant's. In a gap
 * the local time does not exist: `shift` says by how many seconds to move it on.
 */
export function resolveLocal(
  zone: Zone, localDay: number, secondOfDay: number, preferred?: number,
): { readonly offset: number; readonly shift: number } {
  if (typeof zone === 'number') return { offset: zone, shift: 0 };
  const before = offsetAt(zone, localDay - 1, secondOfDay);
  const after = offsetAt(zone, localDay + 1, secondOfDay);
  const candidates = before === after ? [before] : [before, after];
  const valid = candidates.filter((offset) => offsetAt(zone, localDay, secondOfDay - offset) === offset);
  if (preferred !== undefined && valid.includes(preferred)) return { offset: preferred, shift: 0 };
  if (valid.length > 0) return { offset: valid[0]!, shift: 0 };
  return { offset: after, shift: after - before };
}

const OFFSET = /^([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?$/;

/** `Z`, `+01`, `+0100`, `+01:00`, `+01:00:30`; undefined for other text. */
export function parseOffset(text: string): number | undefined {
  if (text === 'Z' || text === 'z') return 0;
  const match = OFFSET.exec(text);
  if (match === null) return undefined;
  const [, sign, hours, minutes = '0', seconds = '0'] = match;
  if (Number(minutes) > 59 || Number(seconds) > 59) throw invalidValue(`'${text}' is not a time zone offset`);
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  if (total > OFFSET_MAX) throw invalidValue(`the time zone offset '${text}' is beyond 18 hours`);
  return sign === '-' ? 0 - total : total;
}

/** An offset or a name, as in `{timezone: ...}`. */
export function parseZone(text: string): Zone {
  // Cypher writes "America/Los Angeles" as well.
  const trimmed = text.trim().replaceAll(' ', '_');
  const offset = parseOffset(trimmed);
  if (offset !== undefined) return offset;
  return zoneName(trimmed);
}

export function formatOffset(offset: number): string {
  if (offset === 0) return 'Z';
  const total = Math.abs(offset);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const seconds = total % 60;
  const text = `${offset < 0 ? '-' : '+'}${pad(Math.floor(total / 3600))}:${pad(Math.floor(total / 60) % 60)}`;
  return seconds === 0 ? text : `${text}:${pad(seconds)}`;
}
