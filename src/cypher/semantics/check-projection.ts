/**
 * Checks WITH and RETURN: column names, grouping, sort keys, SKIP and LIMIT.
 */
import type { Expression, Projection } from '../ast.ts';
import { Float } from '../../value/value.ts';
import { checkExpression, checkPredicate, isAggregateCall, PROJECTED, VALUE } from './check-expression.ts';
import { closeSortKey, containsAggregate, isSimple, resolveItems, type ResolvedItem, type ResolvedProjection } from './projection.ts';
import { Scope, undefinedVariable, type CheckContext } from './scope.ts';
import { forEachChild, mentionedVariables, sameExpression } from './walk.ts';
import { ANY, type StaticType } from './types.ts';

export interface CheckedProjection {
  readonly scope: Scope;
  readonly columns: readonly string[];
}

export function checkProjection(
  context: CheckContext, projection: Projection, scope: Scope, clause: 'WITH' | 'RETURN', offset: number, where?: Expression,
): CheckedProjection {
  if (projection.star) context.stars.set(projection, scope.names);
  const resolved = resolveItems(projection, scope.names);
  if (resolved.items.length === 0 && clause === 'RETURN') {
    throw context.error('NoVariablesInScope', offset, `${clause} * is not allowed when there are no variables in scope`);
  }
  const types = new Map<string, StaticType>();
  for (const [i, item] of resolved.items.entries()) {
    const type = checkExpression(context, item.expression, scope, PROJECTED);
    if (types.has(item.name)) {
      throw context.error('ColumnNameConflict', item.expression.start, `Duplicate alias: ${item.name}: columns must have different names`);
    }
    types.set(item.name, type);
    const written = projection.items[i - (resolved.items.length - projection.items.length)];
    if (clause === 'WITH' && written !== undefined && written.alias === undefined && written.expression.kind !== 'Variable') {
      // Ambiguous grouping is the better answer where both apply.
      if (resolved.aggregates) checkGrouping(context, resolved, projection, types, scope);
      throw context.error('NoExpressionAlias', written.start, 'Non-variable expression in WITH must be aliased', 'use AS');
    }
  }
  if (resolved.aggregates) checkGroupingItems(context, resolved);
  const inner = new Scope(types).withAll((projection.recalled ?? []).map((name) => [name, scope.types.get(name) ?? ANY]));
  checkSortKeys(context, projection, resolved, inner, scope);
  for (const [name, e] of [['SKIP', projection.skip], ['LIMIT', projection.limit]] as const) if (e !== undefined) checkBound(context, name, e);
  if (where !== undefined) {
    if (containsAggregate(where)) throw context.error('InvalidAggregation', where.start, 'WHERE cannot aggregate', 'name the aggregate in WITH and use its name');
    // Like a sort key, the WHERE of an open WITH also sees what was there before.
    if (resolved.closed) checkPredicate(context, closeSortKey(where, resolved.items), inner);
    else checkPredicate(context, where, scope.withAll(types));
  }
  return { scope: inner, columns: resolved.items.map((item) => item.name) };
}

function checkGrouping(
  context: CheckContext, resolved: ResolvedProjection, projection: Projection, types: Map<string, StaticType>, scope: Scope,
): void {
  checkGroupingItems(context, resolved);
  checkSortKeys(context, projection, resolved, new Scope(types), scope);
}

/** Outside its aggregates, an aggregating item may use only what is projected on its own, and constants. */
function checkGroupingItems(context: CheckContext, resolved: ResolvedProjection): void {
  const keys = resolved.items.filter((item) => !item.aggregates);
  for (const item of resolved.items) if (item.aggregates) checkBesideAggregate(context, item.expression, keys, new Set());
}

function checkBesideAggregate(context: CheckContext, e: Expression, keys: readonly ResolvedItem[], locals: ReadonlySet<string>): void {
  if (isAggregateCall(e)) return;
  if (isSimple(e)) {
    if (keys.some((key) => sameExpression(key.expression, e))) return;
    if (e.kind === 'Variable') {
      if (locals.has(e.name)) return;
      throw context.error('AmbiguousAggregationExpression', e.start,
        `\`${e.name}\` stands beside an aggregate, so it must be projected on its own`);
    }
  }
  let inner = locals;
  if (e.kind === 'ListComprehension' || e.kind === 'Quantifier') inner = new Set([...locals, e.variable]);
  else if (e.kind === 'Reduce') inner = new Set([...locals, e.accumulator, e.variable]);
  else if (e.kind === 'PatternComprehension' || e.kind === 'Subquery' || e.kind === 'PatternPredicate') return;
  forEachChild(e, (child) => {
    checkBesideAggregate(context, child, keys, inner);
  });
}

function checkSortKeys(
  context: CheckContext, projection: Projection, resolved: ResolvedProjection, inner: Scope, outer: Scope,
): void {
  for (const item of projection.orderBy) {
    const aggregated = containsAggregate(item.expression);
    if (aggregated && !resolved.aggregates) {
      throw context.error('InvalidAggregation', item.expression.start, 'ORDER BY can aggregate only what an aggregating projection projects');
    }
    if (!resolved.closed) {
      checkExpression(context, item.expression, outer.withAll(inner.types), VALUE);
      continue;
    }
    const closed = closeSortKey(item.expression, resolved.items);
    if (aggregated && containsAggregate(closed)) {
      // An aggregate that is not projected: what it is made of is out of scope.
      requireInScope(context, closed, inner);
      throw context.error('UndefinedVariable', item.expression.start, 'ORDER BY can use only aggregates that are projected');
    }
    if (aggregated && repeatsComplexItem(item.expression, resolved.items)) {
      throw context.error('AmbiguousAggregationExpression', item.expression.start,
        'beside an aggregate only variables and properties that are projected on their own can be used');
    }
    checkExpression(context, closed, inner, VALUE);
  }
}

function requireInScope(context: CheckContext, e: Expression, scope: Scope): void {
  for (const name of mentionedVariables(e)) if (!scope.has(name)) throw undefinedVariable(context, name, e.start, scope);
}

function repeatsComplexItem(e: Expression, items: readonly ResolvedItem[]): boolean {
  if (isAggregateCall(e) || isSimple(e)) return false;
  if (e.kind !== 'Literal' && e.kind !== 'Parameter' && items.some((item) => !item.aggregates && sameExpression(item.expression, e))) return true;
  let found = false;
  forEachChild(e, (child) => {
    found ||= repeatsComplexItem(child, items);
  });
  return found;
}

function checkBound(context: CheckContext, name: 'SKIP' | 'LIMIT', e: Expression): void {
  const mentioned = [...mentionedVariables(e)];
  if (mentioned.length > 0 || containsAggregate(e)) {
    throw context.error('NonConstantExpression', e.start, `${name} must not use variables`);
  }
  const type = checkExpression(context, e, new Scope(), VALUE);
  if (e.kind === 'Literal') {
    if (typeof e.value === 'number' && e.value < 0) {
      throw context.error('NegativeIntegerArgument', e.start, `${name} must not be negative`);
    }
    if (e.value instanceof Float || (typeof e.value !== 'number' && typeof e.value !== 'bigint')) {
      throw context.error('InvalidArgumentType', e.start, `${name} must be an Integer`);
    }
  } else if (!['any', 'null', 'integer', 'number', 'float'].includes(type.kind) || type.kind === 'float') {
    throw context.error('InvalidArgumentType', e.start, `${name} must be an Integer`);
  }
}
