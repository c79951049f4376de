/**
 * A machine: a disk, an address, what its operator has written into its configuration, and the process that runs on it.
 */
import type { Random } from '../../../src/base/random.ts';
import { readIdentity } from '../../../src/replica/log-store-identity.ts';
import type { Identity } from '../../../src/replica/log-store-identity.ts';
import type { ConsensusOptions } from '../../../src/replica/protocol.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { PowerCut, SimDisk } from '../disk.ts';
import { SimProcess } from './process.ts';
import { SimStore } from './store.ts';
import type { State } from './store.ts';
import type { World } from './world.ts';

/** What the configuration file says. */
export interface Plan {
  list: readonly string[];
  role: 0 | 1 | 2;
  readonly isWitness: boolean;
  readonly formOnMajority: boolean;
  readonly offlineMs: number | undefined;
}

/** A machine as it was at some moment: what a backup or a snapshot of a virtual machine holds. */
export interface Copy {
  readonly disk: SimDisk;
  readonly state: State;
  readonly takenMs: number;
}

const NOTHING: State = { index: 0, hash: '0' };
const RESTART_MS = 1000;

export class Host {
  readonly world: World;
  readonly name: string;
  readonly family: string;
  address: string;
  readonly plan: Plan;
  disk: SimDisk;
  store: SimStore;
  state: State = NOTHING;
  process: SimProcess | undefined;
  /** Why it does not run, when it will not run without an operator. */
  fatal: string | undefined;
  /** Last line of a log that says that something promised is gone. */
  noticed = '';
  /** What it waits for before it belongs to a group. */
  waitsFor = '';
  /** What its peers say that an operator has to do about it. */
  refusedBecause = '';
  readonly clockRate: number;
  clockJumpMs = 0;
  lagMs = 0;
  copies: Copy[] = [];
  /** Its directory was put back from an older copy, or is one. */
  mayForget = false;
  /** Nobody starts it again. */
  isRetired = false;
  readonly #random: Random;
  #starts = 0;

  constructor(world: World, name: string, family: string, address: string, plan: Plan, random: Random) {
    this.world = world;
    this.name = name;
    this.family = family;
    this.address = address;
    this.plan = plan;
    this.#random = random;
    this.disk = new SimDisk(random);
    this.store = this.#newStore();
    this.clockRate = 0.99 + random.next() * 0.02;
  }

  /** Draws from a stream of its own, so that histories without whole states stay what they were. */
  #newStore(): SimStore {
    return new SimStore(this.world.stateRandom);
  }

  get durable(): State {
    return this.store.durable;
  }
  set durable(state: State) {
    this.store.durable = state;
  }

  get clockMs(): number {
    return this.world.time.now / this.clockRate + this.clockJumpMs;
  }

  get isUp(): boolean {
    return this.process !== undefined;
  }

  /** Who the directory on its disk is. */
  get identity(): Identity | undefined {
    try {
      return this.process?.consensus?.seen.identity ?? readIdentity(this.disk);
    } catch {
      // Cut off in its first write.
      return undefined;
    }
  }

  start(): void {
    if (this.isUp || this.isRetired) return;
    const { world } = this;
    this.fatal = undefined;
    this.noticed = '';
    this.waitsFor = '';
    this.refusedBecause = '';
    this.#starts += 1;
    this.store.open();
    this.state = this.durable;
    // The first group is begun once: whoever is a member, or has lost everything, is started to take part in one.
    if (this.plan.role === 1 && world.judge.formedIn(this.family)) this.plan.role = 0;
    const options: ConsensusOptions = {
      enabled: true, logDirectory: 'ha', listenHost: '', rpcPort: 0,
      info: { rpcAddress: this.address, restAddress: '', boltAddress: '', isWitness: this.plan.isWitness, serverVersion: 'sim' },
      initialAddresses: this.plan.list, electionTimeoutMs: 300, heartbeatMs: 50, durable: true, secret: 's', formOnMajority: this.plan.formOnMajority,
      stateTransfer: true, logKeepsEntries: world.stateRates.keepsEntries, snapshotIntervalSeconds: world.stateRates.intervalSeconds,
      joinGroupSeconds: 0.5, appliedIndex: this.plan.isWitness ? 0 : this.durable.index, stateChecksum: this.durable.hash, maxInflightBytes: 4000, maxUncommittedBytes: 20_000,
      maxEntryBytes: 1000, leaseReads: world.rates.leases, commitNoticeMs: 5, bootstrapRole: this.plan.role, witnessMayLead: true,
      ...(this.plan.offlineMs === undefined ? {} : { nodeOfflineMs: this.plan.offlineMs }),
    } as ConsensusOptions;
    this.process = new SimProcess(this, options);
    world.log(() => `${this.name} starts at ${this.address}, role ${this.plan.role}, list ${this.plan.list.join(' ')}`);
    const random = seededRandom(Math.floor(this.#random.next() * 2 ** 31));
    const draw = () => Math.floor(random.next() * 2 ** 24).toString(16).padStart(6, '0');
    // Short names that are easy to follow in a trace, and still nobody else's.
    const newId = () => `${this.name}.${this.#starts}.${draw()}`;
    if (world.faults && world.chance(world.rates.cutAtStart)) {
      world.counts.cutsAtStart += 1;
      this.disk.cutPowerAfter(Math.floor(world.random.next() * 14));
    }
    this.process.start(options, random, newId);
  }

  apply(process: SimProcess, entry: { readonly index: number; readonly term: number; readonly data: string }): void {
    const { judge } = this.world;
    judge.must(entry.index === this.state.index + 1, () => `5: ${this.name} is given ${entry.index} after ${this.state.index}`);
    const { clusterId } = process.consensus!.seen.identity;
    const hash = ((Number.parseInt(this.state.hash, 36) * 31 + entry.term * 7 + [...entry.data].reduce((sum, char) => (sum * 33 + char.charCodeAt(0)) % 1_000_003, 5)) % 2_147_483_647).toString(36);
    this.state = { index: entry.index, hash };
    judge.onApply(this, clusterId, entry, hash);
  }

  maybeSync(): void {
    if (this.#random.next() < 0.3) this.durable = this.state;
  }

  /** What is applied is durable now. */
  sync(): void {
    this.durable = this.state;
  }

  /** The whole state of somebody else is in the place of this one's, and everything begins anew with it. */
  switchTo(process: SimProcess): void {
    const { world } = this;
    this.#end();
    try {
      if (world.faults && world.stateRandom.next() < world.stateRates.cutsInSwitch) this.store.disk.cutPowerAfter(Math.floor(world.stateRandom.next() * 6));
      this.store.replace();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      world.counts.cutsInSwitch += 1;
      world.log(() => `${this.name} loses its power while it switches to another state`);
      this.crash();
      world.restartLater(this);
      return;
    }
    this.store.disk.cutPowerAfter(-1);
    const { clusterId } = this.identity!;
    this.start();
    world.counts.statesInstalled += 1;
    if (process.consensus!.seen.view!.lastIndex > process.consensus!.seen.view!.firstIndex) world.counts.statesOverOldLogs += 1;
    world.judge.onInstalled(this, clusterId, this.state);
  }

  // ---- how a process ends ----

  /** The machine loses its power. */
  crash(): void {
    this.#end();
    this.disk.crash();
    this.store.disk.crash();
    this.state = this.durable;
  }

  /** The process alone: what it had given to the kernel is still there. */
  kill(): void {
    this.#end();
    this.state = this.durable;
  }

  #end(): void {
    this.process?.die();
    this.process = undefined;
  }

  onPowerCut(process: SimProcess): void {
    if (process !== this.process) return;
    this.world.counts.crashesInWrite += 1;
    this.world.log(() => `${this.name} loses its power in a write`);
    this.crash();
    this.world.restartLater(this);
  }

  /** It stopped itself: what it had given to the kernel is written in the end. */
  onFatal(process: SimProcess, reason: string): void {
    if (process !== this.process) return;
    this.world.log(() => `${this.name} stops: ${reason.split('\n')[0]}`);
    this.fatal = reason;
    const isDisk = /input\/output error|the simulated disk is full/.test(reason);
    // Nobody puts the data of one moment beside the log of another here.
    const isOurs = /but the log begins behind version/.test(reason) || (!isDisk && /consensus stopped|could not be formed/.test(reason) && !/wipe this server/.test(reason));
    // Judged in the next event: a promise that fails would take the violation along.
    if (isOurs) this.world.time.after(0, () => this.world.judge.must(false, () => `${this.name} stops: ${reason}`));
    this.crash();
    if (/input\/output error/.test(reason)) this.world.counts.syncErrors += 1;
    if (!isDisk) this.world.counts.refusedStarts += 1;
    this.world.onStopped(this, reason);
    this.world.time.after(RESTART_MS, () => this.world.restart(this));
  }

  /** Removed for its silence: the process starts its parts again. */
  onRejoin(process: SimProcess): void {
    if (process !== this.process) return;
    this.world.counts.rejoins += 1;
    this.#end();
    this.start();
  }

  onLog(_process: SimProcess, level: string, message: string): void {
    this.world.log(() => `${this.name} says ${level}: ${message}`);
    const waits = /^waiting for (.*)/.exec(message);
    if (waits !== null) this.waitsFor = waits[1]!;
    if (/does not vote until/.test(message)) {
      this.world.judge.must(this.mayForget || !/older copy/.test(message), () => `P: ${this.name} has forgotten nothing, and believes: ${message}`);
      this.noticed = message;
      this.world.onNoticed(this);
    }
  }

  // ---- disks ----

  wipe(): void {
    this.#end();
    this.disk = new SimDisk(this.#random);
    this.store = this.#newStore();
    this.state = NOTHING;
    this.copies = [];
    this.fatal = undefined;
  }

  takeCopy(): void {
    const disk = this.disk.copy();
    disk.crash();
    this.copies.push({ disk, state: this.durable, takenMs: this.world.time.now });
    if (this.copies.length > 4) this.copies.splice(Math.floor(this.#random.next() * 4), 1);
  }

  /** `parts`: everything, or the log without the state store beside it. */
  putBack(copy: Copy, parts: 'all' | 'log'): void {
    this.mayForget = true;
    this.#end();
    this.disk = copy.disk.copy();
    if (parts === 'all') this.durable = copy.state;
    this.state = this.durable;
    this.fatal = undefined;
  }
}
