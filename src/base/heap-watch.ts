/**
 * The last guard before a process ends for lack of memory: V8's, which ends it where the heap of a thread is full, and the machine's
 * (process-memory.ts). Statements ask while they run; once a second each thread asks for itself, since one that has
 * nothing to do may sit on rubbish.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { megabytes } from './allowance.ts';
import { DbError } from './errors.ts';
import { machineBytes, ProcessMemory } from './process-memory.ts';

/** Of the heap's limit and of the memory there is, what live values may take in one thread. */
const HEAP_SHARE = 0.75;
const MACHINE_SHARE = 0.4;
/** On a small machine too. */
const VALUES_BYTES_MIN = 512 * 2 ** 20;
/** What a cache takes, beside the bytes that it counts. */
const CACHE_FACTOR = 1.5;

const OLD_SPACE_MIN = 2 ** 30;
const OLD_SPACE_MAX = 2 ** 34;

/** Where memory is short, a thread that holds no more than this beside its cache and what it always holds is not the one to blame. */
const BLAMELESS_SHARE = 1 / 24;
const BLAMELESS_BYTES = 8 * 2 ** 20;
/** Code that is compiled and what it keeps for itself, later on, beside what a thread holds at its start. */
const WARM_BYTES = 12 * 2 ** 20;
/** A reading serves for so long. */
const READING_MS = 10;
/** Rubbish is collected for the process's sake at most so often, unless so much has been made since. */
const COLLECT_MS = 1000;
const FORGOTTEN_MS = 5000;
const RUBBISH_BYTES = 32 * 2 ** 20;

const RELEASE_MS = 20;

/** By how much live values may be outgrown before V8 collects: it takes up to 300 % on a large machine. */
const GROWTH_PERCENT = 50;
const TIGHT_GROWTH_PERCENT = 15;

/** What a thread keeps for speed alone, within a budget of bytes. */
export interface Keeper {
  readonly bytes: number;
  /** Halves the budget, and keeps to it at once. */
  makeRoom(): void;
  /** Doubles it, up to what it was. */
  relax(): void;
}

let memory = new ProcessMemory(machineBytes());
let keeper: Keeper | undefined;
let cacheBytes = 0;
let limit = 0;

/** What the process may take; to be said in each thread. */
export function useMemory(processMemory: ProcessMemory): void {
  memory = processMemory;
  limit = 0;
}

/** This thread keeps a cache of so many bytes: that is no statement's doing. */
export function expectCache(bytes: number, cache?: Keeper): void {
  cacheBytes = bytes * CACHE_FACTOR;
  keeper = cache;
  ownBytes = heldBytes() + WARM_BYTES;
  limit = 0;
}

/** Asks for the heap itself, and for the process: what is made in small pieces, and kept, is counted nowhere else. Throws MemoryLimit. */
export function lookAtHeap(bytes = 0): void {
  if (usedBytes() + bytes > heapBytesMax()) {
    // What is no longer used still counts; only near the limit is it worth finding out.
    collectNow();
    if (usedBytes() + bytes > heapBytesMax()) {
      throw tooMuch(`the statements that run in this thread hold ${megabytes(usedBytes())} MB together, and no more is left`);
    }
  }
  if (!isToBlame(bytes)) return;
  makeRoom();
  if (!isToBlame(bytes)) return;
  // Before somebody is refused it is worth any time to find out what is rubbish: of the statement before, it may be.
  collectNow();
  awaitRelease();
  if (!isToBlame(bytes)) return;
  throw tooMuch(`this server may take ${megabytes(memory.budgetBytes)} MB of memory, and no more than ${Math.max(0, megabytes(leftBytes()))} MB are left`);
}

/** Memory is short, and this thread holds much of it. */
function isToBlame(bytes: number): boolean {
  return leftBytes() - bytes <= memory.shortBytes && heldBytes() - ownBytes + bytes >= BLAMELESS_BYTES + memory.budgetBytes * BLAMELESS_SHARE;
}

function tooMuch(message: string): DbError {
  return new DbError('MemoryLimit', message, { hint: 'return, collect or change less at once: a part at a time' });
}

/**
 * To be called once a second in each thread. Where memory is tight, rubbish that lies in this thread is collected; where it is short, its
 * cache lets go.
 */
export function easeMemory(): void {
  const left = leftBytes();
  if (left > memory.tightBytes) {
    if (left > 2 * memory.tightBytes) keeper?.relax();
    return;
  }
  makeRoom();
}

/** How far the heaps of all threads grow before V8 collects; whoever sees memory become tight, or ample, says it at once. */
export function setHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${isTight ? TIGHT_GROWTH_PERCENT : GROWTH_PERCENT}`);
}

let readAtMs = -Infinity;
let reading = 0;
let isTight = false;
function leftBytes(): number {
  const now = performance.now();
  if (now - readAtMs > READING_MS) {
    reading = memory.leftBytes;
    readAtMs = now;
    if (reading <= memory.tightBytes !== isTight) {
      isTight = !isTight;
      setHeapGrowth();
    }
  }
  return reading;
}

let collectedMs = -Infinity;
let usedAfter = 0;
/** What is no statement's: as it was at the start, or the least that was left after a collection. */
let ownBytes = 32 * 2 ** 20;
function makeRoom(): void {
  if (leftBytes() <= memory.shortBytes) keeper?.makeRoom();
  const now = performance.now();
  const used = usedBytes();
  // What was left last time may have been a statement's that has ended since.
  const left = now - collectedMs < FORGOTTEN_MS ? usedAfter : ownBytes;
  if (used < left + RUBBISH_BYTES || (now - collectedMs < COLLECT_MS && used < left + 4 * RUBBISH_BYTES)) return;
  collectNow();
}

let collect: (() => void) | undefined;
function collectNow(): void {
  if (collect === undefined) {
    // The flag stays: it is every thread's, and one that took it back would take it from another between its two steps.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  usedAfter = usedBytes();
  ownBytes = Math.min(ownBytes, heldBytes());
  collectedMs = performance.now();
  readAtMs = -Infinity;
}

/** What was collected goes back to the system in the background. */
function awaitRelease(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RELEASE_MS);
  readAtMs = -Infinity;
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size;
}

/** What this thread holds beside its cache, be it in the heap or in buffers beside it. */
function heldBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  // As it counts itself, which is rather less than what it takes: more would make the rest too small.
  return heap + external - (keeper?.bytes ?? 0);
}

function heapBytesMax(): number {
  if (limit === 0) {
    limit = Math.min(getHeapStatistics().heap_size_limit * HEAP_SHARE, Math.max(memory.budgetBytes * MACHINE_SHARE, VALUES_BYTES_MIN) + cacheBytes);
  }
  return limit;
}

/** Megabytes to which the heap of a thread with such a cache may grow, rubbish included. */
export function heapMegabytes(cache: number): number {
  return Math.ceil(Math.min(OLD_SPACE_MAX, Math.max(OLD_SPACE_MIN, memory.budgetBytes / 2)) / 2 ** 20 + (cache * CACHE_FACTOR) / 2 ** 20);
}
