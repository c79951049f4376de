/**
 * Backups that the server makes by itself (`backup_dir`, `backup_interval_s`): on the leader, or on the replica that `backup_server` names.
 *
 * When the next one is due follows from what the storage holds, so it does not matter who made the last, or whether this server was
 * restarted; all servers that may lead must reach the same place.
 */
import { DbError } from '../base/errors.ts';
import type { Round } from './backup-round.ts';
import type { Log } from './log.ts';

export interface ScheduleOptions {
  /** For people: where they are. */
  readonly place: string;
  /** Makes one if one is due, in another thread. */
  readonly round: () => Promise<Round>;
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

const LOOK_MS = 1000;
/** After a failure. */
const PAUSE_MS = 30_000;
const SET_BACK_MS = 60_000;

export class ScheduledBackups {
  readonly state: ScheduleState = { isRunning: false, failures: 0, lastEndMs: 0, lastTookMs: 0, lastVersion: 0, lastBytes: 0, isLastBad: false };
  readonly #options: ScheduleOptions;
  readonly #timer: NodeJS.Timeout;
  #dueMs = 0;
  #lookedMs = 0;
  #isStopped = false;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const { nowMs, isOurs, log } = this.#options;
    // What a clock that was ahead has found to be due is asked for again when it was set back: it might be years away.
    if (nowMs() < this.#lookedMs - SET_BACK_MS) this.#dueMs = 0;
    this.#lookedMs = nowMs();
    if (this.state.isRunning || nowMs() < this.#dueMs || !isOurs()) return;
    this.state.isRunning = true;
    try {
      await this.#runIfDue();
      this.state.isLastBad = false;
    } catch (error) {
      // One that was cut short by the end of the server goes on, or begins anew, at the next start.
      if (this.#isStopped) return;
      // Somebody else backs up to this place: that is as good.
      if (error instanceof DbError && error.code === 'Busy') log.info(`no backup to ${this.#options.place} now: ${error.message}`);
      else {
        this.state.failures++;
        this.state.isLastBad = true;
        log.error(`the backup to ${this.#options.place} failed: ${(error as Error).message}`);
      }
      this.#dueMs = nowMs() + PAUSE_MS;
    } finally {
      this.state.isRunning = false;
    }
  }

  async #runIfDue(): Promise<void> {
    const { place, round, log, nowMs } = this.#options;
    const began = nowMs();
    const { dueMs, made, removed } = await round();
    this.#dueMs = dueMs;
    if (made === undefined) return;
    Object.assign(this.state, { lastEndMs: nowMs(), lastTookMs: nowMs() - began });
    if (made.newest !== undefined) {
      Object.assign(this.state, { lastVersion: made.newest.version, lastBytes: made.bytes });
      log.info({ id: made.newest.id, version: made.newest.version, bytes: made.bytes, ms: this.state.lastTookMs }, `backup to ${place} made`);
    }
    for (const id of removed) log.info(`backup ${id} removed: backup_keep says how many stay`);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }
}
