/**
 * What an aggregation knows of a part of its rows, as it goes from one thread to another, and how that of the next part is put to it.
 *
 * Parts are put together in the order of their rows. So groups stand in the order in which they were first seen, and the first of equal values is the
 * one that is kept, as if one thread had taken all rows.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { orderCompare } from '../../value/compare.ts';
import { Float, type Value } from '../../value/value.ts';
import type { Aggregate, AggregateItem } from '../plan/plan.ts';
import { stateMaker, type State } from './aggregate-states.ts';
import { GroupFinder, type KeyOf } from './group-table.ts';
import type { Group } from './groups.ts';
import { bytesOf, ENTRY_BYTES, type Holding } from './holding.ts';
import type { Push } from './push.ts';
import { batched, nullRow, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { readValues, writeValues } from './spill.ts';

/** The parts cannot be put together, or do not fit: all is to be done in one place, which also finds the right error. */
export class PartsInVain extends Error {
  override readonly name = 'PartsInVain';
}

export interface Partial {
  /** Takes the rows of one part, or of the one behind what it has. */
  take(rt: Runtime, source: Iterable<Row[]>): void;
  save(w: ByteWriter): void;
  /** Puts to it what was saved of the rows behind its own. */
  merge(r: ByteReader): void;
  /** What the aggregation gives. */
  rows(rt: Runtime): Iterable<Row[]>;
}

export type BeginPartial = (rt: Runtime, holding: Holding) => Partial;

const makers = new WeakMap<Operator, BeginPartial>();

/** The operator is an aggregation that can work in parts. */
export function withPartials(operator: Operator, begin: BeginPartial): Operator {
  makers.set(operator, begin);
  return operator;
}

export function partialsOf(operator: Operator): BeginPartial | undefined {
  return makers.get(operator);
}

export function checkRoom(holding: Holding): void {
  if (holding.pressed) throw new PartsInVain();
}

/** Of integers: their sum, as long as it is exact whatever the order. */
class IntegerSum implements State {
  readonly #of: Evaluate;
  readonly #isMean: boolean;
  #sum = 0;
  #count = 0;

  constructor(of: Evaluate, isMean: boolean) {
    this.#of = of;
    this.#isMean = isMean;
  }
  add(row: Row, rt: Runtime): number {
    const value = this.#of(row, rt);
    if (value !== null) this.#add(value, 1);
    return 0;
  }
  #add(value: Value, count: number): void {
    // Floats: their sum depends on where a part ends. Large integers: it may be an overflow, or not, depending on the order.
    if (typeof value !== 'number') throw new PartsInVain();
    this.#sum += value;
    this.#count += count;
    if (!Number.isSafeInteger(this.#sum)) throw new PartsInVain();
  }
  result(): Value {
    if (!this.#isMean) return this.#sum;
    return this.#count === 0 ? null : new Float(this.#sum / this.#count);
  }
  save(): Value {
    return [this.#sum, this.#count];
  }
  load(saved: Value): number {
    const [sum, count] = saved as [number, number];
    this.#add(sum, count);
    return 0;
  }
}

/** min() and max(): the first of the best. */
class Best implements State {
  readonly #of: Evaluate;
  readonly #wanted: 1 | -1;
  #best: Value = null;

  constructor(of: Evaluate, wanted: 1 | -1) {
    this.#of = of;
    this.#wanted = wanted;
  }
  add(row: Row, rt: Runtime): number {
    return this.load(this.#of(row, rt));
  }
  result(): Value {
    return this.#best;
  }
  save(): Value {
    return this.#best;
  }
  load(value: Value): number {
    const best = this.#best;
    if (value === null) return 0;
    if (typeof value === 'number' && typeof best === 'number') {
      if ((value - best) * this.#wanted > 0) this.#best = value;
      return 0;
    }
    if (best !== null && orderCompare(value, best) * this.#wanted <= 0) return 0;
    this.#best = value;
    return Math.max(0, bytesOf(value) - bytesOf(best));
  }
}

function partialStates(item: AggregateItem, args: readonly Evaluate[]): () => State {
  const [of] = args;
  if (of === undefined) return stateMaker(item, args);
  switch (item.function) {
    case 'sum': return () => new IntegerSum(of, false);
    case 'avg': return () => new IntegerSum(of, true);
    case 'min': return () => new Best(of, -1);
    case 'max': return () => new Best(of, 1);
    default: return stateMaker(item, args);
  }
}

interface Grouping {
  readonly keys: readonly KeyOf[];
  readonly sole: number | undefined;
  readonly makers: readonly (() => State)[];
  readonly slots: readonly number[];
  readonly width: number;
  readonly push: Push;
}

/** Groups with any aggregates that can be put together, or without keys the one group. */
export function groupPartials(node: Aggregate, keys: readonly KeyOf[], args: readonly (readonly Evaluate[])[], sole: number | undefined, push: Push): BeginPartial {
  const grouping: Grouping = {
    keys, sole, push, makers: node.aggregates.map((item, i) => partialStates(item, args[i]!)), slots: node.aggregates.map(({ slot }) => slot), width: node.env.layout.width,
  };
  return (_rt, holding) => new PartialGroups(grouping, holding);
}

class PartialGroups implements Partial {
  readonly #of: Grouping;
  readonly #holding: Holding;
  readonly #finder: GroupFinder<Group>;
  readonly #groups: Group[] = [];

  constructor(of: Grouping, holding: Holding) {
    this.#of = of;
    this.#holding = holding;
    this.#finder = new GroupFinder(of.keys, of.sole, (values) => this.#begin(values));
    if (of.keys.length === 0) this.#begin([]);
  }

  #begin(values: readonly Value[]): Group {
    const { keys, makers: states, width } = this.#of;
    const group = { row: nullRow(width), states: states.map((make) => make()) };
    for (let i = 0; i < keys.length; i++) group.row[keys[i]!.slot] = values[i]!;
    this.#groups.push(group);
    this.#holding.addRow(group.row);
    this.#holding.add(ENTRY_BYTES + 64 * states.length);
    checkRoom(this.#holding);
    return group;
  }

  take(rt: Runtime, source: Iterable<Row[]>): void {
    const holding = this.#holding;
    const only = this.#of.keys.length === 0 ? this.#groups[0] : undefined;
    this.#of.push(rt, source, (row) => {
      const { states } = only ?? this.#finder.of(row, rt);
      for (let i = 0; i < states.length; i++) {
        const bytes = states[i]!.add(row, rt);
        if (bytes > 0) holding.add(bytes);
      }
      return false;
    });
    checkRoom(holding);
  }

  save(w: ByteWriter): void {
    const { keys } = this.#of;
    w.varint(this.#groups.length);
    for (const { row, states } of this.#groups) {
      writeValues(w, keys.map(({ slot }) => row[slot]!));
      writeValues(w, states.map((state) => state.save()));
    }
  }

  merge(r: ByteReader): void {
    const { keys } = this.#of;
    for (let left = r.varint(); left > 0; left--) {
      const values = readValues(r);
      const group = keys.length === 0 ? this.#groups[0]! : this.#finder.ofValues(values);
      const saved = readValues(r);
      for (let i = 0; i < saved.length; i++) this.#holding.add(group.states[i]!.load(saved[i]!));
    }
    checkRoom(this.#holding);
  }

  rows(rt: Runtime): Iterable<Row[]> {
    const { slots } = this.#of;
    return batched(rt, this.#groups, ({ row, states }) => {
      for (let i = 0; i < slots.length; i++) row[slots[i]!] = states[i]!.result();
      return row;
    });
  }
}
