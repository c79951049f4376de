/**
 * The consensus thread's side of the main thread's port: status, read indexes, requests between main threads, and orders.
 */
import { unreachable } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import type { NodeView } from '../raft/node.ts';
import { ENTRY_DATA } from '../raft/types.ts';
import type { NodeId } from '../raft/types.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { ConsensusGroup } from './consensus-group.ts';
import type { Transport } from './consensus-transport.ts';
import { pack } from './packed.ts';
import type { Port } from './ports.ts';
import type { ConsensusToMain, ExportedState, GroupStatus, LogEntries, MainToConsensus, SnapshotDone } from './protocol.ts';

export interface MainHost {
  readonly nodeId: NodeId;
  readonly transport: Transport;
  readonly heartbeatMs: number;
  readonly nowMs: () => number;
  driver(): ConsensusDriver | undefined;
  group(): ConsensusGroup | undefined;
  status(): GroupStatus;
  onStoreFull(): void;
  onExported(exportId: number, state: ExportedState | undefined, error: string | undefined, isOutOfSpace: boolean): void;
  onStateRefused(index: number): void;
  snapshot(address: string | undefined, timeoutMs: number): Promise<SnapshotDone>;
  stop(timeoutMs: number, leave: boolean): Promise<StopOutcome>;
}

export interface StopOutcome {
  readonly left: boolean;
  readonly reason: string;
}

interface Handover {
  readonly resolve: (done: { readonly leaderId: NodeId }) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
}

interface PendingRead {
  readonly id: number;
  readonly deadlineMs: number;
  askedMs: number;
}

const NOTHING = new Uint8Array(0);

export class MainSide {
  readonly #port: Port<MainToConsensus, ConsensusToMain>;
  readonly #host: MainHost;
  /** By the id of the current attempt. */
  readonly #reads = new Map<number, PendingRead>();
  #readsToRetry: PendingRead[] = [];
  #nextRead = 1;
  readonly #calls = new Map<number, (bytes: Uint8Array) => void>();
  #nextCall = 1;
  readonly #transfers: Handover[] = [];

  constructor(port: Port<MainToConsensus, ConsensusToMain>, host: MainHost) {
    this.#port = port;
    this.#host = host;
  }

  post(message: ConsensusToMain): void {
    this.#port.postMessage(message);
  }

  #reply(id: number, ok: unknown): void {
    this.post({ kind: 'reply', id, ok });
  }

  #fail(id: number, error: unknown): void {
    const code = error instanceof DbError ? error.code : 'Internal';
    this.post({ kind: 'replyError', id, code, message: error instanceof Error ? error.message : String(error) });
  }

  onMessage(message: MainToConsensus): void {
    switch (message.kind) {
      case 'status':
        this.#reply(message.id, this.#host.status());
        return;
      case 'readIndex':
        this.#read({ id: message.id, deadlineMs: this.#host.nowMs() + message.timeoutMs, askedMs: 0 });
        return;
      case 'peerRequest':
        this.#peerRequest(message.id, message.to, message.bytes, message.timeoutMs);
        return;
      case 'peerAnswer': {
        const answer = this.#calls.get(message.callId);
        this.#calls.delete(message.callId);
        answer?.(message.bytes);
        return;
      }
      case 'stateExported':
        this.#host.onExported(message.exportId, message.state, message.error, message.isOutOfSpace === true);
        return;
      case 'stateRefused':
        this.#host.onStateRefused(message.index);
        return;
      case 'snapshot':
        this.#host.snapshot(message.address, message.timeoutMs).then((done) => this.#reply(message.id, done), (error: unknown) => this.#fail(message.id, error));
        return;
      case 'logEntries':
        try {
          const entries = this.#logEntries(message.from, message.to, message.bytesMax);
          this.#port.postMessage({ kind: 'reply', id: message.id, ok: entries } satisfies ConsensusToMain, [entries.data.bytes.buffer as ArrayBuffer]);
        } catch (error) {
          this.#fail(message.id, error);
        }
        return;
      case 'storeFull':
        this.#host.onStoreFull();
        return;
      case 'transferLeader':
        this.#order(message.id, () => this.transferLeader(message.address, message.timeoutMs));
        return;
      case 'addPeer':
        this.#order(message.id, (group) => group.addByAddress(message.address, message.timeoutMs));
        return;
      case 'removePeer':
        this.#order(message.id, (group) => group.removeNamed(message.address, message.timeoutMs));
        return;
      case 'stop':
        void this.#host.stop(message.timeoutMs, message.leave ?? false).then((outcome) => this.#reply(message.id, outcome), (error: unknown) => this.#fail(message.id, error));
        return;
      default:
        unreachable(message);
    }
  }

  #order(id: number, work: (group: ConsensusGroup) => Promise<unknown>): void {
    const group = this.#host.group();
    if (group === undefined) {
      this.#fail(id, new DbError('NoLeader', 'this server belongs to no group yet'));
      return;
    }
    work(group).then((ok) => this.#reply(id, ok), (error: unknown) => this.#fail(id, error));
  }

  #logEntries(from: number, to: number, bytesMax: number): LogEntries {
    const driver = this.#host.driver();
    if (driver === undefined) throw new DbError('NoLeader', 'this server belongs to no group yet');
    const { store, node: { view: { firstIndex, commitIndex } } } = driver;
    if (from < firstIndex) throw new DbError('LogNotKept', `the log of this server begins at version ${firstIndex}; ${from} is gone`, { facts: { first: firstIndex } });
    const last = Math.min(to, commitIndex, store.lastIndex);
    const entries = from > last ? [] : store.entries(from, last, bytesMax);
    return {
      first: from, kinds: entries.map(({ kind }) => (kind === ENTRY_DATA ? 1 : 0)),
      data: pack(entries.map(({ kind, data }) => (kind === ENTRY_DATA ? data : NOTHING))),
    };
  }

  // ---- reads ----

  #read(read: PendingRead): void {
    const driver = this.#host.driver();
    if (driver === undefined) {
      this.#fail(read.id, new DbError('NoLeader', 'this server belongs to no group yet'));
      return;
    }
    read.askedMs = this.#host.nowMs();
    // A new id for each attempt: a late answer to an old one must not count for the new (etcd issue 20418).
    const attempt = this.#nextRead++;
    this.#reads.set(attempt, read);
    driver.node.read(attempt);
    driver.wake();
  }

  onRead(attempt: number, index: number): void {
    const read = this.#reads.get(attempt);
    if (read === undefined) return;
    this.#reads.delete(attempt);
    this.#reply(read.id, index);
  }

  onReadFailed(attempt: number): void {
    const read = this.#reads.get(attempt);
    if (read === undefined) return;
    this.#reads.delete(attempt);
    this.#readsToRetry.push(read);
  }

  onTick(nowMs: number): void {
    this.#retryReads(nowMs);
    while (this.#transfers.length > 0 && this.#transfers[0]!.deadlineMs <= nowMs) {
      this.#transfers.shift()!.reject(new DbError('Timeout', 'leadership was not handed over in time'));
    }
  }

  #retryReads(nowMs: number): void {
    if (this.#reads.size === 0 && this.#readsToRetry.length === 0) return;
    const again = this.#readsToRetry;
    this.#readsToRetry = [];
    const isLeader = this.#host.driver()?.node.view.role === 'leader';
    const forgotten = new Set<number>();
    for (const [attempt, read] of this.#reads) {
      // A leader repeats its round by itself; a question to another server may be lost.
      const isLate = !isLeader && nowMs - read.askedMs > this.#host.heartbeatMs * 4;
      if (!isLate && nowMs < read.deadlineMs) continue;
      forgotten.add(attempt);
      again.push(read);
    }
    if (forgotten.size > 0) this.#host.driver()?.node.forgetReads(forgotten);
    for (const attempt of forgotten) this.#reads.delete(attempt);
    for (const read of again) {
      if (nowMs < read.deadlineMs) this.#read(read);
      else this.#fail(read.id, new DbError('NoLeader', 'no leader confirmed its leadership in time'));
    }
  }

  // ---- between main threads ----

  #peerRequest(id: number, to: string, bytes: Uint8Array, timeoutMs: number): void {
    const target = to === 'leader' ? this.#host.driver()?.node.view.leader : to;
    if (target === undefined) {
      this.#fail(id, new DbError('NoLeader', 'no leader is known'));
      return;
    }
    if (target === this.#host.nodeId) {
      this.onRequest(target, bytes, (answer) => this.post({ kind: 'peerReply', id, bytes: answer }));
      return;
    }
    this.#host.transport.request(target, bytes, timeoutMs).then(
      (answer) => this.post({ kind: 'peerReply', id, bytes: answer }),
      (error: unknown) => this.#fail(id, error),
    );
  }

  onRequest(from: NodeId, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    const callId = this.#nextCall++;
    this.#calls.set(callId, answer);
    // A copy with memory of its own: a view would clone the whole network buffer under it.
    const own = new Uint8Array(bytes);
    this.#port.postMessage({ kind: 'peerCall', callId, from, bytes: own } satisfies ConsensusToMain, [own.buffer]);
  }

  // ---- leadership ----

  /** Hands leadership to the server at that address, or to the best one; resolves when another server leads. */
  transferLeader(address: string | undefined, timeoutMs: number): Promise<{ readonly leaderId: NodeId }> {
    const driver = this.#host.driver();
    if (driver === undefined || driver.node.view.role !== 'leader') return Promise.reject(new DbError('NotLeader', 'only the leader can hand over'));
    return new Promise((resolve, reject) => {
      const to = address === undefined ? undefined : this.#host.group()!.memberAt(address).id;
      const refused = driver.node.transfer(to);
      if (refused !== undefined) throw new DbError('InvalidRequest', refused);
      if (to === this.#host.nodeId) resolve({ leaderId: to });
      else this.#transfers.push({ resolve, reject, deadlineMs: this.#host.nowMs() + timeoutMs });
      driver.wake();
    });
  }

  onRole(view: NodeView): void {
    if (view.leader === undefined || this.#transfers.length === 0 || view.isTransferring) return;
    if (view.leader === this.#host.nodeId && view.role === 'leader') return;
    for (const { resolve } of this.#transfers.splice(0)) resolve({ leaderId: view.leader });
  }

  onTransferEnded(ok: boolean): void {
    if (ok) return;
    for (const { reject } of this.#transfers.splice(0)) reject(new DbError('Timeout', 'the new leader did not catch up or did not answer in time'));
  }
}
