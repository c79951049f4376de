/**
 * The leader's side of whole states: one export serves all who need it, and each transfer goes on until it has arrived.
 *
 * A transfer that breaks is taken up where it stopped, also after a restart of either side: the file and its header stay until
 * nobody has asked for a while. It ends when the peer has the state in use, needs none any more, or is not heard of.
 */
import { Pace, Rests } from '../base/pace.ts';
import { pause } from '../base/timers.ts';
import type { NodeId } from '../raft/types.ts';
import type { StateHeader } from './consensus-transport.ts';
import type { SnapshotsHost } from './consensus-snapshots.ts';
import { readSmall, removeIfThere, sizeOf, writeSmall } from './log-store-disk.ts';
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
}

const EXPORT_HEADER = 'export.json';
const EXPORT_FILE = /^export-(\d+)\.state$/;
const EXPORT_IDLE_MS = 60_000;
/** A peer that is not heard of for so long is left alone: the core asks again when it is back. */
const GIVE_UP_MS = 60_000;
/** Servers that talk to each other are heard many times in this time. */
const ABSENT_MS = 2000;
const RETRY_MS = 50;
const RETRY_MS_MAX = 1000;
const INSTALLING_MS = 200;
/** A log that has not grown for so long has no writers to be held up. */
const WRITTEN_MS = 200;

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
  #export: Export | undefined;
  #exporting: { readonly id: number; readonly name: string; readonly from: number } | undefined;
  #nextExport = 1;

  constructor(host: SnapshotsHost) {
    this.#host = host;
    this.#pace = new Pace(host.bytesPerSecond, host.nowMs);
    this.#rests = new Rests(host.busyPercent, host.busyMs);
    this.#findExport();
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

  /** What the log must still hold for transfers under way: everything behind this index. */
  get pinnedAt(): number | undefined {
    if (this.#exporting !== undefined) return this.#exporting.from;
    const isUsed = this.#export !== undefined && (this.#export.users > 0 || this.#waiting.size > 0);
    return isUsed ? this.#export!.header.index : undefined;
  }

  progress(): ReadonlyMap<NodeId, SnapshotProgress> {
    const all = new Map<NodeId, SnapshotProgress>();
    for (const peer of this.#waiting) all.set(peer, { phase: 'exporting', bytes: 0, bytesTotal: 0, secondsLeft: undefined });
    for (const [peer, { header, phase, bytes, startedAt, startedMs }] of this.#transfers) {
      const perMs = (bytes - (startedAt ?? 0)) / Math.max(1, this.#host.nowMs() - startedMs);
      const secondsLeft = phase === 'sending' && perMs > 0 ? Math.ceil((header.bytes - bytes) / perMs / 1000) : undefined;
      all.set(peer, { phase, bytes, bytesTotal: header.bytes, secondsLeft });
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

  #isHeard(peer: NodeId): boolean {
    const heardMs = this.#host.driver()?.lastHeardMs(peer);
    return heardMs !== undefined && this.#host.nowMs() - heardMs < ABSENT_MS;
  }

  /** The log goes on from it without a gap. */
  #isUsable({ header }: { readonly header: StateHeader }): boolean {
    const node = this.#host.driver()?.node;
    return node !== undefined && header.index >= node.view.firstIndex - 1 && node.termAt(header.index) === header.term;
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
    if (this.#exporting !== undefined) return;
    this.#drop();
    const id = this.#nextExport++;
    const name = `export-${id}.state`;
    this.#exporting = { id, name, from: this.#host.durableIndex() };
    this.#host.log('info', 'exporting the state for a server that lags too far behind');
    this.#host.post({ kind: 'exportState', exportId: id, path: this.#host.bulk.path(name) });
  }

  onExported(exportId: number, state: ExportedState | undefined, error: string | undefined): void {
    if (this.#exporting?.id !== exportId) return;
    const { name } = this.#exporting;
    this.#exporting = undefined;
    const node = this.#host.driver()?.node;
    const term = state === undefined ? undefined : node?.termAt(state.index);
    if (node === undefined || state === undefined || term === undefined) {
      this.#host.log('warn', `the state could not be exported: ${error ?? `version ${state?.index} is not in the log`}`);
      for (const peer of this.#waiting) node?.snapshotSent(peer, false);
      this.#waiting.clear();
      removeIfThere(this.#host.disk, name);
      return;
    }
    const header: StateHeader = { sha256: state.sha256, index: state.index, term, config: node.configAt(state.index).config, bytes: state.bytes };
    this.#export = { name, header, users: 0, idleSinceMs: 0 };
    writeSmall(this.#host.disk, EXPORT_HEADER, JSON.stringify({ name, header }));
    this.#serve();
  }

  async #transfer(peer: NodeId, ready: Export): Promise<void> {
    const { log, nowMs } = this.#host;
    const { header } = ready;
    const transfer: Transfer = { header, startedMs: nowMs(), phase: 'sending', startedAt: undefined, bytes: 0, movedMs: nowMs() };
    this.#transfers.set(peer, transfer);
    ready.users += 1;
    log('info', `sending the state of ${header.bytes} bytes at ${header.index}`, { peer });
    let isThere = false;
    try {
      isThere = await this.#untilThere(peer, ready, transfer);
      const sent = transfer.bytes - (transfer.startedAt ?? 0);
      if (isThere) log('info', 'the state has arrived and is in use', { peer, index: header.index, sent, seconds: Math.round((nowMs() - transfer.startedMs) / 100) / 10 });
    } catch (error) {
      log('warn', `the state did not arrive: ${(error as Error).message}`, { peer });
    }
    ready.users -= 1;
    this.#transfers.delete(peer);
    const driver = this.#host.driver();
    if (isThere) driver?.node.snapshotSent(peer, true);
    // Left alone after a failure, the core asks again a while later: no transfer in a tight circle.
    driver?.wake();
  }

  /** False: it is not needed any more. */
  async #untilThere(peer: NodeId, ready: Export, transfer: Transfer): Promise<boolean> {
    const { transport, log, nowMs, random } = this.#host;
    let reported = '';
    let retryMs = RETRY_MS;
    while (this.#isWanted(peer)) {
      if (!this.#isUsable(ready)) throw new Error('the log went on without it; a newer one follows');
      try {
        const outcome = await transport.sendState(peer, {
          header: ready.header, open: () => this.#host.bulk.read(ready.name),
          pause: (bytes) => this.#pause(peer, ready, bytes), onProgress: (bytes) => this.#onProgress(peer, transfer, bytes),
        });
        if (outcome === 'there') return true;
        transfer.phase = 'installing';
        this.#moves(peer, transfer);
        retryMs = INSTALLING_MS;
      } catch (error) {
        const { message } = error as Error;
        if (nowMs() - transfer.movedMs > GIVE_UP_MS) throw error;
        if (message !== reported) log('info', `the transfer of the state is interrupted and goes on: ${message}`, { peer, bytes: transfer.bytes });
        reported = message;
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
    if (!this.#isUsable(ready)) throw new Error('the log went on without it');
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
    for (const peer of this.#absent) {
      if (this.#isWanted(peer) && !this.#isHeard(peer)) continue;
      this.#absent.delete(peer);
      if (this.#isWanted(peer)) this.onWanted(peer);
    }
    const ready = this.#export;
    if (ready === undefined) return;
    if (ready.users > 0 || this.#waiting.size > 0) ready.idleSinceMs = 0;
    else if (ready.idleSinceMs === 0) ready.idleSinceMs = nowMs;
    else if (nowMs - ready.idleSinceMs > EXPORT_IDLE_MS) this.#drop();
  }
}
