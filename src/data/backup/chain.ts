/** Chains of backups: a full one and the incremental ones that go on from it. Which to restore from, and which may go. */
import { DbError } from '../../base/errors.ts';
import { isoTime } from './manifest.ts';
import type { Catalog, Manifest } from './manifest.ts';

/** Full backup first. Throws BackupDamaged where one before it is missing. */
export function chainOf(backup: Manifest, { backups, damaged }: Catalog): Manifest[] {
  const chain = [backup];
  while (chain[0]!.base !== null) {
    const first = chain[0]!;
    const base = backups.find(({ id }) => id === first.base);
    const broken = damaged.find(({ id }) => id === first.base);
    if (broken !== undefined) throw broken.error;
    if (base === undefined) throw new DbError('BackupDamaged', `${first.id} goes on from ${first.base}, which is missing`, { hint: 'restore an earlier state, or from a copy' });
    if (base.version !== first.base_version || base.cluster_id !== first.cluster_id) {
      throw new DbError('BackupDamaged', `${first.id} goes on from version ${first.base_version} of ${first.cluster_id}, but ${base.id} ends at ${base.version} of ${base.cluster_id}`);
    }
    chain.unshift(base);
  }
  return chain;
}

/** What to restore: a backup as it is, a version, a moment, or (nothing given) the newest state. */
export interface Target {
  readonly id?: string | undefined;
  readonly version?: number | undefined;
  readonly timeMs?: number | undefined;
  /** Of several groups that were backed up to one place. */
  readonly clusterId?: string | undefined;
}

/** The shortest chain that holds the target. Throws InvalidRequest with what there is. */
export function chooseChain(catalog: Catalog, target: Target): Manifest[] {
  const { backups, damaged } = catalog;
  if (backups.length === 0) throw damaged[0]?.error ?? new DbError('NotFound', 'there is no backup here');
  if (target.id !== undefined) {
    const found = backups.find(({ id }) => id === target.id);
    if (found !== undefined) return chainOf(found, catalog);
    throw damaged.find(({ id }) => id === target.id)?.error ?? new DbError('NotFound', `there is no backup ${target.id}`, { hint: '--command list shows them' });
  }
  const newest = backups.reduce((a, b) => (Date.parse(b.created) >= Date.parse(a.created) ? b : a));
  const ofGroup = backups.filter(({ cluster_id: id }) => id === (target.clusterId ?? newest.cluster_id));
  const fits = ofGroup.filter((backup) => isWithin(backup, target));
  const chains: Manifest[][] = [];
  let broken: unknown;
  for (const backup of fits) {
    try {
      const chain = chainOf(backup, catalog);
      if (beginsBefore(chain[0]!, target)) chains.push(chain);
    } catch (error) {
      broken = error;
    }
  }
  if (chains.length === 0) throw broken ?? damaged[0]?.error ?? notCovered(ofGroup, target);
  // The newest full backup leaves the least log to apply.
  return chains.reduce((best, chain) => (isBetter(chain, best, target) ? chain : best));
}

/** Its end is not before the target. */
function isWithin({ version, created }: Manifest, target: Target): boolean {
  if (target.version !== undefined) return version >= target.version;
  return target.timeMs === undefined || Date.parse(created) >= target.timeMs;
}

function beginsBefore({ version, time }: Manifest, target: Target): boolean {
  if (target.version !== undefined) return version <= target.version;
  return target.timeMs === undefined || Date.parse(time) <= target.timeMs;
}

function isBetter(chain: readonly Manifest[], best: readonly Manifest[], { version, timeMs }: Target): boolean {
  const later = chain[0]!.version - best[0]!.version;
  const longer = chain.at(-1)!.version - best.at(-1)!.version;
  if ((version ?? timeMs) === undefined) return longer > 0 || (longer === 0 && later > 0);
  return later > 0 || (later === 0 && longer < 0);
}

function notCovered(backups: readonly Manifest[], { version, timeMs }: Target): DbError {
  const first = backups.find(({ kind }) => kind === 'full');
  const newest = backups.reduce((a, b) => (Date.parse(b.created) >= Date.parse(a.created) ? b : a));
  const wanted = version === undefined ? `the moment ${isoTime(timeMs!)}` : `version ${version}`;
  return new DbError('InvalidRequest', `no backup here holds ${wanted}: they go from version ${first?.version ?? '-'} (${first?.time ?? '-'}) to ${backups.at(-1)!.version} (${newest.created})`, {
    hint: 'a later version needs a newer backup; an earlier one is gone with the backups that held it',
  });
}

export interface Retention {
  /** Full backups of each group that stay, with all that goes on from them. */
  readonly keepFull: number;
  /** What is needed to restore any moment of so many days stays too; undefined: `keepFull` alone says. */
  readonly keepDays: number | undefined;
  /** Of this group only; undefined: of every group that is backed up here. */
  readonly clusterId?: string | undefined;
}

/** Backups that may go, those first that others go on from last. A chain goes as a whole: its last backup must be out of use. */
export function expired(catalog: Catalog, retention: Retention, nowMs: number): Manifest[] {
  const groups = new Set(catalog.backups.map(({ cluster_id: id }) => id));
  // Groups do not count together: the newest backups of one are no reason to give up the only one of another.
  return [...groups].filter((id) => retention.clusterId === undefined || id === retention.clusterId).flatMap((id) => expiredOf(id, catalog, retention, nowMs));
}

function expiredOf(clusterId: string, catalog: Catalog, { keepFull, keepDays }: Retention, nowMs: number): Manifest[] {
  const backups = catalog.backups.filter(({ cluster_id: id }) => id === clusterId);
  const rootOf = (backup: Manifest): Manifest | undefined => {
    try {
      return chainOf(backup, catalog)[0];
    } catch {
      return undefined; // Nobody can restore it; whether it is kept is for a person to say.
    }
  };
  const groups = new Map<Manifest, Manifest[]>();
  for (const backup of backups) {
    const root = rootOf(backup);
    if (root !== undefined) groups.set(root, [...groups.get(root) ?? [], backup]);
  }
  const newestFirst = [...groups].sort(([a], [b]) => Date.parse(b.created) - Date.parse(a.created));
  const gone: Manifest[] = [];
  for (const [i, [, members]] of newestFirst.entries()) {
    const last = Math.max(...members.map(({ created }) => Date.parse(created)));
    const isRecent = keepDays !== undefined && nowMs - last <= keepDays * 86_400_000;
    if (i >= keepFull && !isRecent) gone.push(...members.reverse());
  }
  return gone;
}
