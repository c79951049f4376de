/** CSV by RFC 4180, whatever the parts are that the text comes in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvReader, csvField, csvRows, csvText, delimiterOf } from '../../src/data/csv.ts';
import type { CsvRow } from '../../src/data/csv.ts';

const cells = (text: string, delimiter = ',', header = 0) => csvRows(text, delimiter, header).map((row) => row.cells ?? row.error);

function inParts(text: string, size: number): CsvRow[] {
  const rows: CsvRow[] = [];
  const reader = new CsvReader(',');
  for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size), (row) => rows.push(row));
  reader.end((row) => rows.push(row));
  return rows;
}

describe('CSV', () => {
  it('reads quotes, line breaks inside them, empty fields and blanks', () => {
    expect(cells('a,"b ""q"", c",d\n')).toEqual([['a', 'b "q", c', 'd']]);
    expect(cells('"two\nlines",x\r\nnext,"and\r\nmore"')).toEqual([['two\nlines', 'x'], ['next', 'and\r\nmore']]);
    expect(cells('"",,  ,\n')).toEqual([['', null, null, null]]);
    expect(cells(' a , " b " ,c\n')).toEqual([['a', ' b ', 'c']]);
    expect(cells('\n\n  \nx\n')).toEqual([['x']]);
    expect(cells('h1,h2\n1,2', ',', 1)).toEqual([['1', '2']]);
    expect(cells('a||b||"c||d"', '||')).toEqual([['a', 'b', 'c||d']]);
    expect(cells('5" disk,x\n')).toEqual([['5" disk', 'x']]);
  });

  it('tells the line a row begins at, and loses only the line of a quote that never ends', () => {
    const rows = csvRows('a\n"b\nc"\nd\n"open,1\ne\n', ',');
    expect(rows).toEqual([
      { line: 1, cells: ['a'] }, { line: 2, cells: ['b\nc'] }, { line: 4, cells: ['d'] },
      { line: 5, error: 'a quoted field does not end', cells: undefined }, { line: 6, cells: ['e'] },
    ]);
    expect(cells('"a"x,b\n')).toEqual(['Missing delimiter after column 1']);
  });

  it('gives the same rows whatever the parts', () => {
    const text = 'a,"b\n""c""",\r\n\n" x",y,"\r\n"\nlast,"",""';
    const whole = csvRows(text, ',');
    for (let size = 1; size <= text.length; size++) expect(inParts(text, size)).toEqual(whole);
  });

  it('reads what it writes, for any texts', () => {
    const cell = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.constantFrom('', '"', '\n', '\r\n', ',', ' x ', '\r', '""', 'a"b'));
    fc.assert(fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (rows, size) => {
      const text = rows.map((row) => row.map((one) => (one === null ? '' : csvText(one))).join(',')).join('\n');
      const read = inParts(text, size).map((row) => row.cells);
      expect(read).toEqual(rows);
    }), { numRuns: 300 });
  });

  it('quotes other values only where they need it', () => {
    expect(['1', 'a b', '', 'a,b', 'a"b', ' a'].map((text) => csvField(text, ','))).toEqual(['1', 'a b', '""', '"a,b"', '"a""b"', '" a"']);
  });

  it('quotes what a delimiter of several characters would end too early', () => {
    for (const [delimiter, values] of [['00', ['10', '5', '0', '-0', '100']], ['aba', ['ab', 'b', 'aab']], ['--', ['-', '5', '-5', 'x-']]] as const) {
      const row = values.map((value) => csvField(value, delimiter)).join(delimiter);
      expect([delimiter, cells(row, delimiter)]).toEqual([delimiter, [[...values]]]);
    }
    expect(csvField('5', '00')).toBe('5');
  });

  it('reads delimiters as options have them', () => {
    expect([',', '\\t', '\\x01', '\\001', '||', '\\\\'].map(delimiterOf)).toEqual([',', '\t', '\x01', '\x01', '||', '\\']);
    expect(['', '\\n', '"'].map(delimiterOf)).toEqual([undefined, undefined, undefined]);
  });
});
