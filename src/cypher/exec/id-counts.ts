/**
 * How often each id came, in the order of first sight. Ids are dense, so their places are in an array where enough were seen to pay for it; a few,
 * and those far out, are in a Map.
 */
import { ENTRY_BYTES } from './holding.ts';

const FEW = 512;
/** What the array may take for each id that was seen: not much more than an entry of the Map. */
const PLACES_BYTES_EACH = 64;
const SEEN_BYTES = 16;

export class IdCounts {
  /** Parallel, by place. */
  readonly ids: number[] = [];
  readonly counts: number[] = [];
  readonly #byId = new Map<number, number>();
  /** Place + 1; 0: not seen. */
  #places = new Int32Array(0);

  get size(): number {
    return this.ids.length;
  }

  /** Returns the bytes it holds more than before. */
  count(ids: ArrayLike<number>, from: number, to: number): number {
    const { counts } = this;
    let places = this.#places;
    let bytes = 0;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      if (id < places.length && places[id] !== 0) {
        counts[places[id]! - 1]!++;
        continue;
      }
      bytes += this.#countRare(id);
      places = this.#places;
    }
    return bytes;
  }

  #countRare(id: number): number {
    const known = id < this.#places.length ? undefined : this.#byId.get(id);
    if (known !== undefined) {
      this.counts[known]!++;
      return 0;
    }
    const place = this.ids.push(id) - 1;
    this.counts.push(1);
    const before = this.#places.byteLength;
    if (place >= FEW && id >= this.#places.length) this.#grow(id, (place * PLACES_BYTES_EACH) / 4);
    if (id >= this.#places.length) {
      this.#byId.set(id, place);
      return SEEN_BYTES + ENTRY_BYTES;
    }
    this.#places[id] = place + 1;
    return SEEN_BYTES + this.#places.byteLength - before;
  }

  /** So that the id has a place too, where that takes no more than `max` places in all. */
  #grow(id: number, max: number): void {
    // At least twice as many each time, or none: growing little by little would copy them over and over.
    const length = Math.max(this.#places.length * 2, id + 1, FEW * 8);
    if (length > max) return;
    const larger = new Int32Array(length);
    larger.set(this.#places);
    for (const [few, place] of this.#byId) if (few < larger.length) larger[few] = place + 1;
    this.#places = larger;
  }
}
