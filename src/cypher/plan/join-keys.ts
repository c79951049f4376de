/** What two parts of a pattern are joined by, where no relationship does. */
import type { Expression } from '../ast.ts';
import type { GraphNode, Predicate } from './pattern-graph.ts';

export interface JoinKey {
  readonly predicate: Predicate;
  /** In terms of what has a value already, and of the part. */
  readonly left: Expression;
  readonly right: Expression;
}

/** Equalities between properties of the nodes and of what is `solved` already. */
export function joinKeys(nodes: readonly GraphNode[], pending: readonly Predicate[], solved: ReadonlySet<string>): JoinKey[] {
  const own = new Set(nodes.map(({ name }) => name));
  const side = (e: Expression): 'own' | 'other' | undefined => {
    if (e.kind !== 'Property' || e.target.kind !== 'Variable') return undefined;
    return own.has(e.target.name) ? 'own' : solved.has(e.target.name) ? 'other' : undefined;
  };
  const keys: JoinKey[] = [];
  for (const predicate of pending) {
    const e = predicate.expression;
    if (e.kind !== 'Binary' || e.op !== '=') continue;
    if (side(e.left) === 'own' && side(e.right) === 'other') keys.push({ predicate, left: e.right, right: e.left });
    else if (side(e.right) === 'own' && side(e.left) === 'other') keys.push({ predicate, left: e.left, right: e.right });
  }
  return keys;
}
