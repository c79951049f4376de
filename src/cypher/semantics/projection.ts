/**
 * What WITH and RETURN mean, shared by the checks and the planner: the items with `*` written out, which of them group and
 * which aggregate, and what a sort key may refer to.
 *
 * Sort keys of a plain projection see the new names and, behind them, everything from before. After DISTINCT or an aggregate
 * only what was projected is left: a key may repeat a projected expression, which then stands for its column.
 */
import type { Expression, Projection, ProjectionItem, SortItem } from '../ast.ts';
import { isAggregateCall } from './check-expression.ts';
import { forEachChild, sameExpression, substitute } from './walk.ts';

export interface ResolvedItem {
  readonly name: string;
  readonly expression: Expression;
  readonly aggregates: boolean;
}

export interface ResolvedProjection {
  readonly items: readonly ResolvedItem[];
  readonly aggregates: boolean;
  /** After DISTINCT or aggregation: only projected values are left. */
  readonly closed: boolean;
}

export function containsAggregate(e: Expression): boolean {
  if (isAggregateCall(e)) return true;
  if (e.kind === 'Subquery') return false;
  let found = false;
  forEachChild(e, (child) => {
    found ||= containsAggregate(child);
  });
  return found;
}

export function resolveItems(projection: Projection, visible: readonly string[]): ResolvedProjection {
  const all: ProjectionItem[] = projection.star
    ? visible.filter((name) => projection.leftOut?.includes(name) !== true).map((name) => ({ expression: { kind: 'Variable', name, start: 0, end: 0 }, alias: undefined, name, start: 0, end: 0 }))
    : [];
  all.push(...projection.items);
  const items = all.map(({ name, expression }): ResolvedItem => ({ name, expression, aggregates: containsAggregate(expression) }));
  const aggregates = items.some((item) => item.aggregates);
  return { items, aggregates, closed: aggregates || projection.distinct };
}

/**
 * A sort key of a closed projection, with each repetition of a projected expression replaced by its column. Next to an
 * aggregate only plain variables, properties and the aggregates themselves count as repetitions.
 */
export function closeSortKey(key: Expression, items: readonly ResolvedItem[]): Expression {
  const whole = items.find((item) => sameExpression(item.expression, key));
  if (whole !== undefined) return column(whole, key);
  const aggregated = containsAggregate(key);
  const names = new Set(items.map((item) => item.name));
  return substitute(key, (e) => {
    // A new name hides what it was computed from.
    if (e.kind === 'Variable' && names.has(e.name)) return e;
    const item = items.find((each) => sameExpression(each.expression, e));
    if (item === undefined) return undefined;
    if (aggregated && !isSimple(e) && !isAggregateCall(e)) return undefined;
    return column(item, e);
  });
}

function column(item: ResolvedItem, at: Expression): Expression {
  return { kind: 'Variable', name: item.name, start: at.start, end: at.end };
}

/** What may stand beside an aggregate when it is projected on its own: a variable or a property of one. */
export function isSimple(e: Expression): boolean {
  return e.kind === 'Variable' || (e.kind === 'Property' && isSimple(e.target));
}

/** Sort keys in terms of what was there before the projection: aliases replaced by what they stand for. */
export function openSortKey(key: SortItem, items: readonly ResolvedItem[]): Expression {
  return substitute(key.expression, (e) => {
    if (e.kind !== 'Variable') return undefined;
    const item = items.find((each) => each.name === e.name);
    return item?.expression;
  });
}
