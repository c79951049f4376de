/**
 * How many rows there are behind an Expand, where nothing in them is looked at: the last relationships of a pattern are counted, not followed. Of those
 * that the pattern has used before and that begin at the same node, it is known from the plan between which nodes they are.
 */
import type { Direction, GraphView } from '../../graph/view.ts';
import type { NodeValue } from '../../value/value.ts';
import type { Expand, PlanNode } from '../plan/plan.ts';
import { isDynamic, plainTypes } from '../semantics/walk.ts';
import type { CompileContext } from './compile.ts';
import { DIRECTIONS } from './directions.ts';
import { idsOf, type CountRows } from './ids.ts';
import { pusher } from './push.ts';
import { nodeIn } from './row-graph.ts';
import type { Operator, Row } from './runtime.ts';
import { neverMatches, typeFilter } from './type-filter.ts';

/** Whether a relationship of the row is among those that would be counted at the node. */
type IsAmong = (row: Row, start: number) => boolean;

/** Undefined: the ends have to be looked at, or it is not known where those are that were used before. */
export function expandCount(node: Expand, input: Operator, cc: CompileContext): CountRows | undefined {
  if (node.labels.length > 0 || node.filters.length > 0 || isDynamic(node.types)) return undefined;
  const used = node.distinctFrom.map((slot) => usedBefore(node, slot));
  if (used.includes(undefined)) return undefined;
  const { from } = node;
  const types = typeFilter(node.types, node.typesIn, cc);
  const atNode = node.direction === 'both' ? eitherWay : (view: GraphView, id: number, typeIds: readonly number[] | undefined) => view.degree(id, DIRECTIONS[node.direction][0]!, typeIds);
  const pushInput = pusher(input);
  const inputIds = used.length === 0 ? idsOf(input, from) : undefined;
  return (rt, source) => {
    const typeIds = types(rt);
    if (neverMatches(typeIds, rt)) return 0;
    const { view } = rt;
    let count = 0;
    if (inputIds !== undefined) {
      inputIds(rt, source, (ids, first, stop) => {
        const now = types(rt);
        for (let i = first; i < stop; i++) count += atNode(view, ids[i]!, now);
        rt.tick(stop - first);
      });
      return count;
    }
    pushInput(rt, source, (row) => {
      const start = nodeIn(row[from]!);
      if (start === null) return false;
      count += atNode(view, start.id, types(rt));
      for (let i = 0; i < used.length; i++) if (used[i]!(row, start.id)) count--;
      rt.tick();
      return false;
    });
    return count;
  };
}

/** Those that leave the node and those that lead to it; a loop stands in both and is one. */
function eitherWay(view: GraphView, id: number, typeIds: readonly number[] | undefined): number {
  let count = view.degree(id, 'out', typeIds);
  for (const { neighbours, from, to } of view.adjacency(id, 'in', typeIds)) {
    count += to - from;
    for (let i = from; i < to; i++) if (neighbours[i] === id) count--;
  }
  return count;
}

/** The relationship in the slot, which an Expand below has put there; it has one of the types that are counted, or else nothing is known. */
function usedBefore(node: Expand, slot: number): IsAmong | undefined {
  const made = makerOf(node.input, slot);
  if (made === undefined || isDynamic(made.types)) return undefined;
  const [counted, own] = [plainTypes(node.types), plainTypes(made.types)];
  if (counted === undefined || own === undefined) return undefined;
  if (counted.length > 0 && (own.length === 0 || !own.every((type) => counted.includes(type)))) return undefined;
  const is = (end: number, row: Row, start: number): boolean => (row[end] as NodeValue).id === start;
  if (node.direction === 'both') return (row, start) => is(made.from, row, start) || is(made.to, row, start);
  if (made.direction === 'both') return undefined;
  const near: Direction = node.direction;
  const end = made.direction === near ? made.from : made.to;
  return (row, start) => is(end, row, start);
}

function makerOf(plan: PlanNode, slot: number): Expand | undefined {
  switch (plan.op) {
    case 'Expand': return plan.relationship === slot ? plan : makerOf(plan.input, slot);
    case 'Filter': return makerOf(plan.input, slot);
    default: return undefined;
  }
}
