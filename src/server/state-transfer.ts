/**
 * Whole states: written to a file for a server whose log begins too late, and filled into a store that then takes the place of the
 * old one (store-switch.ts).
 */
import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { diskSpace, megabytesText, ROOMY } from '../base/disk-space.ts';
import { DbError } from '../base/errors.ts';
import { readVersion } from '../graph/version-record.ts';
import { exportState, importState } from '../replica/state-file.ts';
import type { StateReader } from '../graph/state-reader.ts';
import type { ExportedState } from '../replica/protocol.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { FRESH } from './store-switch.ts';
import type { StoreOptions } from './threads.ts';

/** A new store is as large as the file it is filled from, and LevelDB needs a little on the way. */
const FILL_FACTOR = 1.2;

/** Writes the newest version to `path`; gives its number and what the file is. Not where it would take the last room from the log and the store. */
export async function writeState(engine: Engine, reader: StateReader, path: string, reserveBytes: number): Promise<ExportedState> {
  const point = reader.acquire();
  try {
    const { bytes, sha256 } = await exportState(engine, point.snapshot, path, () => leaveSpace(path, reserveBytes));
    return { index: point.version, bytes, sha256 };
  } catch (error) {
    const { code } = error as { readonly code?: string };
    throw code === 'ENOSPC' || code === 'EDQUOT' ? new DbError('ReadOnlyDisk', 'no space is left on the disk', { cause: error }) : error;
  } finally {
    reader.release(point);
  }
}

function leaveSpace(path: string, reserveBytes: number): void {
  const free = diskSpace(dirname(path)).freeBytes;
  if (free < reserveBytes * ROOMY) throw new DbError('ReadOnlyDisk', `no more than ${megabytesText(free)} are left on the disk, which the log and the state store need`);
}

export interface FreshState {
  readonly path: string;
  readonly index: number;
  readonly sha256: string;
}

/** Fills a new store beside the one in use from a file that must hold the state at `index`. What a failure leaves of it goes at once: others need the room. */
export async function fillFreshStore(directory: string, { path, index, sha256 }: FreshState, store: StoreOptions): Promise<void> {
  const location = join(directory, FRESH);
  rmSync(location, { recursive: true, force: true });
  const needed = statSync(path).size * FILL_FACTOR;
  const free = diskSpace(directory).freeBytes;
  if (free < needed) throw new DbError('ReadOnlyDisk', `the disk has ${megabytesText(free)} left, and ${megabytesText(needed)} are needed for the new store`);
  try {
    await fill(location, { path, index, sha256 }, store);
  } catch (error) {
    rmSync(location, { recursive: true, force: true });
    throw error;
  }
}

async function fill(location: string, { path, index, sha256 }: FreshState, store: StoreOptions): Promise<void> {
  const engine = await openLevelEngine({ ...store, location });
  try {
    await importState(path, engine, sha256);
    const { version } = readVersion(engine);
    if (version !== index) throw new DbError('Corrupted', `the state in ${path} is at version ${version}, ${index} was expected`);
  } finally {
    await engine.close();
  }
}
