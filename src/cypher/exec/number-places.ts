/**
 * Numbers and what place each has, in two typed arrays (open addressing, linear probing): a Map keeps numbers beyond 31 bits as objects, and takes
 * several times as long for thousands of them. No number is NaN.
 */
import { randomInt } from 'node:crypto';

export const NO_PLACE = -1;

const FIRST_SIZE = 64;
/** Smaller ones grow in larger steps. */
const SMALL = 4096;
/** Bytes of an entry, about: at least a third of the places is free. */
export const NUMBER_BYTES = 24;

const float = new Float64Array(1);
const words = new Int32Array(float.buffer);

/** Another one in each process: nobody can choose numbers that all fall on one place. */
const SEED = randomInt(2 ** 32) | 0;

/** Murmur3's finalizer (Appleby): every bit of a word changes every bit of the hash. */
function mixed(word: number): number {
  let hash = word ^ (word >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function hashOf(value: number): number {
  const low = value | 0;
  if (low === value) return mixed(low ^ SEED);
  float[0] = value;
  return mixed(mixed(words[0]! ^ SEED) ^ words[1]!);
}

/** So long a way to a free place is no accident. */
const WAY_MAX = 32;

export class NumberPlaces {
  #keys: Float64Array;
  /** Place + 1; 0: free. */
  #places: Int32Array;
  #size = 0;
  /** Small integers stand in their order, as most come: ids and numbers in a row. Until some come at distances for which that will not do. */
  #isInOrder = true;

  /** `expected`: about how many there will be. */
  constructor(expected = 0) {
    let size = FIRST_SIZE;
    while (size < expected * 2) size *= 2;
    this.#keys = new Float64Array(size);
    this.#places = new Int32Array(size);
  }

  get size(): number {
    return this.#size;
  }

  get(value: number): number {
    return this.#places[this.#slotOf(value)]! - 1;
  }

  /** The place it has, or NO_PLACE: it has this one now. */
  add(value: number, place: number): number {
    const slot = this.#slotOf(value);
    const known = this.#places[slot]!;
    if (known !== 0) return known - 1;
    this.#keys[slot] = value;
    this.#places[slot] = place + 1;
    const mask = this.#keys.length - 1;
    if (++this.#size * 3 > this.#keys.length * 2) this.#arrange(this.#keys.length * (this.#keys.length < SMALL ? 4 : 2));
    else if (this.#isInOrder && value === (value | 0) && ((slot - value) & mask) > WAY_MAX) {
      this.#isInOrder = false;
      this.#arrange(this.#keys.length);
    }
    return NO_PLACE;
  }

  /** Gives a number that is there another place. */
  move(value: number, place: number): void {
    this.#places[this.#slotOf(value)] = place + 1;
  }

  *numbers(): Generator<number> {
    for (let slot = 0; slot < this.#keys.length; slot++) if (this.#places[slot] !== 0) yield this.#keys[slot]!;
  }

  /** Where it is, or the free slot that it would be put in. */
  #slotOf(value: number): number {
    const keys = this.#keys;
    const places = this.#places;
    const mask = keys.length - 1;
    const low = value | 0;
    let slot = (this.#isInOrder && low === value ? low : hashOf(value)) & mask;
    while (places[slot] !== 0 && keys[slot] !== value) slot = (slot + 1) & mask;
    return slot;
  }

  #arrange(size: number): void {
    const [keys, places] = [this.#keys, this.#places];
    this.#keys = new Float64Array(size);
    this.#places = new Int32Array(size);
    for (let slot = 0; slot < keys.length; slot++) {
      if (places[slot] === 0) continue;
      const to = this.#slotOf(keys[slot]!);
      this.#keys[to] = keys[slot]!;
      this.#places[to] = places[slot]!;
    }
  }
}

/** A few are quicker to begin with in a Set. */
const FEW = 32;

export class NumberSet {
  #few: Set<number> | undefined = new Set();
  #many: NumberPlaces | undefined;

  get size(): number {
    return this.#many?.size ?? this.#few!.size;
  }

  /** False: it is there. */
  add(value: number): boolean {
    if (this.#many !== undefined) return this.#many.add(value, 0) === NO_PLACE;
    const few = this.#few!;
    if (few.has(value)) return false;
    few.add(value);
    if (few.size > FEW) {
      this.#many = new NumberPlaces();
      for (const each of few) this.#many.add(each, 0);
      this.#few = undefined;
    }
    return true;
  }

  numbers(): Iterable<number> {
    return this.#many?.numbers() ?? this.#few!;
  }
}
