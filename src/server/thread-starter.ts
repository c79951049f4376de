/**
 * Makes the threads of a server. Those it begins with are made before the main thread loads the rest of its own code: they load theirs
 * meanwhile, and each waits for its data (thread-data.ts).
 */
import { Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { heapMegabytes } from '../base/heap-watch.ts';
import type { ProcessMemory } from '../base/process-memory.ts';
import { blockCacheBytes, isWitness } from './memory-plan.ts';
import type { Config } from './options.ts';
import type { ThreadMessage, ThreadStart } from './thread-data.ts';

export type ThreadName = 'writer-thread' | 'consensus-thread' | 'reader-thread' | 'copy-thread';

export class ThreadStarter {
  readonly #config: Config;
  /** What the process may take: all threads keep to it. */
  readonly memory: ProcessMemory;
  readonly #waiting: { readonly name: ThreadName; readonly worker: Worker }[] = [];

  constructor(config: Config, memory: ProcessMemory) {
    this.#config = config;
    this.memory = memory;
  }

  /** Makes the threads that every start of such a server needs, the one that is waited for first. */
  prepare(): void {
    const names: readonly ThreadName[] = isWitness(this.#config) ? ['consensus-thread'] : ['writer-thread', 'consensus-thread'];
    for (const name of names) this.#waiting.push({ name, worker: this.#make(name) });
  }

  start(name: ThreadName, start: ThreadStart, transferList: readonly MessagePort[]): Worker {
    const at = this.#waiting.findIndex((one) => one.name === name);
    const worker = at < 0 ? this.#make(name) : this.#waiting.splice(at, 1)[0]!.worker;
    const { budgetBytes, isOwn } = this.memory;
    worker.postMessage({ ...start, memory: { budgetBytes, isOwn } } satisfies ThreadMessage, transferList);
    return worker;
  }

  #make(name: ThreadName): Worker {
    const resourceLimits = { maxOldGenerationSizeMb: heapMegabytes(blockCacheBytes(this.#config)) };
    return new Worker(new URL(`./${name}.js`, import.meta.url), { name, resourceLimits });
  }
}
