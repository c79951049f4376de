/** Removes backups that the retention no longer covers, and what interrupted ones left. */
import { expired } from './chain.ts';
import type { Retention } from './chain.ts';
import { MANIFEST, readCatalog } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { BackupStorage } from './storage.ts';

/** Gives what was removed, or (`isDryRun`) would be. */
export async function pruneBackups(storage: BackupStorage, retention: Retention, nowMs: number, isDryRun = false): Promise<Manifest[]> {
  const unlock = await storage.lock();
  try {
    const catalog = await readCatalog(storage);
    const gone = expired(catalog, retention, nowMs);
    if (isDryRun) return gone;
    for (const { id } of gone) {
      // The manifest first: what is left of a backup after a crash is no backup. Those that others go on from come last.
      await storage.remove(`${id}/${MANIFEST}`);
      for (const name of catalog.files) if (name.startsWith(`${id}/`)) await storage.remove(name);
    }
    return gone;
  } finally {
    unlock();
  }
}
