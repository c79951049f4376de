/** Nodes, relationships and paths. Inside the engine these are handles: what they hold comes from the view. */
import { NodeValue, PathValue, RelationshipValue } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { euidOf } from '../builtins/euid.ts';
import { declaredFields } from '../materialize.ts';
import { textLength } from './string.ts';
import { alias, listArgument, scalar, stringArgument, wrongArgument } from './function.ts';
import type { FunctionContext, ScalarFunction } from './function.ts';

function relationship(name: string, value: Value | undefined): RelationshipValue {
  if (value instanceof RelationshipValue) return value;
  throw wrongArgument(name, 'a relationship', value);
}

function path(name: string, value: Value | undefined): PathValue {
  if (value instanceof PathValue) return value;
  throw wrongArgument(name, 'a path', value);
}

function id([value]: Value[]): number {
  if (value instanceof NodeValue || value instanceof RelationshipValue) return value.id;
  throw wrongArgument('id', 'a node or a relationship', value);
}

function labelNames(node: NodeValue, context: FunctionContext): string[] {
  return context.view.nodeLabels(node).map((label) => context.view.catalog.labelName(label));
}

function labels([value]: Value[], context: FunctionContext): Value {
  if (value instanceof NodeValue) return labelNames(value, context);
  throw wrongArgument('labels', 'a node', value);
}

/** The name stays known when the relationship is deleted. */
function typeOf(value: RelationshipValue, context: FunctionContext): string {
  return value.type ?? context.view.catalog.typeName(value.typeId);
}

/** TuGraph: the one label of a node, or the type of a relationship. */
function label([value]: Value[], context: FunctionContext): Value {
  if (value instanceof NodeValue) return labelNames(value, context)[0] ?? null;
  return typeOf(relationship('label', value), context);
}

function properties(name: string, value: Value | undefined, context: FunctionContext): Map<string, Value> {
  if (value instanceof NodeValue) return context.view.nodeProperties(value);
  if (value instanceof RelationshipValue) return context.view.relationshipProperties(value);
  if (value instanceof Map) return value;
  throw wrongArgument(name, 'a node, a relationship or a map', value);
}

/** A graph in TuGraph's way says in the map what the element is. */
function propertiesOf(value: Value | undefined, context: FunctionContext): Value {
  if (value instanceof PathValue) {
    return value.nodes.flatMap((node, i) => [node, value.relationships[i]].filter((part) => part !== undefined).map((part) => propertiesOf(part, context)));
  }
  const map = properties('properties', value, context);
  const { view } = context;
  if (!view.catalog.strict || value instanceof Map) return map;
  const labelled = new Map<string, Value>([['_LABEL_', label([value!], context)]]);
  let schema;
  if (value instanceof NodeValue) {
    labelled.set('_VID_', value.id);
    schema = view.catalog.vertexSchema(labelNames(value, context)[0] ?? '');
  } else if (value instanceof RelationshipValue) {
    labelled.set('_EID_', euidOf(view, value));
    schema = view.catalog.edgeSchema(typeOf(value, context));
  }
  for (const [key, field] of declaredFields(map, schema)) labelled.set(key, field);
  return labelled;
}

/** Of a path; of a text too, as in openCypher 9 and TuGraph. */
function length([value]: Value[]): Value {
  if (typeof value === 'string') return textLength(value);
  return path('length', value).relationships.length;
}

/** TuGraph: one property of every element of a variable-length relationship or a list of nodes. */
function getMemberProp([value, key]: Value[], context: FunctionContext): Value {
  const keyId = context.view.catalog.findKey(stringArgument('getMemberProp', key));
  return listArgument('getMemberProp', value).map((item) => {
    if (keyId === undefined || item === null) return null;
    if (item instanceof NodeValue) return context.view.nodeProperty(item, keyId);
    return context.view.relationshipProperty(relationship('getMemberProp', item), keyId);
  });
}

/** TuGraph's text for an edge: source, destination, label, temporal id and edge id. */
function euid([value]: Value[]): Value {
  const edge = relationship('euid', value);
  return `${edge.start}_${edge.end}_${edge.typeId}_0_${edge.id}`;
}

const READS = { deterministic: false } as const;
const relationships = scalar('relationships', ['PATH'], 'LIST', ([value]) => [...path('relationships', value).relationships]);

export const GRAPH_FUNCTIONS: readonly ScalarFunction[] = [
  scalar('id', ['NODE|RELATIONSHIP'], 'INTEGER', id),
  scalar('elementId', ['NODE|RELATIONSHIP'], 'STRING', (args) => String(id(args))),
  scalar('labels', ['NODE'], 'LIST', labels, READS),
  scalar('label', ['NODE|RELATIONSHIP'], 'STRING', label, READS),
  scalar('type', ['RELATIONSHIP'], 'STRING', ([value], context) => typeOf(relationship('type', value), context), READS),
  scalar('keys', ['NODE|RELATIONSHIP|MAP'], 'LIST', ([value], context) => [...properties('keys', value, context).keys()], READS),
  scalar('properties', ['NODE|RELATIONSHIP|MAP|PATH'], 'ANY', ([value], context) => propertiesOf(value, context), READS),
  scalar('startNode', ['RELATIONSHIP'], 'NODE', ([value]) => new NodeValue(relationship('startNode', value).start)),
  scalar('endNode', ['RELATIONSHIP'], 'NODE', ([value]) => new NodeValue(relationship('endNode', value).end)),
  scalar('nodes', ['PATH'], 'LIST', ([value]) => [...path('nodes', value).nodes]),
  relationships,
  alias('rels', relationships),
  scalar('length', ['PATH|STRING'], 'INTEGER', length),
  scalar('getMemberProp', ['LIST', 'STRING'], 'LIST', getMemberProp, READS),
  scalar('euid', ['RELATIONSHIP'], 'STRING', euid),
];
