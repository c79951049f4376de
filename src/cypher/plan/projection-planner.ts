/**
 * Plans WITH and RETURN: grouping, DISTINCT, ORDER BY, SKIP, LIMIT, and the WHERE of WITH.
 *
 * A plain projection is made last, of the rows that sorting and LIMIT leave over. One that only passes variables on makes no new
 * rows at all.
 */
import type { Expression, Projection } from '../ast.ts';
import { isAggregateCall } from '../semantics/check-expression.ts';
import {
  closeSortKey, isSimple, openSortKey, resolveItems, type ResolvedItem, type ResolvedProjection,
} from '../semantics/projection.ts';
import type { StaticType } from '../semantics/types.ts';
import { forEachChild, mentionedVariables, sameExpression, substitute } from '../semantics/walk.ts';
import { selectivity } from './access.ts';
import { Env } from './env.ts';
import { variable } from './pattern-graph.ts';
import { inIndexOrder } from './index-order.ts';
import { storedTypes } from './stored-count.ts';
import type { Aggregate, AggregateItem, Assignment, PlanNode, Scoped, SortKey } from './plan.ts';
import type { PlannerContext } from './planner-context.ts';

export interface PlannedProjection {
  readonly plan: PlanNode;
  readonly env: Env;
  readonly columns: readonly string[];
}

/** A variable around the subquery, and its slot in the row that the subquery is asked for. */
export interface Recalled {
  readonly name: string;
  readonly from: number;
  readonly type: StaticType;
}

export function planProjection(
  context: PlannerContext, input: PlanNode, env: Env, projection: Projection, where: Expression | undefined, final: boolean, recalled?: readonly Recalled[],
): PlannedProjection {
  const resolved = resolveItems(projection, context.stars.get(projection) ?? env.names);
  const planned = resolved.closed
    ? planClosed(context, input, env, projection, resolved, where, final, recalled)
    : planOpen(context, input, env, projection, resolved, where, final);
  return { ...planned, columns: resolved.items.map(({ name }) => name) };
}

interface Planned {
  readonly plan: PlanNode;
  readonly env: Env;
}

// ---- plain projections

function planOpen(
  context: PlannerContext, input: PlanNode, env: Env, projection: Projection, resolved: ResolvedProjection, where: Expression | undefined, final: boolean,
): Planned {
  let plan = input;
  const names = new Set(resolved.items.map(({ name }) => name));
  const unlikeBefore = new Set(resolved.items.filter(({ name, expression }) => expression.kind !== 'Variable' || expression.name !== name).map(({ name }) => name));
  const sortsColumns = projection.orderBy.some(({ expression }) => usesInside(expression, unlikeBefore))
    || (projection.orderBy.length > 0 && resolved.items.some(({ expression }) => isVolatile(expression))
      && projection.orderBy.every(({ expression }) => [...mentionedVariables(expression)].every((name) => names.has(name))));
  if (!sortsColumns) {
    const keys = projection.orderBy.map((key): SortKey => ({ expression: openSortKey(key, resolved.items), env, descending: key.descending }));
    plan = orderAndCut(context, plan, keys, projection, env);
  }
  let hidden: string[] = sortsColumns ? [...new Set(projection.orderBy.flatMap(({ expression }) => [...mentionedVariables(expression)]))].filter((name) => !names.has(name) && env.has(name)) : [];
  if (where !== undefined) {
    const outer = [...mentionedVariables(where)].filter((name) => !names.has(name) && env.has(name));
    if (outer.length > 0) {
      if (projection.skip === undefined && projection.limit === undefined && hidden.length === 0 && !usesInside(where, unlikeBefore)) {
        plan = filter(plan, substituteItems(where, resolved.items), env);
      } else hidden = [...new Set([...hidden, ...outer])];
    }
  }
  const alreadyFiltered = where !== undefined && hidden.length === 0
    && [...mentionedVariables(where)].some((name) => !names.has(name) && env.has(name));
  const projected = project(plan, env, resolved.items, hidden, final);
  plan = projected.plan;
  if (sortsColumns) {
    const keys = projection.orderBy.map((key): SortKey => ({ expression: key.expression, env: projected.env, descending: key.descending }));
    plan = orderAndCut(context, plan, keys, projection, projected.env);
  }
  if (where !== undefined && !alreadyFiltered) plan = filter(plan, where, projected.env);
  // Operators are built later, and find what is hidden by its name.
  const after = hidden.length === 0 ? projected.env : projected.env.inner();
  for (const name of hidden) after.forget(name);
  return { plan, env: after };
}

/** Whether a subquery, a pattern or a local variable's scope mentions one of the names: such insides are not rewritten in terms of what was there before. */
function usesInside(e: Expression, names: ReadonlySet<string>): boolean {
  if (names.size === 0) return false;
  switch (e.kind) {
    case 'Subquery': case 'PatternPredicate': case 'PatternComprehension': case 'ShortestPath': case 'ListComprehension': case 'Quantifier': case 'Reduce': case 'MapProjection':
      return [...mentionedVariables(e)].some((name) => names.has(name)) || locals(e).some((name) => names.has(name));
    default: {
      let found = false;
      forEachChild(e, (child) => {
        found ||= usesInside(child, names);
      });
      return found;
    }
  }
}

/** A local variable that has a column's name must not become what the column is computed from. */
function locals(e: Expression): string[] {
  return e.kind === 'ListComprehension' || e.kind === 'Quantifier' ? [e.variable] : e.kind === 'Reduce' ? [e.variable, e.accumulator] : [];
}

function substituteItems(e: Expression, items: readonly ResolvedItem[]): Expression {
  return substitute(e, (each) => (each.kind === 'Variable' ? items.find((item) => item.name === each.name)?.expression : undefined));
}

/** Whether evaluating it twice gives two answers. */
function isVolatile(e: Expression): boolean {
  let found = e.kind === 'Call' && ['rand', 'randomuuid'].includes(e.name.toLowerCase());
  substitute(e, (each) => {
    if (each.kind === 'Call' && ['rand', 'randomuuid'].includes(each.name.toLowerCase())) found = true;
    return undefined;
  });
  return found;
}

function project(input: PlanNode, env: Env, items: readonly ResolvedItem[], hidden: readonly string[], final: boolean): Planned {
  if (!final && items.every(({ expression }) => expression.kind === 'Variable')) {
    // Only names change: the rows stay as they are.
    const slots = new Map<string, number>();
    const types = new Map<string, ReturnType<Env['type']>>();
    for (const { name, expression } of items) {
      if (expression.kind !== 'Variable') continue;
      slots.set(name, env.slot(expression.name)!);
      types.set(name, env.type(expression.name));
    }
    for (const name of hidden) {
      slots.set(name, env.slot(name)!);
      types.set(name, env.type(name));
    }
    return { plan: input, env: new Env(env.layout, slots, types, env.inherited) };
  }
  const target = new Env();
  const all: Assignment[] = items.map(({ name, expression }) => ({ name, expression, env, slot: target.declare(name, typeIn(env, expression)) }));
  for (const name of hidden) all.push({ name, expression: variable(name), env, slot: target.declare(name, env.type(name)) });
  return { plan: { op: 'Project', input, items: all, env: target, rows: input.rows }, env: target };
}

function typeIn(env: Env, e: Expression) {
  return e.kind === 'Variable' ? env.type(e.name) : undefined;
}

// ---- DISTINCT and aggregates

function planClosed(
  context: PlannerContext, input: PlanNode, env: Env, projection: Projection, resolved: ResolvedProjection, where: Expression | undefined,
  final: boolean, recalled?: readonly Recalled[],
): Planned {
  const projected = resolved.aggregates ? aggregate(context, input, env, resolved.items, recalled) : project(input, env, resolved.items, [], final);
  const inner = projected.env;
  let plan = projected.plan;
  if (projection.distinct) {
    const distinct = { op: 'Distinct', input: plan, slots: resolved.items.map(({ name }) => inner.slot(name)!), rows: plan.rows * 0.5 } as const;
    plan = storedTypes(distinct) ?? distinct;
  }
  const keys = projection.orderBy.map((key): SortKey => ({
    expression: closeSortKey(key.expression, resolved.items), env: inner, descending: key.descending,
  }));
  plan = orderAndCut(context, plan, keys, projection, inner);
  if (where !== undefined) plan = filter(plan, closeSortKey(where, resolved.items), inner);
  return { plan, env: inner };
}

function aggregate(context: PlannerContext, input: PlanNode, env: Env, items: readonly ResolvedItem[], recalled: readonly Recalled[] = []): Planned {
  const target = new Env();
  const keys: Assignment[] = [];
  const aggregates: AggregateItem[] = [];
  const found: { readonly call: Expression; readonly name: string }[] = [];
  const direct = items.every((item) => !item.aggregates || isAggregateCall(item.expression));

  const addAggregate = (call: Expression, name: string): void => {
    if (call.kind !== 'Call' && call.kind !== 'CountStar') return;
    found.push({ call, name });
    aggregates.push({
      slot: target.declare(name), name, function: call.kind === 'CountStar' ? 'count' : call.name.toLowerCase(),
      distinct: call.kind === 'Call' && call.distinct, args: call.kind === 'CountStar' ? [] : call.args.map((expression) => ({ expression, env })),
    });
  };
  for (const { name, expression, aggregates: isAggregating } of items) {
    if (!isAggregating) keys.push({ name, expression, env, slot: target.declare(name, typeIn(env, expression)) });
    else if (direct) addAggregate(expression, name);
  }
  // Aggregates inside larger expressions get columns of their own, and the expressions are computed from those.
  const rewritten = direct ? [] : items.map(({ name, expression, aggregates: isAggregating }) => ({
    name, aggregates: false,
    expression: !isAggregating ? variable(name, expression.start) : substitute(expression, (e) => {
      if (isAggregateCall(e)) {
        const known = found.find(({ call }) => sameExpression(call, e));
        if (known !== undefined) return variable(known.name, e.start);
        const fresh = context.fresh('aggregate');
        addAggregate(e, fresh);
        return variable(fresh, e.start);
      }
      const key = isSimple(e) ? items.find((item) => !item.aggregates && sameExpression(item.expression, e)) : undefined;
      return key === undefined ? undefined : variable(key.name, e.start);
    }),
  }));
  const rows = keys.length === 0 ? 1 : Math.max(1, Math.sqrt(input.rows));
  const aggregated: Aggregate = {
    op: 'Aggregate', input, keys, aggregates, env: target, rows,
    ...(recalled.length === 0 ? {} : { recalled: recalled.map(({ name, from, type }) => ({ from, to: target.declare(name, type) })) }),
  };
  const plan = storedTypes(aggregated) ?? aggregated;
  if (direct) return { plan, env: target };
  return project(plan, target, rewritten, recalled.map(({ name }) => name), true);
}

// ---- order and limits

function orderAndCut(context: PlannerContext, input: PlanNode, keys: readonly SortKey[], projection: Projection, env: Env): PlanNode {
  const constant = (expression: Expression): Scoped => ({ expression, env: env.inner() });
  let plan = input;
  const sorted = projection.limit !== undefined && context.beginsWithOneRow ? inIndexOrder(plan, keys, rowsWanted(projection), context.stats.catalog) : undefined;
  if (sorted !== undefined) plan = sorted;
  else if (keys.length > 0) {
    plan = {
      op: 'Sort', input: plan, keys, rows: plan.rows, limit: projection.limit && constant(projection.limit),
      skip: projection.skip && constant(projection.skip),
    };
  }
  if (projection.skip !== undefined) plan = { op: 'Skip', input: plan, count: constant(projection.skip), rows: plan.rows };
  if (projection.limit !== undefined) {
    const rows = typeof literal(projection.limit) === 'number' ? Math.min(plan.rows, literal(projection.limit)!) : plan.rows * 0.5;
    plan = { op: 'Limit', input: plan, count: constant(projection.limit), rows };
  }
  return plan;
}

/** Rows of SKIP and LIMIT together, where both are known. */
function rowsWanted({ skip, limit }: Projection): number | undefined {
  const counts = [skip, limit].map((count) => (count === undefined ? 0 : literal(count)));
  return counts[0] === undefined || counts[1] === undefined ? undefined : counts[0] + counts[1];
}

function literal(e: Expression): number | undefined {
  return e.kind === 'Literal' && typeof e.value === 'number' ? e.value : undefined;
}

function filter(input: PlanNode, predicate: Expression, env: Env): PlanNode {
  return { op: 'Filter', input, predicates: [{ expression: predicate, env }], rows: input.rows * selectivity(predicate) };
}
