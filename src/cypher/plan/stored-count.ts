/**
 * Questions that the exact counts answer: `MATCH (n) RETURN count(*)`, `MATCH (n:L) RETURN count(n)`,
 * `MATCH ()-[r:T]->() RETURN count(r)`, `MATCH ()-[r]->() RETURN type(r), count(*)`, `MATCH ()-[r]->() RETURN DISTINCT type(r)`.
 */
import type { Expression, MatchClause, SingleQuery } from '../ast.ts';
import { plainLabels, plainTypes } from '../semantics/walk.ts';
import { Env } from './env.ts';
import type { Aggregate, Distinct, Expand, PlanNode, StoredTypes } from './plan.ts';
import type { PlannerContext } from './planner-context.ts';
import type { PlannedQuery } from './query-planner.ts';

export function planStoredCount(context: PlannerContext, query: SingleQuery): PlannedQuery | undefined {
  const [match, result, ...more] = query.clauses;
  if (match?.kind !== 'Match' || result?.kind !== 'Return' || more.length > 0) return undefined;
  const { projection } = result;
  if (projection.star || projection.distinct || projection.items.length !== 1 || projection.orderBy.length > 0
    || projection.skip !== undefined || projection.limit !== undefined) return undefined;
  const counted = countedElement(match);
  const item = projection.items[0]!;
  const e = item.expression;
  const isCount = e.kind === 'CountStar' || (e.kind === 'Call' && e.name.toLowerCase() === 'count' && !e.distinct && e.args.length === 1
    && e.args[0]!.kind === 'Variable' && counted?.variables.includes(e.args[0]!.name));
  if (counted === undefined || isCount !== true) return undefined;
  const env = new Env();
  env.declare(item.name);
  return {
    plan: { op: 'StoredCount', kind: counted.kind, name: counted.name, column: item.name, env, rows: 1 },
    env, columns: [item.name], writes: false,
  };
}

function countedElement(match: MatchClause): { kind: 'nodes' | 'relationships'; name: string | undefined; variables: string[] } | undefined {
  const part = match.patterns[0]!;
  if (match.optional || match.where !== undefined || match.patterns.length > 1 || part.variable !== undefined || part.shortest !== undefined) return undefined;
  const [first, relationship, last] = part.elements;
  if (first?.kind !== 'Node' || first.properties !== undefined || first.where !== undefined) return undefined;
  if (part.elements.length === 1) {
    const labels = plainLabels(first.labels);
    if (labels === undefined || labels.length > 1) return undefined;
    return { kind: 'nodes', name: labels[0], variables: first.variable === undefined ? [] : [first.variable] };
  }
  if (part.elements.length !== 3 || relationship?.kind !== 'Relationship' || last?.kind !== 'Node') return undefined;
  if (first.labels !== undefined || last.labels !== undefined || last.properties !== undefined || last.where !== undefined) return undefined;
  if (relationship.direction === 'both' || relationship.length !== undefined || relationship.properties !== undefined || relationship.where !== undefined) return undefined;
  if (first.variable !== undefined && first.variable === last.variable) return undefined;
  const types = plainTypes(relationship.types);
  if (types === undefined || types.length > 1) return undefined;
  const variables = [first, relationship, last].flatMap(({ variable }) => (variable === undefined ? [] : [variable]));
  return { kind: 'relationships', name: types[0], variables };
}

/** In place of grouping all relationships by their type, and of telling its values apart. */
export function storedTypes(plan: Aggregate | Distinct): StoredTypes | undefined {
  const { input } = plan;
  if (plan.op === 'Distinct') {
    if (input.op !== 'Project' || input.items.length !== 1) return undefined;
    const [key] = input.items;
    const relationships = allRelationships(input.input);
    if (relationships === undefined || !isTypeOf(key!.expression, relationships)) return undefined;
    return { op: 'StoredTypes', key: key!, counts: [], env: input.env, rows: plan.rows };
  }
  const relationships = allRelationships(input);
  if (relationships === undefined || plan.keys.length !== 1 || plan.recalled !== undefined || !isTypeOf(plan.keys[0]!.expression, relationships)) return undefined;
  const bound = [relationships.fromName, relationships.relationshipName, relationships.toName];
  const countsAll = plan.aggregates.every(({ function: name, distinct, args: [arg] }) => (
    name === 'count' && (arg === undefined || (!distinct && arg.expression.kind === 'Variable' && bound.includes(arg.expression.name)))));
  return countsAll ? { op: 'StoredTypes', key: plan.keys[0]!, counts: plan.aggregates, env: plan.env, rows: plan.rows } : undefined;
}

/** The step that gives each relationship of the graph once, where nothing else is asked for. */
function allRelationships(plan: PlanNode): Expand | undefined {
  if (plan.op !== 'Expand' || plan.direction === 'both' || plan.types !== undefined || plan.into || plan.labels.length > 0 || plan.filters.length > 0 || plan.distinctFrom.length > 0) return undefined;
  const { input } = plan;
  if (input.op !== 'AllNodes' || input.labels.length > 0 || input.filters.length > 0) return undefined;
  return input.input.op === 'Argument' && !input.input.pass && input.input.env.inherited === 0 ? plan : undefined;
}

function isTypeOf(e: Expression, { relationshipName }: Expand): boolean {
  return e.kind === 'Call' && e.name.toLowerCase() === 'type' && e.args.length === 1 && e.args[0]!.kind === 'Variable' && e.args[0].name === relationshipName;
}
