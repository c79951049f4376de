/**
 * Text → tokens. Knows no grammar: keywords are words, and `<`, `-`, `>` stay single characters, so that `a<-1` and
 * `(a)<-[]-(b)` are the parser's business.
 */
import { INT64_MAX, integer } from '../../value/value.ts';
import { syntaxError } from './source-error.ts';

export type TokenType = 'word' | 'quoted' | 'string' | 'integer' | 'float' | 'parameter' | 'punct' | 'end';

export interface Token {
  readonly type: TokenType;
  /** Words and quoted names: the name; strings: their value; parameters: the name; punctuation: itself; numbers: the text. */
  readonly text: string;
  /** Words: in upper case, to compare with keywords; punctuation: itself; otherwise ''. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const WORD = /[\p{ID_Start}_\p{Pc}][\p{ID_Continue}\p{Pc}\p{Sc}]*/uy;
const SPACE = /(?:\s|\u200b|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)+/y;
const NUMBER = /0[xX][0-9a-zA-Z_]*|0[oO][0-9a-zA-Z_]*|(?:\d[\d_]*(?:\.(?!\.)\d[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const PUNCTUATION = /\.\.|<>|<=|>=|=~|\+=|\|\||::|!=|[()[\]{},.:;|+\-*/%^=<>&!$?]/y;
const AFTER_NUMBER = /[\p{ID_Start}_]/u;

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"', '`': '`', '/': '/',
};

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (type: TokenType, text: string, key: string, start: number, end: number): void => {
    tokens.push({ type, text, key, start, end });
    at = end;
  };
  for (;;) {
    SPACE.lastIndex = at;
    const space = SPACE.exec(source);
    if (space !== null) at += space[0].length;
    if (at >= source.length) break;
    const char = source[at]!;

    if (char === "'" || char === '"') {
      const { value, end } = readString(source, at);
      push('string', value, '', at, end);
      continue;
    }
    if (char === '`') {
      const { name, end } = readQuoted(source, at);
      push('quoted', name, '', at, end);
      continue;
    }
    if (char === '$' && source[at + 1] === '(') {
      push('punct', '$', '$', at, at + 1);
      continue;
    }
    if (char === '$') {
      const { name, end } = readParameter(source, at);
      push('parameter', name, '', at, end);
      continue;
    }
    NUMBER.lastIndex = at;
    const number = (char >= '0' && char <= '9') || (char === '.' && isDigit(source[at + 1]) && source[at - 1] !== '.')
      ? NUMBER.exec(source) : null;
    if (number !== null) {
      const end = at + number[0].length;
      const next = source[end];
      if (next !== undefined && AFTER_NUMBER.test(next)) {
        // Where a key belongs, no number would do.
        throw syntaxError(source, at, tokens.at(-1)?.key === '{' ? 'UnexpectedSyntax' : 'InvalidNumberLiteral', `'${source.slice(at, end + 1)}' is not a number`);
      }
      push(/^0[xo]/i.test(number[0]) || !/[.eE]/.test(number[0]) ? 'integer' : 'float', number[0], '', at, end);
      continue;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(source);
    if (word !== null) {
      push('word', word[0], word[0].toUpperCase(), at, at + word[0].length);
      continue;
    }
    PUNCTUATION.lastIndex = at;
    const punct = PUNCTUATION.exec(source);
    if (punct !== null) {
      push('punct', punct[0], punct[0], at, at + punct[0].length);
      continue;
    }
    if (source.startsWith('/*', at)) throw syntaxError(source, at, 'UnexpectedSyntax', 'this comment is never closed');
    const odd = String.fromCodePoint(source.codePointAt(at)!);
    throw syntaxError(source, at, odd.charCodeAt(0) > 127 ? 'InvalidUnicodeCharacter' : 'UnexpectedSyntax',
      `the character '${odd}' has no meaning here`);
  }
  tokens.push({ type: 'end', text: '', key: '', start: source.length, end: source.length });
  return tokens;
}

/** The INTEGER of a token's text, or undefined where even with a minus in front it is beyond 64 bits. */
export function readInteger(text: string, negative: boolean): { readonly value: number | bigint } | undefined {
  const digits = text.replaceAll('_', '');
  const magnitude = BigInt(/^0[xo]/i.test(digits) ? digits : digits.replace(/^0+(?=\d)/, ''));
  if (magnitude > (negative ? INT64_MAX + 1n : INT64_MAX)) return undefined;
  return { value: integer(negative ? -magnitude : magnitude) };
}

/** Whether a hexadecimal or octal literal has digits of its base only. */
export function isWellFormedInteger(text: string): boolean {
  return /^0x/i.test(text) ? /^0x[0-9a-f]+(_?[0-9a-f]+)*$/i.test(text)
    : /^0o/i.test(text) ? /^0o[0-7]+(_?[0-7]+)*$/i.test(text)
      : /^\d+(_?\d+)*$/.test(text);
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}

function readString(source: string, start: number): { value: string; end: number } {
  const quote = source[start]!;
  let value = '';
  let from = start + 1;
  for (let at = from; at < source.length; at++) {
    const char = source[at]!;
    if (char === quote) return { value: value + source.slice(from, at), end: at + 1 };
    if (char !== '\\') continue;
    value += source.slice(from, at);
    at++;
    const escape = source[at];
    if (escape === undefined) break;
    if (escape === 'u' || escape === 'U') {
      const length = escape === 'u' ? 4 : 8;
      const hex = source.slice(at + 1, at + 1 + length);
      const code = hex.length === length && /^[0-9a-fA-F]+$/.test(hex) ? Number.parseInt(hex, 16) : -1;
      if (code < 0 || code > 0x10ffff) {
        throw syntaxError(source, at - 1, 'InvalidUnicodeLiteral', `'\\${escape}' needs ${length} hexadecimal digits`);
      }
      value += String.fromCodePoint(code);
      at += length;
    } else {
      // A backslash before any other character stands for itself, so that regular expressions can be written plainly.
      value += ESCAPES[escape] ?? `\\${escape}`;
    }
    from = at + 1;
  }
  throw syntaxError(source, start, 'UnexpectedSyntax', `this string is never closed: expected ${quote}`);
}

function readQuoted(source: string, start: number): { name: string; end: number } {
  let name = '';
  let from = start + 1;
  for (;;) {
    const close = source.indexOf('`', from);
    if (close < 0) throw syntaxError(source, start, 'UnexpectedSyntax', 'this quoted name is never closed: expected `');
    name += source.slice(from, close);
    if (source[close + 1] !== '`') return { name, end: close + 1 };
    name += '`';
    from = close + 2;
  }
}

function readParameter(source: string, start: number): { name: string; end: number } {
  if (source[start + 1] === '`') return readQuoted(source, start + 1);
  const name = /^[\p{ID_Continue}\p{Pc}]+/u.exec(source.slice(start + 1, start + 257));
  if (name === null) throw syntaxError(source, start, 'UnexpectedSyntax', 'expected a parameter name after $');
  return { name: name[0], end: start + 1 + name[0].length };
}
