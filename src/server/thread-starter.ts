/**
 * Makes the threads of a server. Those it begins with are made before the main thread loads the rest of its own code: they load theirs
 * meanwhile, and each waits for its data (thread-data.ts).
 */
import { Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { heapMegabytes } from '../base/heap-watch.ts';
import type { Config } from './options.ts';
import type { ThreadStart } from './thread-data.ts';

export type ThreadName = 'writer-thread' | 'consensus-thread' | 'reader-thread' | 'copy-thread';

const MB = 1024 * 1024;
/** Short-lived garbage is most of what queries make: a larger nursery means that most of it is dead when it is swept. */
const NURSERY_MB: Readonly<Record<ThreadName, number>> = { 'writer-thread': 64, 'consensus-thread': 16, 'reader-thread': 64, 'copy-thread': 64 };
const WITNESS_NURSERY_MB = 2;

export function isWitness(config: Config): boolean {
  return config.enable_ha && config.ha_is_witness;
}

/** Decoded blocks are kept per thread: the budget is shared between main, writer and readers. */
export function blockCacheBytes(config: Config): number {
  return Math.floor((config.cache_mb * MB) / (2 + config.reader_threads));
}

export class ThreadStarter {
  readonly #config: Config;
  readonly #waiting: { readonly name: ThreadName; readonly worker: Worker }[] = [];

  constructor(config: Config) {
    this.#config = config;
  }

  /** Makes the threads that every start of such a server needs, the one that is waited for first. */
  prepare(): void {
    const names: readonly ThreadName[] = isWitness(this.#config) ? ['consensus-thread'] : ['writer-thread', 'consensus-thread'];
    for (const name of names) this.#waiting.push({ name, worker: this.#make(name) });
  }

  start(name: ThreadName, start: ThreadStart, transferList: readonly MessagePort[]): Worker {
    const at = this.#waiting.findIndex((one) => one.name === name);
    const worker = at < 0 ? this.#make(name) : this.#waiting.splice(at, 1)[0]!.worker;
    worker.postMessage(start, transferList);
    return worker;
  }

  #make(name: ThreadName): Worker {
    const resourceLimits = { maxYoungGenerationSizeMb: isWitness(this.#config) ? WITNESS_NURSERY_MB : NURSERY_MB[name], maxOldGenerationSizeMb: heapMegabytes(blockCacheBytes(this.#config)) };
    return new Worker(new URL(`./${name}.js`, import.meta.url), { name, resourceLimits });
  }
}
