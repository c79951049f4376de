/**
 * A second thread for an import. While this one writes the graph it reads the files some parts ahead, and in the end it sorts the adjacency: so reading and
 * writing keep two cores busy.
 */
import { Worker } from 'node:worker_threads';
import { Channel } from '../base/channel.ts';
import { asDbError } from '../base/errors.ts';
import type { AdjacencyTask } from './adjacency-build.ts';
import type { BlockBatch } from './block-batch.ts';
import type { EncodedPart, EncodingTask, PartStream } from './encoded-parts.ts';

/** Answers that are asked for before they are needed. */
const AHEAD = 3;
/** Smaller imports are over before a thread has started. */
export const INPUT_BYTES_MIN = 4 * 1024 * 1024;

export interface AdjacencyStep {
  /** Undefined: there are no more. */
  readonly batch: BlockBatch | undefined;
  /** Rows that are done since the step before. */
  readonly rows: number;
  /** First number that no chunk of adjacency has. */
  readonly nextChunk: number;
}

export class ImportHelper {
  readonly #worker: Worker;
  readonly #channel: Channel;

  /** Undefined where it does not pay. */
  static start(inputBytes: number): ImportHelper | undefined {
    // Not from the sources (tests): there is no file that a thread could run.
    return inputBytes >= INPUT_BYTES_MIN && import.meta.url.endsWith('.js') ? new ImportHelper() : undefined;
  }

  private constructor() {
    this.#worker = new Worker(new URL('./import-worker.js', import.meta.url), { name: 'import' });
    this.#channel = new Channel(this.#worker);
    this.#worker.on('error', (error) => this.#channel.close(asDbError(error)));
  }

  read(task: EncodingTask): PartStream {
    const channel = this.#channel;
    const started = channel.call('read', task);
    const next = ahead(() => started.then(() => channel.call<EncodedPart>('part', undefined)));
    let part = -1;
    return {
      next: async () => {
        const found = await next();
        part++;
        return found;
      },
      cells: (rows) => channel.call('cells', { part, rows }),
    };
  }

  /** Builds adjacency at once; its blocks come with each call. */
  adjacency(task: AdjacencyTask): () => Promise<AdjacencyStep> {
    const started = this.#channel.call('adjacency', task);
    return ahead(() => started.then(() => this.#channel.call<AdjacencyStep>('blocks', undefined)));
  }

  async close(): Promise<void> {
    this.#channel.close();
    await this.#worker.terminate();
  }
}

/** Calls some calls before their answers are needed; the first ones now. */
function ahead<T>(call: () => Promise<T>): () => Promise<T> {
  const coming: Promise<T>[] = [];
  const fill = () => {
    while (coming.length < AHEAD) {
      const one = call();
      // Whoever awaits it hears of a failure; nobody may, if the import stops for another reason first.
      one.catch(() => undefined);
      coming.push(one);
    }
  };
  fill();
  return () => {
    const first = coming.shift()!;
    fill();
    return first;
  };
}
