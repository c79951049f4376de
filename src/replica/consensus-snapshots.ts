/**
 * Whole states between servers, and the log behind them.
 *
 *   leader     a peer needs entries that are gone → ask main for an export (one file serves several peers) → send it
 *   receiver   store the file, durably note where the log must begin (pending.json) → ask main to install it and to start
 *              again → on that start the log is begun anew behind the state, and the note goes (rule P8, in this order)
 *   everybody  drop log entries that the durable state has, keeping some for followers that lag, all that a transfer
 *              under way continues from, and what witnesses need
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeId, Recovered } from '../raft/types.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { StateHeader, StateSink, Transport } from './consensus-transport.ts';
import type { Disk } from './log-store-disk.ts';
import type { LogStore } from './log-store.ts';
import type { ConsensusToMain } from './protocol.ts';

export interface SnapshotsHost {
  readonly directory: string;
  readonly disk: Disk;
  readonly transport: Transport;
  readonly keepsEntries: number;
  driver(): ConsensusDriver | undefined;
  /** Index that the state store would survive a power cut with. */
  durableIndex(): number;
  post(message: ConsensusToMain): void;
  log(level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
}

interface Export {
  readonly path: string;
  readonly header: StateHeader;
  users: number;
  idleSinceMs: number;
}

const PART = 'incoming.part';
const PART_HEADER = 'incoming.json';
const PENDING = 'pending.json';
const PENDING_FILE = 'pending.state';
const EXPORT_IDLE_MS = 60_000;
const COMPACT_EVERY_MS = 1000;
/** A live follower may hold back the log, but not for ever. */
const LAG_FACTOR = 10;

export class Snapshots {
  readonly #host: SnapshotsHost;
  readonly #waiting = new Set<NodeId>();
  #export: Export | undefined;
  #exporting: { readonly id: number; readonly path: string; readonly from: number } | undefined;
  #nextExport = 1;
  #receiving = false;
  #compactedMs = 0;

  constructor(host: SnapshotsHost) {
    this.#host = host;
  }

  // ---- sending ----

  onWanted(peer: NodeId): void {
    this.#waiting.add(peer);
    this.#serve();
  }

  #serve(): void {
    const driver = this.#host.driver();
    if (driver === undefined || this.#waiting.size === 0) return;
    const ready = this.#export;
    if (ready !== undefined && ready.header.index >= driver.node.view.firstIndex - 1) {
      for (const peer of this.#waiting) this.#send(peer, ready);
      this.#waiting.clear();
      return;
    }
    if (this.#exporting !== undefined) return;
    this.#drop();
    const id = this.#nextExport++;
    const path = join(this.#host.directory, `export-${id}.state`);
    this.#exporting = { id, path, from: this.#host.durableIndex() };
    this.#host.log('info', 'exporting the state for a server that lags too far behind');
    this.#host.post({ kind: 'exportState', exportId: id, path });
  }

  onExported(exportId: number, index: number, error: string | undefined): void {
    if (this.#exporting?.id !== exportId) return;
    const { path } = this.#exporting;
    this.#exporting = undefined;
    const node = this.#host.driver()?.node;
    const term = node?.termAt(index);
    if (node === undefined || error !== undefined || term === undefined) {
      this.#host.log('warn', `the state could not be exported: ${error ?? `version ${index} is not in the log`}`);
      for (const peer of this.#waiting) node?.snapshotSent(peer, false);
      this.#waiting.clear();
      rmSync(path, { force: true });
      return;
    }
    const header = { index, term, config: node.configAt(index).config, bytes: statSync(path).size };
    this.#export = { path, header, users: 0, idleSinceMs: 0 };
    this.#serve();
  }

  #send(peer: NodeId, ready: Export): void {
    const { transport, log } = this.#host;
    ready.users += 1;
    const { index, bytes } = ready.header;
    log('info', `sending the state of ${bytes} bytes at ${index}`, { peer });
    const done = (error: Error | undefined) => {
      ready.users -= 1;
      const driver = this.#host.driver();
      if (error === undefined) log('info', 'the state has arrived', { peer, index });
      else log('warn', `the state did not arrive: ${error.message}`, { peer });
      // Left alone after a failure, the core asks again a while later: no transfer in a tight circle.
      if (error === undefined) driver?.node.snapshotSent(peer, true);
      driver?.wake();
    };
    const moves = () => this.#host.driver()?.node.snapshotMoves(peer, index);
    moves();
    transport.sendState(peer, ready.header, ready.path, moves).then(() => done(undefined), (error: unknown) => done(error as Error));
  }

  #drop(): void {
    if (this.#export !== undefined) rmSync(this.#export.path, { force: true });
    this.#export = undefined;
  }

  // ---- receiving ----

  onState(header: StateHeader): StateSink | undefined {
    const driver = this.#host.driver();
    const isWanted = driver !== undefined && !this.#receiving && header.index > driver.node.view.commitIndex && readPending(this.#host.directory) === undefined;
    if (!isWanted) return undefined;
    const part = join(this.#host.directory, PART);
    const noted = join(this.#host.directory, PART_HEADER);
    const text = JSON.stringify(header);
    const isSame = existsSync(part) && existsSync(noted) && readFileSync(noted, 'utf8') === text;
    if (!isSame) {
      rmSync(part, { force: true });
      this.#writeSmall(PART_HEADER, text);
    }
    const file = openSync(part, 'a', 0o640);
    let size = statSync(part).size;
    if (size > header.bytes) truncateSync(part, (size = 0));
    this.#receiving = true;
    this.#host.log('info', `receiving the state of ${header.bytes} bytes at ${header.index}`, { offset: size });
    return {
      offset: size,
      write: (bytes) => {
        let done = 0;
        while (done < bytes.length) done += writeSync(file, bytes, done);
        size += bytes.length;
      },
      abort: () => {
        this.#receiving = false;
        closeSync(file);
      },
      end: () => {
        this.#receiving = false;
        fsyncSync(file);
        closeSync(file);
        if (size !== header.bytes) throw new Error(`${size} of ${header.bytes} bytes arrived`);
        this.#host.disk.rename(PART, PENDING_FILE);
        this.#host.disk.syncDirectory();
        this.#writeSmall(PENDING, text);
        rmSync(noted, { force: true });
        this.askToInstall();
      },
    };
  }

  #writeSmall(name: string, text: string): void {
    const { disk } = this.#host;
    const file = disk.open(`${name}.new`, true);
    file.write(0, Buffer.from(text));
    file.sync();
    file.close();
    disk.rename(`${name}.new`, name);
    disk.syncDirectory();
  }

  /** A state that arrived and is not installed yet, also after a crash in between. */
  askToInstall(): void {
    const pending = readPending(this.#host.directory);
    if (pending === undefined) return;
    this.#host.post({ kind: 'installState', path: join(this.#host.directory, PENDING_FILE), index: pending.index });
  }

  // ---- the log behind the state ----

  onTick(nowMs: number): void {
    const ready = this.#export;
    if (ready !== undefined && ready.users === 0 && this.#waiting.size === 0) {
      if (ready.idleSinceMs === 0) ready.idleSinceMs = nowMs;
      else if (nowMs - ready.idleSinceMs > EXPORT_IDLE_MS) this.#drop();
    } else if (ready !== undefined) ready.idleSinceMs = 0;
    if (nowMs - this.#compactedMs < COMPACT_EVERY_MS) return;
    this.#compactedMs = nowMs;
    this.#compact();
  }

  #compact(): void {
    const driver = this.#host.driver()!;
    const { view } = driver.node;
    const { keepsEntries } = this.#host;
    let upTo = Math.min(this.#host.durableIndex(), view.dropLimit);
    const oldest = upTo - keepsEntries * LAG_FACTOR;
    for (const progress of view.progress.values()) {
      if (progress.silentTicks < 1000 && progress.match > 0) upTo = Math.min(upTo, Math.max(progress.match, oldest));
    }
    upTo -= keepsEntries;
    if (this.#exporting !== undefined) upTo = Math.min(upTo, this.#exporting.from);
    if (this.#export !== undefined && (this.#export.users > 0 || this.#waiting.size > 0)) upTo = Math.min(upTo, this.#export.header.index);
    // In steps: each one writes a record and perhaps removes files.
    if (upTo - view.firstIndex < Math.max(100, keepsEntries / 10)) return;
    driver.node.compactTo(upTo);
    driver.wake();
  }
}

export function readPending(directory: string): StateHeader | undefined {
  const path = join(directory, PENDING);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) as StateHeader : undefined;
}

/** The installed state's log begins behind it; then the note and the file have done their work. Returns whether it wrote. */
export function beginLogBehindState(disk: Disk, directory: string, appliedIndex: number, store: LogStore): boolean {
  const pending = readPending(directory);
  if (pending === undefined || appliedIndex < pending.index) return false;
  const { recovered } = store;
  const isThere = termIn(recovered, pending.index) === pending.term;
  if (!isThere) {
    store.persist({
      seq: 1, truncateFrom: undefined, entries: [], start: { index: pending.index, term: pending.term, config: pending.config, reset: true },
      // Nobody can have asked for our vote in a term that we had never heard of.
      hard: recovered.hard.term < pending.term ? { term: pending.term, votedFor: undefined } : undefined,
    });
  }
  disk.remove(PENDING);
  disk.syncDirectory();
  rmSync(join(directory, PENDING_FILE), { force: true });
  return !isThere;
}

function termIn(recovered: Recovered, index: number): number | undefined {
  if (index === recovered.startIndex) return recovered.startTerm;
  if (index < recovered.startIndex || index > recovered.lastIndex) return undefined;
  return recovered.terms.filter((run) => run.index <= index).at(-1)?.term;
}
