/** Whether a new label or index fits, in TuGraph's words. */
import { DbError } from '../base/errors.ts';
import { checkName } from './catalog.ts';
import { canBePrimary } from './field-values.ts';
import type { ConstraintDef, GraphCatalog, IndexDef, LabelSchema, TextIndexDef, VectorIndexSpec } from './catalog.ts';
import { TEXT_FIELDS_MAX, TEXT_LABELS_MAX } from './text/postings.ts';
import type { GraphWriter, TextIndexSpec } from './view.ts';

const RESERVED = ['SKIP', 'SRC_ID', 'DST_ID'];
const FIELDS_MAX = 1024;

export function checkNewLabel(view: GraphWriter, schema: LabelSchema): void {
  const { catalog } = view;
  const exists = schema.kind === 'vertex' ? catalog.vertexSchema(schema.name) : catalog.edgeSchema(schema.name);
  if (exists !== undefined) {
    throw new DbError('LabelExists', `${schema.kind === 'vertex' ? 'Vertex' : 'Edge'} label [${schema.name}] already exists.`);
  }
  const id = schema.kind === 'vertex' ? catalog.findLabel(schema.name) : catalog.findType(schema.name);
  const used = id === undefined ? 0 : schema.kind === 'vertex' ? view.nodeCount(id) : view.relationshipCount(id);
  if (used > 0) {
    throw new DbError('LabelExists', `${schema.name} is already used by ${used} ${schema.kind === 'vertex' ? 'vertices' : 'edges'} without a declaration`, {
      hint: 'declare a label before it is used, or delete what uses it',
    });
  }
  checkShape(schema);
  for (const pair of schema.constraints ?? []) {
    for (const label of pair) {
      if (catalog.vertexSchema(label) === undefined) throw new DbError('LabelNotFound', `No such vertex label: ${label}`);
    }
  }
  const pairs = (schema.constraints ?? []).map(([a, b]) => `[${a}, ${b}]`);
  const twice = pairs.find((pair, i) => pairs.indexOf(pair) !== i);
  if (twice !== undefined) throw new DbError('ArgumentError', `Duplicate constraints: ${twice}`);
}

/** What holds of a label from its first declaration to its last change. */
export function checkShape(schema: LabelSchema): void {
  checkFields(schema);
  if (schema.kind === 'vertex') checkPrimary(schema);
  else checkTemporal(schema);
}

function checkFields(schema: LabelSchema): void {
  if (schema.fields.length > FIELDS_MAX) throw new DbError('ArgumentError', `Label[${schema.name}]: at most ${FIELDS_MAX} properties, given ${schema.fields.length}`);
  const seen = new Set<string>();
  for (const field of schema.fields) {
    checkName('Field', field.name);
    if (RESERVED.includes(field.name)) throw new DbError('ArgumentError', `Label[${schema.name}]: Property name cannot be "SKIP" or "SRC_ID" or "DST_ID"`);
    if (seen.has(field.name)) throw new DbError('ArgumentError', `Label[${schema.name}]: Duplicate property definition: [${field.name}]`);
    seen.add(field.name);
  }
}

function checkPrimary(schema: LabelSchema): void {
  const problem = (text: string) => new DbError('ArgumentError', `Vertex[${schema.name}]: ${text}`);
  if (schema.fields.length === 0) throw problem('Schema must have properties');
  if (schema.primary === undefined || schema.primary === '') throw problem('Schema must specify the primary property');
  const primary = schema.fields.find((field) => field.name === schema.primary);
  if (primary === undefined) throw problem('No primary property found');
  if (primary.optional) throw problem('Primary property can not be optional');
  if (!canBePrimary(primary.type)) throw new DbError('ArgumentError', `Field with type ${primary.type} cannot be indexed`);
}

function checkTemporal({ name, fields, temporal, temporalOrder }: LabelSchema): void {
  if (temporal === undefined) return;
  const type = fields.find((field) => field.name === temporal)?.type;
  if (type !== 'INT64') throw new DbError('ArgumentError', `Edge[${name}]: the temporal field ${temporal} must be an INT64 property`);
  if (temporalOrder !== 'ASC' && temporalOrder !== 'DESC') throw new DbError('ArgumentError', `Edge[${name}]: temporal_order is ASC or DESC`);
}

export function checkNewIndex(view: GraphWriter, index: Parameters<GraphWriter['createIndex']>[0]): void {
  const { catalog } = view;
  const { kind, label, fields } = index;
  if (fields.length < 1 || fields.length > 16) throw new DbError('ArgumentError', `an index has 1 to 16 fields, given ${fields.length}`);
  if (new Set(fields).size !== fields.length) throw new DbError('ArgumentError', `an index names each field once: ${fields.join(', ')}`);
  if (index.unique && index.pairUnique === true) throw new DbError('ArgumentError', 'pair_unique and unique configuration cannot occur simultaneously)');
  if (kind === 'vertex' && index.pairUnique === true) throw new DbError('ArgumentError', 'vertex index do not support pair-unique attributes');
  const schema = kind === 'vertex' ? catalog.vertexSchema(label) : catalog.edgeSchema(label);
  const word = kind === 'vertex' ? 'Vertex' : 'Edge';
  if (schema === undefined && catalog.strict) throw new DbError('LabelNotFound', `${word} label "${label}" does not exist.`);
  for (const field of fields) {
    const declared = schema?.fields.find((one) => one.name === field);
    if (schema !== undefined && declared === undefined) throw new DbError('FieldNotFound', `${word} field "${label}":"${field}" does not exist.`);
    if (declared?.type === 'BLOB') throw new DbError('ArgumentError', 'Field with type BLOB cannot be indexed');
  }
  if (catalog.findIndex(kind, label, fields) !== undefined) {
    throw new DbError('IndexExists', `${fields.length > 1 ? 'VertexCompositeIndex' : 'VertexIndex'} [${label}:${fields.join(',')}] already exist.`);
  }
}

/** `analyzer` is its own name, not an alias. */
export function checkNewText(view: GraphWriter, text: TextIndexSpec, analyzer: string): void {
  const { catalog } = view;
  const { kind, labels, fields, name } = text;
  const word = kind === 'vertex' ? 'Vertex' : 'Edge';
  if (name === '' || Buffer.byteLength(name) > 1024) throw new DbError('ArgumentError', `the name of an index has 1 to 1024 bytes, given ${Buffer.byteLength(name)}`);
  if (labels.length < 1 || labels.length > TEXT_LABELS_MAX) throw new DbError('ArgumentError', `a full-text index is for 1 to ${TEXT_LABELS_MAX} labels, given ${labels.length}`);
  if (fields.length < 1 || fields.length > TEXT_FIELDS_MAX) throw new DbError('ArgumentError', `a full-text index has 1 to ${TEXT_FIELDS_MAX} fields, given ${fields.length}`);
  for (const list of [labels, fields]) if (new Set(list).size !== list.length) throw new DbError('ArgumentError', `a full-text index names each label and field once: ${list.join(', ')}`);
  for (const label of labels) {
    const schema = kind === 'vertex' ? catalog.vertexSchema(label) : catalog.edgeSchema(label);
    if (schema === undefined && catalog.strict) throw new DbError('LabelNotFound', `${word} label "${label}" does not exist.`);
    for (const field of schema === undefined ? [] : fields) {
      const declared = schema?.fields.find((one) => one.name === field);
      // With several labels, a field may belong to one of them.
      if (declared === undefined && labels.length === 1) throw new DbError('FieldNotFound', `${word} field "${label}":"${field}" does not exist.`);
      if (declared !== undefined && declared.type !== 'STRING') throw new DbError('ArgumentError', `only a STRING can have a full-text index, ${label}.${field} is ${declared.type}`);
    }
  }
  if (isNameTaken(catalog, name)) {
    throw new DbError('IndexExists', `an index or constraint with the name ${name} already exists`);
  }
  const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((one) => b.includes(one));
  const twin = catalog.texts.find((one) => one.kind === kind && one.analyzer === analyzer && same(catalog.textLabels(one), labels) && same(catalog.textFields(one), fields));
  if (twin !== undefined) throw new DbError('IndexExists', `FullTextIndex [${labels.join('|')}:${fields.join(',')}] already exist.`, { hint: `it is called ${twin.name}` });
}

/** Vectors have as many numbers at most, as in Neo4j. */
export const DIMENSIONS_MAX = 4096;

export function checkNewVectorIndex(view: GraphWriter, { kind, name, label, field, dimensions, similarity }: VectorIndexSpec): void {
  const { catalog } = view;
  if (name === '') throw new DbError('ArgumentError', 'a vector index has a name');
  if (dimensions !== undefined && (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > DIMENSIONS_MAX)) {
    throw new DbError('ArgumentError', `vector.dimensions is an integer from 1 to ${DIMENSIONS_MAX}, given ${dimensions}`);
  }
  const schema = kind === 'vertex' ? catalog.vertexSchema(label) : catalog.edgeSchema(label);
  const word = kind === 'vertex' ? 'Vertex' : 'Edge';
  if (schema === undefined && catalog.strict) throw new DbError('LabelNotFound', `${word} label "${label}" does not exist.`);
  const declared = schema?.fields.find((one) => one.name === field);
  if (schema !== undefined && declared === undefined) throw new DbError('FieldNotFound', `${word} field "${label}":"${field}" does not exist.`);
  if (declared !== undefined && declared.type !== 'FLOAT_VECTOR') throw new DbError('ArgumentError', `only a FLOAT_VECTOR can have a vector index, ${label}.${field} is ${declared.type}`);
  if (isNameTaken(catalog, name)) throw new DbError('IndexExists', `an index or constraint with the name ${name} already exists`);
  const twin = catalog.vectorIndexes.map((one) => catalog.vectorIndexSpec(one)).find((one) => one.kind === kind && one.label === label && one.field === field);
  if (twin !== undefined) throw new DbError('IndexExists', `there is a vector index on ${label}.${field} already`, { hint: `it is called ${twin.name}, by ${twin.similarity}; this one would be by ${similarity}` });
}

function isNameTaken(catalog: GraphCatalog, name: string): boolean {
  return catalog.hasIndexNamed(name) || catalog.data.constraints.some((one) => one.name === name);
}

/** By its name an index is dropped: no two have the same, of whatever kind. */
export function checkFreeName(catalog: GraphCatalog, name: string): void {
  if (!isNameTaken(catalog, name)) return;
  const what = catalog.findText(name) !== undefined ? 'a full-text index' : catalog.vectorIndexes.some((one) => one.name === name) ? 'a vector index'
    : catalog.data.constraints.some((one) => one.name === name) ? 'a constraint' : 'an index';
  throw new DbError('IndexExists', `there is ${what} with the name ${name}`);
}

/** A name for what is given none: the usual one may be taken, such as that of a label's index by a type's. */
export function freeName(catalog: GraphCatalog, usual: string): string {
  let name = usual;
  for (let i = 2; isNameTaken(catalog, name); i++) name = `${usual}_${i}`;
  return name;
}

/** Not of rules without an index: an index over the same property is not theirs. */
export function constraintIndex(catalog: GraphCatalog, constraint: ConstraintDef): IndexDef | undefined {
  if (constraint.type !== 'unique' && constraint.type !== 'node_key') return undefined;
  return catalog.findIndex(constraint.kind, constraint.label, constraint.fields);
}

export function owningConstraint(catalog: GraphCatalog, index: IndexDef): ConstraintDef | undefined {
  return catalog.data.constraints.find((one) => constraintIndex(catalog, one)?.id === index.id);
}

export function checkNewConstraint({ catalog }: GraphWriter, { name, type, kind, label, fields }: Omit<ConstraintDef, 'id'>): void {
  if (catalog.data.constraints.some((one) => one.name === name)) throw new DbError('IndexExists', `the constraint ${name} already exists`);
  checkFreeName(catalog, name);
  const twin = type === 'unique' || type === 'node_key' ? undefined
    : catalog.data.constraints.find((one) => one.type === type && one.kind === kind && one.label === label && one.fields.join() === fields.join());
  if (twin === undefined) return;
  const of = type === 'type' ? `the type of ${label}.${fields[0]!}` : `${label}.${fields.join(', ')}`;
  throw new DbError('IndexExists', `there is a constraint for ${of} already`, { hint: `it is called ${twin.name}` });
}

export function textNamed(catalog: GraphCatalog, name: string): TextIndexDef {
  const known = catalog.findText(name);
  if (known === undefined) throw new DbError('IndexNotFound', `there is no full-text index ${name}`);
  return known;
}
