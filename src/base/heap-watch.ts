/** Memory as V8 and the machine see it: the last guard before a process ends for lack of it. */
import { totalmem } from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { megabytes } from './allowance.ts';
import { DbError } from './errors.ts';

/** Of the heap's limit and of the machine's memory, what live values may take in one thread. */
const HEAP_SHARE = 0.75;
const MACHINE_SHARE = 0.4;
/** On a small machine too. */
const VALUES_BYTES_MIN = 512 * 2 ** 20;
/** What a cache takes, beside the bytes that it counts. */
const CACHE_FACTOR = 1.5;

const OLD_SPACE_MIN = 2 ** 30;
const OLD_SPACE_MAX = 2 ** 34;

let cacheBytes = 0;

/** This thread keeps a cache of so many bytes: that is no statement's doing. */
export function expectCache(bytes: number): void {
  cacheBytes = bytes * CACHE_FACTOR;
  limit = 0;
}

/** Asks the heap itself: what is made in small pieces, and kept, is counted nowhere else. Throws MemoryLimit. */
export function lookAtHeap(bytes = 0): void {
  if (usedBytes() + bytes <= heapBytesMax()) return;
  // What is no longer used still counts; only near the limit is it worth finding out.
  collectGarbage();
  if (usedBytes() + bytes <= heapBytesMax()) return;
  throw new DbError('MemoryLimit', `the statements that run in this thread hold ${megabytes(usedBytes())} MB together, and no more is left`, {
    hint: 'return, collect or change less at once: a part at a time',
  });
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size;
}

let limit = 0;
function heapBytesMax(): number {
  if (limit === 0) {
    limit = Math.min(getHeapStatistics().heap_size_limit * HEAP_SHARE, Math.max(machineBytes() * MACHINE_SHARE, VALUES_BYTES_MIN) + cacheBytes);
  }
  return limit;
}

/** Megabytes to which the heap of a thread with such a cache may grow, rubbish included. */
export function heapMegabytes(cache: number): number {
  return Math.ceil(Math.min(OLD_SPACE_MAX, Math.max(OLD_SPACE_MIN, machineBytes() / 2)) / 2 ** 20 + (cache * CACHE_FACTOR) / 2 ** 20);
}

/** Memory of the machine, or of the container. */
export function machineBytes(): number {
  // 0 or a huge number means that there is no limit.
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}

let collect: (() => void) | undefined;
function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collect();
}
