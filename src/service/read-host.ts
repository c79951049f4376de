/**
 * Runs reads in one thread: each statement on the newest version, or all statements of a read transaction on one. Used by
 * the main thread for short reads and by every reader thread.
 */
import type { Random } from '../base/random.ts';
import { DbError } from '../base/errors.ts';
import { execute, prepare } from '../cypher/engine.ts';
import type { CsvSource, ExecContext, ExecLimits, FullTextSettings, ProcedureHost, SpillStore } from '../cypher/engine.ts';
import type { SystemState } from '../graph/system.ts';
import type { ReadPoint, StateReader } from '../graph/state-reader.ts';
import type { BeginRequest, PullRequest, RowEncoder, RowsPart, RunReply, RunRequest } from './api.ts';
import { checkAccess, fieldReader } from './access.ts';
import { CallContext } from './call-context.ts';
import { decodeMap } from './parameters.ts';
import { RunningStatement, StatementControl } from './statement.ts';
import type { ControlOptions } from './statement.ts';

export interface HostOptions {
  readonly procedures: ProcedureHost;
  readonly encoders: ReadonlyMap<string, RowEncoder>;
  readonly killFlags: Int32Array;
  readonly random: Random;
  readonly wallMs: () => number;
  readonly timeZone: string;
  readonly limits: ExecLimits;
  /** Where LOAD CSV reads from; absent: the clause is refused. */
  readonly csv?: CsvSource | undefined;
  /** Where statements put what they may not hold in memory; absent: they end with MemoryLimit. */
  readonly spill?: SpillStore | undefined;
  /** Absent: offered, with the analyzer `standard`. */
  readonly fullText?: FullTextSettings | undefined;
}

/** What the user of a statement may find in texts. */
export function textOptions(fullText: FullTextSettings | undefined, system: SystemState, user: string, graph: string): Pick<ExecContext, 'fullText' | 'mayRead'> {
  const mayRead = fieldReader(system, user, graph);
  return { ...(fullText === undefined ? {} : { fullText }), ...(mayRead === undefined ? {} : { mayRead }) };
}

/** A user's own memory limit counts where it is the smaller one. */
export function limitsFor(limits: ExecLimits, system: SystemState, user: string): ExecLimits {
  const own = system.users[user]?.memoryLimit ?? Infinity;
  return own < (limits.memoryBytes ?? Infinity) ? { ...limits, memoryBytes: own } : limits;
}

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
  readonly #options: HostOptions;
  readonly #executions = new Map<number, OpenExecution>();
  readonly #transactions = new Map<number, OpenTransaction>();
  #expiredMs = 0;
  #next = 1;

  constructor(reader: StateReader, options: HostOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  run(request: RunRequest, inlineBudget?: ControlOptions['inlineBudget']): RunReply {
    this.#expire();
    const owned = request.transaction;
    const point = owned === undefined ? this.#reader.acquire() : this.#transaction(owned);
    let keep = owned !== undefined;
    try {
      const { running, type } = this.#start(request, point, inlineBudget);
      const part = running.pull(request.firstRows, point.version);
      let execution = 0;
      if (part.summary === undefined) {
        execution = this.#next++;
        this.#executions.set(execution, { running, point, transaction: owned, usedMs: performance.now() });
        keep = true;
      }
      return { ...part, columns: running.columns, version: point.version, execution, type };
    } finally {
      if (!keep) this.#reader.release(point);
    }
  }

  #start(request: RunRequest, point: ReadPoint, inlineBudget: ControlOptions['inlineBudget']): { running: RunningStatement; type: RunReply['type'] } {
    const { procedures, encoders, killFlags, random, timeZone, csv, spill, limits } = this.#options;
    const encoder = encoders.get(request.encoding);
    if (encoder === undefined) throw new DbError('Internal', `no encoder named ${request.encoding}`);
    let view = point.view(request.graph);
    const query = prepare(request.text, { catalog: view.catalog, procedures });
    if (query.graph !== undefined && query.graph !== request.graph) view = point.view(query.graph);
    checkAccess(point.system, request.user, view.graphName, query.access);
    const control = new StatementControl({
      timeoutMs: request.timeoutMs, killFlags, killSlot: request.killSlot, ...(inlineBudget === undefined ? {} : { inlineBudget }),
    });
    const context: ExecContext = {
      view, parameters: decodeMap(request.parameters), procedures, checkpoint: (rows) => control.checkpoint(rows),
      wallMs: this.#options.wallMs(), random, timeZone, limits: limitsFor(limits, point.system, request.user), ...(csv === undefined ? {} : { csv }), ...(spill === undefined ? {} : { spill }),
      ...textOptions(this.#options.fullText, point.system, request.user, view.graphName),
      session: new CallContext({ user: request.user, system: point.system, group: request.group, transaction: undefined, version: point.version, checksum: point.checksum, nowMs: this.#options.wallMs(), killFlags }),
    };
    const running = new RunningStatement({ query, execution: execute(query, context), view, encoder, control, summaryRow: request.summaryRow });
    return { running, type: query.summary };
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

  begin(_request: BeginRequest): { transaction: number; version: number } {
    const point = this.#reader.acquire();
    const transaction = this.#next++;
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
