/**
 * What real paths do beyond losing, repeating and delaying: hold everything back for a while, drop what exceeds their buffers, or let
 * only some kinds of messages through (a firewall, a size limit).
 */
import type { Random } from '../../src/base/random.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { NodeId } from '../../src/raft/types.ts';

const KINDS: readonly Message['kind'][] = [
  'vote', 'voteReply', 'preVote', 'preVoteReply', 'append', 'appendReply', 'heartbeat', 'heartbeatReply', 'commit', 'timeoutNow', 'readRequest', 'readReply',
];
const CLOG_MS_MAX = 5000;

export class Links {
  readonly counts = { kindDrops: 0, clogs: 0, overflowed: 0 };
  readonly #random: Random;
  /** Messages under way from one server to another. */
  readonly #capacity: number;
  readonly #underWay = new Map<string, number>();
  readonly #clogged = new Map<string, number>();
  #unwanted: Message['kind'] | undefined;

  constructor(random: Random, capacity: number) {
    this.#random = random;
    this.#capacity = capacity;
  }

  /** From now on most messages of one kind are lost. */
  dropSomeKind(): void {
    this.counts.kindDrops += 1;
    this.#unwanted = KINDS[Math.floor(this.#random.next() * KINDS.length)];
  }

  clog(from: NodeId, to: NodeId, nowMs: number): void {
    this.counts.clogs += 1;
    this.#clogged.set(`${from} ${to}`, nowMs + this.#random.next() * CLOG_MS_MAX);
  }

  heal(): void {
    this.#unwanted = undefined;
    this.#clogged.clear();
  }

  /** False: it is lost. */
  takes(from: NodeId, to: NodeId, kind: Message['kind']): boolean {
    if (kind === this.#unwanted && this.#random.next() < 0.9) return false;
    if ((this.#underWay.get(`${from} ${to}`) ?? 0) < this.#capacity) return true;
    this.counts.overflowed += 1;
    return false;
  }

  /** A message is put on the path; how long it is held back there at least. */
  enter(from: NodeId, to: NodeId, nowMs: number): number {
    const path = `${from} ${to}`;
    this.#underWay.set(path, (this.#underWay.get(path) ?? 0) + 1);
    return Math.max(0, (this.#clogged.get(path) ?? 0) - nowMs);
  }

  leave(from: NodeId, to: NodeId): void {
    const path = `${from} ${to}`;
    this.#underWay.set(path, this.#underWay.get(path)! - 1);
  }
}
