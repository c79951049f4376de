/**
 * Builds, in the writer thread of the leader, the indexes that were made unfinished (graph/index-builds.ts): part by part, among the writes of clients. Where
 * it was, the state says, so the next leader goes on where this one has stopped, and so does a server that is started again.
 */
import { CATALOG } from '../graph/blocks.ts';
import type { BlockSource } from '../graph/block-source.ts';
import type { DbError } from '../base/errors.ts';
import type { BuiltIndex } from '../graph/catalog.ts';
import { unfinishedIndexes } from '../graph/index-builds.ts';
import { EMPTY_SYSTEM, SYSTEM, SYSTEM_GRAPH } from '../graph/system.ts';
import type { Unfinished } from '../graph/index-places.ts';
import type { Transactor } from '../replica/transactor.ts';

/**
 * What a transaction takes of the thread at once: where others write, who wait for so long; and where nobody does, which grows, since pages that many elements
 * change are written once by each.
 */
const BUSY_MS = 20;
const QUIET_MS = 50;
const QUIET_MS_MAX = 250;
/** After a failure: the disk is full, say, or the group is behind. */
const RETRY_MS = 500;

/** Of unique indexes that could not be built, the last so many are remembered. */
const FAILURES_MAX = 1000;

export class IndexBuilder {
  readonly #transactor: Transactor;
  readonly #monotonicMs: () => number;
  readonly #onProblem: (message: string) => void;
  /** Told once, however often it is met again. */
  #problem: string | undefined;
  #running: Promise<void> | undefined;
  /** Those who wait for the end of a part. */
  #waiting: (() => void)[] = [];
  /** Why unique indexes are gone that could not be built. */
  readonly #failures = new Map<string, DbError>();

  constructor(transactor: Transactor, { monotonicMs, onBuildProblem }: { readonly monotonicMs: () => number; readonly onBuildProblem: (message: string) => void }) {
    this.#transactor = transactor;
    this.#monotonicMs = monotonicMs;
    this.#onProblem = onBuildProblem;
  }

  /** To be called whenever this server begins to lead, and where an unfinished index was made. */
  start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#tell();
    });
  }

  /**
   * Waits until the indexes are whole or gone, but not for longer than this server leads and builds them, or than `isOver` says: they are then built all the
   * same, and whatever is found meanwhile is right. Gives those that are not known to be whole. Throws where a unique one could not be built.
   */
  async finished(indexes: readonly Unfinished[], isOver: () => boolean): Promise<readonly Unfinished[]> {
    if (indexes.length === 0) return [];
    this.start();
    const isLeft = ({ graph, index }: Unfinished) => unfinishedIn(this.#transactor.state.head(graph)).some(({ id }) => id === index);
    while (this.#running !== undefined && !isOver() && indexes.some(isLeft)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    for (const one of indexes) {
      const failure = this.#failures.get(keyOf(one));
      if (failure !== undefined) throw failure;
    }
    // What one sees who leads no more may never be committed.
    return this.#transactor.leading ? indexes.filter(isLeft) : indexes;
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #run(): Promise<void> {
    let sliceMs = BUSY_MS;
    while (this.#transactor.leading) {
      const next = this.#next();
      if (next === undefined) return;
      const before = this.#transactor.state.version;
      try {
        await this.#buildSome(next.name, sliceMs);
        this.#problem = undefined;
        const isQuiet = this.#transactor.state.version === before + 1;
        sliceMs = isQuiet ? Math.min(Math.max(sliceMs * 2, QUIET_MS), QUIET_MS_MAX) : BUSY_MS;
        // They get as much of the thread.
        if (!isQuiet) await pause(BUSY_MS);
      } catch (error) {
        if (!this.#transactor.leading) continue;
        this.#noteProblem(next.name, (error as Error).message);
        await pause(RETRY_MS);
      }
      this.#tell();
    }
  }

  #noteProblem(graph: string, message: string): void {
    if (message === this.#problem) return;
    this.#problem = message;
    this.#onProblem(`an index of the graph ${graph} is not built on: ${message}; tried again each ${RETRY_MS} ms`);
  }

  async #buildSome(name: string, ms: number): Promise<void> {
    const failures: [string, string, DbError][] = [];
    await this.#transactor.write((transaction) => {
      const graph = transaction.graph(name);
      const end = this.#monotonicMs() + ms;
      do {
        // Not one that was found before: it may be gone by now.
        const [index] = unfinishedIndexes(graph.catalog.data);
        if (index === undefined) break;
        const failure = graph.buildOn(index);
        if (failure !== undefined) failures.push([keyOf({ graph: graph.graphId, index: index.id }), 'name' in index ? index.name : '', failure]);
      } while (this.#monotonicMs() < end);
      return { result: undefined };
    });
    for (const [key, index, failure] of failures) this.#noteFailure(key, `the unique index ${index} of the graph ${name} is dropped, since it could not be built: ${failure.message}`, failure);
  }

  #noteFailure(key: string, message: string, failure: DbError): void {
    this.#failures.set(key, failure);
    for (const oldest of this.#failures.keys()) if (this.#failures.size > FAILURES_MAX) this.#failures.delete(oldest);
    this.#onProblem(message);
  }

  /** A graph that has an unfinished index. */
  #next(): { readonly name: string } | undefined {
    const { state } = this.#transactor;
    return (state.head(SYSTEM_GRAPH).get(SYSTEM, 0)?.state ?? EMPTY_SYSTEM).graphs.find(({ id }) => unfinishedIn(state.head(id)).length > 0);
  }
}

function keyOf({ graph, index }: Pick<Unfinished, 'graph' | 'index'>): string {
  return `${graph} ${index}`;
}

function unfinishedIn(source: BlockSource): readonly BuiltIndex[] {
  return unfinishedIndexes(source.get(CATALOG, 0)?.data);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
