/**
 * What operators and compiled expressions share while a statement runs.
 */
import { DbError } from '../../base/errors.ts';
import type { GraphView, GraphWriter } from '../../graph/view.ts';
import type { Value } from '../../value/value.ts';
import { emptyStats, type ExecContext, type Notification, type QueryStats } from '../context.ts';
import type { FunctionContext } from '../functions/index.ts';
import type { PlanNode } from '../plan/plan.ts';
import type { ProcedureHost } from '../procedures.ts';

/** Slots of variables. A row that an operator yields belongs to whoever takes it. */
export type Row = Value[];

/** A compiled expression. It may use slots of the row that are its own. */
export type Evaluate = (row: Row, rt: Runtime) => Value;

/** A compiled operator: rows in, rows out, in batches. */
export type Operator = (rt: Runtime, source: Iterable<Row[]>) => Iterable<Row[]>;

/** Rows in a batch: small at first, so that LIMIT 1 is cheap, then larger. */
export const BATCH_MIN = 16;
export const BATCH_MAX = 1024;

const LOT_BYTES = 64 * 1024;

export interface ScanPart {
  readonly leaf: PlanNode;
  ids(labelId: number | undefined): Iterable<ArrayLike<number>>;
}

export class Runtime {
  readonly context: ExecContext;
  readonly view: GraphView;
  /** What the statement reads may change while it runs. */
  readonly canWrite: boolean;
  readonly parameters: ReadonlyMap<string, Value>;
  /** The host's procedures and the engine's own. */
  readonly procedures: ProcedureHost;
  readonly functions: FunctionContext;
  readonly stats: QueryStats = emptyStats();
  /** What the batches of CALL { } IN TRANSACTIONS gave: they have run before the rest of the statement does. */
  batchedRows: Iterable<Row[]> | undefined;
  readonly notifications: Notification[] = [];
  /** While a part of a scan is read (see parallel.ts): that scan, and its ids instead of all. */
  part: ScanPart | undefined;
  #sinceCheck = 0;
  /** Held bytes are claimed in lots of this: most operators keep little, and then claiming costs an addition. */
  readonly lotBytes: number;
  /** Operators that can move what they hold to disk do so beyond this. The rest of the limit is for those that cannot. */
  readonly #spillAbove: number;
  #heldBytes = 0;
  #spilledBytes = 0;

  /** `literals`: what was lifted out of the statement's text (see cypher/literals.ts). */
  constructor(context: ExecContext, procedures: ProcedureHost, literals?: ReadonlyMap<string, Value>) {
    this.context = context;
    this.procedures = procedures;
    this.view = context.view;
    this.canWrite = 'createNode' in context.view;
    const { memoryBytes = Infinity } = context.limits;
    this.lotBytes = Math.min(LOT_BYTES, memoryBytes / 16);
    this.#spillAbove = context.spill === undefined ? Infinity : memoryBytes / 2;
    const { parameters } = context;
    this.parameters = literals === undefined ? parameters : parameters.size === 0 ? literals : new Map([...parameters, ...literals]);
    this.functions = {
      view: context.view,
      statementTime: { wallMs: context.wallMs },
      transactionTime: { wallMs: context.transactionMs ?? context.wallMs },
      timeZone: context.timeZone,
      random: context.random,
      graphs: context.graphs,
      listItemsMax: context.limits.listItemsMax,
    };
  }

  get writer(): GraphWriter {
    if (!this.canWrite) throw new DbError('AccessMode', 'a read-only transaction cannot change the graph');
    return this.view as GraphWriter;
  }

  /** Counts what operators hold (see holding.ts) against the statement's limit. */
  claim(bytes: number): void {
    this.#heldBytes += bytes;
    const max = this.context.limits.memoryBytes;
    if (max !== undefined && bytes > 0 && this.#heldBytes > max) {
      throw new DbError('MemoryLimit', `the statement holds more than the ${Math.round(max / 1024 / 1024)} MB it may`, {
        hint: 'return or group less at once, or raise query_memory_mb',
      });
    }
  }

  /** Whether an operator that holds so many bytes should move them to disk, if it can: little ones would only make many runs. */
  isPressed(holds: number): boolean {
    return this.#heldBytes > this.#spillAbove && holds > this.#spillAbove / 4;
  }

  /** Counts bytes on disk against the statement's limit. */
  claimSpilled(bytes: number): void {
    this.#spilledBytes += bytes;
    const max = this.context.spill?.statementBytesMax ?? 0;
    if (bytes > 0 && this.#spilledBytes > max) {
      throw new DbError('MemoryLimit', `the statement has more than the ${Math.round(max / 1024 / 1024)} MB it may have in temporary files`, {
        hint: 'return or group less at once, or raise query_spill_mb',
      });
    }
  }

  checkpoint(rows: number): void {
    this.context.checkpoint(rows);
  }

  /** For long loops that yield nothing: asks at every few thousand steps. */
  tick(steps = 1): void {
    this.#sinceCheck += steps;
    if (this.#sinceCheck < 4096) return;
    this.#sinceCheck = 0;
    this.context.checkpoint(0);
  }
}

/** Rows in batches, each as `row` makes it. */
export function batched(rt: Runtime, rows: Iterable<Row>): Generator<Row[]>;
export function batched<T>(rt: Runtime, items: Iterable<T>, row: (item: T) => Row): Generator<Row[]>;
export function* batched<T>(rt: Runtime, items: Iterable<T>, row?: (item: T) => Row): Generator<Row[]> {
  let batch: Row[] = [];
  for (const item of items) {
    batch.push(row === undefined ? item as Row : row(item));
    if (batch.length < BATCH_MAX) continue;
    rt.checkpoint(batch.length);
    yield batch;
    batch = [];
  }
  if (batch.length > 0) {
    rt.checkpoint(batch.length);
    yield batch;
  }
}

export function nullRow(width: number): Row {
  const row: Row = [];
  for (let i = 0; i < width; i++) row.push(null);
  return row;
}

/** A copy of the first `take` slots in a row of `width`. */
export function widened(row: Row, take: number, width: number): Row {
  const copy = row.slice(0, take);
  while (copy.length < width) copy.push(null);
  return copy;
}
