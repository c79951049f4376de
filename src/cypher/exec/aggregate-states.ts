/**
 * What one aggregate knows of one group.
 */
import { DbError } from '../../base/errors.ts';
import { hashKey } from '../../value/compare.ts';
import { Float, NodeValue, type Value } from '../../value/value.ts';
import { findAggregate, type Accumulator } from '../functions/index.ts';
import type { AggregateItem } from '../plan/plan.ts';
import { bytesOf, ENTRY_BYTES } from './holding.ts';
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

class CountRows implements State {
  #count = 0;
  add(): number {
    this.#count++;
    return 0;
  }
  result(): Value {
    return this.#count;
  }
  save(): Value {
    return this.#count;
  }
  load(saved: Value): number {
    this.#count = saved as number;
    return 0;
  }
}

class CountValues implements State {
  #count = 0;
  readonly #of: Evaluate;
  constructor(of: Evaluate) {
    this.#of = of;
  }
  add(row: Row, rt: Runtime): number {
    if (this.#of(row, rt) !== null) this.#count++;
    return 0;
  }
  result(): Value {
    return this.#count;
  }
  save(): Value {
    return this.#count;
  }
  load(saved: Value): number {
    this.#count = saved as number;
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

class CountDistinct implements State {
  readonly #nodes = new Set<number>();
  readonly #others = new Set<string | number>();
  readonly #of: Evaluate;
  constructor(of: Evaluate) {
    this.#of = of;
  }
  add(row: Row, rt: Runtime): number {
    const value = this.#of(row, rt);
    if (value === null) return 0;
    const before = this.#size;
    let bytes = ENTRY_BYTES;
    if (value instanceof NodeValue) this.#nodes.add(value.id);
    else {
      const key = hashKey(value);
      this.#others.add(key);
      bytes += bytesOf(key);
    }
    return this.#size === before ? 0 : bytes;
  }
  get #size(): number {
    return this.#nodes.size + this.#others.size;
  }
  result(): Value {
    return this.#size;
  }
  save(): Value {
    return savedSets(this.#nodes, this.#others);
  }
  load(saved: Value): number {
    return loadSets(saved, this.#nodes, this.#others);
  }
}

/** Each value once. */
class DistinctValues implements State {
  readonly #nodes = new Set<number>();
  readonly #others = new Set<string | number>();
  readonly #args: readonly Evaluate[];
  readonly #accumulator: Accumulator;
  constructor(args: readonly Evaluate[], accumulator: Accumulator) {
    this.#args = args;
    this.#accumulator = accumulator;
  }
  add(row: Row, rt: Runtime): number {
    const values: Value[] = [];
    for (const arg of this.#args) values.push(arg(row, rt));
    const value = values[0] ?? null;
    if (value instanceof NodeValue) {
      if (this.#nodes.has(value.id)) return 0;
      this.#nodes.add(value.id);
    } else {
      const key = hashKey(value);
      if (this.#others.has(key)) return 0;
      this.#others.add(key);
    }
    this.#accumulator.add(values);
    return ENTRY_BYTES + bytesOf(value);
  }
  result(): Value {
    return this.#accumulator.result();
  }
  save(): Value {
    return [savedSets(this.#nodes, this.#others), this.#accumulator.save()];
  }
  load(saved: Value): number {
    const [sets, inner] = saved as [Value, Value];
    this.#accumulator.load(inner);
    return loadSets(sets, this.#nodes, this.#others);
  }
}

/** Keys of `hashKey`, which are texts or any numbers. */
function savedSets(nodes: ReadonlySet<number>, others: ReadonlySet<string | number>): Value {
  return [[...nodes], [...others].map((key) => (typeof key === 'number' ? new Float(key) : key))];
}

function loadSets(saved: Value, nodes: Set<number>, others: Set<string | number>): number {
  const [ids, keys] = saved as [number[], (string | Float)[]];
  let bytes = ENTRY_BYTES * ids.length;
  for (const id of ids) nodes.add(id);
  for (const key of keys) {
    others.add(key instanceof Float ? key.value : key);
    bytes += ENTRY_BYTES + bytesOf(key);
  }
  return bytes;
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
