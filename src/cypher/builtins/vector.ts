/**
 * Vector search over FLOAT_VECTOR fields, exact: every vector of the label is compared.
 *
 * An "index" is a note in the field's declaration (what the procedures show, and that a search may be asked for); there is no
 * approximate structure behind it, so its tuning options are checked and shown but change nothing.
 */
import { DbError } from '../../base/errors.ts';
import type { FieldDef, LabelSchema } from '../../graph/catalog.ts';
import type { GraphView, GraphWriter } from '../../graph/view.ts';
import { Float, isNumber, NodeValue, type CypherMap, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { builtin, list, text, writerOf, wrong, type Builtin } from './define.ts';

interface VectorOptions {
  readonly indexType: string;
  readonly dimension: number;
  readonly distance: 'l2' | 'ip';
  readonly m: number;
  readonly efConstruction: number;
}

/** The declaration is stored as JSON: the note travels with it. */
interface VectorField extends FieldDef {
  readonly vector?: VectorOptions;
}

function vectorField(view: GraphView, label: string, name: string): { schema: LabelSchema; field: VectorField } {
  const schema = view.catalog.vertexSchema(label);
  if (schema === undefined) throw new DbError('LabelNotFound', `Vertex label "${label}" does not exist.`);
  const field = schema.fields.find((each) => each.name === name);
  if (field === undefined) throw new DbError('FieldNotFound', `Field [${name}] does not exist.`);
  return { schema, field };
}

function replaceField(writer: GraphWriter, schema: LabelSchema, field: VectorField): void {
  writer.replaceSchema({ ...schema, fields: schema.fields.map((each) => (each.name === field.name ? field : each)) });
}

function optionsOf(config: Value | undefined): VectorOptions {
  const map: CypherMap = config instanceof Map ? config : new Map<string, Value>();
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

function numbersOf(value: Value | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers: number[] = [];
  for (const item of value) {
    if (item === null || !isNumber(item)) return undefined;
    numbers.push(item instanceof Float ? item.value : Number(item));
  }
  return numbers;
}

interface Hit {
  readonly id: number;
  readonly distance: number;
}

/** Every vertex with a vector, nearest first. */
function search(context: ExecContext, label: string, name: string, query: readonly Value[]): Hit[] {
  const { view } = context;
  const { field } = vectorField(view, label, name);
  if (field.vector === undefined) throw new DbError('IndexNotFound', `VertexIndex [${label}:${name}] does not exist.`);
  const wanted = numbersOf([...query]);
  if (wanted === undefined || wanted.length !== field.vector.dimension) {
    throw wrong(`vector index dimension mismatch, vector size:${query.length}, dim:${field.vector.dimension}`);
  }
  const key = view.catalog.findKey(name);
  const labelId = view.catalog.findLabel(label);
  const hits: Hit[] = [];
  if (key === undefined || labelId === undefined) return hits;
  const inner = field.vector.distance === 'ip';
  for (const ids of view.scanNodes(labelId)) {
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const vector = numbersOf(view.nodeProperty(new NodeValue(ids[i]!), key));
      if (vector?.length !== wanted.length) continue;
      let sum = 0;
      for (let d = 0; d < wanted.length; d++) sum += inner ? vector[d]! * wanted[d]! : (vector[d]! - wanted[d]!) ** 2;
      hits.push({ id: ids[i]!, distance: Math.fround(inner ? 1 - sum : sum) });
    }
  }
  return hits.sort((a, b) => a.distance - b.distance || a.id - b.id);
}

const rows = (hits: readonly Hit[]): Value[][] => hits.map(({ id, distance }) => [new NodeValue(id), new Float(distance)]);

function option(config: Value | undefined, name: string): number | undefined {
  const value = config instanceof Map ? config.get(name) : undefined;
  return value === undefined || value === null || !isNumber(value) ? undefined : value instanceof Float ? value.value : Number(value);
}

function countOption(config: Value | undefined, name: string): number | undefined {
  const value = config instanceof Map ? config.get(name) ?? undefined : undefined;
  if (value === undefined || (typeof value === 'number' && value >= 0)) return value;
  throw wrong(`${name} should be an integer, at least 0`);
}

export const VECTOR_BUILTINS: readonly Builtin[] = [
  builtin('db.addVertexVectorIndex', 'label_name:STRING, field_name:STRING, parameter?:MAP', '', 'schema', ([label, name, config], context) => {
    const writer = writerOf(context);
    const { schema, field } = vectorField(writer, text(label, 'label_name'), text(name, 'field_name'));
    if (field.type !== 'FLOAT_VECTOR') throw wrong('Only FLOAT_VECTOR type supports vector index');
    if (field.vector !== undefined) throw new DbError('IndexExists', `VertexIndex [${schema.name}:${field.name}] already exist.`);
    replaceField(writer, schema, { ...field, vector: optionsOf(config) } as VectorField);
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
    context.view.catalog.data.schemas.flatMap((schema) => schema.fields.flatMap((field: VectorField): Value[][] => {
      const { vector } = field;
      if (schema.kind !== 'vertex' || vector === undefined) return [];
      const elements = search(context, schema.name, field.name, Array.from({ length: vector.dimension }, () => 0)).length;
      const parameter = new Map<string, Value>([['hnsw.m', vector.m], ['hnsw.ef_construction', vector.efConstruction]]);
      return [[schema.name, field.name, vector.indexType, vector.dimension, vector.distance, parameter, elements, 0, 0]];
    })))),
  builtin('db.vertexVectorKnnSearch', 'label_name:STRING, field_name:STRING, vec:LIST, parameter?:MAP', 'node:NODE, distance:FLOAT', 'read', ([label, name, vector, config], context) => {
    const count = countOption(config, 'top_k') ?? 10;
    return rows(search(context, text(label, 'label_name'), text(name, 'field_name'), list(vector, 'vec')).slice(0, count));
  }),
  builtin('db.vertexVectorRangeSearch', 'label_name:STRING, field_name:STRING, vec:LIST, parameter:MAP', 'node:NODE, distance:FLOAT', 'read', ([label, name, vector, config], context) => {
    const radius = option(config, 'radius');
    if (radius === undefined) throw wrong('radius is required for vector range search');
    const count = countOption(config, 'limit');
    const hits = search(context, text(label, 'label_name'), text(name, 'field_name'), list(vector, 'vec')).filter(({ distance }) => distance <= radius);
    return rows(hits.slice(0, count));
  }),
];
