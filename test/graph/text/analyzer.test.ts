import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyzerOf, ANALYZERS, findAnalyzer } from '../../../src/graph/text/analyzer.ts';
import { singular } from '../../../src/graph/text/english.ts';
import { documentOf, eachPosting, frequencyOf, lengthOf } from '../../../src/graph/text/postings.ts';

const tokens = (name: string, text: string) => findAnalyzer(name).tokens(text);

describe('analyzers', () => {
  it.each([
    ['standard', 'The Quick-Brown fox, 42 times: don\'t!', ['the', 'quick', 'brown', 'fox', '42', 'times', 'don', 't']],
    ['standard', 'Crème BRÛLÉE, Straße, ﬁn; cafe\u0301', ['creme', 'brulee', 'strasse', 'fin', 'cafe']],
    ['standard', '北京大学 in 2024年', ['北京', '京大', '大学', '学', 'in', '2024', '年']],
    ['standard', 'iPhone手机', ['iphone', '手机', '机']],
    ['standard', 'ｶﾞﾗｽ ガラス', ['ガラ', 'ラス', 'ス', 'ガラ', 'ラス', 'ス']],
    ['standard', '', []], ['standard', ' …—! ', []],
    ['english', 'The cities of the boxes and the bus', ['city', 'boxe', 'bus']],
    ['simple', 'route 66b', ['route', 'b']],
    ['whitespace', ' A-1\tb\u3000c ', ['A-1', 'b', 'c']],
    ['keyword', 'New York', ['New York']],
    ['SmartChineseAnalyzer', '中国人', ['中国', '国人', '人']],
    ['StandardAnalyzer', 'A b', ['a', 'b']], ['standard-no-stop-words', 'the', ['the']],
  ])('%s: %s', (name, text, expected) => expect(tokens(name, text)).toEqual(expected));

  it('cut words that are too long, and keep pairs of surrogates whole', () => {
    expect(tokens('standard', 'x'.repeat(600)).map((token) => token.length)).toEqual([255, 255, 90]);
    expect(tokens('keyword', `${'x'.repeat(1023)}😀`)).toEqual(['x'.repeat(1023)]);
    expect(tokens('whitespace', 'a\ud800 b')).toEqual(['a\ufffd', 'b']);
  });

  it('are found by name in any case; an unknown one is an error that helps', () => {
    expect(findAnalyzer('English').name).toBe('english');
    expect(() => findAnalyzer('standrd')).toThrow('there is no full-text analyzer standrd');
    expect(() => analyzerOf({ name: 'i', analyzer: 'standard', revision: 99 })).toThrow(/revision 99; this server knows revision 1/);
  });

  it.each([['cities', 'city'], ['boxes', 'boxe'], ['dogs', 'dog'], ['glass', 'glass'], ['bus', 'bus'], ['goes', 'goes'], ['is', 'is']])('singular of %s', (word, expected) => expect(singular(word)).toBe(expected));

  it.each(ANALYZERS.map(({ name }) => name))('%s finds in a text what it puts into the index, whole or in part', (name) => {
    const analyzer = findAnalyzer(name);
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', 'B', 'é', '中', '国', 'カ', 'ﾞ', '1', ' ', '-', '\u0301', '\ud83d\ude00', '한', 'ไ') }), (text) => {
      const all = analyzer.tokens(text);
      expect(all.every((token) => token !== '')).toBe(true);
      const elements = analyzer.elements(text, false);
      expect(elements.every(({ token, offset, isPrefix }) => (isPrefix ? all[offset]!.startsWith(token) : all[offset] === token))).toBe(true);
      expect(elements.length > 0).toBe(all.length > 0);
    }), { numRuns: 200 });
  });
});

describe('a posting', () => {
  it('keeps document, frequency and length, the last two as well as they fit', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 40 - 1 }), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 3000 }), (document, times, more) => {
      const index = { id: 1, name: 'i', kind: 'vertex' as const, labelIds: [0], keyIds: [7], analyzer: 'whitespace', revision: 1, root: 0 };
      const text = [...Array.from({ length: times }, () => 'x'), ...Array.from({ length: more }, (_, i) => `w${i}`)].join(' ');
      const found = new Map<string, number>();
      const sums = [0, 0];
      eachPosting(index, document, { keys: [7], values: [text] }, sums, (key, posting) => found.set(key, posting));
      const posting = found.get('Ax')!;
      expect(Number.isSafeInteger(posting)).toBe(true);
      expect(documentOf(posting)).toBe(document);
      expect(frequencyOf(posting)).toBe(Math.min(times, 31));
      expect(Math.abs(lengthOf(posting) / (times + more) - 1)).toBeLessThan(0.04);
      expect(sums).toEqual([1, times + more]);
    }), { numRuns: 50 });
  });
});
