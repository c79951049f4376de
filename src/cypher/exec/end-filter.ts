/**
 * Which of the nodes that relationships lead to are wanted, for many of them at once: labels from bits, comparisons with integers from columns, and rows
 * are made for what is left.
 */
import { NodeValue } from '../../value/value.ts';
import type { Scoped } from '../plan/plan.ts';
import type { CompileContext } from './compile.ts';
import { compileNarrow, Narrowed, type Wanted } from './narrowing.ts';
import type { Row, Runtime } from './runtime.ts';
import { labelsTest, type LabelsTest } from './row-tests.ts';

/** Those of the ids that may be wanted; lent until it is asked again. */
export type Ends = (ids: ArrayLike<number>, from: number, to: number, row: Row) => Narrowed;

/** `slot`: where the end stands in the filters. */
export function compileEnds(labels: readonly string[], filters: readonly Scoped[], slot: number, cc: CompileContext): (rt: Runtime, wanted?: Wanted) => Ends {
  const hasLabels = labelsTest(labels, cc.catalog);
  const labelId = labels.length === 1 ? cc.catalog.findLabel(labels[0]!) : undefined;
  const narrow = compileNarrow(filters, slot, cc);
  return (rt, wanted) => {
    const left = new Narrowed();
    return (ids, from, to, row) => {
      left.begin(ids, from, to);
      wanted?.narrow(left, rt);
      if (hasLabels !== undefined && (labelId === undefined || !left.leaveLabelled(rt, labelId))) askEach(left, hasLabels, rt);
      narrow?.(left, row, rt);
      return left;
    };
  };
}

function askEach(left: Narrowed, hasLabels: LabelsTest, rt: Runtime): void {
  const kept: number[] = [];
  for (let i = left.from; i < left.to; i++) if (hasLabels(new NodeValue(left.ids[i]!), rt)) kept.push(left.ids[i]!);
  left.keep(kept, 0, kept.length);
}
