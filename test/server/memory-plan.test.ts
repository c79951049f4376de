import { expect, it } from 'vitest';
import { machineBytes } from '../../src/base/process-memory.ts';
import { loadConfig } from '../../src/server/config.ts';
import { blockCacheBytes, memoryConcern, memoryOf, nurseryMb, writeBufferBytes } from '../../src/server/memory-plan.ts';

const MB = 2 ** 20;
const load = (...argv: string[]) => loadConfig(argv, {}).config;
const within = (mb: number, ...argv: string[]) => load('--memory_mb', String(mb), ...argv);

it('gives an ample machine the sizes at which everything works best, a small one its share, and a large one a larger cache', () => {
  expect(within(65_536)).toMatchObject({ cache_mb: 4096, store_cache_mb: 64, query_memory_mb: 512 });
  expect(within(16_384)).toMatchObject({ cache_mb: 2048, store_cache_mb: 64, query_memory_mb: 512 });
  expect(within(4096)).toMatchObject({ cache_mb: 512, store_cache_mb: 64, query_memory_mb: 512 });
  expect(within(1024)).toMatchObject({ cache_mb: 128, store_cache_mb: 16, query_memory_mb: 128 });
  expect(within(384)).toMatchObject({ cache_mb: 48, store_cache_mb: 8, query_memory_mb: 48 });
});

it('goes by memory_mb where it is set, by the machine where it is not, and leaves alone what was chosen', () => {
  expect(within(2048, '--cache_mb', '1000', '--query_memory_mb', '7')).toMatchObject({ cache_mb: 1000, store_cache_mb: 32, query_memory_mb: 7 });
  expect(memoryOf(within(2048))).toMatchObject({ budgetBytes: 2048 * MB, isOwn: true });
  expect(memoryOf(load())).toMatchObject({ budgetBytes: machineBytes(), isOwn: false });
  const machine = within(Math.floor(machineBytes() / MB));
  expect(load()).toMatchObject({ cache_mb: machine.cache_mb, store_cache_mb: machine.store_cache_mb, query_memory_mb: machine.query_memory_mb });
});

it('leaves room, on every machine, for the server and for rubbish', () => {
  for (let mb = 384; mb <= 16_384; mb += 64) {
    const config = within(mb);
    // Main, writer, consensus and two readers, of which four are busy.
    const nurseries = 4 * 2 * nurseryMb(config, mb * MB);
    expect(config.cache_mb + config.store_cache_mb + (2 * writeBufferBytes(mb * MB)) / MB + nurseries, `${mb} MB`).toBeLessThan(mb / 2);
    expect(memoryConcern(config, mb * MB), `${mb} MB`).toBeUndefined();
    expect(blockCacheBytes(config) * 4).toBeLessThanOrEqual(config.cache_mb * MB);
  }
});

it('says what was chosen beyond what there is; a witness has no caches', () => {
  const config = within(1024, '--cache_mb', '900');
  expect(memoryConcern(config, 1024 * MB)).toContain('cache_mb (900)');
  expect(memoryConcern({ ...config, enable_ha: true, ha_is_witness: true }, 1024 * MB)).toBeUndefined();
});

it('refuses sizes that are too small to work with', () => {
  expect(() => load('--cache_mb', '7')).toThrow('cache_mb (flag) is 0 or at least 8, found 7');
  expect(() => load('--memory_mb', '100')).toThrow('memory_mb (flag) is 0 or at least 384, found 100');
  expect(() => load('--memory_mb', '-1')).toThrow('at least 0');
});
