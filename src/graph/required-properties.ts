/**
 * Rules by which a property must be there: IS NOT NULL, NODE KEY. They are kept where a transaction ends, as in Neo4j: what is made
 * without the property, or loses it, may get it later (`CREATE (n:P) SET n = $row`, `MERGE … ON CREATE SET …`).
 */
import { DbError } from '../base/errors.ts';
import type { ConstraintDef, GraphCatalog } from './catalog.ts';

const REQUIRING: ReadonlySet<ConstraintDef['type']> = new Set(['exists', 'node_key']);

export interface Lack {
  readonly rule: ConstraintDef;
  readonly field: string;
}

export function requiringRules({ data: { constraints } }: GraphCatalog, kind: 'vertex' | 'edge', names: readonly string[]): readonly ConstraintDef[] {
  if (constraints.length === 0) return constraints;
  return constraints.filter((one) => one.kind === kind && REQUIRING.has(one.type) && names.includes(one.label));
}

/** The first property that is required of an element with such labels or type, and is not among its keys. */
export function findLack(catalog: GraphCatalog, kind: 'vertex' | 'edge', names: readonly string[], keys: readonly number[]): Lack | undefined {
  for (const rule of requiringRules(catalog, kind, names)) {
    for (const field of rule.fields) {
      const key = catalog.findKey(field);
      if (key === undefined || !keys.includes(key)) return { rule, field };
    }
  }
  return undefined;
}

export function mustExist({ name, label }: Omit<ConstraintDef, 'id'>, field: string): DbError {
  return new DbError('ConstraintValidation', `the constraint ${name} requires the property ${field} on every ${label}`);
}
