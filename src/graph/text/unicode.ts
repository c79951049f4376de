/**
 * What a character is to a full-text index, and how it is folded: lower case, no diacritics, one width. From tables of our own, not
 * from the ICU inside Node: what is stored must be the same on every replica, whichever Unicode version its Node was built with.
 *
 *   separator   ends a word
 *   letter      part of a word; marks that are vowels or tones of a script among them
 *   number      part of a word (of its own in the analyzer `simple`)
 *   spaceless   of a script that writes no spaces between words, or whose words are found better by pairs: Han, kana, Hangul, Thai, …
 *   dropped     neither ends a word nor is part of it: accents, points of Hebrew and Arabic, soft hyphens, joiners
 */
import { FOLD_RUNS, FOLD_TEXTS, LETTERS, NUMBERS } from './unicode-data.ts';

export const SEPARATOR = 0;
export const LETTER = 1;
export const NUMBER = 2;
export const SPACELESS = 3;
export const DROPPED = 4;

type Ranges = readonly (readonly [first: number, last: number])[];

export const DROPPED_RANGES: Ranges = [
  [0xad, 0xad], [0x300, 0x36f], [0x483, 0x489], [0x591, 0x5bd], [0x5bf, 0x5bf], [0x5c1, 0x5c2], [0x5c4, 0x5c5], [0x5c7, 0x5c7], [0x610, 0x61a], [0x640, 0x640],
  [0x64b, 0x65f], [0x670, 0x670], [0x6d6, 0x6dc], [0x6df, 0x6e4], [0x6e7, 0x6e8], [0x6ea, 0x6ed], [0x8d3, 0x8e1], [0x8e3, 0x8ff], [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff], [0x200b, 0x200d], [0x2060, 0x2060], [0x20d0, 0x20ff], [0xfe00, 0xfe0f], [0xfe20, 0xfe2f], [0xfeff, 0xfeff], [0xe0100, 0xe01ef],
];

export const SPACELESS_RANGES: Ranges = [
  [0xe01, 0xe3a], [0xe40, 0xe4e], [0xe81, 0xecf], [0xedc, 0xedf], [0x1000, 0x103f], [0x1050, 0x108f], [0x109a, 0x109d], [0x1100, 0x11ff], [0x1780, 0x17d3],
  [0x3005, 0x3007], [0x3021, 0x3029], [0x3031, 0x3035], [0x3038, 0x303b], [0x3041, 0x3096], [0x309d, 0x309f], [0x30a1, 0x30fa], [0x30fc, 0x30ff],
  [0x3105, 0x312f], [0x3131, 0x318e], [0x31a0, 0x31bf], [0x31f0, 0x31ff], [0x3400, 0x4dbf], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xf900, 0xfaff],
  [0xff66, 0xff9d], [0xffa0, 0xffdc], [0x1b000, 0x1b2fb], [0x20000, 0x323af],
];

export function inRanges(ranges: Ranges, code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}

/** The marks that voice a kana, as two characters; the table of folds never yields them alone. */
const VOICED_MARKS = '\u3099\uff9e';
const SEMI_VOICED_MARKS = '\u309a\uff9f';
const VOICED = 'かきくけこさしすせそたちつてとはひふへほカキクケコサシスセソタチツテトハヒフヘホワヰヱヲゝヽ';
const SEMI_VOICED = 'はひふへほハヒフヘホ';

/**
 * The character that `mark` makes of the one before it, where scripts write one as two: kana with a voicing mark, Hangul in single letters
 * (the Unicode Standard, section 3.12). Undefined: they stay two.
 */
export function composed(before: string, mark: number): string | undefined {
  if (VOICED_MARKS.includes(String.fromCharCode(mark))) {
    if (before === 'う') return 'ゔ';
    if (before === 'ウ') return 'ヴ';
    if (!VOICED.includes(before)) return undefined;
    return String.fromCharCode(before.charCodeAt(0) + ('ワヰヱヲ'.includes(before) ? 8 : 1));
  }
  if (SEMI_VOICED_MARKS.includes(String.fromCharCode(mark))) return SEMI_VOICED.includes(before) ? String.fromCharCode(before.charCodeAt(0) + 2) : undefined;
  const code = before.charCodeAt(0);
  if (mark >= 0x1161 && mark <= 0x1175 && code >= 0x1100 && code <= 0x1112) return String.fromCharCode(0xac00 + ((code - 0x1100) * 21 + mark - 0x1161) * 28);
  if (mark >= 0x11a8 && mark <= 0x11c2 && code >= 0xac00 && code <= 0xd7a3 && (code - 0xac00) % 28 === 0) return String.fromCharCode(code + mark - 0x11a7);
  return undefined;
}

export function isVoicingMark(code: number): boolean {
  return code === 0x3099 || code === 0x309a || code === 0xff9e || code === 0xff9f;
}

/** Kinds and folds of all characters. */
export class CharacterTable {
  /** Of the first 65,536. */
  readonly #kinds = new Uint8Array(0x10000);
  readonly #beyond = new Map<number, number>();
  readonly #ranges: (readonly [number, number, number])[] = [];
  /** What one of the first 65,536 folds to where that is one of them; 0: see #folds. */
  readonly #units = Uint16Array.from({ length: 0x10000 }, (_, code) => code);
  readonly #folds = new Map<number, string>();

  constructor() {
    for (let code = 0x41; code <= 0x5a; code++) this.#units[code] = code + 32;
    this.#mark(0x30, 0x39, NUMBER);
    for (const first of [0x41, 0x61]) this.#mark(first, first + 25, LETTER);
    for (const [text, kind] of [[LETTERS, LETTER], [NUMBERS, NUMBER]] as const) for (const [first, last] of readRanges(text)) this.#mark(first, last, kind);
    for (const [first, last] of SPACELESS_RANGES) this.#mark(first, last, SPACELESS);
    for (const [first, last] of DROPPED_RANGES) this.#mark(first, last, DROPPED);
    for (const [code, fold] of readFolds()) {
      if (code < 0x10000 && fold.length === 1) this.#units[code] = fold.charCodeAt(0);
      else {
        this.#folds.set(code, fold);
        if (code < 0x10000) this.#units[code] = 0;
      }
      // A character in a circle or of another width is what it folds to.
      if (this.kind(code) === DROPPED) continue;
      const kind = this.kind(fold.codePointAt(0)!);
      if (code < 0x10000) this.#kinds[code] = kind;
      else this.#beyond.set(code, kind);
    }
  }

  #mark(first: number, last: number, kind: number): void {
    if (first < 0x10000) this.#kinds.fill(kind, first, Math.min(last, 0xffff) + 1);
    if (last >= 0x10000) this.#ranges.push([Math.max(first, 0x10000), last, kind]);
  }

  kind(code: number): number {
    if (code < 0x10000) return this.#kinds[code]!;
    const exact = this.#beyond.get(code);
    if (exact !== undefined) return exact;
    // The ranges that were marked last count.
    for (let i = this.#ranges.length - 1; i >= 0; i--) {
      const [first, last, kind] = this.#ranges[i]!;
      if (code >= first && code <= last) return kind;
    }
    return SEPARATOR;
  }

  fold(code: number): string {
    if (code < 0x10000) {
      const unit = this.#units[code]!;
      if (unit !== 0) return String.fromCharCode(unit);
    }
    return this.#folds.get(code) ?? String.fromCodePoint(code);
  }
}

let table: CharacterTable | undefined;
export function characters(): CharacterTable {
  return table ??= new CharacterTable();
}

// ---------------------------------------------------------------- the form of the data

/** `gap length …` in base 36: each range begins `gap` behind the end of the one before. */
export function* readRanges(text: string): Generator<[first: number, last: number]> {
  const numbers = text.split(' ').map((part) => parseInt(part, 36));
  let at = 0;
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const first = at + numbers[i]!;
    at = first + numbers[i + 1]!;
    yield [first, at - 1];
  }
}

/** Runs `gap count step difference`: `count` characters, `step` apart, fold to the one at that difference. Texts `gap=text`. */
function* readFolds(): Generator<[code: number, fold: string]> {
  const numbers = FOLD_RUNS.split(' ').map((part) => parseInt(part, 36));
  let start = 0;
  for (let i = 0; i + 3 < numbers.length; i += 4) {
    start += numbers[i]!;
    for (let n = 0; n < numbers[i + 1]!; n++) {
      const code = start + n * numbers[i + 2]!;
      yield [code, String.fromCodePoint(code + numbers[i + 3]!)];
    }
  }
  let code = 0;
  for (const part of FOLD_TEXTS.split(' ')) {
    const at = part.indexOf('=');
    if (at < 0) continue;
    code += parseInt(part.slice(0, at), 36);
    yield [code, part.slice(at + 1)];
  }
}
