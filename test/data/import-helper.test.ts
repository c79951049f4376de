/** An import large enough for a second thread gives what one thread gives: the same graph to the byte, the same rejected rows. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { INPUT_BYTES_MIN } from '../../src/data/import-helper.ts';
import { importOffline } from '../../src/data/offline-import.ts';
import { parseImportConfig } from '../../src/data/import-config.ts';
import type { Rejected } from '../../src/data/file-import.ts';
import { blockKey } from '../../src/graph/blocks.ts';
import { openLevelEngine } from '../../src/storage/level-engine.ts';
import { run, writePeople } from './tools.ts';

const PEOPLE = 10_000;
let folder: string;
let configFile: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lgraph-import-'));
  configFile = writePeople(folder, PEOPLE, 50_000);
  // A hub in both directions, more of its edges than fit into one block; rows that do not fit, in both files.
  const hub = Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? `7,${i % PEOPLE},1` : `${i % PEOPLE},7,2`));
  writeFileSync(join(folder, 'knows.csv'), `\n${hub.join('\n')}\n5,${PEOPLE + 5},3\nx,5,3\n1,2\n1,2,3,4\n`, { flag: 'a' });
  // Long names make the files large.
  const talkers = Array.from({ length: 3000 }, (_, i) => `${PEOPLE + 10 + i},${'é'.repeat(800)}${i},`);
  writeFileSync(join(folder, 'people.csv'), `\n${talkers.join('\n')}`, { flag: 'a' });
  writeFileSync(join(folder, 'people.csv'), '\n7,"twice",\nno number,"x",\n"9","open\n', { flag: 'a' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of all blocks of graphs; users, with the salt of a password, are in other keys. */
async function blocksOf(directory: string): Promise<{ blocks: number; hash: string }> {
  const engine = await openLevelEngine({ location: join(directory, 'store'), cacheBytes: 1 << 20, writeBufferBytes: 1 << 20 });
  const hash = createHash('sha256');
  let blocks = 0;
  try {
    for await (const entries of engine.entries({ gte: blockKey(1, 0, 0), lt: Buffer.from('h') })) {
      for (const [key, value] of entries) hash.update(key).update(value);
      blocks += entries.length;
    }
  } finally {
    await engine.close();
  }
  return { blocks, hash: hash.digest('hex') };
}

it('with and without a second thread', async () => {
  expect(['people.csv', 'knows.csv'].reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeGreaterThan(INPUT_BYTES_MIN);
  const alone: Rejected[] = [];
  const result = await importOffline({
    config: parseImportConfig(readFileSync(configFile, 'utf8'), configFile), base: folder, directory: join(folder, 'alone'), graph: 'default', delimiter: ',', continueOnError: true,
    dryRun: false, overwrite: false, deleteIfExists: false, password: undefined, onProgress: () => undefined, onRejected: (row) => alone.push(row),
  });
  const helped = await run('lgraph_import', ['-c', configFile, '-d', join(folder, 'helped'), '--continue_on_error', 'true', '--progress', 'json']);
  expect(helped).toMatchObject({ code: 0 });
  expect(helped.out).toContain(`imported ${result.vertices} vertices and ${result.edges} edges, left out ${alone.length} rows`);
  const rejected = readFileSync(`${configFile}.rejected.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Rejected);
  expect(rejected).toEqual(JSON.parse(JSON.stringify(alone)));
  expect(rejected.map(({ reason }) => reason)).toEqual([
    'duplicate primary field: 7', 'Failed to parse into type INT64: no number', 'a quoted field does not end', `no vid for destination node primary field: ${PEOPLE + 5}`,
    'Failed to parse into type INT64: x', 'Field [since] is not optional.', '4 columns, but only 3 are described',
  ]);
  expect(rejected[0]!.row).toEqual(['7', 'twice', null]);
  const blocks = await blocksOf(join(folder, 'helped'));
  expect(blocks).toEqual(await blocksOf(join(folder, 'alone')));
  expect(blocks.blocks).toBeGreaterThan(result.vertices + result.edges);
  expect(await run('lgraph_validate', ['-d', join(folder, 'helped')])).toMatchObject({ code: 0 });
}, 120_000);

it('ends with the first row that does not fit', async () => {
  const { code, err } = await run('lgraph_import', ['-c', configFile, '-d', join(folder, 'refused')]);
  expect(code).toBe(1);
  expect(err).toContain(`[file: people.csv] [label: Person] line ${PEOPLE + 3002}: duplicate primary field: 7`);
}, 60_000);

it('takes no file for UTF-8 that is not, plain or packed, and stores nothing of it', async () => {
  const files = mkdtempSync(join(tmpdir(), 'lgraph-latin-'));
  try {
    const config = writePeople(files, 3, 3);
    const text = readFileSync(join(files, 'people.csv'), 'utf8').replace('person', 'Zoé');
    const place = text.indexOf('é') + 1;
    writeFileSync(join(files, 'people.csv'), text, 'latin1');
    for (const name of ['people.csv', 'people.csv.gz']) {
      if (name.endsWith('.gz')) {
        writeFileSync(join(files, name), gzipSync(Buffer.from(text, 'latin1')));
        writeFileSync(config, readFileSync(config, 'utf8').replace('people.csv', name));
      }
      const { code, err } = await run('lgraph_import', ['-c', config, '-d', join(files, 'db'), '--continue_on_error', 'true']);
      expect(code).toBe(1);
      expect(err).toContain(`${name} is not UTF-8: byte ${place} does not belong`);
      expect(existsSync(join(files, 'db'))).toBe(false);
    }
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
}, 60_000);
