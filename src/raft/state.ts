/**
 * One server's consensus state, and the few moves that every part of the core uses: change role, send, answer.
 *
 * The rules live beside it, one idea a file: election, replication, reads, membership. They are functions on this state,
 * because they share all of it; node.ts is the only way in.
 */
import { assert } from '../base/assert.ts';
import { ConfigStack, isVoter, memberOf } from './config.ts';
import { RaftLog } from './log.ts';
import type { Progress } from './progress.ts';
import type { Message } from './messages.ts';
import type { Config, HardState, LogReader, NodeId, Recovered } from './types.ts';

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** Deliberate bugs, by name, that the simulator must find: proof that it would find ours. Never set in production. */
export type Mutants = ReadonlySet<string>;

export interface RaftOptions {
  readonly id: NodeId;
  /** Election timeouts are drawn from [electionTicks, 2 × electionTicks). */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly batchBytesMax: number;
  /** Append messages in flight to one peer. */
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly uncommittedBytesMax: number;
  readonly pendingReadsMax: number;
  /** A witness that may lead for a moment, to hand the group to a data voter. */
  readonly witnessMayLead: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Read ids sent to leaders start behind this, so that none is used by two lives of a server (etcd issue 20418). */
  readonly readIdBase: number;
  /** The least election timeout in true time: so long a voter protects a leader it has heard from. 0 (default): ticks alone. */
  readonly electionMs?: number;
  /** The leader answers reads for so long after the start of a round that a majority confirmed. 0 (default): every read asks. */
  readonly leaseMs?: number;
  /**
   * While writes follow each other within so many milliseconds, followers learn what is committed with the next of them, or after so long
   * without one: fewer messages, and nobody waits for it. 0 (default): each commit is told at once.
   */
  readonly commitNoticeMs?: number;
  /** Whether a peer that has the log up to `match` is given the whole state although the log behind it is there. Never (default): only where it is not. */
  readonly prefersState?: (peer: NodeId, match: number) => boolean;
  readonly mutants?: Mutants;
}

export interface ReadWaiting {
  readonly id: number;
  /** Undefined: our own client. */
  readonly from: NodeId | undefined;
}

export class RaftState {
  readonly options: RaftOptions;
  readonly id: NodeId;
  readonly log: RaftLog;
  readonly configs: ConfigStack;
  readonly mutants: Mutants;

  term: number;
  votedFor: NodeId | undefined;
  hardIsDirty = false;
  role: Role = 'follower';
  leader: NodeId | undefined;
  applied: number;

  /** The last index that was sent on, when, and whether the one before it left just before. */
  #flowIndex = 0;
  #flowMs = Number.NEGATIVE_INFINITY;
  #isFlowing = false;
  /** A commit waits for entries to go along with. */
  isNoticeHeld = false;

  /** Ticks since we heard from a leader, granted a vote, or (as leader) began to count who answers. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout = 0;
  readonly votes = new Map<NodeId, boolean>();
  /** Entries may be missing from a damaged log: no vote, no candidacy until a leader has filled it up. */
  isSuspect: boolean;
  /** It is not known yet whether this server's files may be trusted. */
  isHeld = false;

  /** Leader only, in the order of ids. */
  progress = new Map<NodeId, Progress>();
  uncommittedBytes = 0;
  /** Index of this term's no-op: what lies at or before it is settled once it is committed. */
  readyIndex = 0;
  transferee: NodeId | undefined;
  transferTicks = 0;
  handoverSent = false;

  /** The commit index that this leader stands at although entries wait, and for how long; see `tickStandstill`. */
  standsAt = 0;
  standsTicks = 0;
  standsPatience = 1;
  stoodBackTerm = 0;
  /** So long it asks for no votes. */
  standsBackTicks = 0;

  /** Reads: waiting for the next round, and those whose round is out. */
  round = 0;
  readsWaiting: ReadWaiting[] = [];
  readsActive: { readonly round: number; readonly index: number; readonly reads: readonly ReadWaiting[] } | undefined;
  /** Ids we sent to a leader → our client's ids. */
  /** Monotonic milliseconds as the driver last said; only leases use it (election timers count ticks, which may be forgiven). */
  nowMs = Number.NEGATIVE_INFINITY;
  /** Voter: before this moment some leader may answer reads by its lease on our word. Outlives terms. */
  protectedUntilMs = Number.NEGATIVE_INFINITY;
  /** Leader: when the rounds began that no majority has confirmed yet, oldest first. */
  roundStarts: { readonly round: number; readonly ms: number }[] = [];
  leaseFromMs = Number.NEGATIVE_INFINITY;
  /** A handover was begun in this term: its order may arrive late, and voters do not protect us from it (raft-rs issue 234). */
  isLeaseOver = false;
  readonly readsForwarded = new Map<number, number>();
  nextReadId: number;

  /** Ready to leave. */
  outbox: { to: NodeId; message: Message }[] = [];
  /** Answers that speak about our disk: they leave when everything said so far is on it. */
  answers: { to: NodeId; message: Message }[] = [];
  readsDone: { id: number; index: number }[] = [];
  readsFailed: number[] = [];
  snapshotsWanted: NodeId[] = [];
  heartbeatWanted = false;
  transferEnded: { to: NodeId; ok: boolean } | undefined;
  /** A committed configuration without us exists at this index. */
  removedAt: number | undefined;
  removalTold = 0;
  /** Some configuration in our log had us: only then can a later one without us be a removal. */
  wasMember = false;
  /** A leader announced a snapshot; the driver fetches and installs it. */
  snapshotOffered: { from: NodeId; index: number; term: number; config: Config } | undefined;
  /** How far leaders have said that the group is committed. */
  heardCommit = 0;
  /** The leader of this term says that nothing up to here will ever be needed from, or for, a witness. */
  witnessMay = 0;
  /** Leader: the highest such permission given in this term. No later configuration may make it unsafe. */
  witnessTold = 0;
  /** Witness: ticks since it refused a server with data for its short log, and since anybody asked for a vote. */
  ticksSinceRefusal = Number.POSITIVE_INFINITY;
  ticksSinceCandidate = 0;
  /** Witness leader: ticks without finding a successor, and by how much it waits longer the next time. */
  witnessLeadTicks = 0;
  witnessPatience = 1;

  constructor(options: RaftOptions, reader: LogReader, recovered: Recovered, applied: number) {
    this.options = options;
    this.id = options.id;
    this.mutants = options.mutants ?? new Set();
    this.log = new RaftLog(reader, recovered);
    this.configs = new ConfigStack(recovered.configs);
    this.term = recovered.hard.term;
    this.votedFor = recovered.hard.votedFor;
    this.isSuspect = recovered.suspect;
    this.applied = applied;
    this.nextReadId = options.readIdBase + 1;
    // What the state machine holds was committed once.
    this.log.commitTo(Math.min(Math.max(applied, recovered.startIndex), recovered.lastIndex));
    assert(this.term >= this.log.lastTerm, 'the log cannot know a later term than the hard state');
    this.drawTimeout();
  }

  get config(): Config {
    return this.configs.effective;
  }
  get hard(): HardState {
    return { term: this.term, votedFor: this.votedFor };
  }
  get isVoter(): boolean {
    return isVoter(this.config, this.id);
  }
  get isWitness(): boolean {
    return memberOf(this.config, this.id)?.witness === true;
  }
  /** An entry of our own term is committed, so our commit index is the newest there is (§8, §6.4 of the thesis). */
  get isReady(): boolean {
    return this.role === 'leader' && this.log.commitIndex >= this.readyIndex;
  }
  /** Protected from elections: we know a live leader (§4.2.3 of the thesis, "disruptive servers"). */
  get inLease(): boolean {
    return this.role === 'leader' || (this.leader !== undefined && this.electionElapsed < this.options.electionTicks);
  }
  /** Some leader may count on us not to elect another one yet. */
  get isProtecting(): boolean {
    return this.role !== 'leader' && this.nowMs < this.protectedUntilMs;
  }

  /** New entries leave for the followers now. */
  noteFlow(): void {
    if (this.log.lastIndex === this.#flowIndex) return;
    this.#flowIndex = this.log.lastIndex;
    this.#isFlowing = this.nowMs - this.#flowMs < (this.options.commitNoticeMs ?? 0);
    this.#flowMs = this.nowMs;
  }

  /** Milliseconds that what is committed may still wait for the next entries to go along with; 0: it is told at once. */
  get noticeInMs(): number {
    return this.#isFlowing ? Math.max(0, this.#flowMs + (this.options.commitNoticeMs ?? 0) - this.nowMs) : 0;
  }

  /** Somebody waits for what is committed. */
  endFlow(): void {
    this.#isFlowing = false;
  }

  /** The clock as the driver sees it. A start counts as a contact: our last life may have confirmed a lease. */
  setNow(ms: number): void {
    if (this.nowMs === Number.NEGATIVE_INFINITY && !this.has('votes-after-restart')) this.protectedUntilMs = ms + (this.options.electionMs ?? 0);
    this.nowMs = Math.max(this.nowMs, ms);
  }

  protectLeader(): void {
    this.protectedUntilMs = this.nowMs + (this.options.electionMs ?? 0);
  }

  has(mutant: string): boolean {
    return this.mutants.size > 0 && this.mutants.has(mutant);
  }

  send(to: NodeId, message: Message): void {
    this.outbox.push({ to, message });
  }

  /** Sends once everything this server has promised so far is on its disk (P1, P2, P3, P5). */
  answer(to: NodeId, message: Message): void {
    this.answers.push({ to, message });
  }

  drawTimeout(): void {
    const { electionTicks, random } = this.options;
    this.electionTimeout = electionTicks + Math.floor(random() * electionTicks);
    // A witness lets those with data go first.
    if (this.isWitness) this.electionTimeout *= 2 * this.witnessPatience;
  }

  becomeFollower(term: number, leader: NodeId | undefined): void {
    assert(term >= this.term, `terms never fall: ${term} after ${this.term}`);
    if (term > this.term) {
      this.term = term;
      // Only a new term frees the vote: a second vote in one term could make two leaders (CCF pull 8094).
      this.votedFor = undefined;
      this.hardIsDirty = true;
      // What an older leader allowed was about an older configuration, perhaps.
      this.witnessMay = 0;
    } else if (this.has('step-down-clears-vote')) {
      this.votedFor = undefined;
    }
    if (this.role === 'leader') this.#leaveLeadership();
    if (this.leader !== leader) this.#failForwardedReads();
    this.role = 'follower';
    this.leader = leader;
    this.votes.clear();
    this.electionElapsed = 0;
    this.drawTimeout();
  }

  becomePreCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not campaign');
    this.role = 'preCandidate';
    this.leader = undefined;
    this.#failForwardedReads();
    this.votes.clear();
    this.electionElapsed = 0;
    this.drawTimeout();
  }

  becomeCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not campaign');
    this.role = 'candidate';
    this.leader = undefined;
    this.#failForwardedReads();
    this.term += 1;
    this.votedFor = this.id;
    this.hardIsDirty = true;
    this.votes.clear();
    this.electionElapsed = 0;
    this.drawTimeout();
  }

  becomeLeader(): void {
    assert(this.role === 'candidate', 'only a candidate becomes leader');
    this.role = 'leader';
    this.leader = this.id;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.progress = new Map();
    this.uncommittedBytes = 0;
    this.votes.clear();
    this.readyIndex = this.log.lastIndex + 1;
    this.transferee = undefined;
    this.handoverSent = false;
    this.standsTicks = 0;
    this.witnessTold = 0;
    this.witnessLeadTicks = 0;
    this.roundStarts = [];
    this.leaseFromMs = Number.NEGATIVE_INFINITY;
    this.isLeaseOver = false;
    this.heartbeatWanted = true;
  }

  #leaveLeadership(): void {
    for (const read of [...this.readsWaiting, ...(this.readsActive?.reads ?? [])]) this.failRead(read);
    this.readsWaiting = [];
    this.readsActive = undefined;
    if (this.transferee !== undefined) this.transferEnded = { to: this.transferee, ok: this.handoverSent };
    this.transferee = undefined;
    this.handoverSent = false;
    this.progress = new Map();
  }

  failRead(read: ReadWaiting): void {
    if (read.from === undefined) this.readsFailed.push(read.id);
    else this.send(read.from, { kind: 'readReply', term: this.term, readId: read.id, index: undefined });
  }

  #failForwardedReads(): void {
    for (const id of this.readsForwarded.values()) this.readsFailed.push(id);
    this.readsForwarded.clear();
  }
}
