/**
 * One simulated server: the real core, the real log store on a disk that forgets, the real writer's side, and a toy
 * state machine (a map) with a durable copy that lags behind.
 */
import { leaseMsFor } from '../../src/raft/lease.ts';
import { RaftNode } from '../../src/raft/node.ts';
import type { Effects, NodeView } from '../../src/raft/node.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { Mutants, RaftOptions } from '../../src/raft/state.ts';
import type { Config, HardState, NodeId, Persist } from '../../src/raft/types.ts';
import { WriterSide } from '../../src/replica/consensus-writer.ts';
import { LogStore } from '../../src/replica/log-store.ts';
import type { ConsensusToWriter } from '../../src/replica/protocol.ts';
import type { Random } from '../../src/base/random.ts';
import { DiskImage, Violation, WINDOW } from './checker.ts';
import { DiskFullError } from '../../src/replica/log-store-disk.ts';
import { PowerCut, SimDisk, SyncFailed } from './disk.ts';
import type { Cluster } from './cluster.ts';

export interface Machine {
  index: number;
  /** Of the entry at `index`, and the configuration there: what a log needs to begin behind this state. */
  term: number;
  config: Config;
  hash: string;
  readonly values: Map<string, string>;
}

export function copyMachine(machine: Machine): Machine {
  return { ...machine, values: new Map(machine.values) };
}

export interface SimSnapshot {
  readonly machine: Machine;
}

export const TICK_MS = 10;

export class SimServer {
  readonly id: NodeId;
  readonly disk: SimDisk;
  readonly isWitness: boolean;
  readonly image = new DiskImage();
  isUp = false;
  boots = 0;
  node!: RaftNode;
  store!: LogStore;
  writer!: WriterSide;
  machine: Machine = { index: 0, term: 0, config: { members: [] }, hash: '', values: new Map() };
  leadingTerm: number | undefined;
  #durable: Machine = copyMachine(this.machine);
  readonly #cluster: Cluster;
  readonly #random: Random;
  /** Writes handed out by the core: the first may be on its way to the disk. */
  #writes: Persist[] = [];
  #isWriting = false;
  #isTurnScheduled = false;
  #pausedUntil = 0;
  #inbox: { readonly from: NodeId; readonly message: Message }[] = [];
  readonly #tickRate: number;
  slowDisk = false;
  #diskStallMs = 0;
  /** Extra milliseconds before it reacts to anything. */
  lagMs = 0;
  /** Its disk was wiped or proved rotten: this identity never comes back. */
  isGone = false;
  #clockJumpMs = 0;
  #host!: { readonly node: RaftNode; readonly store: LogStore; isDiskFull: boolean; wake(): void };
  #installs = 0;
  readonly readsDone = new Map<number, (index: number) => void>();
  readonly proposals = new Map<number, { readonly data: string; settle(outcome: string, index: number): void }>();

  constructor(cluster: Cluster, id: NodeId, random: Random, isWitness = false) {
    this.isWitness = isWitness;
    this.#cluster = cluster;
    this.#random = random;
    this.id = id;
    this.disk = new SimDisk(random);
    this.#tickRate = 0.99 + random.next() * 0.02;
  }

  get view(): NodeView {
    return this.node.view;
  }

  get durableStateIndex(): number {
    return this.#durable.index;
  }

  /** Its monotonic clock: runs a little fast or slow, and may once in a while jump within what leases allow for. */
  get clockMs(): number {
    return this.#cluster.time.now / this.#tickRate + this.#clockJumpMs;
  }

  /** Its next write takes so much longer. */
  stallDisk(ms: number): void {
    this.#diskStallMs = ms;
  }

  jumpClock(ms: number): void {
    this.#clockJumpMs += ms;
  }

  /** Would answer a linearizable read by its lease at this true instant. */
  get hasLease(): boolean {
    if (!this.isUp || this.isPaused) return false;
    this.node.now(this.clockMs);
    return this.node.hasLease;
  }

  get isPaused(): boolean {
    return this.#cluster.time.now < this.#pausedUntil;
  }

  start(bootstrap?: Config, encoded?: Uint8Array): void {
    this.boots += 1;
    const mutants: Mutants = this.#cluster.mutants;
    this.store = this.#openStore();
    if (bootstrap !== undefined && encoded !== undefined) {
      const first: Persist = {
        seq: 1, hard: { term: 1, votedFor: undefined }, start: undefined, truncateFrom: undefined,
        entries: [{ index: 1, term: 1, kind: 2, data: encoded }],
      };
      this.store.persist(first);
      this.#saved(first);
      this.store = this.#openStore();
    }
    this.#checkRecovered();
    this.machine = copyMachine(this.#durable);
    if (!this.isWitness) this.#bringLogToState();
    const options: RaftOptions = {
      id: this.id, electionTicks: 20, heartbeatTicks: 5, batchBytesMax: WINDOW.batchBytes, windowMessages: WINDOW.messages, windowBytes: WINDOW.bytes, uncommittedBytesMax: 6000,
      pendingReadsMax: 50, witnessMayLead: true, random: () => this.#random.next(), readIdBase: this.boots * 1e6, mutants,
      electionMs: 200, commitNoticeMs: 5, leaseMs: this.#cluster.rates.leases ? leaseMsFor(200, 20) : 0,
      prefersState: () => this.#cluster.prefersState(),
    };
    this.node = new RaftNode(options, this.store, this.store.recovered, this.machine.index);
    this.#writes = [];
    this.#isWriting = false;
    this.#isTurnScheduled = false;
    this.#inbox = [];
    this.leadingTerm = undefined;
    this.readsDone.clear();
    this.proposals.clear();
    this.isUp = true;
    const boot = this.boots;
    this.#host = {
      node: this.node, store: this.store, isDiskFull: false as boolean, wake: () => this.wake(),
    };
    this.writer = new WriterSide({ postMessage: (message) => this.#toWriter(message, boot) }, this.#host, { maxEntryBytes: 1000, aheadBytesMax: 3000, isWitness: this.isWitness, doubtMs: Infinity, mutants }, this.machine.index);
    this.#scheduleTick(boot, this.#cluster.time.now);
    this.wake();
  }

  #openStore(): LogStore {
    return new LogStore({
      disk: this.disk, durable: !this.#cluster.mutants.has('no-sync'), segmentBytes: 3000, allocateBytes: 700, reserveBytes: 200, cacheBytesMax: 1500,
      monotonicMs: () => this.#cluster.time.now,
    });
  }

  #saved(write: Persist): void {
    this.#cluster.checker.onWrite(this.id, this.image, write);
    this.image.apply(write);
  }

  /** After a crash the disk holds what the oracle believes, or one more write that was on its way. */
  #checkRecovered(): void {
    const { recovered } = this.store;
    // The record that the crash cut short may look like a damaged one; that is trusted no more than it has to be.
    if (recovered.suspect && this.#writes.length === 0) throw new Violation(`${this.id} suspects a log that lost nothing it had acknowledged`);
    const terms: number[] = [];
    for (let i = 0; i < recovered.terms.length; i++) {
      const end = recovered.terms[i + 1]?.index ?? recovered.lastIndex + 1;
      for (let index = recovered.terms[i]!.index; index < end; index++) terms.push(recovered.terms[i]!.term);
    }
    const isLike = (image: DiskImage) => image.hard.term === recovered.hard.term && image.hard.votedFor === recovered.hard.votedFor
      && image.start === recovered.startIndex && image.startTerm === recovered.startTerm && image.terms.join() === terms.join();
    if (isLike(this.image)) return;
    const next = this.image.copy();
    if (this.#writes[0] !== undefined) next.apply(this.#writes[0]);
    if (!isLike(next)) {
      throw new Violation(`${this.id} recovered term ${recovered.hard.term}, ${recovered.startIndex}..${recovered.lastIndex}; its disk held term ${this.image.hard.term}, ${this.image.start}..${this.image.last}`);
    }
    this.#saved(this.#writes[0]!);
  }

  /** A snapshot was installed and the power went before the log followed. */
  #bringLogToState(): void {
    const { index, term, config } = this.machine;
    const { recovered } = this.store;
    if (index <= recovered.lastIndex && index >= recovered.startIndex && this.image.term(index) === term) return;
    if (index < recovered.startIndex) throw new Violation(`${this.id}: the state is at ${index}, but the log begins at ${recovered.startIndex}`);
    const write: Persist = {
      seq: 1, hard: recovered.hard.term < term ? { term, votedFor: undefined } : undefined, truncateFrom: undefined, entries: [],
      start: { index, term, config, reset: true },
    };
    this.store.persist(write);
    this.#saved(write);
    this.store = this.#openStore();
  }

  /**
   * Whether the log store notices that a bit of a stopped server's disk turned: it refuses, suspects, or has lost nothing.
   */
  noticesRot(): 'noticed' | 'harmless' | 'lost' {
    const before = this.image;
    try {
      const { recovered } = this.#openStore();
      if (recovered.suspect) return 'noticed';
      const holds = (last: number, hard: HardState) => recovered.lastIndex >= last && recovered.hard.term === hard.term && recovered.hard.votedFor === hard.votedFor;
      // The write that the crash cut short may have arrived whole.
      const after = before.copy();
      if (this.#writes[0] !== undefined) after.apply(this.#writes[0]);
      return holds(before.last, before.hard) || holds(after.last, after.hard) ? 'harmless' : 'lost';
    } catch {
      return 'noticed';
    }
  }

  crash(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.writer.close();
    this.disk.crash();
    for (const proposal of this.proposals.values()) proposal.settle('unknown', 0);
    this.proposals.clear();
  }

  pause(ms: number): void {
    this.#pausedUntil = this.#cluster.time.now + ms;
  }

  #scheduleTick(boot: number, before: number): void {
    const { time } = this.#cluster;
    time.after(TICK_MS * this.#tickRate, () => {
      if (!this.isUp || this.boots !== boot) return;
      if (this.isPaused) {
        time.after(this.#pausedUntil - time.now, () => this.#wakeUp(boot, before));
        return;
      }
      this.#guard(() => this.node.tick(1));
      this.wake();
      this.#scheduleTick(boot, time.now);
    });
  }

  #wakeUp(boot: number, before: number): void {
    if (!this.isUp || this.boots !== boot) return;
    const ticks = Math.max(1, Math.floor((this.#cluster.time.now - before) / TICK_MS));
    this.#guard(() => {
      for (const { from, message } of this.#inbox.splice(0)) this.node.receive(from, message);
      this.node.tick(ticks, ticks > 3 && !this.#cluster.mutants.has('no-stall-rule'));
    });
    this.wake();
    this.#scheduleTick(boot, this.#cluster.time.now);
  }

  receive(from: NodeId, message: Message): void {
    if (!this.isUp) return;
    if (this.isPaused) {
      this.#inbox.push({ from, message });
      return;
    }
    this.#guard(() => this.node.receive(from, message));
    this.wake();
  }

  /** Its transport lost a connection; the core hears of it in a turn of its own. */
  loses(to: NodeId): void {
    this.#cluster.time.after(1, () => this.input((node) => node.unreachable(to)));
  }

  input(work: (node: RaftNode) => void): void {
    if (!this.isUp || this.isPaused) return;
    this.#guard(() => work(this.node));
    this.wake();
  }

  wake(): void {
    if (this.#isTurnScheduled) return;
    this.#isTurnScheduled = true;
    const boot = this.boots;
    this.#cluster.time.after(this.lagMs + this.#random.next() * 0.3, () => {
      if (!this.isUp || this.boots !== boot) return;
      this.#isTurnScheduled = false;
      this.#guard(() => this.#turn());
    });
  }

  #turn(): void {
    const effects = this.node.takeEffects();
    for (const { to, message } of effects.send) this.#cluster.send(this, to, message);
    const { view } = this.node;
    const term = view.role === 'leader' && view.isReady ? view.term : undefined;
    if (term !== this.leadingTerm) {
      this.leadingTerm = term;
      this.writer.onRole(view);
    }
    this.#handle(effects);
    if (effects.persist !== undefined) {
      this.#cluster.checker.onPersist(this.id, this.view, effects.persist);
      this.#writes.push(effects.persist);
      this.#write();
    }
    this.#cluster.check(this);
  }

  #handle(effects: Effects): void {
    for (const { id, index } of effects.reads) {
      this.readsDone.get(id)?.(index);
      this.readsDone.delete(id);
    }
    for (const id of effects.readsFailed) this.readsDone.delete(id);
    for (const peer of effects.snapshotsWanted) this.#cluster.sendSnapshot(this, peer);
    this.writer.onCommit(effects.commit);
  }

  /** Saves the next write after the disk's delay; crashes happen before, within and after. */
  #write(): void {
    if (this.#isWriting || this.#writes.length === 0) return;
    this.#isWriting = true;
    const boot = this.boots;
    const { time } = this.#cluster;
    const diskMs = (this.slowDisk ? 100 : 2) * this.#random.next() + this.#diskStallMs;
    this.#diskStallMs = 0;
    time.after(diskMs * 0.7, () => {
      if (!this.isUp || this.boots !== boot) return;
      const write = this.#writes[0]!;
      const isCut = this.#cluster.drawCrashInWrite();
      if (isCut) this.disk.cutPowerAfter(Math.floor(this.#random.next() * 4));
      try {
        this.store.persist(this.#mutated(write));
      } catch (error) {
        if (isCut) this.disk.cutPowerAfter(-1);
        else if (error instanceof PowerCut) this.#cluster.counts.crashesInWrite += 1;
        if (error instanceof DiskFullError) {
          this.#host.isDiskFull = true;
          this.#cluster.counts.diskFull += 1;
          time.after(50, () => {
            if (!this.isUp || this.boots !== boot) return;
            this.#isWriting = false;
            this.#write();
          });
          return;
        }
        if (error instanceof SyncFailed) this.#cluster.counts.syncErrors += 1;
        else if (!(error instanceof PowerCut)) throw error;
        // A failed sync is a crash: nothing is tried again on the same handle.
        this.#cluster.crash(this);
        return;
      }
      if (isCut) this.disk.cutPowerAfter(-1);
      this.#host.isDiskFull = false;
      if (!this.#cluster.mutants.has('no-sync')) this.#saved(write);
      this.#writes.shift();
      time.after(diskMs * 0.3, () => {
        if (!this.isUp || this.boots !== boot) return;
        this.#isWriting = false;
        this.#guard(() => this.node.persisted(write.seq));
        this.wake();
        this.#write();
      });
    });
  }

  #mutated(write: Persist): Persist {
    return this.#cluster.mutants.has('forgets-vote') && write.hard !== undefined && write.entries.length > 0 ? { ...write, hard: undefined } : write;
  }

  #guard(work: () => void): void {
    try {
      this.node.now(this.clockMs);
      work();
    } catch (error) {
      if (error instanceof Error) error.message = `${this.id}: ${error.message}`;
      throw error;
    }
  }

  // ---- the writer ----

  #toWriter(message: ConsensusToWriter, boot: number): void {
    const installs = this.#installs;
    // Messages on a port keep their order: one delay for all of the same moment.
    this.#cluster.time.after(0.2, () => {
      if (!this.isUp || this.boots !== boot) return;
      if (message.kind === 'committed') {
        // A snapshot overtook it: what it says is in the state already.
        if (installs === this.#installs) this.#apply(message);
      }
      else if (message.kind === 'rejected') {
        for (const id of message.ids) this.#resolve(id, message.reason, 0);
      }
    });
  }

  #resolve(id: number, outcome: string, index: number): void {
    const proposal = this.proposals.get(id);
    if (proposal === undefined) throw new Violation(`22: ${this.id} answers proposal ${id} once more: ${outcome} at ${index}`);
    this.proposals.delete(id);
    proposal.settle(outcome, index);
  }

  #apply(message: Extract<ConsensusToWriter, { kind: 'committed' }>): void {
    if (this.isWitness) throw new Violation(`18: the witness ${this.id} is told to apply ${message.first}`);
    let at = 0;
    for (const [i, length] of message.data.lengths.entries()) {
      const index = message.first + i;
      const data = Buffer.from(message.data.bytes.subarray(at, at + length)).toString();
      at += length;
      if (index !== this.machine.index + 1) throw new Violation(`${this.id} is given ${index} after ${this.machine.index}`);
      this.#cluster.checker.onApply(this.id, { index, term: message.terms[i]!, kind: message.kinds[i]!, data });
      this.machine.index = index;
      this.machine.term = message.terms[i]!;
      if (data !== '') {
        const [key, value] = data.split('=') as [string, string];
        this.machine.values.set(key, value);
        this.machine.hash = `${(Number.parseInt(this.machine.hash || '7', 36) * 31 + data.length * 7 + Number(value)) % 2147483647}`;
        this.machine.hash = Number(this.machine.hash).toString(36);
      }
      this.#cluster.checker.onHash(this.id, index, this.machine.hash);
      const id = message.ids[i]!;
      if (id === 0) continue;
      this.#resolve(id, 'committed', index);
    }
    this.machine.config = this.node.configAt(this.machine.index).config;
    const isSynced = this.#random.next() < 0.2;
    if (isSynced) this.#durable = copyMachine(this.machine);
    this.writer.onMessage({ kind: 'applied', index: this.machine.index, durable: this.#durable.index });
    this.wake();
  }

  /** A witness needs no state, only where the log begins. */
  emptyAtStart(): Machine {
    const index = this.view.firstIndex - 1;
    return { index, term: this.node.termAt(index)!, config: this.node.configAt(index).config, hash: '', values: new Map() };
  }

  compact(margin: number): void {
    const { view } = this;
    const bound = this.#cluster.mutants.has('witness-forgets') ? Infinity : view.dropLimit;
    const upTo = Math.min(bound, this.isWitness ? view.commitIndex : this.#durable.index) - margin;
    if (upTo > this.view.firstIndex) this.input((node) => node.compactTo(upTo));
  }

  /** The leader's whole state arrives. */
  install(snapshot: SimSnapshot): boolean {
    if (!this.isUp || this.isPaused) return false;
    const { machine } = snapshot;
    if (machine.index <= this.view.commitIndex) return true;
    if (this.isWitness) {
      this.input((node) => node.installed(machine.index, machine.term, machine.config));
      this.writer.onInstalled(machine.index);
      return true;
    }
    this.#durable = copyMachine(machine);
    this.machine = copyMachine(machine);
    this.#installs += 1;
    this.input((node) => node.installed(machine.index, machine.term, machine.config));
    this.writer.onInstalled(machine.index);
    return true;
  }
}
