/**
 * The query engine's front door: text → prepared statement → execution.
 *
 * `prepare` says everything the text and the procedures can say: errors, columns, whether it writes. `execute` chooses a plan
 * for the view's catalog and counts, and runs it.
 */
import { asDbError, DbError } from '../base/errors.ts';
import type { GraphCatalog } from '../graph/catalog.ts';
import type { Value } from '../value/value.ts';
import { runSchemaCommand, SHOW_PROCEDURE, shownRows, type SchemaCommand } from './commands.ts';
import type { ExecContext, Execution, PlanDescription, SharedPlan } from './context.ts';
import { helpOut, isLarge, NO_PARTS, type HelperParts, type PartableOperator } from './exec/parallel.ts';
import { Profile } from './exec/profile.ts';
import { Runtime } from './exec/runtime.ts';
import { liftLiterals } from './literals.ts';
import { describePlan, planText } from './plan/describe.ts';
import type { ProcedureHost } from './procedures.ts';
import { PreparedStatement, type BuiltPlan } from './statement.ts';

export type {
  CsvSource, ExecContext, ExecLimits, Execution, FullTextSettings, Helper, Helpers, Notification, PlanDescription, QueryStats, SharedPlan, SpillFile, SpillStore,
} from './context.ts';
export { PARALLEL_ROWS, surroundingsOf } from './context.ts';
export { Board } from './exec/board.ts';
export { HelperLeaves, NO_PARTS, type HelperParts } from './exec/parallel.ts';
export type { ProcedureArg, ProcedureColumn, ProcedureDef, ProcedureHost, ProcedureMode, ProcedureType } from './procedures.ts';
export { executeInTransactions, type TransactionSource } from './in-transactions.ts';
export { NO_PROCEDURES } from './procedures.ts';
export { materialize } from './materialize.ts';
export { planText } from './plan/describe.ts';

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
  /** CALL { } IN TRANSACTIONS: runs by `executeInTransactions`. */
  readonly inTransactions: boolean;
  readonly summary: 'r' | 'w' | 'rw' | 's';
}

export interface PrepareContext {
  readonly catalog: GraphCatalog;
  readonly procedures: ProcedureHost;
}

/** Statements kept parsed and planned; the least recently used one goes first. */
const STATEMENTS_MAX = 1000;
/** Longer texts are mostly data: each comes once. */
const TEXT_KEPT_MAX = 20_000;
const statements = new Map<string, PreparedStatement | LiftedStatement>();
/** Statements without their literals, by `Lifted.key`; undefined where that did not do. */
const shapes = new Map<string, PreparedStatement | undefined>();

/** A statement that shares the plan of others that differ in literals only. */
class LiftedStatement implements PreparedQuery {
  readonly text: string;
  readonly shape: PreparedStatement;
  readonly literals: ReadonlyMap<string, Value>;
  readonly columns: readonly string[];
  readonly access: PreparedQuery['access'];
  readonly mode = 'run';
  readonly graph: string | undefined;
  readonly updatesWithoutReturn: boolean;
  readonly inTransactions = false;
  readonly summary: PreparedQuery['summary'];

  constructor(text: string, shape: PreparedStatement, literals: ReadonlyMap<string, Value>) {
    this.text = text;
    this.shape = shape;
    this.literals = literals;
    this.columns = shape.columns;
    this.access = shape.access;
    this.graph = shape.graph;
    this.updatesWithoutReturn = shape.updatesWithoutReturn;
    this.summary = shape.summary;
  }

  isCurrent(host: ProcedureHost): boolean {
    return this.shape.isCurrent(host);
  }

  checkStrict(catalog: GraphCatalog): void {
    this.shape.checkStrict(catalog);
  }
}

/** Parses and checks a statement; throws a DbError. */
export function prepare(text: string, context: PrepareContext): PreparedQuery {
  let statement = statements.get(text);
  if (statement !== undefined && statement.isCurrent(context.procedures)) {
    // To the end: most recently used.
    statements.delete(text);
  } else statement = (text.length <= TEXT_KEPT_MAX ? lifted(text, context.procedures) : undefined) ?? checked(text, context.procedures);
  if (text.length <= TEXT_KEPT_MAX) keep(statements, text, statement);
  statement.checkStrict(context.catalog);
  return statement;
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > STATEMENTS_MAX) map.delete(map.keys().next().value!);
}

/** The statement with its literals as parameters, where it has such and that is allowed. */
function lifted(text: string, procedures: ProcedureHost): LiftedStatement | undefined {
  const found = liftLiterals(text);
  if (found === undefined) return undefined;
  const { key, tokens, values } = found;
  let shape = shapes.get(key);
  if (shape === undefined && shapes.has(key)) return undefined;
  if (shape === undefined || !shape.isCurrent(procedures)) {
    try {
      shape = new PreparedStatement(text, procedures, tokens);
    } catch {
      // Whatever is wrong with it is said of the statement as it is written.
      shape = undefined;
    }
  }
  keep(shapes, key, shape);
  return shape === undefined ? undefined : new LiftedStatement(text, shape, values);
}

/** Thousands of operators in one expression are deeper than the stack: the statement's fault, said as such. */
function checked(text: string, procedures: ProcedureHost): PreparedStatement {
  try {
    return new PreparedStatement(text, procedures);
  } catch (error) {
    throw asDbError(error);
  }
}

/** Runs a prepared statement. Nothing happens before `rows()` is pulled. */
export function execute(query: PreparedQuery, context: ExecContext): Execution {
  // Only this module makes prepared queries; one from another thread is just its text.
  const statement = query instanceof PreparedStatement || query instanceof LiftedStatement ? query
    : prepare(query.text, { catalog: context.view.catalog, procedures: context.procedures }) as PreparedStatement | LiftedStatement;
  return statement instanceof LiftedStatement ? new StatementExecution(statement.shape, context, statement.literals) : new StatementExecution(statement, context);
}

/** Takes parts of the work of a statement that runs in another thread, if it would run in the same way here; `undefined`: in vain, the parts do not go together. */
export function helpWith(query: PreparedQuery, context: ExecContext, shared: Pick<SharedPlan, 'board' | 'plan'>, mayLeave: () => boolean): HelperParts | undefined {
  const [statement, literals] = query instanceof LiftedStatement ? [query.shape, query.literals] : [query as PreparedStatement, undefined];
  const plan = (): PartableOperator | undefined => statement.planFor(context.view, context.procedures, context.limits).partable;
  let partable = plan();
  if (partable?.fingerprint !== shared.plan) {
    statement.forgetPlan(context.view.catalog);
    partable = plan();
  }
  if (partable === undefined || partable.fingerprint !== shared.plan) return NO_PARTS;
  return helpOut(partable, new Runtime(context, statement.proceduresFor(context.procedures), literals), shared.board, mayLeave);
}

class StatementExecution implements Execution {
  readonly columns: readonly string[];
  readonly #statement: PreparedStatement;
  readonly #runtime: Runtime;
  readonly #profile: Profile | undefined;
  #built: BuiltPlan | undefined;

  constructor(statement: PreparedStatement, context: ExecContext, literals?: ReadonlyMap<string, Value>) {
    this.columns = statement.columns;
    this.#statement = statement;
    const all = statement.proceduresFor(context.procedures);
    this.#profile = statement.mode === 'profile' ? new Profile() : undefined;
    const runtime: Runtime = new Runtime(this.#profile?.counting(context) ?? context, {
      find: (name) => all.find(name),
      names: () => all.names(),
      call: (definition, args, given) => (definition.name === SHOW_PROCEDURE && statement.body.kind === 'Show'
        ? shownRows(statement.body, runtime, args) : all.call(definition, args, given)),
    }, literals);
    this.#runtime = runtime;
  }

  get stats() {
    return this.#runtime.stats;
  }

  get notifications() {
    return this.#runtime.notifications;
  }

  get plan(): PlanDescription | undefined {
    const statement = this.#statement;
    if (statement.mode === 'run' || statement.query === undefined) return undefined;
    const built = this.#plan();
    const { partable } = built;
    const shared = partable !== undefined && isLarge(this.#runtime, partable.plan) ? partable.plan.aggregate : undefined;
    return describePlan(built.plan, { source: statement.text, profile: this.#profile, shared });
  }

  #plan(): BuiltPlan {
    const { context } = this.#runtime;
    try {
      this.#built ??= this.#statement.planFor(context.view, context.procedures, context.limits, this.#profile);
    } catch (error) {
      throw asDbError(error);
    }
    return this.#built;
  }

  *rows(): Generator<Value[][]> {
    const statement = this.#statement;
    const runtime = this.#runtime;
    if (statement.mode === 'explain') {
      yield [[this.#explained()]];
      return;
    }
    if (statement.query === undefined) {
      runSchemaCommand(statement.body as SchemaCommand, runtime);
      return;
    }
    const { run } = this.#plan();
    const width = this.columns.length;
    for (const batch of run(runtime, [[[]]])) {
      if (width === 0 || batch.length === 0) continue;
      // Rows may carry slots of sort keys and the like behind the columns.
      yield batch[0]!.length === width ? batch : batch.map((row) => row.slice(0, width));
    }
    if (statement.access !== 'read' && 'checkStatement' in runtime.view) runtime.writer.checkStatement();
  }

  #explained(): string {
    const { plan } = this;
    const readOnly = this.#statement.access === 'read' || this.#statement.summary === 'r' ? 1 : 0;
    if (plan === undefined) throw new DbError('NotSupported', 'a schema command has no plan');
    return `ReadOnly:${readOnly}\nExecution Plan:\n${planText(plan)}`;
  }
}
