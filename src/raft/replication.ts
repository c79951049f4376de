/**
 * Log replication (§5.3, §5.4.2): the leader's sends, the follower's answers, and what counts as committed.
 *
 * Appends are made when effects are taken, not when inputs arrive, so that everything that came in together leaves as
 * one message and is saved by one sync.
 */
import { assert } from '../base/assert.ts';
import { isVoter, memberOf, quorumSize, quorumValue, voterIds, witnessFloor, decodeConfig } from './config.ts';
import { Progress } from './progress.ts';
import { ENTRY_CONFIG, entryBytes } from './types.ts';
import { startLeaseRound } from './lease.ts';
import type { Append, AppendReply, CommitNotice, Heartbeat, HeartbeatReply } from './messages.ts';
import type { RaftState } from './state.ts';
import type { Entry, EntryKind, NodeId } from './types.ts';

/** A removed peer is served this long, so that it hears of its removal. */
const LEAVING_ELECTION_TIMEOUTS = 4;
/** A leader whose entries do not get through where its heartbeats do lets others lead after so long, and for so long. */
const STANDSTILL_ELECTION_TIMEOUTS = 8;
const STAND_BACK_ELECTION_TIMEOUTS = 6;
const STANDSTILL_PATIENCE_MAX = 16;
/** One break may be of any kind; whoever acknowledged nothing new before the next takes no entries. */
const LOSSES = 2;
/** A snapshot of which nothing is heard for so long is tried again. */
const SNAPSHOT_ELECTION_TIMEOUTS = 20;

// ---- leader ----

/** Appends the leader's own entries; returns the index of the first. */
export function appendOwn(state: RaftState, kind: EntryKind, parts: readonly Uint8Array[]): number {
  assert(state.role === 'leader', 'only the leader makes entries');
  const first = state.log.lastIndex + 1;
  const entries: Entry[] = parts.map((data, i) => ({ index: first + i, term: state.term, kind, data }));
  state.log.append(entries);
  for (const entry of entries) state.uncommittedBytes += entryBytes(entry);
  return first;
}

/** Makes `progress` follow the configuration in effect. */
export function syncProgress(state: RaftState): void {
  const wanted = new Map<NodeId, Progress>();
  for (const { id } of state.config.members) {
    if (id === state.id) continue;
    const known = state.progress.get(id);
    if (known !== undefined) known.isLeaving = false;
    wanted.set(id, known ?? new Progress(state.log.lastIndex + 1));
  }
  for (const [id, progress] of state.progress) {
    if (wanted.has(id)) continue;
    if (!progress.isLeaving) progress.silentTicks = 0;
    progress.isLeaving = true;
    wanted.set(id, progress);
  }
  state.progress = new Map([...wanted].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function tickLeader(state: RaftState, ticks: number, stalled: boolean): void {
  const { electionTicks, heartbeatTicks } = state.options;
  for (const [id, progress] of state.progress) {
    progress.silentTicks += ticks;
    if (progress.state === 'snapshot' && (progress.snapshotTicks += ticks) > electionTicks * SNAPSHOT_ELECTION_TIMEOUTS) {
      progress.snapshotIndex = 0;
      progress.becomeProbe();
    }
    if (progress.isLeaving && progress.silentTicks > electionTicks * LEAVING_ELECTION_TIMEOUTS) state.progress.delete(id);
  }
  if (stalled) {
    // We were away, not they: send at once, and start to count answers anew.
    state.electionElapsed = 0;
    for (const progress of state.progress.values()) progress.isActive = true;
  }
  if (tickStandstill(state, stalled ? 1 : ticks)) return;
  state.electionElapsed += stalled ? 1 : ticks;
  state.heartbeatElapsed += ticks;
  if (state.heartbeatElapsed >= heartbeatTicks || stalled) state.heartbeatWanted = true;
  if (state.electionElapsed < electionTicks) return;
  state.electionElapsed = 0;
  if (!hasQuorumOfActive(state) && !state.has('no-check-quorum')) {
    state.becomeFollower(state.term, undefined);
    return;
  }
  for (const progress of state.progress.values()) progress.isActive = false;
}

/**
 * Heartbeats are small: around a leader whose large packets vanish (a wrong MTU) they keep everybody quiet, and no write ends. Then
 * somebody else should lead, whose log is shorter: this server follows and asks for no votes for a while. Where that helped nobody,
 * because it is the same everywhere, it waits longer the next time. A network that is only slow breaks no connection.
 */
function tickStandstill(state: RaftState, ticks: number): boolean {
  const { log, options: { electionTicks } } = state;
  if (state.standsAt !== log.commitIndex) state.standsPatience = 1;
  if (state.standsAt !== log.commitIndex || log.lastIndex === log.commitIndex) state.standsTicks = 0;
  state.standsAt = log.commitIndex;
  state.standsTicks += ticks;
  if (state.standsTicks <= STANDSTILL_ELECTION_TIMEOUTS * electionTicks * state.standsPatience) return false;
  const takers = voterIds(state.config).filter((id) => id === state.id || !takesNoEntries(state.progress.get(id), log.lastIndex));
  if (takers.length >= quorumSize(state.config) || state.has('never-stands-back')) return false;
  state.standsPatience = Math.min(state.standsPatience * 2, STANDSTILL_PATIENCE_MAX);
  state.stoodBackTerm = state.term;
  state.becomeFollower(state.term, undefined);
  state.standsBackTicks = STAND_BACK_ELECTION_TIMEOUTS * electionTicks;
  return true;
}

/** It answers, and its connections break before it acknowledges what it lacks. */
export function takesNoEntries(progress: Progress | undefined, lastIndex: number): boolean {
  return progress !== undefined && progress.losses >= LOSSES && progress.match < lastIndex;
}

function hasQuorumOfActive(state: RaftState): boolean {
  const active = voterIds(state.config).filter((id) => id === state.id || state.progress.get(id)?.isActive === true);
  return active.length >= quorumSize(state.config);
}

export function sendHeartbeats(state: RaftState): void {
  state.heartbeatWanted = false;
  state.heartbeatElapsed = 0;
  startLeaseRound(state);
  const floor = state.isWitness && !state.has('witness-forgets') ? 0 : witnessLimit(state);
  for (const [to, progress] of state.progress) {
    const commit = state.has('heartbeat-full-commit') ? state.log.commitIndex : Math.min(progress.match, state.log.commitIndex);
    progress.commitSent = Math.max(progress.commitSent, commit);
    state.send(to, {
      kind: 'heartbeat', term: state.term, commit, leaderCommit: state.log.commitIndex, round: state.round,
      witnessMay: tellWitness(state, to, floor),
    });
  }
}

function tellWitness(state: RaftState, to: NodeId, floor: number): number {
  if (memberOf(state.config, to)?.witness !== true) return floor;
  state.witnessTold = Math.max(state.witnessTold, floor);
  return floor;
}

/** Entries up to here are committed, and safe without any witness. */
export function witnessLimit(state: RaftState): number {
  const floor = state.has('witness-forgets') ? state.log.commitIndex : witnessFloor(state.config, (id) => matchOf(state, id));
  return Math.min(floor, state.log.commitIndex);
}

/** Sends each peer what it lacks, within its window. */
export function sendAppends(state: RaftState): void {
  state.noteFlow();
  state.isNoticeHeld = false;
  for (const [to, progress] of state.progress) {
    const sent = sendEntries(state, to, progress);
    const commit = Math.min(progress.match, state.log.commitIndex);
    if (sent || commit <= progress.commitSent) continue;
    // A configuration is news that its members act on.
    const mayWait = state.noticeInMs > 0 && state.configs.effectiveIndex <= progress.commitSent;
    if (mayWait) {
      state.isNoticeHeld = true;
      continue;
    }
    progress.commitSent = commit;
    state.send(to, { kind: 'commit', term: state.term, commit });
  }
}

function sendEntries(state: RaftState, to: NodeId, progress: Progress): boolean {
  const { log, options } = state;
  let sent = false;
  while (progress.state !== 'snapshot') {
    if (progress.next <= log.startIndex) {
      // A witness that leads for a moment has no state to give. One that follows gets no data, only a new beginning, and not before enough
      // servers with data hold what it would skip.
      const isTooEarly = memberOf(state.config, to)?.witness === true && witnessLimit(state) < log.startIndex;
      if (state.isWitness || isTooEarly) return sent;
      wantSnapshot(state, to, progress);
      return sent;
    }
    if (progress.state === 'probe') {
      if (progress.probeSent) return sent;
      progress.probeSent = true;
      progress.probeAge = 0;
      sendOne(state, to, progress, log.entries(progress.next, options.batchBytesMax));
      return true;
    }
    const hasNews = progress.next <= log.lastIndex;
    const hasRoom = progress.hasRoom(options.windowMessages, options.windowBytes);
    if (!(hasNews && hasRoom) && !progress.mustAsk) return sent;
    const entries = hasNews && hasRoom ? log.entries(progress.next, options.batchBytesMax) : [];
    progress.mustAsk = false;
    sendOne(state, to, progress, entries);
    sent = true;
    if (entries.length > 0) {
      progress.sent(entries.at(-1)!.index, entries.reduce((sum, entry) => sum + entryBytes(entry), 0));
    }
  }
  return sent;
}

function wantSnapshot(state: RaftState, to: NodeId, progress: Progress): void {
  progress.becomeSnapshot(state.log.startIndex);
  state.snapshotsWanted.push(to);
}

/** A witness has no state to give, and is given none for its log's sake. */
function prefersState(state: RaftState, to: NodeId, progress: Progress): boolean {
  return !state.isWitness && memberOf(state.config, to)?.witness === false && progress.match < state.log.commitIndex && state.options.prefersState?.(to, progress.match) === true;
}

function sendOne(state: RaftState, to: NodeId, progress: Progress, entries: readonly Entry[]): void {
  const prevIndex = progress.next - 1;
  const prevTerm = state.log.term(prevIndex);
  assert(prevTerm !== undefined, `the log has no term for ${prevIndex}`);
  const commit = state.log.commitIndex;
  progress.commitSent = Math.max(progress.commitSent, Math.min(commit, prevIndex + entries.length));
  state.send(to, { kind: 'append', term: state.term, prevIndex, prevTerm, commit, entries });
}

export function onAppendReply(state: RaftState, from: NodeId, reply: AppendReply): void {
  const progress = heardFrom(state, from);
  if (progress === undefined) return;
  if (!reply.ok) {
    const retry = state.log.lastNotAbove(reply.hintIndex, reply.hintTerm).index;
    progress.rejected(reply.index, retry);
    return;
  }
  assert(reply.index <= state.log.lastIndex, `${from} acknowledges ${reply.index}, behind the end of the leader's log`);
  const isNews = progress.acknowledged(reply.index);
  progress.hadAck = true;
  if (progress.state === 'probe') {
    if (prefersState(state, from, progress)) wantSnapshot(state, from, progress);
    else progress.becomeReplicate();
  } else if (progress.state === 'snapshot' && progress.match + 1 >= state.log.firstIndex && !prefersState(state, from, progress)) {
    // Whatever became of the snapshot: the peer can go on with the log (etcd's snapshot_succeed_via_app_resp).
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  if (isNews) {
    advanceCommit(state);
    maybeHandOver(state, from);
  }
  if (progress.isLeaving && progress.match >= state.configs.effectiveIndex && state.log.commitIndex >= state.configs.effectiveIndex) {
    state.send(from, { kind: 'commit', term: state.term, commit: Math.min(progress.match, state.log.commitIndex) });
    state.progress.delete(from);
  }
}

export function onHeartbeatReply(state: RaftState, from: NodeId, reply: HeartbeatReply): void {
  const progress = heardFrom(state, from);
  if (progress === undefined) return;
  progress.round = Math.max(progress.round, reply.round);
  progress.applied = reply.applied;
  progress.first = reply.first;
  // Messages may have been lost: let a probe go again, and ask in replicate when nothing came back since the last time.
  progress.probeAge += 1;
  if (progress.probeAge > 1) progress.probeSent = false;
  if (progress.state === 'replicate' && progress.match < state.log.lastIndex && !progress.hadAck) progress.mustAsk = true;
  progress.hadAck = false;
  maybeHandOver(state, from);
}

/** The sender's progress, marked as alive; undefined for one that is no peer of ours. */
export function heardFrom(state: RaftState, from: NodeId): Progress | undefined {
  if (state.role !== 'leader') return undefined;
  const progress = state.progress.get(from);
  if (progress === undefined) return undefined;
  progress.isActive = true;
  progress.isHeardSinceLoss = true;
  if (!progress.isLeaving) progress.silentTicks = 0;
  return progress;
}

export function matchOf(state: RaftState, id: NodeId): number {
  if (id === state.id) return state.has('counts-unsaved') ? state.log.lastIndex : state.log.durableIndex;
  return state.progress.get(id)?.match ?? 0;
}

/** Commits what a majority of disks holds, counting only entries of this term (§5.4.2, Figure 8). */
export function advanceCommit(state: RaftState): void {
  if (state.role !== 'leader') return;
  const before = state.log.commitIndex;
  let index = quorumValue(state.config, (id) => matchOf(state, id));
  if (state.has('minority-commits')) index = Math.max(index, ...[...state.progress.values()].map((peer) => peer.match));
  if (index <= before) return;
  if (state.log.term(index) !== state.term && !state.has('commits-old-term')) return;
  // Our own disk may be the slow one: what others committed counts before it is on ours, yet never more than we have.
  state.log.commitTo(index);
  releaseUncommitted(state, before, index);
}

function releaseUncommitted(state: RaftState, before: number, index: number): void {
  if (index === state.log.lastIndex) {
    state.uncommittedBytes = 0;
    return;
  }
  // Exact would mean to read them again: a share of the rest is enough for a limit.
  const all = state.log.lastIndex - before;
  state.uncommittedBytes = Math.floor((state.uncommittedBytes * (state.log.lastIndex - index)) / all);
}

export function maybeHandOver(state: RaftState, from: NodeId): void {
  if (state.transferee !== from || state.handoverSent) return;
  const progress = state.progress.get(from);
  if (progress === undefined || progress.match < state.log.lastIndex) return;
  state.handoverSent = true;
  state.send(from, { kind: 'timeoutNow', term: state.term, lastIndex: state.log.lastIndex });
}

// ---- follower ----

/** A message of this term's leader: follow it. */
export function follow(state: RaftState, leader: NodeId): void {
  assert(state.role !== 'leader', `two leaders in term ${state.term}: ${state.id} and ${leader}`);
  if (state.role !== 'follower' || state.leader !== leader) state.becomeFollower(state.term, leader);
  state.electionElapsed = 0;
  state.protectLeader();
}

export function onAppend(state: RaftState, from: NodeId, message: Append): void {
  const { log } = state;
  if (message.prevIndex < log.commitIndex) {
    // An old or repeated message: what is committed is equal by definition.
    answerAppend(state, from, { ok: true, index: log.commitIndex, hintIndex: 0, hintTerm: 0 });
    return;
  }
  if (!log.matches(message.prevIndex, message.prevTerm) && !state.has('skips-prev-check')) {
    const hint = log.lastNotAbove(Math.min(message.prevIndex, log.lastIndex), message.prevTerm);
    answerAppend(state, from, { ok: false, index: message.prevIndex, hintIndex: hint.index, hintTerm: hint.term });
    return;
  }
  if (message.prevIndex > log.lastIndex) return;
  appendFrom(state, message.entries);
  const last = message.prevIndex + message.entries.length;
  log.commitTo(Math.min(message.commit, state.has('commit-beyond-match') ? log.lastIndex : last));
  answerAppend(state, from, { ok: true, index: last, hintIndex: 0, hintTerm: 0 });
}

/** Skips what we have, removes what conflicts, appends the rest. */
function appendFrom(state: RaftState, entries: readonly Entry[]): void {
  const { log, configs } = state;
  let skip = 0;
  while (skip < entries.length && log.matches(entries[skip]!.index, entries[skip]!.term)) skip += 1;
  if (state.has('truncates-always') && entries.length > 0 && entries[0]!.index <= log.lastIndex && entries[0]!.index > log.commitIndex) skip = 0;
  const fresh = skip === 0 ? entries : entries.slice(skip);
  if (fresh.length === 0) return;
  const first = fresh[0]!.index;
  if (first <= log.lastIndex) {
    if (state.has('never-truncates')) return;
    log.truncateFrom(first);
    configs.truncateFrom(first);
  }
  log.append(fresh);
  for (const entry of fresh) if (entry.kind === ENTRY_CONFIG) configs.push(entry.index, decodeConfig(entry.data));
}

function answerAppend(state: RaftState, to: NodeId, answer: Omit<AppendReply, 'kind' | 'term'>): void {
  const reply: AppendReply = { kind: 'appendReply', term: state.term, ...answer };
  if (state.has('ack-unsaved')) state.send(to, reply);
  else state.answer(to, reply);
}

export function onHeartbeat(state: RaftState, from: NodeId, message: Heartbeat): void {
  commitAcknowledged(state, message.commit);
  if (state.isSuspect && state.log.commitIndex >= message.leaderCommit) state.isSuspect = false;
  state.heardCommit = Math.max(state.heardCommit, message.leaderCommit);
  state.witnessMay = Math.max(state.witnessMay, message.witnessMay);
  state.answer(from, {
    kind: 'heartbeatReply', term: state.term, round: message.round, applied: state.applied, first: state.log.firstIndex,
  });
}

export function onCommitNotice(state: RaftState, message: CommitNotice): void {
  commitAcknowledged(state, message.commit);
}

/**
 * The leader says that this is committed and that we have it, by what we have acknowledged. A log that may be damaged, or an older copy, may end before
 * that, or hold other entries there: only entries that come behind one that is like the leader's prove what it holds (`onAppend`).
 */
function commitAcknowledged(state: RaftState, commit: number): void {
  if (!state.isSuspect) state.log.commitTo(commit);
  else if (state.has('suspect-commits')) state.log.commitTo(Math.min(commit, state.log.lastIndex));
}

/** The best server to lead next: a voter with data whose log is longest. */
export function bestSuccessor(state: RaftState): NodeId | undefined {
  let best: NodeId | undefined;
  for (const [id, progress] of state.progress) {
    const member = memberOf(state.config, id);
    if (member === undefined || member.witness || !isVoter(state.config, id) || !progress.isActive) continue;
    if (best === undefined || progress.match > state.progress.get(best)!.match) best = id;
  }
  return best;
}
