/**
 * Handles → values that stand on their own: nodes, relationships and paths get their labels, type and properties, wherever
 * they are inside lists and maps. For the protocols, which outlive the view.
 */
import type { GraphView } from '../graph/view.ts';
import { NodeValue, PathValue, RelationshipValue, type Value } from '../value/value.ts';

export function materialize(value: Value, view: GraphView): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof NodeValue) return materializeNode(value, view);
  if (value instanceof RelationshipValue) return materializeRelationship(value, view);
  if (value instanceof PathValue) {
    return new PathValue(
      value.nodes.map((node) => materializeNode(node, view)),
      value.relationships.map((relationship) => materializeRelationship(relationship, view)),
    );
  }
  if (Array.isArray(value)) {
    // Most lists hold no handles: those are passed on as they are.
    for (let i = 0; i < value.length; i++) {
      const item = value[i]!;
      if (materialize(item, view) !== item) return value.map((each) => materialize(each, view));
    }
    return value;
  }
  if (value instanceof Map) {
    const map = new Map<string, Value>();
    let changed = false;
    for (const [key, item] of value) {
      const made = materialize(item, view);
      if (made !== item) changed = true;
      map.set(key, made);
    }
    return changed ? map : value;
  }
  return value;
}

function materializeNode(node: NodeValue, view: GraphView): NodeValue {
  if (node.labels !== undefined) return node;
  // A node that the statement deleted is still a value: one without content.
  if (!view.nodeExists(node.id)) return new NodeValue(node.id, [], new Map());
  const { catalog } = view;
  return new NodeValue(node.id, view.nodeLabels(node).map((label) => catalog.labelName(label)), view.nodeProperties(node));
}

function materializeRelationship(relationship: RelationshipValue, view: GraphView): RelationshipValue {
  if (relationship.type !== undefined) return relationship;
  const { id, typeId, start, end } = relationship;
  const properties = view.relationshipExists(id) ? view.relationshipProperties(relationship) : new Map<string, Value>();
  return new RelationshipValue(id, typeId, start, end, view.catalog.typeName(typeId), properties);
}
