/**
 * Records of CSV text, one after the other: fields in quotes may hold the delimiter, line ends and quotes. A quote in there is written twice
 * or, as Neo4j has it by default, behind a backslash; a backslash then is written twice too, and stays before anything else. Papa Parse, which
 * reads CSV elsewhere, knows one way to write a quote at a time, and one line end.
 */
export interface CsvFormat {
  /** One character. */
  readonly delimiter: string;
  /** Whether `\"` in a quoted field is a quote; otherwise a backslash is a character like others (RFC 4180). */
  readonly backslashQuotes: boolean;
}

export interface CsvRecord {
  readonly fields: string[];
  /** Where the next one begins. */
  readonly end: number;
}

/** Why the text is none. */
export class CsvMistake extends Error {}

export class CsvScanner {
  readonly #backslashQuotes: boolean;
  readonly #delimiter: string;
  readonly #fieldEnd: RegExp;
  #text = '';
  #isLast = false;
  /** The next backslash, as far as it is known; -1: there is none any more. */
  #backslash = 0;

  constructor({ delimiter, backslashQuotes }: CsvFormat) {
    this.#delimiter = delimiter;
    this.#backslashQuotes = backslashQuotes;
    this.#fieldEnd = new RegExp(`[\\u${delimiter.charCodeAt(0).toString(16).padStart(4, '0')}\\r\\n]`, 'g');
  }

  /** The text that the records are in; `isLast`: nothing follows. */
  open(text: string, isLast: boolean): void {
    this.#text = text;
    this.#isLast = isLast;
    this.#backslash = this.#backslashQuotes ? 0 : -1;
  }

  /** The record that begins there; undefined: the text does not have all of it. */
  recordAt(start: number): CsvRecord | undefined {
    const text = this.#text;
    const fields: string[] = [];
    if (start >= text.length) return undefined;
    for (let at = start; ;) {
      const end = text[at] === '"' ? this.#quoted(at, fields) : this.#plain(at, fields);
      if (end === undefined) return undefined;
      if (text[end] === this.#delimiter) {
        at = end + 1;
        continue;
      }
      if (end >= text.length) return this.#isLast ? { fields, end } : undefined;
      // The second half of a line end may be in the next piece.
      if (text[end] === '\r' && end + 1 === text.length && !this.#isLast) return undefined;
      return { fields, end: text[end] === '\r' && text[end + 1] === '\n' ? end + 2 : end + 1 };
    }
  }

  #plain(start: number, fields: string[]): number {
    this.#fieldEnd.lastIndex = start;
    const end = this.#fieldEnd.exec(this.#text)?.index ?? this.#text.length;
    fields.push(this.#text.slice(start, end));
    return end;
  }

  /** Where the field ends that opens with a quote; undefined: not in this text. */
  #quoted(start: number, fields: string[]): number | undefined {
    const text = this.#text;
    let value = '';
    let from = start + 1;
    for (let at = from; ;) {
      const quote = text.indexOf('"', at);
      const backslash = this.#backslashFrom(at);
      if (backslash >= 0 && (quote < 0 || backslash < quote)) {
        const escaped = text[backslash + 1];
        at = backslash + 1;
        if (escaped !== '"' && escaped !== '\\') continue;
        value += text.slice(from, backslash) + escaped;
        from = at += 1;
        continue;
      }
      if (quote < 0) {
        if (this.#isLast) throw new CsvMistake('a quoted field does not end');
        return undefined;
      }
      if (text[quote + 1] === '"') {
        value += text.slice(from, quote + 1);
        from = at = quote + 2;
        continue;
      }
      fields.push(value + text.slice(from, quote));
      return this.#behindQuote(quote + 1);
    }
  }

  #backslashFrom(at: number): number {
    if (this.#backslash >= 0 && this.#backslash < at) this.#backslash = this.#text.indexOf('\\', at);
    return this.#backslash;
  }

  #behindQuote(start: number): number | undefined {
    const text = this.#text;
    let at = start;
    while (text[at] === ' ' && this.#delimiter !== ' ') at++;
    if (at >= text.length) return this.#isLast ? at : undefined;
    const next = text[at];
    if (next === this.#delimiter || next === '\r' || next === '\n') return at;
    throw new CsvMistake('something stands behind the end of a quoted field');
  }
}
