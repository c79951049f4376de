/**
 * Folders that a tool builds beside the place where they belong and moves there when they are whole. While it works, the folder holds a file with its
 * process id; so what a killed tool left is known for what it is.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DbError } from '../base/errors.ts';

/** Behind the name of the folder that is made. */
export const IMPORTING = '.importing';
export const RESTORING = '.restoring';
export const EXPORTING = '.exporting';
/** The files with process ids, by what the tool does. */
export const OWNER_FILES = { importing: 'pid', restoring: 'restoring.pid' } as const;

/** In a data directory whose indexes are being made anew: what the repair works with. Gone when they are whole. */
export const REPAIRING = 'repairing';

const REPLACED = '.replaced';

export function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Moves a whole folder to its place. What was there goes aside first and away last: whatever interrupts it, `putBack` finds the old one or the new one is
 * there, and never a part of either.
 */
export function takePlace(directory: string, staging: string): void {
  const old = `${directory}${REPLACED}`;
  // The new one must not be lost when the old one is moved away.
  syncFolder(dirname(directory));
  if (existsSync(directory)) renameSync(directory, old);
  renameSync(staging, directory);
  syncFolder(dirname(directory));
  rmSync(old, { recursive: true, force: true });
}

/** To be called before anything is done about the directory: ends what an interrupted `takePlace` has begun. */
export function putBack(directory: string): void {
  const old = `${directory}${REPLACED}`;
  if (!existsSync(old)) return;
  if (existsSync(directory)) rmSync(old, { recursive: true, force: true });
  else renameSync(old, directory);
}

const TOOLS = { importing: 'lgraph_import', restoring: 'lgraph_backup --command restore' } as const;

/** Throws InvalidConfig where a directory is one that an import, a restore or (but for those who repair) a repair has not finished. */
export function refuseUnfinished(directory: string, repairs = false): void {
  for (const what of ['importing', 'restoring'] as const) {
    if (!existsSync(join(directory, OWNER_FILES[what]))) continue;
    throw new DbError('InvalidConfig', `${directory} is what ${TOOLS[what]} has not finished: it does not hold all data`, { hint: `let it finish, or call ${TOOLS[what]} again: it begins anew` });
  }
  if (!repairs && existsSync(join(directory, REPAIRING))) {
    throw new DbError('InvalidConfig', `${directory} is what lgraph_validate --repair has not finished: its indexes are not whole`, { hint: 'let it finish, or call lgraph_validate --repair true again: it holds all data' });
  }
}

/** The same, and for a new directory beside which such a one lies: a server would begin there without the data that were to come. */
export function refuseUnfinishedBeside(path: string): void {
  const directory = resolve(path);
  refuseUnfinished(directory);
  if (existsSync(directory) && readdirSync(directory).length > 0) return;
  for (const [what, end] of [['importing', IMPORTING], ['restoring', RESTORING]] as const) {
    if (!existsSync(`${directory}${end}`)) continue;
    throw new DbError('InvalidConfig', `${directory} is new, and ${directory}${end} is left of ${TOOLS[what]}, which has not finished: a server would begin without the data`, {
      hint: `let it finish, or call ${TOOLS[what]} again; to begin empty on purpose remove ${directory}${end}`,
    });
  }
}
