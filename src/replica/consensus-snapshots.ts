/**
 * Whole states between servers, and the log behind them.
 *
 *   leader     a peer needs entries that are gone → ask main for an export (one file serves several peers) → send it
 *              (snapshot-sender.ts)
 *   receiver   store the file → ask main to install it and to start again → the log begins behind it (snapshot-receiver.ts)
 *   everybody  drop log entries that the durable state has (log-compaction.ts)
 */
import type { Random } from '../base/random.ts';
import type { Timers } from '../base/timers.ts';
import type { Mutants } from '../raft/state.ts';
import type { NodeId } from '../raft/types.ts';
import type { BulkFiles } from './bulk-files.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { StateHeader, StateRefusal, StateSink, Transport } from './consensus-transport.ts';
import { LogCompaction } from './log-compaction.ts';
import type { CompactionOptions, Compacted } from './log-compaction.ts';
import type { Disk } from './log-store-disk.ts';
import type { ConsensusToMain, ExportedState, SnapshotProgress } from './protocol.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

export interface SnapshotsHost {
  readonly disk: Disk;
  /** Of that disk, for the log. */
  readonly reserveBytes: number;
  /** Of the disk of the state store, where that is another one. */
  readonly storeFreeBytes?: (() => number) | undefined;
  /** Of the state store, roughly; undefined: there is none. */
  readonly stateBytes: (() => number) | undefined;
  /** A server that is new to the group and lacks more of the log gets the state instead; 0: never. */
  readonly newServerLogBytes: number;
  /** In the same directory. */
  readonly bulk: BulkFiles;
  readonly timers: Timers;
  readonly transport: Transport;
  readonly random: Random;
  readonly mutants?: Mutants | undefined;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly compaction: CompactionOptions;
  /** Of whole states sent, to all servers together; 0: no limit. */
  readonly bytesPerSecond: number;
  /** Of its time, what this thread works at most on sending them while clients write. */
  readonly busyPercent: number;
  /** How long this thread has worked so far. */
  readonly busyMs: () => number;
  driver(): ConsensusDriver | undefined;
  /** Index that is applied, and the one the state store would survive a power cut with. */
  appliedIndex(): number;
  durableIndex(): number;
  /** Asks the writer to make durable what is applied. */
  syncState(): void;
  post(message: ConsensusToMain): void;
  log(level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const HOUSEKEEPING_MS = 1000;

export class Snapshots {
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #compaction: LogCompaction;
  #keptMs = 0;

  constructor(host: SnapshotsHost) {
    this.#sender = new SnapshotSender(host);
    this.#receiver = new SnapshotReceiver(host);
    this.#compaction = new LogCompaction(host, () => this.#sender.pinnedAt);
  }

  onWanted(peer: NodeId): void {
    this.#sender.onWanted(peer);
  }

  /** For the core: whether the state is to be sent to a peer although the log has what it lacks. */
  prefersState(peer: NodeId, match: number): boolean {
    return this.#sender.prefersState(peer, match);
  }

  onExported(exportId: number, state: ExportedState | undefined, error: string | undefined, isOutOfSpace: boolean): void {
    this.#sender.onExported(exportId, state, error, isOutOfSpace);
  }

  onState(header: StateHeader): StateSink | StateRefusal {
    return this.#receiver.onState(header);
  }

  askToInstall(): void {
    this.#receiver.askToInstall();
  }

  onRefused(index: number): void {
    this.#receiver.onRefused(index);
  }

  /** States that are under way: to peers, and to this server itself. */
  progress(self: NodeId): ReadonlyMap<NodeId, SnapshotProgress> {
    const arriving = this.#receiver.progress();
    const all = this.#sender.progress();
    return arriving === undefined ? all : new Map([...all, [self, arriving]]);
  }

  /** On request: see LogCompaction. */
  compactNow(timeoutMs: number): Promise<Compacted> {
    return this.#compaction.compactNow(timeoutMs);
  }

  onTick(nowMs: number): void {
    this.#sender.onTick(nowMs);
    this.#compaction.onTick();
    if (nowMs - this.#keptMs < HOUSEKEEPING_MS) return;
    this.#keptMs = nowMs;
    this.#receiver.onTick();
    this.#sender.makeRoom();
    this.#compaction.compactBySize();
  }
}
