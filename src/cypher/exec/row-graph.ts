/** Nodes and relationships that stand in rows. */
import { aTypeName } from '../../value/format.ts';
import { NodeValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { Direction } from '../../graph/view.ts';
import { typeError } from './compile-access.ts';
import type { Row } from './runtime.ts';

/** The node in a slot, or null; anything else is a mistake of the statement that only shows now. */
export function nodeIn(value: Value): NodeValue | null {
  if (value === null || value instanceof NodeValue) return value;
  throw typeError(`expected a Node, not ${aTypeName(value)}`);
}

/** Whether a relationship is one of those in the slots: relationships, lists of them, or bare ids. */
export function isTaken(row: Row, slots: readonly number[], edge: number): boolean {
  for (const slot of slots) {
    const value = row[slot];
    if (value instanceof RelationshipValue) {
      if (value.id === edge) return true;
    } else if (typeof value === 'number') {
      if (value === edge) return true;
    } else if (Array.isArray(value)) {
      for (const item of value) if (item instanceof RelationshipValue && item.id === edge) return true;
    }
  }
  return false;
}

export function relationshipOf(edge: number, typeId: number, from: number, to: number, direction: Direction): RelationshipValue {
  return direction === 'out' ? new RelationshipValue(edge, typeId, from, to) : new RelationshipValue(edge, typeId, to, from);
}
