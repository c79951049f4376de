/** What a graph's catalog says, in the parts in which exports write it down: what stands with a field of a declared label, and the rest. */
import type { ConstraintDef, GraphCatalog, IndexDef, LabelSchema } from '../graph/catalog.ts';
import { isUnique } from '../graph/element-rules.ts';
import { constraintIndex } from '../graph/schema-check.ts';
import type { TextIndexSpec } from '../graph/view.ts';
import { isFieldText } from './config-json.ts';
import type { IndexSpec } from './import-config.ts';

export interface LabelPart {
  readonly schema: LabelSchema;
  /** Of single fields, under their usual names. */
  readonly indexes: readonly Pick<IndexSpec, 'fields' | 'unique' | 'pairUnique'>[];
  /** Those with a full-text index under its usual name. */
  readonly textFields: readonly string[];
}

export interface CatalogParts {
  /** Vertices first. */
  readonly labels: readonly LabelPart[];
  readonly indexes: readonly { readonly index: IndexDef; readonly label: string; readonly fields: readonly string[] }[];
  readonly texts: readonly TextIndexSpec[];
  readonly constraints: readonly ConstraintDef[];
}

export function catalogParts(catalog: GraphCatalog): CatalogParts {
  const { labels, types, keys, schemas } = catalog.data;
  // What is to be there once is so when its index is whole: with less, the data might not be taken in again.
  const indexes = catalog.data.indexes.filter((index) => index.isUnfinished !== true || !isUnique(index));
  const constraints = catalog.data.constraints.filter((constraint) => constraintIndex(catalog, constraint)?.isUnfinished !== true);
  const sorted = [...schemas].sort((a, b) => Number(a.kind === 'edge') - Number(b.kind === 'edge'));
  const ofConstraints = new Set(constraints.map((constraint) => constraintIndex(catalog, constraint)?.id));
  const all = indexes.filter((index) => !index.primary && !ofConstraints.has(index.id)).map((index) => ({
    index, label: (index.kind === 'vertex' ? labels : types)[index.labelId]!, fields: index.keyIds.map((key) => keys[key]!),
  }));
  const isOf = ({ index, label, fields: [field, ...more] }: (typeof all)[number], { kind, name, fields }: LabelSchema): boolean => (
    index.kind === kind && label === name && more.length === 0 && index.name === `${label}_${field}` && fields.some((one) => one.name === field && !(index.unique && one.optional)));
  const texts = catalog.texts.map((text) => catalog.textSpec(text));
  const isTextOf = (text: TextIndexSpec, { kind, name }: LabelSchema): boolean => isFieldText(text) && kind === text.kind && name === text.labels[0];
  return {
    labels: sorted.map((schema) => ({
      schema,
      indexes: all.filter((one) => isOf(one, schema)).map(({ index: { unique, pairUnique }, fields }) => ({ fields, unique, pairUnique })),
      textFields: texts.filter((text) => isTextOf(text, schema)).map(({ fields }) => fields[0]!),
    })),
    indexes: all.filter((one) => !sorted.some((schema) => isOf(one, schema))),
    texts: texts.filter((text) => !sorted.some((schema) => isTextOf(text, schema))),
    constraints,
  };
}
