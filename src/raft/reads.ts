/**
 * Linearizable reads without log entries (§6.4 of the thesis).
 *
 * The leader notes its commit index, then proves by one round of heartbeats that nobody had deposed it when it did. One
 * round serves every read that waits; the next round starts when this one is confirmed. A leader that has committed
 * nothing in its own term yet may not know the newest commit index, so reads wait for that first (etcd issue 7331).
 */
import { hasLease } from './lease.ts';
import { quorumValue, voterIds } from './config.ts';
import { heardFrom } from './replication.ts';
import type { ReadReply, ReadRequest } from './messages.ts';
import type { RaftState, ReadWaiting } from './state.ts';
import type { NodeId } from './types.ts';

export function requestRead(state: RaftState, id: number): void {
  if (state.role === 'leader') {
    addRead(state, { id, from: undefined });
    return;
  }
  if (state.leader === undefined || state.readsForwarded.size >= state.options.pendingReadsMax) {
    state.readsFailed.push(id);
    return;
  }
  const readId = state.nextReadId++;
  state.readsForwarded.set(readId, id);
  state.send(state.leader, { kind: 'readRequest', term: state.term, readId });
}

function addRead(state: RaftState, read: ReadWaiting): void {
  // A witness answers nobody: it leads only until a server with data can.
  if (state.isWitness || state.readsWaiting.length >= state.options.pendingReadsMax) state.failRead(read);
  else state.readsWaiting.push(read);
}

export function onReadRequest(state: RaftState, from: NodeId, request: ReadRequest): void {
  if (state.role !== 'leader') {
    // Not passed on: the asker must learn that its leader is gone.
    state.send(from, { kind: 'readReply', term: state.term, readId: request.readId, index: undefined });
    return;
  }
  heardFrom(state, from);
  // It is to apply up to the index that it will be told.
  state.endFlow();
  addRead(state, { id: request.readId, from });
}

export function onReadReply(state: RaftState, reply: ReadReply): void {
  const id = state.readsForwarded.get(reply.readId);
  if (id === undefined) return;
  state.readsForwarded.delete(reply.readId);
  if (reply.index === undefined) state.readsFailed.push(id);
  else state.readsDone.push({ id, index: reply.index });
}

/** Starts a round when reads wait and none is out. Called when effects are taken, so that reads share rounds. */
export function startReadRound(state: RaftState): void {
  if (state.readsActive !== undefined || state.readsWaiting.length === 0) return;
  if (!state.isReady && !state.has('reads-before-own-commit')) return;
  if (hasLease(state)) {
    answerReads(state, state.log.commitIndex, state.readsWaiting.splice(0));
    return;
  }
  state.round += 1;
  state.readsActive = { round: state.round, index: state.log.commitIndex, reads: state.readsWaiting };
  state.readsWaiting = [];
  state.heartbeatWanted = true;
  confirmReads(state);
}

export function confirmReads(state: RaftState): void {
  const active = state.readsActive;
  if (active === undefined || state.role !== 'leader') return;
  const alone = voterIds(state.config).length === 1 && state.isVoter;
  const confirmed = alone
    ? state.round
    : quorumValue(state.config, (id) => (id === state.id ? state.round : state.progress.get(id)?.round ?? 0));
  if (confirmed < active.round && !state.has('reads-unconfirmed')) return;
  state.readsActive = undefined;
  answerReads(state, active.index, active.reads);
}

function answerReads(state: RaftState, index: number, reads: readonly ReadWaiting[]): void {
  for (const read of reads) {
    if (read.from === undefined) state.readsDone.push({ id: read.id, index });
    else state.send(read.from, { kind: 'readReply', term: state.term, readId: read.id, index });
  }
}
