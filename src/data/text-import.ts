/**
 * TuGraph's import of text, over whatever protocol it came: labels from a description, lines of one file as vertices or edges.
 * The caller gives what runs the statements, and makes one transaction of them.
 */
import { DbError } from '../base/errors.ts';
import type { FieldDef, FieldType } from '../graph/catalog.ts';
import { bodyOf, jsonField, listField, optionalText, textField, textsOf } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import type { Value } from '../value/value.ts';
import { delimiterOf } from './csv.ts';
import { importRows } from './import-text.ts';
import type { Column, TextFormat } from './import-text.ts';
import { mapText, quoted } from './statement-text.ts';

/** What runs statements, and gives their rows as JSON values. */
export interface Statements {
  rows(text: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown[][]>;
  column(text: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown[]>;
}

export interface ImportOutcome {
  readonly log: string;
  readonly imported: number;
  readonly rejected: readonly { readonly line: number; readonly reason: string }[];
}

/** Messages about single lines that one answer holds. */
const MESSAGES_MAX = 100;
/** Instead of an answer that was too large to keep. */
export const DONE_BEFORE = 'done before under the same idempotency key';
const SKIP = 'SKIP';
const SOURCE = 'SRC_ID';
const DESTINATION = 'DST_ID';

/** Creates the labels of `{"description": {"schema": […]}}`; gives what it did, line by line. */
export function schemaImport(body: Body): (call: Statements) => Promise<string> {
  const items = listField(jsonField(body, 'description'), 'schema').map(bodyOf);
  return async (call) => (await createLabels(call, items)).join('\n');
}

/** Imports `{"description": {"files": [one]}, "data", "delimiter", "continue_on_error"}`. */
export function dataImport(body: Body): (call: Statements) => Promise<ImportOutcome> {
  const files = listField(jsonField(body, 'description'), 'files');
  if (files.length !== 1) throw new DbError('InvalidRequest', '`files` must have one item.');
  const delimiter = delimiterOf(optionalText(body, 'delimiter') ?? ',');
  if (delimiter === undefined) throw new DbError('InvalidRequest', 'the delimiter must not be empty, a quote or a line break.');
  return async (call) => {
    const log = new ImportLog(body.continue_on_error === true);
    await importFile(call, bodyOf(files[0]), { text: dataText(body.data), delimiter, log });
    return { log: log.text, imported: log.imported, rejected: log.rejected };
  };
}

// -------------------------------------------------------------- schema

async function createLabels(call: Statements, items: readonly Body[]): Promise<string[]> {
  const known = new Map((await schemas(call)).map((schema) => [`${String(schema.type)} ${String(schema.label)}`, schema]));
  const log: string[] = [];
  const isVertex = (item: Body) => String(item.type).toUpperCase() === 'VERTEX';
  for (const item of [...items.filter(isVertex), ...items.filter((one) => !isVertex(one))]) {
    const type = isVertex(item) ? 'VERTEX' : 'EDGE';
    const label = textField(item, 'label');
    const present = known.get(`${type} ${label}`);
    if (present === undefined) {
      const json = JSON.stringify({ ...item, type });
      await call.rows(type === 'VERTEX' ? 'CALL db.createVertexLabelByJson($json)' : 'CALL db.createEdgeLabelByJson($json)', { json });
      log.push(`Add ${type.toLowerCase()} label:${label}`);
    } else if (shape(present) === shape(item) && indexedFields(item).every((field) => indexedFields(present).includes(field))) {
      log.push(`${type === 'VERTEX' ? 'Vertex' : 'Edge'} label [${label}] already exists, skipped`);
    } else {
      throw new DbError('LabelExists', `Label [${label}] already exists with other fields.`, { hint: 'delete it first, or import into another graph' });
    }
  }
  return log;
}

async function schemas(call: Statements): Promise<Body[]> {
  const [text] = await call.column('CALL dbms.graph.getGraphSchema()');
  return listField(bodyOf(JSON.parse(String(text))), 'schema').map(bodyOf);
}

const propertiesOf = (item: Body): Body[] => (item.properties === undefined ? [] : listField(item, 'properties')).map(bodyOf);

/** What two descriptions of a label must have in common. There may be more indexes than are asked for. */
function shape(item: Body): string {
  const properties = propertiesOf(item).map((field) => [field.name, String(field.type).toUpperCase(), field.optional === true]);
  return JSON.stringify([item.primary ?? null, item.constraints ?? [], properties.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))]);
}

function indexedFields(item: Body): unknown[] {
  return propertiesOf(item).filter(({ name, index }) => name === item.primary || index === true).map(({ name }) => name);
}

// -------------------------------------------------------------- data

class ImportLog {
  readonly #lines: string[] = [];
  readonly #goOn: boolean;
  /** Every line that was left out: what `detail` asks for. */
  readonly rejected: { readonly line: number; readonly reason: string }[] = [];
  imported = 0;

  constructor(goOn: boolean) {
    this.#goOn = goOn;
  }

  skip(line: number, message: string): void {
    if (!this.#goOn) {
      throw new DbError('ConstraintValidation', `line ${line}: ${message}`, { hint: 'nothing of this package was imported; continue_on_error skips such lines' });
    }
    this.rejected.push({ line, reason: message });
    if (this.#lines.length < MESSAGES_MAX) this.#lines.push(`line ${line}: ${message}`);
  }

  get text(): string {
    return [...this.#lines, `${this.imported} imported, ${this.rejected.length} skipped`].join('\n');
  }
}

interface Package {
  readonly text: string;
  readonly delimiter: string;
  readonly log: ImportLog;
}

function dataText(data: unknown): string {
  if (typeof data === 'string') return data;
  const bytes = Array.isArray(data) ? data : Object.values(bodyOf(data));
  if (bytes.length === 0 && data === undefined) throw new DbError('InvalidRequest', '`data` not specified.');
  if (!bytes.every((byte): byte is number => typeof byte === 'number' && byte >= 0 && byte < 256)) {
    throw new DbError('InvalidRequest', '`data` must be a string or an array of bytes.');
  }
  return Buffer.from(bytes).toString();
}

async function importFile(call: Statements, file: Body, data: Package): Promise<void> {
  const label = textField(file, 'label');
  const columns = textsOf(listField(file, 'columns'), 'columns');
  const ends = file.SRC_ID === undefined && file.DST_ID === undefined ? undefined : { source: textField(file, SOURCE), destination: textField(file, DESTINATION) };
  const fields = new Map((await fieldsOf(call, ends === undefined ? 'vertex' : 'edge', label)).map((field) => [field.name, field]));
  if (ends !== undefined) {
    fields.set(SOURCE, { ...await primaryField(call, ends.source), name: SOURCE });
    fields.set(DESTINATION, { ...await primaryField(call, ends.destination), name: DESTINATION });
  }
  const format: TextFormat = {
    format: formatOf(file), delimiter: data.delimiter, header: headerOf(file), columns: columns.map((name) => columnOf(fields, name, label)),
  };
  const names = columns.filter((name) => name !== SKIP);
  for (const field of fields.values()) {
    if (!field.optional && !names.includes(field.name)) throw new DbError('InvalidRequest', `the field ${field.name} of ${label} must be among the columns.`);
  }
  if (new Set(names).size < names.length) throw new DbError('InvalidRequest', 'a column is named twice.');
  const rows: NumberedRow[] = [];
  for (const row of importRows(data.text, format)) {
    if ('error' in row) data.log.skip(row.line, row.error);
    else rows.push({ line: row.line, row: Object.fromEntries(names.map((name, i) => [name, row.values[i]!])) });
  }
  if (rows.length === 0) return;
  if (ends === undefined) await createVertices(call, { label, names, rows, log: data.log });
  else await createEdges(call, { label, names: names.filter((name) => name !== SOURCE && name !== DESTINATION), rows, log: data.log, ...ends });
}

interface NumberedRow {
  readonly line: number;
  readonly row: Record<string, Value>;
}

interface Rows {
  readonly label: string;
  readonly names: readonly string[];
  readonly rows: readonly NumberedRow[];
  readonly log: ImportLog;
}

function formatOf(file: Body): 'CSV' | 'JSON' {
  const format = (optionalText(file, 'format') ?? 'CSV').toUpperCase();
  if (format !== 'CSV' && format !== 'JSON') throw new DbError('InvalidRequest', '`format` is CSV or JSON.');
  return format;
}

function headerOf(file: Body): number {
  return typeof file.header === 'number' && file.header > 0 ? file.header : 0;
}

function columnOf(fields: ReadonlyMap<string, FieldDef>, name: string, label: string): Column {
  if (name === SKIP) return undefined;
  const field = fields.get(name);
  if (field === undefined) throw new DbError('FieldNotFound', `the label ${label} has no field ${name}.`);
  return field;
}

async function fieldsOf(call: Statements, kind: 'vertex' | 'edge', label: string): Promise<FieldDef[]> {
  const rows = await call.rows('CALL db.getLabelSchema($kind, $label)', { kind, label }) as [string, FieldType, boolean][];
  return rows.map(([name, type, optional]) => ({ name, type, optional }));
}

async function primaryField(call: Statements, label: string): Promise<FieldDef> {
  const primary = await primaryName(call, label);
  return (await fieldsOf(call, 'vertex', label)).find((field) => field.name === primary)!;
}

async function primaryName(call: Statements, label: string): Promise<string> {
  const [schema] = await call.column('CALL db.getVertexSchema($label)', { label });
  return textField(bodyOf(schema), 'primary');
}

/** Ids of the vertices with these primary keys, null where there is none. */
async function idsOf(call: Statements, label: string, keys: readonly Value[]): Promise<unknown[]> {
  const primary = quoted(await primaryName(call, label));
  return call.column(`UNWIND $keys AS key OPTIONAL MATCH (n:${quoted(label)} {${primary}: key}) RETURN id(n)`, { keys });
}

async function createVertices(call: Statements, { label, names, rows, log }: Rows): Promise<void> {
  const primary = await primaryName(call, label);
  const taken = await idsOf(call, label, rows.map(({ row }) => row[primary]!));
  const seen = new Set<Value>();
  const fresh = rows.filter(({ line, row }, i) => {
    const key = row[primary]!;
    if (taken[i] !== null || seen.has(key)) {
      log.skip(line, `duplicate primary key: ${String(key)}`);
      return false;
    }
    seen.add(key);
    return true;
  });
  await call.rows(`UNWIND $rows AS row CREATE (n:${quoted(label)} ${mapText(names, 'row')})`, { rows: fresh.map(({ row }) => row) });
  log.imported += fresh.length;
}

async function createEdges(call: Statements, { label, names, rows, log, source, destination }: Rows & { source: string; destination: string }): Promise<void> {
  const from = await idsOf(call, source, rows.map(({ row }) => row[SOURCE]!));
  const to = await idsOf(call, destination, rows.map(({ row }) => row[DESTINATION]!));
  const whole = rows.flatMap(({ line, row }, i) => {
    if (from[i] !== null && to[i] !== null) return [{ from: from[i], to: to[i], row }];
    log.skip(line, from[i] === null ? `Missing src uid ${String(row[SOURCE])}` : `Missing dst uid ${String(row[DESTINATION])}`);
    return [];
  });
  await call.rows(
    `UNWIND $rows AS item MATCH (a), (b) WHERE id(a) = item.from AND id(b) = item.to CREATE (a)-[r:${quoted(label)} ${mapText(names, 'item.row')}]->(b)`,
    { rows: whole },
  );
  log.imported += whole.length;
}
