/**
 * CSV by RFC 4180, as a stream of rows: fields in quotes may hold the delimiter, `""` for a quote, and line breaks; a delimiter may be
 * several characters long. Blanks around unquoted fields go; blank lines are skipped. Lines end with LF, CRLF or CR LF mixtures.
 *
 * Written here because none of the libraries tells an empty field (null) from a quoted empty one (""), and because a row carries the
 * number of the line it begins at. A row is a plain array; most input has no quotes, and takes the path by `split`.
 */

/** A cell: null where nothing stood between the delimiters. */
export type Cell = string | null;

export type CsvRow =
  | { readonly line: number; readonly cells: Cell[] }
  | { readonly line: number; readonly error: string; readonly cells: undefined };

/** A quoted field longer than this is a quote that was never closed. */
export const OPEN_FIELD_CHARS_MAX = 64 * 1024 * 1024;

export class CsvReader {
  readonly #delimiter: string;
  /** Text that is not a whole row yet. */
  #rest = '';
  #line: number;
  #header: number;

  /** `line`: number of the first line of what is pushed; `header`: lines to pass over. */
  constructor(delimiter: string, header = 0, line = 1) {
    this.#delimiter = delimiter;
    this.#header = header;
    this.#line = line;
  }

  /** The rows that are complete with this part of the file. */
  push(text: string, visit: (row: CsvRow) => void): void {
    this.#rest = this.#rest === '' ? text : this.#rest + text;
    this.#rows(visit);
    while (this.#rest.length > OPEN_FIELD_CHARS_MAX) this.#giveUpLine(visit);
  }

  end(visit: (row: CsvRow) => void): void {
    if (this.#rest !== '' && !this.#rest.endsWith('\n')) this.#rest += '\n';
    this.#rows(visit);
    // What is left opens a quote that nothing closes: only that line is lost.
    while (this.#rest !== '') this.#giveUpLine(visit);
  }

  #giveUpLine(visit: (row: CsvRow) => void): void {
    const feed = this.#rest.indexOf('\n');
    visit({ line: this.#line++, error: 'a quoted field does not end', cells: undefined });
    this.#rest = feed < 0 ? '' : this.#rest.slice(feed + 1);
    this.#rows(visit);
  }

  #rows(visit: (row: CsvRow) => void): void {
    const text = this.#rest;
    let at = 0;
    const hasQuotes = text.includes('"');
    for (;;) {
      const feed = text.indexOf('\n', at);
      if (feed < 0) break;
      if (this.#header > 0) {
        this.#header--;
        this.#line++;
        at = feed + 1;
        continue;
      }
      const end = hasQuotes ? rowEnd(text, at, feed, this.#delimiter) : feed;
      if (end < 0) break;
      const row = rowOf(text.slice(at, text.charCodeAt(end - 1) === 13 && end > at ? end - 1 : end), this.#delimiter, this.#line);
      this.#line += end === feed ? 1 : feedsIn(text, at, end) + 1;
      if (row !== undefined) visit(row);
      at = end + 1;
    }
    this.#rest = at === 0 ? text : text.slice(at);
  }
}

/** The line feed that ends the row, given the first one after its beginning; -1: not in the text yet. */
export function rowEnd(text: string, from: number, firstFeed: number, delimiter: string): number {
  let feed = firstFeed;
  let at = from;
  for (;;) {
    // At the beginning of a field.
    while (text.charCodeAt(at) === 32 && !text.startsWith(delimiter, at)) at++;
    if (text.charCodeAt(at) === 34) {
      at = closingQuote(text, at + 1);
      if (at < 0) return -1;
      at++;
    }
    if (at > feed) feed = text.indexOf('\n', at);
    if (feed < 0) return -1;
    const next = text.indexOf(delimiter, at);
    if (next < 0 || next > feed) return feed;
    at = next + delimiter.length;
  }
}

/** Line feeds in a part of a text. */
export function feedsIn(text: string, from: number, to: number): number {
  let feeds = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) feeds++;
  return feeds;
}

/** The row of a text without the end of its line; undefined: a blank line. */
export function rowOf(text: string, delimiter: string, line: number): CsvRow | undefined {
  return text.includes('"') ? quotedRow(text, delimiter, line) : plainRow(text, delimiter, line);
}

function plainRow(row: string, delimiter: string, line: number): CsvRow | undefined {
  if (row === '') return undefined;
  const cells: Cell[] = row.split(delimiter);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    if (cell === '') {
      cells[i] = null;
      continue;
    }
    // Only where there may be something to trim.
    if (cell.charCodeAt(0) <= 32 || cell.charCodeAt(cell.length - 1) <= 32) {
      const trimmed = cell.trim();
      cells[i] = trimmed === '' ? null : trimmed;
    }
  }
  return cells.length === 1 && cells[0] === null ? undefined : { line, cells };
}

function quotedRow(row: string, delimiter: string, line: number): CsvRow {
  const cells: Cell[] = [];
  for (let at = 0; ;) {
    while (row.charCodeAt(at) === 32 && !row.startsWith(delimiter, at)) at++;
    if (row.charCodeAt(at) === 34) {
      const end = closingQuote(row, at + 1);
      if (end < 0) return { line, error: `column ${cells.length + 1}: a quoted field does not end`, cells: undefined };
      cells.push(row.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      while (row.charCodeAt(at) === 32 && !row.startsWith(delimiter, at)) at++;
      if (at < row.length && !row.startsWith(delimiter, at)) return { line, error: `Missing delimiter after column ${cells.length}`, cells: undefined };
    } else {
      const next = row.indexOf(delimiter, at);
      const cell = row.slice(at, next < 0 ? row.length : next).trim();
      cells.push(cell === '' ? null : cell);
      at = next < 0 ? row.length : next;
    }
    if (at >= row.length) return { line, cells };
    at += delimiter.length;
    if (at >= row.length) {
      cells.push(null);
      return { line, cells };
    }
  }
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text.charCodeAt(at + 1) !== 34) return at;
  return -1;
}

/** All rows of a text. */
export function csvRows(text: string, delimiter: string, header = 0): CsvRow[] {
  const rows: CsvRow[] = [];
  const reader = new CsvReader(delimiter, header);
  reader.push(text, (row) => rows.push(row));
  reader.end((row) => rows.push(row));
  return rows;
}

const QUOTED = /["\r\n]|^\s|\s$/;

/** A text as a field: in quotes always where it is a string value, so that "" is not null. */
export function csvText(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Any other value's text, in quotes where it needs them. */
export function csvField(text: string, delimiter: string): string {
  // Also where the end of the text and the delimiter together hold one that begins earlier, as 10 before 00 does.
  return text === '' || QUOTED.test(text) || (text + delimiter).indexOf(delimiter) < text.length ? csvText(text) : text;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The delimiter as it is written in an option: `\t`, `\x01`, `\001` and the like are one character. Undefined: empty or a line break. */
export function delimiterOf(text: string): string | undefined {
  const delimiter = text.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g, (whole, escape: string) => {
    if (ESCAPES[escape] !== undefined) return ESCAPES[escape];
    if (/^x[0-9a-fA-F]/.test(escape)) return String.fromCharCode(parseInt(escape.slice(1), 16));
    return /^[0-7]/.test(escape) ? String.fromCharCode(parseInt(escape, 8)) : whole;
  });
  return delimiter === '' || /[\r\n"]/.test(delimiter) ? undefined : delimiter;
}
