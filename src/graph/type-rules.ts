/**
 * Property type constraints: `REQUIRE n.age IS :: INTEGER`. A property that is not there keeps every such rule.
 */
import { DbError } from '../base/errors.ts';
import { typeName } from '../value/format.ts';
import { typeTest } from '../value/value-type.ts';
import type { Value } from '../value/value.ts';
import type { CatalogData, ConstraintDef, GraphCatalog } from './catalog.ts';

export interface TypeRule extends Omit<ConstraintDef, 'id'> {
  readonly test: (value: Value) => boolean;
}

const known = new WeakMap<CatalogData, readonly TypeRule[]>();

export function typeRules({ data }: GraphCatalog): readonly TypeRule[] {
  let rules = known.get(data);
  if (rules === undefined) {
    rules = data.constraints.filter(({ type }) => type === 'type').map(typeRule);
    known.set(data, rules);
  }
  return rules;
}

export function typeRule(constraint: Omit<ConstraintDef, 'id'>): TypeRule {
  return { ...constraint, test: typeTest(constraint.propertyType!) };
}

/** Throws ConstraintValidation where a rule for one of the labels does not allow the value. */
export function checkType(catalog: GraphCatalog, kind: 'vertex' | 'edge', names: readonly string[], keyId: number, value: Value): void {
  if (catalog.data.constraints.length === 0 || value === null) return;
  for (const rule of typeRules(catalog)) {
    if (rule.kind === kind && names.includes(rule.label) && rule.fields[0] === catalog.keyName(keyId) && !rule.test(value)) throw wrongType(rule, value);
  }
}

export function wrongType(rule: Omit<ConstraintDef, 'id'>, value: Value): DbError {
  return new DbError('ConstraintValidation', `the constraint ${rule.name} requires the property ${rule.fields[0]!} of every ${rule.label} to be ${rule.propertyType!}, not ${typeName(value)}`);
}
