/**
 * Whole servers in one thread, replayed from a seed: machines that are started in any order with lists that may disagree, form and join
 * groups, are moved, wiped, put back from copies, replaced by others at the same address, sent away and taken in again.
 *
 * What runs is the real Consensus of each server (identity, formation, joining, streams' greetings, membership, log); the other
 * simulator (cluster.ts) takes the core apart more finely. A run ends with all faults off and an operator who sets right what an
 * operator has to: one group, everybody in it, clients served.
 */
import { seededRandom } from '../../../src/base/random.ts';
import type { Random } from '../../../src/base/random.ts';
import { changed, memberOf, quorumSize } from '../../../src/raft/config.ts';
import type { Member } from '../../../src/raft/types.ts';
import { decodeInfo } from '../../../src/replica/consensus-status.ts';
import { Scheduler } from '../scheduler.ts';
import { WholeClient } from './client.ts';
import { Host } from './host.ts';
import type { Plan } from './host.ts';
import { Judge, Unprotected } from './judge.ts';
import { Network } from './network.ts';
import { Operator } from './operator.ts';
import type { SimProcess } from './process.ts';
import { drawRates, drawStateRates } from './rates.ts';
import type { StateRates, WholeRates } from './rates.ts';

export interface WholeOptions {
  readonly seed: number;
  readonly steps: number;
  readonly mutants?: ReadonlySet<string>;
  readonly trace?: (line: string) => void;
}

export type WholeResult = Readonly<Record<string, number>>;

const END_MS = 60_000;

export class World {
  readonly time = new Scheduler();
  readonly judge = new Judge();
  readonly network: Network;
  readonly random: Random;
  readonly rates: WholeRates;
  readonly mutants: ReadonlySet<string>;
  readonly hosts: Host[] = [];
  readonly touched = new Set<SimProcess>();
  readonly clients: WholeClient[] = [];
  readonly operator: Operator;
  /** Nothing is done to these for now: a claim about them is being tried. */
  readonly shielded = new Set<Host>();
  readonly counts = {
    starts: 0, groupsFormed: 0, leaderships: 0, acknowledged: 0, reads: 0, crashes: 0, crashesInWrite: 0, cutsAtStart: 0, partitions: 0, oneWayCuts: 0, pauses: 0,
    slowNodes: 0, clockJumps: 0, syncErrors: 0, diskFull: 0, wiped: 0, moved: 0, swapped: 0, reusedByStranger: 0, removed: 0, left: 0, rejoins: 0, transfers: 0,
    refusedStarts: 0, copies: 0, putBack: 0, putBackHarmless: 0, putBackNoticed: 0, putBackStopped: 0, putBackUnnoticeable: 0, twins: 0, unprotectedHarm: 0, operatorWipes: 0, operatorRemovals: 0,
    compactions: 0, longOutages: 0, exports: 0, exportsFailed: 0, statesSent: 0, statesResumed: 0, statesBroken: 0, partsDamaged: 0, cutsInTransfer: 0, killsInTransfer: 0, statesStored: 0, statesRefused: 0,
    statesInstalled: 0, statesOverOldLogs: 0, cutsInInstall: 0, cutsInSwitch: 0,
  };
  faults = true;
  nextId = 1;
  /** Whole states, and all that happens to them, are drawn apart: seeds without them play the histories that they always did. */
  readonly stateRandom: Random;
  readonly stateRates: StateRates;
  readonly #trace: ((line: string) => void) | undefined;
  #nextAddress = 1;

  constructor(options: WholeOptions) {
    this.random = seededRandom(options.seed);
    this.mutants = options.mutants ?? new Set();
    this.#trace = options.trace;
    this.rates = drawRates(this.random);
    this.stateRandom = seededRandom(options.seed ^ 0x57a7e);
    this.stateRates = drawStateRates(this.stateRandom);
    this.network = new Network(this.time, seededRandom(this.draw()), { delayMs: this.rates.delayMs, loss: this.rates.loss });
    this.#makeHosts();
    for (const host of this.hosts) {
      this.counts.starts += 1;
      this.time.after(this.random.next() * this.rates.startWithinMs, () => host.start());
    }
    this.operator = new Operator(this);
    this.operator.schedule();
    for (let i = 0; i < 2; i++) this.clients.push(new WholeClient(this, i, seededRandom(this.draw())));
    for (const client of this.clients) client.start();
  }

  draw(): number {
    return Math.floor(this.random.next() * 2 ** 31);
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  log(line: () => string): void {
    this.#trace?.(`${this.time.now.toFixed(1).padStart(9)} ${line()}`);
  }

  freshAddress(): string {
    return `10.0.0.${this.#nextAddress++}:1`;
  }

  // ---- the cast ----

  #makeHosts(): void {
    const { rates } = this;
    const addresses = Array.from({ length: rates.servers }, () => this.freshAddress());
    // Somebody's list may be another one; the operator finds out by what the servers wait for.
    const others = rates.listsDiffer ? [...addresses.slice(1), this.freshAddress()] : addresses;
    for (const [i, address] of addresses.entries()) {
      const list = rates.listsDiffer && i > 0 && this.chance(0.5) ? others : addresses;
      const role = rates.oneBegins ? (i === 0 ? 1 : 2) : 0;
      this.#addHost(`h${i}`, 'main', address, { list: this.#shuffled(list), role, isWitness: !rates.oneBegins && i < rates.witnesses, formOnMajority: rates.formOnMajority, offlineMs: rates.offlineMs });
    }
    if (!rates.hasStrangers) return;
    const foreign = [this.freshAddress(), this.freshAddress(), this.freshAddress()];
    for (const [i, address] of foreign.entries()) {
      this.#addHost(`x${i}`, 'foreign', address, { list: foreign, role: 0, isWitness: false, formOnMajority: false, offlineMs: undefined });
    }
  }

  #addHost(name: string, family: string, address: string, plan: Plan): Host {
    const host = new Host(this, name, family, address, plan, seededRandom(this.draw()));
    this.hosts.push(host);
    return host;
  }

  /** A second machine with the disk of the first, at an address of its own. */
  addTwin(of: Host): void {
    const twin = this.#addHost(`${of.name}'`, of.family, this.freshAddress(), { ...of.plan });
    twin.mayForget = true;
    of.mayForget = true;
    twin.disk = of.disk.copy();
    twin.disk.crash();
    twin.durable = of.durable;
    twin.start();
    // Who finds out sooner or later stops one of the two.
    this.time.after(1500 + this.random.next() * 1500, () => {
      twin.crash();
      twin.isRetired = true;
      this.hosts.splice(this.hosts.indexOf(twin), 1);
    });
  }

  #shuffled(list: readonly string[]): string[] {
    return list.map((one) => [this.random.next(), one] as const).sort(([a], [b]) => a - b).map(([, one]) => one);
  }

  // ---- running ----

  async run(steps: number): Promise<WholeResult> {
    try {
      let done = 0;
      while (done < steps && this.time.step(Number.MAX_SAFE_INTEGER)) {
        done += 1;
        await this.#settle();
      }
      this.#endFaults();
      await this.#untilWell();
    } catch (error) {
      if (!(error instanceof Unprotected)) throw error;
      this.counts.unprotectedHarm += 1;
      this.log(() => `harm that nobody could have noticed: ${error.message}`);
    } finally {
      for (const host of this.hosts) host.process?.die();
    }
    this.counts.groupsFormed = this.judge.groups.size;
    return { virtualMs: Math.round(this.time.now), committed: [...this.judge.groups.values()].reduce((sum, group) => sum + group.at.size, 0), ...this.counts, ...this.network.counts };
  }

  /** Promises of the servers go on between two events, as between two turns of an event loop. */
  async #settle(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    for (const process of this.touched) if (process.isAlive) this.judge.check(process);
    this.touched.clear();
  }

  #endFaults(): void {
    this.log(() => 'faults off');
    this.faults = false;
    this.network.isFaulty = false;
    this.network.healAll();
    this.shielded.clear();
    for (const host of this.hosts) {
      host.lagMs = 0;
      host.disk.isFull = false;
      host.disk.failsNextSync = false;
      host.disk.cutPowerAfter(-1);
      host.process?.resume();
      this.restart(host);
    }
  }

  async #untilWell(): Promise<void> {
    const until = this.time.now + END_MS;
    let next = this.time.now + 500;
    let problem: string | undefined = 'nothing was looked at yet';
    while (this.time.step(until)) {
      await this.#settle();
      if (this.time.now < next) continue;
      next = this.time.now + 500;
      problem = this.#problem() ?? this.clients.map((client) => client.problem).find((one) => one !== undefined);
      if (problem === undefined) return;
      this.operator.setRight();
    }
    this.judge.must(false, () => `24: ${problem}`);
  }

  /** What is not as it should be, in the group that the main list is about. */
  #problem(): string | undefined {
    const leader = this.leaderOf('main');
    if (leader === undefined) {
      const waits = this.hosts.map((host) => `${host.name} (${host.identity?.membership ?? 'no identity'}${host.fatal === undefined ? '' : `, stopped: ${host.fatal}`}) ${host.isUp ? 'is up' : 'is down'}`);
      return `nobody leads: ${waits.join('; ')}`;
    }
    const view = leader.consensus!.seen.view!;
    const { clusterId } = leader.consensus!.seen.identity;
    if (view.commitIndex !== view.lastIndex) return `${leader.host.name} has committed ${view.commitIndex} of ${view.lastIndex}`;
    for (const host of this.hosts) {
      if (host.family !== 'main') continue;
      const seen = host.process?.consensus?.seen;
      if (seen === undefined) return `${host.name} does not run: ${host.fatal ?? 'no reason known'}`;
      if (seen.identity.membership !== 'MEMBER' || seen.identity.clusterId !== clusterId) return `${host.name} is ${seen.identity.membership} of ${seen.identity.clusterId || 'no group'}, not of ${clusterId}`;
      const member = memberOf(view.config.config, seen.identity.nodeId);
      // A witness may be one too many for the servers with data that are left.
      const mayVote = member !== undefined && typeof changed(view.config.config, { kind: 'promote', id: member.id }) !== 'string';
      if (member === undefined || (!member.voter && mayVote)) return `${host.name} (${seen.identity.nodeId}) does not vote in the group`;
      if (decodeInfo(member).rpcAddress !== host.address) return `${host.name} is at ${host.address}, its group believes it at ${decodeInfo(member).rpcAddress}`;
      if (seen.view!.commitIndex !== view.commitIndex) return `${host.name} is at ${seen.view!.commitIndex}, its leader at ${view.commitIndex}`;
      if (seen.view!.isSuspect) return `${host.name} still does not vote`;
      if (!host.plan.isWitness && host.state.index !== view.commitIndex) return `${host.name} has applied ${host.state.index} of ${view.commitIndex}`;
    }
    const ids = new Set(this.hosts.map((host) => host.identity?.nodeId));
    const ghost = view.config.config.members.find((member) => !ids.has(member.id));
    if (ghost !== undefined) return `${ghost.id} does not exist any more and is still listed`;
    return undefined;
  }

  // ---- what others need ----

  onStopped(host: Host, reason: string): void {
    this.operator.onStopped(host, reason);
  }

  onNoticed(host: Host): void {
    this.operator.onNoticed(host);
  }

  leaderOf(family: string): SimProcess | undefined {
    const leaders = this.hosts.filter((host) => host.family === family).map((host) => host.process)
      .filter((process) => process?.consensus?.seen.view?.role === 'leader');
    return leaders.sort((a, b) => b!.consensus!.seen.view!.term - a!.consensus!.seen.view!.term)[0];
  }

  restartLater(host: Host): void {
    this.time.after(50 + this.random.next() * 1000, () => this.restart(host));
  }

  restart(host: Host): void {
    if (host.isUp || host.isRetired) return;
    this.counts.starts += 1;
    host.start();
  }

  crash(host: Host): void {
    if (!host.isUp) return;
    this.counts.crashes += 1;
    this.log(() => `${host.name} crashes`);
    host.crash();
    this.restartLater(host);
  }

  /** The process ends; its machine goes on. */
  kill(host: Host): void {
    if (!host.isUp) return;
    this.log(() => `${host.name} is killed`);
    host.kill();
    this.restartLater(host);
  }

  /**
   * Whether what a machine has promised may be lost: the rest of its group has a majority that is up and has everything, and no
   * other member is lost already.
   */
  canLose(host: Host): boolean {
    const leader = this.leaderOf(host.family);
    if (leader === undefined || leader.host === host || leader.isPaused) return false;
    const view = leader.consensus!.seen.view!;
    const { config, committedConfig } = view;
    if (!view.isReady || config.index !== committedConfig.index) return false;
    const terms = this.hosts.map((one) => (one.family === host.family ? one.process?.consensus?.seen.view?.term ?? 0 : 0));
    if (terms.some((term) => term > view.term)) return false;
    const byId = new Map(this.hosts.map((one) => [one.identity?.nodeId, one]));
    const voters = config.config.members.filter((member) => member.voter);
    const nodeId = host.identity?.nodeId;
    // Put back to before it joined, it has another identity than the one that its group knows at its address.
    const isHost = (member: Member) => member.id === nodeId || (!byId.has(member.id) && decodeInfo(member).rpcAddress === host.address);
    const left = voters.filter((member) => !isHost(member));
    if (left.some((member) => !byId.has(member.id))) return false;
    const well = left.filter((member) => {
      const seen = byId.get(member.id)!.process?.consensus?.seen.view;
      return seen !== undefined && !seen.isSuspect && seen.durableIndex >= view.commitIndex;
    });
    const witnesses = left.filter((member) => member.witness).length;
    return left.length >= 2 && well.length >= quorumSize(config.config) && witnesses < left.length - witnesses;
  }
}

/** One whole run. Throws what went wrong. */
export function simulateWhole(options: WholeOptions): Promise<WholeResult> {
  return new World(options).run(options.steps);
}

