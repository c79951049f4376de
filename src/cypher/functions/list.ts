/** Lists, and the functions that choose among their arguments. */
import { mayMakeList } from '../../base/allowance.ts';
import { DbError } from '../../base/errors.ts';
import { equals, hashKey, orderCompare } from '../../value/compare.ts';
import { typeName } from '../../value/format.ts';
import { invalidValue, outOfRange } from '../../value/value-errors.ts';
import { integer } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { LIST_ITEMS_MAX, listArgument, scalar, wrongArgument } from './function.ts';
import type { FunctionContext, ScalarFunction } from './function.ts';
import { textLength } from './string.ts';

function size([value]: Value[]): Value {
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'string') return textLength(value);
  throw wrongArgument('size', 'a list or a string', value);
}

function isEmpty([value]: Value[]): Value {
  if (Array.isArray(value) || typeof value === 'string') return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  throw wrongArgument('isEmpty', 'a list, a map or a string', value);
}

function bound(value: Value | undefined): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw new DbError('ArgumentError', `InvalidArgumentType: range() needs integers, not ${typeName(value ?? null)}`, { detail: 'InvalidArgumentType' });
}

/** The items of range() without a list that holds them, for who takes one after the other. Undefined: nothing for this way, see `range`. */
export function rangeItems([from, to, by = 1]: readonly Value[]): Iterable<Value> | undefined {
  if (typeof from !== 'number' || typeof to !== 'number' || typeof by !== 'number' || by === 0) return undefined;
  return {
    * [Symbol.iterator]() {
      for (let i = from; by > 0 ? i <= to : i >= to; i += by) yield i;
    },
  };
}

function range([from, to, by]: Value[], context: FunctionContext): Value {
  const start = bound(from);
  const end = bound(to);
  const step = by === undefined ? 1 : bound(by);
  if (step === 0) throw outOfRange('the step of range() must not be 0');
  const count = (BigInt(end) - BigInt(start)) / BigInt(step) + 1n;
  // Towards zero: one step short of the start would count as one item.
  if (step > 0 ? start > end : start < end) return [];
  const max = context.listItemsMax ?? LIST_ITEMS_MAX;
  if (count > BigInt(max)) {
    throw new DbError('MemoryLimit', `range() would make a list of ${count} items; at most ${max} are allowed`);
  }
  mayMakeList(Number(count));
  if (typeof start === 'number' && typeof end === 'number' && typeof step === 'number') {
    const list = new Array<Value>(Number(count));
    for (let i = 0; i < list.length; i++) list[i] = start + i * step;
    return list;
  }
  return Array.from({ length: Number(count) }, (_, i) => integer(BigInt(start) + BigInt(i) * BigInt(step)));
}

function coalesce(args: Value[]): Value {
  return args.find((value) => value !== null) ?? null;
}

function monotonic(name: string, wanted: 1 | -1): ScalarFunction {
  return scalar(name, ['LIST'], 'BOOLEAN', ([list]) => {
    const items = listArgument(name, list);
    return items.every((item, i) => i === 0 || Math.sign(orderCompare(item, items[i - 1]!)) === wanted);
  });
}

function extreme(name: string, wanted: 1 | -1): ScalarFunction {
  return scalar(name, ['LIST'], 'ANY', ([list]) => {
    const items = listArgument(name, list).filter((item) => item !== null);
    if (items.length === 0) throw invalidValue(`List cannot be empty in ${name}()`);
    return items.reduce((best, item) => (Math.sign(orderCompare(item, best)) === wanted ? item : best));
  });
}

export const LIST_FUNCTIONS: readonly ScalarFunction[] = [
  scalar('size', ['LIST|STRING'], 'INTEGER', size),
  scalar('isEmpty', ['LIST|MAP|STRING'], 'BOOLEAN', isEmpty),
  scalar('head', ['LIST'], 'ANY', ([list]) => listArgument('head', list)[0] ?? null),
  scalar('last', ['LIST'], 'ANY', ([list]) => listArgument('last', list).at(-1) ?? null),
  scalar('tail', ['LIST'], 'LIST', ([list]) => listArgument('tail', list).slice(1)),
  scalar('range', ['ANY', 'ANY', 'ANY'], 'LIST', range, { min: 2 }),
  scalar('coalesce', ['ANY'], 'ANY', coalesce, { nulls: true, variadic: true }),
  scalar('nullIf', ['ANY', 'ANY'], 'ANY', ([a, b]) => (equals(a!, b!) === true ? null : a!), { nulls: true }),
  scalar('exists', ['ANY'], 'BOOLEAN', ([value]) => value !== null, { nulls: true }),
  monotonic('isAsc', 1),
  monotonic('isDesc', -1),
  extreme('maxInList', 1),
  extreme('minInList', -1),
  scalar('hasDuplicates', ['LIST'], 'BOOLEAN', ([list]) => {
    const items = listArgument('hasDuplicates', list);
    return new Set(items.map(hashKey)).size < items.length;
  }),
];
