/**
 * The consensus core of one server: inputs go in, effects come out.
 *
 *   node.tick(1); node.receive('b', message); node.propose([...]);      any number of inputs
 *   const effects = node.takeEffects();                                 then, once:
 *     effects.send      may leave now, in this order
 *     effects.persist   write and sync, then node.persisted(seq); answers that depend on it come with the next effects
 *     effects.commit    entries up to here may be applied
 *
 * Nothing here reads a clock, a disk or a random source of its own, and nothing waits: the same inputs always give the same
 * effects, so a simulation replays any history from its seed. The whole of Raft's safety is in this folder; the driver
 * around it (replica) only has to keep the two sentences above true.
 */
import { assert, unreachable } from '../base/assert.ts';
import { askForPreVotes, campaign, mayCampaign, onNotMember, onTimeoutNow, onVoteReply, onVoteRequest, tickElection } from './election.ts';
import { confirmLease, hasLease } from './lease.ts';
import { leaveIfRemoved, noticeRemoval, proposeChange, startTransfer, tickTransfer, tickWitnessLeader } from './membership.ts';
import { confirmReads, onReadReply, onReadRequest, requestRead, startReadRound } from './reads.ts';
import {
  advanceCommit, appendOwn, follow, heardFrom, maybeHandOver, onAppend, onAppendReply, onCommitNotice, onHeartbeat, onHeartbeatReply,
  sendAppends, sendHeartbeats, tickLeader, witnessLimit,
} from './replication.ts';
import { RaftState } from './state.ts';
import { ENTRY_DATA } from './types.ts';
import type { ConfigChange } from './config.ts';
import type { Envelope, InstallSnapshot, Message } from './messages.ts';
import type { Progress } from './progress.ts';
import type { RaftOptions, Role } from './state.ts';
import type { Config, ConfigAt, HardState, LogReader, NodeId, Persist, Recovered } from './types.ts';

export interface Effects {
  readonly persist: Persist | undefined;
  readonly send: readonly Envelope[];
  /** Entries up to here are committed and on this server's disk. Only grows. */
  readonly commit: number;
  /** Reads that may be served from a state at least as new as `index`. */
  readonly reads: readonly { readonly id: number; readonly index: number }[];
  readonly readsFailed: readonly number[];
  /** Peers that need a snapshot: answer with snapshotSent. */
  readonly snapshotsWanted: readonly NodeId[];
  /** A leader wants us to install a snapshot: fetch it, make it durable, then call installed. */
  readonly snapshotOffered: { readonly from: NodeId; readonly index: number; readonly term: number; readonly config: Config } | undefined;
  readonly transferEnded: { readonly to: NodeId; readonly ok: boolean } | undefined;
  /** A committed configuration at this index does not contain us. */
  readonly removedAt: number | undefined;
  /** Take effects again after so many milliseconds: something was held back until then. */
  readonly againInMs: number | undefined;
}

export type ProposeRefusal = 'not-leader' | 'busy';

/** What status pages and tests may see. */
/** A leader's term, and the highest index that a peer acknowledged in it. */
export interface Acknowledged {
  readonly term: number;
  readonly index: number;
}

export interface NodeView {
  readonly role: Role;
  readonly term: number;
  readonly votedFor: NodeId | undefined;
  readonly leader: NodeId | undefined;
  /** This term's no-op is committed. */
  readonly isReady: boolean;
  readonly readyIndex: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly durableIndex: number;
  readonly commitIndex: number;
  /** As far as this server knows the group is committed; a follower may not have all of it. */
  readonly groupCommit: number;
  readonly isSuspect: boolean;
  readonly isTransferring: boolean;
  /** The latest term in which this server led and stood back, because its entries did not get through to a majority. */
  readonly stoodBackTerm: number;
  readonly config: ConfigAt;
  readonly committedConfig: ConfigAt;
  readonly progress: ReadonlyMap<NodeId, Progress>;
  /** The log may be dropped up to here as far as witnesses are concerned. */
  readonly dropLimit: number;
}

/** The latest term in which a peer gave this server its vote, or acknowledged entries to it as the leader. */
export interface Answered {
  readonly term: number;
  readonly voted: boolean;
}

export class RaftNode {
  readonly #state: RaftState;
  /** Of each peer: see `answeredBy`. */
  readonly #answered = new Map<NodeId, Answered>();
  #seq = 0;
  #seqDone = 0;
  #held: { readonly after: number; readonly to: NodeId; readonly message: Message }[] = [];

  constructor(options: RaftOptions, reader: LogReader, recovered: Recovered, applied: number) {
    this.#state = new RaftState(options, reader, recovered, applied);
  }

  get id(): NodeId {
    return this.#state.id;
  }

  get view(): NodeView {
    const { log, configs } = this.#state;
    return {
      role: this.#state.role, term: this.#state.term, votedFor: this.#state.votedFor, leader: this.#state.leader,
      isReady: this.#state.isReady, readyIndex: this.#state.readyIndex,
      firstIndex: log.firstIndex, lastIndex: log.lastIndex, lastTerm: log.lastTerm, durableIndex: log.durableIndex,
      commitIndex: log.commitIndex, groupCommit: Math.max(log.commitIndex, this.#state.heardCommit), isSuspect: this.#state.isSuspect, isTransferring: this.#state.transferee !== undefined, stoodBackTerm: this.#state.stoodBackTerm,
      config: { index: configs.effectiveIndex, config: configs.effective }, committedConfig: configs.at(log.commitIndex),
      progress: this.#state.progress, dropLimit: this.#dropLimit(),
    };
  }

  /** Entries up to here are committed and on this server's disk: they may be applied. Only grows. */
  get committed(): number {
    return Math.min(this.#state.log.commitIndex, this.#state.log.durableIndex);
  }

  #dropLimit(): number {
    const state = this.#state;
    if (!state.config.members.some((member) => member.witness)) return Number.POSITIVE_INFINITY;
    return state.role === 'leader' && !state.isWitness ? witnessLimit(state) : state.witnessMay;
  }

  /** The term of a log entry, undefined outside the log. */
  termAt(index: number): number | undefined {
    return this.#state.log.term(index);
  }

  /** The configuration in effect at `index`. */
  configAt(index: number): ConfigAt {
    return this.#state.configs.at(index);
  }

  // ---- inputs ----

  /**
   * `ticks` of time have passed. `stalled`: this server itself was away (a late timer), so silence proves nothing about
   * the others; what waits in the sockets must be given to `receive` first.
   */
  tick(ticks: number, stalled = false): void {
    const state = this.#state;
    if (state.role !== 'leader') {
      tickElection(state, stalled ? 1 : ticks);
      return;
    }
    tickLeader(state, ticks, stalled);
    tickTransfer(state, ticks);
    tickWitnessLeader(state, ticks);
  }

  /**
   * Monotonic milliseconds, for leases only. To be told before messages are received and before effects are taken: what came in
   * before it counts as begun by then, what leaves after it as sent no earlier.
   */
  now(ms: number): void {
    this.#state.setNow(ms);
  }

  /** This server would answer a linearizable read without asking anybody. */
  get hasLease(): boolean {
    return hasLease(this.#state);
  }

  receive(from: NodeId, message: Message): void {
    const state = this.#state;
    assert(from !== state.id, 'a server does not write to itself');
    this.#noteAnswer(from, message);
    switch (message.kind) {
      case 'vote':
      case 'preVote':
        onVoteRequest(state, from, message);
        return;
      case 'voteReply':
      case 'preVoteReply':
        if (!message.granted && this.#isNewerTerm(from, message)) return;
        onVoteReply(state, from, message);
        return;
      case 'notMember':
        onNotMember(state, message);
        return;
      default:
    }
    if (this.#isNewerTerm(from, message)) return;
    if (message.term < state.term) {
      this.#refuseOld(from, message);
      return;
    }
    this.#receiveCurrent(from, message);
  }

  #noteAnswer(from: NodeId, message: Message): void {
    const voted = message.kind === 'voteReply' && message.granted;
    if (!voted && !(message.kind === 'appendReply' && message.ok)) return;
    const known = this.#answered.get(from)?.term ?? 0;
    if (message.term > known || (voted && message.term === known)) this.#answered.set(from, { term: message.term, voted });
  }

  #receiveCurrent(from: NodeId, message: Exclude<Message, { kind: 'vote' | 'preVote' | 'voteReply' | 'preVoteReply' | 'notMember' }>): void {
    const state = this.#state;
    switch (message.kind) {
      case 'append':
        follow(state, from);
        onAppend(state, from, message);
        return;
      case 'heartbeat':
        follow(state, from);
        onHeartbeat(state, from, message);
        return;
      case 'commit':
        follow(state, from);
        onCommitNotice(state, message);
        return;
      case 'installSnapshot':
        follow(state, from);
        this.#onInstallSnapshot(from, message);
        return;
      case 'appendReply':
        onAppendReply(state, from, message);
        return;
      case 'heartbeatReply':
        onHeartbeatReply(state, from, message);
        confirmLease(state);
        confirmReads(state);
        return;
      case 'snapshotReply':
        this.snapshotSent(from, message.index !== undefined);
        return;
      case 'timeoutNow':
        onTimeoutNow(state, from, message);
        return;
      case 'readRequest':
        onReadRequest(state, from, message);
        return;
      case 'readReply':
        onReadReply(state, message);
        return;
      default:
        unreachable(message);
    }
  }

  /** Raises the term if the message has a newer one. True: the message is used up by that. */
  #isNewerTerm(from: NodeId, message: Message): boolean {
    const state = this.#state;
    if (message.term <= state.term) return false;
    const isFromLeader = message.kind === 'append' || message.kind === 'heartbeat' || message.kind === 'commit' || message.kind === 'installSnapshot';
    // A stranger's term is not our business: a removed server must not depose a leader (hashicorp issue 524).
    if (state.role === 'leader' && !isFromLeader && !state.progress.has(from)) return true;
    state.becomeFollower(message.term, isFromLeader ? from : undefined);
    return !isFromLeader;
  }

  /** An old leader must learn that its term is over, or a server with a newer term could never come back. */
  #refuseOld(from: NodeId, message: Message): void {
    const state = this.#state;
    if (message.kind !== 'append' && message.kind !== 'heartbeat' && message.kind !== 'installSnapshot') return;
    state.answer(from, { kind: 'appendReply', term: state.term, ok: false, index: 0, hintIndex: 0, hintTerm: 0 });
  }

  /** Appends data entries; returns the index of the first, or why not. They leave with the next effects. */
  propose(parts: readonly Uint8Array[]): { readonly first: number; readonly term: number } | ProposeRefusal {
    const state = this.#state;
    assert(parts.length > 0, 'a proposal has at least one entry');
    if (state.role !== 'leader' || !state.isVoter || state.isWitness) return 'not-leader';
    if (state.transferee !== undefined && !state.has('proposes-in-transfer')) return 'busy';
    if (state.uncommittedBytes >= state.options.uncommittedBytesMax) return 'busy';
    return { first: appendOwn(state, ENTRY_DATA, parts), term: state.term };
  }

  /** Adds, promotes or removes one server. Returns the entry's index, or a sentence that says why not. */
  changeConfig(change: ConfigChange): number | string {
    return proposeChange(this.#state, change);
  }

  /** Asks for a read index; the answer comes in `reads` or `readsFailed` with this id. */
  read(id: number): void {
    requestRead(this.#state, id);
  }

  /** Forgets reads that nobody waits for any more. */
  forgetReads(ids: ReadonlySet<number>): void {
    for (const [readId, id] of this.#state.readsForwarded) if (ids.has(id)) this.#state.readsForwarded.delete(readId);
  }

  /** Hands leadership to `to` or to the best voter. Returns why not; the end comes in `transferEnded`. */
  transfer(to: NodeId | undefined): string | undefined {
    const refused = startTransfer(this.#state, to);
    if (refused === undefined && this.#state.transferee !== undefined) maybeHandOver(this.#state, this.#state.transferee);
    return refused;
  }

  /** Stands for election at once: a group of one has nobody to wait for, and tests are impatient. */
  campaign(): void {
    if (mayCampaign(this.#state)) askForPreVotes(this.#state);
  }

  /** For a group that an operator or a test knows to be without a leader: no pre-vote. */
  campaignNow(): void {
    if (mayCampaign(this.#state)) campaign(this.#state, true);
  }

  /** Leads no longer (a failing disk, a shutdown), without anybody to hand over to. */
  stepDown(): void {
    if (this.#state.role === 'leader') this.#state.becomeFollower(this.#state.term, undefined);
  }

  /** Write `seq`, and all before it, is on disk. */
  persisted(seq: number): void {
    const state = this.#state;
    assert(seq > this.#seqDone && seq <= this.#seq, `write ${seq} was not outstanding`);
    this.#seqDone = seq;
    state.log.persisted(seq);
    let released = 0;
    while (released < this.#held.length && this.#held[released]!.after <= seq) this.#release(this.#held[released++]!);
    this.#held.splice(0, released);
    advanceCommit(state);
  }

  #release(held: { readonly to: NodeId; readonly message: Message }): void {
    const state = this.#state;
    const { to, message } = held;
    // What was promised in an older term may have been taken back since; to stay silent is always allowed.
    const isStale = message.term < state.term && (message.kind === 'appendReply' || message.kind === 'voteReply');
    if (isStale) return;
    if (to !== state.id) {
      state.send(to, message);
      return;
    }
    if (message.kind === 'voteReply') onVoteReply(state, to, message);
  }

  /** The state machine has applied everything up to `index`. */
  appliedTo(index: number): void {
    const state = this.#state;
    assert(index <= state.log.commitIndex, 'only committed entries are applied');
    state.applied = Math.max(state.applied, index);
  }

  /** Drops the log up to `index`: the state machine has it durably, and so have the peers that matter. */
  compactTo(index: number): void {
    const state = this.#state;
    assert(index <= state.applied || state.isWitness, 'the log is dropped only behind the state machine');
    assert(index <= this.#dropLimit() || state.has('witness-forgets'), 'what a witness or for a witness is needed stays');
    // An installed snapshot may be ahead of what the log itself has saved.
    const upTo = Math.min(index, state.log.durableIndex);
    if (upTo <= state.log.startIndex) return;
    state.log.compactTo(upTo, state.configs.at(upTo).config);
    state.configs.compactTo(upTo);
  }

  /** A snapshot at `index` is durable in the state machine. False: it is older than what we have. */
  installed(index: number, term: number, config: Config): boolean {
    const state = this.#state;
    if (index <= state.log.commitIndex) return false;
    // The snapshot may overtake the first message of the term it ends in.
    if (term > state.term) state.becomeFollower(term, undefined);
    if (state.log.matches(index, term)) {
      // The log has it all, and perhaps an acknowledged tail behind it, which must stay.
      state.log.commitTo(index);
    } else {
      state.log.restore(index, term, config);
      state.configs.reset(index, config);
    }
    state.applied = Math.max(state.applied, index);
    if (state.leader !== undefined) {
      state.answer(state.leader, { kind: 'appendReply', term: state.term, ok: true, index, hintIndex: 0, hintTerm: 0 });
    }
    return true;
  }

  /** The snapshot for `to` arrived and is durable there, or failed. */
  snapshotSent(to: NodeId, ok: boolean): void {
    const progress = heardFrom(this.#state, to);
    if (progress?.state !== 'snapshot') return;
    if (!ok) progress.snapshotIndex = 0;
    progress.becomeProbe();
  }

  /**
   * The snapshot that is on its way to `to` has this index (it may be newer than the log's start). To be repeated while
   * it moves: one that nobody speaks of is given up.
   */
  snapshotMoves(to: NodeId, index: number): void {
    const progress = this.#state.progress.get(to);
    if (progress?.state === 'snapshot') progress.becomeSnapshot(index);
  }

  /** The transport lost its connection to `peer`: what was in flight may be lost. */
  unreachable(peer: NodeId): void {
    const progress = this.#state.progress.get(peer);
    if (progress === undefined) return;
    if (progress.isHeardSinceLoss) progress.losses += 1;
    progress.isHeardSinceLoss = false;
    if (progress.state === 'replicate') progress.becomeProbe();
  }

  /** `peer` has started anew: what it once acknowledged is asked again, in case its disk lost some of it. */
  peerRestarted(peer: NodeId): void {
    const state = this.#state;
    const progress = state.progress.get(peer);
    if (progress === undefined) return;
    progress.match = 0;
    progress.commitSent = 0;
    progress.becomeProbe();
    progress.next = state.log.lastIndex + 1;
  }

  /** What a peer has acknowledged to this leader in its term; undefined where this is no leader. Said to the peer when a connection begins. */
  promisedBy(peer: NodeId): Acknowledged | undefined {
    const state = this.#state;
    const promised = state.role === 'leader' ? state.progress.get(peer)?.promised ?? 0 : 0;
    return promised === 0 ? undefined : { term: state.term, index: promised };
  }

  /**
   * A leader says what this server acknowledged to it. A log that ends before is an older copy of what was promised (a directory put back
   * from a backup, a disk that lost synced writes): until a leader has brought it up to date this server neither votes nor campaigns, as
   * after damage to the last record. Returns whether that is so.
   */
  remindedOf({ term, index }: Acknowledged): boolean {
    const state = this.#state;
    // A later term may have replaced what an earlier one appended.
    if (term < state.term || index <= state.log.lastIndex || state.isSuspect || state.role === 'leader') return false;
    state.isSuspect = true;
    return true;
  }

  /** In which term a peer last voted for this server, or followed it; said to the peer when a connection begins. Undefined: in none, as far as this start knows. */
  answeredBy(peer: NodeId): Answered | undefined {
    return this.#answered.get(peer);
  }

  /**
   * A peer says that this server voted for it, or followed it, in a term that this server has never heard of, or has no vote of: its
   * directory is an older copy (both are on disk before they are said). The vote is put back, so that nobody else gets it, and as what
   * was acknowledged since may be gone as well, it neither votes nor campaigns until a leader has brought it up to date.
   * Returns whether that is so.
   */
  remindedOfAnswer(peer: NodeId, { term, voted }: Answered): boolean {
    const state = this.#state;
    // Who has followed a leader may have given its vote to nobody.
    const isForgotten = term > state.term || (term === state.term && voted && state.votedFor !== peer);
    if (!isForgotten || state.has('forgets-answers')) return false;
    state.becomeFollower(term, undefined);
    // It may have been given away a second time already: then it stays where it is.
    state.votedFor ??= peer;
    state.hardIsDirty = true;
    state.isSuspect = true;
    return true;
  }

  /** Neither votes nor campaigns until `release`: whether its files are an older copy is being asked. */
  hold(): void {
    this.#state.isHeld = true;
  }

  /** `isCopy`: they are one. From here on as after a reminder: until a leader has brought it up to date. */
  release(isCopy: boolean): void {
    this.#state.isHeld = false;
    if (isCopy) this.#state.isSuspect = true;
  }

  #onInstallSnapshot(from: NodeId, message: InstallSnapshot): void {
    const state = this.#state;
    const { index, snapshotTerm, config } = message;
    if (index <= state.log.commitIndex || state.log.matches(index, snapshotTerm)) {
      // Old, or about what we have: only the commit index is news (etcd's TestRestoreIgnoreSnapshot).
      if (index > state.log.commitIndex) state.log.commitTo(index);
      state.answer(from, { kind: 'appendReply', term: state.term, ok: true, index: state.log.commitIndex, hintIndex: 0, hintTerm: 0 });
      return;
    }
    state.snapshotOffered = { from, index, term: snapshotTerm, config };
  }

  // ---- effects ----

  takeEffects(): Effects {
    const state = this.#state;
    leaveIfRemoved(state);
    if (state.role === 'leader') {
      startReadRound(state);
      if (state.heartbeatWanted) sendHeartbeats(state);
      sendAppends(state);
    }
    noticeRemoval(state);
    const persist = this.#takePersist();
    this.#takeAnswers();
    const effects: Effects = {
      persist, send: state.outbox, commit: this.committed,
      reads: state.readsDone, readsFailed: state.readsFailed, snapshotsWanted: state.snapshotsWanted,
      snapshotOffered: state.snapshotOffered, transferEnded: state.transferEnded, removedAt: state.removedAt,
      againInMs: state.role === 'leader' && state.isNoticeHeld ? state.noticeInMs : undefined,
    };
    state.outbox = [];
    state.readsDone = [];
    state.readsFailed = [];
    state.snapshotsWanted = [];
    state.snapshotOffered = undefined;
    state.transferEnded = undefined;
    state.removedAt = undefined;
    return effects;
  }

  #takePersist(): Persist | undefined {
    const state = this.#state;
    if (!state.hardIsDirty && !state.log.isDirty) return undefined;
    this.#seq += 1;
    const hard: HardState | undefined = state.hardIsDirty ? state.hard : undefined;
    state.hardIsDirty = false;
    return { seq: this.#seq, hard, ...state.log.takeWrite(this.#seq) };
  }

  #takeAnswers(): void {
    const state = this.#state;
    const answers = state.answers;
    state.answers = [];
    for (const { to, message } of answers) {
      if (this.#seq > this.#seqDone) this.#held.push({ after: this.#seq, to, message });
      else this.#release({ to, message });
    }
  }
}
