/**
 * Operators that look at rows only: filters, projections, DISTINCT, limits, UNWIND, and those that combine two inputs.
 */
import { DbError } from '../../base/errors.ts';
import { DistinctRows, distinctBatches } from './distinct.ts';
import { aTypeName } from '../../value/format.ts';
import type { Value } from '../../value/value.ts';
import type {
  Argument, CallSubquery, Distinct, Filter, Limit, Optional, Project, Scoped, Skip, StoredCount, StoredTypes, Union, Unwind,
} from '../plan/plan.ts';
import { rangeItems } from '../functions/list.ts';
import { compile, compileScoped, type CompileContext } from './compile.ts';
import { held, Holding } from './holding.ts';
import { pusher, withPush } from './push.ts';
import { batched, BATCH_MAX, BATCH_MIN, nullRow, widened, type Operator, type Row, type Runtime } from './runtime.ts';
import { compileTests, passes } from './row-tests.ts';

export function buildArgument(node: Argument): Operator {
  if (node.pass) {
    return withPush((_rt, source) => source, (_rt, source, sink) => {
      for (const batch of source) for (const row of batch) if (sink(row)) return true;
      return false;
    });
  }
  const { layout, inherited } = node.env;
  return withPush(function* argument(_rt, source) {
    for (const batch of source) yield batch.map((row) => widened(row, inherited, layout.width));
  }, (_rt, source, sink) => {
    for (const batch of source) for (const row of batch) if (sink(widened(row, inherited, layout.width))) return true;
    return false;
  });
}

export function buildFilter(node: Filter, input: Operator, cc: CompileContext): Operator {
  const tests = compileTests(node.predicates, cc);
  const pushInput = pusher(input);
  return withPush(function* filter(rt, source) {
    for (const batch of input(rt, source)) {
      const out = batch.filter((row) => passes(tests, row, rt));
      rt.tick(batch.length);
      if (out.length > 0) yield out;
    }
  }, (rt, source, sink) => pushInput(rt, source, (row) => passes(tests, row, rt) && sink(row)));
}

export function buildProject(node: Project, input: Operator, cc: CompileContext): Operator {
  const items = node.items.map((item) => ({ slot: item.slot, value: compileScoped(item, cc) }));
  const { layout } = node.env;
  const pushInput = pusher(input);
  return withPush(function* project(rt, source) {
    const empty = nullRow(layout.width);
    for (const batch of input(rt, source)) {
      const out: Row[] = [];
      for (const row of batch) {
        const made = empty.slice();
        for (const { slot, value } of items) made[slot] = value(row, rt);
        out.push(made);
      }
      rt.checkpoint(0);
      yield out;
    }
  }, (rt, source, sink) => {
    const made = nullRow(layout.width);
    return pushInput(rt, source, (row) => {
      for (const { slot, value } of items) made[slot] = value(row, rt);
      return sink(made);
    });
  });
}

export function buildDistinct(node: Distinct, input: Operator): Operator {
  const { slots } = node;
  const pushInput = pusher(input);
  return withPush(held((rt, source, holding) => distinctBatches(rt, input(rt, source), slots, holding)), (rt, source, sink) => {
    const holding = new Holding(rt);
    const rows = new DistinctRows(rt, slots, holding);
    try {
      if (pushInput(rt, source, (row) => rows.isNew(row) && sink(row))) return true;
      for (const row of rows.rest()) if (sink(row)) return true;
      return false;
    } finally {
      rows.close();
      holding.free();
    }
  });
}

/** What SKIP and LIMIT were given. */
export function countOf(value: Value, what: 'SKIP' | 'LIMIT'): number {
  if (typeof value === 'number') {
    if (value < 0) throw new DbError('SyntaxError', `NegativeIntegerArgument: ${what} must not be negative`, { detail: 'NegativeIntegerArgument' });
    return value;
  }
  if (typeof value === 'bigint' && value > 0n) return Number.MAX_SAFE_INTEGER;
  throw new DbError('SyntaxError', `InvalidArgumentType: ${what} must be an Integer, not ${aTypeName(value)}.${what === 'LIMIT' ? ' Limit must be integer value.' : ''}`, { detail: 'InvalidArgumentType' });
}

export function buildSkip(node: Skip, input: Operator, cc: CompileContext): Operator {
  const count = compileScoped(node.count, cc);
  return function* skip(rt, source) {
    let left = countOf(count([], rt), 'SKIP');
    for (const batch of input(rt, source)) {
      if (left >= batch.length) {
        left -= batch.length;
        continue;
      }
      yield left === 0 ? batch : batch.slice(left);
      left = 0;
    }
  };
}

export function buildLimit(node: Limit, input: Operator, cc: CompileContext): Operator {
  const count = compileScoped(node.count, cc);
  return function* limit(rt, source) {
    let left = countOf(count([], rt), 'LIMIT');
    // Even LIMIT 0 takes one batch: updates below are complete before their first.
    for (const batch of input(rt, source)) {
      if (left > 0) yield left >= batch.length ? batch : batch.slice(0, left);
      left -= batch.length;
      if (left <= 0) return;
    }
  };
}

/** What UNWIND goes through. A range of any length is no list: nobody holds its items. */
function compileItems({ expression, env }: Scoped, cc: CompileContext): (row: Row, rt: Runtime) => Iterable<Value> | null {
  const list = compile(expression, env, cc);
  const all = (row: Row, rt: Runtime): Iterable<Value> | null => {
    const value = list(row, rt);
    return value === null || Array.isArray(value) ? value : [value];
  };
  if (expression.kind !== 'Call' || expression.name.toLowerCase() !== 'range' || expression.distinct) return all;
  const args = expression.args.map((arg) => compile(arg, env, cc));
  return (row, rt) => rangeItems(args.map((arg) => arg(row, rt))) ?? all(row, rt);
}

export function buildUnwind(node: Unwind, input: Operator, cc: CompileContext): Operator {
  const list = compileItems(node.list, cc);
  const { slot } = node;
  const pushInput = pusher(input);
  return withPush(function* unwind(rt, source) {
    let out: Row[] = [];
    let size = BATCH_MIN;
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const value = list(row, rt);
        if (value === null) continue;
        for (const item of value) {
          const made = row.slice();
          made[slot] = item;
          out.push(made);
          if (out.length < size) continue;
          rt.checkpoint(out.length);
          yield out;
          out = [];
          size = Math.min(size * 4, BATCH_MAX);
        }
      }
    }
    if (out.length > 0) {
      rt.checkpoint(out.length);
      yield out;
    }
  }, (rt, source, sink) => pushInput(rt, source, (row) => {
    const value = list(row, rt);
    if (value === null) return false;
    for (const item of value) {
      row[slot] = item;
      rt.tick();
      if (sink(row)) return true;
    }
    return false;
  }));
}

/**
 * A whole batch goes through the right side at once, each row marked with its place; what comes out keeps the order, so that rows
 * without a match show as gaps.
 */
export function buildOptional(node: Optional, input: Operator, right: Operator): Operator {
  const { ordinal, slots } = node;
  const pushInput = pusher(input);
  const pushRight = pusher(right);
  return withPush(function* optional(rt, source) {
    for (const batch of input(rt, source)) {
      for (let i = 0; i < batch.length; i++) batch[i]![ordinal] = i;
      let next = 0;
      for (const matches of right(rt, [batch.map((row) => row.slice())])) {
        const out: Row[] = [];
        for (const row of matches) {
          const place = row[ordinal] as number;
          while (next < place) out.push(batch[next++]!);
          out.push(row);
          next = place + 1;
        }
        yield out;
      }
      if (next < batch.length) yield next === 0 ? batch : batch.slice(next);
    }
  }, (rt, source, sink) => pushInput(rt, source, (row) => {
    let found = false;
    const enough = pushRight(rt, [[row]], (match) => {
      found = true;
      return sink(match);
    });
    if (enough) return true;
    if (found) return false;
    // What attempts without success left behind.
    for (const slot of slots) row[slot] = null;
    return sink(row);
  }));
}

export function buildCallSubquery(node: CallSubquery, input: Operator, right: Operator): Operator {
  return function* callSubquery(rt, source) {
    if (node.inTransactions !== undefined) {
      if (rt.batchedRows === undefined) throw new DbError('InvalidRequest', NOT_IMPLICIT, { hint: 'run it outside BEGIN … COMMIT: with session.run, or POST /cypher' });
      yield* rt.batchedRows;
      return;
    }
    for (const batch of input(rt, source)) yield* subqueryRows(node, right, rt, batch);
  };
}

const NOT_IMPLICIT = "a statement with 'CALL { ... } IN TRANSACTIONS' can only run as a transaction of its own";

/** Each row with what the subquery gives for it. */
export function* subqueryRows({ columns, optional, unit }: CallSubquery, right: Operator, rt: Runtime, batch: readonly Row[]): Generator<Row[]> {
  let out: Row[] = [];
  for (const row of batch) {
    let found = false;
    for (const rows of right(rt, [[row]])) {
      if (unit) continue;
      for (const result of rows) {
        found = true;
        const made = row.slice();
        for (const { from, to } of columns) made[to] = result[from]!;
        out.push(made);
      }
      if (out.length < BATCH_MAX) continue;
      rt.checkpoint(out.length);
      yield out;
      out = [];
    }
    if (unit || (optional && !found)) out.push(row);
  }
  if (out.length > 0) {
    rt.checkpoint(out.length);
    yield out;
  }
}

export function buildUnion(node: Union, inputs: readonly Operator[]): Operator {
  const all: Operator = function* union(rt, source) {
    // Each part begins with the same argument rows.
    const argument = inputs.length > 1 ? [...source] : source;
    for (const [i, input] of inputs.entries()) {
      const { columns } = node.inputs[i]!;
      for (const batch of input(rt, Array.isArray(argument) ? argument.map((rows: Row[]) => rows.slice()) : argument)) {
        if (!node.distinct) rt.checkpoint(batch.length);
        yield batch.map((row) => columns.map((column) => row[column]!));
      }
    }
  };
  if (!node.distinct) return all;
  const slots = node.inputs[0]!.columns.map((_column, i) => i);
  return held((rt, source, holding) => distinctBatches(rt, all(rt, source), slots, holding));
}

export function buildStoredCount(node: StoredCount): Operator {
  return function* storedCount(rt) {
    const { catalog } = rt.view;
    let count: number;
    if (node.name === undefined) count = node.kind === 'nodes' ? rt.view.nodeCount() : rt.view.relationshipCount();
    else {
      const id = node.kind === 'nodes' ? catalog.findLabel(node.name) : catalog.findType(node.name);
      count = id === undefined ? 0 : node.kind === 'nodes' ? rt.view.nodeCount(id) : rt.view.relationshipCount(id);
    }
    yield [[count]];
  };
}

export function buildStoredTypes({ key, counts, env }: StoredTypes): Operator {
  return function* storedTypes(rt) {
    const rows: Row[] = [];
    for (const [typeId, name] of rt.view.catalog.data.types.entries()) {
      const count = rt.view.relationshipCount(typeId);
      if (count === 0) continue;
      const row = nullRow(env.layout.width);
      row[key.slot] = name;
      for (const { slot } of counts) row[slot] = count;
      rows.push(row);
    }
    yield* batched(rt, rows);
  };
}
