/**
 * A place in the token list, with the few moves a recursive-descent parser makes, and its error messages.
 */
import type { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import { tokenize, type Token } from './lexer.ts';
import { syntaxError } from './source-error.ts';

/** Expressions, patterns and subqueries inside one another: beyond this the statement is refused, not the stack. */
const DEPTH_MAX = 150;

export const CLAUSE_KEYWORDS = [
  'MATCH', 'OPTIONAL', 'UNWIND', 'WITH', 'RETURN', 'CREATE', 'MERGE', 'SET', 'REMOVE', 'DELETE', 'DETACH', 'FOREACH',
  'CALL', 'LOAD', 'FINISH', 'FILTER', 'LET', 'UNION', 'SHOW', 'DROP', 'USE', 'EXPLAIN', 'PROFILE', 'WHERE', 'ORDER', 'SKIP', 'LIMIT', 'YIELD', 'ON', 'USING',
] as const;

export class Cursor {
  readonly source: string;
  readonly tokens: readonly Token[];
  at = 0;
  /** Inside `[x IN xs WHERE … | …]` a bar ends the predicate, so it cannot join labels. */
  barEndsLabels = false;
  #depth = 0;
  #closing: Int32Array | undefined;
  /** Where a word was made a name first. */
  #made: Map<string, number> | undefined;

  constructor(source: string, tokens: readonly Token[] = tokenize(source)) {
    this.source = source;
    this.tokens = tokens;
  }

  get token(): Token {
    return this.tokens[this.at]!;
  }

  peek(ahead: number): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
  }

  /** End of the last token taken. */
  get lastEnd(): number {
    return this.at === 0 ? 0 : this.tokens[this.at - 1]!.end;
  }

  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'word' && token.key === word;
  }

  isPunct(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'punct' && token.key === text;
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.at++;
    return true;
  }

  takePunct(text: string): boolean {
    if (!this.isPunct(text)) return false;
    this.at++;
    return true;
  }

  /** Takes all the words, or none. */
  takeWords(...words: string[]): boolean {
    for (let i = 0; i < words.length; i++) if (!this.isWord(words[i]!, i)) return false;
    this.at += words.length;
    return true;
  }

  expectWord(word: string): Token {
    if (!this.isWord(word)) throw this.expected(word, [word]);
    return this.tokens[this.at++]!;
  }

  expectPunct(text: string): Token {
    if (!this.isPunct(text)) throw this.expected(`'${text}'`);
    return this.tokens[this.at++]!;
  }

  isName(ahead = 0): boolean {
    const type = this.peek(ahead).type;
    return type === 'word' || type === 'quoted';
  }

  /** Whether a word was made a name before: `… AS match`, `(match …`, `[match …`. Where a word of the language was not, something is more likely missing. */
  wasMadeName(word: string): boolean {
    this.#made ??= namesMade(this.tokens);
    return (this.#made.get(word) ?? Infinity) < this.at;
  }

  /** A name: of a variable, label, property ... Any word may be one. */
  expectName(what: string): string {
    if (!this.isName()) throw this.expected(what);
    return this.tokens[this.at++]!.text;
  }

  /** An error at the current token: what was expected and what is there, with the word that was perhaps meant. */
  expected(what: string, words: readonly string[] = []): DbError {
    const token = this.token;
    const found = token.type === 'end' ? 'the end of the statement' : `"${this.source.slice(token.start, Math.min(token.end, token.start + 40))}"`;
    const meant = token.type === 'word' ? suggest(token.text, words) : undefined;
    return this.error(`expected ${what} but found ${found}`, 'UnexpectedSyntax', token.start,
      meant === undefined || meant === token.key ? undefined : `did you mean ${meant}?`);
  }

  error(message: string, detail = 'UnexpectedSyntax', offset = this.token.start, hint?: string): DbError {
    return syntaxError(this.source, offset, detail, message, hint);
  }

  nested<T>(parse: () => T): T {
    if (++this.#depth > DEPTH_MAX) throw this.error(`the statement is nested deeper than ${DEPTH_MAX} levels`);
    const result = parse();
    this.#depth--;
    return result;
  }

  /** Runs `parse`; on a syntax error goes back to where it was and returns undefined. */
  attempt<T>(parse: () => T | undefined): T | undefined {
    const at = this.at;
    const depth = this.#depth;
    try {
      const result = parse();
      if (result === undefined) this.at = at;
      return result;
    } catch {
      // A failed attempt is an expected outcome: the caller tries the other reading.
      this.at = at;
      this.#depth = depth;
      return undefined;
    }
  }

  /** Index of the token that closes the bracket at index `open`, or -1. */
  closing(open: number): number {
    if (this.#closing === undefined) {
      const closing = new Int32Array(this.tokens.length).fill(-1);
      const stack: number[] = [];
      for (let i = 0; i < this.tokens.length; i++) {
        const token = this.tokens[i]!;
        if (token.type !== 'punct') continue;
        if (token.key === '(' || token.key === '[' || token.key === '{') stack.push(i);
        else if (token.key === ')' || token.key === ']' || token.key === '}') {
          const start = stack.pop();
          if (start !== undefined) closing[start] = i;
        }
      }
      this.#closing = closing;
    }
    return this.#closing[open]!;
  }
}

function namesMade(tokens: readonly Token[]): Map<string, number> {
  const made = new Map<string, number>();
  for (let at = 1; at < tokens.length; at++) {
    const { type, text } = tokens[at]!;
    const before = tokens[at - 1]!;
    const makes = before.type === 'punct' ? before.key === '(' || before.key === '[' : before.type === 'word' && before.key === 'AS';
    if (makes && type === 'word' && !made.has(text)) made.set(text, at);
  }
  return made;
}
