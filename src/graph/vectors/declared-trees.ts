/** The trees that indexes over vectors go by: none where an index takes vectors of any length. */
import type { FieldDef, GraphCatalog, LabelSchema, VectorIndex, VectorTreeKey } from '../catalog.ts';

export function treesOfIndex({ kind, labelId, keyId, dimensions, similarity: space }: VectorIndex): VectorTreeKey[] {
  return dimensions === undefined ? [] : [{ kind, labelId, keyId, dimensions, space }];
}

/** Of a declared field. Its two distances, of which one is by inner product, go by the same tree. */
export function treesOfField(catalog: GraphCatalog, { kind, name }: LabelSchema, field: FieldDef): VectorTreeKey[] {
  const labelId = kind === 'vertex' ? catalog.findLabel(name) : catalog.findType(name);
  const keyId = catalog.findKey(field.name);
  if (field.vector === undefined || labelId === undefined || keyId === undefined) return [];
  return [{ kind, labelId, keyId, dimensions: field.vector.dimension, space: 'euclidean' }];
}

export function treesOf(catalog: GraphCatalog): VectorTreeKey[] {
  return [
    ...catalog.vectorIndexes.flatMap(treesOfIndex),
    ...catalog.data.schemas.flatMap((schema) => schema.fields.flatMap((field) => treesOfField(catalog, schema, field))),
  ];
}
