/** The different values of a property of many nodes: integers come from the view's columns, many at once. */
import { NodeValue } from '../../value/value.ts';
import { Seen } from './aggregate-states.ts';
import type { Holding } from './holding.ts';
import { nullRow, type Evaluate, type Row, type Runtime } from './runtime.ts';

/** As many nodes are looked at together. */
const STRETCH = 256;

export interface PropertyOfNode {
  readonly keyId: number;
  /** Of a row with the node in `slot`. */
  readonly value: Evaluate;
  readonly slot: number;
  readonly width: number;
}

export class DistinctProperty {
  readonly #of: PropertyOfNode;
  readonly #rt: Runtime;
  readonly #holding: Holding;
  readonly #row: Row;
  readonly #integers = new Float64Array(STRETCH);
  readonly #seen = new Seen();

  constructor(of: PropertyOfNode, rt: Runtime, holding: Holding) {
    this.#of = of;
    this.#rt = rt;
    this.#holding = holding;
    this.#row = nullRow(of.width);
  }

  get size(): number {
    return this.#seen.size;
  }

  take(ids: ArrayLike<number>, from: number, to: number): void {
    for (let at = from; at < to; at += STRETCH) this.#take(ids, at, Math.min(at + STRETCH, to));
  }

  #take(ids: ArrayLike<number>, from: number, to: number): void {
    const integers = this.#integers;
    let bytes = 0;
    if (!this.#rt.view.integersOf(ids, from, to, this.#of.keyId, integers)) integers.fill(Number.NaN);
    for (let i = from; i < to; i++) {
      const integer = integers[i - from]!;
      bytes += integer === integer ? this.#seen.addNumber(integer) : this.#look(ids[i]!);
    }
    this.#holding.add(bytes);
    this.#rt.tick(to - from);
  }

  #look(id: number): number {
    this.#row[this.#of.slot] = new NodeValue(id);
    const value = this.#of.value(this.#row, this.#rt);
    return value === null ? 0 : this.#seen.add(value);
  }
}
