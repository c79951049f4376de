/**
 * Who does things to the machines: chance while faults last, and afterwards an operator who reads what the servers say and sets right
 * what they cannot.
 */
import { decodeInfo, replacedBy } from '../../../src/replica/consensus-status.ts';
import type { Member } from '../../../src/raft/types.ts';
import type { GroupStatus } from '../../../src/replica/protocol.ts';
import type { Host } from './host.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** So long a claim about a directory that was put back is watched. */
const WATCH_MS = 3000;
/** An operator waits so long between losing one machine and sending away another. */
const ONE_AT_A_TIME_MS = 3000;

interface Watch {
  readonly host: Host;
  readonly leader: SimProcess;
  readonly term: number;
  /** What the leader knows to be promised. */
  readonly promised: number;
  /** The process that runs on the copy, if its log ends before that. */
  forgetful: SimProcess | undefined;
  isOver: boolean;
}

export class Operator {
  readonly #world: World;
  #watch: Watch | undefined;
  #wipedBeforeFormed = false;
  /** When a machine was last lost, and when one was last sent away: who does both at once has lost two. */
  #lostAtMs = Number.NEGATIVE_INFINITY;
  #sentAwayAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.#world = world;
  }

  schedule(): void {
    const { rates, counts, time } = this.#world;
    const every = (probability: number, work: (host: Host) => void) => {
      if (probability === 0) return;
      const again = () => {
        time.after(50 + this.#world.random.next() * 150, () => {
          if (!this.#world.faults) return;
          if (this.#world.chance(probability)) {
            const host = this.#pick();
            if (host !== undefined) work(host);
          }
          again();
        });
      };
      again();
    };
    every(rates.crash, (host) => this.#world.crash(host));
    every(rates.cut, (host) => host.disk.cutPowerAfter(Math.floor(this.#world.random.next() * 5)));
    every(rates.partition, () => this.#partition());
    every(0.15, () => this.#healAll());
    every(rates.pause, (host) => this.#pause(host));
    every(rates.slow, (host) => {
      counts.slowNodes += 1;
      host.lagMs = host.lagMs > 0 ? 0 : this.#world.random.next() * 60;
    });
    every(rates.clockJump, (host) => {
      if (host.clockJumpMs > 50) return;
      counts.clockJumps += 1;
      host.clockJumpMs += this.#world.random.next() * 10;
    });
    every(rates.syncError, (host) => (host.disk.failsNextSync = true));
    every(rates.diskFull, (host) => {
      counts.diskFull += 1;
      host.disk.isFull = true;
    });
    every(0.1, (host) => (host.disk.isFull = false));
    every(rates.wipe, (host) => this.#wipe(host));
    every(rates.copy, (host) => {
      counts.copies += 1;
      host.takeCopy();
    });
    every(rates.putBack, (host) => this.#putBack(host));
    every(rates.twin, (host) => this.#twin(host));
    every(rates.move, (host) => {
      if (this.#isWhereExpected(host)) this.#move(host, this.#world.freshAddress(), 'moved');
    });
    every(rates.swap, (host) => this.#swap(host));
    every(rates.remove, (host) => this.#remove(host));
    every(rates.leave, (host) => this.#leave(host));
    every(rates.transfer, (host) => this.#transfer(host));
    this.#scheduleStates();
  }

  /** Draws from the random numbers of whole states. */
  #scheduleStates(): void {
    const { stateRates, stateRandom, time, counts } = this.#world;
    const every = (probability: number, work: (host: Host) => void) => {
      if (probability === 0) return;
      const again = () => {
        time.after(50 + stateRandom.next() * 150, () => {
          if (!this.#world.faults) return;
          const hosts = this.#world.hosts.filter((host) => !this.#world.shielded.has(host) && !host.isRetired);
          const host = hosts[Math.floor(stateRandom.next() * hosts.length)];
          if (host !== undefined && stateRandom.next() < probability) work(host);
          again();
        });
      };
      again();
    };
    every(stateRates.compact, (host) => {
      const { process } = host;
      if (process?.consensus?.seen.view === undefined || process.isPaused) return;
      process.ask({ kind: 'snapshot', id: this.#world.nextId++, address: undefined, timeoutMs: 1000 }, (ok) => {
        if (((ok as { dropped: number } | undefined)?.dropped ?? 0) > 0) counts.compactions += 1;
      });
    });
    // Long enough that the group's log goes on without it.
    every(stateRates.longOutage, (host) => {
      if (!host.isUp || this.#watch !== undefined || !this.#world.judge.formedIn(host.family)) return;
      counts.longOutages += 1;
      this.#world.log(() => `${host.name} is off for long`);
      host.crash();
      time.after(2000 + stateRandom.next() * 6000, () => this.#world.restart(host));
    });
  }

  #pick(): Host | undefined {
    const free = this.#world.hosts.filter((host) => !this.#world.shielded.has(host) && !host.isRetired);
    return free[Math.floor(this.#world.random.next() * free.length)];
  }

  // ---- network and machines ----

  #partition(): void {
    const { hosts, shielded, rates, counts, network } = this.#world;
    const free = hosts.filter((host) => !shielded.has(host));
    const side = new Set(free.filter(() => this.#world.chance(0.5)));
    if (free.length > 0 && this.#world.chance(0.4)) {
      side.clear();
      side.add(free[Math.floor(this.#world.random.next() * free.length)]!);
    }
    counts.partitions += 1;
    if (rates.oneWay) counts.oneWayCuts += 1;
    this.#world.log(() => `partition ${[...side].map((host) => host.name).join(' ')}`);
    for (const from of hosts) {
      for (const to of hosts) {
        if (side.has(from) === side.has(to) || (rates.oneWay && side.has(to))) continue;
        network.cut(from.address, to.address);
      }
    }
  }

  #healAll(): void {
    this.#world.network.healAll();
  }

  #pause(host: Host): void {
    const { process } = host;
    if (process === undefined || process.isPaused) return;
    this.#world.counts.pauses += 1;
    this.#world.log(() => `${host.name} is stopped for a while`);
    process.pause();
    this.#world.time.after(this.#world.random.next() * 1200, () => process.resume());
  }

  // ---- identity ----

  #wipe(host: Host): void {
    if (!this.#mayLose(host) || this.#isRecent(this.#sentAwayAtMs)) return;
    this.#lostAtMs = this.#world.time.now;
    this.#world.counts.wiped += 1;
    this.#world.log(() => `${host.name} is wiped`);
    host.wipe();
    this.#world.restartLater(host);
  }

  /** Before there is a group, one machine may be lost as well: whatever it had accepted is gone. */
  #mayLose(host: Host): boolean {
    const { judge } = this.#world;
    if (judge.formedIn(host.family)) return this.#world.canLose(host);
    const isFirst = !this.#wipedBeforeFormed && this.#world.rates.servers >= 3 && host.family === 'main' && host.plan.role === 0;
    if (isFirst && host.identity?.membership !== 'EMPTY') this.#wipedBeforeFormed = true;
    return isFirst;
  }

  /** An older copy of the machine, or of its log, takes the place of what it has now. */
  #putBack(host: Host): void {
    const { counts, judge, time, random } = this.#world;
    const copy = host.copies[Math.floor(random.next() * host.copies.length)];
    const before = host.identity;
    if (copy === undefined || this.#watch !== undefined || before === undefined || !judge.formedIn(host.family)) return;
    const parts = random.next() < 0.7 ? 'all' : 'log';
    const leader = this.#world.leaderOf(host.family);
    const view = host.process?.consensus?.seen.view;
    const isProtected = this.#world.canLose(host) && view !== undefined && view.term === leader!.consensus!.seen.view!.term && leader!.consensus!.seen.view!.isReady
      && (leader!.consensus!.seen.view!.progress.get(before.nodeId)?.promised ?? 0) >= Math.min(view.durableIndex, leader!.consensus!.seen.view!.commitIndex);
    if (!this.#world.rates.isReckless && (!isProtected || this.#isRecent(this.#sentAwayAtMs))) return;
    this.#lostAtMs = time.now;
    counts.putBack += 1;
    this.#world.log(() => `${host.name}: its ${parts} of ${copy.takenMs.toFixed(0)} is put back${isProtected ? '' : ', and nobody may know'}`);
    host.putBack(copy, parts);
    if (!isProtected) {
      counts.putBackUnnoticeable += 1;
      judge.isUnprotected = true;
    } else {
      const watch: Watch = { host, leader: leader!, term: leader!.consensus!.seen.view!.term, isOver: false, forgetful: undefined,
        promised: leader!.consensus!.seen.view!.progress.get(before.nodeId)!.promised };
      this.#watch = watch;
      this.#shield(watch);
      time.after(WATCH_MS, () => this.#endWatch(watch));
    }
    this.#world.restart(host);
    const began = host.process?.consensus?.seen.view;
    if (this.#watch !== undefined && began !== undefined && began.lastIndex < this.#watch.promised) this.#watch.forgetful = host.process;
  }

  #shield({ host, leader }: Watch): void {
    this.#world.shielded.add(host);
    this.#world.shielded.add(leader.host);
    for (const one of [host, leader.host]) {
      this.#world.network.heal(one.address);
      one.lagMs = 0;
      one.disk.isFull = false;
      one.disk.failsNextSync = false;
      one.disk.cutPowerAfter(-1);
    }
  }

  onNoticed(host: Host): void {
    if (this.#watch?.host !== host) return;
    this.#world.counts.putBackNoticed += 1;
    this.#watch.isOver = true;
  }

  onStopped(host: Host, reason: string): void {
    if (this.#watch?.host !== host) return;
    this.#world.counts.putBackStopped += 1;
    this.#world.log(() => `stopped by itself: ${reason}`);
    this.#watch.isOver = true;
  }

  /** The leader that knew has been there all the time: either nothing was lost, or somebody has said so. */
  #endWatch(watch: Watch): void {
    if (this.#watch !== watch) return;
    this.#watch = undefined;
    this.#world.shielded.clear();
    if (watch.isOver) return;
    const seen = watch.leader.isAlive ? watch.leader.consensus!.seen.view : undefined;
    const isKnown = seen?.role === 'leader' && seen.term === watch.term;
    if (watch.host.process !== undefined && [...watch.host.process.refusals].some((reason) => /later start|rolled back/.test(reason))) {
      this.#world.counts.putBackNoticed += 1;
      return;
    }
    if (isKnown) {
      this.#world.judge.must(watch.forgetful === undefined || !watch.forgetful.isAlive,
        () => `P: ${watch.host.name} runs on an older copy, its leader knows more than that it promised, and nobody says so`);
      this.#world.counts.putBackHarmless += 1;
    }
    else {
      // Deposed meanwhile, by those who were not shielded: what it knew is gone.
      this.#world.counts.putBackUnnoticeable += 1;
      this.#world.judge.isUnprotected = true;
    }
  }

  #twin(host: Host): void {
    if (!host.isUp || !this.#world.judge.formedIn(host.family) || !this.#world.rates.isReckless) return;
    this.#world.counts.twins += 1;
    this.#world.judge.isUnprotected = true;
    this.#world.log(() => `${host.name} gets a twin`);
    this.#world.addTwin(host);
  }

  // ---- addresses ----

  #move(host: Host, address: string, how: 'moved' | 'swapped' | 'reusedByStranger'): void {
    this.#world.counts[how] += 1;
    this.#world.log(() => `${host.name} moves from ${host.address} to ${address}`);
    host.crash();
    host.address = address;
    this.#world.restartLater(host);
  }

  /** Its group is led, and knows where everybody is: when all move at once, nobody finds anybody. Before there is a group, the lists say it. */
  #isWhereExpected(host: Host): boolean {
    const leader = this.#world.leaderOf(host.family);
    if (leader === undefined || leader.host === host) return false;
    const { config, committedConfig } = leader.consensus!.seen.view!;
    const family = this.#world.hosts.filter((one) => one.family === host.family);
    return family.length >= 3 && config.index === committedConfig.index && family.every((one) => {
      const member = config.config.members.find(({ id }) => id === one.identity?.nodeId);
      return one.isUp && member?.voter === true && decodeInfo(member).rpcAddress === one.address;
    });
  }

  /** Two machines change places: each is where the other one is expected. */
  #swap(host: Host): void {
    const others = this.#world.hosts.filter((one) => one !== host && !this.#world.shielded.has(one) && this.#isWhereExpected(one));
    const other = others[Math.floor(this.#world.random.next() * others.length)];
    // Those who stay must be a majority, or nobody would find anybody.
    if (other === undefined || !this.#isWhereExpected(host) || (host.family === other.family && this.#world.rates.servers < 5)) return;
    const [mine, theirs] = [host.address, other.address];
    const how = host.family === other.family ? 'swapped' : 'reusedByStranger';
    this.#move(host, theirs, how);
    this.#move(other, mine, how);
  }

  // ---- members ----

  #remove(host: Host): void {
    const leader = this.#world.leaderOf(host.family);
    if (leader === undefined || this.#watch !== undefined || host.family !== 'main' || !this.#isDispensable(leader) || this.#isRecent(this.#lostAtMs)) return;
    this.#sentAwayAtMs = this.#world.time.now;
    this.#world.log(() => `the operator removes ${host.name} at ${host.address}`);
    const { process } = host;
    leader.ask({ kind: 'removePeer', id: this.#world.nextId++, address: host.address, timeoutMs: 1000 }, (ok) => {
      if (ok === undefined) return;
      this.#world.counts.removed += 1;
      // Sent away, and after a while started again: it comes back as somebody new.
      this.#world.time.after(500 + this.#world.random.next() * 1500, () => {
        if (process !== undefined && host.process === process) this.#world.crash(host);
      });
    });
  }

  #leave(host: Host): void {
    const { process } = host;
    const leader = this.#world.leaderOf(host.family);
    if (process?.consensus?.seen.view === undefined || process.isPaused || this.#watch !== undefined || leader === undefined || !this.#isDispensable(leader) || this.#isRecent(this.#lostAtMs)) return;
    this.#sentAwayAtMs = this.#world.time.now;
    this.#world.log(() => `${host.name} is told to leave`);
    process.ask({ kind: 'stop', id: this.#world.nextId++, timeoutMs: 1500, leave: true }, (ok) => {
      if ((ok as { left: boolean } | undefined)?.left === true) this.#world.counts.left += 1;
      if (host.process !== process) return;
      host.crash();
      this.#world.restartLater(host);
    });
  }

  #isRecent(atMs: number): boolean {
    return this.#world.time.now - atMs < ONE_AT_A_TIME_MS;
  }

  /** An operator does not shrink a group below what it was made for while others are missing. */
  #isDispensable(leader: SimProcess): boolean {
    return leader.consensus!.seen.view!.config.config.members.filter((member) => member.voter).length >= 3;
  }

  #transfer(host: Host): void {
    const leader = this.#world.leaderOf(host.family);
    if (leader === undefined || this.#watch !== undefined || leader.isPaused) return;
    this.#world.counts.transfers += 1;
    leader.ask({ kind: 'transferLeader', id: this.#world.nextId++, address: this.#world.chance(0.5) ? undefined : host.address, timeoutMs: 1000 }, () => undefined);
  }

  // ---- the end ----

  /** Its identity is new, or its group has let it go: whatever was promised is lost already, or held by others, and the group goes on without it. */
  #hasPromisedNothing(host: Host): boolean {
    return ['EMPTY', 'REMOVED'].includes(host.identity?.membership ?? 'EMPTY') && this.#world.leaderOf('main')?.consensus!.seen.view!.isReady === true;
  }

  #restartIfAsked(host: Host): void {
    const { process } = host;
    if (process?.consensus === undefined) return;
    process.ask({ kind: 'status', id: this.#world.nextId++ }, (ok) => {
      if (host.process === process && /restart it to join again/.test((ok as GroupStatus | undefined)?.waitingFor ?? '')) this.#world.crash(host);
    });
  }

  /** Faults are over. What is left is what the servers ask an operator for. */
  setRight(): void {
    const { hosts, judge } = this.#world;
    const main = hosts.filter((host) => host.family === 'main');
    this.#removeGhosts(main);
    const addresses = main.map((host) => host.address).sort();
    const cluster = this.#world.leaderOf('main')?.consensus?.seen.identity.clusterId;
    for (const host of main) {
      if (host.identity?.membership !== 'MEMBER' && [...host.plan.list].sort().join() !== addresses.join()) {
        host.plan.list = addresses;
        this.#world.log(() => `the operator corrects the list of ${host.name}`);
        if (host.isUp) this.#world.crash(host);
      }
      if (host.identity?.membership === 'REMOVED') this.#restartIfAsked(host);
      // It stopped and says that it has to be wiped.
      const says = host.fatal ?? (host.identity?.membership === 'MEMBER' ? host.refusedBecause : host.waitsFor);
      // Without a shared secret an empty server joins whoever answers at the addresses that it was given, a stranger's group too.
      const isAstray = host.identity?.membership === 'MEMBER' && cluster !== undefined && host.identity.clusterId !== cluster;
      const isToWipe = /wipe this server|wipe the directory|put the files back|ha_join_discard_local_data/.test(says) && (this.#world.canLose(host) || !judge.formedIn('main') || this.#hasPromisedNothing(host));
      if (isAstray || isToWipe) {
        this.#world.counts.operatorWipes += 1;
        this.#world.log(() => `the operator wipes ${host.name}: ${says}`);
        host.wipe();
      }
      // One that stopped itself is started again anyway.
      if (host.fatal === undefined) this.#world.restart(host);
    }
  }

  /** A machine that was wiped and moved at once left a member behind that no server takes the place of: where silence removes nobody, an operator does. */
  #removeGhosts(main: readonly Host[]): void {
    const leader = this.#world.leaderOf('main');
    const view = leader?.consensus?.seen.view;
    if (leader === undefined || view === undefined || view.config.index !== view.committedConfig.index) return;
    const ids = new Set(main.map((host) => host.identity?.nodeId));
    // The address of a wiped server is its successor's, which takes its place; one that another server has moved to has no successor.
    const isLeft = (member: Member) => {
      const host = main.find(({ address }) => address === decodeInfo(member).rpcAddress);
      return host === undefined || view.config.config.members.some((one) => one.id === host.identity?.nodeId && one.voter && !replacedBy(one).includes(member.id));
    };
    const ghost = view.config.config.members.find((member) => !ids.has(member.id) && isLeft(member));
    if (ghost === undefined) return;
    const { rpcAddress } = decodeInfo(ghost);
    this.#world.log(() => `the operator removes ${ghost.id} at ${rpcAddress}, where nobody is any more`);
    leader.ask({ kind: 'removePeer', id: this.#world.nextId++, address: ghost.id, timeoutMs: 1000 }, (ok) => {
      if (ok !== undefined) this.#world.counts.operatorRemovals += 1;
    });
  }
}
