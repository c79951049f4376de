import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportState, importState } from '../../src/replica/state-file.ts';
import type { Engine } from '../../src/storage/engine.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'state-file-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function filled(): Promise<Engine> {
  const engine: Engine = new MemoryEngine();
  for (let i = 0; i < 50; i++) {
    await engine.batch(Array.from({ length: 100 }, (_, j) => ({
      type: 'put' as const, key: Buffer.from(`key ${i} ${j}`), value: Buffer.alloc(j * 10, `${i}`),
    })), { sync: false });
  }
  return engine;
}

async function pairs(engine: Engine): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of engine.entries({})) for (const [key, value] of batch) found.push(`${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`);
  return found;
}

it('carries the whole state of one moment into an empty engine', async () => {
  const engine = await filled();
  const before = await pairs(engine);
  const snapshot = engine.snapshot();
  await engine.batch([{ type: 'put', key: Buffer.from('later'), value: Buffer.from('x') }], { sync: false });
  const path = join(directory, 'state');
  const { pairs: count } = await exportState(engine, snapshot, path);
  expect(count).toBe(5000);
  const copy = new MemoryEngine();
  await importState(path, copy);
  expect(await pairs(copy)).toEqual(before);
});

it('refuses a file that is damaged or cut short', async () => {
  const engine = await filled();
  const path = join(directory, 'state');
  await exportState(engine, engine.snapshot(), path);
  const bytes = readFileSync(path);
  for (const cut of [4, 8, 20, bytes.length - 1, bytes.length - 8]) {
    writeFileSync(path, bytes.subarray(0, cut));
    await expect(importState(path, new MemoryEngine())).rejects.toMatchObject({ code: 'Corrupted' });
  }
  const flipped = Buffer.from(bytes);
  flipped[5000]! ^= 1;
  writeFileSync(path, flipped);
  await expect(importState(path, new MemoryEngine())).rejects.toMatchObject({ code: 'Corrupted' });
});
