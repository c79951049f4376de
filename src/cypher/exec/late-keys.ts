/**
 * Groups of nodes by values computed from a node, of which only the first is computed for each node. The others are computed when two nodes have the
 * first in common, and for the groups that somebody wants: of a group the node that was seen first knows them all.
 */
import type { Value } from '../../value/value.ts';
import { isSame } from './group-table.ts';
import { NO_PLACE } from './number-places.ts';
import { ValuePlaces } from './value-places.ts';

/** The value of a key of a node. */
export type KeyOfNode = (key: number, node: number) => Value;

/** With more groups that have the first key in common, the first tells too little. */
const CHAIN_MAX = 4;

export class LateKeys {
  readonly #keys: number;
  readonly #value: KeyOfNode;
  /** By the first key: the place of the last group with it. */
  readonly #heads: ValuePlaces;
  /** By place: the node that was seen first, its first key, and the group before that has it in common. */
  readonly #first: number[] = [];
  readonly #values: Value[] = [];
  readonly #before: number[] = [];

  /** `expected`: as many nodes at most will be seen at first. */
  constructor(keys: number, value: KeyOfNode, expected: number) {
    this.#heads = new ValuePlaces(expected);
    this.#keys = keys;
    this.#value = value;
  }

  get size(): number {
    return this.#first.length;
  }

  value(key: number, place: number): Value {
    return key === 0 ? this.#values[place]! : this.#value(key, this.#first[place]!);
  }

  /**
   * The place of the node's group: a new one, at the end, where it is the first. NO_PLACE: it is none so far, and the first key tells too little.
   * `own`: the node's first key.
   */
  placeOf(node: number, own: Value): number {
    const head = this.#heads.add(own, this.size);
    let length = 0;
    for (let place = head; place !== NO_PLACE; place = this.#before[place]!) {
      if (this.#isOf(place, node)) return place;
      if (++length === CHAIN_MAX) return NO_PLACE;
    }
    if (head !== NO_PLACE) this.#heads.move(own, this.size);
    this.#first.push(node);
    this.#values.push(own);
    return this.#before.push(head) - 1;
  }

  #isOf(place: number, node: number): boolean {
    for (let key = 1; key < this.#keys; key++) if (!isSame(this.value(key, place), this.#value(key, node))) return false;
    return true;
  }
}
