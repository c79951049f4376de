/**
 * The query engine's front door: text → prepared statement → execution.
 *
 * `prepare` says everything the text and the procedures can say: errors, columns, whether it writes. `execute` chooses a plan
 * for the view's catalog and counts, and runs it.
 */
import { DbError } from '../base/errors.ts';
import type { GraphCatalog } from '../graph/catalog.ts';
import type { ExecContext, Execution } from './context.ts';
import type { ProcedureHost } from './procedures.ts';

export type {
  CsvSource, ExecContext, ExecLimits, Execution, Notification, PlanDescription, QueryStats,
} from './context.ts';
export type { ProcedureArg, ProcedureColumn, ProcedureDef, ProcedureHost, ProcedureMode, ProcedureType } from './procedures.ts';
export { NO_PROCEDURES } from './procedures.ts';
export { materialize } from './materialize.ts';

export interface PreparedQuery {
  readonly text: string;
  readonly columns: readonly string[];
  /** `write` and `schema` go to the leader. */
  readonly access: 'read' | 'write' | 'schema' | 'dbms';
  readonly mode: 'run' | 'explain' | 'profile';
  /** `USE graph` */
  readonly graph: string | undefined;
  /** TuGraph answers such a statement with one `<SUMMARY>` row; the text is `QueryStats.summary`. */
  readonly updatesWithoutReturn: boolean;
  readonly summary: 'r' | 'w' | 'rw' | 's';
}

export interface PrepareContext {
  readonly catalog: GraphCatalog;
  readonly procedures: ProcedureHost;
}

/** Parses and checks a statement; throws a DbError. */
export function prepare(text: string, context: PrepareContext): PreparedQuery {
  throw new DbError('NotSupported', `not built yet: ${text.slice(0, 20)} on ${context.catalog.data.labels.length} labels`);
}

/** Runs a prepared statement. Nothing happens before `rows()` is pulled. */
export function execute(query: PreparedQuery, context: ExecContext): Execution {
  throw new DbError('NotSupported', `not built yet: ${query.text.slice(0, 20)} on ${context.view.graphName}`);
}
