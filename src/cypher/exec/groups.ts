/** Groups with the states of their aggregates, in memory and on disk. */
import type { Value } from '../../value/value.ts';
import type { Aggregate } from '../plan/plan.ts';
import { stateMaker, type State } from './aggregate-states.ts';
import { ENTRY_BYTES, type Holding } from './holding.ts';
import { nullRow, type Row, type Runtime } from './runtime.ts';
import { readValues, writeValues } from './spill.ts';
import type { TableEntries } from './spilled-table.ts';

/** Its row has the keys; the results of the states are put there in the end. */
export interface Group {
  readonly row: Row;
  readonly states: readonly State[];
}

export function addRow(group: Group, row: Row, rt: Runtime, holding: Holding): void {
  for (const state of group.states) {
    const bytes = state.add(row, rt);
    if (bytes > 0) holding.add(bytes);
  }
}

/** A group with the number of the row it was first seen in. */
export interface NumberedGroup extends Group {
  readonly order: number;
}

export function groupEntries(node: Aggregate, keySlots: readonly number[], finish: (group: Group) => Row, rt: Runtime): TableEntries<NumberedGroup> {
  let at = keySlots.length;
  // Arguments were computed when their row came: here they are read.
  const makers = node.aggregates.map((item) => stateMaker(item, item.args.map(() => {
    const place = at++;
    return (row) => row[place]!;
  })));
  const begun = (order: number, keys: readonly Value[], holding: Holding): NumberedGroup => {
    const group = { order, row: nullRow(node.env.layout.width), states: makers.map((make) => make()) };
    for (let i = 0; i < keySlots.length; i++) group.row[keySlots[i]!] = keys[i]!;
    holding.addRow(group.row);
    holding.add(ENTRY_BYTES + 64 * group.states.length);
    return group;
  };
  return {
    save: (w, { order, row, states }) => {
      writeValues(w.varint(order), keySlots.map((slot) => row[slot]!));
      writeValues(w, states.map((state) => state.save()));
    },
    load: (r, holding) => {
      const group = begun(r.varint(), readValues(r), holding);
      for (const [i, saved] of readValues(r).entries()) holding.add(group.states[i]!.load(saved));
      return group;
    },
    add: (known, order, values, holding) => {
      const group = known ?? begun(order, values, holding);
      addRow(group, values, rt, holding);
      return group;
    },
    result: (group) => ({ order: group.order, row: finish(group) }),
  };
}
