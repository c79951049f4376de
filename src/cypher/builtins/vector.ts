/**
 * Vector search over FLOAT_VECTOR fields, exact: every vector of the label is compared.
 *
 * An "index" is a note in the field's declaration (what the procedures show, and that a search may be asked for); there is no
 * approximate structure behind it, so its tuning options are checked and shown but change nothing.
 */
import { mayMakeList } from '../../base/allowance.ts';
import { DbError } from '../../base/errors.ts';
import type { FieldDef, LabelSchema, VectorIndexDef } from '../../graph/catalog.ts';
import { checkDimension } from '../../graph/field-values.ts';
import type { GraphView, GraphWriter } from '../../graph/view.ts';
import { dot, squaredDistance, vectorOf } from '../../value/packed-floats.ts';
import { best } from '../fulltext/hits.ts';
import { Float, isNumber, NodeValue, type CypherMap, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { builtin, list, options, text, writerOf, wrong, type Builtin } from './define.ts';

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

interface Found {
  readonly ids: number[];
  readonly distances: number[];
}

/** Every vertex with a vector of the index's length, and how far it is, in single precision. */
function search(context: ExecContext, label: string, name: string, query: readonly Value[]): Found {
  const { view } = context;
  const { field } = vectorField(view, label, name);
  if (field.vector === undefined) throw new DbError('IndexNotFound', `VertexIndex [${label}:${name}] does not exist.`);
  const given = vectorOf([...query]);
  if (given === undefined || given.numbers.length !== field.vector.dimension) {
    throw wrong(`vector index dimension mismatch, vector size:${query.length}, dim:${field.vector.dimension}`);
  }
  const wanted = Float64Array.from(given.numbers);
  const key = view.catalog.findKey(name);
  const labelId = view.catalog.findLabel(label);
  const found: Found = { ids: [], distances: [] };
  if (key === undefined || labelId === undefined) return found;
  const inner = field.vector.distance === 'ip';
  for (const ids of view.scanNodes(labelId)) {
    mayMakeList(ids.length * 2);
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const numbers = view.nodeVector(ids[i]!, key)?.numbers;
      if (numbers?.length !== wanted.length) continue;
      found.ids.push(ids[i]!);
      found.distances.push(Math.fround(inner ? 1 - dot(numbers, wanted) : squaredDistance(numbers, wanted)));
    }
  }
  return found;
}

/** The nearest of them first. */
function rows({ ids, distances }: Found, count: number): Value[][] {
  return best({ ids, scores: distances.map((distance) => -distance) }, count).map(({ id, score }) => [new NodeValue(id), new Float(-score)]);
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
      const elements = search(context, schema.name, field.name, Array.from({ length: vector.dimension }, () => 0)).ids.length;
      const parameter = new Map<string, Value>([['hnsw.m', vector.m], ['hnsw.ef_construction', vector.efConstruction]]);
      return [[schema.name, field.name, vector.indexType, vector.dimension, vector.distance, parameter, elements, 0, 0]];
    })))),
  builtin('db.vertexVectorKnnSearch', 'label_name:STRING, field_name:STRING, vec:LIST, parameter?:MAP', 'node:NODE, distance:FLOAT', 'read', ([label, name, vector, config], context) => {
    const count = countOption(options(config, 'parameter', ['top_k', ...SEARCH_TUNING]), 'top_k') ?? 10;
    return rows(search(context, text(label, 'label_name'), text(name, 'field_name'), list(vector, 'vec')), count);
  }),
  builtin('db.vertexVectorRangeSearch', 'label_name:STRING, field_name:STRING, vec:LIST, parameter:MAP', 'node:NODE, distance:FLOAT', 'read', ([label, name, vector, config], context) => {
    const map = options(config, 'parameter', ['radius', 'limit', ...SEARCH_TUNING]);
    const radius = radiusOption(map);
    const count = countOption(map, 'limit');
    const { ids, distances } = search(context, text(label, 'label_name'), text(name, 'field_name'), list(vector, 'vec'));
    const isNear = (_: number, at: number): boolean => distances[at]! <= radius;
    return rows({ ids: ids.filter(isNear), distances: distances.filter(isNear) }, count ?? Infinity);
  }),
];
