/**
 * Bytes of the replicated log on disk.
 *
 *   file      log-<sequence, 16 hex digits>: records one behind the other, then zeros (preallocated)
 *   record    | type u8 | length u32 | batch u32 | crc u32 | check u32 | payload |      little-endian
 *             type is never 0, so 0 means "nothing written here"; bit 7 of it marks the last record of a batch. length counts the
 *             payload; crc is the CRC-32 of the payload, check that of the 13 bytes before it. So a length that can be believed
 *             tells a record that a crash cut short from one whose header was damaged
 *   batch     all records of one write; their common number grows by one with each write and wraps around. A batch whose last
 *             record is missing did not happen: hard state, truncation and the entries that replace it are one step
 *
 *   type 1    segment: first record of a file, JSON: what the files before it amount to without their entries
 *        2    hard state: term varint, voted for (string, empty = nobody)
 *        3    truncate: first index to go, varint
 *        4    entry: index varint, term varint, kind u8, data
 *        5    start: JSON of a LogStart: the log now begins behind that index
 *
 * Format 1 had | length u32 | crc u32 | type u8 | batch u32 | payload |, where length and crc count from `type` on. The first record
 * of a file still has it, in every format: so that every version can read there which format the rest of the file has. A file of
 * format 1 is read, and never written again: the next write begins a new file.
 *
 * How a damaged end is judged (`endOf`): a batch is only written once the one before it is synced. So a bad batch with
 * another one behind it was good once: corruption, and the node must not go on. Without, it is the write that a crash cut
 * short. If some sector of it never reached the disk (it still reads as zeros) it was not acknowledged and goes without a
 * trace; if all of it is there, yet wrong, it may have been acknowledged: `suspect`.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Config, Entry, EntryKind, HardState, LogStart } from '../raft/types.ts';

export const FORMAT_VERSION = 2;
const LAST_OF_BATCH = 0x80;
const SECTOR_BYTES = 512;

const TYPE_SEGMENT = 1;
const TYPE_HARD = 2;
const TYPE_TRUNCATE = 3;
const TYPE_ENTRY = 4;
const TYPE_START = 5;

export interface SegmentHeader {
  readonly format: number;
  readonly sequence: number;
  readonly term: number;
  readonly votedFor: string;
  readonly start: { readonly index: number; readonly term: number; readonly config: Config };
}

export type LogRecord =
  | { readonly kind: 'segment'; readonly header: SegmentHeader }
  | { readonly kind: 'hard'; readonly hard: HardState }
  | { readonly kind: 'truncate'; readonly from: number }
  | { readonly kind: 'entry'; readonly entry: Entry; readonly offset: number }
  | { readonly kind: 'start'; readonly start: LogStart };

/** How the records of one format lie in a file. Nothing is believed before `end` said that the record is whole. */
export interface RecordLayout {
  readonly headerBytes: number;
  /** Where the record at `at` ends, or 0 if there is no whole, intact record. */
  end(bytes: Buffer, at: number): number;
  /** Length of the record at `at` as it claims, unchecked. */
  claimed(bytes: Buffer, at: number): number;
  type(bytes: Buffer, at: number): number;
  batch(bytes: Buffer, at: number): number;
  /** Begins a record; `seal` completes it once its payload is there. */
  open(bytes: Buffer, at: number, type: number, batch: number): void;
  seal(bytes: Buffer, at: number, end: number, isLast: boolean): void;
}

const LAYOUT_1: RecordLayout = {
  headerBytes: 13,
  end(bytes, at) {
    if (at + 13 > bytes.length) return 0;
    const length = bytes.readUInt32LE(at);
    const end = at + 8 + length;
    if (length < 5 || end > bytes.length) return 0;
    return crc32(bytes.subarray(at + 8, end)) === bytes.readUInt32LE(at + 4) ? end : 0;
  },
  claimed: (bytes, at) => 8 + bytes.readUInt32LE(at),
  type: (bytes, at) => bytes[at + 8]!,
  batch: (bytes, at) => bytes.readUInt32LE(at + 9),
  open(bytes, at, type, batch) {
    bytes[at + 8] = type;
    bytes.writeUInt32LE(batch, at + 9);
  },
  seal(bytes, at, end, isLast) {
    if (isLast) bytes[at + 8]! |= LAST_OF_BATCH;
    bytes.writeUInt32LE(end - at - 8, at);
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, end)), at + 4);
  },
};

const LAYOUT_2: RecordLayout = {
  headerBytes: 17,
  end(bytes, at) {
    if (!hasGoodHeader(bytes, at)) return 0;
    const end = at + 17 + bytes.readUInt32LE(at + 1);
    if (end > bytes.length) return 0;
    return crc32(bytes.subarray(at + 17, end)) === bytes.readUInt32LE(at + 9) ? end : 0;
  },
  claimed: (bytes, at) => 17 + bytes.readUInt32LE(at + 1),
  type: (bytes, at) => bytes[at]!,
  batch: (bytes, at) => bytes.readUInt32LE(at + 5),
  open(bytes, at, type, batch) {
    bytes[at] = type;
    bytes.writeUInt32LE(batch, at + 5);
  },
  seal(bytes, at, end, isLast) {
    if (isLast) bytes[at]! |= LAST_OF_BATCH;
    bytes.writeUInt32LE(end - at - 17, at + 1);
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 17, end)), at + 9);
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 13)), at + 13);
  },
};

function hasGoodHeader(bytes: Buffer, at: number): boolean {
  return at + 17 <= bytes.length && bytes[at] !== 0 && crc32(bytes.subarray(at, at + 13)) === bytes.readUInt32LE(at + 13);
}

/** The layout of all records of a file but the first. */
export function layoutOf(format: number): RecordLayout {
  return format === 1 ? LAYOUT_1 : LAYOUT_2;
}

/** Builds one batch; `finish` gives the bytes, valid until the next `begin`. */
export class BatchWriter {
  #buffer = Buffer.allocUnsafe(1 << 16);
  #length = 0;
  #batch = 0;
  #lastAt = -1;
  #layout = LAYOUT_2;
  readonly #scratch = new ByteWriter(64);

  begin(batch: number): this {
    this.#length = 0;
    this.#batch = batch;
    this.#lastAt = -1;
    // One huge batch must not keep its memory for ever.
    if (this.#buffer.length > 1 << 24) this.#buffer = Buffer.allocUnsafe(1 << 16);
    return this;
  }

  get isEmpty(): boolean {
    return this.#lastAt < 0;
  }

  segment(header: SegmentHeader): this {
    return this.#json(TYPE_SEGMENT, header);
  }

  start(start: LogStart): this {
    return this.#json(TYPE_START, start);
  }

  #json(type: number, value: SegmentHeader | LogStart): this {
    const bytes = Buffer.from(JSON.stringify(value));
    this.#open(type, bytes.length);
    this.#length += bytes.copy(this.#buffer, this.#length);
    return this;
  }

  hard(hard: HardState): this {
    return this.#small(TYPE_HARD, this.#scratch.reset().varint(hard.term).string(hard.votedFor ?? '').view());
  }

  truncate(from: number): this {
    return this.#small(TYPE_TRUNCATE, this.#scratch.reset().varint(from).view());
  }

  #small(type: number, bytes: Buffer): this {
    this.#open(type, bytes.length);
    this.#length += bytes.copy(this.#buffer, this.#length);
    return this;
  }

  /** Returns where its record begins, counted from the start of the batch. */
  entry(entry: Entry): number {
    const head = this.#scratch.reset().varint(entry.index).varint(entry.term).u8(entry.kind).view();
    const at = this.#open(TYPE_ENTRY, head.length + entry.data.length);
    this.#length += head.copy(this.#buffer, this.#length);
    this.#buffer.set(entry.data, this.#length);
    this.#length += entry.data.length;
    return at;
  }

  #open(type: number, payload: number): number {
    this.#seal(false);
    this.#layout = type === TYPE_SEGMENT ? LAYOUT_1 : LAYOUT_2;
    const needed = this.#length + this.#layout.headerBytes + payload;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    const at = this.#length;
    this.#layout.open(this.#buffer, at, type, this.#batch);
    this.#length += this.#layout.headerBytes;
    this.#lastAt = at;
    return at;
  }

  #seal(isLast: boolean): void {
    if (this.#lastAt >= 0) this.#layout.seal(this.#buffer, this.#lastAt, this.#length, isLast);
  }

  finish(): Buffer {
    this.#seal(true);
    return this.#buffer.subarray(0, this.#length);
  }
}

export function decodeEntry(bytes: Buffer, at: number, end: number, layout: RecordLayout): Entry {
  const reader = new ByteReader(bytes, at + layout.headerBytes);
  const index = reader.varint();
  const term = reader.varint();
  const kind = reader.u8() as EntryKind;
  return { index, term, kind, data: bytes.subarray(reader.position, end) };
}

export function isEntry(bytes: Buffer, at: number, layout: RecordLayout): boolean {
  return (layout.type(bytes, at) & ~LAST_OF_BATCH) === TYPE_ENTRY;
}

function decode(bytes: Buffer, at: number, end: number, layout: RecordLayout): LogRecord {
  const payload = bytes.subarray(at + layout.headerBytes, end);
  const type = layout.type(bytes, at) & ~LAST_OF_BATCH;
  switch (type) {
    case TYPE_SEGMENT:
      return { kind: 'segment', header: JSON.parse(payload.toString()) as SegmentHeader };
    case TYPE_HARD: {
      const reader = new ByteReader(payload);
      const term = reader.varint();
      const votedFor = reader.string();
      return { kind: 'hard', hard: { term, votedFor: votedFor === '' ? undefined : votedFor } };
    }
    case TYPE_TRUNCATE:
      return { kind: 'truncate', from: new ByteReader(payload).varint() };
    case TYPE_ENTRY:
      return { kind: 'entry', entry: decodeEntry(bytes, at, end, layout), offset: at };
    case TYPE_START:
      return { kind: 'start', start: JSON.parse(payload.toString()) as LogStart };
    default:
      throw new Error(`record type ${type} is not known to this version`);
  }
}

export type SegmentEnd = 'clean' | 'torn' | 'suspect' | 'corrupt';

export interface Scan {
  /** Bytes that hold whole batches. */
  readonly end: number;
  readonly lastBatch: number;
  readonly state: SegmentEnd;
  /** What the file says of itself; the newest format when it says nothing. */
  readonly format: number;
}

/** Reads a file's batches in order; `onBatch` gets only complete ones. `expected` is the number of the first. */
export function scanSegment(bytes: Buffer, expected: number | undefined, onBatch: (records: readonly LogRecord[]) => void): Scan {
  let at = 0;
  let end = 0;
  let next = expected;
  let records: LogRecord[] = [];
  let layout = LAYOUT_1;
  let format = FORMAT_VERSION;
  for (;;) {
    const recordStops = layout.end(bytes, at);
    if (recordStops === 0) break;
    const batch = layout.batch(bytes, at);
    if (batch !== (next ?? batch)) break;
    next = batch;
    const record = decode(bytes, at, recordStops, layout);
    records.push(record);
    const isLast = (layout.type(bytes, at) & LAST_OF_BATCH) !== 0;
    at = recordStops;
    if (record.kind === 'segment') {
      format = record.header.format;
      layout = layoutOf(format);
    }
    if (!isLast) continue;
    onBatch(records);
    records = [];
    end = at;
    next = (batch + 1) >>> 0;
  }
  return { end, lastBatch: ((next ?? 1) - 1) >>> 0, state: endOf(bytes, end, next ?? 1, format), format };
}

function endOf(bytes: Buffer, end: number, batch: number, format: number): SegmentEnd {
  if (isZero(bytes.subarray(end))) return 'clean';
  if (hasLaterBatch(bytes, end, batch, layoutOf(format))) return 'corrupt';
  // A first record that cannot be read does not say how the rest is laid out.
  if (end === 0 && hasLaterBatch(bytes, end, batch, LAYOUT_1)) return 'corrupt';
  return format === 1 || end === 0 ? endOfFormat1(bytes, end, batch) : endOfFormat2(bytes, end, batch);
}

function endOfFormat2(bytes: Buffer, end: number, batch: number): SegmentEnd {
  let at = end;
  // A record never begins with 0. Where one is missing, the rest of its sector is, too: a turned bit leaves the rest of the header.
  while (at < bytes.length && bytes[at] !== 0) {
    if (!hasGoodHeader(bytes, at)) return isHeaderCut(bytes, at) ? 'torn' : 'suspect';
    const claimed = at + LAYOUT_2.claimed(bytes, at);
    if (claimed > bytes.length) return 'torn';
    if (LAYOUT_2.end(bytes, at) === 0) return hasLostSector(bytes, at, claimed) && !isOneBitOff(bytes, at, claimed) ? 'torn' : 'suspect';
    if (LAYOUT_2.batch(bytes, at) !== batch) return 'suspect';
    at = claimed;
  }
  return isZero(bytes.subarray(at, nextSector(at))) ? 'torn' : 'suspect';
}

/** Whether a header that fails its check was cut: its second sector is not there, or nothing of the payload, which begins with no 0, is. */
function isHeaderCut(bytes: Buffer, at: number): boolean {
  const stop = at + LAYOUT_2.headerBytes;
  const boundary = nextSector(at);
  if (stop > bytes.length || isZero(bytes.subarray(stop))) return true;
  return boundary < stop && isZero(bytes.subarray(boundary, boundary + SECTOR_BYTES));
}

/** A record may reach just a few bytes into its last sector; one turned bit can make them zeros, as if the sector had not arrived. */
function isOneBitOff(bytes: Buffer, at: number, end: number): boolean {
  const from = Math.max(at, nextSector(end - 1) - SECTOR_BYTES);
  if (end - from > 8) return false;
  const copy = Buffer.from(bytes.subarray(at, end));
  for (let bit = (from - at) * 8; bit < copy.length * 8; bit++) {
    copy[bit >> 3]! ^= 1 << (bit & 7);
    if (LAYOUT_2.end(copy, 0) !== 0) return true;
    copy[bit >> 3]! ^= 1 << (bit & 7);
  }
  return false;
}

function nextSector(at: number): number {
  return (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES;
}

function endOfFormat1(bytes: Buffer, end: number, batch: number): SegmentEnd {
  let at = end;
  while (at + 13 <= bytes.length && bytes.readUInt32LE(at) !== 0 && LAYOUT_1.batch(bytes, at) === batch) {
    const claimed = at + LAYOUT_1.claimed(bytes, at);
    if (claimed > bytes.length) return 'torn';
    if (LAYOUT_1.end(bytes, at) === 0) return hasLostSector(bytes, at, claimed) ? 'torn' : 'suspect';
    at = claimed;
  }
  // Good records, and the batch has no end: that was never written.
  if (at > end) return 'torn';
  let stop = bytes.length;
  while (bytes[stop - 1] === 0) stop -= 1;
  return hasLostSector(bytes, end, stop) || stop - end < LAYOUT_1.headerBytes ? 'torn' : 'suspect';
}

function hasLaterBatch(bytes: Buffer, end: number, batch: number, layout: RecordLayout): boolean {
  for (let at = end; at + layout.headerBytes <= bytes.length; at++) {
    const ahead = (layout.batch(bytes, at) - batch) >>> 0;
    // The cheap test first: a plausible batch number, a plausible length, then the checksum.
    if (ahead === 0 || ahead > 0xffff || layout.claimed(bytes, at) > bytes.length) continue;
    if (layout.end(bytes, at) !== 0) return true;
  }
  return false;
}

function hasLostSector(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  while (at < to) {
    const stop = Math.min(to, nextSector(at));
    if (isZero(bytes.subarray(at, stop))) return true;
    at = stop;
  }
  return false;
}

const ZEROS = Buffer.alloc(1 << 16);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (part.compare(ZEROS, 0, part.length) !== 0) return false;
  }
  return true;
}
