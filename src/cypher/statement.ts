/**
 * A parsed and checked statement, and its plans: one for each catalog it has met lately, made again when the counts it was chosen
 * by have changed a lot.
 */
import type { GraphCatalog } from '../graph/catalog.ts';
import type { GraphView } from '../graph/view.ts';
import type { Clause, Projection, Query, Statement } from './ast.ts';
import { withBuiltins } from './builtins/index.ts';
import { administrationQuery, SHOW_PROCEDURE, shownColumns, showQuery } from './commands.ts';
import type { ExecLimits } from './context.ts';
import { buildOperators, type BatchedParts } from './exec/build.ts';
import type { PartableOperator } from './exec/parallel.ts';
import type { Profile } from './exec/profile.ts';
import type { Operator } from './exec/runtime.ts';
import type { Token } from './parser/lexer.ts';
import { parseStatement } from './parser/parse.ts';
import { Env } from './plan/env.ts';
import type { PlanNode } from './plan/plan.ts';
import { PlannerContext } from './plan/planner-context.ts';
import { planQuery } from './plan/query-planner.ts';
import { Statistics } from './plan/statistics.ts';
import type { ProcedureDef, ProcedureHost } from './procedures.ts';
import { checkQuery, isUpdating } from './semantics/check-query.ts';
import { countMentions } from './semantics/mentions.ts';
import { checkContext, Scope } from './semantics/scope.ts';
import { checkStrictSchema } from './semantics/strict-schema.ts';

export type Access = 'read' | 'write' | 'schema' | 'dbms';

export interface BuiltPlan {
  readonly plan: PlanNode;
  readonly run: Operator;
  readonly batched: BatchedParts | undefined;
  readonly partable: PartableOperator | undefined;
  readonly writes: boolean;
}

interface KeptPlan extends BuiltPlan {
  readonly nodes: number;
  readonly relationships: number;
}

/** A plan is made again when the graph has grown or shrunk by more than this. */
const GROWTH = 4;
const SMALL = 1000;

export class PreparedStatement {
  readonly text: string;
  readonly columns: readonly string[];
  readonly access: Access;
  readonly mode: Statement['mode'];
  readonly graph: string | undefined;
  readonly updatesWithoutReturn: boolean;
  /** CALL { } IN TRANSACTIONS: see in-transactions.ts. */
  readonly inTransactions: boolean;
  readonly summary: 'r' | 'w' | 'rw' | 's';
  readonly body: Statement['body'];
  /** The body as a query: SHOW is one too. */
  readonly query: Query | undefined;
  /** The procedures it was checked against. */
  readonly #procedures: ReadonlyMap<string, ProcedureDef | undefined>;
  readonly #mentions: ReadonlyMap<string, number> | undefined;
  readonly #stars: ReadonlyMap<Projection, readonly string[]> = new Map();
  readonly #plans = new WeakMap<GraphCatalog, KeptPlan>();

  constructor(text: string, host: ProcedureHost, tokens?: readonly Token[]) {
    const statement = parseStatement(text, tokens);
    this.text = text;
    this.mode = statement.mode;
    this.graph = statement.graph;
    this.body = statement.body;
    const { body } = statement;
    this.query = body.kind === 'Query' ? body : body.kind === 'Show' ? showQuery(body) : body.kind === 'Administer' ? administrationQuery(body) : undefined;
    if (this.query === undefined) {
      this.columns = [];
      this.#procedures = new Map();
      this.access = 'schema';
      this.summary = 's';
      this.updatesWithoutReturn = false;
      this.inTransactions = false;
      return;
    }
    const met = new Map<string, ProcedureDef | undefined>();
    const procedures = this.proceduresFor(host, met);
    const check = checkContext(text, procedures);
    const checked = checkQuery(check, this.query, new Scope(), 'top');
    this.#stars = check.stars;
    this.#procedures = met;
    this.#mentions = countMentions(this.query);
    this.columns = this.mode === 'explain' ? ['@plan'] : checked.columns;
    const kinds = new Set([...met.values()].map((definition) => definition?.mode));
    this.inTransactions = this.query.parts.some((part) => part.clauses.some((clause) => clause.kind === 'CallSubquery' && clause.inTransactions !== undefined));
    const updates = updatesOf(this.query) || this.inTransactions;
    const standalone = this.query.parts.length === 1 && this.query.parts[0]!.clauses.length === 1 && this.query.parts[0]!.clauses[0]!.kind === 'Call';
    const writes = updates || kinds.has('write') || kinds.has('dbms-write');
    this.access = kinds.has('schema') ? 'schema' : updates || kinds.has('write') ? 'write'
      : kinds.has('dbms-write') || (standalone && kinds.has('dbms-read')) ? 'dbms' : 'read';
    this.summary = kinds.has('schema') ? 's' : !writes ? 'r' : checked.columns.length > 0 ? 'rw' : 'w';
    this.updatesWithoutReturn = updates && checked.columns.length === 0;
  }

  /** Whether what it was checked against still holds. */
  isCurrent(host: ProcedureHost): boolean {
    for (const [name, definition] of this.#procedures) {
      if (name !== SHOW_PROCEDURE && withBuiltins(host).find(name) !== definition) return false;
    }
    return true;
  }

  checkStrict(catalog: GraphCatalog): void {
    if (catalog.strict && this.query !== undefined && this.body.kind === 'Query') checkStrictSchema(this.query, catalog);
  }

  /** The host's procedures, the engine's own, and for SHOW the one that answers it. */
  proceduresFor(host: ProcedureHost, met?: Map<string, ProcedureDef | undefined>): ProcedureHost {
    const all = withBuiltins(host);
    const { body } = this;
    const find = (name: string): ProcedureDef | undefined => (
      name === SHOW_PROCEDURE && body.kind === 'Show' ? showDefinition(shownColumns(body, all)) : all.find(name));
    return {
      find: (name) => {
        const definition = find(name);
        met?.set(name, definition);
        return definition;
      },
      names: () => all.names(),
      call: (definition, args, context) => all.call(definition, args, context),
    };
  }

  /** The next plan is made from the statistics of then. */
  forgetPlan(catalog: GraphCatalog): void {
    this.#plans.delete(catalog);
  }

  /** With a profile to fill, operators are built anew: they measure themselves. */
  planFor(view: GraphView, host: ProcedureHost, limits: ExecLimits, profile?: Profile): BuiltPlan {
    const { catalog } = view;
    const kept = this.#plans.get(catalog);
    if (kept !== undefined && profile === undefined && !grown(kept.nodes, view.nodeCount()) && !grown(kept.relationships, view.relationshipCount())) {
      return kept;
    }
    const context = new PlannerContext(new Statistics(view), this.proceduresFor(host), limits, this.#mentions, this.#stars);
    const planned = planQuery(context, this.query!, new Env(), true);
    const made: KeptPlan = {
      plan: planned.plan, ...buildOperators(planned.plan, context, profile), writes: planned.writes,
      nodes: view.nodeCount(), relationships: view.relationshipCount(),
    };
    if (profile === undefined) this.#plans.set(catalog, made);
    return made;
  }
}

function grown(before: number, now: number): boolean {
  const [less, more] = before < now ? [before, now] : [now, before];
  return more > less * GROWTH + SMALL;
}

function showDefinition(columns: readonly string[]): ProcedureDef {
  return { name: SHOW_PROCEDURE, args: [{ name: 'id', type: 'ANY', default: null }], variadic: true, yields: columns.map((name) => ({ name, type: 'ANY' })), mode: 'read' };
}

function updatesOf(query: Query): boolean {
  return query.parts.some((part) => part.clauses.some(updates));
}

function updates(clause: Clause): boolean {
  return isUpdating(clause) || (clause.kind === 'CallSubquery' && updatesOf(clause.query));
}
