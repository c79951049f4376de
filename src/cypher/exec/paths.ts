/**
 * Paths out of the slots of a pattern's elements.
 */
import { NodeValue, PathValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { Row } from './runtime.ts';

/** Node, relationship (or list of them), node, ...; null where any of them is null. */
export function pathOf(row: Row, parts: readonly { readonly slot: number; readonly list: boolean }[]): Value {
  const nodes: NodeValue[] = [];
  const relationships: RelationshipValue[] = [];
  let at: NodeValue | undefined;
  for (const { slot, list } of parts) {
    const value = row[slot]!;
    if (value === null) return null;
    if (value instanceof NodeValue) {
      // The end of a variable-length part is there already.
      if (nodes.length === relationships.length) nodes.push(value);
      at = value;
    } else if (value instanceof RelationshipValue) {
      relationships.push(value);
    } else if (list && Array.isArray(value)) {
      for (const each of value) {
        if (!(each instanceof RelationshipValue) || at === undefined) return null;
        relationships.push(each);
        at = new NodeValue(each.start === at.id ? each.end : each.start);
        nodes.push(at);
      }
    } else return null;
  }
  return new PathValue(nodes, relationships);
}
