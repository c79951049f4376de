/**
 * Handles → values that stand on their own: nodes, relationships and paths get their labels, type and properties, wherever
 * they are inside lists and maps. For the protocols, which outlive the view.
 */
import type { LabelSchema } from '../graph/catalog.ts';
import type { GraphView } from '../graph/view.ts';
import { mapItems } from '../value/items.ts';
import { Float, NodeValue, PathValue, RelationshipValue, type CypherMap, type Value } from '../value/value.ts';
import { edgeOrdinal, temporalId } from './builtins/euid.ts';

/**
 * `declared`: elements of declared labels as TuGraph shows them: all fields in the order of the declaration, null where unset, FLOAT
 * fields with five decimals, edges with their number among parallel ones.
 */
export function materialize(value: Value, view: GraphView, declared = false): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof NodeValue) return materializeNode(value, view, declared);
  if (value instanceof RelationshipValue) return materializeRelationship(value, view, declared);
  if (value instanceof PathValue) {
    return new PathValue(
      value.nodes.map((node) => materializeNode(node, view, declared)),
      value.relationships.map((relationship) => materializeRelationship(relationship, view, declared)),
    );
  }
  if (Array.isArray(value) || value instanceof Map) return mapItems(value, (item) => materialize(item, view, declared));
  return value;
}

function materializeNode(node: NodeValue, view: GraphView, declared: boolean): NodeValue {
  if (node.labels !== undefined) return node;
  // A node that the statement deleted is still a value: one without content.
  if (!view.nodeExists(node.id)) return new NodeValue(node.id, [], new Map());
  const { catalog } = view;
  const labels = view.nodeLabels(node).map((label) => catalog.labelName(label));
  const properties = view.nodeProperties(node);
  if (!declared) return new NodeValue(node.id, labels, properties);
  return new NodeValue(node.id, labels, labels.reduce((map, label) => declaredFields(map, catalog.vertexSchema(label)), properties));
}

function materializeRelationship(relationship: RelationshipValue, view: GraphView, declared: boolean): RelationshipValue {
  if (relationship.type !== undefined) return relationship;
  const { id, typeId, start, end } = relationship;
  const exists = view.relationshipExists(id);
  const properties = exists ? view.relationshipProperties(relationship) : new Map<string, Value>();
  const type = view.catalog.typeName(typeId);
  const schema = declared ? view.catalog.edgeSchema(type) : undefined;
  const made = new RelationshipValue(id, typeId, start, end, type, schema === undefined ? properties : declaredFields(properties, schema));
  if (schema !== undefined) made.tugraph = { ordinal: edgeOrdinal(view, relationship), temporalId: temporalId(view, relationship) };
  return made;
}

/** Declared fields first and complete, then what else there is. */
export function declaredFields(properties: CypherMap, schema: LabelSchema | undefined): CypherMap {
  if (schema === undefined) return properties;
  const map: CypherMap = new Map();
  for (const { name, type } of schema.fields) {
    const value = properties.get(name) ?? null;
    map.set(name, type === 'FLOAT' && value instanceof Float ? new Float(fiveDecimals(value.value)) : value);
  }
  for (const [key, value] of properties) if (!map.has(key)) map.set(key, value);
  return map;
}

function fiveDecimals(value: number): number {
  const rounded = Math.round(value * 1e5) / 1e5;
  return Number.isFinite(rounded) ? rounded : value;
}
