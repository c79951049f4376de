/**
 * Lines of TuGraph's import files as rows of values: CSV, or JSON lines of arrays.
 *
 *   CSV   fields by a delimiter of any length; `"` around a field with `""` for a quote inside; blanks around unquoted fields
 *         go; an empty field is null; a field ends at its line; blank lines are skipped
 *   JSON  each line an array; values as such or as text
 *
 * A line that does not fit the label's fields gives an error that names it, never an exception.
 */
import { DbError } from '../base/errors.ts';
import type { FieldDef } from '../graph/catalog.ts';
import { fieldValue } from '../graph/field-values.ts';
import { Float, integer } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { jsonToValue, parseJson } from './json-values.ts';

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
  let line = 0;
  for (const content of text.split(/\r\n|\n|\r/)) {
    line++;
    if (line <= format.header || content.trim() === '') continue;
    try {
      yield { line, values: rowValues(format.format === 'CSV' ? csvCells(content, format) : jsonCells(content), format.columns) };
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      yield { line, error: error.message };
    }
  }
}

function wrong(message: string): DbError {
  return new DbError('ConstraintValidation', message);
}

function csvCells(line: string, { delimiter, columns }: TextFormat): (string | null)[] {
  const cells: (string | null)[] = [];
  for (let at = 0; ;) {
    while (line[at] === ' ' && !line.startsWith(delimiter, at)) at++;
    if (line[at] === '"') {
      const end = closingQuote(line, at + 1);
      cells.push(line.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      while (line[at] === ' ' && !line.startsWith(delimiter, at)) at++;
      if (at < line.length && !line.startsWith(delimiter, at)) throw wrong(`Missing delimiter after column ${cells.length}`);
    } else {
      const next = line.indexOf(delimiter, at);
      const cell = line.slice(at, next < 0 ? line.length : next).trim();
      cells.push(cell === '' ? null : cell);
      at = next < 0 ? line.length : next;
    }
    if (at >= line.length) break;
    at += delimiter.length;
  }
  if (cells.length > columns.length) throw wrong(`${cells.length} columns, but only ${columns.length} are described`);
  return cells;
}

function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 2)) if (line[at + 1] !== '"') return at;
  throw wrong('a quoted field does not end');
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

function cellValue(cell: unknown, field: FieldDef, column: number): Value {
  if (typeof cell !== 'string') return jsonToValue(cell);
  const text = cell.trim();
  const bad = () => wrong(`Failed to parse column ${column} into type ${field.type}: ${cell}`);
  switch (field.type) {
    case 'BOOL': {
      const word = text.toLowerCase();
      if (word === 'true' || word === '1') return true;
      if (word === 'false' || word === '0') return false;
      throw bad();
    }
    case 'INT8': case 'INT16': case 'INT32': case 'INT64':
      if (!/^[+-]?\d{1,19}$/.test(text)) throw bad();
      return integer(BigInt(text.replace('+', '')));
    case 'FLOAT': case 'DOUBLE':
      if (text === '' || Number.isNaN(Number(text))) throw bad();
      return new Float(Number(text));
    default: return cell;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The delimiter as it is written in an option: `\t`, `\x01`, `\001` and the like are one character. */
export function delimiterOf(text: string): string {
  const delimiter = text.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g, (whole, escape: string) => {
    if (ESCAPES[escape] !== undefined) return ESCAPES[escape];
    if (/^x[0-9a-fA-F]/.test(escape)) return String.fromCharCode(parseInt(escape.slice(1), 16));
    return /^[0-7]/.test(escape) ? String.fromCharCode(parseInt(escape, 8)) : whole;
  });
  if (delimiter === '' || /[\r\n]/.test(delimiter)) throw new DbError('InvalidRequest', 'the delimiter must not be empty or a line break.');
  return delimiter;
}
