/**
 * A third way to run operators, for consumers that look at one node of each row and at nothing else: only the ids of that node come, in the
 * order of the rows, in arrays that are lent. To count, or to group by a node, then takes neither rows nor nodes.
 */
import type { PlanNode } from '../plan/plan.ts';
import { pusher } from './push.ts';
import type { Operator, Row, Runtime } from './runtime.ts';

/** The places `from` to `to` - 1 of `ids`. */
export type IdSink = (ids: ArrayLike<number>, from: number, to: number) => void;
export type PushIds = (rt: Runtime, source: Iterable<Row[]>, sink: IdSink) => void;

interface Ids {
  readonly slot: number;
  readonly push: PushIds;
}

const all = new WeakMap<Operator, Ids>();

/** The node in the slot is one in every row. */
export function withIds(operator: Operator, slot: number, push: PushIds): Operator {
  all.set(operator, { slot, push });
  return operator;
}

/** Undefined: the operator makes rows only, or its ids are those of another slot. */
export function idsOf(operator: Operator, slot?: number): PushIds | undefined {
  const ids = all.get(operator);
  return ids === undefined || (slot !== undefined && ids.slot !== slot) ? undefined : ids.push;
}

/** How many rows there are, for consumers that look at nothing in them. */
export type CountRows = (rt: Runtime, source: Iterable<Row[]>) => number;

interface Count {
  readonly rows: CountRows;
  /** It takes so long that threads may share it. */
  readonly isLong: boolean;
}

const counts = new WeakMap<Operator, Count>();

export function withCount(operator: Operator, rows: CountRows, isLong = false): Operator {
  counts.set(operator, { rows, isLong });
  return operator;
}

/** Undefined: the operator has no shorter way than to give rows or ids. */
export function countOf(operator: Operator): Count | undefined {
  return counts.get(operator);
}

/** The shortest way that the operator has. */
export function rowCounter(operator: Operator): CountRows {
  const short = countOf(operator);
  if (short !== undefined) return short.rows;
  const [ids, push] = [idsOf(operator), pusher(operator)];
  return (rt, source) => {
    let rows = 0;
    if (ids === undefined) {
      push(rt, source, () => {
        rows++;
        return false;
      });
    } else {
      ids(rt, source, (_ids, from, to) => {
        rows += to - from;
      });
    }
    return rows;
  };
}

/** Slots that are not null in any row of an operator that gives ids. */
export function certainSlots(node: PlanNode): readonly number[] {
  switch (node.op) {
    case 'AllNodes': case 'LabelScan': case 'LabelsScan': case 'IndexSeek': case 'IndexRange': case 'IdSeek': case 'UnionSeek': return [node.slot, ...certainSlots(node.input)];
    case 'Expand': case 'VarExpand': return [node.from, node.to, ...(node.relationship === undefined ? [] : [node.relationship]), ...certainSlots(node.input)];
    default: return [];
  }
}
