/**
 * Operators that find first candidates, made from the way that was chosen (access.ts).
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { Expression } from '../ast.ts';
import type { Access, Seek } from './access.ts';
import type { Env } from './env.ts';
import type { Lookup, PlanNode, Scoped } from './plan.ts';

interface Found {
  readonly input: PlanNode;
  readonly slot: number;
  readonly name: string;
  readonly filters: readonly Scoped[];
  readonly rows: number;
}

/** `labels`: all that the node must have. */
export function scanOf(access: Access, found: Found, labels: readonly string[], env: Env, catalog: GraphCatalog): PlanNode {
  const others = (label: string): string[] => labels.filter((each) => each !== label);
  switch (access.kind) {
    case 'all': return { op: 'AllNodes', ...found, labels };
    case 'label': return { op: 'LabelScan', ...found, label: access.label, labels: others(access.label) };
    case 'labels': return { op: 'LabelsScan', ...found, expression: access.labels, env, labels };
    case 'id': case 'union': return { ...found, labels, ...lookupOf(access, env, catalog) };
    case 'seek': case 'range': return { ...found, labels: others(access.label), ...lookupOf(access, env, catalog) };
  }
}

export function lookupOf(access: Seek, env: Env, catalog: GraphCatalog): Lookup {
  const scoped = (expression: Expression): Scoped => ({ expression, env });
  if (access.kind === 'union') return { op: 'UnionSeek', of: access.of.map((each) => lookupOf(each, env, catalog)) };
  if (access.kind === 'id') return { op: 'IdSeek', function: access.function, ids: scoped(access.ids), list: access.list };
  const { label, index } = access;
  const common = { label, index, keys: index.keyIds.map((key) => catalog.keyName(key)) };
  if (access.kind === 'seek') return { op: 'IndexSeek', ...common, values: access.values.map(scoped), list: access.list };
  const bound = (each: { value: Expression; inclusive: boolean } | undefined) => (
    each === undefined ? undefined : { value: scoped(each.value), inclusive: each.inclusive });
  return {
    op: 'IndexRange', ...common, equal: access.equal.map(scoped),
    lower: bound(access.lower), upper: bound(access.upper), prefix: access.prefix === undefined ? undefined : scoped(access.prefix),
  };
}
