/**
 * The tables of src/graph/text/unicode-data.ts, derived from the ICU of the Node that runs this. `node test/graph/text/derive-unicode.ts --write`
 * would be a change of what is stored: it needs another revision of the analysis (src/graph/text/analyzer.ts).
 */
import { DROPPED_RANGES, inRanges, SPACELESS_RANGES } from '../../../src/graph/text/unicode.ts';

/** Letters that no decomposition brings to their base. */
const SPECIAL: Readonly<Record<string, string>> = {
  ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ħ: 'h', ı: 'i', ł: 'l', ŋ: 'n', þ: 'th', ŧ: 't', ĸ: 'k', ς: 'σ', ƀ: 'b', ƶ: 'z', ɨ: 'i', ʉ: 'u',
};

const isWord = (code: number): boolean => /[\p{L}\p{N}\p{M}]/u.test(String.fromCodePoint(code)) && !inRanges(DROPPED_RANGES, code);

function folded(code: number): string {
  const original = String.fromCodePoint(code);
  // Kana, Hangul and the like are composed characters of their own: only their width changes.
  if (inRanges(SPACELESS_RANGES, code)) {
    const wide = code >= 0x3131 && code <= 0x318e ? original : original.normalize('NFKC');
    return [...wide].length === 1 ? wide : original;
  }
  let text = original;
  for (let round = 0; round < 3; round++) {
    text = [...text.normalize('NFKD')].filter((char) => !inRanges(DROPPED_RANGES, char.codePointAt(0)!)).join('').toLowerCase();
    text = [...text].map((char) => SPECIAL[char] ?? char).join('');
  }
  const codes = [...text].map((char) => char.codePointAt(0)!);
  return codes.length > 0 && codes.every(isWord) ? text : original;
}

export interface Derived {
  readonly letters: string;
  readonly numbers: string;
  readonly runs: string;
  readonly texts: string;
}

export function deriveUnicode(): Derived {
  const letters: number[] = [];
  const numbers: number[] = [];
  const singles: [number, number][] = [];
  const texts: [number, string][] = [];
  for (let code = 0x80; code < 0x110000; code++) {
    if (code >= 0xd800 && code <= 0xf8ff && !(code >= 0xd7b0 && code < 0xd800)) continue;
    if (!isWord(code)) continue;
    (/\p{N}/u.test(String.fromCodePoint(code)) ? numbers : letters).push(code);
    const fold = folded(code);
    const target = fold.codePointAt(0)!;
    if (target === code && fold.length === String.fromCodePoint(code).length) continue;
    if ([...fold].length === 1) singles.push([code, target - code]);
    else texts.push([code, fold]);
  }
  return { letters: rangesText(letters), numbers: rangesText(numbers), runs: runsText(singles), texts: textsText(texts) };
}

function rangesText(codes: readonly number[]): string {
  const parts: string[] = [];
  let at = 0;
  for (let i = 0; i < codes.length;) {
    let end = i + 1;
    while (end < codes.length && codes[end] === codes[end - 1]! + 1) end++;
    parts.push((codes[i]! - at).toString(36), (end - i).toString(36));
    at = codes[end - 1]! + 1;
    i = end;
  }
  return parts.join(' ');
}

/** Greedy: the longest run of one difference, of neighbours or of every second character, that begins with the first one left. */
function runsText(singles: readonly [number, number][]): string {
  const left = new Map(singles);
  const parts: string[] = [];
  let at = 0;
  for (const [code, difference] of singles) {
    if (!left.has(code)) continue;
    const count = (step: number): number => {
      let n = 0;
      while (left.get(code + n * step) === difference) n++;
      return n;
    };
    const step = count(2) > count(1) ? 2 : 1;
    const length = count(step);
    for (let n = 0; n < length; n++) left.delete(code + n * step);
    parts.push(...[code - at, length, step, difference].map((value) => value.toString(36)));
    at = code;
  }
  return parts.join(' ');
}

function textsText(texts: readonly [number, string][]): string {
  let at = 0;
  return texts.map(([code, text]) => {
    const part = `${(code - at).toString(36)}=${text}`;
    at = code;
    return part;
  }).join(' ');
}

export function dataFile({ letters, numbers, runs, texts }: Derived): string {
  const wrapped = (name: string, text: string, what: string): string => {
    const lines = text.match(/.{1,150}/gsu) ?? [];
    return `/** ${what} */\nexport const ${name} = [\n${lines.map((line) => `  '${line}',`).join('\n')}\n].join('');\n`;
  };
  return `/**
 * Letters, numbers and folds of Unicode ${process.versions.unicode}, made by test/graph/text/derive-unicode.ts (which a test compares). unicode.ts says how to read them.
 * A change here changes what indexes hold: it needs another revision of the analysis.
 */
export const UNICODE_VERSION = '${process.versions.unicode}';

${wrapped('LETTERS', letters, 'Letters and marks.')}
${wrapped('NUMBERS', numbers, 'Numbers.')}
${wrapped('FOLD_RUNS', runs, 'Characters that fold to one other.')}
${wrapped('FOLD_TEXTS', texts, 'Characters that fold to several.')}`;
}
