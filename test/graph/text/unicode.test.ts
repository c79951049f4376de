import { describe, expect, it } from 'vitest';
import { composed, characters, DROPPED, LETTER, NUMBER, SEPARATOR, SPACELESS } from '../../../src/graph/text/unicode.ts';
import { FOLD_RUNS, FOLD_TEXTS, LETTERS, NUMBERS, UNICODE_VERSION } from '../../../src/graph/text/unicode-data.ts';
import { deriveUnicode } from './derive-unicode.ts';

describe('the tables of characters', () => {
  it.skipIf(process.versions.unicode !== UNICODE_VERSION)(`are what ICU says of Unicode ${UNICODE_VERSION} (skipped where Node has another version)`, () => {
    const { letters, numbers, runs, texts } = deriveUnicode();
    expect([LETTERS, NUMBERS, FOLD_RUNS, FOLD_TEXTS]).toEqual([letters, numbers, runs, texts]);
  });

  it.each([
    ['A', LETTER, 'a'], ['É', LETTER, 'e'], ['ß', LETTER, 'ss'], ['Ł', LETTER, 'l'], ['Æ', LETTER, 'ae'], ['İ', LETTER, 'i'], ['ı', LETTER, 'i'], ['Σ', LETTER, 'σ'], ['ς', LETTER, 'σ'],
    ['Ё', LETTER, 'е'], ['ﬁ', LETTER, 'fi'], ['Ａ', LETTER, 'a'], ['𝐀', LETTER, 'a'], ['７', NUMBER, '7'], ['²', NUMBER, '2'], ['١', NUMBER, '١'], ['أ', LETTER, 'ا'],
    ['中', SPACELESS, '中'], ['が', SPACELESS, 'が'], ['ｶ', SPACELESS, 'カ'], ['한', SPACELESS, '한'], ['豈', SPACELESS, '豈'], ['𠀀', SPACELESS, '𠀀'], ['ไ', SPACELESS, 'ไ'],
    ['\u0301', DROPPED, '\u0301'], ['\u00ad', DROPPED, '\u00ad'], ['-', SEPARATOR, '-'], ['。', SEPARATOR, '。'], ['\ud800', SEPARATOR, '\ud800'], ['\u{10ffff}', SEPARATOR, '\u{10ffff}'],
  ])('know %s', (char, kind, fold) => {
    const table = characters();
    expect([table.kind(char.codePointAt(0)!), table.fold(char.codePointAt(0)!)]).toEqual([kind, fold]);
  });

  it.each([['か', 'ﾞ', 'が'], ['ハ', '\u309a', 'パ'], ['う', '\u3099', 'ゔ'], ['ᄒ', 'ᅡ', '하'], ['하', 'ᆫ', '한']])('compose %s with %s', (before, mark, whole) => {
    expect(composed(before, mark.charCodeAt(0))).toBe(whole);
    expect(whole.normalize('NFC')).toBe(whole);
  });

  it('leave apart what does not go together', () => {
    expect(composed('中', 0x3099)).toBeUndefined();
    expect(composed('한', 0x11a8)).toBeUndefined();
  });
});
