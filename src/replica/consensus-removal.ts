/**
 * Removes members that have been silent for too long, as far as that is safe, and says why it keeps the others.
 *
 * Silence is measured in time that the leader itself was awake, since the last message or since it began to lead, whichever is later: what it
 * slept through proves nothing about the others, and a busy leader is late for a moment again and again. Removing one dead voter from a live majority never loses the majority; the other limits
 * guard against a leader that is itself the one cut off, and against a group that shrinks until one failure stops it.
 */
import { quorumSize, whyWitnessesForbid } from '../raft/config.ts';
import type { NodeView } from '../raft/node.ts';
import type { Config, Member, NodeId } from '../raft/types.ts';

export interface RemovalOptions {
  readonly offlineMs: number;
  readonly removeMs: number;
  readonly minVoters: number;
  readonly electionTimeoutMs: number;
}

export interface RemovalFacts {
  /** This and all other moments: of the awake clock. */
  readonly nowMs: number;
  readonly selfId: NodeId;
  readonly view: NodeView;
  readonly leadingSinceMs: number;
  readonly lastRemovalMs: number;
  lastHeardMs(id: NodeId): number | undefined;
}

export interface Removal {
  readonly remove: NodeId | undefined;
  /** Why silent members are kept. */
  readonly kept: ReadonlyMap<NodeId, string>;
}

/** A clock that stands still while its server does, and when servers were heard last by it. */
export class AwakeClock {
  readonly #stepMsMax: number;
  #tickedMs: number | undefined;
  readonly #heard = new Map<NodeId, { readonly atMs: number; readonly awakeMs: number }>();
  nowMs = 0;

  /** A tick that comes later than after so long counts for no more than that. */
  constructor(stepMsMax: number) {
    this.#stepMsMax = stepMsMax;
  }

  tick(monotonicMs: number): void {
    this.nowMs += Math.min(monotonicMs - (this.#tickedMs ?? monotonicMs), this.#stepMsMax);
    this.#tickedMs = monotonicMs;
  }

  /** When it was heard last; `atMs` is that moment by the monotonic clock. To be asked again and again. */
  heard(id: NodeId, atMs: number): number {
    const known = this.#heard.get(id);
    if (known !== undefined && atMs <= known.atMs) return known.awakeMs;
    this.#heard.set(id, { atMs, awakeMs: this.nowMs });
    return this.nowMs;
  }

  forget(): void {
    this.#heard.clear();
  }
}

export function chooseRemoval(options: RemovalOptions, facts: RemovalFacts): Removal {
  const kept = new Map<NodeId, string>();
  let remove: NodeId | undefined;
  const { config } = facts.view.config;
  for (const member of config.members) {
    if (member.id === facts.selfId) continue;
    const limitMs = member.voter ? options.offlineMs : options.removeMs;
    if (silentMs(facts, member.id) < limitMs) continue;
    const reason = whyKeep(options, facts, config, member);
    if (reason !== undefined) kept.set(member.id, reason);
    else remove ??= member.id;
  }
  return { remove, kept };
}

function silentMs(facts: RemovalFacts, id: NodeId): number {
  return facts.nowMs - Math.max(facts.lastHeardMs(id) ?? 0, facts.leadingSinceMs);
}

function whyKeep(options: RemovalOptions, facts: RemovalFacts, config: Config, member: Member): string | undefined {
  const { view } = facts;
  if (!view.isReady || view.isTransferring || view.config.index > view.commitIndex) return 'another change is not finished';
  if (!member.voter) return undefined;
  const isAlive = (id: NodeId) => id === facts.selfId || silentMs(facts, id) < options.electionTimeoutMs;
  const voters = config.members.filter((one) => one.voter);
  const alive = voters.filter((one) => isAlive(one.id));
  if (alive.length < quorumSize(config)) return 'this leader is not in contact with a majority now';
  const rest = voters.filter((one) => one.id !== member.id);
  if (rest.length < options.minVoters) return `${rest.length} voters would be left, fewer than ${options.minVoters}`;
  const next: Config = { members: config.members.filter((one) => one.id !== member.id) };
  if (alive.length < quorumSize(next)) return 'the rest would have no live majority';
  const witnesses = rest.filter((one) => one.witness).length;
  if (witnesses >= rest.length - witnesses) return 'there would be too many witnesses for the servers with data';
  if (facts.nowMs - facts.lastRemovalMs < options.offlineMs) return 'another server was removed just now';
  return whyWitnessesForbid(config, next, {
    matchOf: (id) => view.progress.get(id)?.match ?? view.durableIndex, firstOf: (id) => view.progress.get(id)?.first ?? 0, commitIndex: view.commitIndex, told: 0,
  });
}
