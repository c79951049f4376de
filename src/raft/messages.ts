/**
 * What servers say to each other. Every message carries its sender's term.
 *
 * vote, preVote and their replies, heartbeats, reads and timeoutNow travel on the control stream; append and its reply on
 * the bulk stream, so that a heartbeat never queues behind a megabyte of entries.
 */
import type { Config, Entry, NodeId } from './types.ts';

/** Asks for a vote (§5.2); `preVote` asks whether one would be given (§9.6 of the thesis) and changes nothing. */
export interface VoteRequest {
  readonly kind: 'vote' | 'preVote';
  /** The term to be: the sender's own for `vote`, one more for `preVote`. */
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** A leader asked for this election: voters need not protect it. */
  readonly transfer: boolean;
  /** Index of the sender's configuration: a voter with a newer one can tell it that it is no member any more. */
  readonly configIndex: number;
}

export interface VoteReply {
  readonly kind: 'voteReply' | 'preVoteReply';
  /** The term of the election when granted, else the sender's own. */
  readonly term: number;
  readonly granted: boolean;
}

/** Tells a server that asks for votes that it has been removed by the committed configuration at `configIndex`. */
export interface NotMember {
  readonly kind: 'notMember';
  readonly term: number;
  readonly configIndex: number;
}

export interface Append {
  readonly kind: 'append';
  readonly term: number;
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly commit: number;
  readonly entries: readonly Entry[];
}

export interface AppendReply {
  readonly kind: 'appendReply';
  readonly term: number;
  readonly ok: boolean;
  /** Ok: everything up to here is on the sender's disk and equals the leader's. Else the `prevIndex` that did not match. */
  readonly index: number;
  /** Where to look next: the sender's last entry whose term is not above `prevTerm` (§5.3, "fast backtracking"). */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly term: number;
  /** min(match, commit): never above what this follower is known to share with the leader. */
  readonly commit: number;
  /** The leader's real commit index: tells a suspect server when it has caught up. */
  readonly leaderCommit: number;
  /** Read rounds: a quorum that echoes round n confirms every read that was waiting when n began. */
  readonly round: number;
  /** Safe without any witness up to here: what a witness may drop, and what servers with data keep beyond for its sake. */
  readonly witnessMay: number;
}

export interface HeartbeatReply {
  readonly kind: 'heartbeatReply';
  readonly term: number;
  readonly round: number;
  readonly applied: number;
  /** First index in the sender's log. */
  readonly first: number;
}

/** The commit index moved and there are no entries to carry the news. No reply. */
export interface CommitNotice {
  readonly kind: 'commit';
  readonly term: number;
  readonly commit: number;
}

/** The leader hands over (§3.10 of the thesis). Only valid in its own term, from its own leader. */
export interface TimeoutNow {
  readonly kind: 'timeoutNow';
  readonly term: number;
  readonly lastIndex: number;
}

/** A follower asks the leader for a read index (§6.4 of the thesis). */
export interface ReadRequest {
  readonly kind: 'readRequest';
  readonly term: number;
  readonly readId: number;
}

export interface ReadReply {
  readonly kind: 'readReply';
  readonly term: number;
  readonly readId: number;
  /** Undefined: refused, ask again. */
  readonly index: number | undefined;
}

/** Entries before the leader's log are needed: a snapshot is on its way on a stream of its own. */
export interface InstallSnapshot {
  readonly kind: 'installSnapshot';
  readonly term: number;
  readonly index: number;
  readonly snapshotTerm: number;
  readonly config: Config;
}

export interface SnapshotReply {
  readonly kind: 'snapshotReply';
  readonly term: number;
  /** The follower's last durable index afterwards; undefined: it failed and may be tried again. */
  readonly index: number | undefined;
}

export type Message =
  | VoteRequest | VoteReply | NotMember | Append | AppendReply | Heartbeat | HeartbeatReply | CommitNotice | TimeoutNow
  | ReadRequest | ReadReply | InstallSnapshot | SnapshotReply;

export interface Envelope {
  readonly to: NodeId;
  readonly message: Message;
}

export function isBulk(message: Message): boolean {
  return message.kind === 'append' || message.kind === 'appendReply';
}
