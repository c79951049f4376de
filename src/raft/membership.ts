/**
 * Changing the group, one server at a time (§4 of the thesis, with Ongaro's correction of 2015: not before an entry of
 * the leader's own term is committed, or two leaders could count two different majorities).
 */
import { changed, encodeConfig, isVoter, memberOf, whyWitnessesForbid } from './config.ts';
import { advanceCommit, appendOwn, bestSuccessor, matchOf, maybeHandOver, syncProgress } from './replication.ts';
import { ENTRY_CONFIG } from './types.ts';
import type { ConfigChange } from './config.ts';
import type { RaftState } from './state.ts';

/** Proposes `change`. Returns the index of its entry, or why not. */
export function proposeChange(state: RaftState, change: ConfigChange): number | string {
  if (state.role !== 'leader') return 'not the leader';
  if (state.transferee !== undefined) return 'leadership is being handed over';
  if (!state.isReady && !state.has('changes-before-own-commit')) return 'the leader has not committed an entry of its term yet';
  if (state.configs.effectiveIndex > state.log.commitIndex && !state.has('changes-overlap')) return 'another change is not committed yet';
  const next = changed(state.config, change);
  if (typeof next === 'string') return next;
  if (state.isWitness) return 'a witness leads for the moment';
  const unsafe = whyWitnessesForbid(state.config, next, {
    matchOf: (id) => matchOf(state, id), firstOf: (id) => state.progress.get(id)?.first ?? 0, commitIndex: state.log.commitIndex, told: state.witnessTold,
  });
  if (unsafe !== undefined) return unsafe;
  const index = appendOwn(state, ENTRY_CONFIG, [encodeConfig(next)]);
  state.configs.push(index, next);
  syncProgress(state);
  // A smaller group may have a majority for entries that waited.
  advanceCommit(state);
  return index;
}

/**
 * A witness that leads: it accepts nothing, feeds the servers with data, and hands over to the first that has everything.
 * Without success it steps down, and waits longer before the next time.
 */
export function tickWitnessLeader(state: RaftState, ticks: number): void {
  if (state.role !== 'leader' || !state.isWitness) return;
  state.witnessLeadTicks += ticks;
  if (state.witnessLeadTicks > 10 * state.options.electionTicks) {
    state.witnessPatience = Math.min(state.witnessPatience * 2, 16);
    state.becomeFollower(state.term, undefined);
    return;
  }
  if (!state.isReady || state.transferee !== undefined) return;
  const successor = bestSuccessor(state);
  if (successor === undefined || state.progress.get(successor)!.match < state.log.lastIndex) return;
  state.witnessPatience = 1;
  if (startTransfer(state, successor) === undefined) maybeHandOver(state, successor);
}

/** The configuration that removes this leader is committed: hand over, then follow. */
export function leaveIfRemoved(state: RaftState): void {
  if (state.role !== 'leader' || state.configs.effectiveIndex > state.log.commitIndex || state.isVoter) return;
  const successor = bestSuccessor(state);
  if (successor !== undefined) {
    state.send(successor, { kind: 'commit', term: state.term, commit: Math.min(state.progress.get(successor)!.match, state.log.commitIndex) });
    state.send(successor, { kind: 'timeoutNow', term: state.term, lastIndex: state.progress.get(successor)!.match });
  }
  state.becomeFollower(state.term, undefined);
}

/** Notices a committed configuration without us. */
export function noticeRemoval(state: RaftState): void {
  if (memberOf(state.config, state.id) !== undefined) state.wasMember = true;
  const committed = state.configs.at(state.log.commitIndex);
  if (committed.config.members.length === 0 || memberOf(committed.config, state.id) !== undefined) return;
  if (memberOf(state.config, state.id) !== undefined) return;
  // Only somebody who was a member can be removed: a learner-to-be reads old configurations on its way.
  if (state.wasMember) tellRemoval(state, committed.index);
}

/** A target that does not catch up or does not answer must not stop the group for longer than an election would. */
export function tickTransfer(state: RaftState, ticks: number): void {
  if (state.role !== 'leader' || state.transferee === undefined) return;
  state.transferTicks += ticks;
  if (state.transferTicks < state.options.electionTicks) return;
  state.transferEnded = { to: state.transferee, ok: false };
  state.transferee = undefined;
  state.handoverSent = false;
}

/** Once for each configuration that lacks us. */
export function tellRemoval(state: RaftState, configIndex: number): void {
  if (configIndex <= state.removalTold) return;
  state.removalTold = configIndex;
  state.removedAt = configIndex;
}

export function startTransfer(state: RaftState, to: string | undefined): string | undefined {
  if (state.role !== 'leader') return 'not the leader';
  const target = to ?? bestSuccessor(state);
  if (target === undefined) return 'no other voter is reachable';
  if (target === state.id) return undefined;
  const member = memberOf(state.config, target);
  if (!isVoter(state.config, target)) return `${target} is not a voter`;
  if (member?.witness === true) return `${target} is a witness`;
  if (state.transferee !== undefined) return state.transferee === target ? undefined : 'leadership is being handed over already';
  state.transferee = target;
  state.isLeaseOver = true;
  state.transferTicks = 0;
  state.handoverSent = false;
  return undefined;
}
