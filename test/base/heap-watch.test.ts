import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { easeMemory, expectCache, lookAtHeap, useMemory } from '../../src/base/heap-watch.ts';
import { machineBytes, ProcessMemory } from '../../src/base/process-memory.ts';

it('refuses what is kept beyond the heap before the process ends for it, and takes back what is not', () => {
  // In a process of its own, with a small heap: rows that are kept in small pieces, then the same again and again without keeping.
  const watch = new URL('../../dist/base/heap-watch.js', import.meta.url).href;
  const script = `
    import { lookAtHeap } from ${JSON.stringify(watch)};
    let kept = [];
    let code = 'none';
    try { for (let i = 0; i < 1e9; i++) { kept.push({ i, text: 'row ' + i }); if (i % 10000 === 0) lookAtHeap(); } } catch (error) { code = error.code; }
    const rows = kept.length;
    kept = [];
    for (let i = 0; i < 2 * rows; i++) { kept[i % 1000] = { i, text: 'row ' + i }; if (i % 10000 === 0) lookAtHeap(); }
    process.stdout.write(code + (rows > 100000 ? ' late' : ' early'));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=400', '--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 });
  expect(stdout, stderr).toBe('MemoryLimit late');
}, 90_000);

describe('the memory of the process', () => {
  const MB = 2 ** 20;
  const BUDGET = 1024 * MB;
  let takenMb = 0;
  /** A process of 1 GB that takes what the test says. */
  const watched = () => {
    useMemory(new ProcessMemory(BUDGET, true, { status: () => `RssAnon:\t${takenMb * 1024} kB\n`, machine: () => undefined }));
    const calls: string[] = [];
    expectCache(MB, { bytes: 0, makeRoom: () => calls.push('makeRoom'), relax: () => calls.push('relax') });
    return calls;
  };
  /** A reading serves for some milliseconds. */
  const later = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
  };

  afterEach(() => {
    useMemory(new ProcessMemory(machineBytes()));
    expectCache(0);
  });

  it('ends who holds much where little is left, and nobody else', async () => {
    takenMb = 1000;
    watched();
    await later();
    // This thread holds nothing beside what it began with.
    expect(() => lookAtHeap()).not.toThrow();
    const held = [Buffer.alloc(60 * MB, 1), Buffer.alloc(60 * MB, 1)];
    await later();
    expect(() => lookAtHeap()).toThrow('this server may take 1024 MB of memory, and no more than 24 MB are left');
    takenMb = 500;
    await later();
    expect(() => lookAtHeap()).not.toThrow();
    // What somebody is about to make counts as taken.
    expect(() => lookAtHeap(400 * MB)).toThrow('this server may take');
    expect(held.length).toBe(2);
  });

  it('lets a cache go where memory is short, leaves it alone where it is tight, and gives it back when there is plenty', async () => {
    const calls = watched();
    for (const [taken, expected] of [[1000, ['makeRoom']], [800, []], [500, []], [200, ['relax']]] as const) {
      takenMb = taken;
      await later();
      calls.length = 0;
      easeMemory();
      expect(calls, `${taken} MB taken`).toEqual(expected);
    }
  });
});
