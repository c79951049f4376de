/**
 * Which aggregation of a plan can be computed in parts: the rows below it come, row by row, from one scan, and what its aggregates know of some of
 * the rows can be put together with what they know of the next ones, to the bit as if all had come one after the other.
 *
 * Not among them: collect(), percentiles and DISTINCT in sum() and the like, whose states are as large as their input; deviations, whose rounding
 * depends on where the parts end. sum() and avg() are, for integers; the first float ends the attempt (see exec/partial-groups.ts).
 */
import { Env } from './env.ts';
import type { Aggregate, AllNodes, LabelScan, PlanNode } from './plan.ts';

export interface PartablePlan {
  readonly aggregate: Aggregate;
  readonly leaf: AllNodes | LabelScan;
  /** The most rows that an operator below the aggregation is thought to give. */
  readonly rows: number;
}

const MERGEABLE: ReadonlySet<string> = new Set(['count', 'sum', 'avg', 'min', 'max']);

/** Undefined: all of the plan has to be run in one place. */
export function partablePlan(plan: PlanNode): PartablePlan | undefined {
  let found: Aggregate | undefined;
  for (let node: PlanNode | undefined = plan; node !== undefined; node = below(node)) if (node.op === 'Aggregate') found = node;
  if (found === undefined || found.recalled !== undefined) return undefined;
  if (!found.aggregates.every(({ function: name, distinct }) => MERGEABLE.has(name) && (!distinct || name === 'count'))) return undefined;
  let rows = 0;
  for (let node = found.input; ; node = node.input) {
    rows = Math.max(rows, node.rows);
    switch (node.op) {
      case 'AllNodes': case 'LabelScan': return node.input.op === 'Argument' && !node.input.pass ? { aggregate: found, leaf: node, rows } : undefined;
      case 'Expand': case 'VarExpand': case 'Repeat': case 'Endpoints': case 'BuildPath': case 'Filter': case 'Project': case 'Unwind': case 'Optional':
        continue;
      default: return undefined;
    }
  }
}

/** What gives an operator its rows, where that is one other. */
function below(node: PlanNode): PlanNode | undefined {
  switch (node.op) {
    case 'Argument': case 'StoredCount': case 'StoredTypes': case 'Union': return undefined;
    default: return node.input;
  }
}

/** Says what an operator does and where its rows have what; the same in two threads where they may each do a part of the work. */
export function fingerprint(plan: PlanNode): string {
  return JSON.stringify(plan, (key, value: unknown) => {
    // Estimates and places in the text do not matter: of statements that differ in literals only one is planned for all.
    if (key === 'rows' || key === 'start' || key === 'end' || key === 'offset' || key === 'position') return undefined;
    if (typeof value === 'bigint') return `${value}n`;
    if (value instanceof Env) return [value.layout.width, value.inherited, value.allNames.map((name) => [name, value.slot(name)])];
    return value instanceof Map || value instanceof Set ? [...value as Iterable<unknown>] : value;
  });
}
