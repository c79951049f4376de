/** Rows of the files of an import: CSV or JSON lines, plain or `.gz`, read part by part. */
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { DbError } from '../base/errors.ts';
import { Utf8Check } from '../base/utf8.ts';
import { jsonToValue, parseJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';
import { CsvReader } from './csv.ts';
import type { FileFormat, FileSpec } from './import-config.ts';

const PART_BYTES = 1024 * 1024;
const LINE_CHARS_MAX = 64 * 1024 * 1024;

/** A row as it stands in the file: texts and nulls of CSV, or values of JSON. */
export type RawCell = Value;
export type RawRow =
  | { readonly line: number; readonly cells: readonly RawCell[] }
  | { readonly line: number; readonly error: string; readonly cells: undefined };

/** Files of a configuration's item: the file, or every regular file of the folder, by name. */
export function filesOf(spec: FileSpec, base: string): string[] {
  const path = isAbsolute(spec.path) ? spec.path : resolve(base, spec.path);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw new DbError('InvalidRequest', `the file ${path} does not exist`, { hint: `paths of the configuration are relative to ${base}` });
  if (!status.isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(path, entry.name)).sort();
}

/** The bytes of a file, unpacked, which are UTF-8, with the count of bytes read so far (packed ones, where it is packed). */
export async function* byteParts(path: string): AsyncGenerator<{ part: Buffer; bytes: number }> {
  const input = createReadStream(path, { highWaterMark: PART_BYTES });
  const stream = path.endsWith('.gz') ? input.pipe(createGunzip({ chunkSize: PART_BYTES })) : input;
  input.on('error', (error) => stream.destroy(error));
  const check = new Utf8Check();
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      refuseOtherText(path, check.push(part));
      yield { part, bytes: input.bytesRead };
    }
    refuseOtherText(path, check.end());
  } catch (error) {
    if (error instanceof DbError) throw error;
    throw new DbError('InvalidRequest', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    input.destroy();
  }
}

function refuseOtherText(path: string, wrongAt: number | undefined): void {
  if (wrongAt === undefined) return;
  throw new DbError('InvalidRequest', `${path} is not UTF-8: byte ${wrongAt + 1} does not belong`, { hint: 'convert it: iconv -f latin1 -t utf-8, or whatever it is written in' });
}

/** The same as texts. */
export async function* textParts(path: string): AsyncGenerator<{ text: string; bytes: number }> {
  const decoder = new TextDecoder('utf-8');
  let isFirst = true;
  let read = 0;
  for await (const { part, bytes } of byteParts(path)) {
    let text = decoder.decode(part, { stream: true });
    if (isFirst && text.startsWith('\ufeff')) text = text.slice(1);
    isFirst = false;
    read = bytes;
    yield { text, bytes };
  }
  const rest = decoder.decode();
  if (rest !== '') yield { text: rest, bytes: read };
}

export interface RowParser {
  push(text: string, visit: (row: RawRow) => void): void;
  end(visit: (row: RawRow) => void): void;
}

export function rowParser(format: FileFormat, delimiter: string, header: number): RowParser {
  return format === 'CSV' ? new CsvReader(delimiter, header) : new JsonLines(header);
}

/** Each line a JSON array (or, for the format GRAPH, one object: then the only cell). */
class JsonLines implements RowParser {
  #rest = '';
  #line = 1;
  readonly #header: number;

  constructor(header: number) {
    this.#header = header;
  }

  push(text: string, visit: (row: RawRow) => void): void {
    const whole = this.#rest === '' ? text : this.#rest + text;
    let at = 0;
    for (let end = whole.indexOf('\n'); end >= 0; end = whole.indexOf('\n', at)) {
      this.#row(whole.slice(at, end), visit);
      at = end + 1;
    }
    this.#rest = whole.slice(at);
    if (this.#rest.length > LINE_CHARS_MAX) throw new DbError('InvalidRequest', `line ${this.#line} is longer than ${LINE_CHARS_MAX} characters`);
  }

  end(visit: (row: RawRow) => void): void {
    if (this.#rest !== '') this.#row(this.#rest, visit);
    this.#rest = '';
  }

  #row(text: string, visit: (row: RawRow) => void): void {
    const line = this.#line++;
    if (line <= this.#header || text.trim() === '') return;
    let json: unknown;
    try {
      json = parseJson(text);
    } catch (error) {
      visit({ line, error: error instanceof DbError ? error.message : 'not JSON', cells: undefined });
      return;
    }
    const value = jsonToValue(json);
    visit({ line, cells: Array.isArray(value) ? value : [value] });
  }
}
