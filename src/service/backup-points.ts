/**
 * This server as the source of backups (data/backup): the state at one version, held for as long as it is being read, and the log.
 *
 * A held version is a snapshot of the store: it blocks nobody, and costs disk for what changes meanwhile. So it is let go when
 * nobody has asked for a while.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { DbError } from '../base/errors.ts';
import type { ReadPoint, StateReader } from '../graph/state-reader.ts';
import type { BackupPoint } from '../replica/backup-point.ts';
import { logBytes } from '../replica/log-part.ts';
import type { LogEntries } from '../replica/protocol.ts';
import { stateBytes } from '../replica/state-file.ts';
import type { StateTally } from '../replica/state-file.ts';
import type { GroupLink } from './group-link.ts';

/** Whole states and the log, read in a thread of their own (server/copies.ts): no request waits for them. What fails at once rejects before there are bytes. */
export interface Copies {
  newest(): Promise<BackupPoint>;
  begin(): Promise<BackupPoint & { readonly name: string }>;
  state(name: string, after: string, bytesMax: number): Promise<AsyncIterable<Uint8Array>>;
  log(from: number, to: number, bytesMax: number): Promise<AsyncIterable<Uint8Array>>;
  end(name: string): Promise<void>;
  /** Graphs (undefined: all) at one version, in the form of data/export-stream.ts. Throws GraphNotFound. */
  export(graphs: readonly string[] | undefined, options: { readonly format: string; readonly delimiter: string }): Promise<{ readonly version: number; readonly bytes: AsyncIterable<Uint8Array> }>;
}

export interface BackupPointsOptions {
  readonly reader: StateReader;
  readonly group: Pick<GroupLink, 'status' | 'logEntries'>;
  readonly clock: Clock;
  readonly serverVersion: string;
  readonly idleMs: number;
  /** Versions held at once. */
  readonly heldMax: number;
}

interface Held {
  readonly point: ReadPoint;
  users: number;
  usedMs: number;
}

/** Little enough that the thread of the log is soon back at its work. */
const ENTRIES_BYTES = 1 << 20;
const LOOK_MS = 1000;
const RETRY_MS = 20;
const RETRIES = 100;

export class BackupPoints {
  readonly #options: BackupPointsOptions;
  readonly #held = new Map<string, Held>();
  readonly #timer: NodeJS.Timeout;
  #next = 1;

  constructor(options: BackupPointsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#letGo(), LOOK_MS).unref();
  }

  /** The newest version here. */
  async newest(): Promise<BackupPoint> {
    const { reader } = this.#options;
    const point = await reader.acquireAnswered();
    try {
      return await this.#factsOf(point);
    } finally {
      reader.release(point);
    }
  }

  /** The same, held under a name until `end`, or until nobody has asked for it for a while. Throws Busy. */
  async begin(): Promise<BackupPoint & { readonly name: string }> {
    const { heldMax, clock, reader } = this.#options;
    const point = await reader.acquireAnswered();
    if (this.#held.size >= heldMax) {
      reader.release(point);
      throw new DbError('Busy', `${heldMax} backups read from this server already`, { hint: 'backups_max allows more' });
    }
    const name = `${process.pid}-${clock.wallMs().toString(36)}-${this.#next++}`;
    this.#held.set(name, { point, users: 0, usedMs: clock.monotonicMs() });
    try {
      return { name, ...await this.#factsOf(point) };
    } catch (error) {
      this.#held.delete(name);
      reader.release(point);
      throw error;
    }
  }

  async #factsOf({ version, timeMs, checksum }: ReadPoint): Promise<BackupPoint> {
    const { clock, serverVersion, group } = this.#options;
    const askedMs = clock.wallMs();
    const { clusterId } = await group.status();
    return { clusterId, version, timeMs, askedMs, checksum, serverVersion };
  }

  /** A state file with what follows the key `after` (hex; '' from the start), of about `bytesMax` bytes. Throws BackupExpired. Each piece is valid until the next is taken. */
  async* state(name: string, after: string, bytesMax: number, tally: StateTally = { pairs: 0, key: undefined }): AsyncGenerator<Buffer> {
    const held = this.#find(name);
    held.users++;
    try {
      // The first key behind another is that with a zero byte at its end.
      const range = after === '' ? {} : { gte: Buffer.from(`${after}00`, 'hex') };
      yield* stateBytes(held.point.pairs(range), tally, bytesMax);
    } finally {
      held.users--;
      held.usedMs = this.#options.clock.monotonicMs();
      if (held.users === 0 && !this.#held.has(name)) this.#options.reader.release(held.point);
    }
  }

  /** Whether a version is still held under that name; counts as asking for it. */
  check(name: string): void {
    this.#find(name).usedMs = this.#options.clock.monotonicMs();
  }

  #find(name: string): Held {
    const held = this.#held.get(name);
    if (held === undefined) {
      throw new DbError('BackupExpired', `no backup ${name} reads from this server: it ended, was idle for too long (backup_idle_s), or the server was started again`, { hint: 'begin a new one' });
    }
    return held;
  }

  /** A file of log entries from `from` up to `to`, of about `bytesMax` bytes. Throws LogNotKept. */
  async log(from: number, to: number, bytesMax: number): Promise<AsyncGenerator<Buffer>> {
    // Before the first byte is sent, so that a refusal is one.
    const first = await this.#entries(from, to, bytesMax);
    return logBytes(this.#entriesFrom(first, to, bytesMax));
  }

  async* #entriesFrom(first: LogEntries, to: number, bytesMax: number): AsyncGenerator<LogEntries> {
    let bytes = 0;
    for (let entries = first; ; entries = await this.#entries(entries.first + entries.kinds.length, to, bytesMax - bytes)) {
      yield entries;
      bytes += entries.data.bytes.length;
      if (entries.first + entries.kinds.length > to || bytes >= bytesMax) return;
    }
  }

  /** What this server shows is in its log, or will be in a moment: the others may have had it on disk first. */
  async #entries(from: number, to: number, bytesMax: number): Promise<LogEntries> {
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const entries = await this.#options.group.logEntries(from, to, Math.min(bytesMax, ENTRIES_BYTES));
      if (entries.kinds.length > 0) return entries;
      await sleep(RETRY_MS);
    }
    throw new DbError('VersionNotReached', `this server has no version ${from} yet`);
  }

  end(name: string): void {
    const held = this.#held.get(name);
    this.#held.delete(name);
    if (held?.users === 0) this.#options.reader.release(held.point);
  }

  #letGo(): void {
    const { clock, idleMs } = this.#options;
    for (const [name, { users, usedMs }] of this.#held) if (users === 0 && clock.monotonicMs() - usedMs > idleMs) this.end(name);
  }

  /** Lets go of everything; to be called before the store is closed. */
  close(): void {
    clearInterval(this.#timer);
    for (const name of [...this.#held.keys()]) this.end(name);
  }
}
