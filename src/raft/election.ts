/**
 * Who leads (§5.2, §5.4.1; pre-vote and leader stickiness from §9.6 and §4.2.3 of the thesis).
 *
 * A server that hears from no leader first asks whether it could win, which changes nothing anywhere; only with a
 * majority's yes does it raise the term. So a server that comes back from a partition disturbs nobody.
 */
import { isVoter, memberOf, quorumSize, voterIds } from './config.ts';
import { tellRemoval } from './membership.ts';
import { appendOwn, syncProgress } from './replication.ts';
import { ENTRY_NOOP } from './types.ts';
import type { NotMember, TimeoutNow, VoteReply, VoteRequest } from './messages.ts';
import type { RaftState } from './state.ts';
import type { NodeId } from './types.ts';

const NOTHING = new Uint8Array(0);

export function tickElection(state: RaftState, ticks: number): void {
  state.electionElapsed += ticks;
  state.standsBackTicks -= ticks;
  state.ticksSinceRefusal += ticks;
  state.ticksSinceCandidate += ticks;
  if (state.electionElapsed < state.electionTimeout || (state.isProtecting && !state.has('no-lease'))) return;
  state.electionElapsed = 0;
  if (!mayCampaign(state) || !isWitnessNeeded(state) || state.standsBackTicks > 0) {
    // A learner or a removed server only forgets a leader that fell silent.
    if (state.leader !== undefined) state.becomeFollower(state.term, undefined);
    return;
  }
  askForPreVotes(state);
}

/**
 * Only a voter of the configuration in effect, with a log it can trust. One that this configuration removes may still be needed until
 * it is committed (§4.2.2 of the thesis): where it alone has the longest log, it refuses everybody else its vote.
 */
export function mayCampaign(state: RaftState): boolean {
  if (state.role === 'leader' || state.isSuspect || state.isHeld) return false;
  if (!state.isVoter && !isLeaving(state)) return false;
  return !state.isWitness || state.options.witnessMayLead;
}

function isLeaving(state: RaftState): boolean {
  const { effectiveIndex } = state.configs;
  return effectiveIndex > state.log.commitIndex && isVoter(state.configs.at(effectiveIndex - 1).config, state.id) && !state.has('leaves-early');
}

/** A witness steps in only where servers with data cannot: their logs are too short, or none of them is there. */
function isWitnessNeeded(state: RaftState): boolean {
  if (!state.isWitness) return true;
  const { electionTicks } = state.options;
  return state.ticksSinceRefusal <= 2 * electionTicks || state.ticksSinceCandidate >= 4 * electionTicks;
}

export function askForPreVotes(state: RaftState): void {
  state.becomePreCandidate();
  if (state.has('no-prevote')) {
    campaign(state, false);
    return;
  }
  state.votes.set(state.id, true);
  sendVoteRequests(state, 'preVote', state.term + 1, false);
  if (countVotes(state) === 'won') campaign(state, false);
}

export function campaign(state: RaftState, transfer: boolean): void {
  state.becomeCandidate();
  // The requests may leave at once; our own vote counts when it is on disk (P3), like anybody else's.
  sendVoteRequests(state, 'vote', state.term, transfer);
  if (state.has('own-vote-unsaved')) onVoteReply(state, state.id, { kind: 'voteReply', term: state.term, granted: true });
  else state.answer(state.id, { kind: 'voteReply', term: state.term, granted: true });
}

function sendVoteRequests(state: RaftState, kind: VoteRequest['kind'], term: number, transfer: boolean): void {
  for (const to of voterIds(state.config)) {
    if (to === state.id) continue;
    state.send(to, {
      kind, term, lastIndex: state.log.lastIndex, lastTerm: state.log.lastTerm, transfer,
      configIndex: state.configs.effectiveIndex,
    });
  }
}

export function onVoteRequest(state: RaftState, from: NodeId, request: VoteRequest): void {
  if (tellRemoved(state, from, request)) return;
  if (!request.transfer && !state.has('no-lease') && ((state.inLease && request.term > state.term) || state.isProtecting)) return;
  if (request.kind === 'vote' && request.term > state.term) state.becomeFollower(request.term, undefined);

  const granted = mayGrant(state, from, request);
  state.ticksSinceCandidate = 0;
  if (!granted && !state.log.isUpToDate(request.lastIndex, request.lastTerm)) state.ticksSinceRefusal = 0;
  if (request.kind === 'preVote') {
    state.answer(from, { kind: 'preVoteReply', term: granted ? request.term : state.term, granted });
    return;
  }
  if (granted) {
    state.votedFor = from;
    state.hardIsDirty = true;
    state.electionElapsed = 0;
  }
  const reply: VoteReply = { kind: 'voteReply', term: state.term, granted };
  if (state.has('vote-unsaved')) state.send(from, reply);
  else state.answer(from, reply);
}

function mayGrant(state: RaftState, from: NodeId, request: VoteRequest): boolean {
  if (state.isSuspect || state.isHeld) return false;
  // Nobody asks whether *we* are a voter: our configuration may be older than the candidate's (etcd pull 10998).
  if (request.term < state.term) return false;
  const isFree = request.kind === 'preVote'
    ? request.term > state.term || state.votedFor === from || (state.votedFor === undefined && state.leader === undefined)
    : state.votedFor === from || (state.votedFor === undefined && state.leader === undefined) || state.has('votes-twice');
  // Electing a candidate with a shorter log could lose committed entries.
  const isComplete = state.log.isUpToDate(request.lastIndex, request.lastTerm) || state.has('ignores-log-in-votes');
  return isFree && isComplete;
}

/** A candidate that the committed configuration does not contain learns it, if its own configuration is older. */
function tellRemoved(state: RaftState, from: NodeId, request: VoteRequest): boolean {
  const committed = state.configs.at(state.log.commitIndex);
  if (memberOf(committed.config, from) !== undefined || memberOf(state.config, from) !== undefined) return false;
  if (request.configIndex >= committed.index) return false;
  const notice: NotMember = { kind: 'notMember', term: state.term, configIndex: committed.index };
  state.answer(from, notice);
  return true;
}

export function onVoteReply(state: RaftState, from: NodeId, reply: VoteReply): void {
  const expected = reply.kind === 'preVoteReply' ? 'preCandidate' : 'candidate';
  if (state.role !== expected) return;
  if (reply.granted && reply.term !== (expected === 'candidate' ? state.term : state.term + 1)) return;
  if (!isVoter(state.config, from)) return;
  if (!state.votes.has(from)) state.votes.set(from, reply.granted);
  const outcome = countVotes(state);
  if (outcome === 'won') {
    if (expected === 'preCandidate') campaign(state, false);
    else lead(state);
  } else if (outcome === 'lost') {
    state.becomeFollower(state.term, undefined);
  }
}

function countVotes(state: RaftState): 'won' | 'lost' | 'open' {
  const voters = voterIds(state.config);
  const quorum = quorumSize(state.config);
  const yes = voters.filter((id) => state.votes.get(id) === true).length;
  const no = voters.filter((id) => state.votes.get(id) === false).length;
  if (yes >= quorum || (state.has('minority-elects') && yes >= quorum - 1 && yes > 0)) return 'won';
  return no > voters.length - quorum ? 'lost' : 'open';
}

function lead(state: RaftState): void {
  state.becomeLeader();
  syncProgress(state);
  // Entries of earlier terms are only committed by committing one of ours (§5.4.2): start with one right away.
  appendOwn(state, ENTRY_NOOP, [NOTHING]);
}

export function onTimeoutNow(state: RaftState, from: NodeId, message: TimeoutNow): void {
  // Late or foreign orders to campaign could break a newer leader's lease (raft-rs issue 234).
  if (message.term !== state.term || state.leader !== from) return;
  if (!mayCampaign(state) || state.log.lastIndex < message.lastIndex) return;
  campaign(state, true);
}

export function onNotMember(state: RaftState, message: NotMember): void {
  if (message.configIndex > state.configs.effectiveIndex) tellRemoval(state, message.configIndex);
}
