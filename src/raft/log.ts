/**
 * The core's view of the log: terms of all entries (as runs), the tail that is not on disk yet, and how far it is
 * durable, committed and handed out.
 *
 *   start        durable      handed         last
 *     | on disk     | being written | new      |
 *                   [------ tail in memory ----]
 *
 * Durable only covers the entries that are in the log *now*: a truncation lowers it, and lowers what writes in flight
 * will be worth when they finish, so that a late answer about overwritten entries counts for nothing.
 */
import { assert } from '../base/assert.ts';
import { entryBytes } from './types.ts';
import type { Entry, LogReader, LogStart, Recovered, TermRun } from './types.ts';

export class RaftLog {
  readonly #reader: LogReader;
  #startIndex: number;
  #startTerm: number;
  #lastIndex: number;
  #runs: TermRun[];
  #tail: Entry[] = [];
  /** Highest index that is part of a write, finished or not. */
  #handed: number;
  #durable: number;
  #truncateFrom: number | undefined;
  #start: LogStart | undefined;
  #inFlight: { readonly seq: number; last: number }[] = [];
  #commit: number;

  constructor(reader: LogReader, recovered: Recovered) {
    this.#reader = reader;
    this.#startIndex = recovered.startIndex;
    this.#startTerm = recovered.startTerm;
    this.#lastIndex = recovered.lastIndex;
    this.#runs = [...recovered.terms];
    this.#handed = recovered.lastIndex;
    this.#durable = recovered.lastIndex;
    this.#commit = recovered.startIndex;
  }

  get startIndex(): number {
    return this.#startIndex;
  }
  get startTerm(): number {
    return this.#startTerm;
  }
  get firstIndex(): number {
    return this.#startIndex + 1;
  }
  get lastIndex(): number {
    return this.#lastIndex;
  }
  get lastTerm(): number {
    return this.#runs.at(-1)?.term ?? this.#startTerm;
  }
  get durableIndex(): number {
    return this.#durable;
  }
  get commitIndex(): number {
    return this.#commit;
  }
  get isWriting(): boolean {
    return this.#inFlight.length > 0;
  }
  /** Something must be written that no write contains yet. */
  get isDirty(): boolean {
    return this.#handed < this.#lastIndex || this.#truncateFrom !== undefined || this.#start !== undefined;
  }

  /** The term of entry `index`; undefined outside the log. */
  term(index: number): number | undefined {
    if (index === this.#startIndex) return this.#startTerm;
    if (index < this.#startIndex || index > this.#lastIndex) return undefined;
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.index <= index) low = middle;
      else high = middle - 1;
    }
    return this.#runs[low]!.term;
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends at (`term`, `index`) is at least as complete as this one (§5.4.1). */
  isUpToDate(index: number, term: number): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.#lastIndex);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.#lastIndex + 1, `entry ${entry.index} follows ${this.#lastIndex}`);
      assert(entry.term >= this.lastTerm, `terms never fall: ${entry.term} after ${this.lastTerm}`);
      if (entry.term !== this.lastTerm || this.#runs.length === 0) this.#runs.push({ index: entry.index, term: entry.term });
      this.#tail.push(entry);
      this.#lastIndex = entry.index;
    }
  }

  truncateFrom(index: number): void {
    assert(index > this.#commit, `entry ${index} is committed (up to ${this.#commit}) and cannot be removed`);
    assert(index <= this.#lastIndex, 'only what is there can be removed');
    this.#dropFrom(index);
    if (index <= this.#handed) {
      this.#truncateFrom = Math.min(this.#truncateFrom ?? index, index);
      this.#handed = index - 1;
    }
  }

  #dropFrom(index: number): void {
    const tailFirst = this.#lastIndex - this.#tail.length + 1;
    this.#tail.length = Math.max(0, index - tailFirst);
    this.#lastIndex = index - 1;
    while (this.#runs.length > 0 && this.#runs.at(-1)!.index >= index) this.#runs.pop();
    this.#durable = Math.min(this.#durable, index - 1);
    for (const write of this.#inFlight) write.last = Math.min(write.last, index - 1);
  }

  /** The next write; the caller adds the hard state. */
  takeWrite(seq: number): { truncateFrom: number | undefined; entries: readonly Entry[]; start: LogStart | undefined } {
    const fresh = this.#lastIndex - this.#handed;
    const write = {
      truncateFrom: this.#truncateFrom, start: this.#start,
      entries: fresh === 0 ? [] : this.#tail.slice(this.#tail.length - fresh),
    };
    this.#truncateFrom = undefined;
    this.#start = undefined;
    this.#handed = this.#lastIndex;
    this.#inFlight.push({ seq, last: this.#lastIndex });
    return write;
  }

  /** Write `seq` and all before it are on disk. */
  persisted(seq: number): void {
    while (this.#inFlight.length > 0 && this.#inFlight[0]!.seq <= seq) {
      const write = this.#inFlight.shift()!;
      this.#durable = Math.max(this.#durable, write.last);
    }
    const tailFirst = this.#lastIndex - this.#tail.length + 1;
    if (this.#durable >= tailFirst) this.#tail = this.#tail.slice(this.#durable - tailFirst + 1);
  }

  /** Entries from `from` on, as many as fit (one at least); empty behind the end. */
  entries(from: number, bytesMax: number): readonly Entry[] {
    assert(from > this.#startIndex, `entry ${from} is not in the log any more`);
    if (from > this.#lastIndex) return [];
    const tailFirst = this.#lastIndex - this.#tail.length + 1;
    // What is on disk first: the next message takes the tail.
    if (from < tailFirst) return this.#reader.entries(from, tailFirst - 1, bytesMax);
    let bytes = 0;
    let end = from - tailFirst;
    const first = end;
    while (end < this.#tail.length) {
      bytes += entryBytes(this.#tail[end]!);
      if (bytes > bytesMax && end > first) break;
      end += 1;
    }
    return this.#tail.slice(first, end);
  }

  commitTo(index: number): void {
    if (index <= this.#commit) return;
    assert(index <= this.#lastIndex, `commit index ${index} lies behind the log's end ${this.#lastIndex}`);
    this.#commit = index;
  }

  /** The last entry at or before `index` whose term is at most `term` (etcd's findConflictByTerm). */
  lastNotAbove(index: number, term: number): { index: number; term: number } {
    let at = Math.min(index, this.#lastIndex);
    if (at < this.#startIndex) return { index: at, term: 0 };
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i]!;
      if (run.index > at) continue;
      if (run.term <= term) return { index: at, term: run.term };
      at = run.index - 1;
    }
    return { index: at, term: at === this.#startIndex ? this.#startTerm : 0 };
  }

  /** Drops entries up to `index`, which the state machine and the other servers do not need any more. */
  compactTo(index: number, config: LogStart['config']): void {
    assert(index <= this.#commit && index <= this.#durable, 'only committed, durable entries are compacted');
    if (index <= this.#startIndex) return;
    const term = this.term(index)!;
    this.#startIndex = index;
    this.#startTerm = term;
    while (this.#runs.length > 1 && this.#runs[1]!.index <= index + 1) this.#runs.shift();
    if (this.#lastIndex === index) this.#runs = [];
    else if (this.#runs[0]!.index <= index) this.#runs[0] = { index: index + 1, term: this.#runs[0]!.term };
    if (this.#start?.reset === true) this.#start = { index, term, config, reset: true };
    else this.#start = { index, term, config, reset: false };
  }

  /** A snapshot at `index`, which this log does not contain, replaces it. */
  restore(index: number, term: number, config: LogStart['config']): void {
    assert(index > this.#commit, `a snapshot at ${index} is not newer than commit ${this.#commit}`);
    assert(!this.matches(index, term), 'a log that contains the snapshot keeps its tail');
    this.#tail = [];
    this.#runs = [];
    this.#startIndex = index;
    this.#startTerm = term;
    this.#lastIndex = index;
    this.#handed = index;
    // The entries in flight are worth nothing; the new beginning counts when it is saved.
    this.#durable = Math.min(this.#durable, index);
    for (const write of this.#inFlight) write.last = 0;
    this.#truncateFrom = undefined;
    this.#start = { index, term, config, reset: true };
    this.#commit = index;
  }
}
