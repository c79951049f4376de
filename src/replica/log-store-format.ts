/**
 * Bytes of the replicated log on disk.
 *
 *   file      log-<sequence, 16 hex digits>: records one behind the other, then zeros (preallocated)
 *   record    | length u32 | crc u32 | type u8 | batch u32 | payload |      little-endian
 *             length counts from `type` on, so 0 means "nothing written here"; the CRC-32 covers type, batch and payload;
 *             bit 7 of type marks the last record of a batch; batch numbers wrap around
 *   batch     all records of one write; their common number grows by one with each write. A batch whose last record
 *             is missing did not happen: hard state, truncation and the entries that replace it are one step
 *
 *   type 1    segment: first record of a file, JSON: what the files before it amount to without their entries
 *        2    hard state: term varint, voted for (string, empty = nobody)
 *        3    truncate: first index to go, varint
 *        4    entry: index varint, term varint, kind u8, data
 *        5    start: JSON of a LogStart: the log now begins behind that index
 *
 * How a damaged end is judged (`endOf`): a batch is only written once the one before it is synced. So a bad batch with
 * another one behind it was good once: corruption, and the node must not go on. Without, it is the write that a crash cut
 * short. If some sector of it never reached the disk (it still reads as zeros) it was not acknowledged and goes without a
 * trace; if all of it is there, yet wrong, it may have been acknowledged: `suspect`.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Config, Entry, EntryKind, HardState, LogStart } from '../raft/types.ts';

export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 13;
const CRC_FROM = 8;
const LAST_OF_BATCH = 0x80;
const SECTOR_BYTES = 512;

export const TYPE_SEGMENT = 1;
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

/** Builds one batch; `finish` gives the bytes, valid until the next `begin`. */
export class BatchWriter {
  #buffer = Buffer.allocUnsafe(1 << 16);
  #length = 0;
  #batch = 0;
  #lastAt = -1;
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
    const needed = this.#length + HEADER_BYTES + payload;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    const at = this.#length;
    this.#buffer.writeUInt32LE(HEADER_BYTES - CRC_FROM + payload, at);
    this.#buffer[at + 8] = type;
    this.#buffer.writeUInt32LE(this.#batch, at + 9);
    this.#length += HEADER_BYTES;
    this.#lastAt = at;
    return at;
  }

  #seal(isLast: boolean): void {
    if (this.#lastAt < 0) return;
    if (isLast) this.#buffer[this.#lastAt + 8]! |= LAST_OF_BATCH;
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(this.#lastAt + CRC_FROM, this.#length)), this.#lastAt + 4);
  }

  finish(): Buffer {
    this.#seal(true);
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Where the record at `at` ends, or 0 if there is no whole, intact record. */
export function recordEnd(bytes: Buffer, at: number): number {
  if (at + HEADER_BYTES > bytes.length) return 0;
  const length = bytes.readUInt32LE(at);
  const end = at + CRC_FROM + length;
  if (length < HEADER_BYTES - CRC_FROM || end > bytes.length) return 0;
  return crc32(bytes.subarray(at + CRC_FROM, end)) === bytes.readUInt32LE(at + 4) ? end : 0;
}

/** Length of the record at `at` as it claims, unchecked. */
export function claimedLength(bytes: Buffer, at: number): number {
  return CRC_FROM + bytes.readUInt32LE(at);
}

export function decodeEntry(bytes: Buffer, at: number, end: number): Entry {
  const reader = new ByteReader(bytes, at + HEADER_BYTES);
  const index = reader.varint();
  const term = reader.varint();
  const kind = reader.u8() as EntryKind;
  return { index, term, kind, data: bytes.subarray(reader.position, end) };
}

export function isEntry(bytes: Buffer, at: number): boolean {
  return (bytes[at + 8]! & ~LAST_OF_BATCH) === TYPE_ENTRY;
}

function decode(bytes: Buffer, at: number, end: number): LogRecord {
  const payload = bytes.subarray(at + HEADER_BYTES, end);
  switch (bytes[at + 8]! & ~LAST_OF_BATCH) {
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
      return { kind: 'entry', entry: decodeEntry(bytes, at, end), offset: at };
    case TYPE_START:
      return { kind: 'start', start: JSON.parse(payload.toString()) as LogStart };
    default:
      throw new Error(`record type ${bytes[at + 8]! & ~LAST_OF_BATCH} is not known to this version`);
  }
}

export type SegmentEnd = 'clean' | 'torn' | 'suspect' | 'corrupt';

export interface Scan {
  /** Bytes that hold whole batches. */
  readonly end: number;
  readonly lastBatch: number;
  readonly state: SegmentEnd;
}

/** Reads a file's batches in order; `onBatch` gets only complete ones. `expected` is the number of the first. */
export function scanSegment(bytes: Buffer, expected: number | undefined, onBatch: (records: readonly LogRecord[]) => void): Scan {
  let at = 0;
  let end = 0;
  let next = expected;
  let records: LogRecord[] = [];
  for (;;) {
    const recordStops = recordEnd(bytes, at);
    if (recordStops === 0) break;
    const batch = bytes.readUInt32LE(at + 9);
    if (batch !== (next ?? batch)) break;
    next = batch;
    records.push(decode(bytes, at, recordStops));
    const isLast = (bytes[at + 8]! & LAST_OF_BATCH) !== 0;
    at = recordStops;
    if (!isLast) continue;
    onBatch(records);
    records = [];
    end = at;
    next = (batch + 1) >>> 0;
  }
  return { end, lastBatch: ((next ?? 1) - 1) >>> 0, state: endOf(bytes, end, next ?? 1) };
}

function endOf(bytes: Buffer, end: number, batch: number): SegmentEnd {
  const rest = bytes.subarray(end);
  if (isZero(rest)) return 'clean';
  if (hasLaterBatch(bytes, end, batch)) return 'corrupt';
  let at = end;
  while (at + HEADER_BYTES <= bytes.length && bytes.readUInt32LE(at) !== 0 && bytes.readUInt32LE(at + 9) === batch) {
    const claimed = at + claimedLength(bytes, at);
    if (claimed > bytes.length) return 'torn';
    if (recordEnd(bytes, at) === 0) return hasLostSector(bytes, at, claimed) ? 'torn' : 'suspect';
    at = claimed;
  }
  // Good records, and the batch has no end: that was never written.
  if (at > end) return 'torn';
  let stop = bytes.length;
  while (bytes[stop - 1] === 0) stop -= 1;
  return hasLostSector(bytes, end, stop) || stop - end < HEADER_BYTES ? 'torn' : 'suspect';
}

function hasLaterBatch(bytes: Buffer, end: number, batch: number): boolean {
  for (let at = end; at + HEADER_BYTES <= bytes.length; at++) {
    const ahead = (bytes.readUInt32LE(at + 9) - batch) >>> 0;
    // The cheap test first: a plausible batch number, a plausible length, then the checksum.
    if (ahead === 0 || ahead > 0xffff || bytes.readUInt32LE(at) > bytes.length) continue;
    if (recordEnd(bytes, at) !== 0) return true;
  }
  return false;
}

function hasLostSector(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  while (at < to) {
    const stop = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
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
