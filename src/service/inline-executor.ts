/** The reads that run on the main thread itself, as an executor like the others. */
import type { BeginRequest, CommitRequest, PullRequest, RowsPart, RunReply, RunRequest } from './api.ts';
import type { Executor } from './executors.ts';
import type { ReadHost } from './read-host.ts';
import { InlineBudgetSpent } from './statement.ts';

const LONG_TEXTS_MAX = 1000;

export class InlineExecutor implements Executor {
  readonly #host: ReadHost;
  readonly #budget: { readonly rows: number; readonly ms: number };
  /** Statements that proved too long here: they go to a reader at once. */
  readonly #longTexts = new Set<string>();

  constructor(host: ReadHost, budget: { readonly rows: number; readonly ms: number }) {
    this.#host = host;
    this.#budget = budget;
  }

  /** The whole result, when the statement is short and its rows fit the first part; else undefined. */
  tryRun(request: RunRequest): RunReply | undefined {
    if (this.#longTexts.has(request.text)) return undefined;
    try {
      const reply = this.#host.run(request, this.#budget);
      if (reply.execution === 0) return reply;
      this.#host.discard(reply.execution);
      return undefined;
    } catch (error) {
      if (!(error instanceof InlineBudgetSpent)) throw error;
      if (this.#longTexts.size >= LONG_TEXTS_MAX) this.#longTexts.clear();
      this.#longTexts.add(request.text);
      return undefined;
    }
  }

  async run(request: RunRequest): Promise<RunReply> {
    return this.#host.run(request);
  }
  async pull(request: PullRequest): Promise<RowsPart> {
    return this.#host.pull(request);
  }
  discard(execution: number): void {
    this.#host.discard(execution);
  }
  async begin(request: BeginRequest): Promise<{ transaction: number; version: number }> {
    return this.#host.begin(request);
  }
  async commit(request: CommitRequest): Promise<{ version: number }> {
    return this.#host.end(request.transaction);
  }
  async rollback(transaction: number): Promise<void> {
    this.#host.end(transaction);
  }
}

