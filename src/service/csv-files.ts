/**
 * LOAD CSV: records of files under one configured folder, read piece by piece.
 *
 *   url    `file:///name.csv`, `file:name.csv` or `name.csv`, relative to the folder; nothing outside of it, also not by `..` or a link
 *   .gz    is unpacked in memory, up to `load_csv_unpacked_mb`
 *   record up to `load_csv_record_chars` characters, and perhaps a piece of the file more
 *   text   UTF-8, with or without a byte order mark; fields in quotes may hold the terminator, line ends, and `""` or `\"` for a quote; blank lines are skipped;
 *          lines end with `\n`, `\r\n` or `\r`, and a file may mix them
 *   value  text; an empty field is null
 */
import { closeSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { gunzipSync } from 'node:zlib';
import { DbError } from '../base/errors.ts';
import type { CsvSource } from '../cypher/engine.ts';
import type { Value } from '../value/value.ts';
import { CsvMistake, CsvScanner, type CsvRecord } from './csv-records.ts';

const PIECE_BYTES = 256 * 1024;

export interface CsvLimits {
  /** A .gz file is unpacked up to so many bytes. */
  readonly unpackedBytesMax: number;
  /** Of one record. */
  readonly recordCharsMax: number;
  /** See csv-records.ts. */
  readonly backslashQuotes: boolean;
}

const LIMITS: CsvLimits = { unpackedBytesMax: 512 * 1024 * 1024, recordCharsMax: 16 * 1024 * 1024, backslashQuotes: true };

/** Undefined where no folder is configured. */
export function csvFiles(folder: string, limits = LIMITS): CsvSource | undefined {
  if (folder === '') return undefined;
  return {
    open: (url, { headers, fieldTerminator }, place) => {
      if (fieldTerminator.length !== 1 || /["\r\n]/.test(fieldTerminator)) {
        throw new DbError('ArgumentError', `FIELDTERMINATOR must be one character other than a quote or a line end, given ${JSON.stringify(fieldTerminator)}`);
      }
      const rows = records({ path: locate(folder, url), url, limits }, fieldTerminator, place);
      return headers ? withHeaders(rows, url) : rows;
    },
  };
}

interface CsvFile {
  readonly path: string;
  readonly url: string;
  readonly limits: CsvLimits;
}

function locate(folder: string, url: string): string {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    throw new DbError('ArgumentError', `LOAD CSV reads files, not ${scheme}: ${url}`, { hint: 'put the file into the folder load_csv_dir of the server' });
  }
  let name = scheme === undefined ? url : url.slice('file:'.length).replace(/^\/\/(localhost)?(?=\/|$)/, '');
  try {
    if (scheme !== undefined) name = decodeURIComponent(name);
  } catch (error) {
    throw new DbError('ArgumentError', `LOAD CSV: ${url} is not a URL`, { cause: error });
  }
  if (name.includes('\0')) throw outside(url);
  let root: string;
  let path: string;
  try {
    root = realpathSync(folder);
    const wanted = resolve(root, `.${sep}${name.replace(/^[/\\]+/, '')}`);
    if (wanted !== root && !wanted.startsWith(root + sep)) throw outside(url);
    path = realpathSync(wanted);
  } catch (error) {
    if (error instanceof DbError) throw error;
    throw new DbError('NotFound', `LOAD CSV: there is no file ${url}`, { hint: 'names are relative to the folder load_csv_dir of the server', cause: error });
  }
  // A link may lead elsewhere.
  if (!path.startsWith(root + sep)) throw outside(url);
  return path;
}

function outside(url: string): DbError {
  return new DbError('Forbidden', `LOAD CSV: ${url} is outside the folder load_csv_dir`);
}

function* records(file: CsvFile, delimiter: string, place = { line: 0 }): Generator<Value[]> {
  const { url, limits: { recordCharsMax, backslashQuotes } } = file;
  const scanner = new CsvScanner({ delimiter, backslashQuotes });
  let text = '';
  let count = 0;
  for (const piece of pieces(file)) {
    text += piece ?? '';
    scanner.open(text, piece === undefined);
    let at = 0;
    for (;;) {
      const record = nextRecord(scanner, at, url, count + 1);
      if (record === undefined) break;
      const { fields, end } = record;
      at = end;
      count++;
      place.line++;
      for (const field of fields) place.line += lineEndsIn(field);
      if (fields.length === 1 && fields[0] === '') continue;
      yield fields.map((field) => (field === '' ? null : field));
    }
    text = text.slice(at);
    if (text.length > recordCharsMax) {
      throw new DbError('ArgumentError', `LOAD CSV: ${url}, record ${count + 1} has more than ${recordCharsMax} characters`, { hint: 'is a quote missing? Otherwise raise load_csv_record_chars' });
    }
  }
}

function nextRecord(scanner: CsvScanner, at: number, url: string, number: number): CsvRecord | undefined {
  try {
    return scanner.recordAt(at);
  } catch (error) {
    if (!(error instanceof CsvMistake)) throw error;
    throw new DbError('ArgumentError', `LOAD CSV: ${url}, record ${number}: ${error.message}`, {
      hint: 'in a quoted field \\" is a quote and \\\\ a backslash, unless load_csv_backslash_quotes is false', cause: error,
    });
  }
}

/** Line ends inside a field, which stand in quotes. */
function lineEndsIn(field: string): number {
  let count = 0;
  for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) count++;
  return count;
}

/** The file's text in pieces; undefined: that was all. */
function* pieces(file: CsvFile): Generator<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let first = true;
  for (const bytes of file.path.endsWith('.gz') ? unpacked(file) : read(file)) {
    const piece = decoder.write(bytes);
    yield first && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
    first = false;
  }
  yield decoder.end();
  yield undefined;
}

function* read({ path, url }: CsvFile): Generator<Buffer> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new DbError('NotFound', `LOAD CSV: ${url} cannot be read`, { cause: error });
  }
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      const length = readSync(file, buffer, 0, PIECE_BYTES, null);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } catch (error) {
    if (error instanceof DbError) throw error;
    throw new DbError('NotFound', `LOAD CSV: ${url} cannot be read`, { cause: error });
  } finally {
    closeSync(file);
  }
}

function* unpacked({ path, url, limits: { unpackedBytesMax } }: CsvFile): Generator<Buffer> {
  let bytes: Buffer;
  try {
    bytes = gunzipSync(readFileSync(path), { maxOutputLength: unpackedBytesMax });
  } catch (error) {
    throw new DbError('ArgumentError', `LOAD CSV: ${url} cannot be unpacked: it is not in gzip's format, or larger than ${unpackedBytesMax} bytes`, { hint: 'raise load_csv_unpacked_mb, or unpack it', cause: error });
  }
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Maps by the names of the first record; what a record lacks is null, what it has beyond them is left out. */
function* withHeaders(all: Generator<Value[]>, url: string): Generator<Value> {
  const first = all.next();
  if (first.done === true) return;
  const names = first.value.map((name, i) => {
    if (typeof name !== 'string') throw new DbError('ArgumentError', `LOAD CSV: ${url}, column ${i + 1} has no name`);
    return name;
  });
  for (const record of all) {
    const map = new Map<string, Value>();
    for (const [i, name] of names.entries()) map.set(name, record[i] ?? null);
    yield map;
  }
}
