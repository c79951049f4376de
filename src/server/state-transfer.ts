/**
 * Whole states: written to a file for a server whose log begins too late, and put in the place of an old store.
 *
 *   store       the state store in use
 *   store.new   one being filled from a file; complete once `store` is moved away
 *   store.old   the one that was replaced, until it is removed
 *
 * A crash at any instant leaves either the old store or a complete new one: `settleStore` sorts it out at the next start.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DbError } from '../base/errors.ts';
import { readVersion } from '../graph/version-record.ts';
import { exportState, importState } from '../replica/state-file.ts';
import type { StateReader } from '../graph/state-reader.ts';
import type { ExportedState } from '../replica/protocol.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import type { StoreOptions } from './threads.ts';

export const STORE = 'store';
const FRESH = 'store.new';
const OLD = 'store.old';

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

/** Puts the filled store in the place of the old one. Nothing may have the old one open. */
export function replaceStore(directory: string): void {
  rmSync(join(directory, OLD), { recursive: true, force: true });
  renameSync(join(directory, STORE), join(directory, OLD));
  renameSync(join(directory, FRESH), join(directory, STORE));
  syncDirectory(directory);
  rmSync(join(directory, OLD), { recursive: true, force: true });
}

/** Ends what a crash interrupted; to be called before the store is opened. */
export function settleStore(directory: string): void {
  const at = (name: string) => join(directory, name);
  if (!existsSync(at(STORE)) && existsSync(at(FRESH))) {
    // The old one had been moved away, which happens only when the new one is complete.
    renameSync(at(FRESH), at(STORE));
    syncDirectory(directory);
  }
  for (const name of [FRESH, OLD]) rmSync(at(name), { recursive: true, force: true });
}

export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
