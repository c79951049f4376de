/** The reads that run on the main thread itself, as an executor like the others. */
import type { BeginRequest, CommitRequest, LocalRequest, PullRequest, RowsPart, RunReply, RunRequest } from './api.ts';
import type { Executor } from './executors.ts';
import type { ReadHost } from './read-host.ts';
import { InlineBudgetSpent } from './statement.ts';

const LONG_TEXTS_MAX = 1000;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 60_000;

/** A statement that was too long here: not tried again before then. */
interface Pause {
  readonly lengthMs: number;
  readonly untilMs: number;
}

export class InlineExecutor implements Executor {
  readonly #host: ReadHost;
  readonly #budget: { readonly rows: number; readonly ms: number };
  /**
   * Statements that proved too long here: they go to a reader at once. But maybe only the machine was busy, or the data has
   * changed, so each is tried again, after a pause that doubles.
   */
  readonly #longTexts = new Map<string, Pause>();

  constructor(host: ReadHost, budget: { readonly rows: number; readonly ms: number }) {
    this.#host = host;
    this.#budget = budget;
  }

  /** The whole result, when the statement is short and its rows fit the first part; else undefined. */
  tryRun(request: LocalRequest): RunReply | undefined {
    const pause = this.#longTexts.get(request.text);
    if (pause !== undefined && performance.now() < pause.untilMs) return undefined;
    try {
      const reply = this.#host.run(request, this.#budget);
      if (reply.execution === 0) {
        if (pause !== undefined) this.#longTexts.delete(request.text);
        return reply;
      }
      this.#host.discard(reply.execution);
    } catch (error) {
      if (!(error instanceof InlineBudgetSpent)) throw error;
    }
    this.#pause(request.text, pause);
    return undefined;
  }

  #pause(text: string, before: Pause | undefined): void {
    if (this.#longTexts.size >= LONG_TEXTS_MAX) this.#longTexts.clear();
    const lengthMs = before === undefined ? PAUSE_MS_MIN : Math.min(before.lengthMs * 2, PAUSE_MS_MAX);
    this.#longTexts.set(text, { lengthMs, untilMs: performance.now() + lengthMs });
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

