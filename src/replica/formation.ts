/**
 * How a group comes into being, and how a server finds the group it belongs to (before it has a log of its own).
 *
 *   PROBE    every server asks every address of its list: who are you, how far have you come?
 *   PREPARE  all answered, none is a member yet: the lowest address asks each to accept this formation; each accepts
 *            durably, and only one
 *   COMMIT   all accepted: the lowest address becomes a member (the decision), and tells the others
 *   JOIN     somebody answered that he is a member: ask his group to take us in
 *
 * Every listed server must answer the first time: a list that names the only server with data must not elect an empty
 * majority over it. Nobody ever forms a second group beside one that it can see. Afterwards node.json and the log know
 * the members, and a majority is enough.
 */
import { callFailure } from '../base/call-failure.ts';
import type { CallFailure } from '../base/call-failure.ts';
import { pause } from '../base/timers.ts';
import type { NewId } from '../base/random.ts';
import type { Timers } from '../base/timers.ts';
import { makeConfig } from '../raft/config.ts';
import type { Mutants } from '../raft/state.ts';
import type { Config, NodeId } from '../raft/types.ts';
import type { Identity } from './log-store-identity.ts';
import { encodeInfo } from './consensus-status.ts';
import type { PeerCall, Transport } from './consensus-transport.ts';
import type { NodeInfo } from './protocol.ts';

/** What a server answers to PROBE. */
export interface ProbeAnswer {
  readonly identity: Identity;
  readonly info: NodeInfo;
  readonly addresses: readonly string[];
  readonly appliedIndex: number;
  readonly stateChecksum: string;
  /** A member says who leads, if it knows. */
  readonly leaderAddress: string | undefined;
  /** A member still knows how its group began: one that accepted and missed the commit can catch up. */
  readonly formed: Formed | undefined;
  /** `ha_bootstrap_role`, so that two servers with data do not both begin a group. */
  readonly bootstrapRole: 0 | 1 | 2;
  /** How far its log goes (0 without one): a tool compares survivors by it. */
  readonly lastTerm: number;
  readonly lastIndex: number;
  /** Absent from versions before. */
  readonly commitIndex?: number;
}

/** The outcome of a formation: the same on all its members. */
export interface Formed {
  readonly formId: string;
  readonly clusterId: string;
  readonly config: Config;
  /** The state all members began with: 0, or the index of data that existed before. */
  readonly baseIndex: number;
}

export interface JoinRequest {
  readonly nodeId: NodeId;
  readonly info: NodeInfo;
  /** Committed history that the server holds from an earlier membership of the same group; 0: nothing. */
  readonly appliedIndex: number;
  /** The term of that entry in the server's old log; 0: it has no log of it. */
  readonly appliedTerm: number;
}

/** Where the joining server's log begins: right behind the data that it has. */
export interface JoinStart {
  readonly index: number;
  readonly term: number;
  readonly config: Config;
}

export interface JoinAnswer {
  readonly clusterId: string;
  readonly start: JoinStart | undefined;
}

export interface Prepare {
  readonly formId: string;
  readonly clusterId: string;
  readonly baseIndex: number;
  /** All listed servers answered the proposer and none is a member: an earlier, undecided formation is void. */
  readonly supersedes: boolean;
}

export type FormationOutcome =
  | { readonly kind: 'formed'; readonly formed: Formed }
  | { readonly kind: 'joined'; readonly clusterId: string; readonly start: JoinStart | undefined };

export interface FormationHost {
  readonly transport: Transport;
  readonly info: NodeInfo;
  readonly addresses: readonly string[];
  readonly appliedIndex: number;
  readonly stateChecksum: string;
  /** The term of `appliedIndex` in the log of an earlier membership; 0 without one. */
  readonly appliedTerm: number;
  readonly formOnMajority: boolean;
  readonly joinGroupMs: number;
  /** Never form a group, whatever the others answer (bootstrap role 2). */
  readonly joinOnly: boolean;
  readonly nowMs: () => number;
  readonly timers: Timers;
  readonly newId: NewId;
  readonly mutants?: Mutants | undefined;
  identity(): Identity;
  save(identity: Identity): void;
  waitFor(what: string): void;
  log(level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const HEADLESS = 'its group has no leader: if a majority of its servers lost their data for good, run lgraph_peer --command recover where the data is (docs/operating.md)';
const CALL_MS = 1000;
const ROUND_MS = 200;
const ROUND_MS_MAX = 2000;

export class Formation {
  readonly #host: FormationHost;
  #outcome: FormationOutcome | undefined;
  #isStopped = false;
  #waitsFor = '';

  constructor(host: FormationHost) {
    this.#host = host;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Runs until this server belongs to a group; undefined when stopped before. */
  async run(): Promise<FormationOutcome | undefined> {
    const began = this.#host.nowMs();
    let pauseMs = ROUND_MS;
    while (!this.#isStopped && this.#outcome === undefined) {
      const waitsFor = await this.#round(this.#host.nowMs() - began);
      if (waitsFor !== undefined) this.#report(waitsFor);
      if (this.#outcome !== undefined || this.#isStopped) break;
      await pause(this.#host.timers, pauseMs);
      // The others may start at any moment during the start-up window; later there is no hurry.
      if (this.#host.nowMs() - began > this.#host.joinGroupMs) pauseMs = Math.min(pauseMs * 1.5, ROUND_MS_MAX);
    }
    return this.#outcome;
  }

  #report(waitsFor: string): void {
    this.#host.waitFor(waitsFor);
    if (waitsFor === this.#waitsFor) return;
    this.#waitsFor = waitsFor;
    this.#host.log('info', `waiting for ${waitsFor}`);
  }

  async #round(elapsedMs: number): Promise<string | undefined> {
    const host = this.#host;
    const self = host.info.rpcAddress;
    const others = host.addresses.filter((address) => address !== self);
    const answers = new Map<string, ProbeAnswer>();
    const failures = new Map<string, string>();
    await Promise.all(others.map(async (address) => {
      const noteFailure = (failure: CallFailure) => void (failure.isSilence || failures.set(address, failure.text));
      const answer = await callOrNothing<ProbeAnswer>(host.transport, address, { op: 'probe', body: { address: self } }, noteFailure);
      if (answer !== undefined) answers.set(address, answer);
    }));
    if (this.#outcome !== undefined) return undefined;
    const member = [...answers.values()].find((answer) => answer.identity.membership === 'MEMBER');
    if (member !== undefined) return this.#followMember(member);

    const silent = others.filter((address) => !answers.has(address));
    const noAnswer = () => `no answer from ${silent.join(', ')}${[...failures].sort().map(([address, why]) => `; ${address}: ${why}`).join('')}`;
    if (host.joinOnly) return `a group to join at ${others.join(', ')}; ${silent.length === 0 ? 'none of them belongs to one' : noAnswer()}`;
    if (!host.addresses.includes(self)) return `an answer from ${others.join(', ')}, to join their group (this server is not in its own list)`;
    if (host.identity().membership === 'REMOVED') return `a member of the group, to join it again; ${noAnswer()}`;
    const problem = this.#disagreement(answers);
    if (problem !== undefined) return problem;
    const mayGoOn = silent.length === 0
      || (host.formOnMajority && elapsedMs > 2 * host.joinGroupMs && answers.size + 1 > host.addresses.length / 2);
    if (!mayGoOn) return `all listed servers to answer before the group is formed; ${noAnswer()}`;
    const lowest = [self, ...answers.keys()].sort()[0]!;
    if (lowest !== self) return `${lowest} to form the group`;
    return this.#form(answers, silent.length === 0);
  }

  /** Servers that would form different groups, or a group out of different data, must not begin. */
  #disagreement(answers: ReadonlyMap<string, ProbeAnswer>): string | undefined {
    const mine = [...this.#host.addresses].sort().join(',');
    let witnesses = this.#host.info.isWitness ? 1 : 0;
    for (const [address, answer] of answers) {
      const theirs = [...answer.addresses].sort().join(',');
      if (theirs !== mine) return `${address} to have the same ha_conf: it lists ${theirs}, this server ${mine}`;
      if (answer.info.isWitness) witnesses += 1;
      else if (!this.#host.info.isWitness && answer.appliedIndex !== this.#host.appliedIndex) {
        return `the same data on all servers: ${address} holds version ${answer.appliedIndex}, this server ${this.#host.appliedIndex} (ha_bootstrap_role 1 on the server whose data counts, 2 on the others)`;
      } else if (!this.#host.info.isWitness && answer.stateChecksum !== this.#host.stateChecksum) {
        return `the same data on all servers: ${address} holds other data than this server at version ${answer.appliedIndex} (ha_bootstrap_role 1 on the server whose data counts, 2 on the others)`;
      }
    }
    if (witnesses * 2 >= this.#host.addresses.length) return `fewer witnesses: ${witnesses} of ${this.#host.addresses.length} servers`;
    return undefined;
  }

  async #form(answers: ReadonlyMap<string, ProbeAnswer>, supersedes: boolean): Promise<string | undefined> {
    const { info, transport } = this.#host;
    // Our own, if it was never decided, is simply tried again. Somebody else's may have been decided, with other members.
    const known = this.#host.identity().formation;
    const mayRetry = known?.isOwn === true || this.#host.mutants?.has('retries-foreign-formation');
    const { formId, clusterId } = (mayRetry ? known : undefined) ?? { formId: newName(this.#host.newId), clusterId: newName(this.#host.newId) };
    const prepare: Prepare = { formId, clusterId, baseIndex: this.#host.appliedIndex, supersedes };
    const refusedHere = this.#accept(prepare, true);
    if (refusedHere !== undefined) return refusedHere;
    const refusals = await Promise.all([...answers.keys()].map(async (address) => {
      const answer = await callOrNothing<{ refused?: string; nodeId?: NodeId }>(transport, address, { op: 'prepare', body: prepare });
      if (answer === undefined) return `${address} to accept the formation`;
      // Whoever accepts must be who was asked: a disk may have been wiped in between.
      if (answer.nodeId !== undefined && answer.nodeId !== answers.get(address)!.identity.nodeId) return `${address}, which has become another server meanwhile`;
      return answer.refused;
    }));
    const refused = refusals.find((reason) => reason !== undefined);
    if (refused !== undefined) return refused;

    // While they answered, this server may have accepted another one: what it gave its word for first is void.
    if (this.#host.identity().formation?.formId !== formId && !this.#host.mutants?.has('forms-twice')) return 'the formation that took the place of its own';
    const members = [[this.#host.identity().nodeId, info] as const, ...[...answers.values()].map((answer) => [answer.identity.nodeId, answer.info] as const)];
    const formed: Formed = { formId, clusterId, baseIndex: prepare.baseIndex, config: configOf(members) };
    this.#outcome = { kind: 'formed', formed };
    this.#host.log('info', `formed the group of ${[info.rpcAddress, ...answers.keys()].join(', ')}`, { clusterId });
    return undefined;
  }

  /** Tells the others; the caller has made the decision durable. Those that miss it find out by probing. */
  async announce(formed: Formed): Promise<void> {
    const self = this.#host.info.rpcAddress;
    const others = this.#host.addresses.filter((address) => address !== self);
    await Promise.all(others.map((address) => callOrNothing(this.#host.transport, address, { op: 'commit', body: formed })));
  }

  async #followMember(member: ProbeAnswer): Promise<string | undefined> {
    const identity = this.#host.identity();
    // One that accepted and was wiped before the end is no part of it, and joins like any other.
    if (member.formed !== undefined && member.formed.formId === identity.formation?.formId && this.onCommit(member.formed).refused === undefined) return undefined;
    const isOwnHistory = identity.clusterId !== '' && identity.clusterId === member.identity.clusterId;
    if (this.#host.appliedIndex > 0 && !this.#host.info.isWitness && !isOwnHistory) {
      return `an operator: ${member.info.rpcAddress} belongs to the group ${member.identity.clusterId}, but this server holds data of its own (version ${this.#host.appliedIndex}); --ha_join_discard_local_data true sets it aside and joins`;
    }
    const address = member.leaderAddress ?? member.info.rpcAddress;
    const request: JoinRequest = { nodeId: identity.nodeId, info: this.#host.info, appliedIndex: this.#host.appliedIndex, appliedTerm: this.#host.appliedTerm };
    try {
      const answer = await this.#host.transport.call(address, { op: 'join', body: request }, 10_000) as JoinAnswer;
      this.#outcome = { kind: 'joined', clusterId: answer.clusterId, start: answer.start };
      this.#host.log('info', `joined the group through ${address}`, { clusterId: answer.clusterId });
      return undefined;
    } catch (error) {
      const isHeadless = member.leaderAddress === undefined;
      return `${address} to take this server in: ${(error as Error).message}${isHeadless ? `; ${HEADLESS}` : ''}`;
    }
  }

  // ---- the answering side ----

  /** Accepts durably, and only one formation. Returns why not. */
  #accept(prepare: Prepare, isOwn = false): string | undefined {
    const identity = this.#host.identity();
    const self = this.#host.info.rpcAddress;
    if (identity.membership === 'MEMBER') return `${self} is a member of ${identity.clusterId} already`;
    if (identity.membership === 'REMOVED') return `${self} was removed from ${identity.clusterId} and can only join`;
    const isOther = identity.formation !== undefined && identity.formation.formId !== prepare.formId;
    if (isOther && !prepare.supersedes) return `${self}, which has accepted another formation`;
    if (!this.#host.info.isWitness && prepare.baseIndex !== this.#host.appliedIndex) return `${self} to hold the same data`;
    if (identity.formation?.formId === prepare.formId) return undefined;
    this.#host.save({ ...identity, membership: 'ACCEPTED', formation: { formId: prepare.formId, clusterId: prepare.clusterId, ...(isOwn ? { isOwn } : {}) } });
    return undefined;
  }

  onPrepare(prepare: Prepare): { refused?: string; nodeId?: NodeId } {
    if (this.#outcome !== undefined) return { refused: `${this.#host.info.rpcAddress}, which belongs to a group already` };
    const refused = this.#accept(prepare);
    return refused === undefined ? { nodeId: this.#host.identity().nodeId } : { refused };
  }

  onCommit(formed: Formed): { refused?: string } {
    const identity = this.#host.identity();
    if (identity.formation?.formId !== formed.formId) return { refused: 'another formation' };
    if (!formed.config.members.some((member) => member.id === identity.nodeId)) return { refused: 'not part of it' };
    this.#outcome ??= { kind: 'formed', formed };
    return {};
  }
}

export function configOf(members: readonly (readonly [NodeId, NodeInfo])[]): Config {
  return makeConfig(members.map(([id, info]) => ({ id, voter: true, witness: info.isWitness, info: encodeInfo(info) })));
}

/** A group of one decides alone. */
export function formAlone(newId: NewId, nodeId: NodeId, info: NodeInfo, baseIndex: number): Formed {
  return { formId: newName(newId), clusterId: newName(newId), config: configOf([[nodeId, info]]), baseIndex };
}

/** Who answers at these addresses. */
export async function probeAll(transport: Transport, addresses: readonly string[]): Promise<ProbeAnswer[]> {
  const answers = await Promise.all(addresses.map(async (address) => callOrNothing<ProbeAnswer>(transport, address, { op: 'probe', body: {} })));
  return answers.filter((answer) => answer !== undefined);
}

/** Clusters and formations are named by 128 random bits. */
export function newName(newId: NewId): string {
  return newId(16);
}

async function callOrNothing<T>(transport: Transport, address: string, call: PeerCall, onFailure?: (failure: CallFailure) => void): Promise<T | undefined> {
  try {
    return await transport.call(address, call, CALL_MS) as T;
  } catch (error) {
    // Not there, not ready, or refusing: the next round asks again and the status says who is missing.
    onFailure?.(callFailure((error as Error).message));
    return undefined;
  }
}
