/** The main thread's part of keeping to the memory there is: what holds for the whole process, and what people are told. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { isMemoryTight, setHeapGrowth, useMemory } from '../base/heap-watch.ts';
import type { ProcessMemory } from '../base/process-memory.ts';
import type { Log } from './log.ts';
import { mainNurseryMb, memoryConcern } from './memory-plan.ts';
import type { Config } from './options.ts';

const INTERVAL_MS = 1000;
const MB = 2 ** 20;
/** It is said again after so long without a word. */
const SILENCE_MS = 60_000;

/** To be called once, before threads are made. */
export function watchMemory(config: Config, memory: ProcessMemory, log: Log): void {
  useMemory(memory);
  const concern = memoryConcern(config, memory.budgetBytes);
  if (concern !== undefined) log.warn(concern);
  let isTight = false;
  let saidMs = -Infinity;
  let nurseryMb = mainNurseryMb(memory.budgetBytes);
  setHeapGrowth(isTight);
  setInterval(() => {
    if (isMemoryTight() !== isTight) setHeapGrowth(isTight = !isTight);
    if (nurseryMb !== undefined && youngBytes() >= nurseryMb * MB) {
      // The launcher has set the largest size before anybody knew the machine; this is the one way to keep it from growing further.
      setFlagsFromString('--semi-space-growth-factor=1');
      nurseryMb = undefined;
    }
    const now = performance.now();
    const left = memory.leftBytes;
    if (left > memory.shortBytes || now - saidMs < SILENCE_MS) return;
    saidMs = now;
    log.warn(`memory is short: this server takes ${Math.round(memory.takenBytes / MB)} of ${Math.round(memory.budgetBytes / MB)} MB, and ${Math.max(0, Math.round(left / MB))} MB are left; caches let go, and statements that hold much end with MemoryLimit`);
  }, INTERVAL_MS).unref();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
