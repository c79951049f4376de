/** The main thread's part of keeping to the memory there is: what holds for the whole process, and what people are told. */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { setHeapGrowth, useMemory } from '../base/heap-watch.ts';
import type { ProcessMemory } from '../base/process-memory.ts';
import type { Log } from './log.ts';
import { isWitness, memoryConcern, NURSERY_MB, nurseryMb } from './memory-plan.ts';
import type { Config } from './options.ts';

const INTERVAL_MS = 1000;
const MB = 2 ** 20;
/** It is said again after so long without a word. */
const SILENCE_MS = 60_000;

/** To be called once, before threads are made. */
export function watchMemory(config: Config, memory: ProcessMemory, log: Log): void {
  useMemory(memory);
  // A witness runs no queries and is promised to stay small.
  if (isWitness(config)) setFlagsFromString('--optimize-for-size');
  const concern = memoryConcern(config, memory.budgetBytes);
  if (concern !== undefined) log.warn(concern);
  let saidMs = -Infinity;
  limitNurseries(nurseryMb(config, memory.budgetBytes));
  setHeapGrowth();
  setInterval(() => {
    const now = performance.now();
    const left = memory.leftBytes;
    if (left > memory.shortBytes || now - saidMs < SILENCE_MS) return;
    saidMs = now;
    log.warn(`memory is short: this server takes ${Math.round(memory.takenBytes / MB)} of ${Math.round(memory.budgetBytes / MB)} MB, and ${Math.max(0, Math.round(left / MB))} MB are left; caches let go, and statements that hold much end with MemoryLimit`);
  }, INTERVAL_MS).unref();
}

/**
 * Of threads to come, by the flag that the launcher has set before anybody knew the machine: it goes before any limit that a thread is made
 * with. The main thread's own stays as it is as soon as it is so large: that it no longer grows can be told at any time.
 */
function limitNurseries(mb: number): void {
  setFlagsFromString(`--max-semi-space-size=${mb}`);
  if (mb >= NURSERY_MB) return;
  const limit = () => {
    if (youngBytes() < mb * MB) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  };
  const observer = new PerformanceObserver(limit);
  observer.observe({ entryTypes: ['gc'] });
  limit();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
