/**
 * Texts into tokens, for full-text indexes and for what is searched in them. The result depends on nothing but the text, the analyzer's
 * name and the revision (see unicode.ts): replicas derive the same index from the same data.
 *
 * A text is a row of places 0, 1, 2 …, each with one token: a word, or, in a script without spaces, a character with the one behind it (the
 * last one of a run stands alone). So "北京大学" is 北京 京大 大学 学, and any part of it is found as a phrase of pairs.
 */
import { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import { singular, STOP_WORDS } from './english.ts';
import { characters, composed, DROPPED, isVoicingMark, LETTER, NUMBER, SEPARATOR, SPACELESS } from './unicode.ts';

/** Noted with each index; a change of what analyzers yield is another revision, and an older one stays readable. */
export const ANALYSIS_REVISION = 1;

/** Of an index that names none, where nothing is configured. */
export const DEFAULT_ANALYZER = 'standard';

/** Longer words are cut into pieces, as Lucene's StandardTokenizer does. */
const WORD_MAX = 255;
/** The analyzer `keyword` keeps so much of a text. */
const KEYWORD_MAX = 1024;

/** One thing to look for: a token at a place relative to the first one. `isPrefix`: any token that begins so. */
export interface TextElement {
  readonly token: string;
  readonly offset: number;
  readonly isPrefix: boolean;
}

export interface Analyzer {
  readonly name: string;
  readonly description: string;
  readonly stopWords: readonly string[];
  /** The token of each place. */
  tokens(text: string): string[];
  /** What a text that has these words holds; `prefix`: the last word may go on. */
  elements(text: string, prefix: boolean): TextElement[];
  /** A part of a word as it would stand in the index: for wildcards and similar words. */
  fold(text: string): string;
}

/** A word, or the characters of a run without spaces. */
type Piece = string | readonly string[];

/** `numbers`: whether a word has numbers in it, or ends there. */
function pieces(text: string, numbers: boolean): Piece[] {
  const table = characters();
  const found: Piece[] = [];
  let word = '';
  let run: string[] = [];
  const flush = (): void => {
    if (word !== '') found.push(word);
    if (run.length > 0) found.push(run);
    word = '';
    run = [];
  };
  for (let i = 0; i < text.length;) {
    const code = text.codePointAt(i)!;
    i += code > 0xffff ? 2 : 1;
    const last = run[run.length - 1];
    const joined = last === undefined || code < 0x1100 || code > 0xffff ? undefined : composed(last, code);
    if (joined !== undefined) run[run.length - 1] = joined;
    else if (!isVoicingMark(code)) {
      const kind = table.kind(code);
      if (kind === SEPARATOR || (kind === NUMBER && !numbers)) flush();
      else if (kind === SPACELESS) {
        if (word !== '') flush();
        run.push(table.fold(code));
      } else if (kind !== DROPPED) {
        if (run.length > 0 || word.length >= WORD_MAX) flush();
        word += table.fold(code);
      }
    }
  }
  flush();
  return found;
}

/** Words and pairs; `form` gives the form of a word that is kept, or undefined for none. */
class WordAnalyzer implements Analyzer {
  readonly name: string;
  readonly description: string;
  readonly stopWords: readonly string[];
  readonly #numbers: boolean;
  readonly #form: (word: string) => string | undefined;

  constructor(name: string, description: string, options: { numbers: boolean; stopWords?: readonly string[]; form?: (word: string) => string | undefined }) {
    this.name = name;
    this.description = description;
    this.stopWords = options.stopWords ?? [];
    this.#numbers = options.numbers;
    this.#form = options.form ?? ((word) => word);
  }

  tokens(text: string): string[] {
    const tokens: string[] = [];
    for (const piece of pieces(text, this.#numbers)) {
      if (typeof piece === 'string') {
        const form = this.#form(piece);
        if (form !== undefined) tokens.push(form);
      } else for (let i = 0; i < piece.length; i++) tokens.push(i + 1 < piece.length ? piece[i]! + piece[i + 1]! : piece[i]!);
    }
    return tokens;
  }

  elements(text: string, prefix: boolean): TextElement[] {
    const elements: TextElement[] = [];
    const all = pieces(text, this.#numbers);
    let offset = 0;
    for (const [at, piece] of all.entries()) {
      const isLast = prefix && at === all.length - 1;
      if (typeof piece === 'string') {
        // The beginning of a word has no singular, and is no stop word.
        const token = isLast ? piece : this.#form(piece);
        if (token !== undefined) elements.push({ token, offset: offset++, isPrefix: isLast });
        continue;
      }
      // A character alone stands at the front of any pair.
      if (piece.length === 1) elements.push({ token: piece[0]!, offset, isPrefix: true });
      for (let i = 0; i + 1 < piece.length; i++) elements.push({ token: piece[i]! + piece[i + 1]!, offset: offset + i, isPrefix: false });
      offset += piece.length;
    }
    return elements;
  }

  fold(text: string): string {
    const table = characters();
    let folded = '';
    for (const char of text) {
      const code = char.codePointAt(0)!;
      const kind = table.kind(code);
      if (kind === LETTER || kind === NUMBER || kind === SPACELESS) folded += table.fold(code);
      else if (kind !== DROPPED) folded += char;
    }
    return folded;
  }
}

/** Tokens as they stand in the text. */
class PlainAnalyzer implements Analyzer {
  readonly name: string;
  readonly description: string;
  readonly stopWords: readonly string[] = [];
  readonly tokens: (text: string) => string[];

  constructor(name: string, description: string, tokens: (text: string) => string[]) {
    this.name = name;
    this.description = description;
    this.tokens = (text) => tokens(wellFormed(text));
  }

  elements(text: string, prefix: boolean): TextElement[] {
    const tokens = this.tokens(text);
    return tokens.map((token, offset) => ({ token, offset, isPrefix: prefix && offset === tokens.length - 1 }));
  }

  fold(text: string): string {
    return wellFormed(text);
  }
}

/** Half a surrogate pair does not survive being stored. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/** White space of Unicode, which no version of it has changed since 6.3. */
const SPACES = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\ud800-\udbff]/.test(text[max - 1]!) ? max - 1 : max;
  return text.slice(0, end);
}

const stopWords = new Set(STOP_WORDS);

export const ANALYZERS: readonly Analyzer[] = [
  new WordAnalyzer('standard', 'words of letters and numbers, lower case, without diacritics; Chinese, Japanese, Korean, Thai and the like by pairs of characters', { numbers: true }),
  new WordAnalyzer('english', 'as standard, without 33 common English words, plurals as singulars', {
    numbers: true, stopWords: STOP_WORDS, form: (word) => (stopWords.has(word) ? undefined : singular(word)),
  }),
  new WordAnalyzer('simple', 'as standard, but words of letters only', { numbers: false }),
  new PlainAnalyzer('whitespace', 'what stands between white space, as it is', (text) => text.split(SPACES).filter((word) => word !== '').map((word) => cut(word, WORD_MAX))),
  new PlainAnalyzer('keyword', `the whole text as one token, as it is, up to ${KEYWORD_MAX} characters`, (text) => (text === '' ? [] : [cut(text, KEYWORD_MAX)])),
];

/** Names that mean one of ours: Neo4j's, TuGraph's. */
const ALIASES: Readonly<Record<string, string>> = {
  cjk: 'standard', 'standard-no-stop-words': 'standard', 'standard-folding': 'standard', 'unicode_whitespace': 'whitespace', standardanalyzer: 'standard',
  smartchineseanalyzer: 'standard', simpleanalyzer: 'simple', whitespaceanalyzer: 'whitespace', keywordanalyzer: 'keyword', englishanalyzer: 'english',
};
export const ANALYZER_NAMES: readonly string[] = [...ANALYZERS.map(({ name }) => name), ...Object.keys(ALIASES)];

/** By its name or an alias, in any case; throws ArgumentError with a suggestion. */
export function findAnalyzer(name: string): Analyzer {
  const wanted = name.toLowerCase();
  const found = ANALYZERS.find((one) => one.name === (ALIASES[wanted] ?? wanted));
  if (found !== undefined) return found;
  const near = suggest(wanted, ANALYZER_NAMES);
  throw new DbError('ArgumentError', `there is no full-text analyzer ${name}`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}known: ${ANALYZERS.map((one) => one.name).join(', ')} (CALL db.index.fulltext.listAvailableAnalyzers())`,
  });
}

/** Of an index, as it was declared. */
export function analyzerOf(index: { readonly name: string; readonly analyzer: string; readonly revision: number }): Analyzer {
  const found = ANALYZERS.find(({ name }) => name === index.analyzer);
  if (found === undefined || index.revision !== ANALYSIS_REVISION) {
    throw new DbError('Corrupted', `the full-text index ${index.name} has the analyzer ${index.analyzer}, revision ${index.revision}; this server knows revision ${ANALYSIS_REVISION}`, {
      hint: 'it was made by a newer server: upgrade this one',
    });
  }
  return found;
}
