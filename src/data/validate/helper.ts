/** Further threads for a validation: each opens the store for itself and takes parts of it, as this one does. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Channel } from '../../base/channel.ts';
import { asDbError } from '../../base/errors.ts';
import type { IdPages } from './id-set.ts';
import type { Task } from './plan.ts';
import type { TaskResult } from './store-scan.ts';
import type { StoreTotals } from './totals.ts';

const HELPERS_MAX = 3;
/** Smaller stores are done before a thread has started. */
export const HELPED_BYTES_MIN = 4 * 1024 * 1024;

export class ValidateHelper {
  readonly #worker: Worker;
  readonly #channel: Channel;

  /** None where they do not pay. */
  static start(directory: string, storeBytes: number): ValidateHelper[] {
    // Not from the sources (tests): there is no file that a thread could run.
    if (storeBytes < HELPED_BYTES_MIN || !import.meta.url.endsWith('.js')) return [];
    return Array.from({ length: Math.min(HELPERS_MAX, Math.max(1, availableParallelism() - 1)) }, () => new ValidateHelper(directory));
  }

  private constructor(directory: string) {
    this.#worker = new Worker(new URL('./validate-worker.js', import.meta.url), { name: 'validate', workerData: { directory } });
    this.#channel = new Channel(this.#worker);
    this.#worker.on('error', (error) => this.#channel.close(asDbError(error)));
  }

  run(task: Task): Promise<TaskResult> {
    return this.#channel.call('run', task);
  }

  known(): Promise<ReadonlyMap<number, IdPages>> {
    return this.#channel.call('known', undefined);
  }

  learn(known: ReadonlyMap<number, IdPages>): Promise<void> {
    return this.#channel.call('learn', known);
  }

  totals(): Promise<StoreTotals> {
    return this.#channel.call('totals', undefined);
  }

  async close(): Promise<void> {
    // It may have failed, which its calls have told.
    await this.#channel.call('close', undefined).catch(() => undefined);
    this.#channel.close();
    await this.#worker.terminate();
  }
}
