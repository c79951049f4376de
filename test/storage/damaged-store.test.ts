/** A store whose files are damaged is said to be, and is left as it is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLevelEngine } from '../../src/storage/level-engine.ts';

let location: string;
const open = () => openLevelEngine({ location, cacheBytes: 1 << 20, writeBufferBytes: 1 << 20 });
const key = (i: number) => Buffer.from(`k${i}`);

beforeEach(async () => {
  location = mkdtempSync(join(tmpdir(), 'lgraph-store-'));
  const engine = await open();
  await engine.batch(Array.from({ length: 1000 }, (_, i) => ({ type: 'put', key: key(i), value: Buffer.from(`value ${i} `.repeat(20)) })), { sync: true });
  await engine.close();
  // What was in the log is in a file of its own after this.
  await (await open()).close();
});
afterEach(() => rmSync(location, { recursive: true, force: true }));

it('begins no new store over the files of one that has lost its CURRENT', async () => {
  rmSync(join(location, 'CURRENT'));
  const before = readdirSync(location).sort();
  await expect(open()).rejects.toMatchObject({ code: 'Corrupted', message: expect.stringContaining('no file CURRENT') as string });
  expect(readdirSync(location).sort()).toEqual(before);
});

it('begins one where the power went while the first was made', async () => {
  for (const name of readdirSync(location)) rmSync(join(location, name));
  writeFileSync(join(location, 'MANIFEST-000001'), 'half');
  await (await open()).close();
  expect(readdirSync(location)).toContain('CURRENT');
});

it('says which file cannot be read', async () => {
  const table = join(location, readdirSync(location).find((name) => name.endsWith('.ldb'))!);
  truncateSync(table, readFileSync(table).length >> 1);
  const engine = await open();
  try {
    expect(() => engine.getSync(key(5))).toThrow(expect.objectContaining({ code: 'Corrupted', message: expect.stringContaining(location) as string }) as Error);
    const read = async () => {
      for await (const _ of engine.entries({ gte: key(0) }));
    };
    await expect(read()).rejects.toMatchObject({ code: 'Corrupted' });
  } finally {
    await engine.close();
  }
});
