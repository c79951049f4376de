/**
 * Access into values: properties, labels, list elements and slices, type tests.
 */
import { DbError } from '../../base/errors.ts';
import { aTypeName } from '../../value/format.ts';
import { Point, pointComponent } from '../../value/spatial.ts';
import { temporalComponent } from '../../value/temporal-components.ts';
import { Duration, isTemporal } from '../../value/temporal.ts';
import { NodeValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { HasLabels, Index, IsTyped, LabelExpression, PropertyAccess, Slice } from '../ast.ts';
import type { Env } from '../plan/env.ts';
import { isDynamic } from '../semantics/walk.ts';
import { typeTest } from '../../value/value-type.ts';
import { compile, labelTest, slotOf, type CompileContext } from './compile.ts';
import { compileLabels } from './dynamic-labels.ts';
import type { Evaluate, Runtime } from './runtime.ts';

export function compileProperty(e: PropertyAccess, env: Env, cc: CompileContext): Evaluate {
  const { key } = e;
  const keyId = cc.catalog.findKey(key);
  if (e.target.kind === 'Variable' && keyId !== undefined) {
    const slot = slotOf(e.target.name, env);
    const { kind } = env.type(e.target.name);
    if (kind === 'node') {
      return (row, rt) => {
        const node = row[slot]!;
        return node instanceof NodeValue ? rt.view.nodeProperty(node, keyId) : propertyOf(node, key, rt);
      };
    }
    if (kind === 'relationship') {
      return (row, rt) => {
        const relationship = row[slot]!;
        return relationship instanceof RelationshipValue ? rt.view.relationshipProperty(relationship, keyId) : propertyOf(relationship, key, rt);
      };
    }
  }
  const target = compile(e.target, env, cc);
  return (row, rt) => propertyOf(target(row, rt), key, rt);
}

export function propertyOf(value: Value, key: string, rt: Runtime): Value {
  if (value === null) return null;
  if (value instanceof NodeValue) {
    const keyId = rt.view.catalog.findKey(key);
    // A deleted node is noticed by the view, whatever it is asked for.
    return keyId === undefined ? missing(rt.view.nodeLabels(value)) : rt.view.nodeProperty(value, keyId);
  }
  if (value instanceof RelationshipValue) {
    const keyId = rt.view.catalog.findKey(key);
    return keyId === undefined ? missing(rt.view.relationshipProperties(value)) : rt.view.relationshipProperty(value, keyId);
  }
  if (value instanceof Map) return value.get(key) ?? null;
  if (isTemporal(value) || value instanceof Duration) return temporalComponent(value, key) ?? null;
  if (value instanceof Point) return pointComponent(value, key) ?? null;
  throw typeError(`${aTypeName(value)} has no property '${key}'`);
}

function missing(_checked: unknown): null {
  return null;
}

export function typeError(message: string, detail = 'InvalidArgumentType'): DbError {
  return new DbError('TypeError', `${detail}: ${message}`, { detail });
}

export function compileHasLabels(e: HasLabels, env: Env, cc: CompileContext): Evaluate {
  const operand = compile(e.operand, env, cc);
  if (e.labels.kind === 'Label') {
    const { name } = e.labels;
    const labelId = cc.catalog.findLabel(name);
    if (labelId !== undefined) {
      return (row, rt) => {
        const value = operand(row, rt);
        if (value instanceof NodeValue) return rt.view.hasLabel(value, labelId);
        return value === null ? null : hasTypeOrLabel(value, rt, (has) => has(name));
      };
    }
  }
  if (isDynamic(e.labels)) return compileHasDynamicLabels(e.labels, operand, env, cc);
  const test = labelTest(e.labels);
  return (row, rt) => {
    const value = operand(row, rt);
    return value === null ? null : hasTypeOrLabel(value, rt, test);
  };
}

function compileHasDynamicLabels(labels: LabelExpression, operand: Evaluate, env: Env, cc: CompileContext): Evaluate {
  const labelsOf = compileLabels(labels, env, cc);
  let known: LabelExpression | undefined;
  let test = labelTest({ kind: 'Any' });
  return (row, rt) => {
    const value = operand(row, rt);
    if (value === null) return null;
    const now = labelsOf(row, rt);
    if (now !== known) {
      test = labelTest(now);
      known = now;
    }
    return hasTypeOrLabel(value, rt, test);
  };
}

export function hasTypeOrLabel(value: Value, rt: Runtime, test: (has: (name: string) => boolean, any: boolean) => boolean): boolean {
  const { catalog } = rt.view;
  if (value instanceof NodeValue) {
    const labels = rt.view.nodeLabels(value);
    return test((name) => {
      const id = catalog.findLabel(name);
      return id !== undefined && labels.includes(id);
    }, labels.length > 0);
  }
  if (value instanceof RelationshipValue) return test((name) => catalog.findType(name) === value.typeId, true);
  throw typeError(`${aTypeName(value)} has no labels`);
}

export function compileIndex(e: Index, env: Env, cc: CompileContext): Evaluate {
  const target = compile(e.target, env, cc);
  const index = compile(e.index, env, cc);
  return (row, rt) => elementOf(target(row, rt), index(row, rt), rt);
}

function elementOf(target: Value, index: Value, rt: Runtime): Value {
  if (Array.isArray(target)) {
    if (typeof index === 'number') return target[index < 0 ? target.length + index : index] ?? null;
    if (index === null || typeof index === 'bigint') return null;
    throw typeError(`a list index is an Integer, not ${aTypeName(index)}`, 'ListElementAccessByNonInteger');
  }
  if (target === null) return null;
  if (target instanceof Map || target instanceof NodeValue || target instanceof RelationshipValue) {
    if (index === null) return null;
    if (typeof index !== 'string') throw typeError(`a property name is a String, not ${aTypeName(index)}`, 'MapElementAccessByNonString');
    return propertyOf(target, index, rt);
  }
  if ((isTemporal(target) || target instanceof Duration || target instanceof Point) && typeof index === 'string') return propertyOf(target, index, rt);
  throw typeError(`${aTypeName(target)} has no elements`);
}

export function compileSlice(e: Slice, env: Env, cc: CompileContext): Evaluate {
  const target = compile(e.target, env, cc);
  const from = e.from === undefined ? undefined : compile(e.from, env, cc);
  const to = e.to === undefined ? undefined : compile(e.to, env, cc);
  return (row, rt) => {
    const list = target(row, rt);
    const lower = from === undefined ? 0 : from(row, rt);
    const upper = to === undefined ? Infinity : to(row, rt);
    if (list === null || lower === null || upper === null) return null;
    if (!Array.isArray(list)) throw typeError(`${aTypeName(list)} cannot be sliced`);
    if ((typeof lower !== 'number' && typeof lower !== 'bigint') || (typeof upper !== 'number' && typeof upper !== 'bigint')) {
      throw typeError('the bounds of a slice are Integers');
    }
    return list.slice(Number(lower), Number(upper));
  };
}

export function compileIsTyped(e: IsTyped, env: Env, cc: CompileContext): Evaluate {
  const operand = compile(e.operand, env, cc);
  const test = typeTest(e.type);
  const { negated } = e;
  return (row, rt) => test(operand(row, rt)) !== negated;
}
