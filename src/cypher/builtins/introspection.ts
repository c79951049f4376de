/**
 * Procedures that tell what is in a graph: labels, fields, indexes, counts, procedures, and parts of the data as JSON.
 */
import { walk } from '../../base/allowance.ts';
import { DbError } from '../../base/errors.ts';
import type { GraphCatalog, IndexDef, LabelSchema } from '../../graph/catalog.ts';
import type { GraphView } from '../../graph/view.ts';
import { formatValue, jsonText } from '../../value/format.ts';
import { NodeValue, type CypherMap, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { declaredFields } from '../materialize.ts';
import { signature } from '../semantics/check-call.ts';
import { builtin, kindOf, list, text, wrong, type Builtin } from './define.ts';
import { edgeOrdinal, temporalId } from './euid.ts';

/** Names of one kind in creation order: declared first, then those only data has. */
function labelNames(view: GraphView, kind: 'vertex' | 'edge'): string[] {
  const { catalog } = view;
  const declared = catalog.data.schemas.filter((schema) => schema.kind === kind).map(({ name }) => name);
  const used = (kind === 'vertex' ? catalog.data.labels : catalog.data.types).filter((name, id) => (
    (kind === 'vertex' ? view.nodeCount(id) : view.relationshipCount(id)) > 0));
  return [...new Set([...declared, ...used])];
}

function indexFields(index: IndexDef, catalog: GraphCatalog): string {
  return index.keyIds.map((key) => catalog.keyName(key)).join(',');
}

function indexLabel(index: IndexDef, catalog: GraphCatalog): string {
  return index.kind === 'vertex' ? catalog.labelName(index.labelId) : catalog.typeName(index.labelId);
}

/** Vertex indexes of one field, composite ones, then edge indexes. */
function sortedIndexes(catalog: GraphCatalog): IndexDef[] {
  const rank = (index: IndexDef): number => (index.kind === 'edge' ? 2 : index.keyIds.length > 1 ? 1 : 0);
  return [...catalog.data.indexes].sort((a, b) => rank(a) - rank(b));
}

function requireSchema(view: GraphView, kind: 'vertex' | 'edge', name: string): LabelSchema {
  const schema = kind === 'vertex' ? view.catalog.vertexSchema(name) : view.catalog.edgeSchema(name);
  if (schema === undefined) throw new DbError('LabelNotFound', `${kind} label ${name} does not exist`);
  return schema;
}

/** The schema as TuGraph writes it in JSON; `index` and `unique` only where there is one. */
function schemaMap(schema: LabelSchema, catalog: GraphCatalog, withDetach: boolean): CypherMap {
  const map: CypherMap = new Map<string, Value>([['label', schema.name], ['type', schema.kind.toUpperCase()]]);
  if (schema.kind === 'vertex') map.set('primary', schema.primary ?? null);
  else map.set('constraints', (schema.constraints ?? []).map((pair) => [...pair]));
  if (withDetach) map.set('detach_property', schema.detachProperty !== false);
  const properties = schema.fields.map((field): CypherMap => {
    const property: CypherMap = new Map<string, Value>([['name', field.name], ['type', field.type], ['optional', field.optional]]);
    const index = catalog.findIndex(schema.kind, schema.name, [field.name]);
    if (index !== undefined) {
      property.set('index', true);
      property.set('unique', index.unique);
      if (schema.kind === 'edge') property.set('pair_unique', index.pairUnique);
    }
    return property;
  });
  if (properties.length > 0 || schema.kind === 'vertex' || !withDetach) map.set('properties', properties);
  return map;
}

/** All declared fields as TuGraph shows them, by name: its JSON is sorted. */
function shown(properties: CypherMap, schema: LabelSchema | undefined): CypherMap {
  return new Map([...declaredFields(properties, schema)].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function subgraph(view: GraphView, ids: readonly Value[]): string {
  const odd = ids.find((id) => typeof id !== 'number' && typeof id !== 'bigint');
  if (odd !== undefined) throw wrong(`vids should be a list of integers, found ${formatValue(odd)}`);
  const wanted = [...new Set(ids.filter((id): id is number => typeof id === 'number' && view.nodeExists(id)))].sort((a, b) => a - b);
  const { catalog } = view;
  const nodes = wanted.map((id) => {
    const node = new NodeValue(id);
    const label = view.nodeLabels(node)[0];
    return new Map<string, Value>([['identity', id], ['label', label === undefined ? null : catalog.labelName(label)], ['properties', shown(view.nodeProperties(node), label === undefined ? undefined : catalog.vertexSchema(catalog.labelName(label)))]]);
  });
  const inside = new Set(wanted);
  const relationships: Value[] = [];
  for (const id of wanted) {
    for (const { neighbours, edges, from, to, typeId } of view.adjacency(id, 'out', undefined)) {
      walk(to - from);
      for (let i = from; i < to; i++) {
        if (!inside.has(neighbours[i]!)) continue;
        const relationship = view.findRelationship(edges[i]!)!;
        const properties = shown(view.relationshipProperties(relationship), catalog.edgeSchema(catalog.typeName(typeId)));
        relationships.push(new Map<string, Value>([
          ['dst', neighbours[i]!], ['forward', true], ['identity', edgeOrdinal(view, relationship)], ['label', catalog.typeName(typeId)], ['label_id', typeId],
          ...(properties.size > 0 ? [['properties', properties] as const] : []), ['src', id], ['temporal_id', temporalId(view, relationship)],
        ]));
      }
    }
  }
  return jsonText(new Map<string, Value>([['nodes', nodes], ['relationships', relationships]]));
}

const rowsOf = (names: Iterable<string>): Value[][] => [...names].map((name) => [name]);

export const INTROSPECTION_BUILTINS: readonly Builtin[] = [
  builtin('db.subgraph', 'vids:LIST', 'subgraph:STRING', 'read', ([ids], { view }) => [[subgraph(view, list(ids, 'vids'))]]),
  builtin('db.vertexLabels', '', 'label:STRING', 'read', (_args, { view }) => rowsOf(labelNames(view, 'vertex'))),
  builtin('db.edgeLabels', '', 'label:STRING', 'read', (_args, { view }) => rowsOf(labelNames(view, 'edge'))),
  builtin('db.labels', '', 'label:STRING', 'read', (_args, { view }) => rowsOf(labelNames(view, 'vertex'))),
  builtin('db.relationshipTypes', '', 'relationshipType:STRING', 'read', (_args, { view }) => rowsOf(labelNames(view, 'edge'))),
  builtin('db.propertyKeys', '', 'propertyKey:STRING', 'read', (_args, { view }) => rowsOf(view.catalog.data.keys)),
  builtin('db.indexes', '', 'label:STRING, field:STRING, label_type:STRING, unique:BOOLEAN, pair_unique:BOOLEAN', 'read', (_args, { view: { catalog } }) => (
    sortedIndexes(catalog).map((index) => [indexLabel(index, catalog), indexFields(index, catalog), index.kind, index.unique, index.pairUnique]))),
  builtin('db.listLabelIndexes', 'label_name:STRING, label_type:STRING', 'label:STRING, field:STRING, unique:BOOLEAN, pair_unique:BOOLEAN', 'read', ([label, type], { view: { catalog } }) => {
    if (type !== 'vertex' && type !== 'edge') throw wrong("Wrong argument given for label type: must be 'vertex' or 'edge'.");
    return sortedIndexes(catalog)
      .filter((index) => index.kind === type && indexLabel(index, catalog) === label)
      .map((index) => [indexLabel(index, catalog), indexFields(index, catalog), index.unique, index.pairUnique]);
  }),
  builtin('db.getLabelSchema', 'label_type:STRING, label_name:STRING', 'name:STRING, type:STRING, optional:BOOLEAN', 'read', ([type, name], { view }) => {
    return requireSchema(view, kindOf(type), text(name, 'label_name')).fields.map((field) => [field.name, field.type, field.optional]);
  }),
  builtin('db.getVertexSchema', 'label:STRING', 'schema:MAP', 'read', ([name], { view }) => [[schemaMap(requireSchema(view, 'vertex', text(name, 'label')), view.catalog, false)]]),
  builtin('db.getEdgeSchema', 'label:STRING', 'schema:MAP', 'read', ([name], { view }) => [[schemaMap(requireSchema(view, 'edge', text(name, 'label')), view.catalog, false)]]),
  builtin('dbms.graph.getGraphSchema', '', 'schema:STRING', 'read', (_args, { view: { catalog } }) => {
    const of = (kind: 'vertex' | 'edge'): Value[] => catalog.data.schemas.filter((schema) => schema.kind === kind).map((schema) => schemaMap(schema, catalog, true));
    return [[jsonText(new Map<string, Value>([['schema', [...of('vertex'), ...of('edge')]]]))]];
  }),
  builtin('dbms.meta.count', '', 'type:STRING, number:INTEGER', 'read', (_args, { view }) => [['vertex', view.nodeCount()], ['edge', view.relationshipCount()]]),
  builtin('dbms.meta.countDetail', '', 'is_vertex:BOOLEAN, label:STRING, count:INTEGER', 'read', (_args, { view }) => [
    ...labelNames(view, 'vertex').map((name): Value[] => [true, name, countOf(view, 'vertex', name)]),
    ...labelNames(view, 'edge').map((name): Value[] => [false, name, countOf(view, 'edge', name)]),
  ]),
  // Counts are kept exactly with the data: there is nothing to count again.
  builtin('dbms.meta.refreshCount', '', '', 'read', () => []),
  builtin('db.warmup', '', 'time_used:STRING', 'read', (_args, context) => [[warmUp(context)]]),
  builtin('dbms.procedures', '', 'name:STRING, signature:STRING, read_only:BOOLEAN', 'dbms-read', (_args, _context, all) => (
    [...all.names()].sort().map((name) => {
      const definition = all.find(name)!;
      return [name, signature(definition), definition.mode === 'read' || definition.mode === 'dbms-read'];
    }))),
];

function countOf(view: GraphView, kind: 'vertex' | 'edge', name: string): number {
  const id = kind === 'vertex' ? view.catalog.findLabel(name) : view.catalog.findType(name);
  return id === undefined ? 0 : kind === 'vertex' ? view.nodeCount(id) : view.relationshipCount(id);
}

function warmUp(context: ExecContext): string {
  const started = performance.now();
  context.view.warmUp((vertices) => context.checkpoint(vertices));
  return `Warm up successful in ${((performance.now() - started) / 1000).toFixed(3)} seconds.`;
}
