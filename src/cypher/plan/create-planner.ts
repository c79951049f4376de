/**
 * Plans what CREATE makes (and MERGE, where it finds nothing): nodes before the relationships between them, in written order.
 */
import type { NodePattern, PatternPart, RelationshipPattern } from '../ast.ts';
import { NODE, PATH, RELATIONSHIP } from '../semantics/types.ts';
import { createdLabels } from '../semantics/walk.ts';
import type { Env } from './env.ts';
import type { Creation } from './plan.ts';
import type { PlannerContext } from './planner-context.ts';

export function planCreations(context: PlannerContext, env: Env, parts: readonly PatternPart[]): Creation[] {
  const creations: Creation[] = [];
  for (const part of parts) {
    const slots: { slot: number; list: boolean }[] = [];
    const inPath = part.variable !== undefined;
    let previous: number | undefined;
    let pending: RelationshipPattern | undefined;
    for (const element of part.elements) {
      if (element.kind === 'Relationship') {
        pending = element;
        continue;
      }
      const slot = planNode(context, env, element, creations);
      if (pending !== undefined && previous !== undefined) {
        const relationship = planRelationship(context, env, pending, previous, slot, inPath, creations);
        slots.push({ slot: relationship ?? -1, list: false });
      }
      slots.push({ slot, list: false });
      previous = slot;
    }
    if (part.variable !== undefined) creations.push({ kind: 'path', slot: env.declare(part.variable, PATH), parts: slots });
  }
  return creations;
}

function planNode(context: PlannerContext, env: Env, node: NodePattern, creations: Creation[]): number {
  const bound = node.variable === undefined ? undefined : env.slot(node.variable);
  if (bound !== undefined) return bound;
  const properties = node.properties === undefined ? undefined : { expression: node.properties, env: env.inner() };
  const labels = [...new Set(createdLabels(node.labels))].map((label) => (typeof label === 'string' ? label : { expression: label, env: env.inner() }));
  const slot = env.declare(node.variable ?? context.fresh('node'), NODE);
  creations.push({ kind: 'node', slot, labels, properties });
  return slot;
}

function planRelationship(
  context: PlannerContext, env: Env, pattern: RelationshipPattern, left: number, right: number, inPath: boolean, creations: Creation[],
): number | undefined {
  const properties = pattern.properties === undefined ? undefined : { expression: pattern.properties, env: env.inner() };
  const [label] = createdLabels(pattern.types)!;
  const type = typeof label === 'string' ? label : { expression: label!, env: env.inner() };
  const named = pattern.variable !== undefined || inPath;
  const slot = named ? env.declare(pattern.variable ?? context.fresh('rel'), RELATIONSHIP) : undefined;
  const [from, to] = pattern.direction === 'in' ? [right, left] : [left, right];
  creations.push({ kind: 'relationship', slot, type, from, to, properties });
  return slot;
}
