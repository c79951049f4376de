/**
 * Values by ids that are given out one after the other and taken back in about that order: calls that wait for their answer, for example.
 *
 * Not a Map: V8 makes its table anew every few hundred insertions, and the old one keeps what was in it and points to the new one. Once one of them has come
 * to the old part of the heap, all that come after live until that is collected, with all that their values hold.
 */
export class IdWindow<T> {
  /** A ring: the value of an id is at its last bits. */
  #slots: (T | undefined)[] = new Array<T | undefined>(16).fill(undefined);
  #first = 1;
  #next = 1;
  #size = 0;
  /** The few that stay for much longer than others. */
  readonly #late = new Map<number, T>();

  get size(): number {
    return this.#size + this.#late.size;
  }

  /** Gives the value's id, which is never given again. */
  add(value: T): number {
    if (this.#next - this.#first === this.#slots.length) this.#makeRoom();
    this.#slots[this.#next & (this.#slots.length - 1)] = value;
    this.#size++;
    return this.#next++;
  }

  get(id: number): T | undefined {
    return this.#has(id) ? this.#slots[id & (this.#slots.length - 1)] : this.#late.get(id);
  }

  /** As `get`, and forgets it. */
  take(id: number): T | undefined {
    const value = this.get(id);
    if (value === undefined) return undefined;
    if (this.#has(id)) this.#clear(id);
    else this.#late.delete(id);
    return value;
  }

  /** Ids and values, the oldest first. */
  *[Symbol.iterator](): Generator<readonly [id: number, value: T]> {
    yield* this.#late;
    for (let id = this.#first; id < this.#next; id++) {
      const value = this.get(id);
      if (value !== undefined) yield [id, value];
    }
  }

  #has(id: number): boolean {
    return id >= this.#first && id < this.#next;
  }

  #clear(id: number): void {
    const mask = this.#slots.length - 1;
    this.#slots[id & mask] = undefined;
    this.#size--;
    while (this.#first < this.#next && this.#slots[this.#first & mask] === undefined) this.#first++;
  }

  /** Where most slots are empty, the oldest value is what holds up the others. */
  #makeRoom(): void {
    if (this.#size * 2 <= this.#slots.length) {
      const oldest = this.#first;
      this.#late.set(oldest, this.get(oldest)!);
      return this.#clear(oldest);
    }
    const slots = new Array<T | undefined>(this.#slots.length * 2).fill(undefined);
    for (let id = this.#first; id < this.#next; id++) slots[id & (slots.length - 1)] = this.get(id);
    this.#slots = slots;
  }
}
