/**
 * What one aggregate knows of one group.
 */
import { DbError } from '../../base/errors.ts';
import { hashKey } from '../../value/compare.ts';
import { Float, NodeValue, type Value } from '../../value/value.ts';
import { findAggregate, type Accumulator } from '../functions/index.ts';
import type { AggregateItem } from '../plan/plan.ts';
import { bytesOf, ENTRY_BYTES } from './holding.ts';
import { NUMBER_BYTES, NumberSet } from './number-places.ts';
import type { Evaluate, Row, Runtime } from './runtime.ts';

/** One aggregate of one group. */
export interface State {
  /** The bytes it holds more than before, where that is worth counting. */
  add(row: Row, rt: Runtime): number;
  result(): Value;
  /** All it knows; `load` makes a new one go on from there, and returns the bytes it holds. */
  save(): Value;
  load(saved: Value): number;
}

/** Of rows or of values that are not null. */
abstract class Count implements State {
  protected count = 0;
  abstract add(row: Row, rt: Runtime): number;
  result(): Value {
    return this.count;
  }
  save(): Value {
    return this.count;
  }
  load(saved: Value): number {
    this.count += saved as number;
    return 0;
  }
}

class CountRows extends Count {
  add(): number {
    this.count++;
    return 0;
  }
}

class CountValues extends Count {
  readonly #of: Evaluate;
  constructor(of: Evaluate) {
    super();
    this.#of = of;
  }
  add(row: Row, rt: Runtime): number {
    if (this.#of(row, rt) !== null) this.count++;
    return 0;
  }
}

class CollectValues implements State {
  readonly #list: Value[] = [];
  readonly #of: Evaluate;
  constructor(of: Evaluate) {
    this.#of = of;
  }
  add(row: Row, rt: Runtime): number {
    const value = this.#of(row, rt);
    if (value === null) return 0;
    this.#list.push(value);
    return 8 + bytesOf(value);
  }
  result(): Value {
    return this.#list;
  }
  save(): Value {
    return this.#list;
  }
  load(saved: Value): number {
    let bytes = 0;
    for (const value of saved as Value[]) {
      this.#list.push(value);
      bytes += 8 + bytesOf(value);
    }
    return bytes;
  }
}

class Accumulated implements State {
  readonly #args: readonly Evaluate[];
  readonly #accumulator: Accumulator;
  constructor(args: readonly Evaluate[], accumulator: Accumulator) {
    this.#args = args;
    this.#accumulator = accumulator;
  }
  add(row: Row, rt: Runtime): number {
    const values: Value[] = [];
    for (const arg of this.#args) values.push(arg(row, rt));
    const before = this.#accumulator.bytes;
    this.#accumulator.add(values);
    return this.#accumulator.bytes - before;
  }
  result(): Value {
    return this.#accumulator.result();
  }
  save(): Value {
    return this.#accumulator.save();
  }
  load(saved: Value): number {
    const before = this.#accumulator.bytes;
    this.#accumulator.load(saved);
    return this.#accumulator.bytes - before;
  }
}

/** Values, each once. */
export class Seen {
  readonly #nodes = new NumberSet();
  /** Keys of `hashKey`, which are texts or any numbers. */
  readonly #numbers = new NumberSet();
  readonly #texts = new Set<string>();

  get size(): number {
    return this.#nodes.size + this.#numbers.size + this.#texts.size;
  }

  /** The bytes it takes, or 0: it is there. */
  add(value: Value): number {
    if (value instanceof NodeValue) return this.#nodes.add(value.id) ? NUMBER_BYTES : 0;
    const key = hashKey(value);
    if (typeof key === 'number') return this.addNumber(key);
    if (this.#texts.has(key)) return 0;
    this.#texts.add(key);
    return ENTRY_BYTES + bytesOf(key);
  }

  addNumber(value: number): number {
    return this.#numbers.add(value) ? NUMBER_BYTES : 0;
  }

  save(): Value {
    return [[...this.#nodes.numbers()], [...[...this.#numbers.numbers()].map((key) => new Float(key)), ...this.#texts]];
  }

  load(saved: Value): number {
    const [ids, keys] = saved as [number[], (string | Float)[]];
    let bytes = NUMBER_BYTES * ids.length;
    for (const id of ids) this.#nodes.add(id);
    for (const key of keys) {
      if (key instanceof Float) this.#numbers.add(key.value);
      else this.#texts.add(key);
      bytes += key instanceof Float ? NUMBER_BYTES : ENTRY_BYTES + bytesOf(key);
    }
    return bytes;
  }
}

class CountDistinct implements State {
  readonly #seen = new Seen();
  readonly #of: Evaluate;
  constructor(of: Evaluate) {
    this.#of = of;
  }
  add(row: Row, rt: Runtime): number {
    const value = this.#of(row, rt);
    return value === null ? 0 : this.#seen.add(value);
  }
  result(): Value {
    return this.#seen.size;
  }
  save(): Value {
    return this.#seen.save();
  }
  load(saved: Value): number {
    return this.#seen.load(saved);
  }
}

/** Another aggregate over each value once. */
class DistinctValues implements State {
  readonly #seen = new Seen();
  readonly #args: readonly Evaluate[];
  readonly #accumulator: Accumulator;
  constructor(args: readonly Evaluate[], accumulator: Accumulator) {
    this.#args = args;
    this.#accumulator = accumulator;
  }
  add(row: Row, rt: Runtime): number {
    const values: Value[] = [];
    for (const arg of this.#args) values.push(arg(row, rt));
    const bytes = this.#seen.add(values[0] ?? null);
    if (bytes > 0) this.#accumulator.add(values);
    return bytes;
  }
  result(): Value {
    return this.#accumulator.result();
  }
  save(): Value {
    return [this.#seen.save(), this.#accumulator.save()];
  }
  load(saved: Value): number {
    const [seen, inner] = saved as [Value, Value];
    this.#accumulator.load(inner);
    return this.#seen.load(seen);
  }
}

/** Makes the states of an aggregate whose arguments are these. */
export function stateMaker(item: AggregateItem, args: readonly Evaluate[]): () => State {
  const [first] = args;
  const definition = findAggregate(item.function);
  if (definition === undefined) throw new DbError('SyntaxError', `UnknownFunction: ${item.function}()`, { detail: 'UnknownFunction' });
  if (item.distinct && item.function === 'count' && first !== undefined) return () => new CountDistinct(first);
  if (item.distinct) return () => new DistinctValues(args, definition.create());
  if (item.function === 'count') return first === undefined ? () => new CountRows() : () => new CountValues(first);
  if (item.function === 'collect' && first !== undefined) return () => new CollectValues(first);
  return () => new Accumulated(args, definition.create());
}
