/**
 * CALL { … } IN TRANSACTIONS: what stands before it is read from one snapshot; its rows go, some thousand at a time, into
 * transactions of their own, each committed before the next one begins; what stands behind it runs over all the rows that came out.
 *
 * ON ERROR FAIL ends the statement with the error, CONTINUE goes on with the next batch, BREAK skips all further ones: in each case
 * what was committed stays. Columns of a batch that failed are null.
 */
import { eachOnBehalfOf, onBehalfOf } from '../base/allowance.ts';
import { asDbError, DbError } from '../base/errors.ts';
import { mapItems } from '../value/items.ts';
import { NodeValue, PathValue, RelationshipValue, type Value } from '../value/value.ts';
import { emptyStats, surroundingsOf, type ExecContext, type Execution, type QueryStats } from './context.ts';
import type { PreparedQuery } from './engine.ts';
import type { BatchedParts } from './exec/build.ts';
import { subqueryRows } from './exec/row-operators.ts';
import { Profile } from './exec/profile.ts';
import { Runtime, type Row } from './exec/runtime.ts';
import { describePlan } from './plan/describe.ts';
import { PreparedStatement } from './statement.ts';

/** Where the transactions come from. */
export interface TransactionSource {
  /** For what stands before; the snapshot must hold until the batches are done. */
  readonly read: ExecContext;
  /** For what stands behind: a snapshot that has what the batches did. */
  after(): ExecContext;
  /** Runs the work as one transaction and resolves once that is committed; rejects with what the work throws, and changes nothing then. */
  write<T>(work: (context: ExecContext) => T): Promise<T>;
}

const ROWS_DEFAULT = 1000;

/** Runs everything but what stands behind; that runs as the result's rows are pulled. */
export async function executeInTransactions(query: PreparedQuery, source: TransactionSource): Promise<Execution> {
  if (!(query instanceof PreparedStatement)) throw new DbError('Internal', 'executeInTransactions needs a statement prepared in this thread');
  const { read } = source;
  const profile = query.mode === 'profile' ? new Profile() : undefined;
  const counting = (context: ExecContext): ExecContext => profile?.counting(context) ?? context;
  const plan = query.planFor(read.view, read.procedures, read.limits, profile);
  const { batched, run } = plan;
  if (batched === undefined) throw new DbError('Internal', 'the statement has no CALL { } IN TRANSACTIONS');
  const stats = emptyStats();
  const { rows, notDone } = await runBatches(batched, new Runtime(counting(read), query.proceduresFor(read.procedures)), {
    read, after: () => source.after(), write: (work) => source.write((context) => work(counting(context))),
  }, query, stats);
  const after = source.after();
  const rt = new Runtime(counting(after), query.proceduresFor(after.procedures));
  if (notDone > 0) {
    rt.notifications.push({
      code: 'Neo.ClientNotification.Statement.FeatureDeprecationWarning', title: `${notDone} rows were not committed`, severity: 'WARNING',
      description: 'Their batch failed, or an earlier one did; ON ERROR says that the statement goes on. REPORT STATUS AS tells which, and why.',
    });
  }
  rt.batchedRows = [rows];
  const width = query.columns.length;
  return {
    columns: query.columns, stats, notifications: rt.notifications,
    get plan() {
      return query.mode === 'run' ? undefined : describePlan(plan.plan, { source: query.text, profile });
    },
    *rows() {
      for (const batch of run(rt, [[[]]])) {
        if (width > 0 && batch.length > 0) yield batch.map((row) => (row.length === width ? row : row.slice(0, width)));
      }
    },
  };
}

async function runBatches(
  { node, outer, inner, rows: count }: BatchedParts, rt: Runtime, source: TransactionSource, statement: PreparedStatement, stats: QueryStats,
): Promise<{ rows: Row[]; notDone: number }> {
  const { onError, status } = node.inTransactions!;
  const wanted = count === undefined ? ROWS_DEFAULT : rowsOf(count([], rt));
  const keeps = !statement.updatesWithoutReturn;
  const result: Row[] = [];
  let number = 0;
  let broken = false;
  let notDone = 0;
  for (const batch of eachOnBehalfOf(surroundingsOf(source.read), chunked(outer(rt, [[[]]]), wanted))) {
    rt.checkpoint(batch.length);
    number++;
    let outcome: BatchOutcome;
    if (broken) outcome = { rows: undefined, started: false, message: null };
    else outcome = await runBatch(node, inner, statement, source, onBehalfOf(surroundingsOf(source.read), () => batch.map((row) => row.map(detached))), stats);
    if (outcome.error !== undefined && (onError === 'fail' || isFinal(outcome.error))) throw outcome.error;
    broken ||= outcome.error !== undefined && onError === 'break';
    if (outcome.rows === undefined) notDone += batch.length;
    if (!keeps) continue;
    const made = outcome.rows ?? batch.map((row) => withNulls(row, node.columns));
    if (status !== undefined) {
      const report = new Map<string, Value>([
        ['started', outcome.started], ['committed', outcome.rows !== undefined], ['transactionId', outcome.started ? `batch-${number}` : null], ['errorMessage', outcome.message],
      ]);
      for (const row of made) row[status] = report;
    }
    for (const row of made) result.push(row);
  }
  return { rows: result, notDone };
}

interface BatchOutcome {
  readonly rows: Row[] | undefined;
  readonly started: boolean;
  readonly message: string | null;
  readonly error?: DbError;
}

async function runBatch(
  node: BatchedParts['node'], inner: BatchedParts['inner'], statement: PreparedStatement, source: TransactionSource, batch: readonly Row[], stats: QueryStats,
): Promise<BatchOutcome> {
  try {
    const done = await source.write((context) => onBehalfOf(surroundingsOf(context), () => {
      const rt = new Runtime(context, statement.proceduresFor(context.procedures));
      const rows: Row[] = [];
      for (const part of subqueryRows(node, inner, rt, batch)) for (const row of part) rows.push(row);
      rt.writer.checkStatement();
      return { rows, stats: rt.stats };
    }));
    add(stats, done.stats);
    return { rows: done.rows, started: true, message: null };
  } catch (thrown) {
    const error = asDbError(thrown);
    return { rows: undefined, started: true, message: error.message, error };
  }
}

/** Neither CONTINUE nor BREAK goes past these: the statement as a whole has to end, or its outcome is open. */
function isFinal({ code }: DbError): boolean {
  return code === 'Killed' || code === 'Timeout' || code === 'OutcomeUnknown' || code === 'NotLeader' || code === 'NoLeader' || code === 'ShuttingDown' || code === 'Internal';
}

function rowsOf(value: Value): number {
  if (typeof value === 'number' && value >= 1) return value;
  throw new DbError('ArgumentError', 'NumberOutOfRange: IN TRANSACTIONS OF n ROWS needs a positive integer', { detail: 'NumberOutOfRange' });
}

function* chunked(batches: Iterable<Row[]>, size: number): Generator<Row[]> {
  let rows: Row[] = [];
  for (const batch of batches) {
    for (const row of batch) {
      rows.push(row);
      if (rows.length < size) continue;
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
}

function withNulls(row: Row, columns: BatchedParts['node']['columns']): Row {
  const copy = row.slice();
  for (const { to } of columns) copy[to] = null;
  return copy;
}

/** Handles without what their snapshot knew of them: in a transaction they are resolved anew. */
function detached(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof NodeValue) return new NodeValue(value.id);
  if (value instanceof RelationshipValue) return new RelationshipValue(value.id, value.typeId, value.start, value.end);
  if (value instanceof PathValue) return new PathValue(value.nodes.map((node) => detached(node) as NodeValue), value.relationships.map((each) => detached(each) as RelationshipValue));
  if (Array.isArray(value) || value instanceof Map) return mapItems(value, detached);
  return value;
}

/** `created 2 vertices, created 1 edges.` twice is `created 4 vertices, created 2 edges.` */
function addedSummaries(a: string, b: string): string {
  const numbers = [...a.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  let at = 0;
  return b.replace(/\d+/g, (digits) => String(Number(digits) + (numbers[at++] ?? 0)));
}

function add(total: QueryStats, part: QueryStats): void {
  const { summary, ...counts } = part;
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) total[key] += counts[key];
  total.summary = total.summary === '' ? summary : addedSummaries(total.summary, summary);
}
