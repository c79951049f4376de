/**
 * Which of the nodes that relationships lead to are wanted, for many of them at once: labels from bits, comparisons with integers from columns, and rows
 * are made for what is left.
 */
import type { Scoped } from '../plan/plan.ts';
import type { CompileContext } from './compile.ts';
import { labelBits } from './label-bits.ts';
import { compileNarrow, Narrowed, type Wanted } from './narrowing.ts';
import type { Row, Runtime } from './runtime.ts';

/** Those of the ids that may be wanted; lent until it is asked again. */
export type Ends = (ids: ArrayLike<number>, from: number, to: number, row: Row) => Narrowed;

/** `slot`: where the end stands in the filters. */
export function compileEnds(labels: readonly string[], filters: readonly Scoped[], slot: number, cc: CompileContext): (rt: Runtime, wanted?: Wanted) => Ends {
  const bits = labelBits(labels, cc.catalog);
  const narrow = compileNarrow(filters, slot, cc);
  return (rt, wanted) => {
    const test = bits?.(rt);
    const left = new Narrowed();
    return (ids, from, to, row) => {
      left.begin(ids, from, to);
      wanted?.narrow(left, rt);
      const kept = test?.kept(left.ids, left.from, left.to);
      if (kept !== undefined) left.keep(kept, 0, kept.length);
      narrow?.(left, row, rt);
      return left;
    };
  };
}
