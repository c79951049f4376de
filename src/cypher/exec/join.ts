/**
 * Two inputs that depend on nothing of each other: each pair of rows, or those whose keys are equal (a hash join). The right one is kept in memory, by key; what
 * does not fit goes to disk with the left one (spilled-join.ts).
 */
import { equals } from '../../value/compare.ts';
import type { Value } from '../../value/value.ts';
import type { Product } from '../plan/plan.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { partOfKey } from './group-table.ts';
import { ENTRY_BYTES, held, type Holding } from './holding.ts';
import { batched, BATCH_MAX, BATCH_MIN, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { SpillArea } from './spill.ts';
import { SpilledJoin, SpilledProduct, type Pairing } from './spilled-join.ts';

/** Null and NaN equal nothing, nor does a list with one of them; grouping, whose keys these are, takes them for the same. */
function equalsItself(value: Value): boolean {
  return typeof value === 'number' || typeof value === 'string' || equals(value, value) === true;
}

/** Undefined: what no row of the other side has. */
function keyOf(keys: readonly Evaluate[], row: Row, rt: Runtime): string | undefined {
  const values = keys.map((key) => key(row, rt));
  return values.every(equalsItself) ? values.map(partOfKey).join('') : undefined;
}

/** The right side: its rows by key (without keys all under the same one), or on disk. */
interface RightSide {
  readonly byKey: Map<string, Row[]>;
  readonly spilled: SpilledJoin | SpilledProduct | undefined;
}

const NO_ROWS: readonly Row[] = [];

export function buildProduct(node: Product, input: Operator, right: Operator, cc: CompileContext): Operator {
  const { slots } = node;
  const leftKeys = node.keys.map(({ left }) => compileScoped(left, cc));
  const rightKeys = node.keys.map(({ right: key }) => compileScoped(key, cc));
  return held(function* product(rt, source, holding) {
    const area = new SpillArea(rt);
    try {
      let side: RightSide | undefined;
      let out: Row[] = [];
      let size = BATCH_MIN;
      for (const batch of input(rt, source)) {
        // Any left row will do as the argument of the right side.
        side ??= rightSide(rt, right(rt, [[batch[0]!.slice()]]), rightKeys, { rt, slots }, holding, area);
        if (side.spilled !== undefined) {
          yield* batched(rt, side.spilled.take(batch, (row) => keyOf(leftKeys, row, rt)));
          continue;
        }
        for (const row of batch) {
          const key = leftKeys.length === 0 ? '' : keyOf(leftKeys, row, rt);
          for (const match of key === undefined ? NO_ROWS : side.byKey.get(key) ?? NO_ROWS) {
            const made = row.slice();
            for (const slot of slots) made[slot] = match[slot]!;
            out.push(made);
            if (out.length < size) continue;
            rt.checkpoint(out.length);
            yield out;
            out = [];
            size = Math.min(size * 4, BATCH_MAX);
          }
        }
      }
      if (out.length > 0) yield out;
      if (side?.spilled !== undefined) yield* batched(rt, side.spilled.rest());
    } finally {
      area.close();
    }
  });
}

function rightSide(rt: Runtime, source: Iterable<Row[]>, keys: readonly Evaluate[], pairing: Pairing, holding: Holding, area: SpillArea): RightSide {
  const byKey = new Map<string, Row[]>();
  let spilled: RightSide['spilled'];
  for (const rows of source) {
    rt.checkpoint(rows.length);
    for (const row of rows) {
      const key = keys.length === 0 ? '' : keyOf(keys, row, rt);
      if (key === undefined) continue;
      if (spilled !== undefined) {
        spilled.addRight(key, row);
        continue;
      }
      holding.addRow(row);
      const same = byKey.get(key);
      if (same === undefined) {
        holding.add(ENTRY_BYTES + key.length);
        byKey.set(key, [row]);
      } else same.push(row);
      if (!holding.pressed) continue;
      spilled = keys.length === 0 ? new SpilledProduct(area, pairing) : new SpilledJoin(area, pairing, holding);
      for (const [known, kept] of byKey) for (const each of kept) spilled.addRight(known, each);
      byKey.clear();
      holding.free();
    }
  }
  return { byKey, spilled };
}
