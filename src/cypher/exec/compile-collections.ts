/**
 * Expressions that go through lists: comprehensions, quantifiers, reduce; CASE and map projections.
 */
import { mayMakeList } from '../../base/allowance.ts';
import { add } from '../../value/arithmetic.ts';
import { equals } from '../../value/compare.ts';
import { aTypeName } from '../../value/format.ts';
import { NodeValue, RelationshipValue, type CypherMap, type Value } from '../../value/value.ts';
import type { Case, Expression, ListComprehension, MapProjection, Quantifier, Reduce } from '../ast.ts';
import type { Env } from '../plan/env.ts';
import { mentions } from '../semantics/mentions.ts';
import { ANY } from '../semantics/types.ts';
import { compile, compilePredicate, slotOf, type CompileContext } from './compile.ts';
import { propertyOf, typeError } from './compile-access.ts';
import { booleanOf } from './compile-operators.ts';
import { bytesOf } from './holding.ts';
import type { Evaluate, Runtime } from './runtime.ts';

function listOrNull(value: Value): Value[] | null {
  if (value === null || Array.isArray(value)) return value;
  throw typeError(`expected a List, not ${aTypeName(value)}`);
}

export function compileComprehension(e: ListComprehension, env: Env, cc: CompileContext): Evaluate {
  const list = compile(e.list, env, cc);
  const inner = env.inner();
  const slot = inner.declare(e.variable, ANY);
  const where = e.where === undefined ? undefined : compilePredicate(e.where, inner, cc);
  const project = e.project === undefined ? undefined : compile(e.project, inner, cc);
  return (row, rt) => {
    const items = listOrNull(list(row, rt));
    if (items === null) return null;
    const result: Value[] = [];
    // While the list grows it counts against the statement's memory.
    let unclaimed = 0;
    let claimed = 0;
    for (const item of items) {
      rt.tick();
      row[slot] = item;
      if (where !== undefined && !where(row, rt)) continue;
      const made = project === undefined ? item : project(row, rt);
      result.push(made);
      unclaimed += project === undefined || typeof made === 'number' ? 8 : bytesOf(made);
      if (unclaimed < rt.lotBytes) continue;
      mayMakeList(result.length);
      rt.claim(unclaimed);
      claimed += unclaimed;
      unclaimed = 0;
    }
    if (claimed > 0) rt.claim(-claimed);
    return result;
  };
}

export function compileQuantifier(e: Quantifier, env: Env, cc: CompileContext): Evaluate {
  const list = compile(e.list, env, cc);
  const inner = env.inner();
  const slot = inner.declare(e.variable, ANY);
  const where = compile(e.where, inner, cc);
  const { type } = e;
  return (row, rt) => {
    const items = listOrNull(list(row, rt));
    if (items === null) return null;
    let holding = 0;
    let unknown = 0;
    for (const item of items) {
      rt.tick();
      row[slot] = item;
      const value = where(row, rt);
      if (value === null) unknown++;
      else if (booleanOf(value)) {
        if (type === 'any') return true;
        if (type === 'none') return false;
        holding++;
        if (type === 'single' && holding > 1) return false;
      } else if (type === 'all') return false;
    }
    if (unknown > 0) return null;
    return type === 'all' || type === 'none' ? true : type === 'any' ? false : holding === 1;
  };
}

export function compileReduce(e: Reduce, env: Env, cc: CompileContext): Evaluate {
  const initial = compile(e.initial, env, cc);
  const list = compile(e.list, env, cc);
  const inner = env.inner();
  const accumulator = inner.declare(e.accumulator, ANY);
  const slot = inner.declare(e.variable, ANY);
  const step = compile(e.step, inner, cc);
  if (e.every !== undefined) return compileAllReduce({ initial, list, step, every: compile(e.every, inner, cc) }, accumulator, slot);
  const appended = appendedBy(e);
  if (appended !== undefined) return compileAppending({ initial, list, slot, appended: compile(appended, inner, cc) });
  return (row, rt) => {
    const items = listOrNull(list(row, rt));
    if (items === null) return null;
    let result = initial(row, rt);
    for (const item of items) {
      rt.tick();
      row[accumulator] = result;
      row[slot] = item;
      result = step(row, rt);
    }
    return result;
  };
}

/** Like `all`: the first step behind which the condition does not hold decides. */
function compileAllReduce(parts: Readonly<Record<'initial' | 'list' | 'step' | 'every', Evaluate>>, accumulator: number, slot: number): Evaluate {
  const { initial, list, step, every } = parts;
  return (row, rt) => {
    const items = listOrNull(list(row, rt));
    if (items === null) return null;
    let result = initial(row, rt);
    let isUnknown = false;
    for (const item of items) {
      rt.tick();
      row[accumulator] = result;
      row[slot] = item;
      result = step(row, rt);
      row[accumulator] = result;
      row[slot] = item;
      const holds = every(row, rt);
      if (holds === null) isUnknown = true;
      else if (!booleanOf(holds)) return false;
    }
    return isUnknown ? null : true;
  };
}

/** What is appended where each step is `accumulator + expression`, the way lists and texts are made; undefined for other steps. */
function appendedBy({ accumulator, variable, step }: Reduce): Expression | undefined {
  if (step.kind !== 'Binary' || step.op !== '+' || step.left.kind !== 'Variable' || step.left.name !== accumulator || variable === accumulator) return undefined;
  return mentions(step.right, accumulator) ? undefined : step.right;
}

/** The list grows in place: nobody else has it before the end, and a copy at each step would take time by the square of the steps. */
function compileAppending({ initial, list, slot, appended }: { initial: Evaluate; list: Evaluate; slot: number; appended: Evaluate }): Evaluate {
  return (row, rt) => {
    const items = listOrNull(list(row, rt));
    if (items === null) return null;
    let result = initial(row, rt);
    let own: Value[] | undefined;
    for (const item of items) {
      rt.tick();
      row[slot] = item;
      const value = appended(row, rt);
      if (value === null || !Array.isArray(result)) {
        result = add(result, value);
        own = undefined;
        continue;
      }
      const more = Array.isArray(value) ? value : [value];
      if (own === undefined) result = own = add(result, more) as Value[];
      else append(own, more);
    }
    return result;
  };
}

const GROWN_ITEMS = 65_536;

function append(list: Value[], more: readonly Value[]): void {
  const length = list.length + more.length;
  if (Math.floor(length / GROWN_ITEMS) > Math.floor(list.length / GROWN_ITEMS)) mayMakeList(length);
  for (const item of more) list.push(item);
}

export function compileCase(e: Case, env: Env, cc: CompileContext): Evaluate {
  const otherwise = e.otherwise === undefined ? undefined : compile(e.otherwise, env, cc);
  if (e.subject === undefined) {
    const choices = e.branches.map(({ when, then }) => ({ when: compilePredicate(when, env, cc), then: compile(then, env, cc) }));
    return (row, rt) => {
      for (const { when, then } of choices) if (when(row, rt)) return then(row, rt);
      return otherwise === undefined ? null : otherwise(row, rt);
    };
  }
  const branches = e.branches.map(({ when, then }) => ({ when: compile(when, env, cc), then: compile(then, env, cc) }));
  const subject = compile(e.subject, env, cc);
  return (row, rt) => {
    const value = subject(row, rt);
    for (const { when, then } of branches) {
      const wanted = when(row, rt);
      // Null matches null here, as in Neo4j and TuGraph, although it does not equal it.
      if ((value === null && wanted === null) || equals(value, wanted) === true) return then(row, rt);
    }
    return otherwise === undefined ? null : otherwise(row, rt);
  };
}

export function compileMapProjection(e: MapProjection, env: Env, cc: CompileContext): Evaluate {
  const target = compile(e.target, env, cc);
  const items = e.items.map((item): ((map: CypherMap, value: Value, row: Value[], rt: Runtime) => void) => {
    switch (item.kind) {
      case 'all':
        return (map, value, _row, rt) => {
          for (const [key, property] of propertiesOf(value, rt)) map.set(key, property);
        };
      case 'property': {
        const { key } = item;
        return (map, value, _row, rt) => void map.set(key, propertyOf(value, key, rt));
      }
      case 'variable': {
        const { name } = item;
        const slot = slotOf(name, env);
        return (map, _value, row) => void map.set(name, row[slot]!);
      }
      case 'entry': {
        const { key } = item;
        const value = compile(item.value, env, cc);
        return (map, _value, row, rt) => void map.set(key, value(row, rt));
      }
    }
  });
  return (row, rt) => {
    const value = target(row, rt);
    if (value === null) return null;
    const map: CypherMap = new Map();
    for (const item of items) item(map, value, row, rt);
    return map;
  };
}

export function propertiesOf(value: Value, rt: Runtime): CypherMap {
  if (value instanceof Map) return value;
  if (value instanceof NodeValue) return rt.view.nodeProperties(value);
  if (value instanceof RelationshipValue) return rt.view.relationshipProperties(value);
  throw typeError(`${aTypeName(value)} has no properties`);
}
