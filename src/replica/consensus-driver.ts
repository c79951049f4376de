/**
 * Turns the pure core into a running server: one loop of inputs → effects → send → save → effects again.
 *
 * Inputs are given to the core as they arrive; effects are taken once per turn of the event loop, so that everything
 * that came in together leaves as one message and is saved by one sync. On the leader the messages get one turn to reach
 * the sockets before the blocking sync begins: its disk and the network then work at the same time.
 *
 * Stalls: liveness timers forgive (§4.2.3 of the thesis assumes timers that run). A timer that fires late proves that *we* were
 * away: what waits in the sockets is taken first, then the election timer moves by one tick only.
 */
import { DiskFullError } from './log-store-disk.ts';
import type { Clock } from '../base/clock.ts';
import { LatencyHistogram } from '../base/histogram.ts';
import type { Timers } from '../base/timers.ts';
import type { Effects, NodeView, RaftNode } from '../raft/node.ts';
import type { Message } from '../raft/messages.ts';
import type { NodeId, Persist } from '../raft/types.ts';
import type { Transport } from './consensus-transport.ts';
import type { LogStore } from './log-store.ts';

export interface DriverEvents {
  /** Entries up to here may be applied. */
  onCommit(index: number): void;
  onRole(view: NodeView): void;
  onRead(id: number, index: number): void;
  onReadFailed(id: number): void;
  onTransferEnded(to: NodeId, ok: boolean): void;
  onSnapshotWanted(peer: NodeId): void;
  onSnapshotOffered(offer: NonNullable<Effects['snapshotOffered']>): void;
  onRemoved(configIndex: number): void;
  onConfig(view: NodeView): void;
  /** Every tick of the timer, after the core had it. */
  onTick(nowMs: number): void;
  onDiskFull(isFull: boolean): void;
  onFatal(message: string): void;
}

export interface DriverOptions {
  readonly tickMs: number;
  /** A timer later than this was stalled. */
  readonly stallMs: number;
}

export interface DriverCounters {
  elections: number;
  leaderships: number;
  /** Changes of the leader known to this server, from or to none included. */
  leaderChanges: number;
  appendsSent: number;
  appendsReceived: number;
  messagesSent: number;
  messagesReceived: number;
  turns: number;
  stalls: number;
  stallMsMax: number;
  /** Longest time between two heartbeats that this server sent as a leader, or received from one. */
  heartbeatSentGapMsMax: number;
  heartbeatReceivedGapMsMax: number;
}

const DISK_RETRY_MS = 250;

export class ConsensusDriver {
  readonly node: RaftNode;
  readonly store: LogStore;
  readonly counters: DriverCounters = {
    elections: 0, leaderships: 0, leaderChanges: 0, appendsSent: 0, appendsReceived: 0, messagesSent: 0, messagesReceived: 0, turns: 0, stalls: 0,
    stallMsMax: 0, heartbeatSentGapMsMax: 0, heartbeatReceivedGapMsMax: 0,
  };
  readonly appendTimes = new LatencyHistogram();
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #options: DriverOptions;
  readonly #events: DriverEvents;
  readonly #writes: Persist[] = [];
  readonly #lastHeard = new Map<NodeId, number>();
  #isScheduled = false;
  #isStopped = false;
  #isDiskFull = false;
  /** Hardly any space is left: new entries are refused while terms and votes still fit. */
  isSpaceLow = false;
  #endTicks: () => void = () => undefined;
  #endRetry: () => void = () => undefined;
  #endHold: (() => void) | undefined;
  #tickedAt = 0;
  #heartbeatSentAt = 0;
  #heartbeatReceivedAt = 0;
  #commit = 0;
  #known: { role: string; term: number; leader: NodeId | undefined; isReady: boolean; configIndex: number; committedConfigIndex: number };

  constructor(parts: {
    node: RaftNode; store: LogStore; transport: Transport; clock: Clock; timers: Timers; options: DriverOptions; events: DriverEvents;
  }) {
    this.node = parts.node;
    this.store = parts.store;
    this.#transport = parts.transport;
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#options = parts.options;
    this.#events = parts.events;
    this.#known = { role: 'follower', term: -1, leader: undefined, isReady: false, configIndex: -1, committedConfigIndex: -1 };
  }

  get isDiskFull(): boolean {
    return this.#isDiskFull || this.isSpaceLow;
  }

  start(): void {
    this.#tickedAt = this.#clock.monotonicMs();
    this.#endTicks = this.#timers.every(this.#options.tickMs, () => this.#onTimer());
    this.wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#endTicks();
    this.#endRetry();
    this.#endHold?.();
  }

  /** When this server last heard from `peer`, in monotonic milliseconds. */
  lastHeardMs(peer: NodeId): number | undefined {
    return this.#lastHeard.get(peer);
  }

  /** Takes effects at the end of this turn of the event loop. Call after giving the core any input. */
  wake(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#timers.soon(() => this.#turn());
  }

  receive(from: NodeId, messages: readonly Message[]): void {
    if (this.#isStopped) return;
    const now = this.#clock.monotonicMs();
    this.#lastHeard.set(from, now);
    this.#guard(() => {
      this.node.now(now);
      for (const message of messages) {
        this.counters.messagesReceived += 1;
        if (message.kind === 'append') this.counters.appendsReceived += 1;
        if (message.kind === 'heartbeat') this.#noteHeartbeat(from, now);
        this.node.receive(from, message);
      }
      this.#announceCommit();
    });
    this.wake();
  }

  #noteHeartbeat(from: NodeId, now: number): void {
    const isSameLeader = this.#known.leader === from;
    if (isSameLeader && this.#heartbeatReceivedAt > 0) {
      this.counters.heartbeatReceivedGapMsMax = Math.max(this.counters.heartbeatReceivedGapMsMax, now - this.#heartbeatReceivedAt);
    }
    this.#heartbeatReceivedAt = now;
  }

  #onTimer(): void {
    const now = this.#clock.monotonicMs();
    const elapsed = now - this.#tickedAt;
    const ticks = Math.floor(elapsed / this.#options.tickMs);
    if (ticks === 0) return;
    this.#tickedAt += ticks * this.#options.tickMs;
    if (elapsed <= this.#options.stallMs) {
      this.#tick(ticks, false);
      return;
    }
    this.counters.stalls += 1;
    this.counters.stallMsMax = Math.max(this.counters.stallMsMax, elapsed);
    // One pass over the sockets lies between a timer and an immediate: leaders that wrote to us are heard first.
    this.#timers.soon(() => this.#tick(ticks, true));
  }

  #tick(ticks: number, stalled: boolean): void {
    if (this.#isStopped) return;
    this.#guard(() => {
      this.node.now(this.#clock.monotonicMs());
      this.node.tick(ticks, stalled);
    });
    this.wake();
    this.#events.onTick(this.#clock.monotonicMs());
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(`consensus stopped: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    }
  }

  #fail(message: string): void {
    if (this.#isStopped) return;
    this.stop();
    this.#events.onFatal(message);
  }

  // ---- effects ----

  #turn(): void {
    this.#guard(() => {
      if (this.#runEffects()) this.#isScheduled = false;
    });
  }

  /** False: a write waits for the next turn, and takes the rest from there. */
  #runEffects(): boolean {
    this.counters.turns += 1;
    while (!this.#isStopped) {
      this.node.now(this.#clock.monotonicMs());
      const effects = this.node.takeEffects();
      // A commit that comes with nothing to replicate is told to our own writer first: a client waits for it, and followers do not.
      const sendsEntries = effects.send.some(({ message }) => message.kind === 'append' && message.entries.length > 0);
      const isNewsFirst = effects.commit > this.#commit && !sendsEntries;
      if (isNewsFirst) this.#announce(effects);
      this.#send(effects);
      if (!isNewsFirst) this.#announce(effects);
      if (effects.againInMs !== undefined) this.#wakeIn(effects.againInMs);
      if (effects.persist !== undefined) this.#writes.push(effects.persist);
      if (this.#writes.length === 0 || this.#isDiskFull) return true;
      if (sendsEntries) {
        this.#timers.soon(() => this.#guard(() => {
          this.#save();
          if (this.#runEffects()) this.#isScheduled = false;
        }));
        return false;
      }
      this.#save();
    }
    return true;
  }

  #wakeIn(ms: number): void {
    this.#endHold ??= this.#timers.after(ms, () => {
      this.#endHold = undefined;
      this.wake();
    });
  }

  #send(effects: Effects): void {
    let sentHeartbeat = false;
    const byPeer = new Map<NodeId, Message[]>();
    for (const { to, message } of effects.send) {
      const list = byPeer.get(to);
      if (list === undefined) byPeer.set(to, [message]);
      else list.push(message);
      this.counters.messagesSent += 1;
      if (message.kind === 'append') this.counters.appendsSent += 1;
      sentHeartbeat ||= message.kind === 'heartbeat';
      if (message.kind === 'vote') this.counters.elections += 1;
    }
    for (const [to, messages] of byPeer) this.#transport.send(to, messages);
    if (sentHeartbeat) this.#noteHeartbeatSent();
  }

  #noteHeartbeatSent(): void {
    const now = this.#clock.monotonicMs();
    if (this.#heartbeatSentAt > 0) {
      this.counters.heartbeatSentGapMsMax = Math.max(this.counters.heartbeatSentGapMsMax, now - this.#heartbeatSentAt);
    }
    this.#heartbeatSentAt = now;
  }

  #announce(effects: Effects): void {
    const events = this.#events;
    this.#announceRole();
    for (const { id, index } of effects.reads) events.onRead(id, index);
    for (const id of effects.readsFailed) events.onReadFailed(id);
    for (const peer of effects.snapshotsWanted) events.onSnapshotWanted(peer);
    if (effects.snapshotOffered !== undefined) events.onSnapshotOffered(effects.snapshotOffered);
    if (effects.transferEnded !== undefined) events.onTransferEnded(effects.transferEnded.to, effects.transferEnded.ok);
    this.#commitTo(effects.commit);
    if (effects.removedAt !== undefined) events.onRemoved(effects.removedAt);
  }

  /** A leader's clients wait for this: its writer is told before anything else is looked at. */
  #announceCommit(): void {
    const known = this.#known;
    if (known.role !== 'leader' || this.node.committed <= this.#commit) return;
    // A change of the lead is told before what came with it.
    const { role, term } = this.node.view;
    if (role === 'leader' && term === known.term) this.#commitTo(this.node.committed);
  }

  #commitTo(index: number): void {
    if (index <= this.#commit) return;
    this.#commit = index;
    this.#events.onCommit(index);
  }

  #announceRole(): void {
    const view = this.node.view;
    const known = this.#known;
    const isNewRole = view.role !== known.role || view.term !== known.term || view.leader !== known.leader || view.isReady !== known.isReady;
    const isNewConfig = view.config.index !== known.configIndex || view.committedConfig.index !== known.committedConfigIndex;
    if (!isNewRole && !isNewConfig) return;
    if (view.role === 'leader' && known.role !== 'leader') this.counters.leaderships += 1;
    if (view.role !== 'leader') this.#heartbeatSentAt = 0;
    if (view.leader !== known.leader) {
      this.#heartbeatReceivedAt = 0;
      this.counters.leaderChanges += 1;
    }
    this.#known = {
      role: view.role, term: view.term, leader: view.leader, isReady: view.isReady,
      configIndex: view.config.index, committedConfigIndex: view.committedConfig.index,
    };
    if (isNewConfig) this.#events.onConfig(view);
    if (isNewRole) this.#events.onRole(view);
  }

  /** Writes what is outstanding, in order. A failed sync ends the node; a full disk is tried again. */
  #save(): void {
    while (this.#writes.length > 0) {
      const write = this.#writes[0]!;
      try {
        const began = this.#clock.monotonicMs();
        this.store.persist(write);
        this.appendTimes.add(this.#clock.monotonicMs() - began);
      } catch (error) {
        if (error instanceof DiskFullError) {
          this.#waitForSpace();
          return;
        }
        this.#fail(`the log cannot be written: ${(error as Error).message}`);
        return;
      }
      this.#writes.shift();
      this.node.persisted(write.seq);
    }
  }

  #waitForSpace(): void {
    if (!this.#isDiskFull) {
      this.#isDiskFull = true;
      this.#events.onDiskFull(true);
    }
    this.#endRetry = this.#timers.after(DISK_RETRY_MS, () => {
      this.#isDiskFull = false;
      this.#guard(() => this.#save());
      if (!this.#isDiskFull) this.#events.onDiskFull(false);
      this.wake();
    });
  }
}
