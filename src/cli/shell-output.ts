/** Results of the shell as a table, CSV or JSON lines. */
import neo4j from 'neo4j-driver';
import type { QueryResult } from 'neo4j-driver';
import { table } from './table.ts';

export type OutputForm = 'table' | 'csv' | 'json';

/** A value as Cypher would write it. */
function text(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  if (neo4j.isNode(value)) return `(${value.labels.map((label) => `:${label}`).join('')}${properties(value.properties)})`;
  if (neo4j.isRelationship(value)) return `[:${value.type}${properties(value.properties)}]`;
  if (neo4j.isPath(value)) {
    return value.segments.reduce((sum, { start, relationship, end }) => {
      const forward = relationship.startNodeElementId === start.elementId;
      return `${sum}${forward ? '-' : '<-'}${text(relationship)}${forward ? '->' : '-'}${text(end)}`;
    }, text(value.start));
  }
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) return map(value as Record<string, unknown>);
  return String(value);
}

const quoted = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : text(value));
const map = (object: Record<string, unknown>): string => `{${Object.entries(object).map(([key, value]) => `${key}: ${quoted(value)}`).join(', ')}}`;
const properties = (object: Record<string, unknown>): string => (Object.keys(object).length === 0 ? '' : ` ${map(object)}`);

function json(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (Array.isArray(value)) return value.map(json);
  if (neo4j.isNode(value)) return { id: value.elementId, labels: value.labels, properties: json(value.properties) };
  if (neo4j.isRelationship(value)) return { id: value.elementId, type: value.type, start: value.startNodeElementId, end: value.endNodeElementId, properties: json(value.properties) };
  if (value !== null && typeof value === 'object') {
    if (Object.getPrototypeOf(value) !== Object.prototype) return text(value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item)]));
  }
  return value;
}

const csvCell = (cell: string): string => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export function print(result: QueryResult, form: OutputForm, elapsedMs: number | undefined): void {
  const { records } = result;
  const columns = (records[0]?.keys ?? []).map(String);
  if (form === 'json') {
    for (const record of records) process.stdout.write(`${JSON.stringify(Object.fromEntries(columns.map((key) => [key, json(record.get(key))])))}\n`);
    return;
  }
  const rows = records.map((record) => columns.map((key) => text(record.get(key))));
  if (form === 'csv') {
    if (columns.length > 0) process.stdout.write(`${[columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\n')}\n`);
    return;
  }
  if (rows.length > 0) process.stdout.write(`${table(columns, rows)}\n`);
  const changes = Object.entries(result.summary.counters.updates()).filter(([, count]) => count > 0).map(([name, count]) => `${name.replaceAll(/([A-Z])/g, ' $1').toLowerCase()}: ${count}`);
  const parts = [`${rows.length} row${rows.length === 1 ? '' : 's'}`, ...changes];
  process.stdout.write(`${parts.join(', ')}${elapsedMs === undefined ? '' : ` (${elapsedMs.toFixed(1)} ms)`}\n`);
}
