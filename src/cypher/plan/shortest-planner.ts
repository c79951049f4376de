/**
 * Plans shortestPath() and allShortestPaths(): both ends have a value by then; the search runs from both of them.
 *
 * `all(r IN relationships(p) WHERE …)` and its like for nodes restrict the search itself; other predicates on the path are tested on
 * the paths found, going on to longer ones where they fail.
 */
import type { Expression } from '../ast.ts';
import { listOf, NODE, PATH, RELATIONSHIP } from '../semantics/types.ts';
import { mentionedVariables } from '../semantics/walk.ts';
import type { MatchPlanner } from './match-planner.ts';
import type { GraphShortest, Predicate } from './pattern-graph.ts';
import type { Scoped } from './plan.ts';

export function planShortestPath(planner: MatchPlanner, shortest: GraphShortest): void {
  const { env, context } = planner;
  const { relationship } = shortest;
  const everyRelationship: { slot: number; predicate: Scoped }[] = [];
  const everyNode: { slot: number; predicate: Scoped }[] = [];
  planner.pending = planner.pending.filter((predicate) => {
    const every = everyElement(predicate, shortest, (name) => planner.solved.has(name) || env.has(name));
    if (every === undefined) return true;
    const inner = env.inner();
    const slot = inner.declare(every.variable, every.nodes ? NODE : RELATIONSHIP);
    (every.nodes ? everyNode : everyRelationship).push({ slot, predicate: { expression: every.where, env: inner } });
    return false;
  });
  const path = shortest.path === undefined ? undefined : env.declare(shortest.path, PATH);
  const single = relationship.length?.max === 1 && relationship.length.min === 1 && !relationship.named;
  const relationships = relationship.named && context.isUsed(relationship.name) && !single
    ? env.declare(relationship.name, listOf(RELATIONSHIP)) : undefined;
  if (shortest.path !== undefined) planner.solved.add(shortest.path);
  planner.solved.add(relationship.name);
  const filters = planner.takeReady();
  planner.plan = {
    op: 'ShortestPath', input: planner.plan, from: env.slot(relationship.from)!, to: env.slot(relationship.to)!,
    types: relationship.types, typesIn: env, direction: relationship.direction, min: relationship.length?.min ?? 1, max: relationship.length?.max ?? 1,
    all: shortest.all, path, relationships, filters, everyRelationship, everyNode,
    properties: relationship.properties.map(({ key, value }) => ({ key, value: { expression: value, env } })),
    details: shortest.text, rows: planner.plan.rows,
  };
}

function everyElement(
  predicate: Predicate, shortest: GraphShortest, known: (name: string) => boolean,
): { variable: string; where: Expression; nodes: boolean } | undefined {
  const e = predicate.expression;
  if (e.kind !== 'Quantifier' || (e.type !== 'all' && e.type !== 'none')) return undefined;
  const nodes = isElementsOf(e.list, 'nodes', shortest);
  if (!nodes && !isElementsOf(e.list, 'relationships', shortest)
    && !(e.list.kind === 'Variable' && e.list.name === shortest.relationship.name)) return undefined;
  for (const name of mentionedVariables(e.where)) {
    if (name !== e.variable && (!known(name) || name === shortest.path || name === shortest.relationship.name)) return undefined;
  }
  const where: Expression = e.type === 'all' ? e.where : { kind: 'Unary', op: 'NOT', operand: e.where, start: e.start, end: e.end };
  return { variable: e.variable, where, nodes };
}

function isElementsOf(e: Expression, name: string, shortest: GraphShortest): boolean {
  return e.kind === 'Call' && e.name.toLowerCase() === name && e.args.length === 1 && e.args[0]!.kind === 'Variable'
    && e.args[0]!.name === shortest.path;
}
