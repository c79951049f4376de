/**
 * How often each id came, in the order of first sight. Ids are dense and a graph's hot ones many, so their places are in an array once
 * there are enough of them to pay for it; a few, and those beyond PLACES_MAX, are in a Map.
 */
import { ENTRY_BYTES } from './holding.ts';

const FEW = 512;
/** 16 MB of places. */
const PLACES_MAX = 1 << 22;
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
    const known = this.#byId.get(id);
    if (known !== undefined) {
      this.counts[known]!++;
      return 0;
    }
    const place = this.ids.push(id) - 1;
    this.counts.push(1);
    if (id < PLACES_MAX && place >= FEW) return SEEN_BYTES + this.#setPlace(id, place);
    this.#byId.set(id, place);
    return SEEN_BYTES + ENTRY_BYTES;
  }

  #setPlace(id: number, place: number): number {
    const before = this.#places.byteLength;
    if (id >= this.#places.length) {
      const larger = new Int32Array(Math.min(PLACES_MAX, Math.max(this.#places.length * 2, id + 1, FEW * 8)));
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places[id] = place + 1;
    return this.#places.byteLength - before;
  }
}
