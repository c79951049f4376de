/** Schemas as items of an import configuration: what `parseImportConfig` reads. */
import type { IndexDef, LabelSchema } from '../graph/catalog.ts';
import type { ImportConfig, IndexSpec } from './import-config.ts';

type Json = Readonly<Record<string, unknown>>;

/** `schema` items; an index over one field of a declared label stands with its field. */
export function schemaItem(schema: LabelSchema, indexes: readonly Pick<IndexSpec, 'fields' | 'unique' | 'pairUnique'>[]): Json {
  const indexOf = (field: string) => indexes.find(({ fields }) => fields.length === 1 && fields[0] === field);
  return {
    label: schema.name, type: schema.kind === 'vertex' ? 'VERTEX' : 'EDGE',
    ...(schema.primary === undefined ? {} : { primary: schema.primary }),
    ...(schema.temporal === undefined ? {} : { temporal: schema.temporal, temporal_order: schema.temporalOrder ?? 'DESC' }),
    ...(schema.constraints === undefined || schema.constraints.length === 0 ? {} : { constraints: schema.constraints }),
    ...(schema.detachProperty === false ? { detach_property: false } : {}),
    properties: schema.fields.map(({ name, type, optional }) => {
      const index = name === schema.primary ? undefined : indexOf(name);
      return {
        name, type, ...(optional ? { optional: true } : {}), ...(index === undefined ? {} : { index: true }),
        ...(index?.unique === true ? { unique: true } : {}), ...(index?.pairUnique === true ? { pair_unique: true } : {}),
      };
    }),
  };
}

export function schemaJson({ schemas, indexes }: ImportConfig): Json[] {
  return schemas.map((schema) => schemaItem(schema, indexes.filter(({ kind, label }) => kind === schema.kind && label === schema.name)));
}

/** An index that no field can carry, as an item of `indexes`. */
export function indexItem(index: Pick<IndexDef, 'kind' | 'unique' | 'pairUnique' | 'name'>, label: string, fields: readonly string[]): Json {
  return {
    type: index.kind === 'vertex' ? 'VERTEX' : 'EDGE', label, fields, name: index.name, ...(index.unique ? { unique: true } : {}), ...(index.pairUnique ? { pair_unique: true } : {}),
  };
}
