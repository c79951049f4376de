/** Expressions, evaluated as openCypher 9 defines them: by walking the tree, once for each row. */
import type { Expression, LabelExpression, Literal } from '../../../src/cypher/ast.ts';
import { Float } from '../../../src/value/value.ts';
import type { Value } from '../../../src/value/value.ts';
import { equal, isEntity, isNumber, less, type ONode, type OPath, type ORelationship, type OValue } from './model.ts';
import { matchPart, runSubquery, type Scope } from './queries.ts';

export function evaluate(e: Expression, scope: Scope): OValue {
  const at = (each: Expression): OValue => evaluate(each, scope);
  switch (e.kind) {
    case 'Literal': return literal(e);
    case 'Variable': return need(scope.row.get(e.name), `no variable ${e.name}`);
    case 'Property': return property(at(e.target), e.key);
    case 'List': return e.items.map(at);
    case 'Map': return new Map(e.entries.map(({ key, value }) => [key, at(value)]));
    case 'Unary': return unary(e.op, at(e.operand));
    case 'Binary': return binary(e.op, e.left, e.right, scope);
    case 'Chain': return and(e.ops.map((op, i) => compare(op, at(e.operands[i]!), at(e.operands[i + 1]!))));
    case 'IsNull': return (at(e.operand) === null) !== e.negated;
    case 'HasLabels': {
      const value = at(e.operand);
      if (value === null) return null;
      if (!isEntity(value) || value.kind === 'path') throw new Error('labels of what has none');
      return hasLabels(e.labels, value, scope);
    }
    case 'Index': return element(at(e.target), at(e.index));
    case 'Slice': return slice(at(e.target), e.from && at(e.from), e.to && at(e.to));
    case 'Case': {
      const subject = e.subject && at(e.subject);
      for (const { when, then } of e.branches) if ((subject === undefined ? at(when) : equal(subject, at(when))) === true) return at(then);
      return e.otherwise === undefined ? null : at(e.otherwise);
    }
    case 'Call': return call(e.name.toLowerCase(), e.args.map(at));
    case 'ListComprehension':
      return each(at(e.list), e.variable, scope, (inner) => (e.where === undefined || evaluate(e.where, inner) === true
        ? [e.project === undefined ? inner.row.get(e.variable)! : evaluate(e.project, inner)] : []))?.flat(1) ?? null;
    case 'Quantifier': {
      const found = each(at(e.list), e.variable, scope, (inner) => evaluate(e.where, inner));
      if (found === undefined) return null;
      const [yes, unknown] = [found.filter((one) => one === true).length, found.some((one) => one === null)];
      switch (e.type) {
        case 'all': return found.includes(false) ? false : unknown ? null : true;
        case 'any': return yes > 0 ? true : unknown ? null : false;
        case 'none': return yes > 0 ? false : unknown ? null : true;
        case 'single': return yes > 1 ? false : unknown ? null : yes === 1;
      }
    }
    case 'Reduce': {
      const list = at(e.list);
      if (list === null) return null;
      let sum = at(e.initial);
      for (const item of list as OValue[]) sum = evaluate(e.step, { ...scope, row: new Map([...scope.row, [e.accumulator, sum], [e.variable, item]]) });
      return sum;
    }
    case 'MapProjection': {
      const target = at(e.target);
      if (target === null) return null;
      return new Map(e.items.flatMap((item): [string, OValue][] => {
        switch (item.kind) {
          case 'all': return [...(target as ONode).properties];
          case 'property': return [[item.key, property(target, item.key)]];
          case 'variable': return [[item.name, need(scope.row.get(item.name), item.name)]];
          case 'entry': return [[item.key, at(item.value)]];
        }
      }));
    }
    case 'PatternPredicate': return matchPart([e.pattern], undefined, scope).length > 0;
    case 'PatternComprehension': return matchPart([e.pattern], e.where, scope).map((row) => evaluate(e.project, { ...scope, row }));
    case 'Subquery': {
      const rows = runSubquery(e.query, scope);
      return e.type === 'exists' ? rows.length > 0 : e.type === 'count' ? BigInt(rows.length) : rows.map((row) => [...row.values()][0]!);
    }
    default: throw new Error(`the oracle does not know ${e.kind}`);
  }
}

function need<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new Error(message);
  return value;
}

function literal({ value }: Literal): OValue {
  const convert = (each: Value): OValue => {
    if (typeof each === 'number') return BigInt(each);
    if (each instanceof Float) return each.value;
    if (each === null || typeof each === 'boolean' || typeof each === 'string' || typeof each === 'bigint') return each;
    throw new Error('an unexpected literal');
  };
  return convert(value);
}

function property(target: OValue, key: string): OValue {
  if (target === null) return null;
  if (target instanceof Map) return target.get(key) ?? null;
  if (isEntity(target) && target.kind !== 'path') return target.properties.get(key) ?? null;
  throw new Error('a property of what has none');
}

export function hasLabels(labels: LabelExpression, entity: ONode | ORelationship, scope: Scope): boolean {
  const names = entity.kind === 'node' ? entity.labels : new Set([entity.type]);
  switch (labels.kind) {
    case 'Label': return names.has(labels.name);
    case 'Any': return names.size > 0;
    case 'Not': return !hasLabels(labels.item, entity, scope);
    case 'And': return labels.items.every((item) => hasLabels(item, entity, scope));
    case 'Or': return labels.items.some((item) => hasLabels(item, entity, scope));
    case 'Dynamic': {
      const wanted = namesIn(evaluate(labels.expression, scope));
      return labels.of === 'all' ? wanted.every((name) => names.has(name)) : wanted.some((name) => names.has(name));
    }
  }
}

/** Labels that are a value. */
export function namesIn(value: OValue): string[] {
  const names = Array.isArray(value) ? value : [value];
  if (!names.every((name) => typeof name === 'string')) throw new Error('a label that is no text');
  return names;
}

function unary(op: 'NOT' | '-' | '+', value: OValue): OValue {
  if (value === null) return null;
  if (op === 'NOT') return !(value as boolean);
  return op === '-' ? -(value as bigint) : value;
}

function and(values: readonly OValue[]): OValue {
  return values.includes(false) ? false : values.includes(null) ? null : true;
}

function compare(op: string, a: OValue, b: OValue): OValue {
  switch (op) {
    case '=': return equal(a, b);
    case '<>': return not(equal(a, b));
    case '<': return less(a, b);
    case '>': return less(b, a);
    case '<=': return orEqual(less(a, b), a, b);
    case '>=': return orEqual(less(b, a), a, b);
    default: throw new Error(`no comparison ${op}`);
  }
}

function not(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

function orEqual(is: boolean | null, a: OValue, b: OValue): boolean | null {
  return is === false ? equal(a, b) : is;
}

function binary(op: string, left: Expression, right: Expression, scope: Scope): OValue {
  const [a, b] = [evaluate(left, scope), evaluate(right, scope)];
  switch (op) {
    case 'AND': return and([a, b]);
    case 'OR': return a === true || b === true ? true : a === null || b === null ? null : false;
    case 'XOR': return a === null || b === null ? null : a !== b;
    case 'IN': {
      if (b === null) return null;
      const found = (b as OValue[]).map((item) => equal(a, item));
      return found.includes(true) ? true : found.includes(null) ? null : false;
    }
    case '+': return plus(a, b);
    case '-': case '*': return arithmetic(op, a, b);
    case 'STARTS WITH': case 'ENDS WITH': case 'CONTAINS': {
      if (typeof a !== 'string' || typeof b !== 'string') return null;
      return op === 'CONTAINS' ? a.includes(b) : op === 'STARTS WITH' ? a.startsWith(b) : a.endsWith(b);
    }
    default: return compare(op, a, b);
  }
}

function plus(a: OValue, b: OValue): OValue {
  if (Array.isArray(a)) return b === null ? null : [...a, ...(Array.isArray(b) ? b : [b])];
  if (a === null || b === null) return null;
  if (Array.isArray(b)) return [a, ...b];
  if (typeof a === 'string' || typeof b === 'string') return `${String(a)}${String(b)}`;
  return arithmetic('+', a, b);
}

function arithmetic(op: string, a: OValue, b: OValue): OValue {
  if (a === null || b === null) return null;
  if (!isNumber(a) || !isNumber(b)) throw new Error('arithmetic on no numbers');
  if (typeof a === 'bigint' && typeof b === 'bigint') return op === '+' ? a + b : op === '-' ? a - b : a * b;
  const [x, y] = [Number(a), Number(b)];
  return op === '+' ? x + y : op === '-' ? x - y : x * y;
}

function element(target: OValue, index: OValue): OValue {
  if (target === null || index === null) return null;
  if (target instanceof Map) return target.get(index as string) ?? null;
  if (isEntity(target)) return property(target, index as string);
  const list = target as OValue[];
  const i = Number(index);
  return list[i < 0 ? i + list.length : i] ?? null;
}

function slice(target: OValue, from: OValue | undefined, to: OValue | undefined): OValue {
  if (target === null || from === null || to === null) return null;
  return (target as OValue[]).slice(from === undefined ? 0 : Number(from), to === undefined ? undefined : Number(to));
}

function each<T>(list: OValue, variable: string, scope: Scope, f: (inner: Scope) => T): T[] | undefined {
  if (list === null) return undefined;
  return (list as OValue[]).map((item) => f({ ...scope, row: new Map([...scope.row, [variable, item]]) }));
}

function call(name: string, args: OValue[]): OValue {
  const [a, b] = args as [OValue, OValue];
  if (name === 'coalesce') return args.find((arg) => arg !== null) ?? null;
  if (args.includes(null)) return null;
  switch (name) {
    case 'size': return BigInt(typeof a === 'string' ? [...a].length : (a as OValue[]).length);
    case 'keys': return [...(a instanceof Map ? a : (a as ONode).properties).keys()];
    case 'head': return (a as OValue[])[0] ?? null;
    case 'last': return (a as OValue[]).at(-1) ?? null;
    case 'tail': return (a as OValue[]).slice(1);
    case 'reverse': return typeof a === 'string' ? [...a].reverse().join('') : [...(a as OValue[])].reverse();
    case 'abs': return typeof a === 'bigint' ? (a < 0n ? -a : a) : Math.abs(a as number);
    case 'sign': return BigInt(Math.sign(Number(a)));
    case 'tostring': return String(a);
    case 'toupper': return (a as string).toUpperCase();
    case 'id': return BigInt((a as ONode | ORelationship).id);
    case 'elementid': return String((a as ONode | ORelationship).id);
    case 'type': return (a as ORelationship).type;
    case 'startnode': return (a as ORelationship).start;
    case 'endnode': return (a as ORelationship).end;
    case 'length': return BigInt((a as OPath).relationships.length);
    case 'nodes': return [...(a as OPath).nodes];
    case 'relationships': return [...(a as OPath).relationships];
    case 'range': {
      const list: OValue[] = [];
      for (let i = a as bigint; i <= (b as bigint); i++) list.push(i);
      return list;
    }
    default: throw new Error(`the oracle does not know ${name}()`);
  }
}
