import { afterEach, expect, it } from 'vitest';
import { expectCache, useMemory } from '../../src/base/heap-watch.ts';
import { machineBytes, ProcessMemory } from '../../src/base/process-memory.ts';
import { mayPropose } from '../../src/replica/record-size.ts';

const MB = 2 ** 20;
afterEach(() => {
  useMemory(new ProcessMemory(machineBytes()));
});

it('refuses a record that is too large, and one that the process has no room for; a small one it never asks about', () => {
  expect(() => mayPropose(101, 100)).toThrow(expect.objectContaining({ code: 'RequestTooLarge' }));
  const leftMb = 200;
  useMemory(new ProcessMemory(1024 * MB, true, { status: () => `RssAnon:\t${(1024 - leftMb) * 1024} kB\n`, machine: () => undefined }));
  expectCache(0);
  const held = Buffer.alloc(120 * MB, 1);
  // A sixth of 1024 MB is to stay: 29 MB are left for six times the record.
  expect(() => mayPropose(4 * MB, 100 * MB)).not.toThrow();
  expect(() => mayPropose(6 * MB, 100 * MB)).toThrow(expect.objectContaining({ code: 'MemoryLimit' }));
  expect(held.length).toBeGreaterThan(0);
});
