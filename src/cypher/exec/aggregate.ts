/**
 * Grouping and aggregation. Groups come out in the order in which they were first seen.
 */
import { DbError } from '../../base/errors.ts';
import { hashKey } from '../../value/compare.ts';
import { NodeValue, type Value } from '../../value/value.ts';
import { findAggregate, type Accumulator } from '../functions/index.ts';
import type { Aggregate, AggregateItem } from '../plan/plan.ts';
import type { CompileContext } from './compile.ts';
import { GroupTable, partOfKey } from './group-table.ts';
import { bytesOf, ENTRY_BYTES, held } from './holding.ts';
import { pusher } from './push.ts';
import { BATCH_MAX, nullRow, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { compileScoped } from './scan-operators.ts';

/** One aggregate of one group. */
interface State {
  /** The bytes it holds more than before, where that is worth counting. */
  add(row: Row, rt: Runtime): number;
  result(): Value;
}

interface Group {
  readonly row: Row;
  readonly states: readonly State[];
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
}

function stateMaker(item: AggregateItem, cc: CompileContext): () => State {
  const args = item.args.map((arg) => compileScoped(arg, cc));
  const [first] = args;
  const definition = findAggregate(item.function);
  if (definition === undefined) throw new DbError('SyntaxError', `UnknownFunction: ${item.function}()`, { detail: 'UnknownFunction' });
  if (item.distinct && item.function === 'count' && first !== undefined) return () => new CountDistinct(first);
  if (item.distinct) return () => new DistinctValues(args, definition.create());
  if (item.function === 'count') return first === undefined ? () => new CountRows() : () => new CountValues(first);
  if (item.function === 'collect' && first !== undefined) return () => new CollectValues(first);
  return () => new Accumulated(args, definition.create());
}

/**
 * The slot of the one node that all keys are computed from (it or properties of it): then the group is looked up by the node first, and
 * the keys are computed once per node instead of once per row.
 */
function soleNode(node: Aggregate): number | undefined {
  let slot: number | undefined;
  for (const { expression, env } of node.keys) {
    const target = expression.kind === 'Property' ? expression.target : expression;
    if (target.kind !== 'Variable' || env.type(target.name).kind !== 'node') return undefined;
    const own = env.slot(target.name);
    if (own === undefined || (slot !== undefined && slot !== own)) return undefined;
    slot = own;
  }
  return node.keys.length === 1 && node.keys[0]!.expression.kind === 'Variable' ? undefined : slot;
}

export function buildAggregate(node: Aggregate, input: Operator, cc: CompileContext): Operator {
  const keys = node.keys.map((key) => ({ slot: key.slot, value: compileScoped(key, cc) }));
  const makers = node.aggregates.map((item) => stateMaker(item, cc));
  const slots = node.aggregates.map(({ slot }) => slot);
  const { layout } = node.env;
  const newGroup = (): Group => ({ row: nullRow(layout.width), states: makers.map((make) => make()) });
  const [only] = keys;
  const sole = soleNode(node);
  const pushInput = pusher(input);

  const finish = (group: Group): Row => {
    for (let i = 0; i < slots.length; i++) group.row[slots[i]!] = group.states[i]!.result();
    return group.row;
  };

  if (only === undefined) {
    return held(function* aggregateAll(rt, source, holding) {
      const group = newGroup();
      const { states } = group;
      pushInput(rt, source, (row) => {
        for (const state of states) {
          const bytes = state.add(row, rt);
          if (bytes > 0) holding.add(bytes);
        }
        return false;
      });
      rt.checkpoint(1);
      yield [finish(group)];
    });
  }
  return held(function* aggregate(rt, source, holding) {
    const groups: Group[] = [];
    const table = new GroupTable<Group>();
    const values: Value[] = [];
    const byNode = new Map<number, Group>();
    const count = (group: Group, row: Row): void => {
      for (const state of group.states) {
        const bytes = state.add(row, rt);
        if (bytes > 0) holding.add(bytes);
      }
    };
    const keep = (group: Group): void => {
      groups.push(group);
      holding.addRow(group.row);
      holding.add(ENTRY_BYTES + 64 * group.states.length);
    };
    pushInput(rt, source, (row) => {
      let group: Group | undefined;
      const owner = sole === undefined ? undefined : row[sole];
      if (owner instanceof NodeValue) {
        group = byNode.get(owner.id);
        if (group !== undefined) {
          count(group, row);
          return false;
        }
      }
      if (keys.length === 1) {
        const value = only.value(row, rt);
        group = table.getOne(value);
        if (group === undefined) {
          group = newGroup();
          group.row[only.slot] = value;
          table.setOne(value, group);
          keep(group);
        }
      } else {
        let key = '';
        for (let i = 0; i < keys.length; i++) {
          const value = keys[i]!.value(row, rt);
          values[i] = value;
          key += partOfKey(value);
        }
        group = table.getMany(key);
        if (group === undefined) {
          group = newGroup();
          for (let i = 0; i < keys.length; i++) group.row[keys[i]!.slot] = values[i]!;
          table.setMany(key, group);
          keep(group);
        }
      }
      if (owner instanceof NodeValue) byNode.set(owner.id, group);
      count(group, row);
      return false;
    });
    for (let from = 0; from < groups.length; from += BATCH_MAX) {
      const batch = groups.slice(from, from + BATCH_MAX).map(finish);
      rt.checkpoint(batch.length);
      yield batch;
    }
  });
}
