import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { en } from '../../web/src/i18n/en.ts';
import { zh } from '../../web/src/i18n/zh.ts';

const built = resolve(import.meta.dirname, '../../dist/web');
const sources = resolve(import.meta.dirname, '../../web/src');
const FIRST_LOAD_BYTES_MAX = 300 * 1024;

/** A file and all that it imports, not what it imports later. */
function withImports(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(join(built, file), 'utf8');
  const names = file.endsWith('.html')
    ? [...text.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((match) => match[1]!)
    : [...text.matchAll(/(?:\bfrom|\bimport)\s*"(\.[^"]+)"/g)].map((match) => join(dirname(file), match[1]!));
  for (const name of names) if (/\.(js|css|svg)$/.test(name)) withImports(name, found);
  return found;
}

function zippedBytes(files: Iterable<string>): number {
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(built, file))).length, 0);
}

describe('the built pages', () => {
  it('load under 300 KB, without the editor and the graph view', () => {
    expect(existsSync(join(built, 'index.html')), 'npm run build makes the pages').toBe(true);
    const first = withImports('index.html');
    const bytes = zippedBytes(first);
    process.stderr.write(`first load of the web pages: ${bytes} bytes gzipped in ${first.size} files\n`);
    expect(first.size).toBeGreaterThan(2);
    expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
    expect([...first].filter((file) => /editor|graph-view|papaparse|layout/.test(file))).toEqual([]);
  });

  it('with the editor still do', () => {
    const editor = readdirSync(join(built, 'assets')).find((name) => /^editor-.*\.js$/.test(name))!;
    expect(zippedBytes(withImports(`assets/${editor}`, withImports('index.html')))).toBeLessThan(FIRST_LOAD_BYTES_MAX);
  });
});

describe('the dictionaries', () => {
  const holes = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1]!))].sort();

  it('have equal keys and equal holes', () => {
    expect(Object.keys(zh)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(en)) expect(holes(zh[key as keyof typeof en]), key).toEqual(holes(text));
  });

  it('hold no text that nobody shows', () => {
    const code = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n'))
      .map((name) => readFileSync(join(sources, name), 'utf8')).join('\n');
    const unused = Object.keys(en).filter((key) => !code.includes(`'${key}'`) && !/^(health|role)_/.test(key));
    expect(unused).toEqual([]);
  });
});

it('keeps the files of the pages to one idea: none above 350 lines', () => {
  const long = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name) && readFileSync(join(sources, name), 'utf8').split('\n').length > 350);
  expect(long).toEqual([]);
});
