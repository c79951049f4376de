/**
 * Leases: for a while after a majority has confirmed a round of heartbeats, nobody else can be elected, so the leader answers reads
 * without asking (§6.4.1 of the thesis).
 *
 * Every voter that answers a heartbeat refuses votes for a whole election timeout from its receipt, by true time and whatever
 * its term, and for as long after a start (its last life may have answered one). The lease counts from when the round was
 * *sent*, and is shorter by a tenth and a fixed bound, for clocks that run unevenly. A handover ends it for the rest of the
 * term: its order to campaign may arrive late, and voters obey that.
 */
import { quorumValue } from './config.ts';
import type { RaftState } from './state.ts';

/** More rounds than this without an answer, and the oldest can confirm nothing that is still worth having. */
const ROUNDS_MAX = 64;

/** What is left of an election timeout for a lease when clocks may differ by a tenth of it and `driftMs`. 0: nothing. */
export function leaseMsFor(electionMs: number, driftMs: number): number {
  return Math.max(0, 0.9 * electionMs - driftMs);
}

/** Each round of heartbeats has its own number, or nobody could tell which one an answer confirms. */
export function startLeaseRound(state: RaftState): void {
  if ((state.options.leaseMs ?? 0) === 0) return;
  state.round += 1;
  state.roundStarts.push({ round: state.round, ms: state.nowMs });
  if (state.roundStarts.length > ROUNDS_MAX) state.roundStarts.shift();
}

export function confirmLease(state: RaftState): void {
  if (state.role !== 'leader') return;
  const confirmed = quorumValue(state.config, (id) => (id === state.id ? state.round : state.progress.get(id)?.round ?? 0));
  while (state.roundStarts.length > 0 && state.roundStarts[0]!.round <= confirmed) state.leaseFromMs = state.roundStarts.shift()!.ms;
}

export function hasLease(state: RaftState): boolean {
  const { leaseMs = 0, electionMs = 0 } = state.options;
  if (leaseMs === 0 || !state.isReady || !state.isVoter || state.isWitness) return false;
  if (state.isLeaseOver && !state.has('lease-in-transfer')) return false;
  return state.nowMs < state.leaseFromMs + (state.has('lease-too-long') ? 5 * electionMs : leaseMs);
}
