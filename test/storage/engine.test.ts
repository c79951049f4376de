import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/storage/engine.ts';
import { openLevelEngine } from '../../src/storage/level-engine.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';

const folders: string[] = [];
const open: Readonly<Record<string, () => Promise<Engine>>> = {
  memory: async () => new MemoryEngine(),
  level: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lgraph-engine-'));
    folders.push(folder);
    return openLevelEngine({ location: folder, cacheBytes: 1 << 20, writeBufferBytes: 1 << 20 });
  },
};

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const put = (key: string, value: string) => ({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) }) as const;
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

describe.each(Object.keys(open))('the engine contract, %s', (name) => {
  it('reads back the last write, and nothing for what was deleted', async () => {
    const engine = await open[name]!();
    await engine.batch([put('a', '1'), put('b', '2')], { sync: false });
    await engine.batch([put('a', '3'), { type: 'del', key: Buffer.from('b') }], { sync: true });
    expect(text(engine.getSync(Buffer.from('a')))).toBe('3');
    expect(engine.getSync(Buffer.from('b'))).toBeUndefined();
    await engine.close();
  });

  it('fills a batch step by step from memory that is used again, and shows nothing of it before it is written', async () => {
    const engine = await open[name]!();
    for (const [round, value] of ['1', '2'].entries()) {
      await engine.batch([put('b', 'old')], { sync: false });
      const batch = engine.beginBatch();
      const [key, bytes] = [Buffer.from('a'), Buffer.from(value)];
      batch.put(key, bytes);
      bytes[0] = 0x21;
      key[0] = 0x62;
      batch.del(key);
      key[0] = 0x7a;
      expect([text(engine.getSync(Buffer.from('a'))), text(engine.getSync(Buffer.from('b')))]).toEqual([round === 0 ? undefined : '1', 'old']);
      await batch.write({ sync: round === 1 });
      expect([text(engine.getSync(Buffer.from('a'))), text(engine.getSync(Buffer.from('b'))), engine.getSync(Buffer.from('z'))]).toEqual([value, undefined, undefined]);
    }
    await engine.close();
  });

  it('keeps a snapshot as it was, for point reads and ranges', async () => {
    const engine = await open[name]!();
    await engine.batch([put('a', '1'), put('b', '2'), put('c', '3')], { sync: false });
    const snapshot = engine.snapshot();
    await engine.batch([put('b', 'new'), put('d', '4'), { type: 'del', key: Buffer.from('c') }], { sync: false });
    expect(text(engine.getSync(Buffer.from('b'), snapshot))).toBe('2');
    const read = async (options: { snapshot?: typeof snapshot }) => {
      const rows: string[] = [];
      for await (const batch of engine.entries({ gte: Buffer.from('b'), lt: Buffer.from('e') }, { ...options, size: 1 })) {
        for (const [key, value] of batch) rows.push(`${text(key)}=${text(value)}`);
      }
      return rows;
    };
    expect(await read({ snapshot })).toEqual(['b=2', 'c=3']);
    expect(await read({})).toEqual(['b=new', 'd=4']);
    await snapshot.close();
    await engine.close();
  });
});
