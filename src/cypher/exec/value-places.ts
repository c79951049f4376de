/** Values and what place each has, by equality of groups: nodes by id, all others by `hashKey`. */
import { hashKey } from '../../value/compare.ts';
import { NodeValue, type Value } from '../../value/value.ts';
import { NO_PLACE, NumberPlaces } from './number-places.ts';

export class ValuePlaces {
  readonly #nodes = new NumberPlaces();
  readonly #numbers: NumberPlaces;
  readonly #texts = new Map<string, number>();

  /** `expected`: about how many numbers there will be. */
  constructor(expected = 0) {
    this.#numbers = new NumberPlaces(expected);
  }

  get(value: Value): number {
    if (value instanceof NodeValue) return this.#nodes.get(value.id);
    const key = hashKey(value);
    return typeof key === 'number' ? this.#numbers.get(key) : this.#texts.get(key) ?? NO_PLACE;
  }

  /** The place it has, or NO_PLACE: it has this one now. */
  add(value: Value, place: number): number {
    if (value instanceof NodeValue) return this.#nodes.add(value.id, place);
    const key = hashKey(value);
    if (typeof key === 'number') return this.#numbers.add(key, place);
    const known = this.#texts.get(key);
    if (known === undefined) this.#texts.set(key, place);
    return known ?? NO_PLACE;
  }

  /** Gives a value that is there another place. */
  move(value: Value, place: number): void {
    if (value instanceof NodeValue) {
      this.#nodes.move(value.id, place);
      return;
    }
    const key = hashKey(value);
    if (typeof key === 'number') this.#numbers.move(key, place);
    else this.#texts.set(key, place);
  }

  /** The keys, as `joinedKey` writes them for one column. */
  *keys(): Generator<string> {
    for (const id of this.#nodes.numbers()) yield `N${id};`;
    for (const key of this.#numbers.numbers()) yield `${key};`;
    for (const key of this.#texts.keys()) yield `"${key.length}:${key}`;
  }
}
