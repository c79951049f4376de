/** One look at whether a backup is due, and the backup: what the thread for copies does of a schedule (scheduled-backups.ts). */
import { createBackup } from '../data/backup/create.ts';
import { readCatalog } from '../data/backup/manifest.ts';
import type { Manifest } from '../data/backup/manifest.ts';
import { pruneBackups } from '../data/backup/prune.ts';
import type { BackupSource } from '../data/backup/source.ts';
import type { UploadOptions } from '../data/backup/s3-upload.ts';
import type { BackupStorage } from '../data/backup/storage.ts';
import type { BackupPoints } from '../service/backup-points.ts';

export interface RoundOptions {
  readonly intervalMs: number;
  /** Incremental backups between two full ones. */
  readonly fullEvery: number;
  /** Full backups that stay; 0: all. */
  readonly keep: number;
  /** For storage that speaks S3. */
  readonly upload: UploadOptions;
}

export interface Round {
  /** When the next one is, ms since 1970. */
  readonly dueMs: number;
  /** Undefined: none was due. `newest` undefined: nothing has changed since the last. */
  readonly made: { readonly newest: { readonly id: string; readonly version: number } | undefined; readonly bytes: number } | undefined;
  /** Ids of those that are kept no longer. */
  readonly removed: readonly string[];
}

/** Between the clocks of servers that make backups in turn. */
const CLOCKS_DIFFER_MS = 60_000;
const PART_BYTES = 16 << 20;

export async function backupRound(points: BackupPoints, storage: BackupStorage, options: RoundOptions, nowMs: () => number, onNote: (line: string) => void): Promise<Round> {
  const { intervalMs, fullEvery, keep } = options;
  const { clusterId } = await points.newest();
  // Others may be backed up to the same place, such as the group that this one was restored from.
  const backups = (await readCatalog(storage)).backups.filter(({ cluster_id: id }) => id === clusterId);
  const began = nowMs();
  // One from the future was made by a clock that was wrong: waiting for that moment would mean no backups until then.
  const dueMs = Math.max(0, ...backups.map(({ created }) => Date.parse(created)).filter((ms) => ms <= began + CLOCKS_DIFFER_MS)) + intervalMs;
  if (began < dueMs) return { dueMs, made: undefined, removed: [] };
  const type = incrementalsSinceFull(backups) >= fullEvery ? 'full' : 'auto';
  const made = await createBackup(sourceOf(points), storage, { type, fullIfNeeded: true, partBytes: PART_BYTES, onPart: () => undefined, onNote });
  const newest = made.at(-1);
  const removed = newest === undefined || keep === 0 ? [] : await pruneBackups(storage, { keepFull: keep, keepDays: undefined, clusterId }, nowMs());
  return {
    dueMs: began + intervalMs, removed: removed.map(({ id }) => id),
    made: { newest: newest === undefined ? undefined : { id: newest.id, version: newest.version }, bytes: made.reduce((sum, { bytes }) => sum + bytes, 0) },
  };
}

function incrementalsSinceFull(backups: readonly Manifest[]): number {
  const newest = backups.findLast(({ kind }) => kind === 'full');
  return newest === undefined ? 0 : backups.filter(({ kind, version }) => kind === 'incremental' && version > newest.version).length;
}

/** This server itself. */
function sourceOf(points: BackupPoints): BackupSource {
  const collect = async (pieces: AsyncIterable<Buffer>): Promise<Buffer> => {
    const copies: Buffer[] = [];
    for await (const piece of pieces) copies.push(Buffer.from(piece));
    return Buffer.concat(copies);
  };
  return {
    newest: () => points.newest(),
    begin: async () => {
      const { name, ...point } = await points.begin();
      return { token: name, ...point };
    },
    state: (token, after, bytesMax) => collect(points.state(token, after, bytesMax)),
    log: async (from, to, bytesMax) => collect(await points.log(from, to, bytesMax)),
    end: (token) => Promise.resolve(points.end(token)),
  };
}
