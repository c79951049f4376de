/**
 * The query language of full-text indexes: that of Lucene's classic query parser, as Neo4j's users know it, without ranges, regular
 * expressions and slop.
 *
 *   query   = clause { [ OR | '||' ] clause }          words side by side: any of them; more of them rank higher
 *   clause  = unary { ( AND | '&&' ) unary }
 *   unary   = ( '+' | '-' | '!' | NOT ) unary | part   +: must be there, - ! NOT: must not
 *   part    = [ field ':' ] ( word | '"' phrase '"' | '(' query ')' ) [ '^' boost ]
 *   word    = characters; * and ? stand for any characters and for one; ~ or ~1, ~2 behind it: similar words; \ takes a character as it is
 */
import { DbError } from '../../base/errors.ts';

export type TextQuery =
  | { readonly kind: 'words'; readonly text: string; readonly prefix: boolean; readonly field: Field | undefined; readonly boost: number }
  | { readonly kind: 'pattern'; readonly parts: readonly PatternPart[]; readonly field: Field | undefined; readonly boost: number }
  | { readonly kind: 'similar'; readonly text: string; readonly distance: number; readonly field: Field | undefined; readonly boost: number }
  | { readonly kind: 'boolean'; readonly must: readonly TextQuery[]; readonly should: readonly TextQuery[]; readonly not: readonly TextQuery[]; readonly boost: number };

/** A piece of a word that is meant as it is, or a wildcard. */
export type PatternPart = string | { readonly any: 'one' | 'many' };

export interface Field {
  readonly name: string;
  /** From 0. */
  readonly offset: number;
}

/** Clauses one query may have, and how deep its parentheses may go. */
export const CLAUSES_MAX = 1024;
const DEPTH_MAX = 100;

type Sign = 'must' | 'should' | 'not';
interface Clause {
  readonly sign: Sign;
  readonly query: TextQuery;
}

/** Undefined: the text is blank, and finds nothing. Throws ArgumentError with the column of the mistake. */
export function parseTextQuery(text: string): TextQuery | undefined {
  const parser = new QueryParser(text);
  return parser.parse();
}

export function queryError(message: string, offset: number, hint?: string): DbError {
  return new DbError('ArgumentError', `full-text query, column ${offset + 1}: ${message}`, { detail: 'FulltextQuery', hint });
}

const isSpace = (char: string | undefined): boolean => char !== undefined && /\s/.test(char);
/** Characters that end a word. The others that mean something do so at its beginning or end only. */
const ENDS_WORD = '()"^~:{}[]';

class QueryParser {
  readonly #text: string;
  #at = 0;
  #clauses = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): TextQuery | undefined {
    this.#skipSpace();
    if (this.#at === this.#text.length) return undefined;
    const query = this.#query(undefined);
    if (this.#at < this.#text.length) throw queryError("there is no '(' for this ')'", this.#at, 'take a character as it is by \\ before it');
    return query;
  }

  #skipSpace(): void {
    while (isSpace(this.#text[this.#at])) this.#at++;
  }

  /** Whether an operator stands here; it is taken. A word is one only by itself. */
  #take(word: string, symbol: string): boolean {
    this.#skipSpace();
    const text = this.#text;
    if (text.startsWith(symbol, this.#at)) {
      this.#at += symbol.length;
      return true;
    }
    const after = text[this.#at + word.length];
    if (word === '' || !text.startsWith(word, this.#at) || !(after === undefined || isSpace(after) || after === '(' || after === '"')) return false;
    this.#at += word.length;
    return true;
  }

  /** Up to the end or a ')'. */
  #query(field: Field | undefined): TextQuery {
    const start = this.#at;
    if (++this.#depth > DEPTH_MAX) throw queryError(`parentheses are deeper than ${DEPTH_MAX}`, start);
    const clauses: Clause[] = [];
    for (;;) {
      const isOr = this.#take('OR', '||');
      if (isOr && clauses.length === 0) throw queryError('something must stand before OR', this.#at - 2);
      this.#skipSpace();
      if (this.#at === this.#text.length || this.#text[this.#at] === ')') {
        if (isOr) throw queryError('something must follow OR', this.#at);
        break;
      }
      clauses.push(this.#clause(field));
    }
    if (clauses.length === 0) throw queryError('there is nothing between the parentheses', start);
    this.#depth--;
    return combined(clauses, start);
  }

  #clause(field: Field | undefined): Clause {
    const start = this.#at;
    const clauses = [this.#unary(field)];
    while (this.#take('AND', '&&')) clauses.push(this.#unary(field));
    if (clauses.length === 1) return clauses[0]!;
    return { sign: 'should', query: combined(clauses.map(({ sign, query }) => ({ sign: sign === 'not' ? 'not' : 'must', query })), start) };
  }

  #unary(field: Field | undefined): Clause {
    this.#skipSpace();
    const start = this.#at;
    for (const word of ['AND', 'OR'] as const) {
      if (this.#take(word, word === 'AND' ? '&&' : '||')) throw queryError(`${word} joins two parts: one is missing here`, start, `to look for the word, write "${word.toLowerCase()}"`);
    }
    const isNot = this.#take('NOT', '!') || this.#take('', '-');
    if (!isNot && !this.#take('', '+')) return { sign: 'should', query: this.#part(field) };
    this.#skipSpace();
    if (this.#at === this.#text.length || this.#text[this.#at] === ')') throw queryError(`something must follow ${this.#text.slice(start, this.#at).trim()}`, this.#at);
    const { sign, query } = this.#unary(field);
    if (sign !== 'should') throw queryError('two signs stand before one part', start);
    return { sign: isNot ? 'not' : 'must', query };
  }

  #part(outer: Field | undefined): TextQuery {
    this.#skipSpace();
    if (++this.#clauses > CLAUSES_MAX) throw queryError(`a query has at most ${CLAUSES_MAX} parts`, this.#at);
    const start = this.#at;
    const char = this.#text[this.#at];
    if (char === undefined) throw queryError('a word, "phrase" or (group) is missing', this.#at);
    if (char === '(') return this.#group(outer);
    if (char === '"') return this.#phrase(outer);
    if ('{}['.includes(char) || char === ']') throw queryError(`${char} would be a range, which is not supported`, start, `take it as it is by \\${char}`);
    if ('^~:)'.includes(char)) throw queryError(`a word must stand before ${char}`, start, `take it as it is by \\${char}`);
    const word = this.#word();
    if (this.#text[this.#at] === ':') return this.#fielded(word, start, outer);
    return this.#finished(word, outer, start);
  }

  #fielded(word: readonly PatternPart[], offset: number, outer: Field | undefined): TextQuery {
    const name = word.length === 1 && typeof word[0] === 'string' ? word[0] : undefined;
    if (isAll(word) && this.#text[this.#at + 1] === '*') {
      this.#at++;
      return this.#finished(this.#word(), outer, offset);
    }
    if (name === undefined) throw queryError('the name of a field has no wildcards', offset);
    this.#at++;
    const next = this.#text[this.#at];
    if (next === undefined || isSpace(next) || next === ')' || next === ':') throw queryError(`a word, "phrase" or (group) must follow ${name}:`, this.#at, 'take a colon as it is by \\:');
    return this.#part({ name, offset });
  }

  #group(field: Field | undefined): TextQuery {
    const open = this.#at++;
    const query = this.#query(field);
    if (this.#text[this.#at] !== ')') throw queryError("this '(' is not closed", open);
    this.#at++;
    const boost = this.#boost();
    return boost === 1 ? query : { kind: 'boolean', must: [], should: [query], not: [], boost };
  }

  #phrase(field: Field | undefined): TextQuery {
    const open = this.#at++;
    let text = '';
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined) throw queryError('this " is not closed', open);
      if (char === '"') break;
      text += char === '\\' ? this.#text[this.#at++] ?? '' : char;
    }
    if (this.#text[this.#at] === '~') throw queryError('words near each other ("…"~3) are not supported', this.#at, 'join the words with AND');
    return { kind: 'words', text, prefix: false, field, boost: this.#boost() };
  }

  /** A run of characters with its wildcards. */
  #word(): PatternPart[] {
    const parts: PatternPart[] = [];
    let text = '';
    const wildcard = (any: 'one' | 'many'): void => {
      if (text !== '') parts.push(text);
      text = '';
      parts.push({ any });
    };
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]!;
      if (isSpace(char) || ENDS_WORD.includes(char)) break;
      if (char === '*') wildcard('many');
      else if (char === '?') wildcard('one');
      else if (char === '\\') text += this.#text[++this.#at] ?? '\\';
      else text += char;
    }
    if (text !== '' || parts.length === 0) parts.push(text);
    return parts;
  }

  #finished(word: readonly PatternPart[], field: Field | undefined, start: number): TextQuery {
    const [first, second] = word;
    const isPlain = word.length === 1 && typeof first === 'string';
    if (this.#text[this.#at] === '~') {
      if (!isPlain) throw queryError('~ goes with a word without wildcards', this.#at);
      return { kind: 'similar', text: first, distance: this.#distance(), field, boost: this.#boost() };
    }
    const boost = this.#boost();
    if (isPlain) return { kind: 'words', text: first, prefix: false, field, boost };
    if (word.length === 2 && typeof first === 'string' && typeof second === 'object' && second.any === 'many') return { kind: 'words', text: first, prefix: true, field, boost };
    if (word.length > 64) throw queryError('a word has at most 32 wildcards', start);
    return { kind: 'pattern', parts: word, field, boost };
  }

  #distance(): number {
    const at = this.#at++;
    const given = /^[0-9.]+/.exec(this.#text.slice(this.#at))?.[0];
    if (given === undefined) return 2;
    if (given !== '0' && given !== '1' && given !== '2') throw queryError(`~${given}: similar words have 0, 1 or 2 letters that differ`, at);
    this.#at++;
    return Number(given);
  }

  #boost(): number {
    if (this.#text[this.#at] !== '^') return 1;
    const given = /^\d+(\.\d+)?/.exec(this.#text.slice(this.#at + 1))?.[0];
    if (given === undefined) throw queryError('a number must follow ^', this.#at, 'take it as it is by \\^');
    this.#at += 1 + given.length;
    return Number(given);
  }
}

function isAll(word: readonly PatternPart[]): boolean {
  return word.length === 1 && typeof word[0] === 'object' && word[0].any === 'many';
}

function combined(clauses: readonly Clause[], offset: number): TextQuery {
  const of = (sign: Sign): TextQuery[] => clauses.filter((clause) => clause.sign === sign).map(({ query }) => query);
  const [must, should, not] = [of('must'), of('should'), of('not')];
  if (must.length + should.length === 0) {
    throw queryError('every part is excluded, so there is nothing to look for', offset, 'say what to find too; * finds everything');
  }
  if (must.length === 0 && not.length === 0 && should.length === 1) return should[0]!;
  return { kind: 'boolean', must, should, not, boost: 1 };
}
