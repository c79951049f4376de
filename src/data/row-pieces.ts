/**
 * A file of rows in pieces of some size that end where rows end, as they stand: for packages whose rows are read elsewhere. Read piece by
 * piece, the rows are those of the whole file.
 */
import { feedsIn, OPEN_FIELD_CHARS_MAX, rowEnd } from './csv.ts';
import type { FileSpec } from './import-config.ts';
import { textParts } from './row-source.ts';

export interface RowPiece {
  readonly text: string;
  /** Number of its first line in the file. */
  readonly line: number;
  /** Bytes of the file read so far. */
  readonly bytes: number;
}

export interface CutOptions {
  readonly path: string;
  readonly spec: Pick<FileSpec, 'format' | 'header'>;
  readonly delimiter: string;
  /** Characters of a piece, about: rows are never cut. */
  readonly chars: number;
}

export async function* rowPieces({ path, spec, delimiter, chars }: CutOptions): AsyncGenerator<RowPiece> {
  const cutter = new Cutter(spec.format === 'CSV' ? delimiter : undefined, chars, spec.header);
  let read = 0;
  for await (const { text, bytes } of textParts(path)) {
    read = bytes;
    cutter.push(text);
    for (let piece = cutter.next(false); piece !== undefined; piece = cutter.next(false)) yield { ...piece, bytes };
  }
  for (let piece = cutter.next(true); piece !== undefined; piece = cutter.next(true)) yield { ...piece, bytes: read };
}

class Cutter {
  /** Undefined: every line is a row. */
  readonly #delimiter: string | undefined;
  readonly #chars: number;
  #header: number;
  #rest = '';
  #line = 1;
  /** Where the first row begins whose end is not known yet. */
  #at = 0;

  constructor(delimiter: string | undefined, chars: number, header: number) {
    this.#delimiter = delimiter;
    this.#chars = chars;
    this.#header = header;
  }

  push(text: string): void {
    this.#rest += text;
    while (this.#header > 0 && this.#rest.includes('\n')) {
      this.#header--;
      this.#take(this.#rest.indexOf('\n') + 1);
    }
  }

  /** The next whole piece; at the end of the file whatever is left. */
  next(isEnd: boolean): { readonly text: string; readonly line: number } | undefined {
    if (this.#header > 0) return undefined;
    const line = this.#line;
    if (!this.#reach(isEnd)) {
      return isEnd && this.#rest !== '' ? { line, text: this.#take(this.#rest.length) } : undefined;
    }
    return { line, text: this.#take(this.#at) };
  }

  /** Goes on row by row until a piece is full. */
  #reach(isEnd: boolean): boolean {
    if (isEnd && this.#rest !== '' && !this.#rest.endsWith('\n')) this.#rest += '\n';
    const text = this.#rest;
    if (text.length < this.#chars) return false;
    const quote = this.#delimiter === undefined ? -1 : text.indexOf('"', this.#at);
    while (this.#at < this.#chars) {
      // Without a quote before it, the first line feed behind the size ends a row.
      const far = text.indexOf('\n', Math.max(this.#at, this.#chars - 1));
      if (far >= 0 && (quote < 0 || quote > far)) {
        this.#at = far + 1;
        break;
      }
      const feed = text.indexOf('\n', this.#at);
      let end = feed < 0 || quote < 0 ? feed : rowEnd(text, this.#at, feed, this.#delimiter!);
      // A quote that nothing closes: only its line is lost.
      if (end < 0 && feed >= 0 && (isEnd || text.length - this.#at > OPEN_FIELD_CHARS_MAX)) end = feed;
      if (end < 0) return false;
      this.#at = end + 1;
    }
    return true;
  }

  #take(end: number): string {
    const text = this.#rest.slice(0, end);
    this.#line += feedsIn(text, 0, end);
    this.#rest = this.#rest.slice(end);
    this.#at = 0;
    return text;
  }
}
