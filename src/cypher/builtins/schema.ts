/**
 * TuGraph's procedures for labels, fields, indexes and edge constraints.
 */
import { DbError } from '../../base/errors.ts';
import type { FieldDef, LabelSchema } from '../../graph/catalog.ts';
import type { GraphWriter } from '../../graph/view.ts';
import { NodeValue, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { addFieldText, checkFullText, defaultAnalyzer } from './fulltext.ts';
import { builtin, fieldType, flag, kindOf, list, text, writerOf, wrong, type Builtin } from './define.ts';
import { labelFromJson, labelPairs } from './label-json.ts';

function fieldOf([name, type, optional]: readonly (Value | undefined)[]): FieldDef {
  return { name: text(name, 'field_name'), type: fieldType(text(type, 'field_type')), optional: flag(optional ?? false, 'optional') };
}

function fieldTriples(args: readonly Value[]): FieldDef[] {
  if (args.length % 3 !== 0) throw wrong(`fields come as name, type, optional: ${args.length} values are given`);
  const fields: FieldDef[] = [];
  for (let i = 0; i < args.length; i += 3) fields.push(fieldOf(args.slice(i, i + 3)));
  return fields;
}

export function constraintPairs(json: string): [string, string][] {
  let pairs: unknown;
  try {
    pairs = JSON.parse(json === '' ? '[]' : json);
  } catch (error) {
    throw new DbError('ProcedureCallFailed', `edge constraints are a JSON array of pairs: ${json}`, { cause: error });
  }
  if (!Array.isArray(pairs)) throw wrong(`edge constraints are a JSON array of pairs: ${json}`);
  return labelPairs(pairs);
}

function createFromJson(context: ExecContext, json: string, kind: 'vertex' | 'edge'): void {
  const writer = writerOf(context);
  const { schema, indexes, texts } = labelFromJson(json, kind);
  writer.createLabel(schema);
  for (const index of indexes) writer.createIndex({ kind, label: schema.name, ...index });
  for (const field of texts) {
    checkFullText(context);
    addFieldText(writer, kind, schema.name, field, defaultAnalyzer(context));
  }
}

function requireLabel(writer: GraphWriter, kind: 'vertex' | 'edge', label: string): LabelSchema {
  const schema = kind === 'vertex' ? writer.catalog.vertexSchema(label) : writer.catalog.edgeSchema(label);
  if (schema === undefined) throw new DbError('LabelNotFound', `Label [${label}] does not exist.`);
  return schema;
}

/** A free-form label may get an index before its first vertex. */
function nameLabel(writer: GraphWriter, kind: 'vertex' | 'edge', label: string): void {
  const { catalog } = writer;
  const known = kind === 'vertex' ? catalog.findLabel(label) ?? catalog.vertexSchema(label) : catalog.findType(label) ?? catalog.edgeSchema(label);
  if (known === undefined) throw new DbError('LabelNotFound', `${kind === 'vertex' ? 'Vertex' : 'Edge'} label "${label}" does not exist.`);
}

const NOTHING: Value[][] = [];

// ---- changes of declared fields

/** Calls `change` for each record of the label; returns how many there were. */
function forEachRecord(writer: GraphWriter, kind: 'vertex' | 'edge', label: string, change: (set: (keyId: number, value: Value) => void, get: (keyId: number) => Value) => void): number {
  const id = kind === 'vertex' ? writer.catalog.findLabel(label) : writer.catalog.findType(label);
  if (id === undefined) return 0;
  const ids = [...(kind === 'vertex' ? writer.scanNodes(id) : writer.scanRelationships(id))].flatMap((part) => Array.from(part));
  for (const each of ids) {
    if (kind === 'vertex') {
      const node = new NodeValue(each);
      change((key, value) => writer.setNodeProperty(node, key, value), (key) => writer.nodeProperty(node, key));
    } else {
      const relationship = writer.findRelationship(each)!;
      change((key, value) => writer.setRelationshipProperty(relationship, key, value), (key) => writer.relationshipProperty(relationship, key));
    }
  }
  return ids.length;
}

function addFields(writer: GraphWriter, kind: 'vertex' | 'edge', label: string, specs: readonly Value[]): Value[][] {
  const schema = requireLabel(writer, kind, label);
  const added = specs.map((spec) => {
    const [name, type, initial, optional] = list(spec, 'field_spec');
    return { field: fieldOf([name, type, optional]), initial: initial ?? null };
  });
  if (specs.length === 0) throw wrong('No fields specified.');
  for (const { field, initial } of added) {
    if (schema.fields.some(({ name }) => name === field.name)) throw new DbError('FieldExists', `Field [${field.name}] already exists.`);
    if (!field.optional && initial === null) throw wrong(`Field [${field.name}] is declared as non-optional but the default value is NULL.`);
  }
  writer.replaceSchema({ ...schema, fields: [...schema.fields, ...added.map(({ field }) => ({ ...field, optional: true }))] });
  const keys = added.map(({ field }) => writer.keyId(field.name));
  const count = forEachRecord(writer, kind, label, (set) => {
    for (const [i, { initial }] of added.entries()) if (initial !== null) set(keys[i]!, initial);
  });
  writer.replaceSchema({ ...schema, fields: [...schema.fields, ...added.map(({ field }) => field)] });
  return [[count]];
}

function deleteFields(writer: GraphWriter, kind: 'vertex' | 'edge', label: string, names: readonly string[]): Value[][] {
  const schema = requireLabel(writer, kind, label);
  if (names.length === 0) throw wrong('No fields specified.');
  for (const name of names) {
    if (!schema.fields.some((field) => field.name === name)) throw new DbError('FieldNotFound', `Field [${name}] does not exist.`);
    if (name === schema.primary || name === schema.temporal) throw new DbError('ConstraintValidation', `Field [${name}] cannot be deleted.`);
  }
  for (const rule of writer.catalog.data.constraints) {
    if (rule.kind === kind && rule.label === label && rule.fields.some((field) => names.includes(field))) writer.deleteConstraint(rule.name);
  }
  const { catalog } = writer;
  const labelId = kind === 'vertex' ? catalog.findLabel(label)! : catalog.findType(label)!;
  for (const index of catalog.data.indexes) {
    if (index.kind !== kind || index.labelId !== labelId) continue;
    const fields = index.keyIds.map((key) => catalog.keyName(key));
    if (fields.some((field) => names.includes(field))) writer.deleteIndex({ kind, label, fields });
  }
  for (const text of catalog.texts) {
    if (text.kind === kind && text.labelIds.includes(labelId) && text.labelIds.length === 1 && catalog.textFields(text).every((field) => names.includes(field))) writer.deleteText(text.name);
  }
  for (const index of catalog.vectorIndexes) {
    const spec = catalog.vectorIndexSpec(index);
    if (spec.kind === kind && spec.label === label && names.includes(spec.field)) writer.deleteVectorIndex(index.name);
  }
  writer.replaceSchema({ ...schema, fields: schema.fields.map((field) => (names.includes(field.name) ? { ...field, optional: true } : field)) });
  const keys = names.map((name) => writer.keyId(name));
  const count = forEachRecord(writer, kind, label, (set) => {
    for (const key of keys) set(key, null);
  });
  writer.replaceSchema({ ...schema, fields: schema.fields.filter((field) => !names.includes(field.name)) });
  return [[count]];
}

function modifyFields(writer: GraphWriter, kind: 'vertex' | 'edge', label: string, specs: readonly Value[]): Value[][] {
  const schema = requireLabel(writer, kind, label);
  const names = new Set<string>();
  const changed = new Map(specs.map((spec) => {
    const field = fieldOf(list(spec, 'field_spec'));
    if (names.has(field.name)) throw new DbError('ArgumentError', `Label[${label}]: Duplicate property definition: [${field.name}]`);
    names.add(field.name);
    const before = schema.fields.find(({ name }) => name === field.name);
    if (before === undefined) throw new DbError('FieldNotFound', `Field [${field.name}] does not exist.`);
    if ((before.type === 'BLOB') !== (field.type === 'BLOB')) throw wrong(`Field [${field.name}]: BLOB cannot be converted.`);
    return [field.name, field.type === before.type && before.vector !== undefined ? { ...field, vector: before.vector } : field] as const;
  }));
  writer.replaceSchema({ ...schema, fields: schema.fields.map((field) => changed.get(field.name) ?? field) });
  const keys = [...changed.keys()].map((name) => writer.keyId(name));
  // Setting a value again converts it to the new type, or says that it cannot.
  const count = forEachRecord(writer, kind, label, (set, get) => {
    for (const key of keys) set(key, get(key));
  });
  return [[count]];
}

/** Those of labels that are not declared: the others went with theirs. */
function dropIndexes(writer: GraphWriter): void {
  for (const { name } of writer.catalog.data.constraints) writer.deleteConstraint(name);
  for (const { name } of writer.catalog.texts) writer.deleteText(name);
  for (const { name } of writer.catalog.vectorIndexes) writer.deleteVectorIndex(name);
  const { catalog } = writer;
  for (const { kind, labelId, keyIds } of catalog.data.indexes) {
    writer.deleteIndex({ kind, label: kind === 'vertex' ? catalog.labelName(labelId) : catalog.typeName(labelId), fields: keyIds.map((key) => catalog.keyName(key)) });
  }
}

// ---- the procedures

export const SCHEMA_BUILTINS: readonly Builtin[] = [
  builtin('db.createVertexLabel', 'label_name:STRING, primary_fd:STRING, field_specs?:ANY', '', 'schema', ([label, primary, ...fields], context) => {
    writerOf(context).createLabel({
      kind: 'vertex', name: text(label, 'label_name'), primary: text(primary, 'primary_fd'), fields: fieldTriples(fields.filter((each, i) => i > 0 || each !== null)), detachProperty: true,
    });
    return NOTHING;
  }, { variadic: true }),
  builtin('db.createEdgeLabel', 'label_name:STRING, edge_constraints:STRING, field_specs?:ANY', '', 'schema', ([label, constraints, ...fields], context) => {
    writerOf(context).createLabel({
      kind: 'edge', name: text(label, 'label_name'), constraints: constraintPairs(text(constraints, 'edge_constraints')),
      fields: fieldTriples(fields.filter((each, i) => i > 0 || each !== null)), detachProperty: true,
    });
    return NOTHING;
  }, { variadic: true }),
  builtin('db.createLabel', 'label_type:STRING, label_name:STRING, extra:STRING, field_specs?:LIST', '', 'schema', ([type, label, extra, ...fields], context) => {
    const kind = kindOf(type);
    const shape = { name: text(label, 'label_name'), fields: fields.filter((each) => each !== null).map((each) => fieldOf(list(each, 'field_spec'))), detachProperty: true };
    if (kind === 'vertex') writerOf(context).createLabel({ kind, ...shape, primary: text(extra, 'extra') });
    else writerOf(context).createLabel({ kind, ...shape, constraints: constraintPairs(text(extra, 'extra')) });
    return NOTHING;
  }, { variadic: true }),
  builtin('db.createVertexLabelByJson', 'json_data:STRING', '', 'schema', ([json], context) => {
    createFromJson(context, text(json, 'json_data'), 'vertex');
    return NOTHING;
  }),
  builtin('db.createEdgeLabelByJson', 'json_data:STRING', '', 'schema', ([json], context) => {
    createFromJson(context, text(json, 'json_data'), 'edge');
    return NOTHING;
  }),
  builtin('db.deleteLabel', 'label_type:STRING, label_name:STRING', '', 'schema', ([type, label], context) => {
    writerOf(context).deleteLabel(kindOf(type), text(label, 'label_name'));
    return NOTHING;
  }),
  builtin('db.alterLabelAddFields', 'label_type:STRING, label_name:STRING, field_value_spec:LIST', 'record_affected:INTEGER', 'schema', ([type, label, ...specs], context) => (
    addFields(writerOf(context), kindOf(type), text(label, 'label_name'), specs)), { variadic: true }),
  builtin('db.alterLabelDelFields', 'label_type:STRING, label_name:STRING, del_fields:ANY', 'record_affected:INTEGER', 'schema', ([type, label, names], context) => (
    deleteFields(writerOf(context), kindOf(type), text(label, 'label_name'), Array.isArray(names) ? names.map((each) => text(each, 'del_fields')) : [text(names, 'del_fields')]))),
  builtin('db.alterLabelModFields', 'label_type:STRING, label_name:STRING, field_specs:LIST', 'record_affected:INTEGER', 'schema', ([type, label, ...specs], context) => (
    modifyFields(writerOf(context), kindOf(type), text(label, 'label_name'), specs)), { variadic: true }),
  builtin('db.addIndex', 'label_name:STRING, field_name:STRING, unique:BOOLEAN', '', 'schema', ([label, field, unique], context) => {
    const writer = writerOf(context);
    nameLabel(writer, 'vertex', text(label, 'label_name'));
    writer.createIndex({ kind: 'vertex', label: text(label, 'label_name'), fields: [text(field, 'field_name')], unique: flag(unique, 'unique') });
    return NOTHING;
  }),
  builtin('db.addVertexCompositeIndex', 'label_name:STRING, field_names:LIST, unique:BOOLEAN', '', 'schema', ([label, fields, unique], context) => {
    const names = list(fields, 'field_names').map((each) => text(each, 'field_names'));
    if (names.length < 2 || names.length > 16) throw wrong('a composite index has 2 to 16 fields');
    nameLabel(writerOf(context), 'vertex', text(label, 'label_name'));
    writerOf(context).createIndex({ kind: 'vertex', label: text(label, 'label_name'), fields: names, unique: flag(unique, 'unique') });
    return NOTHING;
  }),
  builtin('db.addEdgeIndex', 'label_name:STRING, field_name:STRING, unique:BOOLEAN, pair_unique?:BOOLEAN', '', 'schema', ([label, field, unique, pair], context) => {
    nameLabel(writerOf(context), 'edge', text(label, 'label_name'));
    writerOf(context).createIndex({
      kind: 'edge', label: text(label, 'label_name'), fields: [text(field, 'field_name')], unique: flag(unique, 'unique'), pairUnique: pair === true,
    });
    return NOTHING;
  }),
  builtin('db.deleteIndex', 'label_name:STRING, field_name:STRING', '', 'schema', ([label, field], context) => {
    writerOf(context).deleteIndex({ kind: 'vertex', label: text(label, 'label_name'), fields: [text(field, 'field_name')] });
    return NOTHING;
  }),
  builtin('db.deleteEdgeIndex', 'label_name:STRING, field_name:STRING', '', 'schema', ([label, field], context) => {
    writerOf(context).deleteIndex({ kind: 'edge', label: text(label, 'label_name'), fields: [text(field, 'field_name')] });
    return NOTHING;
  }),
  builtin('db.deleteCompositeIndex', 'label_name:STRING, field_names:LIST', '', 'schema', ([label, fields], context) => {
    writerOf(context).deleteIndex({ kind: 'vertex', label: text(label, 'label_name'), fields: list(fields, 'field_names').map((each) => text(each, 'field_names')) });
    return NOTHING;
  }),
  builtin('db.addEdgeConstraints', 'label_name:STRING, constraints:STRING', '', 'schema', ([label, json], context) => {
    const name = text(label, 'label_name');
    const writer = writerOf(context);
    const schema = writer.catalog.edgeSchema(name);
    if (schema === undefined) throw new DbError('LabelNotFound', `No such edge label: ${name}`);
    const pairs = constraintPairs(text(json, 'constraints'));
    if (pairs.length === 0) throw wrong('Constraints are empty');
    const known = schema.constraints ?? [];
    if (known.length === 0) throw wrong(`Failed to add constraint: edge[${name}] constraints are empty`);
    for (const [i, [from, to]] of pairs.entries()) {
      for (const end of [from, to]) if (writer.catalog.vertexSchema(end) === undefined) throw new DbError('LabelNotFound', `No such vertex label: ${end}`);
      if ([...known, ...pairs.slice(0, i)].some(([a, b]) => a === from && b === to)) throw wrong(`Failed to add constraint: constraint [${from},${to}] already exist`);
    }
    writer.replaceSchema({ ...schema, constraints: [...known, ...pairs] });
    return NOTHING;
  }),
  builtin('db.clearEdgeConstraints', 'label_name:STRING', '', 'schema', ([label], context) => {
    const name = text(label, 'label_name');
    const schema = writerOf(context).catalog.edgeSchema(name);
    if (schema === undefined) throw new DbError('LabelNotFound', `No such edge label: ${name}`);
    writerOf(context).replaceSchema({ ...schema, constraints: [] });
    return NOTHING;
  }),
  builtin('db.dropAllVertex', '', '', 'write', (_args, context) => {
    const writer = writerOf(context);
    const ids = [...writer.scanNodes()].flatMap((part) => Array.from(part));
    for (const id of ids) writer.deleteNode(new NodeValue(id), true);
    return NOTHING;
  }),
  builtin('db.dropDB', '', '', 'schema', (_args, context) => {
    const writer = writerOf(context);
    const ids = [...writer.scanNodes()].flatMap((part) => Array.from(part));
    for (const id of ids) writer.deleteNode(new NodeValue(id), true);
    for (const kind of ['edge', 'vertex'] as const) {
      for (const schema of writer.catalog.data.schemas.filter((each) => each.kind === kind)) writer.deleteLabel(kind, schema.name);
    }
    dropIndexes(writer);
    return NOTHING;
  }),
];
