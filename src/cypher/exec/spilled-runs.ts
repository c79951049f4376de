/**
 * Sorted runs on disk and their merge (Knuth, The Art of Computer Programming 3, 5.4.1: merging of sorted runs by a heap).
 *
 * The order is total, so it does not matter which run an item came from.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Holding } from './holding.ts';
import { Spool, type SpillArea } from './spill.ts';

export interface RunFormat<T> {
  write(w: ByteWriter, item: T): void;
  read(r: ByteReader): T;
  compare(a: T, b: T): number;
}

/** Runs read at once; with more, some are merged into one first. */
const MERGED_MAX = 64;

export class SpilledRuns<T> {
  readonly #area: SpillArea;
  readonly #format: RunFormat<T>;
  #runs: Spool[] = [];

  constructor(area: SpillArea, format: RunFormat<T>) {
    this.#area = area;
    this.#format = format;
  }

  get count(): number {
    return this.#runs.length;
  }

  add(sorted: Iterable<T>): void {
    const run = new Spool(this.#area);
    for (const item of sorted) {
      this.#format.write(run.writer, item);
      run.end();
      this.#area.rt.tick(8);
    }
    this.#runs.push(run);
  }

  /** Everything, in order. */
  *merged(holding: Holding): Generator<T> {
    // A frame of each run is in memory; its items one after the other.
    holding.add(this.#area.frameBytes * Math.min(MERGED_MAX, this.#runs.length));
    while (this.#runs.length > MERGED_MAX) {
      const some = this.#runs.slice(0, MERGED_MAX);
      this.#runs = this.#runs.slice(MERGED_MAX);
      this.add(this.#merge(some));
    }
    yield* this.#merge(this.#runs);
  }

  *#merge(runs: readonly Spool[]): Generator<T> {
    const heap: Head<T>[] = [];
    for (const run of runs) {
      const head = new Head(run, this.#format);
      if (head.next()) {
        heap.push(head);
        up(heap, this.#format);
      }
    }
    while (heap.length > 0) {
      const [top] = heap;
      yield top!.item;
      if (!top!.next()) {
        const last = heap.pop()!;
        if (heap.length === 0) return;
        if (last !== top) heap[0] = last;
      }
      down(heap, this.#format);
    }
  }
}

/** The next item of a run. */
class Head<T> {
  item!: T;
  readonly #records: Iterator<ByteReader>;
  readonly #format: RunFormat<T>;

  constructor(run: Spool, format: RunFormat<T>) {
    this.#records = run.records();
    this.#format = format;
  }

  next(): boolean {
    const result = this.#records.next();
    if (result.done === true) return false;
    this.item = this.#format.read(result.value);
    return true;
  }
}

function up<T>(heap: Head<T>[], { compare }: RunFormat<T>): void {
  for (let at = heap.length - 1; at > 0;) {
    const parent = (at - 1) >> 1;
    if (compare(heap[at]!.item, heap[parent]!.item) >= 0) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function down<T>(heap: Head<T>[], { compare }: RunFormat<T>): void {
  for (let at = 0; ;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && compare(heap[child]!.item, heap[least]!.item) < 0) least = child;
    }
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
