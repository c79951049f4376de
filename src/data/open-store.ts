/** The state store of a data directory that no server uses, for tools. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DbError } from '../base/errors.ts';
import { BlockCache } from '../graph/block-source.ts';
import { StateReader } from '../graph/state-reader.ts';
import { readVersion } from '../graph/version-record.ts';
import { VersionClocks } from '../storage/clocks.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { refuseUnfinished } from './staging.ts';

const CACHE_BYTES = 128 * 1024 * 1024;
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;
/** Whatever else is there, one of them is left of a store. */
const STORE_FILE = /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:ldb|sst|log))$/;

/** Opens `<directory>/store`, which must be there, and closes it after the work. `repairs`: also where a repair of its indexes was cut off. */
export async function withStore<T>(directory: string, work: (engine: Engine, reader: StateReader) => Promise<T>, { repairs = false } = {}): Promise<T> {
  refuseUnfinished(directory, repairs);
  const location = join(directory, 'store');
  // Opened all the same, LevelDB would begin a store here, in which nothing is wrong.
  if (!existsSync(location) || !readdirSync(location).some((name) => STORE_FILE.test(name))) throw new DbError('InvalidConfig', `${directory} holds no data: there is no store in it`);
  const engine = await openLevelEngine({ location, cacheBytes: CACHE_BYTES / 4, writeBufferBytes: WRITE_BUFFER_BYTES });
  const clocks = new VersionClocks();
  clocks.publish(readVersion(engine).version);
  const reader = new StateReader(engine, clocks, new BlockCache(CACHE_BYTES));
  try {
    return await work(engine, reader);
  } finally {
    await reader.close();
    await engine.close();
  }
}
