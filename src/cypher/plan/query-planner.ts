/**
 * Plans a query clause by clause.
 *
 * Each clause works on the whole table its predecessor made, so an `Eager` stands wherever reading and updating meet: what is
 * read must not see what is changed later, and what is changed must be complete before it is read.
 */
import type {
  CallClause, CallSubqueryClause, Clause, Expression, ForeachClause, MatchClause, MergeClause, PatternPart, Query, SingleQuery,
} from '../ast.ts';
import { importingWith } from '../semantics/check-query.ts';
import { carryImports } from '../semantics/outer-names.ts';
import { containsAggregate, resolveItems } from '../semantics/projection.ts';
import { ANY, NODE } from '../semantics/types.ts';
import { allElements, forEachChild } from '../semantics/walk.ts';
import { findAggregate } from '../functions/index.ts';
import { planCreations } from './create-planner.ts';
import { CSV_PLACES, type Env } from './env.ts';
import { MatchPlanner } from './match-planner.ts';
import { buildPatternGraph } from './pattern-graph.ts';
import type { PlanNode, Union } from './plan.ts';
import { HOPS_MAX, type PlannerContext } from './planner-context.ts';
import { planProjection } from './projection-planner.ts';
import { planStoredCount } from './stored-count.ts';

export interface PlannedQuery {
  readonly plan: PlanNode;
  readonly env: Env;
  /** Empty where the query returns nothing. */
  readonly columns: readonly string[];
  readonly writes: boolean;
}

/** `whole`: the query is the statement itself, not a part that runs for each of several rows. */
export function planQuery(context: PlannerContext, query: Query, env: Env, whole = false): PlannedQuery {
  if (query.parts.length === 1) return planSingle(context, query.parts[0]!, env, whole);
  const parts = query.parts.map((part) => planSingle(context, part, forkFor(env), whole));
  const first = parts[0]!;
  const union: Union = {
    op: 'Union', distinct: query.unionAll[0] !== true, rows: parts.reduce((sum, part) => sum + part.plan.rows, 0),
    inputs: parts.map(({ plan, columns }) => ({ plan, columns: first.columns.map((name) => columns.indexOf(name)) })),
  };
  return { plan: union, env: first.env, columns: first.columns, writes: parts.some(({ writes }) => writes) };
}

/** Parts of a union begin alike, each with a layout of its own. */
function forkFor(env: Env): Env {
  return env.fork();
}

function planSingle(context: PlannerContext, query: SingleQuery, env: Env, whole = false): PlannedQuery {
  const counted = env.allNames.length === 0 ? planStoredCount(context, query) : undefined;
  if (counted !== undefined) return counted;
  return new QueryPlanner(context, env, whole).run(query);
}

class QueryPlanner {
  readonly context: PlannerContext;
  env: Env;
  plan: PlanNode;
  /** Reads of the graph that may still go on, and updates that may not be complete. */
  #reads = false;
  #writes = false;
  #everWrites = false;
  /** Rows may have nodes and relationships in them; those of LOAD CSV and UNWIND alone have not. */
  #holdsEntities: boolean;
  readonly #whole: boolean;
  /** What is around a subquery, where it begins. */
  readonly #first: Env;

  constructor(context: PlannerContext, env: Env, whole = false) {
    this.#whole = whole;
    this.context = context;
    this.env = env;
    this.#first = env.inner();
    this.#holdsEntities = env.names.length > 0;
    this.plan = { op: 'Argument', env, pass: false, rows: 1 };
  }

  run(query: SingleQuery): PlannedQuery {
    let columns: readonly string[] = [];
    for (const [i, clause] of query.clauses.entries()) {
      const next = query.clauses[i + 1];
      if (clause.kind === 'Return') {
        this.#complete();
        this.context.beginsWithOneRow = this.#whole;
        const planned = planProjection(this.context, this.plan, this.env, clause.projection, undefined, true);
        this.plan = planned.plan;
        this.env = planned.env;
        columns = planned.columns;
      } else if (clause.kind === 'Call' && query.clauses.length === 1) columns = this.#planCall(clause, true);
      else this.clause(clause, next);
    }
    const last = query.clauses.at(-1)!;
    if (last.kind === 'Finish' || (last.kind !== 'Return' && columns.length === 0 && this.#everWrites)) this.plan = { op: 'Drain', input: this.plan, rows: 0 };
    return { plan: this.plan, env: this.env, columns, writes: this.#everWrites };
  }

  clause(clause: Clause, next: Clause | undefined): void {
    this.#plan(clause, next);
    this.#holdsEntities ||= ENTITY_CLAUSES.has(clause.kind);
  }

  #plan(clause: Clause, next: Clause | undefined): void {
    switch (clause.kind) {
      case 'Match': this.#planMatch(clause, next); return;
      case 'Unwind': {
        this.#complete();
        const slotEnv = this.env;
        this.#lookInto([clause.list]);
        const list = { expression: clause.list, env: slotEnv.inner() };
        const slot = this.env.declare(clause.variable, ANY);
        this.plan = { op: 'Unwind', input: this.plan, list, slot, name: clause.variable, rows: this.plan.rows * 10 };
        return;
      }
      case 'With': {
        this.#complete();
        const { projection, where } = clause;
        this.#lookInto([...projection.items, ...projection.orderBy].map(({ expression }) => expression).concat(where ?? []));
        this.context.beginsWithOneRow = this.#whole;
        const recalled = projection.recalled?.map((name) => ({ name, from: this.#first.slot(name)!, type: this.#first.type(name) }));
        const planned = planProjection(this.context, this.plan, this.env, projection, where, false, recalled);
        this.plan = planned.plan;
        this.env = planned.env;
        return;
      }
      case 'Return': case 'Finish': return;
      case 'Create': {
        this.#beginUpdate(false);
        const creations = planCreations(this.context, this.env, clause.patterns);
        this.plan = { op: 'Create', input: this.plan, creations, rows: this.plan.rows };
        return;
      }
      case 'Merge': this.#planMerge(clause); return;
      case 'Set':
        this.#beginUpdate(false);
        this.plan = { op: 'Set', input: this.plan, items: clause.items.map((item) => ({ item, env: this.env })), rows: this.plan.rows };
        return;
      case 'Remove':
        this.#beginUpdate(false);
        this.plan = { op: 'Remove', input: this.plan, items: clause.items.map((item) => ({ item, env: this.env })), rows: this.plan.rows };
        return;
      case 'Delete':
        this.#beginUpdate(false);
        this.plan = {
          op: 'Delete', input: this.plan, detach: clause.detach, items: clause.items.map((expression) => ({ expression, env: this.env })), rows: this.plan.rows,
        };
        return;
      case 'Foreach': this.#planForeach(clause); return;
      case 'Call': this.#planCall(clause, false); return;
      case 'CallSubquery': this.#planSubquery(clause); return;
      case 'LoadCsv': {
        this.#complete();
        const url = { expression: clause.url, env: this.env.inner() };
        const slot = this.env.declare(clause.variable, ANY);
        this.plan = {
          op: 'LoadCsv', input: this.plan, url, headers: clause.headers, fieldTerminator: clause.fieldTerminator ?? ',', slot,
          fileSlot: this.env.declare(CSV_PLACES.file, ANY), lineSlot: this.env.declare(CSV_PLACES.linenumber, ANY), rows: this.plan.rows * 1000,
        };
      }
    }
  }

  /** Before anything looks at the table: updates so far must be complete. */
  #complete(): void {
    if (!this.#writes) return;
    this.plan = { op: 'Eager', input: this.plan, rows: this.plan.rows };
    this.#writes = false;
    this.#reads = false;
  }

  /** What a clause computes may be read from the graph, row by row: the next update waits until that is done for all. */
  #lookInto(expressions: readonly Expression[]): void {
    if (!expressions.some((each) => readsGraph(each, this.#holdsEntities))) return;
    this.#reads = true;
    this.#holdsEntities = true;
  }

  #beginUpdate(alsoReads: boolean): void {
    if (this.#reads || (alsoReads && this.#writes)) this.plan = { op: 'Eager', input: this.plan, rows: this.plan.rows };
    this.#reads = false;
    this.#writes = true;
    this.#everWrites = true;
  }

  #planMatch(clause: MatchClause, next: Clause | undefined): void {
    this.#complete();
    this.#reads = true;
    const { context } = this;
    const graph = { ...buildPatternGraph(clause.patterns, clause.where, context, context.limits.hopsMax ?? HOPS_MAX), isRepeatable: clause.isRepeatable === true };
    context.startHints = new Set(clause.hints.flatMap((hint) => (hint.kind === 'join' ? [] : [hint.variable])));
    context.distinctEnds = !clause.optional && ignoresMultiplicity(next, this.env, context.stars);
    if (!clause.optional) {
      this.plan = new MatchPlanner(context, this.env, graph, this.plan).run();
    } else {
      const ordinal = this.env.declare(context.fresh('ordinal'));
      const right = new MatchPlanner(context, this.env, graph, { op: 'Argument', env: this.env, pass: true, rows: 1 }).run();
      const slots: number[] = [];
      for (let slot = ordinal + 1; slot < this.env.layout.width; slot++) slots.push(slot);
      this.plan = { op: 'Optional', input: this.plan, right, ordinal, slots, rows: this.plan.rows * Math.max(1, right.rows) };
    }
    context.distinctEnds = false;
    context.startHints = new Set();
    // A used variable of an unused pattern element still needs its name: the planner left it out only where nothing reads it.
    declareUnused(this.env, clause.patterns);
  }

  #planMerge(clause: MergeClause): void {
    this.#beginUpdate(true);
    const { context, env } = this;
    const before = env.inner();
    const graph = buildPatternGraph([clause.pattern], undefined, context, HOPS_MAX);
    const matchEnv = env.fork();
    const required = graph.predicates.flatMap(({ expression }) => (
      expression.kind === 'Binary' && expression.op === '=' ? [{ expression: expression.right, env: before }] : []));
    // The pattern's variables live in the row, whether found or created; the search runs on a copy of the row.
    const creations = planCreations(context, env, [clause.pattern]);
    const match = new MatchPlanner(allUsed(context), matchEnv, graph, { op: 'Argument', env: matchEnv, pass: false, rows: 1 }).run();
    const found: { from: number; to: number; name: string }[] = [];
    for (const name of matchEnv.names) {
      const to = env.slot(name);
      if (to !== undefined && !before.has(name)) found.push({ from: matchEnv.slot(name)!, to, name });
    }
    this.plan = {
      op: 'Merge', input: this.plan, match, found, creations, required, rows: this.plan.rows,
      onCreate: clause.onCreate.map((item) => ({ item, env })), onMatch: clause.onMatch.map((item) => ({ item, env })),
    };
  }

  #planForeach(clause: ForeachClause): void {
    this.#beginUpdate(true);
    const list = { expression: clause.list, env: this.env.inner() };
    // The element's slot belongs to the outer row, which the inner rows copy.
    const withElement = this.env.inner();
    const slot = withElement.declare(clause.variable, ANY);
    const inner = new QueryPlanner(this.context, withElement.fork());
    for (const each of clause.clauses) inner.clause(each, undefined);
    this.plan = { op: 'Foreach', input: this.plan, list, slot, name: clause.variable, right: inner.plan, rows: this.plan.rows };
  }

  #planCall(clause: CallClause, standalone: boolean): readonly string[] {
    const definition = this.context.procedures.find(clause.procedure)!;
    const writes = definition.mode !== 'read' && definition.mode !== 'dbms-read';
    if (writes) this.#beginUpdate(true);
    else {
      this.#complete();
      this.#reads = true;
    }
    const argumentEnv = this.env.inner();
    const args = clause.args?.map((expression) => ({ expression, env: argumentEnv }));
    const items = clause.yields ?? (standalone || clause.yieldStar
      ? definition.yields.map(({ name }) => ({ column: name, variable: name })) : []);
    const columns = items.map(({ column, variable }) => ({
      from: definition.yields.findIndex(({ name }) => name === column), to: this.env.declare(variable), name: variable,
    }));
    this.plan = {
      op: 'ProcedureCall', input: this.plan, definition, args, columns, optional: clause.optional,
      passes: definition.yields.length === 0 && !standalone, rows: this.plan.rows * 10,
    };
    if (clause.where !== undefined) {
      this.plan = { op: 'Filter', input: this.plan, predicates: [{ expression: clause.where, env: this.env }], rows: this.plan.rows * 0.5 };
    }
    return items.map(({ variable }) => variable);
  }

  #planSubquery(clause: CallSubqueryClause): void {
    const planned = planSubqueryBody(this.context, clause, this.env);
    // The batches of IN TRANSACTIONS cannot disturb each other's input: that is read from one snapshot.
    if (planned.writes && clause.inTransactions === undefined) this.#beginUpdate(true);
    else {
      this.#complete();
      this.#reads = true;
    }
    const columns = planned.columns.map((name, from) => ({ from, to: this.env.declare(name), name }));
    const { inTransactions: batches } = clause;
    const inTransactions = batches === undefined ? undefined : {
      rows: batches.rows === undefined ? undefined : { expression: batches.rows, env: this.env }, onError: batches.onError,
      status: batches.status === undefined ? undefined : this.env.declare(batches.status),
    };
    this.plan = {
      op: 'CallSubquery', input: this.plan, right: planned.plan, columns, optional: clause.optional, inTransactions,
      unit: planned.columns.length === 0, rows: this.plan.rows * Math.max(1, planned.plan.rows),
    };
  }
}

function planSubqueryBody(context: PlannerContext, clause: CallSubqueryClause, env: Env): PlannedQuery {
  if (clause.imports !== undefined) {
    const visible = clause.imports === 'all' ? undefined : new Set(clause.imports);
    return planQuery(context, carryImports(clause, env.names), env.fork(visible));
  }
  const parts = clause.query.parts.map((part) => {
    const imports = importingWith(part);
    if (imports === undefined) return planSingle(context, part, env.fork(new Set()));
    const visible = imports === 'all' ? undefined : new Set(imports);
    return planSingle(context, { ...part, clauses: part.clauses.slice(1) }, env.fork(visible));
  });
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const plan: Union = {
    op: 'Union', distinct: clause.query.unionAll[0] !== true, rows: parts.reduce((sum, part) => sum + part.plan.rows, 0),
    inputs: parts.map((part) => ({ plan: part.plan, columns: first.columns.map((name) => part.columns.indexOf(name)) })),
  };
  return { plan, env: first.env, columns: first.columns, writes: parts.some(({ writes }) => writes) };
}

/** What may put nodes and relationships into rows that had none. */
const ENTITY_CLAUSES: ReadonlySet<Clause['kind']> = new Set(['Match', 'Create', 'Merge', 'Call', 'CallSubquery']);
const PATTERN_KINDS: ReadonlySet<Expression['kind']> = new Set(['PatternComprehension', 'PatternPredicate', 'ShortestPath', 'Subquery']);
const ENTITY_KINDS: ReadonlySet<Expression['kind']> = new Set(['Property', 'Index', 'HasLabels', 'MapProjection']);

/** Whether its value depends on the graph: on patterns in it, or on what the entities of a row are like. */
function readsGraph(e: Expression, holdsEntities: boolean): boolean {
  if (PATTERN_KINDS.has(e.kind)) return true;
  if (holdsEntities && (ENTITY_KINDS.has(e.kind) || (e.kind === 'Call' && findAggregate(e.name) === undefined))) return true;
  let reads = false;
  forEachChild(e, (child) => {
    reads ||= readsGraph(child, holdsEntities);
  });
  return reads;
}

/** Unused variables of a pattern got no slot; name resolution must still know them. */
function declareUnused(env: Env, patterns: readonly PatternPart[]): void {
  for (const part of patterns) {
    for (const element of [part, ...allElements(part.elements)]) {
      // A node of what is repeated is a list of nodes out here.
      const isNode = element.kind === 'Node' && part.elements.includes(element);
      if (element.variable !== undefined && !env.has(element.variable)) env.declare(element.variable, isNode ? NODE : ANY);
    }
  }
}

/** In MERGE every variable may be asked for by ON MATCH or later clauses. */
function allUsed(context: PlannerContext): PlannerContext {
  return Object.assign(Object.create(context) as PlannerContext, { isUsed: (name: string) => !name.startsWith(' ') });
}

/** Whether a projection gives the same answer however often each row comes: DISTINCT, or aggregates that ignore repetitions. */
function ignoresMultiplicity(next: Clause | undefined, env: Env, stars: PlannerContext['stars']): boolean {
  if (next?.kind !== 'With' && next?.kind !== 'Return') return false;
  const { projection } = next;
  const resolved = resolveItems(projection, stars.get(projection) ?? env.names);
  if (!resolved.aggregates) return projection.distinct;
  return resolved.items.every(({ expression }) => {
    if (!containsAggregate(expression)) return true;
    if (expression.kind !== 'Call' || findAggregate(expression.name) === undefined) return false;
    return expression.distinct || ['min', 'max'].includes(expression.name.toLowerCase());
  });
}
