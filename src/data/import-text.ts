/**
 * Lines of TuGraph's import files as rows of values: CSV, or JSON lines of arrays.
 *
 *   CSV   as data/csv.ts reads it: quoted fields may hold line breaks; an empty field is null, a quoted empty one the empty text
 *   JSON  each line an array; values as such or as text
 *
 * A line that does not fit the label's fields gives an error that names it, never an exception.
 */
import { DbError } from '../base/errors.ts';
import type { FieldDef } from '../graph/catalog.ts';
import { fieldValue } from '../graph/field-values.ts';
import { cellReader } from './cells.ts';
import { csvRows } from './csv.ts';
import type { Value } from '../value/value.ts';
import { jsonToValue, parseJson } from '../value/json.ts';

/** A column of the file: the field it fills, or undefined for SKIP. */
export type Column = FieldDef | undefined;

export interface TextFormat {
  readonly format: 'CSV' | 'JSON';
  readonly delimiter: string;
  /** Lines before the data. */
  readonly header: number;
  readonly columns: readonly Column[];
}

export type ImportRow =
  | { readonly line: number; readonly values: readonly Value[] }
  | { readonly line: number; readonly error: string };

export function* importRows(text: string, format: TextFormat): Generator<ImportRow> {
  for (const row of format.format === 'CSV' ? csvRows(text, format.delimiter, format.header) : jsonRows(text, format.header)) {
    if (row.cells === undefined) {
      yield row;
      continue;
    }
    try {
      yield { line: row.line, values: rowValues(row.cells, format.columns) };
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      yield { line: row.line, error: error.message };
    }
  }
}

type Row = { readonly line: number; readonly cells: readonly unknown[] } | { readonly line: number; readonly error: string; readonly cells: undefined };

function* jsonRows(text: string, header: number): Generator<Row> {
  let line = 0;
  for (const content of text.split(/\r\n|\n|\r/)) {
    line++;
    if (line <= header || content.trim() === '') continue;
    try {
      yield { line, cells: jsonCells(content) };
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      yield { line, error: error.message, cells: undefined };
    }
  }
}

function wrong(message: string): DbError {
  return new DbError('ConstraintValidation', message);
}

function jsonCells(line: string): readonly unknown[] {
  let cells: unknown;
  try {
    cells = parseJson(line);
  } catch (error) {
    throw wrong(error instanceof DbError ? error.message : 'not JSON');
  }
  if (!Array.isArray(cells)) throw wrong('a line must be a JSON array');
  return cells;
}

function rowValues(cells: readonly unknown[], columns: readonly Column[]): Value[] {
  if (cells.length > columns.length) throw wrong(`${cells.length} columns, but only ${columns.length} are described`);
  return columns.flatMap((field, i) => {
    if (field === undefined) return [];
    const value = cellValue(cells[i] ?? null, field, i + 1);
    try {
      fieldValue(field, value);
    } catch (error) {
      throw wrong(`Failed to parse column ${i + 1} into type ${field.type}: ${error instanceof DbError ? error.message : ''}`);
    }
    // As it was: the store converts it again, and texts travel better than dates.
    return [value];
  });
}

/** As `cellReader` reads it, but for what the store converts itself. */
function cellValue(cell: unknown, field: FieldDef, column: number): Value {
  if (cell === null && !field.optional && field.type === 'STRING') return '';
  if (typeof cell !== 'string') return jsonToValue(cell);
  switch (field.type) {
    case 'DATE': case 'DATETIME': case 'BLOB': return cell;
    default:
      try {
        return cellReader(field)(cell);
      } catch (error) {
        throw error instanceof DbError ? wrong(`Failed to parse column ${column} into type ${field.type}: ${cell}`) : error;
      }
  }
}
