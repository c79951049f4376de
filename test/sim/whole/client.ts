/** A client of whole servers: writes and reads wherever somebody leads, and remembers what it was told. */
import type { Random } from '../../../src/base/random.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

export class WholeClient {
  readonly #world: World;
  readonly #number: number;
  readonly #random: Random;
  #count = 0;
  #attempt = 0;
  #endedWell = false;

  constructor(world: World, number: number, random: Random) {
    this.#world = world;
    this.#number = number;
    this.#random = random;
  }

  get problem(): string | undefined {
    return this.#endedWell ? undefined : `client ${this.#number} gets no answer although all servers are well`;
  }

  start(): void {
    this.#world.time.after(this.#random.next() * 50, () => this.#next());
  }

  #next(): void {
    const attempt = ++this.#attempt;
    const ups = this.#world.hosts.map((host) => host.process).filter((process) => process?.consensus?.seen.view !== undefined && !process.isPaused) as SimProcess[];
    const leaders = ups.filter((process) => process.isReady);
    const from = leaders.length > 0 && this.#random.next() < 0.9 ? leaders : ups;
    const process = from[Math.floor(this.#random.next() * from.length)];
    if (process !== undefined) {
      if (process.isReady && this.#random.next() < 0.7) this.#write(process, attempt);
      else this.#read(process);
    }
    this.#world.time.after(20 + this.#random.next() * 200, () => {
      if (attempt === this.#attempt) this.#next();
    });
  }

  #write(process: SimProcess, attempt: number): void {
    const { judge, counts } = this.#world;
    const { clusterId } = process.consensus!.seen.identity;
    const data = `${this.#number}.${this.#count++}`;
    const floor = judge.group(clusterId).known;
    process.propose(this.#world.nextId++, {
      data,
      settle: (outcome, index) => {
        if (outcome === 'committed') {
          counts.acknowledged += 1;
          judge.onAcknowledged(clusterId, data, index, floor);
          if (!this.#world.faults && process.host.family === 'main') this.#endedWell = true;
        } else if (outcome !== 'unknown') {
          judge.must(!judge.group(clusterId).at.has(data), () => `22: ${data} is refused for good, yet committed`);
          judge.refused.add(data);
        }
        if (attempt === this.#attempt) {
          this.#attempt += 1;
          this.#world.time.after(this.#random.next() * 40, () => this.#next());
        }
      },
    });
  }

  #read(process: SimProcess): void {
    const { judge, counts, time } = this.#world;
    const { clusterId } = process.consensus!.seen.identity;
    const floor = judge.group(clusterId).known;
    if (process.host.plan.isWitness) return;
    process.ask({ kind: 'readIndex', id: this.#world.nextId++, timeoutMs: 500 }, (ok) => {
      const look = () => {
        if (!process.isAlive || ok === undefined) return;
        if (process.host.state.index < (ok as number)) {
          time.after(5, look);
          return;
        }
        judge.onRead(clusterId, process.host.state.index, floor);
        counts.reads += 1;
      };
      look();
    });
  }
}
