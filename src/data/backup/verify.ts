/** Whether backups can be restored: every part, every chain; `deep`: every state is built, and its checksum compared. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DbError } from '../../base/errors.ts';
import { chainOf } from './chain.ts';
import { readCatalog, readPart } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { buildState, inNewStore } from './restore.ts';
import type { BackupStorage } from './storage.ts';

export interface VerifyOptions {
  /** One backup and what it goes on from; undefined: all. */
  readonly id: string | undefined;
  /** Builds the states in a folder of their own below this one. */
  readonly deepIn: string | undefined;
  readonly onPart: (bytes: number) => void;
  readonly onProblem: (error: DbError) => void;
}

/** Gives the number of backups that were looked at. */
export async function verifyBackups(storage: BackupStorage, options: VerifyOptions): Promise<number> {
  const { id, onProblem } = options;
  const catalog = await readCatalog(storage);
  for (const damaged of catalog.damaged) if (id === undefined || id === damaged.id) onProblem(damaged.error);
  const wanted = catalog.backups.filter((backup) => id === undefined || id === backup.id);
  if (id !== undefined && wanted.length === 0 && !catalog.damaged.some((damaged) => damaged.id === id)) throw new DbError('NotFound', `there is no backup ${id}`, { hint: '--command list shows them' });
  const chains: Manifest[][] = [];
  for (const backup of wanted) await reported(onProblem, async () => void chains.push(chainOf(backup, catalog)));
  const looked = new Set<Manifest>();
  const bad = new Set<Manifest>();
  for (const backup of new Set([...wanted, ...chains.flat()])) {
    looked.add(backup);
    for (const part of backup.parts) {
      const isGood = await reported(onProblem, async () => options.onPart((await readPart(storage, backup, part)).length));
      if (!isGood) bad.add(backup);
    }
  }
  const { deepIn } = options;
  if (deepIn !== undefined) {
    // A chain that is the beginning of another one is proved with that.
    const ends = chains.filter((chain) => !chains.some((longer) => longer.length > chain.length && longer[chain.length - 1] === chain.at(-1)));
    for (const chain of ends) if (!chain.some((backup) => bad.has(backup))) await reported(onProblem, () => build(storage, chain, deepIn));
  }
  return looked.size + catalog.damaged.filter((damaged) => id === undefined || id === damaged.id).length;
}

async function build(storage: BackupStorage, chain: readonly Manifest[], folder: string): Promise<void> {
  const scratch = mkdtempSync(join(folder, 'lgraph-verify-'));
  try {
    await inNewStore(join(scratch, 'store'), (engine) => buildState(storage, chain, {}, engine, { onPart: () => undefined }));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Whether there was nothing to report. What is not about the backup is thrown on. */
async function reported(onProblem: (error: DbError) => void, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof DbError) || (error.code !== 'BackupDamaged' && error.code !== 'Corrupted')) throw error;
    onProblem(error);
    return false;
  }
}
