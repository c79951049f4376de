import { expect, it } from 'vitest';
import { loadConfig } from '../../src/server/config.ts';
import { blockCacheBytes, memoryConcern, memoryOf, nurseryMb, withShares, writeBufferBytes } from '../../src/server/memory-plan.ts';

const MB = 2 ** 20;
const load = (...argv: string[]) => loadConfig(argv, {}).config;
/** What a configuration with every choice left to the server is on such a machine. */
const on = (machineMb: number, ...argv: string[]) => withShares({ ...load(...argv), ...(argv.includes('--cache_mb') ? {} : { cache_mb: 0 }), store_cache_mb: 0, query_memory_mb: 0 }, machineMb);

it('gives an ample machine the sizes at which everything works best, and a small one its share', () => {
  expect(on(65_536)).toMatchObject({ cache_mb: 512, store_cache_mb: 64, query_memory_mb: 512 });
  expect(on(4096)).toMatchObject({ cache_mb: 512, store_cache_mb: 64, query_memory_mb: 512 });
  expect(on(1024)).toMatchObject({ cache_mb: 128, store_cache_mb: 16, query_memory_mb: 128 });
  expect(on(256)).toMatchObject({ cache_mb: 32, store_cache_mb: 8, query_memory_mb: 32 });
});

it('goes by memory_mb where it is set, and leaves alone what was chosen', () => {
  expect(load('--memory_mb', '2048')).toMatchObject({ cache_mb: 256, store_cache_mb: 32, query_memory_mb: 256 });
  expect(load('--memory_mb', '2048', '--cache_mb', '1000', '--query_memory_mb', '7')).toMatchObject({ cache_mb: 1000, store_cache_mb: 32, query_memory_mb: 7 });
  expect(on(1024, '--cache_mb', '300')).toMatchObject({ cache_mb: 300, query_memory_mb: 128 });
  expect(memoryOf(load('--memory_mb', '2048'))).toMatchObject({ budgetBytes: 2048 * MB, isOwn: true });
  expect(memoryOf(load())).toMatchObject({ isOwn: false });
});

it('leaves room, on every machine, for the server and for rubbish', () => {
  for (let mb = 256; mb <= 16_384; mb += 64) {
    const config = on(mb);
    // Main, writer, consensus and two readers, of which four are busy.
    const nurseries = 4 * 2 * nurseryMb(config, mb * MB);
    expect(config.cache_mb + config.store_cache_mb + (2 * writeBufferBytes(mb * MB)) / MB + nurseries, `${mb} MB`).toBeLessThan(mb / 2);
    expect(memoryConcern(config, mb * MB), `${mb} MB`).toEqual(mb < 272 ? expect.any(String) : undefined);
    expect(blockCacheBytes(config) * 4).toBeLessThanOrEqual(config.cache_mb * MB);
  }
});

it('says what was chosen beyond what there is; a witness has no caches', () => {
  const config = load('--memory_mb', '1024', '--cache_mb', '900');
  expect(memoryConcern(config, 1024 * MB)).toContain('cache_mb (900)');
  expect(memoryConcern({ ...config, enable_ha: true, ha_is_witness: true }, 1024 * MB)).toBeUndefined();
});

it('refuses sizes that are too small to work with', () => {
  expect(() => load('--cache_mb', '7')).toThrow('cache_mb (flag) is 0 or at least 8, found 7');
  expect(() => load('--memory_mb', '100')).toThrow('memory_mb (flag) is 0 or at least 384, found 100');
  expect(() => load('--memory_mb', '-1')).toThrow('at least 0');
});
