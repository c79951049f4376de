/**
 * The replicated log and the hard state on disk: one stream of checksummed records in preallocated segment files.
 *
 * `persist` is one atomic, synced write. A failed sync is final (the page cache may have dropped what it could not write,
 * so trying again proves nothing); a full disk is not: nothing was acknowledged, and the same write is tried again later.
 * Entries are found by an offset table per segment (4 bytes an entry); recent ones stay in memory.
 */
import { assert } from '../base/assert.ts';
import { LatencyHistogram } from '../base/histogram.ts';
import { decodeConfig } from '../raft/config.ts';
import { ENTRY_CONFIG, entryBytes } from '../raft/types.ts';
import { BatchWriter, FORMAT_VERSION, decodeEntry, isEntry, layoutOf, scanSegment } from './log-store-format.ts';
import type { Config, ConfigAt, Entry, HardState, LogReader, LogStart, Persist, Recovered, TermRun } from '../raft/types.ts';
import type { Disk, DiskFile } from './log-store-disk.ts';
import type { LogRecord } from './log-store-format.ts';

export interface LogSizes {
  readonly segmentBytes?: number;
  /** Files grow in steps of this, so that most syncs need not write metadata. */
  readonly allocateBytes?: number;
  /** Kept free in the current segment, so that a term or a vote can be saved on a full disk. */
  readonly reserveBytes?: number;
  readonly cacheBytesMax?: number;
}

export interface LogStoreOptions extends LogSizes {
  readonly disk: Disk;
  /** False: no sync before acknowledging. A power cut may then lose acknowledged writes. */
  readonly durable: boolean;
  readonly monotonicMs: () => number;
}

export interface LogStoreCounters {
  syncs: number;
  syncMsTotal: number;
  syncMsMax: number;
  bytesWritten: number;
  entriesWritten: number;
}

const WHAT_TO_DO = '. Put the files back as they were; or, where this server is one of a group, wipe it (data and log) and let it join again; or restore a backup';

/** The log cannot be trusted: the process must stop and say so. */
export class LogCorruptedError extends Error {
  override readonly name = 'LogCorruptedError';
}

interface Segment {
  readonly sequence: number;
  readonly file: DiskFile;
  /** See log-store-format. Only files of the newest are written to. */
  format: number;
  /** Entries `first` to `first + count - 1` of the log are here. */
  first: number;
  count: number;
  offsets: Uint32Array;
  end: number;
  allocated: number;
}

const READ_BYTES = 256 * 1024;
const NAME = /^log-([0-9a-f]{16})$/;

export class LogStore implements LogReader {
  readonly syncTimes = new LatencyHistogram();
  readonly counters: LogStoreCounters = { syncs: 0, syncMsTotal: 0, syncMsMax: 0, bytesWritten: 0, entriesWritten: 0 };
  readonly #disk: Disk;
  readonly #options: Required<LogStoreOptions>;
  readonly #segments: Segment[] = [];
  readonly #writer = new BatchWriter();
  readonly #zeros: Buffer;
  #batch = 0;
  #hard: HardState = { term: 0, votedFor: undefined };
  #start: { index: number; term: number; config: Config } = { index: 0, term: 0, config: { members: [] } };
  #lastIndex = 0;
  #hasFailed = false;
  /** The newest entries, up to and including `#lastIndex`. */
  #cache: Entry[] = [];
  #cacheBytes = 0;
  readonly recovered: Recovered;

  constructor(options: LogStoreOptions) {
    this.#options = { segmentBytes: 64 << 20, allocateBytes: 1 << 20, reserveBytes: 1 << 16, cacheBytesMax: 32 << 20, ...options };
    this.#disk = options.disk;
    this.#zeros = Buffer.alloc(this.#options.allocateBytes);
    this.recovered = this.#recover();
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }
  get startIndex(): number {
    return this.#start.index;
  }
  get segmentCount(): number {
    return this.#segments.length;
  }
  /** Bytes on disk. */
  get size(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.allocated, 0);
  }

  /** Bytes that the entries behind `index` take. */
  bytesBehind(index: number): number {
    let bytes = 0;
    for (const { first, count, offsets, end } of this.#segments) {
      if (first + count - 1 > index) bytes += end - offsets[Math.max(0, index + 1 - first)]!;
    }
    return bytes;
  }

  // ---- writing ----

  /**
   * Saves one write of the core; when it returns, everything in it is on stable storage. Throws `DiskFullError` when nothing
   * happened and the same write may be tried again; any other error is final.
   */
  persist(write: Persist): void {
    assert(!this.#hasFailed, 'the log store is not used after a failure');
    try {
      this.#persist(write);
    } catch (error) {
      // Wherever it failed, making room and a new file included: only a full disk leaves things as they were.
      if ((error as Error).name !== 'DiskFullError') this.#hasFailed = true;
      throw error;
    }
  }

  #persist(write: Persist): void {
    let segment = this.#segments.at(-1)!;
    if (segment.end >= this.#options.segmentBytes || segment.format !== FORMAT_VERSION) segment = this.#roll();

    const writer = this.#writer.begin((this.#batch + 1) >>> 0);
    if (write.hard !== undefined) writer.hard(write.hard);
    if (write.start !== undefined) writer.start(write.start);
    if (write.truncateFrom !== undefined) writer.truncate(write.truncateFrom);
    const offsets = write.entries.map((entry) => segment.end + writer.entry(entry));
    assert(!writer.isEmpty, 'an empty write is not a write');
    const isSmall = write.entries.length === 0;
    this.#write(segment, writer.finish(), isSmall ? 0 : this.#options.reserveBytes);

    this.#batch = (this.#batch + 1) >>> 0;
    if (write.hard !== undefined) this.#hard = write.hard;
    if (write.start !== undefined) this.#moveStart(write.start);
    if (write.truncateFrom !== undefined) this.#dropFrom(write.truncateFrom);
    for (const [i, entry] of write.entries.entries()) this.#register(segment, entry, offsets[i]!);
    for (const entry of write.entries) this.#remember(entry);
    this.counters.entriesWritten += write.entries.length;
    if (write.start !== undefined) this.#removeSegments();
  }

  #write(segment: Segment, bytes: Buffer, reserve: number): void {
    const needed = segment.end + bytes.length + reserve;
    // Growing first: on a full disk this fails while nothing of the batch is written.
    while (segment.allocated < needed) {
      const grow = Math.max(this.#zeros.length, 1);
      segment.file.write(segment.allocated, this.#zeros);
      segment.allocated += grow;
    }
    segment.file.write(segment.end, bytes);
    this.#sync(segment.file);
    segment.end += bytes.length;
    this.counters.bytesWritten += bytes.length;
  }

  #sync(file: DiskFile): void {
    if (!this.#options.durable) return;
    const began = this.#options.monotonicMs();
    file.sync();
    const took = this.#options.monotonicMs() - began;
    this.syncTimes.add(took);
    this.counters.syncs += 1;
    this.counters.syncMsTotal += took;
    this.counters.syncMsMax = Math.max(this.counters.syncMsMax, took);
  }

  /** A new segment begins with all that the older ones say, apart from their entries: they may go when those may. */
  #roll(): Segment {
    const sequence = (this.#segments.at(-1)?.sequence ?? 0) + 1;
    const name = segmentName(sequence);
    const file = this.#disk.open(name, true);
    const segment: Segment = { sequence, file, format: FORMAT_VERSION, first: 0, count: 0, offsets: new Uint32Array(1024), end: 0, allocated: 0 };
    const header = this.#writer.begin((this.#batch + 1) >>> 0).segment({
      format: FORMAT_VERSION, sequence, term: this.#hard.term, votedFor: this.#hard.votedFor ?? '', start: this.#start,
    });
    this.#write(segment, header.finish(), this.#options.reserveBytes);
    this.#disk.syncDirectory();
    this.#batch = (this.#batch + 1) >>> 0;
    this.#segments.push(segment);
    return segment;
  }

  #register(segment: Segment, entry: Entry, offset: number): void {
    assert(entry.index === this.#lastIndex + 1, `entry ${entry.index} does not follow ${this.#lastIndex}`);
    if (segment.count === 0) segment.first = entry.index;
    assert(entry.index === segment.first + segment.count, 'entries of a segment are contiguous');
    if (segment.count === segment.offsets.length) {
      const grown = new Uint32Array(segment.offsets.length * 2);
      grown.set(segment.offsets);
      segment.offsets = grown;
    }
    segment.offsets[segment.count++] = offset;
    this.#lastIndex = entry.index;
  }

  #remember(entry: Entry): void {
    this.#cache.push(entry);
    this.#cacheBytes += entryBytes(entry);
    if (this.#cacheBytes <= this.#options.cacheBytesMax || this.#cache.length < 2) return;
    // A quarter at once: dropping one by one would move the array each time.
    let count = 0;
    while (this.#cacheBytes > this.#options.cacheBytesMax * 0.75 && count < this.#cache.length - 1) {
      this.#cacheBytes -= entryBytes(this.#cache[count++]!);
    }
    this.#cache.splice(0, count);
  }

  #dropFrom(index: number): void {
    for (const segment of this.#segments) {
      if (segment.count > 0 && segment.first + segment.count > index) segment.count = Math.max(0, index - segment.first);
    }
    while (this.#cache.length > 0 && this.#cache.at(-1)!.index >= index) this.#cacheBytes -= entryBytes(this.#cache.pop()!);
    this.#lastIndex = Math.min(this.#lastIndex, index - 1);
  }

  #moveStart(start: LogStart): void {
    this.#start = { index: start.index, term: start.term, config: start.config };
    if (start.reset) {
      this.#dropFrom(0);
      this.#lastIndex = start.index;
      return;
    }
    let count = 0;
    while (count < this.#cache.length && this.#cache[count]!.index <= start.index) this.#cacheBytes -= entryBytes(this.#cache[count++]!);
    this.#cache.splice(0, count);
    this.#lastIndex = Math.max(this.#lastIndex, start.index);
  }

  /** Whole files only, oldest first, never the one in use. The record that says so is durable already. */
  #removeSegments(): void {
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0]!;
      if (oldest.count > 0 && oldest.first + oldest.count - 1 > this.#start.index) break;
      oldest.file.close();
      this.#disk.remove(segmentName(oldest.sequence));
      // One after the other: a power cut that brought back an older file and not the one behind it would leave a gap.
      this.#disk.syncDirectory();
      this.#segments.shift();
    }
  }

  close(): void {
    for (const segment of this.#segments) segment.file.close();
    this.#hasFailed = true;
  }

  // ---- reading ----

  entries(from: number, to: number, bytesMax: number): readonly Entry[] {
    assert(from > this.#start.index && from <= this.#lastIndex, `entry ${from} is not in ${this.#start.index + 1}..${this.#lastIndex}`);
    const last = Math.min(to, this.#lastIndex);
    const cacheFirst = this.#lastIndex - this.#cache.length + 1;
    if (from >= cacheFirst) {
      let end = from - cacheFirst;
      let bytes = 0;
      while (end <= last - cacheFirst) {
        bytes += entryBytes(this.#cache[end]!);
        if (bytes > bytesMax && end > from - cacheFirst) break;
        end += 1;
      }
      return this.#cache.slice(from - cacheFirst, end);
    }
    return this.#readEntries(from, Math.min(last, cacheFirst - 1), bytesMax);
  }

  #readEntries(from: number, to: number, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    let chunk: Buffer = Buffer.alloc(0);
    let chunkAt = 0;
    let chunkOf: Segment | undefined;
    for (let index = from; index <= to; index++) {
      const segment = this.#segmentOf(index);
      const offset = segment.offsets[index - segment.first]!;
      const layout = layoutOf(segment.format);
      const isInside = chunkOf === segment && offset >= chunkAt && offset + layout.headerBytes <= chunkAt + chunk.length
        && offset - chunkAt + layout.claimed(chunk, offset - chunkAt) <= chunk.length;
      if (!isInside) {
        chunkOf = segment;
        chunkAt = offset;
        chunk = segment.file.read(offset, Math.min(READ_BYTES, segment.end - offset));
        const length = chunk.length < layout.headerBytes ? 0 : layout.claimed(chunk, 0);
        if (length > chunk.length) chunk = segment.file.read(offset, Math.min(length, segment.end - offset));
      }
      const end = layout.end(chunk, offset - chunkAt);
      if (end === 0 || !isEntry(chunk, offset - chunkAt, layout)) {
        throw new LogCorruptedError(`entry ${index} in ${segmentName(segment.sequence)} at byte ${offset} fails its checksum`);
      }
      const entry = decodeEntry(chunk, offset - chunkAt, end, layout);
      bytes += entryBytes(entry);
      if (bytes > bytesMax && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  #segmentOf(index: number): Segment {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]!;
      if (segment.count > 0 && index >= segment.first && index < segment.first + segment.count) return segment;
    }
    throw new LogCorruptedError(`entry ${index} is in no segment`);
  }

  // ---- recovery ----

  #recover(): Recovered {
    const sequences = this.#disk.list().map((name) => NAME.exec(name)?.[1]).filter((hex) => hex !== undefined)
      .map((hex) => Number.parseInt(hex, 16)).sort((a, b) => a - b);
    const replay: { terms: TermRun[]; configs: ConfigAt[] } = { terms: [], configs: [] };
    let isSuspect = false;
    let expected: number | undefined;
    for (const [i, sequence] of sequences.entries()) {
      const name = segmentName(sequence);
      if (i > 0 && sequence !== sequences[i - 1]! + 1) throw new LogCorruptedError(`the file before ${name} is missing${WHAT_TO_DO}`);
      const isLast = i === sequences.length - 1;
      const file = this.#disk.open(name, false);
      const size = file.size;
      const segment: Segment = { sequence, file, format: FORMAT_VERSION, first: 0, count: 0, offsets: new Uint32Array(1024), end: 0, allocated: size };
      this.#segments.push(segment);
      const scan = scanSegment(file.read(0, size), expected, (records) => this.#replay(segment, records, replay));
      if (scan.state === 'corrupt' || (!isLast && scan.state !== 'clean')) {
        throw new LogCorruptedError(`${name} is damaged at byte ${scan.end}, before records that were written later${WHAT_TO_DO}`);
      }
      if (scan.end === 0) {
        // Made by a roll-over that did not finish: nothing can be in it, and the file before it still says all there is to say.
        if (!isLast || (i === 0 && sequence > 1)) throw new LogCorruptedError(`${name} has no header that can be read${WHAT_TO_DO}`);
        this.#segments.pop();
        file.close();
        this.#disk.remove(name);
        this.#disk.syncDirectory();
        break;
      }
      segment.format = scan.format;
      isSuspect ||= scan.state === 'suspect';
      segment.end = scan.end;
      if (scan.state !== 'clean') {
        file.truncate(scan.end);
        file.sync();
        segment.allocated = scan.end;
      }
      this.#batch = scan.lastBatch;
      expected = (scan.lastBatch + 1) >>> 0;
    }
    if (this.#segments.length === 0) this.#roll();
    return this.#summary(replay, isSuspect);
  }

  #replay(segment: Segment, records: readonly LogRecord[], replay: { terms: TermRun[]; configs: ConfigAt[] }): void {
    for (const record of records) {
      switch (record.kind) {
        case 'segment':
          if (record.header.format > FORMAT_VERSION) {
            throw new LogCorruptedError(`${segmentName(segment.sequence)} has format ${record.header.format}; this version knows ${FORMAT_VERSION}`);
          }
          this.#hard = { term: record.header.term, votedFor: record.header.votedFor === '' ? undefined : record.header.votedFor };
          if (this.#segments.length === 1) {
            this.#start = record.header.start;
            this.#lastIndex = this.#start.index;
            replay.configs.push({ index: this.#start.index, config: this.#start.config });
          }
          break;
        case 'hard':
          this.#hard = record.hard;
          break;
        case 'truncate':
          this.#dropFrom(record.from);
          while (replay.terms.length > 0 && replay.terms.at(-1)!.index >= record.from) replay.terms.pop();
          while (replay.configs.length > 1 && replay.configs.at(-1)!.index >= record.from) replay.configs.pop();
          break;
        case 'start':
          this.#moveStart(record.start);
          if (record.start.reset) replay.terms.length = 0;
          replay.configs = [
            { index: record.start.index, config: record.start.config },
            ...(record.start.reset ? [] : replay.configs.filter(({ index }) => index > record.start.index)),
          ];
          break;
        case 'entry':
          this.#replayEntry(segment, record.entry, record.offset, replay);
          break;
      }
    }
  }

  #replayEntry(segment: Segment, entry: Entry, offset: number, replay: { terms: TermRun[]; configs: ConfigAt[] }): void {
    // The oldest file left may begin long behind the start its header knew: a later record moves the start there.
    const isFirstOfAll = this.#segments.length === 1 && segment.count === 0 && entry.index > this.#lastIndex;
    if (isFirstOfAll) this.#lastIndex = entry.index - 1;
    if (entry.index !== this.#lastIndex + 1) {
      throw new LogCorruptedError(`entry ${entry.index} follows ${this.#lastIndex} in ${segmentName(segment.sequence)}`);
    }
    this.#register(segment, entry, offset);
    if (replay.terms.at(-1)?.term !== entry.term) replay.terms.push({ index: entry.index, term: entry.term });
    if (entry.kind === ENTRY_CONFIG) replay.configs.push({ index: entry.index, config: decodeConfig(entry.data) });
  }

  #summary(replay: { terms: TermRun[]; configs: ConfigAt[] }, suspect: boolean): Recovered {
    const { index: startIndex, term: startTerm } = this.#start;
    const terms: TermRun[] = [];
    for (const run of replay.terms) {
      // Runs that began at or before the start are cut there; only the last of them reaches behind it.
      if (run.index <= startIndex + 1) terms.length = 0;
      terms.push({ index: Math.max(run.index, startIndex + 1), term: run.term });
    }
    if (this.#lastIndex === startIndex) terms.length = 0;
    const oldest = this.#segments.find((segment) => segment.count > 0);
    if (oldest !== undefined && oldest.first > startIndex + 1) {
      throw new LogCorruptedError(`the log begins at ${oldest.first}, but should at ${startIndex + 1}${WHAT_TO_DO}`);
    }
    const configs = replay.configs.length === 0 ? [{ index: startIndex, config: this.#start.config }] : replay.configs;
    return { hard: this.#hard, startIndex, startTerm, lastIndex: this.#lastIndex, terms, configs, suspect };
  }
}

function segmentName(sequence: number): string {
  return `log-${sequence.toString(16).padStart(16, '0')}`;
}
