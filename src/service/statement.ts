/**
 * One running statement: its limits, and its rows encoded part by part as they are pulled.
 */
import { askAboutHeap, onBehalfOf } from '../base/allowance.ts';
import type { Surroundings } from '../base/allowance.ts';
import { ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import { lookAtHeap } from '../base/heap-watch.ts';
import { materialize } from '../cypher/materialize.ts';
import type { Execution, PreparedQuery } from '../cypher/engine.ts';
import type { GraphView } from '../graph/view.ts';
import type { Value } from '../value/value.ts';
import { PART_BYTES_MAX } from './api.ts';
import type { QuerySummary, RowEncoder, RowsPart } from './api.ts';

askAboutHeap(lookAtHeap);

/** Thrown inside a read on the main thread when it turns out to be long: it starts over on a reader thread. */
export class InlineBudgetSpent extends Error {
  override readonly name = 'InlineBudgetSpent';
}

export interface ControlOptions {
  readonly timeoutMs: number;
  readonly killFlags: Int32Array | undefined;
  readonly killSlot: number;
  /** Rows and milliseconds a read may take on the main thread. */
  readonly inlineBudget?: { readonly rows: number; readonly ms: number } | undefined;
}

/** Below this share of the rows allowed, a statement may take so many times the milliseconds allowed. */
const WAITED_SHARE = 25;
const WAITED_FACTOR = 20;
/** How often a statement looks at the heap. */
const LOOK_MS = 20;

/** The checkpoint that every operator passes: deadline, kill switch, inline budget. */
export class StatementControl {
  readonly startedMs = performance.now();
  readonly #deadline: number;
  readonly #options: ControlOptions;
  #rows = 0;
  #lookedMs = this.startedMs;
  #timeoutMs: number;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs;
    this.#deadline = options.timeoutMs > 0 ? this.startedMs + options.timeoutMs : Infinity;
  }

  /** A statement that touched next to nothing and took its time was kept waiting: the machine is busy, or code was being compiled. */
  #isLong({ rows, ms }: { readonly rows: number; readonly ms: number }, elapsedMs: number): boolean {
    if (this.#rows > rows) return true;
    return elapsedMs > (this.#rows * WAITED_SHARE < rows ? ms * WAITED_FACTOR : ms);
  }

  get elapsedMs(): number {
    return performance.now() - this.startedMs;
  }

  checkpoint(rows: number): void {
    const { killFlags, killSlot, inlineBudget } = this.#options;
    this.#rows += rows;
    if (killFlags !== undefined && killSlot >= 0 && Atomics.load(killFlags, killSlot) === 1) throw new DbError('Killed', 'Task is killed.');
    const now = performance.now();
    if (inlineBudget !== undefined && this.#isLong(inlineBudget, now - this.startedMs)) throw new InlineBudgetSpent();
    if (now - this.#lookedMs > LOOK_MS) {
      this.#lookedMs = now;
      lookAtHeap();
    }
    if (now > this.#deadline) {
      throw new DbError('Timeout', `the statement ran longer than its ${this.#timeoutMs} ms`, { hint: 'raise its timeout, or narrow what it reads (EXPLAIN shows how it runs)' });
    }
  }
}

export interface RunningOptions {
  readonly query: PreparedQuery;
  readonly execution: Execution;
  readonly view: GraphView;
  readonly encoder: RowEncoder;
  readonly control: StatementControl;
  readonly summaryRow: boolean;
  readonly surroundings: Surroundings;
}

export class RunningStatement {
  readonly columns: readonly string[];
  readonly #options: RunningOptions;
  readonly #rows: Generator<Value[][]>;
  #batch: readonly Value[][] = [];
  #at = 0;
  #ended = false;
  #summaryRowDue: boolean;

  constructor(options: RunningOptions) {
    this.#options = options;
    this.#rows = options.execution.rows();
    this.#summaryRowDue = options.summaryRow && options.query.updatesWithoutReturn && options.query.mode === 'run';
    this.columns = this.#summaryRowDue ? ['<SUMMARY>'] : options.execution.columns;
  }

  /** The next rows, encoded; with the summary once there are no more. */
  pull(rowsMax: number, version: number): RowsPart {
    return onBehalfOf(this.#options.surroundings, () => this.#pull(rowsMax, version));
  }

  #pull(rowsMax: number, version: number): RowsPart {
    const writer = new ByteWriter(1024);
    const { encoder, view } = this.#options;
    let count = 0;
    const kinds = encoder.kind === undefined ? undefined : this.columns.map(() => 0);
    while (count < rowsMax && writer.length < PART_BYTES_MAX && this.#more()) {
      const row = this.#batch[this.#at++]!;
      const values = row.map((value) => materialize(value, view, encoder.declaredForm === true));
      if (kinds !== undefined) for (let i = 0; i < values.length; i++) kinds[i] = Math.max(kinds[i]!, encoder.kind!(values[i]!));
      encoder.encode(values, writer);
      count++;
    }
    const done = !this.#more();
    return { bytes: new Uint8Array(writer.view()), count, kinds, summary: done ? this.summary(version) : undefined };
  }

  /** Runs to the end without giving rows. */
  drain(): void {
    onBehalfOf(this.#options.surroundings, () => {
      while (this.#more()) this.#at = this.#batch.length;
    });
  }

  #more(): boolean {
    while (this.#at >= this.#batch.length && !this.#ended) {
      const next = this.#rows.next();
      this.#at = 0;
      if (next.done === true) {
        this.#ended = true;
        this.#batch = [];
        if (this.#summaryRowDue) {
          this.#summaryRowDue = false;
          this.#batch = [[this.#options.execution.stats.summary]];
        }
      } else {
        this.#batch = next.value;
      }
    }
    return this.#at < this.#batch.length;
  }

  summary(version: number): QuerySummary {
    const { execution, query, control } = this.#options;
    return {
      version, stats: execution.stats, plan: execution.plan, mode: query.mode,
      notifications: execution.notifications, elapsedMs: control.elapsedMs, repeated: false,
    };
  }

  /** Stops early: operators run their `finally`. */
  close(): void {
    this.#ended = true;
    this.#batch = [];
    this.#rows.return(undefined);
  }
}
