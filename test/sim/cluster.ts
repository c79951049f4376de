/**
 * A whole group in one thread, replayed from a seed: servers, a network that drops, delays, repeats and cuts, clients with
 * a history, an operator who changes members, and crashes at every step of a write.
 *
 * Each seed draws its own rates ("swarm"), so that some runs are mostly partitions and others mostly crashes. A run ends
 * with all faults off: one leader, equal logs, every client served.
 */
import { DiskFullError } from '../../src/replica/log-store-disk.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Random } from '../../src/base/random.ts';
import { FrameEncoder, decodeFrame } from '../../src/raft/codec.ts';
import { encodeConfig, makeConfig, quorumSize, voterIds } from '../../src/raft/config.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { NodeId } from '../../src/raft/types.ts';
import { Checker, Violation } from './checker.ts';
import { Client } from './client.ts';
import { Links } from './links.ts';
import { CALM, CALM_LINKS, drawLinkRates, drawRates } from './rates.ts';
import type { LinkRates, Rates } from './rates.ts';
import { SyncFailed } from './disk.ts';
import { Scheduler } from './scheduler.ts';
import { SimServer, copyMachine } from './server.ts';

export interface SimOptions {
  readonly seed: number;
  readonly steps: number;
  readonly mutants?: ReadonlySet<string>;
  readonly trace?: (line: string) => void;
  /** How often a leader sends its state where the log would do, while there are faults (default: never). */
  readonly statesPreferred?: number;
  /** No faults but this one: the power of `server` goes at its `operation`-th disk operation, which is done or not. */
  readonly calm?: { readonly server: NodeId; readonly operation: number; readonly isDone: boolean };
}

export interface SimResult {
  readonly steps: number;
  readonly virtualMs: number;
  readonly committed: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly crashes: number;
  readonly leaderships: number;
  readonly configChanges: number;
  readonly snapshots: number;
  readonly leaseReads: number;
  readonly localReads: number;
  readonly partitions: number;
  readonly oneWayCuts: number;
  readonly pauses: number;
  readonly slowNodes: number;
  readonly clockJumps: number;
  readonly transfers: number;
  readonly syncErrors: number;
  readonly diskFull: number;
  readonly wiped: number;
  readonly bitFlips: number;
  readonly crashesInWrite: number;
  readonly dropped: number;
  readonly duplicated: number;
  readonly pairCuts: number;
  readonly diskStalls: number;
  readonly kindDrops: number;
  readonly clogs: number;
  readonly overflowed: number;
  /** Runs that ended with a majority alone, and those that ended without a client. */
  readonly quorumEnds: number;
  readonly quietEnds: number;
}

const END_MS = 30_000;

export class Cluster {
  readonly time = new Scheduler();
  readonly checker = new Checker();
  readonly servers = new Map<NodeId, SimServer>();
  readonly mutants: ReadonlySet<string>;
  readonly random: Random;
  readonly rates: Rates;
  readonly counts = { crashes: 0, leaderships: 0, configChanges: 0, snapshots: 0, acknowledged: 0, reads: 0, leaseReads: 0, localReads: 0, partitions: 0, oneWayCuts: 0,
    pauses: 0, slowNodes: 0, clockJumps: 0, transfers: 0, syncErrors: 0, diskFull: 0, wiped: 0, bitFlips: 0, crashesInWrite: 0, dropped: 0, duplicated: 0,
    pairCuts: 0, diskStalls: 0, quorumEnds: 0, quietEnds: 0 };
  /** Highest index acknowledged to some client, or seen by a read. */
  knownIndex = 0;
  faults = true;
  nextId = 1;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #cut = new Set<string>();
  readonly #encoder = new FrameEncoder();
  readonly #clients: Client[] = [];
  readonly #roles = new Map<NodeId, string>();
  #nextServer = 1;
  #imagesKnown = new Map<NodeId, SimServer['image']>();
  readonly #jumpedAt = new Map<NodeId, number>();
  readonly #linkRandom: Random;
  readonly #linkRates: LinkRates;
  readonly #links: Links;
  readonly #stateRandom: Random;
  readonly #statesPreferred: number;
  /** In the end, those without whom the group must be well. */
  readonly #spared = new Set<SimServer>();

  constructor(options: SimOptions) {
    this.random = seededRandom(options.seed);
    this.#linkRandom = seededRandom(options.seed ^ 0x11ab);
    this.#linkRates = options.calm === undefined ? drawLinkRates(this.#linkRandom) : CALM_LINKS;
    this.#links = new Links(this.#linkRandom, this.#linkRates.capacity);
    this.#stateRandom = seededRandom(options.seed ^ 0x57a7);
    this.#statesPreferred = options.statesPreferred ?? 0;
    this.mutants = options.mutants ?? new Set();
    this.#trace = options.trace;
    this.rates = options.calm === undefined ? drawRates(this.random) : CALM;
    const ids = Array.from({ length: this.rates.servers }, () => `s${this.#nextServer++}`);
    const config = makeConfig(ids.map((id, i) => ({ id, voter: true, witness: i < this.rates.witnesses, info: '' })));
    const encoded = encodeConfig(config);
    for (const [i, id] of ids.entries()) {
      const server = new SimServer(this, id, seededRandom(this.#draw()), i < this.rates.witnesses);
      this.servers.set(id, server);
      server.start(config, encoded);
    }
    for (let i = 0; i < this.rates.clients; i++) this.#clients.push(new Client(this, i, seededRandom(this.#draw())));
    for (const client of this.#clients) client.start();
    this.#scheduleFaults();
    this.#scheduleLinkFaults();
    if (options.calm === undefined) return;
    const { server, operation, isDone } = options.calm;
    this.servers.get(server)!.disk.cutPowerAfter(operation, isDone);
  }

  /** Whether a leader sends its state where the log would do. Never in the end: then the log is to do. */
  prefersState(): boolean {
    return this.faults && this.#statesPreferred > 0 && this.#stateRandom.next() < this.#statesPreferred;
  }

  #draw(): number {
    return Math.floor(this.random.next() * 2 ** 31);
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  log(line: () => string): void {
    this.#trace?.(`${this.time.now.toFixed(1).padStart(9)} ${line()}`);
  }

  // ---- running ----

  run(steps: number): SimResult {
    let done = 0;
    while (done < steps && this.time.step(Number.MAX_SAFE_INTEGER)) done += 1;
    this.#endFaults();
    if (this.#spared.size > 0) {
      this.counts.quorumEnds += 1;
      this.#settle(END_MS);
      this.#checkConverged();
      const spared = [...this.#spared];
      this.#spared.clear();
      for (const server of spared) this.#restart(server);
    }
    this.#settle(END_MS);
    this.#checkConverged();
    return {
      steps: done, virtualMs: Math.round(this.time.now), committed: this.checker.log.length, ...this.counts, ...this.#links.counts,
    };
  }

  check(server: SimServer): void {
    const view = server.view;
    const role = `${view.role} ${view.term}`;
    if (this.#roles.get(server.id) !== role) {
      this.#roles.set(server.id, role);
      if (view.role === 'leader') this.counts.leaderships += 1;
      this.log(() => `${server.id} ${role} last=${view.lastIndex}@${view.lastTerm} commit=${view.commitIndex}`);
    }
    if (this.rates.leases) this.checker.onLeases([...this.servers.values()].filter((one) => one.hasLease).map((one) => one.id));
    if (view.role === 'leader' && view.isReady) this.checker.checkWitnesses(view, this.#images());
    this.checker.check({ id: server.id, view, image: server.image, stateIndex: server.durableStateIndex, isWitness: server.isWitness,
      termAt: (index) => server.node.termAt(index), configAt: (index) => server.node.configAt(index) }, this.#images());
  }

  #images(): Map<NodeId, SimServer['image']> {
    if (this.#imagesKnown.size !== this.servers.size) this.#imagesKnown = new Map([...this.servers].map(([id, server]) => [id, server.image]));
    return this.#imagesKnown;
  }

  // ---- network ----

  send(from: SimServer, to: NodeId, message: Message): void {
    this.checker.onSend(from.id, to, message, from.image);
    const target = this.servers.get(to);
    if (target === undefined) return;
    this.log(() => `${from.id} → ${to} ${brief(message)}`);
    if (this.faults && (this.#cut.has(`${from.id} ${to}`) || this.chance(this.rates.loss))) {
      this.counts.dropped += 1;
      return;
    }
    if (this.faults && !this.#links.takes(from.id, to, message.kind)) {
      // As a stream does that carries what does not get through.
      if (message.kind === 'append') from.loses(to);
      return;
    }
    // Now and then through the real bytes.
    const sent = this.chance(0.05) ? decodeFrame(this.#encoder.encode([message]))[0]! : message;
    this.#deliver(from.id, target, sent);
    if (this.faults && this.chance(this.rates.duplicate)) {
      this.counts.duplicated += 1;
      this.#deliver(from.id, target, sent);
    }
  }

  #deliver(from: NodeId, target: SimServer, message: Message): void {
    const scale = this.faults ? this.rates.delayMs : 1;
    // Mostly quick, sometimes very late.
    const delay = scale * (this.chance(0.02) ? 40 * this.random.next() : -Math.log(1 - this.random.next() * 0.999));
    this.time.after(Math.max(delay, this.#links.enter(from, target.id, this.time.now)), () => {
      this.#links.leave(from, target.id);
      if (this.faults && this.#cut.has(`${from} ${target.id}`)) return;
      target.receive(from, message);
    });
  }

  sendSnapshot(from: SimServer, to: NodeId): void {
    this.counts.snapshots += 1;
    const target = this.servers.get(to);
    const snapshot = { machine: target?.isWitness === true ? from.emptyAtStart() : copyMachine(from.machine) };
    const { machine } = snapshot;
    if (from.isWitness && target?.isWitness === false) throw new Violation(`18: the witness ${from.id} is asked for a state`);
    if (machine.index > 0) this.checker.onSnapshot(machine.index, machine.term, from.node.configAt(machine.index));
    const { term } = from.view;
    from.input((node) => node.snapshotMoves(to, snapshot.machine.index));
    this.log(() => `${from.id} → ${to} snapshot at ${snapshot.machine.index}`);
    this.time.after(5 + this.random.next() * 100, () => {
      const isLost = target === undefined || (this.faults && (this.#cut.has(`${from.id} ${to}`) || this.chance(0.2)));
      const ok = !isLost && target.install(snapshot);
      this.time.after(this.random.next() * 20, () => {
        if (from.isUp && from.view.role === 'leader' && from.view.term === term) from.input((node) => node.snapshotSent(to, ok));
      });
    });
  }

  // ---- faults ----

  #scheduleFaults(): void {
    const every = (probability: number, work: () => void) => {
      const again = () => {
        this.time.after(50 + this.random.next() * 100, () => {
          if (!this.faults) return;
          if (this.chance(probability)) work();
          again();
        });
      };
      again();
    };
    const { rates } = this;
    every(rates.crash, () => this.crash(this.#pick()));
    every(rates.partition, () => this.#partition());
    every(0.1, () => this.#cut.clear());
    every(rates.pause, () => {
      this.counts.pauses += 1;
      this.#pick().pause(this.random.next() * 600);
    });
    every(rates.slowNode, () => {
      this.counts.slowNodes += 1;
      const server = this.#pick();
      server.lagMs = server.lagMs > 0 ? 0 : this.random.next() * 60;
    });
    every(rates.clockJump, () => this.#jumpClock(this.#pick()));
    every(rates.syncError, () => (this.#pick().disk.failsNextSync = true));
    every(rates.diskFull, () => (this.#pick().disk.isFull = true));
    every(0.1, () => (this.#pick().disk.isFull = false));
    every(rates.wipe, () => this.#damage(this.#pick(), 'wipe'));
    every(rates.rot, () => this.#damage(this.#pick(), 'rot'));
    every(rates.slowDisk, () => {
      const server = this.#pick();
      server.slowDisk = !server.slowDisk;
    });
    every(rates.members, () => this.#changeMembers());
    every(rates.transfer, () => {
      this.#pick().input((node) => {
        if (node.view.role !== 'leader') return;
        this.counts.transfers += 1;
        node.transfer(this.chance(0.5) ? undefined : this.#pick().id);
      });
    });
    every(rates.compact, () => this.#pick().compact(Math.floor(this.random.next() * 20)));
  }

  #scheduleLinkFaults(): void {
    const random = this.#linkRandom;
    const every = (probability: number, work: () => void) => {
      if (probability === 0) return;
      const again = () => {
        this.time.after(50 + random.next() * 100, () => {
          if (!this.faults) return;
          if (random.next() < probability) work();
          again();
        });
      };
      again();
    };
    const one = () => [...this.servers.values()][Math.floor(random.next() * this.servers.size)]!;
    const rates = this.#linkRates;
    every(rates.kindDrop, () => this.#links.dropSomeKind());
    every(rates.clog, () => this.#links.clog(one().id, one().id, this.time.now));
    every(rates.kindDrop + rates.clog > 0 ? 0.15 : 0, () => this.#links.heal());
    // Two that cannot hear each other while everybody else hears both.
    every(rates.pairCut, () => {
      const [a, b] = [one().id, one().id];
      if (a === b) return;
      this.counts.pairCuts += 1;
      this.#cut.add(`${a} ${b}`).add(`${b} ${a}`);
    });
    every(rates.diskStall, () => {
      this.counts.diskStalls += 1;
      one().stallDisk(random.next() * 1000);
    });
  }

  /** Rare and small enough for the bound that leases allow for. */
  #jumpClock(server: SimServer): void {
    if (this.time.now < (this.#jumpedAt.get(server.id) ?? -1000) + 1000) return;
    this.#jumpedAt.set(server.id, this.time.now);
    this.counts.clockJumps += 1;
    server.jumpClock(this.random.next() * 15);
  }

  /**
   * A disk is wiped, or a bit of it turns while the server is down. Within what the group can bear: one such server at a time, of at
   * least three voters, whose identity the operator then removes.
   */
  #damage(server: SimServer, how: 'wipe' | 'rot'): void {
    if (!this.#canLose(server)) return;
    if (server.isUp) {
      this.counts.crashes += 1;
      server.crash();
    }
    if (how === 'rot') {
      if (!server.disk.flipBit()) return;
      this.counts.bitFlips += 1;
      const outcome = server.noticesRot();
      this.log(() => `${server.id} has a turned bit: ${outcome}`);
      if (outcome === 'lost') throw new Violation(`12: a turned bit on the disk of ${server.id} loses what was promised, and nobody notices`);
    } else {
      this.counts.wiped += 1;
      this.log(() => `${server.id} is wiped`);
    }
    server.isGone = true;
  }

  #canLose(server: SimServer): boolean {
    const leader = this.#leader();
    if (leader === undefined || server === leader || [...this.servers.values()].some((one) => one.isGone && this.#isListed(one, leader))) return false;
    const { config, committedConfig } = leader.view;
    if (config.index !== committedConfig.index || leader.view.term < Math.max(...[...this.servers.values()].map((one) => one.view.term))) return false;
    const left = config.config.members.filter((member) => member.voter && member.id !== server.id);
    const witnesses = left.filter((member) => member.witness).length;
    return this.#isListed(server, leader) && left.length >= 2 && left.length - witnesses > witnesses;
  }

  #isListed(server: SimServer, leader: SimServer): boolean {
    return leader.view.config.config.members.some((member) => member.id === server.id);
  }

  #leader(): SimServer | undefined {
    const leaders = [...this.servers.values()].filter((server) => server.isUp && server.leadingTerm !== undefined);
    return leaders.sort((a, b) => b.view.term - a.view.term)[0];
  }

  /** The operator takes out a server whose disk is gone; nothing else before that is done. */
  #removeGone(leader: SimServer): boolean {
    const gone = leader.view.config.config.members.find((member) => this.servers.get(member.id)!.isGone);
    if (gone === undefined) return false;
    leader.input((node) => {
      if (typeof node.changeConfig({ kind: 'remove', id: gone.id }) === 'number') this.counts.configChanges += 1;
    });
    return true;
  }

  #pick(): SimServer {
    const all = [...this.servers.values()];
    return all[Math.floor(this.random.next() * all.length)]!;
  }

  drawCrashInWrite(): boolean {
    const draws = this.faults && this.chance(this.rates.crashInWrite);
    if (draws) this.counts.crashesInWrite += 1;
    return draws;
  }

  crash(server: SimServer): void {
    if (!server.isUp) return;
    this.counts.crashes += 1;
    this.log(() => `${server.id} crashes`);
    server.crash();
    this.time.after(50 + this.random.next() * 1000, () => this.#restart(server));
  }

  #restart(server: SimServer): void {
    if (server.isUp || server.isGone || this.#spared.has(server)) return;
    try {
      server.start();
    } catch (error) {
      if (!(error instanceof SyncFailed) && !(error instanceof DiskFullError)) throw error;
      // A start that cannot sync, or has no space, ends there; somebody starts it again.
      if (error instanceof SyncFailed) this.counts.syncErrors += 1;
      server.disk.crash();
      this.time.after(50 + this.random.next() * 1000, () => this.#restart(server));
      return;
    }
    this.checker.onRestart(server.id, server.image);
    this.log(() => `${server.id} restarts`);
    for (const other of this.servers.values()) {
      if (other === server || !this.chance(0.5)) continue;
      this.checker.onPeerRestarted(other.id, server.id);
      other.input((node) => node.peerRestarted(server.id));
    }
  }

  #partition(): void {
    const ids = [...this.servers.keys()];
    const side = new Set(ids.filter(() => this.chance(0.5)));
    if (this.chance(0.4)) {
      // One alone: the commonest real one.
      side.clear();
      side.add(ids[Math.floor(this.random.next() * ids.length)]!);
    }
    this.counts.partitions += 1;
    if (this.rates.oneWay) this.counts.oneWayCuts += 1;
    this.log(() => `partition ${[...side].join(' ')}`);
    for (const from of ids) {
      for (const to of ids) {
        if (side.has(from) === side.has(to)) continue;
        if (this.rates.oneWay && side.has(to)) continue;
        this.#cut.add(`${from} ${to}`);
      }
    }
  }

  #changeMembers(): void {
    const leader = this.#leader();
    if (leader === undefined || this.#removeGone(leader)) return;
    const { config } = leader.view.config;
    const learners = config.members.filter((member) => !member.voter);
    const what = this.random.next();
    let result: number | string = '';
    if (learners.length > 0 && what < 0.5) {
      leader.input((node) => (result = node.changeConfig({ kind: 'promote', id: learners[0]!.id })));
    } else if (what < 0.7 && this.servers.size < 12 && learners.length < 2) {
      const server = new SimServer(this, `s${this.#nextServer++}`, seededRandom(this.#draw()));
      leader.input((node) => {
        result = node.changeConfig({ kind: 'addLearner', member: { id: server.id, witness: false, info: '' } });
        if (typeof result !== 'number') return;
        this.servers.set(server.id, server);
        server.start();
      });
    } else if (voterIds(config).length > 2) {
      const gone = config.members[Math.floor(this.random.next() * config.members.length)]!.id;
      leader.input((node) => (result = node.changeConfig({ kind: 'remove', id: gone })));
    }
    if (typeof result === 'number') this.counts.configChanges += 1;
    this.log(() => `${leader.id} changes members: ${result}`);
  }

  // ---- the end ----

  #endFaults(): void {
    this.faults = false;
    this.#cut.clear();
    this.#links.heal();
    this.log(() => 'faults off');
    if (this.#linkRates.endsQuietly) {
      this.counts.quietEnds += 1;
      for (const client of this.#clients) client.endedWell = true;
    }
    if (this.#linkRates.endsWithQuorum) this.#spareSome();
    for (const server of this.servers.values()) {
      server.slowDisk = false;
      server.pause(0);
      server.lagMs = 0;
      server.disk.isFull = false;
      server.disk.failsNextSync = false;
      if (this.#spared.has(server)) server.crash();
      else if (!server.isUp) this.#restart(server);
    }
  }

  /** Takes as many servers as any configuration that somebody believes in can do without. */
  #spareSome(): void {
    const configs = [...this.servers.values()].flatMap(({ view }) => [view.config.config, view.committedConfig.config]).filter((config) => config.members.length > 0);
    const dropped = Math.max(...[...this.servers.values()].map(({ view }) => view.firstIndex - 1));
    const canSpare = (server: SimServer) => configs.every((config) => {
      const voters = voterIds(config);
      const left = voters.map((id) => this.servers.get(id)!).filter((other) => other !== server && !other.isGone && !this.#spared.has(other));
      // A witness that lags behind what others have dropped waits, by its rule, until one server more than may fail is seen to hold it.
      const waits = left.some((other) => other.isWitness && other.view.lastIndex < dropped);
      const holders = left.filter((other) => !other.isWitness).length;
      return left.length >= quorumSize(config) && (!waits || holders > (voters.length - 1) / 2);
    });
    const order = [...this.servers.values()].map((server) => [this.#linkRandom.next(), server] as const).sort(([a], [b]) => a - b);
    for (const [, server] of order) if (!server.isGone && canSpare(server)) this.#spared.add(server);
    this.log(() => `they must do without ${[...this.#spared].map((server) => server.id).join(' ')}`);
  }

  /** Runs until everything is quiet and equal, or long enough. */
  #settle(ms: number): void {
    const until = this.time.now + ms;
    const cleanUp = () => {
      const leader = this.#leader();
      if (leader !== undefined) this.#removeGone(leader);
      this.time.after(200, cleanUp);
    };
    cleanUp();
    let next = this.time.now + 1000;
    while (this.time.step(until)) {
      if (this.time.now < next) continue;
      next = this.time.now + 1000;
      if (this.#problem() === undefined && this.#clients.every((client) => client.endedWell)) return;
    }
  }

  #checkConverged(): void {
    const problem = this.#problem();
    if (problem !== undefined) throw new Violation(`24: ${problem}`);
    const client = this.#clients.find((one) => !one.endedWell);
    if (client !== undefined) throw new Violation(`24: client ${client.number} gets no answer although all servers are well`);
    // One that was removed hears of nothing any more; its process ends.
    const leader = this.#leader()!;
    const open = [...this.servers.values()].find((server) => server.isUp && this.#isListed(server, leader) && server.proposals.size > 0);
    if (this.#linkRates.endsQuietly && open !== undefined) throw new Violation(`22: ${open.id} owes its clients ${open.proposals.size} answers`);
  }

  #problem(): string | undefined {
    const leaders = [...this.servers.values()].filter((server) => server.isUp && server.view.role === 'leader');
    const leader = leaders.sort((a, b) => b.view.term - a.view.term)[0];
    if (leader === undefined) return 'nobody leads';
    if (leader.isWitness) return `the witness ${leader.id} still leads`;
    const { view } = leader;
    if (view.commitIndex !== view.lastIndex) return `${leader.id} has committed ${view.commitIndex} of ${view.lastIndex}`;
    for (const { id } of view.config.config.members) {
      const server = this.servers.get(id)!;
      if (this.#spared.has(server)) continue;
      if (server.isGone) return `${id} is gone and still listed`;
      if (server.view.term !== view.term) return `${id} is in term ${server.view.term}, the leader ${leader.id} in ${view.term}`;
      if (server.view.commitIndex !== view.commitIndex || server.view.lastIndex !== view.lastIndex) return `${id} is at ${server.view.commitIndex}/${server.view.lastIndex}, the leader ${leader.id} at ${view.commitIndex}`;
      if (!server.isWitness && server.machine.index !== view.commitIndex) return `${id} has applied ${server.machine.index} of ${view.commitIndex}`;
    }
    return undefined;
  }
}

function brief(message: Message): string {
  const { kind, ...fields } = message;
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${Array.isArray(value) ? `[${value.length}]` : typeof value === 'object' ? '{}' : String(value)}`);
  return `${kind} ${shown.join(' ')}`;
}

/** One whole run. Throws what went wrong. */
export function simulate(options: SimOptions): SimResult {
  return new Cluster(options).run(options.steps);
}
