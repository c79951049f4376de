/**
 * Operators, with the common case of two small integers or two strings decided inline.
 */
import { add, divide, modulo, multiply, negate, power, subtract } from '../../value/arithmetic.ts';
import { compare, equals, hashKey } from '../../value/compare.ts';
import { aTypeName } from '../../value/format.ts';
import { Float, isNumber, type Value } from '../../value/value.ts';
import type { Binary, BinaryOperator, ComparisonChain, Unary } from '../ast.ts';
import type { Env } from '../plan/env.ts';
import { compile, type CompileContext } from './compile.ts';
import { typeError } from './compile-access.ts';
import { compileMatch } from './regular-expression.ts';
import type { Evaluate } from './runtime.ts';

export function compileUnary(e: Unary, env: Env, cc: CompileContext): Evaluate {
  const operand = compile(e.operand, env, cc);
  switch (e.op) {
    case 'NOT':
      return (row, rt) => {
        const value = operand(row, rt);
        if (value === null) return null;
        return !booleanOf(value);
      };
    case '-': return (row, rt) => negate(operand(row, rt));
    case '+':
      return (row, rt) => {
        const value = operand(row, rt);
        if (value !== null && !isNumber(value)) throw typeError(`'+' needs a number, not ${aTypeName(value)}`);
        return value;
      };
  }
}

export function booleanOf(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw typeError(`expected a Boolean, not ${aTypeName(value)}`);
}

export function compileBinary(e: Binary, env: Env, cc: CompileContext): Evaluate {
  const left = compile(e.left, env, cc);
  const right = compile(e.right, env, cc);
  switch (e.op) {
    case 'AND':
      return (row, rt) => {
        const a = left(row, rt);
        if (a === false) return false;
        if (a !== null) booleanOf(a);
        const b = right(row, rt);
        if (b === false) return false;
        if (b !== null) booleanOf(b);
        return a === null || b === null ? null : true;
      };
    case 'OR':
      return (row, rt) => {
        const a = left(row, rt);
        if (a === true) return true;
        if (a !== null) booleanOf(a);
        const b = right(row, rt);
        if (b === true) return true;
        if (b !== null) booleanOf(b);
        return a === null || b === null ? null : false;
      };
    case 'XOR':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        if (a === null || b === null) {
          if (a !== null) booleanOf(a);
          if (b !== null) booleanOf(b);
          return null;
        }
        return booleanOf(a) !== booleanOf(b);
      };
    case 'IN': return compileIn(left, right);
    case '=~': return compileMatch(left, right);
    case '+': return arithmetic(left, right, add, (a, b) => a + b);
    case '-': return arithmetic(left, right, subtract, (a, b) => a - b);
    case '*': return binaryOf(left, right, multiply);
    case '/': return binaryOf(left, right, divide);
    case '%': return binaryOf(left, right, modulo);
    case '^': return binaryOf(left, right, power);
    case '||': return binaryOf(left, right, concatenate);
    default: return compileComparison(e.op, left, right);
  }
}

function binaryOf(left: Evaluate, right: Evaluate, f: (a: Value, b: Value) => Value): Evaluate {
  return (row, rt) => f(left(row, rt), right(row, rt));
}

function arithmetic(left: Evaluate, right: Evaluate, general: (a: Value, b: Value) => Value, fast: (a: number, b: number) => number): Evaluate {
  return (row, rt) => {
    const a = left(row, rt);
    const b = right(row, rt);
    if (typeof a === 'number' && typeof b === 'number') {
      const result = fast(a, b);
      if (Number.isSafeInteger(result)) return result;
    }
    return general(a, b);
  };
}

function concatenate(a: Value, b: Value): Value {
  if (a === null || b === null) return null;
  if ((typeof a === 'string' && typeof b === 'string') || (Array.isArray(a) && Array.isArray(b))) return add(a, b);
  throw typeError(`'||' joins two Strings or two Lists, not ${aTypeName(a)} and ${aTypeName(b)}`);
}

function compileComparison(op: BinaryOperator, left: Evaluate, right: Evaluate): Evaluate {
  const test = comparison(op);
  switch (op) {
    case '=':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        return typeof a === 'number' && typeof b === 'number' ? a === b : equals(a, b);
      };
    case '<':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        return typeof a === 'number' && typeof b === 'number' ? a < b : test(a, b);
      };
    case '>':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        return typeof a === 'number' && typeof b === 'number' ? a > b : test(a, b);
      };
    case '<=':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        return typeof a === 'number' && typeof b === 'number' ? a <= b : test(a, b);
      };
    case '>=':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        return typeof a === 'number' && typeof b === 'number' ? a >= b : test(a, b);
      };
    case '<>':
      return (row, rt) => {
        const a = left(row, rt);
        const b = right(row, rt);
        return typeof a === 'number' && typeof b === 'number' ? a !== b : test(a, b);
      };
    default: return (row, rt) => test(left(row, rt), right(row, rt));
  }
}

function comparison(op: BinaryOperator): (a: Value, b: Value) => Value {
  switch (op) {
    case '=': return equals;
    case '<>':
      return (a, b) => {
        const same = equals(a, b);
        return same === null ? null : !same;
      };
    case '<': return (a, b) => ordered(compare(a, b), (c) => c < 0);
    case '<=': return (a, b) => ordered(compare(a, b), (c) => c <= 0);
    case '>': return (a, b) => ordered(compare(a, b), (c) => c > 0);
    case '>=': return (a, b) => ordered(compare(a, b), (c) => c >= 0);
    case 'STARTS WITH': return strings((a, b) => a.startsWith(b));
    case 'ENDS WITH': return strings((a, b) => a.endsWith(b));
    case 'CONTAINS': return strings((a, b) => a.includes(b));
    default: throw typeError(`'${op}' does not compare`);
  }
}

function ordered(result: number | null, test: (c: number) => boolean): Value {
  return result === null ? null : test(result);
}

function strings(test: (a: string, b: string) => boolean): (a: Value, b: Value) => Value {
  return (a, b) => (typeof a === 'string' && typeof b === 'string' ? test(a, b) : null);
}

/** `a < b <= c` is `a < b AND b <= c`, each operand evaluated once. */
export function compileChain(e: ComparisonChain, env: Env, cc: CompileContext): Evaluate {
  const operands = e.operands.map((operand) => compile(operand, env, cc));
  const tests = e.ops.map(comparison);
  return (row, rt) => {
    let previous = operands[0]!(row, rt);
    let unknown = false;
    for (let i = 0; i < tests.length; i++) {
      const next = operands[i + 1]!(row, rt);
      const holds = tests[i]!(previous, next);
      if (holds === false) return false;
      if (holds === null) unknown = true;
      previous = next;
    }
    return unknown ? null : true;
  };
}

/** Lists at least this long are turned into a set when the same one is asked again. */
const SET_FROM = 8;

/** `x IN list`, where the list is often the same for many rows: then its elements are hashed once. */
function compileIn(left: Evaluate, right: Evaluate): Evaluate {
  let lastList: Value[] | undefined;
  let lastSet: ListSet | undefined;
  return (row, rt) => {
    const list = right(row, rt);
    const value = left(row, rt);
    if (list === null) return null;
    if (!Array.isArray(list)) throw typeError(`IN needs a list on its right, not ${aTypeName(list)}`);
    if (list === lastList && list.length >= SET_FROM) {
      lastSet ??= listSet(list);
      if (lastSet !== undefined && isHashable(value)) {
        if (lastSet.keys.has(hashKey(value))) return true;
        return lastSet.hasNull ? null : false;
      }
    } else {
      lastList = list;
      lastSet = undefined;
    }
    return isIn(value, list);
  };
}

interface ListSet {
  readonly keys: ReadonlySet<string | number>;
  readonly hasNull: boolean;
}

/** Values for which being equal and having the same key are one. */
function isHashable(value: Value): boolean {
  if (value === null) return false;
  switch (typeof value) {
    case 'number': case 'string': case 'boolean': case 'bigint': return true;
    default: return !Array.isArray(value) && !(value instanceof Map) && !(value instanceof Float && Number.isNaN(value.value));
  }
}

function listSet(list: readonly Value[]): ListSet | undefined {
  const keys = new Set<string | number>();
  let hasNull = false;
  for (const item of list) {
    if (item === null) hasNull = true;
    else if (isHashable(item)) keys.add(hashKey(item));
    else return undefined;
  }
  return { keys, hasNull };
}

export function isIn(value: Value, list: readonly Value[]): boolean | null {
  let unknown = false;
  for (const item of list) {
    const same = equals(value, item);
    if (same === true) return true;
    if (same === null) unknown = true;
  }
  return unknown ? null : false;
}

