/**
 * The consensus thread's side of the writer's port: proposals in, committed entries out, each exactly once and in order.
 *
 * A proposal is settled by what is committed at its index: our term there means it is ours, another term means that it
 * lost its place for good. So does a later term at a lower index: terms never fall along a log, so no log that holds what
 * is committed can hold the proposal (nobody may write for hours, and its own index would stay empty). Being cut off from
 * our own log settles nothing, since another server may still hold the entry and commit it: after a time without the lead its client
 * is told that the outcome is unknown, or it would wait for as long as this server is cut off.
 *
 * Deliveries stop when too many bytes are out that the writer has not applied, and go on when it says it has.
 */
import { assert, unreachable } from '../base/assert.ts';
import { ENTRY_DATA } from '../raft/types.ts';
import type { NodeView, RaftNode } from '../raft/node.ts';
import type { Mutants } from '../raft/state.ts';
import type { Entry, LogReader } from '../raft/types.ts';
import { pack, unpack } from './packed.ts';
import type { ConsensusToWriter, Packed, WriterToConsensus } from './protocol.ts';

export interface WriterLimits {
  readonly maxEntryBytes: number;
  /** Bytes delivered and not yet applied. */
  readonly aheadBytesMax: number;
  /** A witness applies nothing: what is committed counts as applied, and it never offers to lead writes. */
  readonly isWitness?: boolean;
  /** How long a proposal stays open once the lead is lost. */
  readonly doubtMs: number;
  readonly mutants?: Mutants;
}

/** What of the driver this side needs. */
export interface WriterHost {
  readonly node: RaftNode;
  readonly store: LogReader;
  readonly isDiskFull: boolean;
  wake(): void;
}

export interface WriterPort {
  postMessage(message: ConsensusToWriter, transfer: readonly ArrayBuffer[]): void;
}

interface Open {
  readonly id: number;
  readonly term: number;
}

const DELIVERY_BYTES = 1 << 20;

export class WriterSide {
  readonly #port: WriterPort;
  readonly #driver: WriterHost;
  readonly #limits: WriterLimits;
  readonly #open = new Map<number, Open[]>();
  #openCount = 0;
  #commit = 0;
  #delivered: number;
  /** Term of the last entry that was delivered. */
  #term = 0;
  #applied: number;
  #durable: number;
  /** What is out, by delivery: last index and bytes. */
  #ahead: { readonly last: number; readonly bytes: number }[] = [];
  #aheadBytes = 0;
  #leading: number | undefined;
  /** Since when proposals are open that this server does not lead any more. */
  #inDoubtSinceMs: number | undefined;
  #refusedEpoch = 0;
  #told: 'nothing' | 'leading' | 'following' = 'nothing';
  readonly counters = { proposed: 0, committed: 0, lost: 0, refused: 0, deliveries: 0 };

  constructor(port: WriterPort, driver: WriterHost, limits: WriterLimits, appliedIndex: number) {
    this.#port = port;
    this.#driver = driver;
    this.#limits = limits;
    this.#delivered = appliedIndex;
    this.#applied = appliedIndex;
    this.#durable = appliedIndex;
  }

  get appliedIndex(): number {
    return this.#applied;
  }
  get durableIndex(): number {
    return this.#durable;
  }
  get openCount(): number {
    return this.#openCount;
  }

  onMessage(message: WriterToConsensus): void {
    switch (message.kind) {
      case 'propose':
        this.#propose(message);
        return;
      case 'applied':
        this.#onApplied(message.index, message.durable);
        return;
      default:
        unreachable(message);
    }
  }

  #propose({ term, epoch, ids, data }: Extract<WriterToConsensus, { kind: 'propose' }>): void {
    assert(ids.length === data.lengths.length && ids.length > 0, 'one id for each proposed entry');
    const result = this.#tryPropose(term, epoch, data);
    if (typeof result === 'string') {
      this.#refusedEpoch = Math.max(this.#refusedEpoch, epoch);
      return this.#refuse(ids, result);
    }
    for (const [i, id] of ids.entries()) this.#register(result.first + i, { id, term: result.term });
    this.counters.proposed += ids.length;
    this.#driver.wake();
  }

  /** What follows a refused proposal was built on it, so the rest of its epoch is refused as well. */
  #tryPropose(term: number, epoch: number, data: Packed): ReturnType<RaftNode['propose']> | 'disk-full' {
    if (this.#leading !== term || epoch <= this.#refusedEpoch) return 'not-leader';
    if (this.#driver.isDiskFull) return 'disk-full';
    const parts = unpack(data);
    if (parts.some((part) => part.length > this.#limits.maxEntryBytes)) return 'busy';
    const result = this.#driver.node.propose(parts);
    // While leadership is handed over there is no use in waiting here: the next leader takes it.
    return result === 'busy' && this.#driver.node.view.isTransferring ? 'not-leader' : result;
  }

  #register(index: number, open: Open): void {
    const known = this.#open.get(index);
    if (known === undefined) this.#open.set(index, [open]);
    else known.push(open);
    this.#openCount += 1;
  }

  #refuse(ids: readonly number[], reason: 'not-leader' | 'busy' | 'disk-full' | 'lost' | 'unknown'): void {
    if (reason === 'lost') this.counters.lost += ids.length;
    else this.counters.refused += ids.length;
    this.#post({ kind: 'rejected', ids, reason });
  }

  #onApplied(index: number, durable: number): void {
    assert(index <= this.#delivered, 'the writer applies what was delivered');
    this.#applied = Math.max(this.#applied, index);
    this.#durable = Math.max(this.#durable, durable);
    while (this.#ahead.length > 0 && this.#ahead[0]!.last <= index) this.#aheadBytes -= this.#ahead.shift()!.bytes;
    this.#driver.node.appliedTo(this.#applied);
    this.#deliver();
  }

  /** The writer makes durable what it has applied, and says so. */
  syncState(): void {
    this.#post({ kind: 'sync' });
  }

  onCommit(index: number): void {
    this.#commit = index;
    if (this.#limits.isWitness === true) {
      this.#delivered = index;
      this.#applied = index;
      this.#durable = index;
      this.#driver.node.appliedTo(index);
      return;
    }
    this.#deliver();
  }

  onRole(view: NodeView): void {
    this.#leading = view.role === 'leader' && view.isReady && this.#limits.isWitness !== true ? view.term : undefined;
    if (this.#leading !== undefined) {
      this.#told = 'leading';
      this.#post({ kind: 'leading', term: view.term, readyIndex: view.readyIndex });
    } else if (this.#told !== 'following') {
      this.#told = 'following';
      this.#post({ kind: 'following', term: view.term });
    }
  }

  onTick(nowMs: number): void {
    if (this.#leading !== undefined || this.#openCount === 0) {
      this.#inDoubtSinceMs = undefined;
      return;
    }
    this.#inDoubtSinceMs ??= nowMs;
    if (nowMs - this.#inDoubtSinceMs >= this.#limits.doubtMs) this.close();
  }

  #deliver(): void {
    while (this.#delivered < this.#commit && this.#aheadBytes < this.#limits.aheadBytesMax) {
      const entries = this.#driver.store.entries(this.#delivered + 1, this.#commit, DELIVERY_BYTES);
      this.#deliverBatch(entries);
    }
  }

  #deliverBatch(entries: readonly Entry[]): void {
    const first = entries[0]!.index;
    assert(first === this.#delivered + 1, 'deliveries have no gaps');
    const data = pack(entries.map((entry) => (entry.kind === ENTRY_DATA ? entry.data : EMPTY)));
    const lost: number[] = [];
    const ids = entries.map((entry) => this.#settle(entry, lost));
    this.#delivered = entries.at(-1)!.index;
    this.#dropOvertaken(entries.at(-1)!.term, lost);
    // Even an empty entry costs something to handle.
    const bytes = data.bytes.length + entries.length * 64;
    this.#ahead.push({ last: this.#delivered, bytes });
    this.#aheadBytes += bytes;
    this.counters.deliveries += 1;
    if (lost.length > 0) this.#refuse(lost, 'lost');
    this.#post({
      kind: 'committed', first, terms: entries.map((entry) => entry.term), ids,
      kinds: entries.map((entry) => (entry.kind === ENTRY_DATA ? 1 : 0)), data,
    }, data.bytes);
  }

  #settle(entry: Entry, lost: number[]): number {
    const waiting = this.#open.get(entry.index);
    if (waiting === undefined) return 0;
    this.#open.delete(entry.index);
    this.#openCount -= waiting.length;
    let mine = 0;
    for (const open of waiting) {
      if (open.term === entry.term) mine = open.id;
      else lost.push(open.id);
    }
    if (mine !== 0) this.counters.committed += 1;
    return mine;
  }

  /** An entry of `term` is committed: what was proposed in earlier terms and is not, never will be. */
  #dropOvertaken(term: number, lost: number[]): void {
    if (term === this.#term || this.#limits.mutants?.has('overtaken-stay-open') === true) return;
    this.#term = term;
    for (const [at, waiting] of this.#open) {
      const left = waiting.filter((open) => open.term >= term);
      if (left.length === waiting.length) continue;
      this.#openCount -= waiting.length - left.length;
      lost.push(...waiting.filter((open) => open.term < term).map((open) => open.id));
      if (left.length === 0) this.#open.delete(at);
      else this.#open.set(at, left);
    }
  }

  /** A snapshot replaced the log up to `index`: what became of proposals in there cannot be found out. */
  onInstalled(index: number): void {
    const unknown: number[] = [];
    for (const [at, waiting] of this.#open) {
      if (at > index) continue;
      this.#open.delete(at);
      this.#openCount -= waiting.length;
      unknown.push(...waiting.map((open) => open.id));
    }
    if (unknown.length > 0) this.#refuse(unknown, 'unknown');
    this.#delivered = Math.max(this.#delivered, index);
    this.#applied = Math.max(this.#applied, index);
    this.#ahead = [];
    this.#aheadBytes = 0;
  }

  /** Nobody will hear of the proposals that are open. Those of them that are committed all the same are applied as any other server's. */
  close(): void {
    const ids = [...this.#open.values()].flat().map((open) => open.id);
    this.#open.clear();
    this.#openCount = 0;
    if (ids.length > 0) this.#refuse(ids, 'unknown');
  }

  #post(message: ConsensusToWriter, transfer?: Uint8Array): void {
    this.#port.postMessage(message, transfer === undefined ? [] : [transfer.buffer as ArrayBuffer]);
  }
}

const EMPTY = new Uint8Array(0);
