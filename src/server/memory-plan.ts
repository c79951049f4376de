/**
 * How the memory a server may take is shared out (decision 029): what options of 0 mean, and what has no option. From 4 GB on everything
 * has the size at which it works best; below, caches and what statements may hold shrink with the machine. The caches go on growing: how much
 * of a graph they hold is what large ones are fast by.
 */
import { machineBytes, ProcessMemory } from '../base/process-memory.ts';
import type { Config } from './options.ts';

const MB = 2 ** 20;
const AMPLE_MB = 4096;

/** An option of 0 is so much of the memory, in MB: in proportion to what it is of AMPLE_MB, between `least` and `most`. */
const SHARES = [
  { name: 'cache_mb', ofAmple: 512, least: 32, most: 4096 },
  { name: 'store_cache_mb', ofAmple: 64, least: 8, most: 64 },
  { name: 'query_memory_mb', ofAmple: 512, least: 32, most: 512 },
] as const;

/** Code, threads, and the heap's smallest sizes: what a server takes before it holds any data. */
const BASE_MB = 200;

/**
 * Short-lived garbage is most of what queries make: with a larger nursery most of it is dead when it is swept. V8 gives each thread two halves
 * of this size when it is busy. The launcher has set it for all of them.
 */
export const NURSERY_MB = 64;
const NURSERY_LEAST_MB = 4;
const WITNESS_NURSERY_MB = 1;

const WRITE_BUFFER_MB = 32;
const WRITE_BUFFER_LEAST_MB = 4;

export function isWitness(config: Config): boolean {
  return config.enable_ha && config.ha_is_witness;
}

/** What this process may take. */
export function memoryOf(config: Config): ProcessMemory {
  return config.memory_mb > 0 ? new ProcessMemory(config.memory_mb * MB, true) : new ProcessMemory(machineBytes());
}

/** The configuration with a size for each option of 0 that leaves the choice to the server. */
export function withShares(config: Config): Config {
  const memoryMb = memoryOf(config).budgetBytes / MB;
  const sizes = SHARES.filter(({ name }) => config[name] === 0).map(({ name, ofAmple, least, most }) => [name, Math.max(least, Math.min(most, Math.floor((ofAmple * memoryMb) / AMPLE_MB)))]);
  return { ...config, ...Object.fromEntries(sizes) as Partial<Config> };
}

/** Tells of sizes that were chosen beyond what there is. */
export function memoryConcern(config: Config, budgetBytes: number): string | undefined {
  if (isWitness(config)) return undefined;
  const wanted = BASE_MB + config.cache_mb + config.store_cache_mb + config.query_memory_mb;
  const budgetMb = Math.floor(budgetBytes / MB);
  if (wanted <= budgetMb) return undefined;
  return `cache_mb (${config.cache_mb}), store_cache_mb (${config.store_cache_mb}), query_memory_mb (${config.query_memory_mb}) and the server itself (${BASE_MB}) are more than the ${budgetMb} MB there are: `
    + 'caches will let go, and statements end with MemoryLimit, before they reach these sizes';
}

/** Megabytes of half a thread's nursery. */
export function nurseryMb(config: Config, budgetBytes: number): number {
  return isWitness(config) ? WITNESS_NURSERY_MB : Math.max(NURSERY_LEAST_MB, scaled(NURSERY_MB, budgetBytes / MB));
}

/** Of LevelDB, which has up to two of them. */
export function writeBufferBytes(budgetBytes: number): number {
  return Math.max(WRITE_BUFFER_LEAST_MB, scaled(WRITE_BUFFER_MB, budgetBytes / MB)) * MB;
}

/** Decoded blocks are kept per thread: the budget is shared between main, writer and readers. */
export function blockCacheBytes(config: Config): number {
  return Math.floor((config.cache_mb * MB) / (2 + config.reader_threads));
}

function scaled(size: number, memoryMb: number): number {
  return Math.floor(size * Math.min(1, memoryMb / AMPLE_MB));
}
