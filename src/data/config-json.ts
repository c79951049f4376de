/** Schemas as items of an import configuration: what `parseImportConfig` reads. */
import type { IndexDef, LabelSchema, VectorIndexDef, VectorIndexSpec } from '../graph/catalog.ts';
import { DEFAULT_ANALYZER } from '../graph/text/analyzer.ts';
import { fieldTextName } from '../graph/text/postings.ts';
import type { TextIndexSpec } from '../graph/view.ts';
import type { ImportConfig, IndexSpec } from './import-config.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whether a full-text index is what `fulltext: true` of a field makes. */
export function isFieldText({ kind, name, labels, fields, analyzer }: TextIndexSpec): boolean {
  return labels.length === 1 && fields.length === 1 && name === fieldTextName(kind, labels[0]!, fields[0]!) && analyzer === DEFAULT_ANALYZER;
}

/** A full-text index as an item of `fulltext_indexes`. */
export function textItem({ kind, name, labels, fields, analyzer }: TextIndexSpec): Json {
  return { type: kind === 'vertex' ? 'VERTEX' : 'EDGE', name, labels, fields, analyzer };
}

/** `schema` items; `textFields` have a full-text index; an index over one field of a declared label stands with its field. */
export function schemaItem(schema: LabelSchema, indexes: readonly Pick<IndexSpec, 'fields' | 'unique' | 'pairUnique'>[], textFields: readonly string[] = []): Json {
  const indexOf = (field: string) => indexes.find(({ fields }) => fields.length === 1 && fields[0] === field);
  return {
    label: schema.name, type: schema.kind === 'vertex' ? 'VERTEX' : 'EDGE',
    ...(schema.primary === undefined ? {} : { primary: schema.primary }),
    ...(schema.temporal === undefined ? {} : { temporal: schema.temporal, temporal_order: schema.temporalOrder ?? 'ASC' }),
    ...(schema.constraints === undefined || schema.constraints.length === 0 ? {} : { constraints: schema.constraints }),
    ...(schema.detachProperty === false ? { detach_property: false } : {}),
    properties: schema.fields.map(({ name, type, optional }) => {
      const index = name === schema.primary ? undefined : indexOf(name);
      return {
        name, type, ...(optional ? { optional: true } : {}), ...(index === undefined ? {} : { index: true }),
        ...(index?.unique === true ? { unique: true } : {}), ...(index?.pairUnique === true ? { pair_unique: true } : {}), ...(textFields.includes(name) ? { fulltext: true } : {}),
      };
    }),
  };
}

export function schemaJson({ schemas, indexes, texts }: ImportConfig): Json[] {
  return schemas.map((schema) => schemaItem(
    schema, indexes.filter(({ kind, label }) => kind === schema.kind && label === schema.name),
    texts.filter((text) => isFieldText(text) && text.kind === schema.kind && text.labels[0] === schema.name).map(({ fields }) => fields[0]!),
  ));
}

/** A vector index of Neo4j's kind as an item of `vector_indexes`. */
export function vectorIndexItem({ kind, name, label, field, dimensions, similarity }: VectorIndexSpec): Json {
  return { type: kind === 'vertex' ? 'VERTEX' : 'EDGE', label, field, name, ...(dimensions === undefined ? {} : { dimensions }), similarity };
}

export interface FieldVector {
  readonly label: string;
  readonly field: string;
  readonly vector: VectorIndexDef;
}

/** TuGraph's vector indexes: those of declared fields. */
export function fieldVectors(schemas: readonly LabelSchema[]): FieldVector[] {
  return schemas.flatMap(({ name: label, fields }) => fields.flatMap(({ name: field, vector }) => (vector === undefined ? [] : [{ label, field, vector }])));
}

/** The parameters of db.addVertexVectorIndex that make the index again. */
export function vectorParameters({ indexType, dimension, distance, m, efConstruction }: VectorIndexDef): Readonly<Record<string, string | number>> {
  return { index_type: indexType, dimension, distance_type: distance, hnsw_m: m, hnsw_ef_construction: efConstruction };
}

/** One of them as an item of `vector_indexes`. */
export function fieldVectorItem({ label, field, vector }: FieldVector): Json {
  return { type: 'VERTEX', label, field, ...vectorParameters(vector) };
}

/** An index that no field can carry, as an item of `indexes`. */
export function indexItem(index: Pick<IndexDef, 'kind' | 'unique' | 'pairUnique' | 'name'>, label: string, fields: readonly string[]): Json {
  return {
    type: index.kind === 'vertex' ? 'VERTEX' : 'EDGE', label, fields, name: index.name, ...(index.unique ? { unique: true } : {}), ...(index.pairUnique ? { pair_unique: true } : {}),
  };
}
