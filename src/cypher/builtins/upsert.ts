/**
 * db.upsertVertex and db.upsertEdge: insert or update by primary key, a row at a time; rows that do not fit are counted, not errors.
 */
import { DbError } from '../../base/errors.ts';
import type { LabelSchema } from '../../graph/catalog.ts';
import { fieldValue } from '../../graph/field-values.ts';
import { requiringRules } from '../../graph/required-properties.ts';
import { checkType } from '../../graph/type-rules.ts';
import type { GraphWriter } from '../../graph/view.ts';
import { equals } from '../../value/compare.ts';
import { jsonToValue, parseJson } from '../../value/json.ts';
import { Float, NodeValue, RelationshipValue, type CypherMap, type Value } from '../../value/value.ts';
import { builtin, list, text, writerOf, wrong, type Builtin } from './define.ts';

class UpsertCounts {
  total = 0;
  dataError = 0;
  indexConflict = 0;
  inserted = 0;
  updated = 0;

  get row(): Value[] {
    return [this.total, this.dataError, this.indexConflict, this.inserted, this.updated];
  }
}

const COLUMNS = 'total:INTEGER, data_error:INTEGER, index_conflict:INTEGER, insert:INTEGER, update:INTEGER';

type Entries = ReadonlyMap<number, Value>;

/** The values of declared fields as they are stored; other keys are ignored. Throws before anything of the row is written. */
function known(schema: LabelSchema, row: CypherMap, writer: GraphWriter): Entries {
  const entries = new Map<number, Value>();
  for (const field of schema.fields) {
    const value = row.get(field.name);
    if (value === undefined) continue;
    const key = writer.keyId(field.name);
    const stored = fieldValue(field, value);
    checkType(writer.catalog, schema.kind, [schema.name], key, stored);
    entries.set(key, stored);
  }
  return entries;
}

/** Whether an error is about a unique index; other refusals of a row are data errors. What the user may not do ends the call. */
function count(counts: UpsertCounts, error: unknown): void {
  if (!(error instanceof DbError) || error.code === 'Forbidden') throw error;
  if (/already exists/.test(error.message)) counts.indexConflict++;
  else counts.dataError++;
}

function vertexByPrimary(writer: GraphWriter, schema: LabelSchema, value: Value): NodeValue | undefined {
  const index = writer.catalog.findIndex('vertex', schema.name, [schema.primary!]);
  if (index === undefined || value === null) return undefined;
  const id = writer.indexSeek(index, [fieldValue(schema.fields.find(({ name }) => name === schema.primary)!, value)])[0];
  return id === undefined ? undefined : new NodeValue(id);
}

function vertexSchema(writer: GraphWriter, name: string): LabelSchema {
  const schema = writer.catalog.vertexSchema(name);
  if (schema === undefined) throw new DbError('LabelNotFound', `Vertex label ${name} does not exist.`);
  return schema;
}

function upsertVertices(writer: GraphWriter, label: string, rows: readonly Value[]): Value[][] {
  const schema = vertexSchema(writer, label);
  const counts = new UpsertCounts();
  for (const row of rows) {
    if (!(row instanceof Map)) throw wrong('The type of the elements in the list must be map');
    counts.total++;
    const primary = row.get(schema.primary!) ?? null;
    if (primary === null || clashes(schema, row)) {
      counts.dataError++;
      continue;
    }
    try {
      const found = vertexByPrimary(writer, schema, primary);
      if (lacks(writer, schema, row, found === undefined)) {
        counts.dataError++;
        continue;
      }
      const entries = known(schema, row, writer);
      if (conflicts(writer, schema, entries, found)) {
        counts.indexConflict++;
        continue;
      }
      if (found === undefined) {
        writer.createNode([writer.labelId(label)], entries);
        counts.inserted++;
      } else {
        for (const [key, value] of entries) writer.setNodeProperty(found, key, value);
        counts.updated++;
      }
    } catch (error) {
      count(counts, error);
    }
  }
  return [counts.row];
}

/** A null where the field may not be null. */
function clashes(schema: LabelSchema, row: CypherMap): boolean {
  return schema.fields.some((field) => !field.optional && row.has(field.name) && row.get(field.name) === null);
}

/** Whether a constraint requires what the row has not: a transaction finds that where it ends, too late to leave out a row. */
function lacks(writer: GraphWriter, { kind, name }: LabelSchema, row: CypherMap, isNew: boolean): boolean {
  return requiringRules(writer.catalog, kind, [name]).some(({ fields }) => fields.some((field) => (isNew || row.has(field)) && (row.get(field) ?? null) === null));
}

/** Whether another element has what must be there once, with the values that the row leaves as they are: known before anything is written. */
function conflicts(writer: GraphWriter, { kind, name }: LabelSchema, entries: Entries, found: NodeValue | RelationshipValue | undefined, ends?: { readonly start: number; readonly end: number }): boolean {
  const { catalog } = writer;
  const indexes = catalog.indexesKept(kind, (kind === 'vertex' ? catalog.findLabel(name) : catalog.findType(name))!);
  const before = (key: number): Value => (found === undefined ? null : found instanceof NodeValue ? writer.nodeProperty(found, key) : writer.relationshipProperty(found, key));
  return indexes.some((index) => {
    if ((!index.unique && !index.pairUnique) || !index.keyIds.some((key) => entries.has(key))) return false;
    const values = index.keyIds.map((key) => entries.get(key) ?? (entries.has(key) ? null : before(key)));
    if (values.includes(null)) return false;
    const others = Array.from(writer.indexSeek(index, values)).filter((id) => id !== found?.id);
    if (!index.pairUnique) return others.length > 0;
    return others.some((id) => {
      const edge = writer.findRelationship(id);
      return edge?.start === ends!.start && edge.end === ends!.end;
    });
  });
}

interface EndSpec {
  readonly schema: LabelSchema;
  readonly key: string;
}

function endSpec(writer: GraphWriter, value: Value | undefined, name: string): EndSpec {
  const type = value instanceof Map ? value.get('type') : undefined;
  const key = value instanceof Map ? value.get('key') : undefined;
  if (typeof type !== 'string' || typeof key !== 'string') throw wrong(`${name} missing 'type' or 'key'`);
  return { schema: vertexSchema(writer, type), key };
}

function upsertEdges(
  writer: GraphWriter, label: string, startSpec: EndSpec, stopSpec: EndSpec, rows: readonly Value[], pairField: string | undefined,
): Value[][] {
  const schema = writer.catalog.edgeSchema(label);
  if (schema === undefined) throw new DbError('LabelNotFound', `Edge label ${label} does not exist.`);
  if (pairField !== undefined && writer.catalog.findIndex('edge', label, [pairField])?.pairUnique !== true) {
    throw wrong(`No edge pair unique index is configured for this field: ${pairField}`);
  }
  const counts = new UpsertCounts();
  for (const row of rows) {
    if (!(row instanceof Map)) throw wrong('The type of the elements in the list must be map');
    counts.total++;
    try {
      const start = vertexByPrimary(writer, startSpec.schema, row.get(startSpec.key) ?? null);
      const end = vertexByPrimary(writer, stopSpec.schema, row.get(stopSpec.key) ?? null);
      if (start === undefined || end === undefined || clashes(schema, row)) {
        counts.dataError++;
        continue;
      }
      const entries = known(schema, row, writer);
      const found = edgeBetween(writer, label, start.id, end.id, pairField === undefined ? undefined : writer.keyId(pairField), entries);
      if (lacks(writer, schema, row, found === undefined)) {
        counts.dataError++;
        continue;
      }
      if (conflicts(writer, schema, entries, found, { start: start.id, end: end.id })) {
        counts.indexConflict++;
        continue;
      }
      if (found === undefined) {
        writer.createRelationship(writer.typeId(label), start.id, end.id, entries);
        counts.inserted++;
      } else {
        for (const [key, value] of entries) writer.setRelationshipProperty(found, key, value);
        counts.updated++;
      }
    } catch (error) {
      count(counts, error);
    }
  }
  return [counts.row];
}

/** The edge that a row is about: the first, or the one that has the row's value in the field by which edges of the pair are told apart. */
function edgeBetween(writer: GraphWriter, label: string, start: number, end: number, pairKey: number | undefined, entries: Entries): RelationshipValue | undefined {
  const typeId = writer.catalog.findType(label);
  if (typeId === undefined) return undefined;
  const wanted = pairKey === undefined ? null : entries.get(pairKey) ?? null;
  for (const { neighbours, edges, from, to } of writer.adjacency(start, 'out', [typeId])) {
    for (let i = from; i < to; i++) {
      if (neighbours[i] !== end) continue;
      const edge = new RelationshipValue(edges[i]!, typeId, start, end);
      if (pairKey === undefined) return edge;
      const value = writer.relationshipProperty(edge, pairKey);
      if (wanted === null ? value === null : equals(value, wanted) === true) return edge;
    }
  }
  return undefined;
}

/** Numbers as exact as they are written: a key of 64 bits stays what it is, and a longer one fits no integer field, which its row alone is told for. */
function jsonRows(json: string): Value[] {
  let parsed: unknown;
  try {
    parsed = parseJson(json, (digits) => new Float(Number(digits)));
  } catch (error) {
    throw new DbError('ProcedureCallFailed', 'The json data should be array type', { cause: error });
  }
  if (!Array.isArray(parsed)) throw wrong('The json data should be array type');
  return parsed.map((row) => jsonToValue(row));
}

export const UPSERT_BUILTINS: readonly Builtin[] = [
  builtin('db.upsertVertex', 'label_name:STRING, list_data:LIST', COLUMNS, 'write', ([label, rows], context) => (
    upsertVertices(writerOf(context), text(label, 'label_name'), list(rows, 'list_data')))),
  builtin('db.upsertVertexByJson', 'label_name:STRING, list_data:STRING', COLUMNS, 'write', ([label, json], context) => (
    upsertVertices(writerOf(context), text(label, 'label_name'), jsonRows(text(json, 'list_data'))))),
  builtin('db.upsertEdge', 'label_name:STRING, start_spec:MAP, end_spec:MAP, list_data:LIST, pair_unique_field?:STRING', COLUMNS, 'write', ([label, start, end, rows, field], context) => {
    const writer = writerOf(context);
    return upsertEdges(writer, text(label, 'label_name'), endSpec(writer, start, 'start_spec'), endSpec(writer, end, 'end_spec'), list(rows, 'list_data'), typeof field === 'string' ? field : undefined);
  }),
  builtin('db.upsertEdgeByJson', 'label_name:STRING, start_spec:MAP, end_spec:MAP, list_data:STRING, pair_unique_field?:STRING', COLUMNS, 'write', ([label, start, end, json, field], context) => {
    const writer = writerOf(context);
    return upsertEdges(writer, text(label, 'label_name'), endSpec(writer, start, 'start_spec'), endSpec(writer, end, 'end_spec'), jsonRows(text(json, 'list_data')), typeof field === 'string' ? field : undefined);
  }),
];
