/**
 * The leader's side of whole states: one export serves all who need it, and each transfer goes on until it has arrived.
 *
 * A transfer that breaks is taken up where it stopped, also after a restart of either side: the file and its header stay until
 * nobody has asked for a while. It ends when the peer has the state in use, needs none any more, or is not heard of.
 */
import { ROOMY } from '../base/disk-space.ts';
import { Pace, Rests } from '../base/pace.ts';
import { pause } from '../base/timers.ts';
import { memberOf } from '../raft/config.ts';
import type { NodeId } from '../raft/types.ts';
import type { StateHeader } from './consensus-transport.ts';
import type { SnapshotsHost } from './consensus-snapshots.ts';
import { DiskFullError, readSmall, removeIfThere, sizeOf, writeSmall } from './log-store-disk.ts';
import type { ExportedState, SnapshotProgress } from './protocol.ts';

interface Export {
  readonly name: string;
  readonly header: StateHeader;
  users: number;
  idleSinceMs: number;
}

interface Transfer {
  readonly header: StateHeader;
  readonly startedMs: number;
  phase: 'sending' | 'installing';
  startedAt: number | undefined;
  bytes: number;
  movedMs: number;
  problem: string | undefined;
}

const EXPORT_HEADER = 'export.json';
const EXPORT_FILE = /^export-(\d+)\.state$/;
const EXPORT_IDLE_MS = 60_000;
/** A peer that is not heard of for so long is left alone: the core asks again when it is back. */
const GIVE_UP_MS = 60_000;
/** Servers that talk to each other are heard many times in this time. */
const ABSENT_MS = 2000;
/** An export that failed would most likely fail again: its disk is full, say. */
const EXPORT_AGAIN_MS = 1000;
const EXPORT_AGAIN_MS_MAX = 10_000;
/** Times the reserve of the disk: what is in use goes where less than that is left. */
const DROPS_BELOW = 1.25;
/** What did not fit is tried again when so much more is free than before, or after so long: who filled the disk may have been another. */
const MORE_SPACE = 1.05;
const EXPORT_ANYWAY_MS = 300_000;
/** A state that is larger than so many times the log that is lacked might take longer than that: a byte of log took 25 to 36 times as long to apply as one of the store to send and take over (decision 030). */
const STATE_PER_LOG = 16;
/** Where a state could not be exported or did not arrive, what the log can do is left to it for so long. */
const LOG_INSTEAD_MS = 600_000;
const RETRY_MS = 50;
const RETRY_MS_MAX = 1000;
const INSTALLING_MS = 200;
/** A log that has not grown for so long has no writers to be held up. */
const WRITTEN_MS = 200;

const UNUSABLE = 'the log went on without it, or its space was needed; a newer one follows';

export class SnapshotSender {
  readonly #host: SnapshotsHost;
  readonly #pace: Pace;
  readonly #rests: Rests;
  /** The end of the log as it was seen last, and when it had grown. */
  #lastIndex = 0;
  #grownMs = Number.NEGATIVE_INFINITY;
  /** Alive, and without a transfer yet. */
  readonly #waiting = new Set<NodeId>();
  /** Nothing is exported, and no log kept, for a server that is not there. */
  readonly #absent = new Set<NodeId>();
  readonly #transfers = new Map<NodeId, Transfer>();
  /** They have the state, up to this index, and not yet what was written meanwhile. */
  readonly #catchingUp = new Map<NodeId, number>();
  #export: Export | undefined;
  #exporting: { readonly id: number; readonly name: string; readonly from: number; readonly freeBytes: number } | undefined;
  #nextExport = 1;
  #exportPauseMs = 0;
  #exportAfterMs = Number.NEGATIVE_INFINITY;
  /** Less did not do for an export at that time. */
  #wantsFreeBytes: number;
  #lackedMs = Number.NEGATIVE_INFINITY;
  /** When a state for a peer could not be written out, or did not arrive there. */
  readonly #failedMs = new Map<NodeId, number>();
  /** Why nothing is exported, for those who wait. */
  #shortage: string | undefined;

  constructor(host: SnapshotsHost) {
    this.#host = host;
    this.#wantsFreeBytes = this.#leavesBytes;
    this.#pace = new Pace(host.bytesPerSecond, host.nowMs);
    this.#rests = new Rests(host.busyPercent, host.busyMs);
    this.#findExport();
  }

  /** An export must leave this to the log and the state store, whose room it takes. */
  get #leavesBytes(): number {
    return this.#host.reserveBytes * ROOMY;
  }

  /** One of an earlier start, if it was complete; what else lies about goes. */
  #findExport(): void {
    const { disk } = this.#host;
    const noted = readSmall(disk, EXPORT_HEADER);
    const known = noted === undefined ? undefined : JSON.parse(noted) as { name: string; header: StateHeader };
    for (const name of disk.list()) {
      const number = EXPORT_FILE.exec(name)?.[1];
      if (number === undefined) continue;
      this.#nextExport = Math.max(this.#nextExport, Number(number) + 1);
      if (name === known?.name && sizeOf(disk, name) === known.header.bytes) this.#export = { name, header: known.header, users: 0, idleSinceMs: 0 };
      else disk.remove(name);
    }
    if (this.#export === undefined) removeIfThere(disk, EXPORT_HEADER);
  }

  /** What the log must still hold for transfers under way, and for those who go on from a state: everything behind this index. */
  get pinnedAt(): number | undefined {
    const isUsed = this.#export !== undefined && (this.#export.users > 0 || this.#waiting.size > 0);
    const pins = [...this.#catchingUp].map(([peer, index]) => Math.max(index, this.#host.driver()?.node.view.progress.get(peer)?.match ?? 0));
    if (this.#exporting !== undefined) pins.push(this.#exporting.from);
    else if (isUsed) pins.push(this.#export!.header.index);
    return pins.length === 0 ? undefined : Math.min(...pins);
  }

  /** Over a slow link a server may lack more behind its state than the log keeps for everybody: without a pin it would be sent the next one, without end. */
  #watchCatchingUp(nowMs: number): void {
    const { compaction, driver } = this.#host;
    for (const peer of this.#catchingUp.keys()) {
      const view = driver()?.node.view;
      const progress = view?.progress.get(peer);
      const isGone = view?.role !== 'leader' || progress === undefined || progress.state === 'snapshot' || nowMs - (driver()?.lastHeardMs(peer) ?? 0) > GIVE_UP_MS;
      if (isGone || progress.match + compaction.keepsEntries >= view.commitIndex) this.#catchingUp.delete(peer);
    }
  }

  progress(): ReadonlyMap<NodeId, SnapshotProgress> {
    const all = new Map<NodeId, SnapshotProgress>();
    for (const peer of this.#waiting) all.set(peer, { phase: 'exporting', bytes: 0, bytesTotal: 0, secondsLeft: undefined, problem: this.#shortage });
    for (const [peer, { header, phase, bytes, startedAt, startedMs, problem }] of this.#transfers) {
      const perMs = (bytes - (startedAt ?? 0)) / Math.max(1, this.#host.nowMs() - startedMs);
      const secondsLeft = phase === 'sending' && perMs > 0 && problem === undefined ? Math.ceil((header.bytes - bytes) / perMs / 1000) : undefined;
      all.set(peer, { phase, bytes, bytesTotal: header.bytes, secondsLeft, problem });
    }
    return all;
  }

  onWanted(peer: NodeId): void {
    if (this.#transfers.has(peer)) return;
    if (!this.#isHeard(peer)) {
      this.#absent.add(peer);
      return;
    }
    this.#waiting.add(peer);
    this.#serve();
  }

  /**
   * Applying the log takes many times as long for each byte as taking over a state. A server that votes gets the log all the same: what is to be committed
   * may wait for it, and to have the log it need not have applied it.
   */
  prefersState(peer: NodeId, match: number): boolean {
    const { driver: driverOf, newServerLogBytes, stateBytes, nowMs } = this.#host;
    const driver = driverOf();
    if (driver === undefined || stateBytes === undefined || newServerLogBytes === 0) return false;
    const isNew = memberOf(driver.node.view.config.config, peer)?.voter === false;
    if (!isNew || this.#shortage !== undefined || nowMs() < (this.#failedMs.get(peer) ?? Number.NEGATIVE_INFINITY) + LOG_INSTEAD_MS) return false;
    const lacks = driver.store.bytesBehind(match);
    return lacks > newServerLogBytes && stateBytes() < lacks * STATE_PER_LOG;
  }

  #isHeard(peer: NodeId): boolean {
    const heardMs = this.#host.driver()?.lastHeardMs(peer);
    return heardMs !== undefined && this.#host.nowMs() - heardMs < ABSENT_MS;
  }

  /** The log goes on from it without a gap. */
  #isUsable(ready: Export): boolean {
    const { header } = ready;
    const node = this.#host.driver()?.node;
    return ready === this.#export && node !== undefined && header.index >= node.view.firstIndex - 1 && node.termAt(header.index) === header.term;
  }

  #serve(): void {
    if (this.#host.driver() === undefined || this.#waiting.size === 0) return;
    const ready = this.#export;
    if (ready !== undefined && this.#isUsable(ready)) {
      const peers = [...this.#waiting];
      this.#waiting.clear();
      for (const peer of peers) void this.#transfer(peer, ready);
      return;
    }
    if (this.#exporting !== undefined || this.#host.nowMs() < this.#exportAfterMs) return;
    for (const peer of this.#waiting) if (!this.#isWanted(peer)) this.#waiting.delete(peer);
    if (this.#waiting.size === 0) return;
    this.#drop();
    const freeBytes = this.#host.disk.freeBytes();
    if (this.#host.nowMs() - this.#lackedMs > EXPORT_ANYWAY_MS) this.#wantsFreeBytes = this.#leavesBytes;
    if (freeBytes < this.#wantsFreeBytes) return this.#lackSpace(this.#wantsFreeBytes);
    this.#shortage = undefined;
    const id = this.#nextExport++;
    const name = `export-${id}.state`;
    this.#exporting = { id, name, from: this.#host.durableIndex(), freeBytes };
    this.#host.log('info', 'exporting the state for a server that lags too far behind');
    this.#host.post({ kind: 'exportState', exportId: id, path: this.#host.bulk.path(name) });
  }

  /** Nothing is exported until there is that much. */
  #lackSpace(wantedBytes: number): void {
    const isNews = this.#shortage === undefined;
    if (wantedBytes !== this.#wantsFreeBytes) this.#lackedMs = this.#host.nowMs();
    this.#wantsFreeBytes = wantedBytes;
    this.#shortage = `the disk of the leader has no room to write the state to: it needs ${Math.ceil(wantedBytes / 1e6)} MB free`;
    if (isNews) this.#host.log('warn', 'a server needs the state, and there is no room here to write it to a file beside the log: it waits until there is', { freeBytes: this.#host.disk.freeBytes(), wantedBytes });
  }

  onExported(exportId: number, state: ExportedState | undefined, error: string | undefined, isOutOfSpace = false): void {
    if (this.#exporting?.id !== exportId) return;
    const { name, freeBytes } = this.#exporting;
    this.#exporting = undefined;
    const node = this.#host.driver()?.node;
    const term = state === undefined ? undefined : node?.termAt(state.index);
    if (node === undefined || state === undefined || term === undefined) {
      removeIfThere(this.#host.disk, name);
      if (isOutOfSpace) this.#lackSpace(Math.max(this.#wantsFreeBytes, Math.ceil(freeBytes * MORE_SPACE)));
      else this.#onNotExported(error ?? `version ${state?.index} is not in the log`);
      return;
    }
    const header: StateHeader = { sha256: state.sha256, index: state.index, term, config: node.configAt(state.index).config, bytes: state.bytes };
    try {
      writeSmall(this.#host.disk, EXPORT_HEADER, JSON.stringify({ name, header }));
    } catch (failure) {
      if (!(failure instanceof DiskFullError)) throw failure;
      removeIfThere(this.#host.disk, name);
      this.#onNotExported(failure.message);
      return;
    }
    this.#exportPauseMs = 0;
    this.#wantsFreeBytes = this.#leavesBytes;
    this.#export = { name, header, users: 0, idleSinceMs: 0 };
    this.#serve();
  }

  #onNotExported(why: string): void {
    this.#exportPauseMs = Math.min(EXPORT_AGAIN_MS_MAX, Math.max(EXPORT_AGAIN_MS, this.#exportPauseMs * 2));
    this.#exportAfterMs = this.#host.nowMs() + this.#exportPauseMs;
    this.#host.log('warn', `the state could not be exported: ${why}`);
    for (const peer of this.#waiting) {
      this.#failedMs.set(peer, this.#host.nowMs());
      this.#host.driver()?.node.snapshotSent(peer, false);
    }
    this.#waiting.clear();
  }

  /** The file and the log behind it go before they take from this server what it needs for itself. */
  makeRoom(): void {
    const ready = this.#export;
    if ((ready === undefined && this.#catchingUp.size === 0) || this.#host.disk.freeBytes() >= this.#host.reserveBytes * DROPS_BELOW) return;
    this.#catchingUp.clear();
    if (ready === undefined) return;
    if (ready.users > 0) this.#lackSpace(ready.header.bytes + this.#leavesBytes);
    this.#drop();
  }

  async #transfer(peer: NodeId, ready: Export): Promise<void> {
    const { log, nowMs } = this.#host;
    const { header } = ready;
    const transfer: Transfer = { header, startedMs: nowMs(), phase: 'sending', startedAt: undefined, bytes: 0, movedMs: nowMs(), problem: undefined };
    this.#transfers.set(peer, transfer);
    ready.users += 1;
    log('info', `sending the state of ${header.bytes} bytes at ${header.index}`, { peer });
    let isThere = false;
    try {
      isThere = await this.#untilThere(peer, ready, transfer);
      const sent = transfer.bytes - (transfer.startedAt ?? 0);
      if (isThere) log('info', 'the state has arrived and is in use', { peer, index: header.index, sent, seconds: Math.round((nowMs() - transfer.startedMs) / 100) / 10 });
    } catch (error) {
      this.#failedMs.set(peer, nowMs());
      log('warn', `the state did not arrive: ${(error as Error).message}`, { peer });
    }
    ready.users -= 1;
    this.#transfers.delete(peer);
    const driver = this.#host.driver();
    if (isThere) {
      driver?.node.snapshotSent(peer, true);
      this.#catchingUp.set(peer, header.index);
    }
    // Left alone after a failure, the core asks again a while later: no transfer in a tight circle.
    driver?.wake();
  }

  /** False: it is not needed any more. */
  async #untilThere(peer: NodeId, ready: Export, transfer: Transfer): Promise<boolean> {
    const { transport, log, nowMs, random } = this.#host;
    let reported = '';
    let retryMs = RETRY_MS;
    while (this.#isWanted(peer)) {
      if (!this.#isUsable(ready)) throw new Error(UNUSABLE);
      try {
        const outcome = await transport.sendState(peer, {
          header: ready.header, open: () => this.#host.bulk.read(ready.name),
          pause: (bytes) => this.#pause(peer, ready, bytes), onProgress: (bytes) => this.#onProgress(peer, transfer, bytes),
        });
        if (outcome === 'there') return true;
        transfer.phase = 'installing';
        transfer.problem = undefined;
        this.#moves(peer, transfer);
        retryMs = INSTALLING_MS;
      } catch (error) {
        const { message } = error as Error;
        if (nowMs() - transfer.movedMs > GIVE_UP_MS) throw error;
        transfer.problem = message;
        // The numbers in it may change each time.
        const kind = message.replaceAll(/[\d.]+/g, '');
        if (kind !== reported) log('info', `the transfer of the state is interrupted and goes on: ${message}`, { peer, bytes: transfer.bytes });
        reported = kind;
        retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
      }
      await pause(this.#host.timers, retryMs * (0.5 + random.next() / 2));
    }
    return false;
  }

  /** A peer may be restarted in the middle, which the core answers with a probe. */
  #isWanted(peer: NodeId): boolean {
    const view = this.#host.driver()?.node.view;
    const progress = view?.progress.get(peer);
    return view?.role === 'leader' && progress !== undefined && progress.state !== 'replicate';
  }

  #pause(peer: NodeId, ready: Export, bytes: number): number {
    if (!this.#isWanted(peer)) throw new Error('the peer needs no state any more');
    if (!this.#isUsable(ready)) throw new Error(UNUSABLE);
    return Math.max(this.#pace.take(bytes), this.#rests.next(this.#isWritten()));
  }

  /** Whether clients write just now. */
  #isWritten(): boolean {
    const lastIndex = this.#host.driver()?.node.view.lastIndex ?? 0;
    if (lastIndex !== this.#lastIndex) this.#grownMs = this.#host.nowMs();
    this.#lastIndex = lastIndex;
    return this.#host.nowMs() - this.#grownMs < WRITTEN_MS;
  }

  #onProgress(peer: NodeId, transfer: Transfer, bytes: number): void {
    transfer.phase = 'sending';
    transfer.problem = undefined;
    transfer.startedAt ??= bytes;
    // What a broken attempt had on its way may be taken back.
    if (bytes < transfer.startedAt) transfer.startedAt = bytes;
    transfer.bytes = bytes;
    this.#moves(peer, transfer);
  }

  #moves(peer: NodeId, transfer: Transfer): void {
    transfer.movedMs = this.#host.nowMs();
    this.#host.driver()?.node.snapshotMoves(peer, transfer.header.index);
  }

  #drop(): void {
    if (this.#export === undefined) return;
    removeIfThere(this.#host.disk, EXPORT_HEADER);
    removeIfThere(this.#host.disk, this.#export.name);
    this.#export = undefined;
  }

  onTick(nowMs: number): void {
    this.#watchCatchingUp(nowMs);
    for (const peer of this.#absent) {
      if (this.#isWanted(peer) && !this.#isHeard(peer)) continue;
      this.#absent.delete(peer);
      if (this.#isWanted(peer)) this.onWanted(peer);
    }
    this.#serve();
    const ready = this.#export;
    if (ready === undefined) return;
    if (ready.users > 0 || this.#waiting.size > 0) ready.idleSinceMs = 0;
    else if (ready.idleSinceMs === 0) ready.idleSinceMs = nowMs;
    else if (nowMs - ready.idleSinceMs > EXPORT_IDLE_MS) this.#drop();
  }
}
