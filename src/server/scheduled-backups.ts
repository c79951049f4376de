/**
 * Backups that the server makes by itself (`backup_dir`, `backup_interval_s`): on the leader, or on the replica that `backup_server` names.
 *
 * When the next one is due follows from what the storage holds, so it does not matter who made the last, or whether this server was
 * restarted; all servers that may lead must reach the same place.
 */
import { DbError } from '../base/errors.ts';
import { createBackup } from '../data/backup/create.ts';
import { readCatalog } from '../data/backup/manifest.ts';
import type { Manifest } from '../data/backup/manifest.ts';
import { pruneBackups } from '../data/backup/prune.ts';
import type { BackupSource } from '../data/backup/source.ts';
import type { BackupStorage } from '../data/backup/storage.ts';
import type { BackupPoints } from '../service/backup-points.ts';
import type { Log } from './log.ts';

export interface ScheduleOptions {
  readonly storage: BackupStorage;
  readonly intervalMs: number;
  /** Incremental backups between two full ones. */
  readonly fullEvery: number;
  /** Full backups that stay; 0: all. */
  readonly keep: number;
  /** Whether it is for this server to make them, at this moment. */
  readonly isOurs: () => boolean;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** What the last backup of this server was, for /metrics. */
export interface ScheduleState {
  isRunning: boolean;
  failures: number;
  /** Ended well, ms since 1970; 0: none since the start. */
  lastEndMs: number;
  lastTookMs: number;
  lastVersion: number;
  lastBytes: number;
  isLastBad: boolean;
}

const PART_BYTES = 16 << 20;
const LOOK_MS = 1000;
/** After a failure. */
const PAUSE_MS = 30_000;

export class ScheduledBackups {
  readonly state: ScheduleState = { isRunning: false, failures: 0, lastEndMs: 0, lastTookMs: 0, lastVersion: 0, lastBytes: 0, isLastBad: false };
  readonly #options: ScheduleOptions;
  readonly #source: BackupSource;
  readonly #timer: NodeJS.Timeout;
  #dueMs = 0;
  #isStopped = false;

  constructor(points: BackupPoints, options: ScheduleOptions) {
    this.#options = options;
    this.#source = sourceOf(points);
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const { nowMs, isOurs, log } = this.#options;
    if (this.state.isRunning || nowMs() < this.#dueMs || !isOurs()) return;
    this.state.isRunning = true;
    try {
      await this.#runIfDue();
      this.state.isLastBad = false;
    } catch (error) {
      // One that was cut short by the end of the server goes on, or begins anew, at the next start.
      if (this.#isStopped) return;
      // Somebody else backs up to this place: that is as good.
      if (!(error instanceof DbError && error.code === 'Busy')) {
        this.state.failures++;
        this.state.isLastBad = true;
        log.error(`the backup to ${this.#options.storage.place} failed: ${(error as Error).message}`);
      }
      this.#dueMs = nowMs() + PAUSE_MS;
    } finally {
      this.state.isRunning = false;
    }
  }

  async #runIfDue(): Promise<void> {
    const { storage, intervalMs, fullEvery, keep, log, nowMs } = this.#options;
    const { backups } = await readCatalog(storage);
    const last = Math.max(0, ...backups.map(({ created }) => Date.parse(created)));
    this.#dueMs = last + intervalMs;
    if (nowMs() < this.#dueMs) return;
    const began = nowMs();
    const type = incrementalsSinceFull(backups) >= fullEvery ? 'full' : 'auto';
    const made = await createBackup(this.#source, storage, { type, fullIfNeeded: true, partBytes: PART_BYTES, onPart: () => undefined, onNote: (line) => log.info(`backup: ${line}`) });
    this.#dueMs = began + intervalMs;
    Object.assign(this.state, { lastEndMs: nowMs(), lastTookMs: nowMs() - began });
    const newest = made.at(-1);
    if (newest === undefined) return;
    Object.assign(this.state, { lastVersion: newest.version, lastBytes: made.reduce((sum, { bytes }) => sum + bytes, 0) });
    log.info({ id: newest.id, version: newest.version, bytes: this.state.lastBytes, ms: this.state.lastTookMs }, `backup to ${storage.place} made`);
    if (keep === 0) return;
    for (const { id } of await pruneBackups(storage, { keepFull: keep, keepDays: undefined }, nowMs())) log.info(`backup ${id} removed: backup_keep is ${keep}`);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }
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
