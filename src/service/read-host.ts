/**
 * Runs reads in one thread: each statement on the newest version, or all statements of a read transaction on one. Used by
 * the main thread for short reads and by every reader thread.
 */
import { DbError } from '../base/errors.ts';
import { NO_PARTS } from '../cypher/engine.ts';
import type { HelperParts, Helpers } from '../cypher/engine.ts';
import type { ReadPoint, StateReader } from '../graph/state-reader.ts';
import type { BeginRequest, LocalRequest, PullRequest, RowsPart, RunReply, RunRequest } from './api.ts';
import type { HelpRequest, ReaderCrew } from './reader-crew.ts';
import { StatementRunner, stateAt } from './statement-runner.ts';
import type { HostOptions, StatementState } from './statement-runner.ts';
import type { ControlOptions, RunningStatement } from './statement.ts';

/** What nobody has used for so long is closed: it holds a snapshot, and with it the space of all that was deleted since. */
const IDLE_MS_MAX = 10 * 60_000;
const EXPIRE_EVERY_MS = 1000;

interface OpenTransaction {
  readonly point: ReadPoint;
  usedMs: number;
}

interface OpenExecution {
  usedMs: number;
  readonly running: RunningStatement;
  readonly point: ReadPoint;
  /** Owned by a transaction: the point is released with that. */
  readonly transaction: number | undefined;
}

export class ReadHost {
  readonly #reader: StateReader;
  readonly #statements: StatementRunner;
  readonly #wallMs: () => number;
  readonly #crew: ReaderCrew | undefined;
  readonly #executions = new Map<number, OpenExecution>();
  readonly #transactions = new Map<number, OpenTransaction>();
  #expiredMs = 0;
  #next = 1;

  /** `crew`: who helps this thread with what takes long. */
  constructor(reader: StateReader, options: HostOptions, crew?: ReaderCrew) {
    this.#crew = crew;
    this.#reader = reader;
    this.#statements = new StatementRunner(options);
    this.#wallMs = options.wallMs;
  }

  run(request: RunRequest | LocalRequest, inlineBudget?: ControlOptions['inlineBudget']): RunReply {
    this.#expire();
    const owned = request.transaction;
    const point = owned === undefined ? this.#reader.acquire() : this.#transaction(owned);
    let keep = owned !== undefined;
    try {
      const state = stateAt(point, this.#wallMs());
      const helpers = owned === undefined && inlineBudget === undefined ? this.#helpersFor(request, state) : undefined;
      const { running, type } = this.#statements.start(request, (graph) => point.view(graph), state, { inlineBudget, helpers });
      const part = running.pull(request.firstRows, point.version);
      let execution = 0;
      if (part.summary === undefined) {
        execution = this.#next++;
        this.#executions.set(execution, { running, point, transaction: owned, usedMs: performance.now() });
        keep = true;
      }
      const { bytes, count, kinds, summary } = part;
      return { bytes, count, kinds, summary, columns: running.columns, version: point.version, execution, type };
    } finally {
      if (!keep) this.#reader.release(point);
    }
  }

  #helpersFor(request: RunRequest | LocalRequest, { version, nowMs }: StatementState): Helpers | undefined {
    if (this.#crew === undefined || request.parameters instanceof Map) return undefined;
    const startedMs = performance.now();
    return this.#crew.helpersFor({ request: request as RunRequest, version, wallMs: nowMs, elapsedMs: () => performance.now() - startedMs });
  }

  /** Takes parts of a statement that runs in another reader, on the same version. */
  help(asked: HelpRequest, mayLeave: () => boolean): HelperParts | undefined {
    const point = this.#reader.acquire();
    try {
      if (point.version !== asked.version) return NO_PARTS;
      return this.#statements.help(asked, (graph) => point.view(graph), stateAt(point, asked.wallMs), mayLeave);
    } finally {
      this.#reader.release(point);
    }
  }

  pull(request: PullRequest): RowsPart {
    const open = this.#executions.get(request.execution);
    if (open === undefined) throw new DbError('InvalidRequest', `there is no open result ${request.execution}`);
    open.usedMs = performance.now();
    if (open.transaction !== undefined) this.#transaction(open.transaction);
    try {
      const part = open.running.pull(request.rows, open.point.version);
      if (part.summary !== undefined) this.#end(request.execution, open);
      return part;
    } catch (error) {
      this.#end(request.execution, open);
      throw error;
    }
  }

  /** Drops what is left of a result. */
  discard(execution: number): void {
    const open = this.#executions.get(execution);
    if (open === undefined) return;
    open.running.close();
    this.#end(execution, open);
  }

  #end(execution: number, open: OpenExecution): void {
    this.#executions.delete(execution);
    if (open.transaction === undefined) this.#reader.release(open.point);
  }

  begin(request: Pick<BeginRequest, 'transaction'>): { transaction: number; version: number } {
    const point = this.#reader.acquire();
    const transaction = request.transaction ?? this.#next++;
    this.#transactions.set(transaction, { point, usedMs: performance.now() });
    return { transaction, version: point.version };
  }

  #transaction(id: number): ReadPoint {
    const open = this.#transactions.get(id);
    if (open === undefined) throw new DbError('TransactionNotFound', `there is no open transaction ${id}: it was ended, or was idle for longer than allowed`);
    open.usedMs = performance.now();
    return open.point;
  }

  #expire(): void {
    const now = performance.now();
    if (now - this.#expiredMs < EXPIRE_EVERY_MS) return;
    this.#expiredMs = now;
    for (const [id, open] of this.#executions) if (now - open.usedMs > IDLE_MS_MAX) this.discard(id);
    for (const [id, open] of this.#transactions) if (now - open.usedMs > IDLE_MS_MAX) this.end(id);
  }

  /** Ends a read transaction; commit and rollback are the same. */
  end(transaction: number): { version: number } {
    const point = this.#transaction(transaction);
    for (const [id, open] of this.#executions) {
      if (open.transaction !== transaction) continue;
      open.running.close();
      this.#executions.delete(id);
    }
    this.#transactions.delete(transaction);
    this.#reader.release(point);
    return { version: point.version };
  }
}
