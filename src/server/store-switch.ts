/**
 * How a new state store takes the place of the old one:
 *
 *   store       the state store in use
 *   store.new   one being filled from a file; complete once `store` is moved away
 *   store.old   the one that was replaced, until it is removed
 *
 * A crash at any instant leaves either the old store or a complete new one: `settleStore` sorts it out at the next start.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolder } from '../data/staging.ts';

export const STORE = 'store';
export const FRESH = 'store.new';
const OLD = 'store.old';

/** The directory that holds the stores, as the simulator brings it. */
export interface Folder {
  has(name: string): boolean;
  rename(from: string, to: string): void;
  /** Whatever is there by that name, if anything. */
  remove(name: string): void;
  /** Names stay so after a power cut. */
  sync(): void;
}

export function realFolder(directory: string): Folder {
  return {
    has: (name) => existsSync(join(directory, name)),
    rename: (from, to) => renameSync(join(directory, from), join(directory, to)),
    remove: (name) => rmSync(join(directory, name), { recursive: true, force: true }),
    sync: () => syncFolder(directory),
  };
}

/** Puts the filled store in the place of the old one. Nothing may have the old one open. */
export function replaceStore(folder: Folder): void {
  folder.remove(OLD);
  // The new one must not be lost when the old one is moved away.
  folder.sync();
  folder.rename(STORE, OLD);
  folder.rename(FRESH, STORE);
  folder.sync();
  folder.remove(OLD);
}

/** Ends what a crash interrupted; to be called before the store is opened. */
export function settleStore(folder: Folder): void {
  if (!folder.has(STORE) && folder.has(FRESH)) {
    // The old one had been moved away, which happens only when the new one is complete.
    folder.rename(FRESH, STORE);
    folder.sync();
  }
  for (const name of [FRESH, OLD]) folder.remove(name);
}
