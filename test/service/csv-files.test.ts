/** LOAD CSV's files: what is read, and what is refused. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { csvFiles } from '../../src/service/csv-files.ts';
import { CsvScanner } from '../../src/service/csv-records.ts';
import type { Value } from '../../src/value/value.ts';

const root = mkdtempSync(join(tmpdir(), 'lgraph-csv-'));
const folder = join(root, 'open');
mkdirSync(join(folder, 'sub'), { recursive: true });
mkdirSync(join(root, 'openly'));
afterAll(() => rmSync(root, { recursive: true }));

const PLAIN = { headers: false, fieldTerminator: ',' };
const source = csvFiles(folder)!;
const rows = (url: string, options = PLAIN): Value[] => [...source.open(url, options)];
const put = (name: string, text: string | Buffer): void => writeFileSync(join(folder, name), text);
const code = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof DbError) return error.code;
    throw error;
  }
  return 'none';
};

it('reads quotes, line ends inside fields, blank lines, empty fields and a byte order mark', () => {
  put('a.csv', '\uFEFFid,text\n1,"a, ""b""\nc"\n\n2,\n');
  expect(rows('a.csv')).toEqual([['id', 'text'], ['1', 'a, "b"\nc'], ['2', null]]);
  expect(rows('file:///a.csv', { ...PLAIN, headers: true })).toEqual([new Map([['id', '1'], ['text', 'a, "b"\nc']]), new Map([['id', '2'], ['text', null]])]);
});

it('takes a quote behind a backslash, unless told that a backslash is one like others', () => {
  put('slash.csv', [String.raw`"a \"b\"",1,"\\",x\"y,"c:\dir\\"`, String.raw`"say \"x\", ok",2,"""",\,"\n"`].join('\n'));
  expect(rows('slash.csv')).toEqual([
    ['a "b"', '1', '\\', String.raw`x\"y`, 'c:\\dir\\'],
    ['say "x", ok', '2', '"', '\\', String.raw`\n`],
  ]);
  put('rfc.csv', String.raw`"c:\","d:\dir\",3`);
  const rfc = csvFiles(folder, { unpackedBytesMax: 1 << 20, recordCharsMax: 500_000, backslashQuotes: false })!;
  expect([...rfc.open('rfc.csv', PLAIN)]).toEqual([['c:\\', 'd:\\dir\\', '3']]);
  expect(() => rows('rfc.csv')).toThrow(/rfc\.csv, record 1: something stands behind the end of a quoted field/);
});

it('reads the same in pieces of any size', () => {
  const text = ['"a\\"\r\n""b", "x" ,\r', '\\"y,"\\\\"  ,"z\\', '"\r\n\n,;"",""', '"end \\\\\\""'].join('\n');
  const whole = new CsvScanner({ delimiter: ',', backslashQuotes: true });
  const read = (size: number): string[][] => {
    const found: string[][] = [];
    let rest = '';
    for (let at = 0; at <= text.length; at += size) {
      rest += text.slice(at, at + size);
      whole.open(rest, at + size > text.length);
      let from = 0;
      for (let record = whole.recordAt(0); record !== undefined; record = whole.recordAt(from)) {
        found.push(record.fields);
        from = record.end;
      }
      rest = rest.slice(from);
    }
    return found;
  };
  const expected = read(text.length + 1);
  expect(expected).toEqual([['a"\r\n"b', ' "x" ', ''], ['\\"y', '\\', 'z\\\n'], [''], ['', ';""', ''], ['end \\"']]);
  for (let size = 1; size < text.length; size++) expect(read(size)).toEqual(expected);
});

it('reads other terminators, CRLF, names with blanks, and a last line without an end', () => {
  put('sub/b c.csv', 'x;y\r\n1;2\r\n3;4');
  expect(rows('file:///sub/b%20c.csv', { headers: false, fieldTerminator: ';' })).toEqual([['x', 'y'], ['1', '2'], ['3', '4']]);
  expect(code(() => rows('a.csv', { headers: false, fieldTerminator: '||' }))).toBe('ArgumentError');
});

it('takes every line end for one, whatever stands in quotes and in other lines', () => {
  put('mixed.csv', 'a,b\n"x\r\ny",1\n"z ""\r"" ",2\r\nw,3\r4" \r,5\n');
  const expected = [['a', 'b'], ['x\r\ny', '1'], ['z "\r" ', '2'], ['w', '3'], ['4" '], [null, '5']];
  expect(rows('mixed.csv')).toEqual(expected);
  put('header.csv', 'a,b\r\n1,2\n3,4\n');
  expect(rows('header.csv')).toEqual([['a', 'b'], ['1', '2'], ['3', '4']]);
  const lines = Array.from({ length: 60_000 }, (_, i) => `${i},"${'x'.repeat(i % 7)}\r\n"`);
  put('crlf.csv', lines.join('\r\n'));
  const place = { line: 0 };
  expect([...source.open('crlf.csv', PLAIN, place)]).toEqual(lines.map((_, i) => [String(i), `${'x'.repeat(i % 7)}\r\n`]));
  expect(place.line).toBe(120_000);
});

it('gives null for what a record lacks and leaves out what it has too much', () => {
  put('ragged.csv', 'a,b\n1\n1,2,3\n');
  expect(rows('ragged.csv', { ...PLAIN, headers: true })).toEqual([new Map([['a', '1'], ['b', null]]), new Map([['a', '1'], ['b', '2']])]);
});

it('reads what crosses its pieces whole, characters of several bytes too', () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `${i},"ä€😀 ${'x'.repeat(i % 40)}\n${i}"`);
  put('big.csv', lines.join('\n'));
  put('big.csv.gz', gzipSync(lines.join('\n')));
  const expected = Array.from({ length: 30_000 }, (_, i) => [String(i), `ä€😀 ${'x'.repeat(i % 40)}\n${i}`]);
  expect(rows('big.csv')).toEqual(expected);
  expect(rows('big.csv.gz')).toEqual(expected);
});

it('is lazy: a reader that stops early leaves the rest unread', () => {
  put('broken.csv', `1,2\n${'3,4\n'.repeat(200_000)}"never closed`);
  const [first] = source.open('broken.csv', PLAIN);
  expect(first).toEqual(['1', '2']);
  expect(code(() => rows('broken.csv'))).toBe('ArgumentError');
});

it('gives up a record that is too long, as one whose quote is never closed', () => {
  put('long.csv', `a,b\n1,"${'x'.repeat(700_000)}`);
  put('fits.csv', `1,"${'x'.repeat(400_000)}"\n`);
  const small = csvFiles(folder, { unpackedBytesMax: 1 << 20, recordCharsMax: 500_000, backslashQuotes: true })!;
  const read = (name: string) => [...small.open(name, PLAIN)];
  expect(read('fits.csv')).toHaveLength(1);
  expect(() => read('long.csv')).toThrow(/long\.csv, record 2 has more than 500000 characters/);
});

it('stays inside its folder', () => {
  writeFileSync(join(root, 'secret.csv'), 'x');
  writeFileSync(join(root, 'openly', 'secret.csv'), 'x');
  symlinkSync(join(root, 'secret.csv'), join(folder, 'link.csv'));
  symlinkSync(root, join(folder, 'up'));
  for (const url of [
    '../secret.csv', 'file:///../secret.csv', 'file:///..%2Fsecret.csv', 'sub/../../secret.csv', '../openly/secret.csv', 'link.csv', 'up/secret.csv', 'up/openly/secret.csv',
  ]) expect([url, code(() => rows(url))]).toEqual([url, 'Forbidden']);
  expect(code(() => rows(join(root, 'secret.csv')))).toBe('NotFound');
  expect(code(() => rows('missing.csv'))).toBe('NotFound');
  expect(code(() => rows('sub'))).toBe('NotFound');
  expect(code(() => rows('http://localhost/a.csv'))).toBe('ArgumentError');
  expect(code(() => rows('file:///%'))).toBe('ArgumentError');
  expect(csvFiles('')).toBeUndefined();
});

it('refuses what is no gzip file', () => {
  put('fake.csv.gz', 'not packed');
  expect(code(() => rows('fake.csv.gz'))).toBe('ArgumentError');
});

it('tells where each record ends', () => {
  const linesOf = (headers: boolean): number[] => {
    const place = { line: 0 };
    const lines: number[] = [];
    for (const _record of source.open('lines.csv', { ...PLAIN, headers }, place)) lines.push(place.line);
    return lines;
  };
  put('lines.csv', 'id,text\n1,"a\nb\nc"\n\n2,x\n3,y');
  expect(linesOf(false)).toEqual([1, 4, 6, 7]);
  expect(linesOf(true)).toEqual([4, 6, 7]);
});
