/** Room of deleted blocks: given back when much was deleted, range by range, and never while the store closes. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { blockKey } from '../../src/graph/blocks.ts';
import { DeleteCompaction } from '../../src/storage/delete-compaction.ts';
import { openLevelEngine } from '../../src/storage/level-engine.ts';

const MB = 2 ** 20;
const COUNT = 20_000;

it('makes the store small again after most of it was deleted, and keeps the rest', async () => {
  const location = mkdtempSync(join(tmpdir(), 'lgraph-compaction-'));
  const size = () => readdirSync(location).reduce((sum, name) => sum + (statSync(join(location, name), { throwIfNoEntry: false })?.size ?? 0), 0);
  const engine = await openLevelEngine({ location, cacheBytes: MB, writeBufferBytes: MB, compactDeletes: 1000 });
  const value = (n: number) => Buffer.from(Array.from({ length: 20 }, (_, i) => Math.imul(n + i, 2654435761) >>> 0).join(' '));
  for (let from = 0; from < COUNT; from += 1000) {
    await engine.batch(Array.from({ length: 1000 }, (_, i) => ({ type: 'put' as const, key: blockKey(1, 1, from + i), value: value(from + i) })), { sync: false });
  }
  const filled = size();
  for (let from = 0; from < COUNT; from += 500) {
    const batch = engine.beginBatch();
    for (let n = from; n < from + 500; n++) if (n % 100 !== 0) batch.del(blockKey(1, 1, n));
    await batch.write({ sync: false });
  }
  await expect.poll(size, { timeout: 20_000 }).toBeLessThan(filled / 3);
  for (let n = 0; n < COUNT; n += 50) expect(engine.getSync(blockKey(1, 1, n)) !== undefined).toBe(n % 100 === 0);
  await engine.close();
  rmSync(location, { recursive: true });
});

it('goes through a large store in ranges, past what is empty, and stops when it closes', async () => {
  const done: [string, string][] = [];
  // 1 GB between two keys, and nothing elsewhere.
  const [low, high] = [blockKey(7, 1, 0), blockKey(7, 3, 0)];
  const number = (key: Uint8Array) => BigInt(`0x${Buffer.from(key).toString('hex')}`);
  const approximateSize = async (from: Uint8Array, to: Uint8Array) => {
    const [a, b] = [number(from) > number(low) ? number(from) : number(low), number(to) < number(high) ? number(to) : number(high)];
    return b <= a ? 0 : Number((b - a) * BigInt(1024 * MB) / (number(high) - number(low)));
  };
  let close: (() => Promise<void>) | undefined;
  const compaction = new DeleteCompaction({
    approximateSize,
    compactRange: async (from, to) => {
      expect(await approximateSize(from, to)).toBeLessThanOrEqual(64 * MB);
      done.push([Buffer.from(from).toString('hex'), Buffer.from(to).toString('hex')]);
      if (done.length === 5) void close?.();
    },
  }, 1000);
  compaction.note(5000);
  await compaction.idle();
  // Far from a quarter of it.
  expect(done).toEqual([]);
  compaction.note(3_000_000);
  await compaction.idle();
  expect(done.length).toBeGreaterThan(15);
  expect(done.length).toBeLessThan(70);
  for (const [i, [from]] of done.entries()) if (i > 0) expect(from >= done[i - 1]![1]).toBe(true);
  done.length = 0;
  close = () => compaction.close();
  compaction.note(3_000_000);
  await compaction.idle();
  expect(done.length).toBe(5);
});

it('looks again when a merge ends, at what was deleted meanwhile, though nothing is deleted after it', async () => {
  let merges = 0;
  const compaction: DeleteCompaction = new DeleteCompaction({
    approximateSize: () => Promise.resolve(MB),
    compactRange: () => {
      if (++merges === 1) compaction.note(50_000);
      return Promise.resolve();
    },
  }, 1000);
  compaction.note(10_000);
  await compaction.idle();
  expect(merges).toBe(2);
});

it('gives up after a failed merge until more is deleted', async () => {
  let merges = 0;
  const compaction = new DeleteCompaction({
    approximateSize: () => Promise.resolve(MB),
    compactRange: () => (++merges === 1 ? Promise.reject(new Error('no space')) : Promise.resolve()),
  }, 1000);
  compaction.note(10_000);
  await compaction.idle();
  expect(merges).toBe(1);
  compaction.note(10_000);
  await compaction.idle();
  expect(merges).toBe(2);
});

it('is left to LevelDB where the option is 0', async () => {
  const compaction = new DeleteCompaction({ approximateSize: () => Promise.reject(new Error('asked')), compactRange: () => Promise.reject(new Error('compacted')) }, 0);
  compaction.note(1e9);
  await compaction.close();
});
