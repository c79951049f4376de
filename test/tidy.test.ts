import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const LAYERS = [['base'], ['value', 'raft'], ['storage'], ['graph'], ['cypher', 'replica', 'auth'],
  ['service', 'data'], ['bolt', 'rest', 'rpc'], ['server'], ['cli']];
const src = resolve(import.meta.dirname, '../src');
const rank = (folder: string) => LAYERS.findIndex((line) => line.includes(folder));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

it('imports point downwards', () => {
  const broken: string[] = [];
  for (const file of files) {
    const from = file.split('/')[0]!;
    expect(rank(from), `unknown folder src/${from}: add it to LAYERS`).toBeGreaterThanOrEqual(0);
    for (const [, path] of readFileSync(resolve(src, file), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const to = relative(src, resolve(src, dirname(file), path!)).split('/')[0]!;
      if (to !== from && rank(to) >= rank(from)) broken.push(`${file} imports ${to}`);
    }
  }
  expect(broken).toEqual([]);
});

it('keeps clocks and randomness out of the pure core', () => {
  const impure = files.filter((file) => file.startsWith('raft/')
    && /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|await|Promise)\b/.test(readFileSync(resolve(src, file), 'utf8')));
  expect(impure).toEqual([]);
});

it('keeps files to one idea: none above 600 lines', () => {
  const long = files.filter((file) => readFileSync(resolve(src, file), 'utf8').split('\n').length > 600);
  expect(long).toEqual([]);
});

it('explains every error code in docs/errors.md', async () => {
  const { ERROR_CODES } = await import('../src/base/errors.ts');
  const page = readFileSync(resolve(src, '../docs/errors.md'), 'utf8');
  expect(ERROR_CODES.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});

it('joins a file for each thread and each command', () => {
  const root = resolve(src, '..');
  const entries = [...readFileSync(resolve(root, 'deploy/bundle.mjs'), 'utf8').matchAll(/'((?:server|data|cli)\/[\w/-]+)'/g)].map(([, entry]) => entry!);
  const joined = entries.map((entry) => entry.slice(entry.lastIndexOf('/') + 1));
  expect(new Set(joined).size, 'names that stand side by side in one folder').toBe(joined.length);
  const sources = files.map((file) => readFileSync(resolve(src, file), 'utf8')).join('\n');
  const threads = [...sources.matchAll(/new Worker\(new URL\('\.\/([\w-]+)\.js'|#worker\('([\w-]+)'/g)].map(([, own, named]) => own ?? named!);
  expect(threads.length).toBeGreaterThan(5);
  const commands = readdirSync(resolve(root, 'bin')).map((file) => /dist\/run\/([\w-]+)\.js/.exec(readFileSync(resolve(root, 'bin', file), 'utf8'))![1]!);
  expect([...threads, ...commands].filter((name) => !joined.includes(name))).toEqual([]);
  expect(entries.filter((entry) => !files.includes(`${entry}.ts`))).toEqual([]);
});
