import { totalmem } from 'node:os';
import { expect, it } from 'vitest';
import { machineBytes, ProcessMemory } from '../../src/base/process-memory.ts';

const MB = 2 ** 20;
const files = (anonKb: number | undefined, availableKb?: number) => ({
  status: () => (anonKb === undefined ? undefined : `Name:\tnode\nVmRSS:\t  999999 kB\nRssAnon:\t  ${anonKb} kB\nRssFile:\t  5000 kB\n`),
  machine: () => (availableKb === undefined ? undefined : `MemTotal:       24000000 kB\nMemAvailable:   ${availableKb} kB\n`),
});

it('knows the memory of the machine', () => {
  expect(machineBytes()).toBeGreaterThan(MB);
  expect(machineBytes()).toBeLessThanOrEqual(totalmem());
});

it('leaves mapped files out, and takes the lesser of what it may have and what the machine has left', () => {
  expect(new ProcessMemory(1024 * MB, false, files(300 * 1024, 900 * 1024)).leftBytes).toBe(724 * MB);
  expect(new ProcessMemory(1024 * MB, false, files(300 * 1024, 100 * 1024)).leftBytes).toBe(100 * MB);
  // A budget of one's own is kept to whatever others do.
  expect(new ProcessMemory(1024 * MB, true, files(300 * 1024, 100 * 1024)).leftBytes).toBe(724 * MB);
  expect(new ProcessMemory(256 * MB, true, files(300 * 1024)).leftBytes).toBe(-44 * MB);
});

it('reads this process, also where the system keeps no such files', () => {
  const own = new ProcessMemory(machineBytes()).takenBytes;
  expect(own).toBeGreaterThan(10 * MB);
  expect(own).toBeLessThan(process.memoryUsage.rss() + 10 * MB);
  expect(new ProcessMemory(MB, false, files(undefined)).takenBytes).toBeGreaterThan(10 * MB);
});

it('calls memory tight before it is short, and needs no more than some hundred MB for either on a large machine', () => {
  for (const mb of [384, 512, 1024, 4096, 65_536]) {
    const { tightBytes, shortBytes } = new ProcessMemory(mb * MB);
    expect(shortBytes).toBeLessThan(tightBytes);
    expect(tightBytes).toBeLessThanOrEqual(Math.min(512 * MB, (mb * MB) / 2));
  }
});
