/**
 * Configurations: who is a member, what a majority is, and which single step leads to the next one.
 *
 * One voter more or less at a time makes every old majority meet every new one, so a change needs one ordinary log
 * entry (thesis §4.1). It counts from the moment it is appended; truncating the entry takes it back, hence the stack.
 */
import { assert, unreachable } from '../base/assert.ts';
import type { Config, ConfigAt, Member, NodeId } from './types.ts';

export type ConfigChange =
  | { readonly kind: 'addLearner'; readonly member: Omit<Member, 'voter'> }
  | { readonly kind: 'promote'; readonly id: NodeId }
  | { readonly kind: 'remove'; readonly id: NodeId }
  /** New addresses; role and vote stay as they are (etcd issue 21694). */
  | { readonly kind: 'update'; readonly id: NodeId; readonly info: string };

export function makeConfig(members: readonly Member[]): Config {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (let i = 1; i < sorted.length; i++) assert(sorted[i - 1]!.id !== sorted[i]!.id, `member ${sorted[i]!.id} is listed twice`);
  return { members: sorted };
}

export function memberOf(config: Config, id: NodeId): Member | undefined {
  return config.members.find((member) => member.id === id);
}

export function isVoter(config: Config, id: NodeId): boolean {
  return memberOf(config, id)?.voter === true;
}

export function voterIds(config: Config): NodeId[] {
  return config.members.filter((member) => member.voter).map((member) => member.id);
}

export function quorumSize(config: Config): number {
  return Math.floor(config.members.filter((member) => member.voter).length / 2) + 1;
}

/** The highest value that a majority of voters has reached. */
export function quorumValue(config: Config, valueOf: (id: NodeId) => number): number {
  const values: number[] = [];
  for (const member of config.members) if (member.voter) values.push(valueOf(member.id));
  if (values.length === 0) return 0;
  values.sort((a, b) => b - a);
  return values[Math.floor(values.length / 2)]!;
}

/**
 * Highest index that witnesses may drop: f + 1 data voters have it on disk, so after any f losses one of them is alive
 * and no election can need it from a witness.
 */
export function witnessFloor(config: Config, matchOf: (id: NodeId) => number): number {
  const voters = config.members.filter((member) => member.voter);
  const tolerated = Math.floor((voters.length - 1) / 2);
  const data = voters.filter((member) => !member.witness).map((member) => matchOf(member.id)).sort((a, b) => b - a);
  return data[tolerated] ?? 0;
}

export interface WitnessFacts {
  matchOf(id: NodeId): number;
  /** Where a witness says that its log begins; 0: it has not said yet. */
  firstOf(id: NodeId): number;
  readonly commitIndex: number;
  /** Highest index that this leader has allowed witnesses to drop. */
  readonly told: number;
}

/**
 * What witnesses dropped, or may have dropped, must stay on enough servers with data after a change. One that leaves the voters as they are leaves
 * that as it is too: a server that lost its disk is no reason to keep its successor out.
 */
export function whyWitnessesForbid(before: Config, next: Config, { matchOf, firstOf, commitIndex, told }: WitnessFacts): string | undefined {
  const witnesses = next.members.filter((member) => member.witness);
  if (witnesses.length === 0 || String(voterIds(before)) === String(voterIds(next))) return undefined;
  const floor = witnessFloor(next, matchOf);
  // One that has not said yet where its log begins may have dropped whatever was committed before this leader.
  const dropped = Math.max(told, ...witnesses.map(({ id }) => (firstOf(id) > 0 ? firstOf(id) - 1 : commitIndex)));
  if (dropped <= floor) return undefined;
  return `a witness may have dropped entries up to ${dropped}, but after this change only those up to ${floor} are on enough servers with data`;
}

/** The configuration after `change`, or why it is refused. */
export function changed(config: Config, change: ConfigChange): Config | string {
  switch (change.kind) {
    case 'addLearner': {
      if (memberOf(config, change.member.id) !== undefined) return `${change.member.id} is a member already`;
      return makeConfig([...config.members, { ...change.member, voter: false }]);
    }
    case 'promote': {
      const member = memberOf(config, change.id);
      if (member === undefined) return `${change.id} is not a member`;
      if (member.voter) return `${change.id} votes already`;
      return checked(makeConfig([...without(config, change.id), { ...member, voter: true }]));
    }
    case 'remove': {
      if (memberOf(config, change.id) === undefined) return `${change.id} is not a member`;
      return checked(makeConfig(without(config, change.id)));
    }
    case 'update': {
      const member = memberOf(config, change.id);
      if (member === undefined) return `${change.id} is not a member`;
      return makeConfig([...without(config, change.id), { ...member, info: change.info }]);
    }
    default:
      return unreachable(change);
  }
}

function without(config: Config, id: NodeId): Member[] {
  return config.members.filter((member) => member.id !== id);
}

/** A group must keep more data voters than witnesses, and at least one. */
function checked(config: Config): Config | string {
  const voters = config.members.filter((member) => member.voter);
  const witnesses = voters.filter((member) => member.witness).length;
  const data = voters.length - witnesses;
  if (data === 0) return 'the last voter with data cannot leave';
  if (witnesses >= data) return `${witnesses} witnesses beside ${data} data voters: there must be fewer witnesses than data voters`;
  return config;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON: rare, small, and readable in a dump of the log. */
export function encodeConfig(config: Config): Uint8Array {
  return encoder.encode(JSON.stringify(config));
}

export function decodeConfig(bytes: Uint8Array): Config {
  const parsed = JSON.parse(decoder.decode(bytes)) as Config;
  return makeConfig(parsed.members.map(({ id, voter, witness, info }) => ({ id, voter, witness, info })));
}

/** Configurations by the index where they begin to count; the last one is in effect. */
export class ConfigStack {
  #stack: ConfigAt[];

  constructor(recovered: readonly ConfigAt[]) {
    assert(recovered.length > 0, 'a log always starts from some configuration');
    this.#stack = [...recovered];
  }

  get effective(): Config {
    return this.#stack.at(-1)!.config;
  }

  get effectiveIndex(): number {
    return this.#stack.at(-1)!.index;
  }

  /** The configuration in effect at `index`. */
  at(index: number): ConfigAt {
    for (let i = this.#stack.length - 1; i > 0; i--) if (this.#stack[i]!.index <= index) return this.#stack[i]!;
    return this.#stack[0]!;
  }

  push(index: number, config: Config): void {
    assert(index > this.effectiveIndex, `the configuration at ${index} comes after the one at ${this.effectiveIndex}`);
    const before = new Set(voterIds(this.effective));
    const after = voterIds(config);
    const joined = after.filter((id) => !before.has(id)).length;
    const gone = before.size - (after.length - joined);
    // The first configuration of all forms the group out of nothing.
    assert(before.size === 0 || joined + gone <= 1, 'adjacent configurations differ by at most one voter');
    this.#stack.push({ index, config });
  }

  truncateFrom(index: number): void {
    while (this.#stack.length > 1 && this.#stack.at(-1)!.index >= index) this.#stack.pop();
  }

  /** Forgets what was replaced before `index`. */
  compactTo(index: number): void {
    while (this.#stack.length > 1 && this.#stack[1]!.index <= index) this.#stack.shift();
  }

  reset(index: number, config: Config): void {
    this.#stack = [{ index, config }];
  }
}
