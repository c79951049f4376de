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
import { cellReader, shortened } from './cells.ts';
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

/** A row's values are those of its columns that are not skipped, as the store keeps them. */
export function* importRows(text: string, format: TextFormat): Generator<ImportRow> {
  const readers = readersOf(format.columns);
  for (const row of format.format === 'CSV' ? csvRows(text, format.delimiter, format.header) : jsonRows(text, format.header)) {
    if (row.cells === undefined) {
      yield row;
      continue;
    }
    try {
      yield { line: row.line, values: rowValues(row.cells, readers) };
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      yield { line: row.line, error: error.message };
    }
  }
}

type Row = { readonly line: number; readonly cells: readonly unknown[] } | { readonly line: number; readonly error: string; readonly cells: undefined };

function* jsonRows(text: string, header: number): Generator<Row> {
  let line = 0;
  for (const content of text.split(/\r?\n/)) {
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

type Reader = ((cell: unknown) => Value) | undefined;

function readersOf(columns: readonly Column[]): Reader[] {
  return columns.map((field, i): Reader => {
    if (field === undefined) return undefined;
    const read = cellReader(field);
    return (cell) => {
      try {
        return read(typeof cell === 'string' ? cell : jsonToValue(cell ?? null));
      } catch (error) {
        if (!(error instanceof DbError)) throw error;
        throw wrong(`Failed to parse column ${i + 1} into type ${field.type}: ${typeof cell === 'string' ? shortened(cell) : error.message}`);
      }
    };
  });
}

function rowValues(cells: readonly unknown[], readers: readonly Reader[]): Value[] {
  if (cells.length > readers.length) throw wrong(`${cells.length} columns, but only ${readers.length} are described`);
  const values: Value[] = [];
  for (let i = 0; i < readers.length; i++) {
    const read = readers[i];
    if (read !== undefined) values.push(read(cells[i]));
  }
  return values;
}
