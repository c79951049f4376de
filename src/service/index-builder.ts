/**
 * Builds, in the writer thread of the leader, the indexes that were made unfinished (graph/index-builds.ts): part by part, among the writes of clients. Where
 * it was, the state says, so the next leader goes on where this one has stopped, and so does a server that is started again.
 */
import { CATALOG } from '../graph/blocks.ts';
import type { BlockSource } from '../graph/block-source.ts';
import type { VectorTree } from '../graph/catalog.ts';
import { unfinishedIndexes } from '../graph/index-builds.ts';
import { EMPTY_SYSTEM, SYSTEM, SYSTEM_GRAPH } from '../graph/system.ts';
import type { Transactor } from '../replica/transactor.ts';

/** What a transaction takes of the thread at once, where others write, who wait for so long, and where nobody does. */
const BUSY_MS = 20;
const QUIET_MS = 50;
/** After a failure: the disk is full, say, or the group is behind. */
const RETRY_MS = 500;

export interface Unfinished {
  readonly graph: number;
  readonly index: number;
}

export class IndexBuilder {
  readonly #transactor: Transactor;
  readonly #monotonicMs: () => number;
  readonly #onProblem: (message: string) => void;
  /** Told once, however often it is met again. */
  #problem: string | undefined;
  #running: Promise<void> | undefined;
  /** Those who wait for the end of a part. */
  #waiting: (() => void)[] = [];

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
   * same, and whatever is found by one is right meanwhile.
   */
  async finished(indexes: readonly Unfinished[], isOver: () => boolean): Promise<void> {
    if (indexes.length === 0) return;
    this.start();
    while (this.#running !== undefined && !isOver() && indexes.some(({ graph, index }) => this.#isUnfinished(graph, index))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #run(): Promise<void> {
    let isQuiet = false;
    while (this.#transactor.leading) {
      const next = this.#next();
      if (next === undefined) return;
      const before = this.#transactor.state.version;
      try {
        await this.#buildSome(next.name, isQuiet ? QUIET_MS : BUSY_MS);
        this.#problem = undefined;
        isQuiet = this.#transactor.state.version === before + 1;
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
    await this.#transactor.write((transaction) => {
      const graph = transaction.graph(name);
      const end = this.#monotonicMs() + ms;
      do {
        // Not one that was found before: it may be gone by now.
        const [index] = unfinishedIndexes(graph.catalog.data);
        if (index === undefined) break;
        graph.buildOn(index);
      } while (this.#monotonicMs() < end);
      return { result: undefined };
    });
  }

  /** A graph that has an unfinished index. */
  #next(): { readonly name: string } | undefined {
    const { state } = this.#transactor;
    return (state.head(SYSTEM_GRAPH).get(SYSTEM, 0)?.state ?? EMPTY_SYSTEM).graphs.find(({ id }) => unfinishedIn(state.head(id)).length > 0);
  }

  #isUnfinished(graph: number, index: number): boolean {
    return unfinishedIn(this.#transactor.state.head(graph)).some(({ id }) => id === index);
  }
}

function unfinishedIn(source: BlockSource): readonly VectorTree[] {
  return unfinishedIndexes(source.get(CATALOG, 0)?.data);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
