/**
 * Which nodes a search has reached, with a small number for each: an array indexed by node id, whose entries count only if
 * stamped with the current search's number, so that starting a search costs nothing.
 *
 * Searches of one thread may be suspended inside one another (operators are generators), so arrays are lent and given back. Ids
 * beyond `DENSE_MAX` go to a Map.
 */
const DENSE_MAX = 16_000_000;
const FIRST_SIZE = 1 << 16;

class Stamps {
  stamps = new Int32Array(FIRST_SIZE);
  values = new Int32Array(FIRST_SIZE);
  current = 0;

  grow(id: number): void {
    let size = this.stamps.length;
    while (size <= id) size *= 2;
    const stamps = new Int32Array(size);
    stamps.set(this.stamps);
    const values = new Int32Array(size);
    values.set(this.values);
    this.stamps = stamps;
    this.values = values;
  }
}

const spare: Stamps[] = [];

export class Visited {
  readonly #dense: Stamps;
  readonly #sparse = new Map<number, number>();

  private constructor(dense: Stamps) {
    this.#dense = dense;
    if (++dense.current === 0x7fffffff) {
      dense.stamps.fill(0);
      dense.current = 1;
    }
  }

  static take(): Visited {
    return new Visited(spare.pop() ?? new Stamps());
  }

  /** To be called once, when the search is over. */
  release(): void {
    if (spare.length < 8) spare.push(this.#dense);
  }

  /** The number the node was reached with, or -1. */
  get(id: number): number {
    const dense = this.#dense;
    if (id < dense.stamps.length) return dense.stamps[id] === dense.current ? dense.values[id]! : -1;
    return id < DENSE_MAX ? -1 : this.#sparse.get(id) ?? -1;
  }

  /** Reaches those of the ids that have not been, all with one number, and appends them to `found`. */
  claim(ids: ArrayLike<number>, from: number, to: number, value: number, found: number[]): void {
    const { current } = this.#dense;
    let { stamps, values } = this.#dense;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      if (id < stamps.length) {
        if (stamps[id] === current) continue;
        stamps[id] = current;
        values[id] = value;
      } else {
        if (this.get(id) >= 0) continue;
        this.set(id, value);
        ({ stamps, values } = this.#dense);
      }
      found.push(id);
    }
  }

  /** Reaches the ids; how many of them had not been. */
  count(ids: ArrayLike<number>, from: number, to: number): number {
    const { current } = this.#dense;
    let { stamps, values } = this.#dense;
    let count = 0;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      if (id < stamps.length) {
        if (stamps[id] === current) continue;
        stamps[id] = current;
        values[id] = 0;
      } else {
        if (this.get(id) >= 0) continue;
        this.set(id, 0);
        ({ stamps, values } = this.#dense);
      }
      count++;
    }
    return count;
  }

  /** Whether one of the ids has been reached. */
  hasAny(ids: ArrayLike<number>, from: number, to: number): boolean {
    const { stamps, current } = this.#dense;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      if (id < stamps.length ? stamps[id] === current : this.get(id) >= 0) return true;
    }
    return false;
  }

  /** `value` is not negative. */
  set(id: number, value: number): void {
    const dense = this.#dense;
    if (id >= dense.stamps.length) {
      if (id >= DENSE_MAX) {
        this.#sparse.set(id, value);
        return;
      }
      dense.grow(id);
    }
    dense.stamps[id] = dense.current;
    dense.values[id] = value;
  }
}
