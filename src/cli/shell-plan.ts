/** The plan of EXPLAIN and PROFILE as a tree. */
import type { Plan, ProfiledPlan, ResultSummary } from 'neo4j-driver';
import { printable, text } from './shell-values.ts';
import { table } from './table.ts';

export function plan(summary: ResultSummary): string | undefined {
  const root = summary.profile || summary.plan;
  if (root === false || root === undefined || root === null) return undefined;
  const isProfile = summary.profile !== false && summary.profile !== undefined && summary.profile !== null;
  const rows: string[][] = [];
  collect(root, 0, isProfile, rows);
  return table(['operator', 'details', 'estimated rows', ...(isProfile ? ['rows', 'hits'] : [])], rows);
}

function collect(node: Plan | ProfiledPlan, depth: number, isProfile: boolean, rows: string[][]): void {
  const { Details, EstimatedRows } = node.arguments as { Details?: unknown; EstimatedRows?: unknown };
  const real = node as ProfiledPlan;
  rows.push([
    `${'  '.repeat(depth)}+${node.operatorType.split('@')[0]!}`, Details === undefined ? '' : printable(text(Details)),
    EstimatedRows === undefined ? '' : String(Math.round(Number(EstimatedRows))), ...(isProfile ? [String(real.rows), String(real.dbHits)] : []),
  ]);
  for (const child of node.children as readonly (Plan | ProfiledPlan)[]) collect(child, depth + 1, isProfile, rows);
}
