/**
 * TuGraph's import of text, over whatever protocol it came: labels from a description, lines of one file as vertices or edges.
 * The caller gives what runs the statements, and makes one transaction of those of a schema.
 */
import { isUtf8 } from 'node:buffer';
import { DbError } from '../base/errors.ts';
import { bodyOf, booleanField, jsonField, listField, optionalText, textField } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import type { ImportOutcome } from './row-import.ts';

/** What runs statements, and gives their rows as JSON values. */
export interface Statements {
  rows(text: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown[][]>;
  column(text: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown[]>;
}

/** Instead of an answer that was too large to keep. */
export const DONE_BEFORE = 'done before under the same idempotency key';

/** Creates the labels of `{"description": {"schema": […]}}`; gives what it did, line by line. */
export function schemaImport(body: Body): (call: Statements) => Promise<string> {
  const items = listField(jsonField(body, 'description'), 'schema').map(bodyOf);
  return async (call) => (await createLabels(call, items)).join('\n');
}

/**
 * Imports `{"description": {"files": [one]}, "data", "delimiter", "continue_on_error"}`: one statement, which the leader runs as one
 * transaction (row-import.ts). Undefined: done before under the same idempotency key, and the answer was too large to keep.
 */
export function dataImport(body: Body, { detail }: { readonly detail: boolean }): (run: Statements['rows']) => Promise<ImportOutcome | undefined> {
  const files = listField(jsonField(body, 'description'), 'files');
  if (files.length !== 1) throw new DbError('InvalidRequest', '`files` must have one item.');
  const parameters = {
    description: JSON.stringify(bodyOf(files[0])), data: dataText(body.data), delimiter: optionalText(body, 'delimiter') ?? ',', go_on: (body.continue_on_error ?? null) !== null && booleanField(body, 'continue_on_error'), detail,
  };
  return async (run) => {
    const [row] = await run('CALL db.importor.rows($description, $data, $delimiter, $go_on, $detail)', parameters) as [string, number, [number, string][]][];
    if (row === undefined) return undefined;
    const [log, imported, rejected] = row;
    return { log, imported, rejected: rejected.map(([line, reason]) => ({ line, reason })) };
  };
}

function dataText(data: unknown): string {
  if (typeof data === 'string') return data;
  const bytes = Array.isArray(data) ? data : Object.values(bodyOf(data));
  if (bytes.length === 0 && data === undefined) throw new DbError('InvalidRequest', '`data` not specified.');
  if (!bytes.every((byte): byte is number => typeof byte === 'number' && byte >= 0 && byte < 256)) {
    throw new DbError('InvalidRequest', '`data` must be a string or an array of bytes.');
  }
  return utf8Text(Buffer.from(bytes));
}

/** Data that comes as bytes. */
export function utf8Text(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new DbError('InvalidRequest', '`data` is not UTF-8', { hint: 'convert it first' });
  return bytes.toString();
}

// -------------------------------------------------------------- schema

async function createLabels(call: Statements, items: readonly Body[]): Promise<string[]> {
  const known = new Map((await schemas(call)).map((schema) => [`${String(schema.type)} ${String(schema.label)}`, schema]));
  const log: string[] = [];
  for (const item of items) if (!/^(vertex|edge)$/i.test(textField(item, 'type'))) throw new DbError('InvalidRequest', `\`type\` of a label is VERTEX or EDGE, given ${String(item.type)}`);
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
