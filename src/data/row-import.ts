/**
 * Rows of a package as vertices or edges of a declared label, inside a write transaction: what a server does for an online import, in the
 * thread that writes and in one go. Each row stands for itself, so that one that does not fit can be left out.
 */
import { DbError } from '../base/errors.ts';
import type { FieldDef, IndexDef, LabelSchema } from '../graph/catalog.ts';
import type { GraphWriter } from '../graph/view.ts';
import { listField, optionalText, textField, textsOf } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import { formatValue } from '../value/format.ts';
import type { Value } from '../value/value.ts';
import { delimiterOf } from './csv.ts';
import { DESTINATION, SKIP, SOURCE } from './import-config.ts';
import { importRows } from './import-text.ts';
import type { Column, TextFormat } from './import-text.ts';

export interface RowImport {
  /** An item of a configuration's `files`, without a path. */
  readonly file: Body;
  readonly text: string;
  readonly delimiter: string;
  /** Leave out rows that do not fit; otherwise the first one ends the import. */
  readonly continueOnError: boolean;
  /** Told how many rows are next; may throw. */
  readonly checkpoint: (rows: number) => void;
}

export interface ImportOutcome {
  readonly log: string;
  readonly imported: number;
  readonly rejected: readonly { readonly line: number; readonly reason: string }[];
}

/** Messages about single lines that one answer holds. */
const MESSAGES_MAX = 100;
const CHECKPOINT_ROWS = 256;

export function importPackage(writer: GraphWriter, work: RowImport): ImportOutcome {
  const target = targetOf(writer, work.file);
  const format = formatOf(work, target.fields);
  const add = rowAdder(writer, target, format.columns);
  const rejected: { line: number; reason: string }[] = [];
  let imported = 0;
  let seen = 0;
  for (const row of importRows(work.text, format)) {
    if (seen++ % CHECKPOINT_ROWS === 0) work.checkpoint(CHECKPOINT_ROWS);
    const reason = 'error' in row ? row.error : reasonAgainst(() => add(row.values));
    if (reason === undefined) {
      imported++;
      continue;
    }
    if (!work.continueOnError) {
      throw new DbError('ConstraintValidation', `line ${row.line}: ${reason}`, { hint: 'nothing of this package was imported; continue_on_error skips such lines' });
    }
    rejected.push({ line: row.line, reason });
  }
  const messages = rejected.slice(0, MESSAGES_MAX).map(({ line, reason }) => `line ${line}: ${reason}`);
  return { log: [...messages, `${imported} imported, ${rejected.length} skipped`].join('\n'), imported, rejected };
}

/** A row that is refused has changed nothing: every check comes before the first change. */
function reasonAgainst(add: () => string | undefined): string | undefined {
  try {
    return add();
  } catch (error) {
    if (error instanceof DbError && error.code === 'ConstraintValidation') return error.message;
    throw error;
  }
}

interface Target {
  readonly schema: LabelSchema;
  /** The label's fields by name, and SRC_ID and DST_ID of an edge. */
  readonly fields: ReadonlyMap<string, FieldDef>;
  readonly ends: { readonly source: LabelSchema; readonly destination: LabelSchema } | undefined;
}

function targetOf(writer: GraphWriter, file: Body): Target {
  const vertexSchema = (name: string): LabelSchema => {
    const schema = writer.catalog.vertexSchema(name);
    if (schema === undefined) throw new DbError('LabelNotFound', `Vertex label ${name} does not exist.`);
    return schema;
  };
  const label = textField(file, 'label');
  const isEdge = file.SRC_ID !== undefined || file.DST_ID !== undefined;
  const schema = isEdge ? writer.catalog.edgeSchema(label) : vertexSchema(label);
  if (schema === undefined) throw new DbError('LabelNotFound', `Edge label ${label} does not exist.`);
  const fields = new Map<string, FieldDef>(schema.fields.map((field) => [field.name, field]));
  if (!isEdge) return { schema, fields, ends: undefined };
  const ends = { source: vertexSchema(textField(file, SOURCE)), destination: vertexSchema(textField(file, DESTINATION)) };
  fields.set(SOURCE, { ...primaryField(ends.source), name: SOURCE });
  fields.set(DESTINATION, { ...primaryField(ends.destination), name: DESTINATION });
  return { schema, fields, ends };
}

function primaryField(schema: LabelSchema): FieldDef {
  return schema.fields.find((field) => field.name === schema.primary)!;
}

function formatOf({ file, delimiter: given }: RowImport, fields: Target['fields']): TextFormat {
  const label = textField(file, 'label');
  const delimiter = delimiterOf(given);
  if (delimiter === undefined) throw new DbError('InvalidRequest', 'the delimiter must not be empty, a quote or a line break.');
  const format = (optionalText(file, 'format') ?? 'CSV').toUpperCase();
  if (format !== 'CSV' && format !== 'JSON') throw new DbError('InvalidRequest', '`format` is CSV or JSON.');
  const columns = textsOf(listField(file, 'columns'), 'columns');
  const names = columns.filter((name) => name !== SKIP);
  for (const field of fields.values()) {
    if (!field.optional && !names.includes(field.name)) throw new DbError('InvalidRequest', `the field ${field.name} of ${label} must be among the columns.`);
  }
  if (new Set(names).size < names.length) throw new DbError('InvalidRequest', 'a column is named twice.');
  const columnOf = (name: string): Column => {
    if (name === SKIP) return undefined;
    const field = fields.get(name);
    if (field === undefined) throw new DbError('FieldNotFound', `the label ${label} has no field ${name}.`);
    return field;
  };
  return { format, delimiter, header: headerOf(file), columns: columns.map(columnOf) };
}

function headerOf({ header = 0 }: Body): number {
  if (typeof header !== 'number' || !Number.isSafeInteger(header) || header < 0) throw new DbError('InvalidRequest', '`header` is the number of lines to skip.');
  return header;
}

/** Adds a row's values; gives the reason where its key is taken or an end is not there. */
function rowAdder(writer: GraphWriter, { schema, ends }: Target, columns: readonly Column[]): (values: readonly Value[]) => string | undefined {
  const fields = columns.filter((field) => field !== undefined);
  const properties = fields.flatMap(({ name }, at) => (ends !== undefined && (name === SOURCE || name === DESTINATION) ? [] : [{ key: writer.keyId(name), at }]));
  const entriesOf = (values: readonly Value[]) => properties.map(({ key, at }) => [key, values[at]!] as const);
  const placeOf = (name: string) => fields.findIndex((field) => field.name === name);
  if (ends === undefined) {
    const labels = [writer.labelId(schema.name)];
    const index = primaryIndex(writer, schema);
    const key = placeOf(schema.primary!);
    return (values) => {
      if (writer.indexSeek(index, [values[key]!]).length > 0) return `duplicate primary key: ${plain(values[key]!)}`;
      writer.createNode(labels, entriesOf(values));
      return undefined;
    };
  }
  const typeId = writer.typeId(schema.name);
  const [from, to] = [primaryIndex(writer, ends.source), primaryIndex(writer, ends.destination)];
  const [source, destination] = [placeOf(SOURCE), placeOf(DESTINATION)];
  return (values) => {
    const start = writer.indexSeek(from, [values[source]!])[0];
    if (start === undefined) return `Missing src uid ${plain(values[source]!)}`;
    const end = writer.indexSeek(to, [values[destination]!])[0];
    if (end === undefined) return `Missing dst uid ${plain(values[destination]!)}`;
    writer.createRelationship(typeId, start, end, entriesOf(values));
    return undefined;
  };
}

function primaryIndex(writer: GraphWriter, schema: LabelSchema): IndexDef {
  const index = writer.catalog.findIndex('vertex', schema.name, [schema.primary!]);
  if (index === undefined) throw new DbError('Forbidden', `vertices of ${schema.name} cannot be found by their ${schema.primary}.`, { hint: 'rows are imported by users who may read the primary fields' });
  return index;
}

function plain(value: Value): string {
  return typeof value === 'string' ? value : formatValue(value);
}
