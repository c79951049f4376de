/**
 * Vector search over FLOAT_VECTOR fields, by distance. An index is a note in the field's declaration and a tree over its vectors (see nearest.ts), whatever
 * `index_type` says: options that shape TuGraph's own structures are checked and shown, but change nothing.
 */
import { DbError } from '../../base/errors.ts';
import type { FieldDef, LabelSchema, VectorIndexDef } from '../../graph/catalog.ts';
import { checkDimension } from '../../graph/field-values.ts';
import type { GraphView, GraphWriter } from '../../graph/view.ts';
import { treesOfField } from '../../graph/vectors/declared-trees.ts';
import { hasPosition } from '../../graph/vectors/positions.ts';
import { dot, squaredDistance, vectorOf } from '../../value/packed-floats.ts';
import type { PackedFloats } from '../../value/packed-floats.ts';
import { Float, isNumber, NodeValue, type CypherMap, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { builtin, list, options, text, writerOf, wrong, type Builtin } from './define.ts';
import { nearest } from './nearest.ts';

function vectorField(view: GraphView, label: string, name: string): { schema: LabelSchema; field: FieldDef } {
  const schema = view.catalog.vertexSchema(label);
  if (schema === undefined) throw new DbError('LabelNotFound', `Vertex label "${label}" does not exist.`);
  const field = schema.fields.find((each) => each.name === name);
  if (field === undefined) throw new DbError('FieldNotFound', `Field [${name}] does not exist.`);
  return { schema, field };
}

function replaceField(writer: GraphWriter, schema: LabelSchema, field: FieldDef): void {
  writer.replaceSchema({ ...schema, fields: schema.fields.map((each) => (each.name === field.name ? field : each)) });
}

/** The index that the parameters of db.addVertexVectorIndex describe; throws ArgumentError. */
export function vectorIndexOf(config: Value | undefined): VectorIndexDef {
  const map = options(config, 'parameter', ['index_type', 'dimension', 'distance_type', 'hnsw_m', 'hnsw_ef_construction', 'ivf_flat_nlist']);
  const number = (name: string, initial: number, min: number, max: number): number => {
    const value = map.get(name) ?? initial;
    if (typeof value !== 'number' || value < min || value > max) throw wrong(`${name} should be an integer in the range of [${min},${max}]`);
    return value;
  };
  const indexType = map.get('index_type') ?? 'hnsw';
  const distance = map.get('distance_type') ?? 'l2';
  if (indexType !== 'hnsw' && indexType !== 'ivf_flat') throw wrong('index_type should be hnsw or ivf_flat');
  if (distance !== 'l2' && distance !== 'ip') throw wrong('distance_type should be l2 or ip');
  const m = number('hnsw_m', 16, 5, 64);
  return { indexType, dimension: number('dimension', 128, 1, 65536), distance, m, efConstruction: number('hnsw_ef_construction', 100, m, 1000) };
}

const SEARCH_TUNING = ['hnsw_ef_search', 'ivf_flat_nprobe'];

/** An index holds vectors of one length: what is stored already must fit. */
function checkStored(context: ExecContext, label: string, field: FieldDef): void {
  const { view } = context;
  const key = view.catalog.findKey(field.name);
  const labelId = view.catalog.findLabel(label);
  if (key === undefined || labelId === undefined) return;
  for (const ids of view.scanNodes(labelId)) {
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const vector = view.nodeVector(ids[i]!, key);
      if (vector !== undefined) checkDimension(field, vector.numbers.length);
    }
  }
}

interface Asked {
  readonly label: string;
  readonly name: string;
  readonly query: readonly Value[];
  /** Undefined: every one within the radius, for which all are compared. */
  readonly count?: number | undefined;
  readonly radius?: number;
  readonly effort?: number;
}

/** The nearest vertices and how far each is, in single precision. */
function search(context: ExecContext, { label, name, query, count, radius = Infinity, effort }: Asked): Value[][] {
  const { view } = context;
  const { schema, field } = vectorField(view, label, name);
  const { vector: index } = field;
  if (index === undefined) throw new DbError('IndexNotFound', `VertexIndex [${label}:${name}] does not exist.`);
  const given = vectorOf([...query]);
  if (given?.numbers.length !== index.dimension) throw wrong(`vector index dimension mismatch, vector size:${query.length}, dim:${index.dimension}`);
  const keyId = view.catalog.findKey(name);
  const labelId = view.catalog.findLabel(label);
  if (keyId === undefined || labelId === undefined) return [];
  const isInner = index.distance === 'ip';
  const hits = nearest(context, {
    kind: 'vertex', labelId, keyId, query: given, isInner, effort, score: nearnessTo(given, index, radius),
    ...(count === undefined ? { count: Infinity } : { count, tree: treesOfField(view.catalog, schema, field)[0] }),
  });
  return hits.map(({ id, score }) => [new NodeValue(id), new Float(-score)]);
}

/** Less the distance; undefined for what is farther than the radius, and for vectors of another length. */
function nearnessTo(query: PackedFloats, { dimension: dimensions, distance }: VectorIndexDef, radius: number): (vector: PackedFloats) => number | undefined {
  const numbers = Float64Array.from(query.numbers);
  return (vector) => {
    if (!hasPosition(vector, { dimensions, space: 'euclidean' })) return undefined;
    const far = Math.fround(distance === 'ip' ? 1 - dot(vector.numbers, numbers) : squaredDistance(vector.numbers, numbers));
    return far <= radius ? -far : undefined;
  };
}

/** How many vectors the index has, of those that may be seen. */
function elementsOf(context: ExecContext, schema: LabelSchema, field: FieldDef): number {
  const { view } = context;
  const [of] = treesOfField(view.catalog, schema, field);
  if (of === undefined) return 0;
  const tree = view.catalog.findWholeVectorTree(of);
  if (tree !== undefined && context.mayRead === undefined) return view.vectorCount(tree);
  let count = 0;
  for (const ids of view.scanNodes(of.labelId)) {
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) if (hasPosition(view.nodeVector(ids[i]!, of.keyId), of)) count++;
  }
  return count;
}

/** TuGraph's measure of how much is looked at, 200 where it is not given: more finds more of the nearest. */
function effortOption(config: CypherMap): number {
  const value = config.get('hnsw_ef_search') ?? 200;
  if (typeof value !== 'number' || value < 1) throw wrong('hnsw_ef_search should be an integer, at least 1');
  return Math.max(1, value / 200);
}

function radiusOption(config: CypherMap): number {
  const value = config.get('radius') ?? null;
  if (value === null || !isNumber(value)) throw wrong('radius is required for vector range search');
  return value instanceof Float ? value.value : Number(value);
}

function countOption(config: CypherMap, name: string): number | undefined {
  const value = config.get(name) ?? undefined;
  if (value === undefined || (typeof value === 'number' && value >= 0)) return value;
  throw wrong(`${name} should be an integer, at least 0`);
}

export const VECTOR_BUILTINS: readonly Builtin[] = [
  builtin('db.addVertexVectorIndex', 'label_name:STRING, field_name:STRING, parameter?:MAP', '', 'schema', ([label, name, config], context) => {
    const writer = writerOf(context);
    const { schema, field } = vectorField(writer, text(label, 'label_name'), text(name, 'field_name'));
    if (field.type !== 'FLOAT_VECTOR') throw wrong('Only FLOAT_VECTOR type supports vector index');
    if (field.vector !== undefined) throw new DbError('IndexExists', `VertexIndex [${schema.name}:${field.name}] already exist.`);
    const indexed: FieldDef = { ...field, vector: vectorIndexOf(config) };
    checkStored(context, schema.name, indexed);
    replaceField(writer, schema, indexed);
    return [];
  }),
  builtin('db.deleteVertexVectorIndex', 'label_name:STRING, field_name:STRING', '', 'schema', ([label, name], context) => {
    const writer = writerOf(context);
    const { schema, field } = vectorField(writer, text(label, 'label_name'), text(name, 'field_name'));
    if (field.vector === undefined) throw new DbError('IndexNotFound', `VertexIndex [${schema.name}:${field.name}] does not exist.`);
    replaceField(writer, schema, { name: field.name, type: field.type, optional: field.optional });
    return [];
  }),
  builtin('db.showVertexVectorIndex', '', 'label_name:STRING, field_name:STRING, index_type:STRING, dimension:INTEGER, distance_type:STRING, parameter:MAP, elements_num:INTEGER, memory_usage:INTEGER, deleted_ids_num:INTEGER', 'read', (_args, context) => (
    context.view.catalog.data.schemas.flatMap((schema) => schema.fields.flatMap((field): Value[][] => {
      const { vector } = field;
      if (schema.kind !== 'vertex' || vector === undefined) return [];
      const elements = elementsOf(context, schema, field);
      const parameter = new Map<string, Value>([['hnsw.m', vector.m], ['hnsw.ef_construction', vector.efConstruction]]);
      return [[schema.name, field.name, vector.indexType, vector.dimension, vector.distance, parameter, elements, 0, 0]];
    })))),
  builtin('db.vertexVectorKnnSearch', 'label_name:STRING, field_name:STRING, vec:LIST, parameter?:MAP', 'node:NODE, distance:FLOAT', 'read', ([label, name, vector, config], context) => {
    const map = options(config, 'parameter', ['top_k', ...SEARCH_TUNING]);
    return search(context, { label: text(label, 'label_name'), name: text(name, 'field_name'), query: list(vector, 'vec'), count: countOption(map, 'top_k') ?? 10, effort: effortOption(map) });
  }),
  builtin('db.vertexVectorRangeSearch', 'label_name:STRING, field_name:STRING, vec:LIST, parameter:MAP', 'node:NODE, distance:FLOAT', 'read', ([label, name, vector, config], context) => {
    const map = options(config, 'parameter', ['radius', 'limit', ...SEARCH_TUNING]);
    const radius = radiusOption(map);
    const limit = countOption(map, 'limit') ?? Infinity;
    return search(context, { label: text(label, 'label_name'), name: text(name, 'field_name'), query: list(vector, 'vec'), radius }).slice(0, limit);
  }),
];
