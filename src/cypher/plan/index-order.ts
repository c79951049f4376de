/**
 * ORDER BY a property with LIMIT, where an index of that property gives the nodes in that order: no sort, and no more nodes than are wanted.
 *
 * Rows keep the order of the scan they come from through everything that works row by row. Nodes without the property are in no index: ascending
 * they come last, and are looked for only when the index did not give enough; descending they would come first, so there every node must be
 * known to have the property, by the schema or by a filter.
 */
import type { GraphCatalog, IndexDef } from '../../graph/catalog.ts';
import { presentKey } from '../semantics/walk.ts';
import type { IndexRangeScan, LabelScan, PlanNode, SortKey } from './plan.ts';

/** Assumed for a LIMIT that is not known yet. */
const LIMIT_ROWS = 100;
/** The index pays only where the rows wanted are a small part of those there are: it visits nodes out of their order. */
const PAYS_BELOW = 1 / 4;

/** The plan with its scan in the order of the key, or undefined. `wanted`: rows of LIMIT and SKIP, where known. */
export function inIndexOrder(plan: PlanNode, keys: readonly SortKey[], wanted: number | undefined, catalog: GraphCatalog): PlanNode | undefined {
  const [key] = keys;
  if (keys.length !== 1 || key === undefined) return undefined;
  const { expression } = key;
  if (expression.kind !== 'Property' || expression.target.kind !== 'Variable') return undefined;
  const slot = key.env.slot(expression.target.name);
  if (slot === undefined || (wanted ?? LIMIT_ROWS) > plan.rows * PAYS_BELOW) return undefined;
  return ordered(plan, slot, expression.key, key.descending, catalog);
}

function ordered(plan: PlanNode, slot: number, key: string, descending: boolean, catalog: GraphCatalog): PlanNode | undefined {
  switch (plan.op) {
    case 'Filter':
    case 'Expand': {
      const input = ordered(plan.input, slot, key, descending, catalog);
      return input && { ...plan, input };
    }
    case 'IndexRange': {
      const fits = plan.slot === slot && isAtStart(plan.input) && plan.keys.length === 1 && plan.keys[0] === key && !(descending && plan.prefix !== undefined);
      return fits ? { ...plan, descending } : undefined;
    }
    case 'LabelScan': return plan.slot === slot && isAtStart(plan.input) ? orderedLabel(plan, key, descending, catalog) : undefined;
    default: return undefined;
  }
}

function isAtStart(plan: PlanNode): boolean {
  return plan.op === 'Argument' && !plan.pass;
}

function orderedLabel(plan: LabelScan, key: string, descending: boolean, catalog: GraphCatalog): IndexRangeScan | undefined {
  const index = indexOf(plan.label, key, catalog);
  if (index === undefined) return undefined;
  // What lacks the property does not pass such a filter.
  const isEverywhere = hasAlways(plan.label, key, catalog) || plan.filters.some(({ expression }) => presentKey(expression, plan.name) === key);
  if (descending && !isEverywhere) return undefined;
  const { op: _, ...common } = plan;
  return {
    ...common, op: 'IndexRange', index, keys: [key], equal: [], lower: undefined, upper: undefined, prefix: undefined, descending, thenWithout: !isEverywhere,
  };
}

function indexOf(label: string, key: string, catalog: GraphCatalog): IndexDef | undefined {
  const labelId = catalog.findLabel(label);
  const keyId = catalog.findKey(key);
  if (labelId === undefined || keyId === undefined) return undefined;
  return catalog.labelIndexes(labelId).find(({ keyIds }) => keyIds.length === 1 && keyIds[0] === keyId);
}

/** Whether every node of the label has the property: a field that is not optional, or a constraint. */
function hasAlways(label: string, key: string, catalog: GraphCatalog): boolean {
  const schema = catalog.data.schemas.find((one) => one.kind === 'vertex' && one.name === label);
  if (schema?.fields.some((field) => field.name === key && !field.optional) === true) return true;
  return catalog.data.constraints.some((one) => one.kind === 'vertex' && one.label === label && one.type !== 'unique' && one.fields.includes(key));
}
