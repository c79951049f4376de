/**
 * A client that writes and reads one value after the other, and remembers what it was told.
 *
 * The log is the witness of linearizability: a write acknowledged as entry i, a read that saw version i. Real-time order
 * then only has to agree with the order of indexes, which is checked exactly.
 */
import type { Random } from '../../src/base/random.ts';
import type { Cluster } from './cluster.ts';
import type { SimServer } from './server.ts';

export class Client {
  readonly number: number;
  /** Was served after all faults had ended. */
  endedWell = false;
  readonly #cluster: Cluster;
  readonly #random: Random;
  #count = 0;
  #attempt = 0;
  /** Newest version it was shown: goes along with its local reads. */
  #seen = 0;

  constructor(cluster: Cluster, number: number, random: Random) {
    this.#cluster = cluster;
    this.number = number;
    this.#random = random;
  }

  start(): void {
    this.#cluster.time.after(this.#random.next() * 50, () => this.#next());
  }

  #next(): void {
    if (this.endedWell) return;
    const attempt = ++this.#attempt;
    const server = this.#choose();
    if (server !== undefined) {
      if (this.#random.next() < 0.6) this.#write(server, attempt);
      else if (this.#random.next() < 0.7) this.#read(server, attempt);
      else this.#readLocally(server, attempt);
    }
    // Whatever comes later than this is still recorded; the client has moved on.
    this.#cluster.time.after(500, () => {
      if (attempt === this.#attempt) this.#next();
    });
  }

  #again(attempt: number): void {
    if (attempt !== this.#attempt) return;
    this.#attempt += 1;
    this.#cluster.time.after(this.#random.next() * 20, () => this.#next());
  }

  #choose(): SimServer | undefined {
    const all = [...this.#cluster.servers.values()].filter((server) => server.isUp && !server.isPaused);
    const leaders = all.filter((server) => server.leadingTerm !== undefined);
    const from = this.#random.next() < 0.8 && leaders.length > 0 ? leaders : all;
    return from[Math.floor(this.#random.next() * from.length)];
  }

  #write(server: SimServer, attempt: number): void {
    const { checker, counts } = this.#cluster;
    const term = server.leadingTerm;
    if (term === undefined) {
      this.#again(attempt);
      return;
    }
    const batch = 1 + Math.floor(this.#random.next() * 3);
    const ids = Array.from({ length: batch }, () => this.#cluster.nextId++);
    const texts = ids.map(() => `${Math.floor(this.#random.next() * 3)}${'k'.repeat(Math.floor(this.#random.next() * 40))}=${this.number + 10 * this.#count++}`);
    const floor = this.#cluster.knownIndex;
    for (const [i, id] of ids.entries()) {
      const data = texts[i]!;
      server.proposals.set(id, {
        data,
        settle: (outcome, index) => {
          if (outcome === 'committed') {
            checker.onWriteAcknowledged(data, index, floor);
            this.#cluster.knownIndex = Math.max(this.#cluster.knownIndex, index);
            counts.acknowledged += 1;
            this.#seen = Math.max(this.#seen, index);
            if (!this.#cluster.faults) this.endedWell = true;
          } else if (outcome !== 'unknown') checker.onRefused(data);
          if (i === ids.length - 1) this.#again(attempt);
        },
      });
    }
    const parts = texts.map((text) => Buffer.from(text));
    const data = { bytes: new Uint8Array(Buffer.concat(parts)), lengths: parts.map((part) => part.length) };
    server.writer.onMessage({ kind: 'propose', term, epoch: this.#cluster.nextId, ids, data });
  }

  /** Any server with data, as soon as it is as new as what this client has seen. */
  #readLocally(server: SimServer, attempt: number): void {
    const { checker, counts } = this.#cluster;
    const { machine } = server;
    if (!server.isWitness && (machine.index >= this.#seen || this.#cluster.mutants.has('local-reads-go-back'))) {
      checker.onLocalRead(machine.index, this.#seen);
      this.#seen = machine.index;
      counts.localReads += 1;
    }
    this.#again(attempt);
  }

  #read(server: SimServer, attempt: number): void {
    const { checker, counts, time } = this.#cluster;
    const floor = this.#cluster.knownIndex;
    const id = this.#cluster.nextId++;
    const { boots } = server;
    server.readsDone.set(id, (index) => {
      const look = () => {
        if (!server.isUp || server.boots !== boots) return;
        if (server.machine.index < index && !this.#cluster.mutants.has('reads-before-apply')) {
          time.after(2, look);
          return;
        }
        checker.onRead(server.machine.index, floor);
        counts.reads += 1;
        if (server.node.hasLease) counts.leaseReads += 1;
        this.#seen = Math.max(this.#seen, server.machine.index);
        this.#cluster.knownIndex = Math.max(this.#cluster.knownIndex, server.machine.index);
        this.#again(attempt);
      };
      look();
    });
    server.input((node) => node.read(id));
  }
}
