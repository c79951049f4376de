/** An export that is killed leaves what was there, or all that is new; and folders that a tool has not finished are taken for nothing else. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../src/cli/rest-client.ts';
import { putBack, takePlace } from '../../src/data/staging.ts';
import { run, start, writePeople } from './tools.ts';

const SEED = 20261129;
const KILLS = 4;
let directory: string;
let db: string;

const files = (folder: string): Record<string, string> => Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
const exported = (target: string, format: string) => ['-d', db, '-e', target, '-f', format, '--overwrite', 'true'];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-killed-'));
  db = join(directory, 'db');
  expect(await run('lgraph_import', ['-c', writePeople(directory, 5000, 60_000), '-d', db])).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('killed at any moment: the folder holds the export from before, or the new one, and a repetition all of it', async () => {
  const [before, after] = [join(directory, 'before'), join(directory, 'after')];
  expect(await run('lgraph_export', exported(before, 'json'))).toMatchObject({ code: 0 });
  const whole = start('lgraph_export', exported(after, 'csv'));
  await eventually('the export has begun', 30_000, async () => existsSync(`${after}.exporting`) || existsSync(after));
  const begun = performance.now();
  expect(await whole.outcome).toMatchObject({ code: 0 });
  const tookMs = performance.now() - begun;

  const target = join(directory, 'out');
  let killed = 0;
  for (let round = 0, random = SEED; round < KILLS; round++) {
    rmSync(target, { recursive: true, force: true });
    cpSync(before, target, { recursive: true });
    const { child, outcome } = start('lgraph_export', exported(target, 'csv'));
    await eventually('the export has begun', 30_000, async () => existsSync(`${target}.exporting`) || child.exitCode !== null);
    random = (random * 16807) % 2147483647;
    await sleep((random / 2147483647) * tookMs);
    child.kill('SIGKILL');
    if ((await outcome).code !== 0) killed++;
    putBack(target);
    expect([files(before), files(after)], `round ${round}, seed ${SEED}`).toContainEqual(files(target));
    expect(await run('lgraph_export', exported(target, 'csv'))).toMatchObject({ code: 0 });
    expect(files(target)).toEqual(files(after));
    expect(readdirSync(directory).filter((name) => name.startsWith('out'))).toEqual(['out']);
  }
  expect(killed).toBeGreaterThan(0);
}, 180_000);

describe('a folder takes its place', () => {
  const made = (name: string, content: string): string => {
    const path = join(directory, name);
    mkdirSync(path);
    writeFileSync(join(path, 'file'), content);
    return path;
  };

  it('and is put right where that was interrupted at any step', () => {
    const place = made('place', 'old');
    takePlace(place, made('place.new', 'new'));
    expect(files(place)).toEqual({ file: 'new' });
    // Between the two renames.
    made('between.replaced', 'old');
    made('between.new', 'new');
    putBack(join(directory, 'between'));
    expect(files(join(directory, 'between'))).toEqual({ file: 'old' });
    // The old one is partly gone.
    made('done', 'new');
    mkdirSync(join(directory, 'done.replaced'));
    putBack(join(directory, 'done'));
    expect(files(join(directory, 'done'))).toEqual({ file: 'new' });
    expect(existsSync(join(directory, 'done.replaced'))).toBe(false);
  });
});

describe('what an import has not finished', () => {
  it('is no store for a tool, and keeps a server from beginning without the data', async () => {
    const target = join(directory, 'late');
    const { child, outcome } = start('lgraph_import', ['-c', join(directory, 'import.json'), '-d', target]);
    await eventually('the import has begun', 30_000, async () => existsSync(join(`${target}.importing`, 'scratch')) || child.exitCode !== null);
    child.kill('SIGKILL');
    expect((await outcome).code).toBe(null);
    expect(await run('lgraph_validate', ['-d', `${target}.importing`])).toMatchObject({ code: 1, err: expect.stringContaining('lgraph_import has not finished') as string });
    for (const path of [target, `${target}.importing`]) {
      const server = await run('lgraph_server', ['--directory', path, '--host', '127.0.0.1', '--port', '0', '-d', 'run']);
      expect(server.code).not.toBe(0);
      expect(server.err + server.out).toContain('has not finished');
    }
    expect(existsSync(target)).toBe(false);
    expect(await run('lgraph_import', ['-c', join(directory, 'import.json'), '-d', target])).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(directory).filter((name) => name.startsWith('late'))).toEqual(['late']);
  }, 120_000);
});
