/**
 * Rows of a CSV file found in its bytes: an ordinary row (no quotes, nothing to trim) is told by where its cells begin and end, so that no text
 * is made of what is only copied; any other row is read as csv.ts reads it, whose rows these are. A file that is not UTF-8, or a delimiter of several
 * bytes, is left to csv.ts from there on.
 */
import { isUtf8 } from 'node:buffer';
import { CsvReader, feedsIn, rowEnd, rowOf } from './csv.ts';
import type { CsvRow } from './csv.ts';

/** A row with more cells is not an ordinary one. */
const CELLS_MAX = 256;
/** What is kept of an unfinished row before csv.ts decides what to give up. */
const REST_BYTES_MAX = 64 * 1024 * 1024;
const FEED = 10;
const RETURN = 13;
const BLANK = 32;
const QUOTE = 34;

export interface RowVisitor {
  /** An ordinary row: its cells are `bytes` from `starts[i]` to `ends[i]` of the ByteRows; the row itself is from … to. */
  plain(bytes: Buffer, line: number, cells: number, from: number, to: number): void;
  other(row: CsvRow): void;
}

export class ByteRows {
  readonly starts = new Uint32Array(CELLS_MAX);
  readonly ends = new Uint32Array(CELLS_MAX);
  readonly #visitor: RowVisitor;
  readonly #delimiter: string;
  readonly #delimiterByte: number;
  #header: number;
  #line = 1;
  #rest: Buffer = Buffer.alloc(0);
  #isFirst = true;
  /** Reads the file from where this class gave up. */
  #reader: CsvReader | undefined;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(delimiter: string, header: number, visitor: RowVisitor) {
    this.#delimiter = delimiter;
    this.#delimiterByte = delimiter.length === 1 && delimiter.charCodeAt(0) < 0x80 ? delimiter.charCodeAt(0) : -1;
    this.#header = header;
    this.#visitor = visitor;
  }

  /** The rows that are complete with this part of the file; the visitor may keep the bytes. */
  push(part: Buffer): void {
    let bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    if (this.#isFirst) {
      // A byte order mark, perhaps cut into several parts, is nobody's cell.
      if (bytes.length < 3) {
        this.#rest = bytes;
        return;
      }
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
      this.#isFirst = false;
    }
    this.#rest = Buffer.alloc(0);
    if (this.#reader !== undefined) this.#pushText(bytes);
    else this.#rows(bytes, bytes.lastIndexOf(FEED) + 1);
  }

  end(): void {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    if (this.#reader === undefined && rest.length > 0) {
      // The last line may lack its end.
      if (rest.includes(QUOTE)) this.#giveUp(rest);
      else if (rest.at(-1) === FEED) this.#rows(rest, rest.length);
      else this.#rows(Buffer.concat([rest, Buffer.from('\n')]), rest.length + 1);
    }
    this.#reader?.push(this.#decoder.decode(), (row) => this.#visitor.other(row));
    this.#reader?.end((row) => this.#visitor.other(row));
  }

  #giveUp(bytes: Buffer): void {
    this.#reader = new CsvReader(this.#delimiter, this.#header, this.#line);
    this.#pushText(bytes);
  }

  #pushText(bytes: Buffer): void {
    this.#reader!.push(this.#decoder.decode(bytes, { stream: true }), (row) => this.#visitor.other(row));
  }

  /** Whole lines end at `to`. */
  #rows(bytes: Buffer, to: number): void {
    if (this.#delimiterByte < 0 || !isUtf8(bytes.subarray(0, to))) {
      this.#giveUp(bytes);
      return;
    }
    let at = 0;
    /** The same bytes as characters, for rows with quotes. */
    let text: string | undefined;
    while (at < to) {
      if (this.#header > 0) {
        this.#header--;
        this.#line++;
        at = bytes.indexOf(FEED, at) + 1;
        continue;
      }
      const end = this.#plainEnd(bytes, at);
      if (end >= 0) {
        at = end;
        continue;
      }
      text ??= bytes.toString('latin1', 0, to);
      const next = this.#other(bytes, text, at);
      if (next < 0) break;
      at = next;
    }
    this.#rest = bytes.subarray(at);
    // Only a quote that nothing closes gets so long.
    if (this.#rest.length > REST_BYTES_MAX) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      this.#giveUp(rest);
    }
  }

  /** Visits the row that begins here, if it is an ordinary one, and tells where the next begins; -1 otherwise. */
  #plainEnd(bytes: Buffer, from: number): number {
    const { starts, ends } = this;
    const delimiter = this.#delimiterByte;
    let cells = 0;
    let start = from;
    let at = from;
    for (;;) {
      const byte = bytes[at]!;
      if (byte !== delimiter && byte !== FEED) {
        if (byte === QUOTE) return -1;
        at++;
        continue;
      }
      let end = at;
      if (byte === FEED && end > start && bytes[end - 1] === RETURN) end--;
      if (end > start && (bytes[start]! <= BLANK || bytes[end - 1]! <= BLANK)) return -1;
      if (cells === CELLS_MAX) return -1;
      starts[cells] = start;
      ends[cells++] = end;
      at++;
      start = at;
      if (byte !== FEED) continue;
      const line = this.#line++;
      if (cells > 1 || ends[0]! > starts[0]!) this.#visitor.plain(bytes, line, cells, from, end);
      return at;
    }
  }

  /** Visits the row that begins here, whatever it is, and tells where the next begins; -1: it is not whole yet. */
  #other(bytes: Buffer, text: string, from: number): number {
    const feed = text.indexOf('\n', from);
    const end = rowEnd(text, from, feed, this.#delimiter);
    if (end < 0) return -1;
    const last = text.charCodeAt(end - 1) === RETURN && end > from ? end - 1 : end;
    const row = rowOf(bytes.toString('utf8', from, last), this.#delimiter, this.#line);
    this.#line += feedsIn(text, from, end) + 1;
    if (row !== undefined) this.#visitor.other(row);
    return end + 1;
  }
}
