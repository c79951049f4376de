/**
 * Whole states: written to a file for a server whose log begins too late, and filled into a store that then takes the place of the
 * old one (store-switch.ts).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DbError } from '../base/errors.ts';
import { readVersion } from '../graph/version-record.ts';
import { exportState, importState } from '../replica/state-file.ts';
import type { StateReader } from '../graph/state-reader.ts';
import type { ExportedState } from '../replica/protocol.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { FRESH } from './store-switch.ts';
import type { StoreOptions } from './threads.ts';

/** Writes the newest version to `path`; gives its number and what the file is. */
export async function writeState(engine: Engine, reader: StateReader, path: string): Promise<ExportedState> {
  const point = reader.acquire();
  try {
    const { bytes, sha256 } = await exportState(engine, point.snapshot, path);
    return { index: point.version, bytes, sha256 };
  } finally {
    reader.release(point);
  }
}

export interface FreshState {
  readonly path: string;
  readonly index: number;
  readonly sha256: string;
}

/** Fills a new store beside the one in use from a file that must hold the state at `index`. */
export async function fillFreshStore(directory: string, { path, index, sha256 }: FreshState, store: StoreOptions): Promise<void> {
  const location = join(directory, FRESH);
  rmSync(location, { recursive: true, force: true });
  const engine = await openLevelEngine({ ...store, location });
  try {
    await importState(path, engine, sha256);
    const { version } = readVersion(engine);
    if (version !== index) throw new DbError('Corrupted', `the state in ${path} is at version ${version}, ${index} was expected`);
  } finally {
    await engine.close();
  }
}
