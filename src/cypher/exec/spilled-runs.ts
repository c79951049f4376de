/**
 * Sorted runs on disk and their merge. The order is total, so it does not matter which run an item came from.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { mergeSorted } from '../../base/heap.ts';
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

  #merge(runs: readonly Spool[]): Generator<T> {
    return mergeSorted(runs.map((run) => this.#items(run)), (a, b) => this.#format.compare(a, b) < 0);
  }

  *#items(run: Spool): Generator<T> {
    for (const reader of run.records()) yield this.#format.read(reader);
  }
}
