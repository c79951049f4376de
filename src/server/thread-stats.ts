/**
 * How the threads of this server are: each writes the delay of its event loop and its heap into memory that all share, once a
 * second; whoever wants to know reads it there, also while a thread is too busy to answer. With it each looks at what the process takes.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { easeMemory } from '../base/heap-watch.ts';

const FIELDS = ['delayMeanMs', 'delayP99Ms', 'delayMaxMs', 'heapBytes', 'externalBytes'] as const;
export type ThreadStats = Readonly<Record<(typeof FIELDS)[number], number>>;

const INTERVAL_MS = 1000;
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** One thread's place in the shared memory; travels with its data. */
export interface StatsSlot {
  readonly buffer: SharedArrayBuffer;
  readonly slot: number;
}

export class ThreadStatsTable {
  readonly #names: string[] = [];
  readonly #buffer: SharedArrayBuffer;

  constructor(threadsMax: number) {
    this.#buffer = new SharedArrayBuffer(threadsMax * FIELDS.length * Float64Array.BYTES_PER_ELEMENT);
  }

  /** A place for one more thread; of threads with one name the later ones are numbered. */
  add(name: string): StatsSlot {
    const before = this.#names.filter((one) => one === name || one.startsWith(`${name} `)).length;
    this.#names.push(before === 0 ? name : `${name} ${before + 1}`);
    return { buffer: this.#buffer, slot: this.#names.length - 1 };
  }

  get all(): { readonly thread: string; readonly stats: ThreadStats }[] {
    const values = new Float64Array(this.#buffer);
    return this.#names.map((thread, slot) => ({
      thread, stats: Object.fromEntries(FIELDS.map((field, i) => [field, values[slot * FIELDS.length + i]!])) as unknown as ThreadStats,
    }));
  }
}

/** To be called once in the thread; returns what ends it. */
export function reportThreadStats({ buffer, slot }: StatsSlot): () => void {
  const values = new Float64Array(buffer, slot * FIELDS.length * Float64Array.BYTES_PER_ELEMENT, FIELDS.length);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const report = () => {
    const { heapUsed, external } = process.memoryUsage();
    // What the histogram holds are the times between two looks: a loop that is never late has the resolution itself.
    const late = (ns: number) => (Number.isFinite(ns) && delay.count > 0 ? Math.max(0, ns / NS_PER_MS - RESOLUTION_MS) : 0);
    values.set([late(delay.mean), late(delay.percentile(99)), late(delay.max), heapUsed, external]);
    delay.reset();
    easeMemory();
  };
  report();
  const timer = setInterval(report, INTERVAL_MS).unref();
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}
