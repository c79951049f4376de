/**
 * ORDER BY: a stable sort of everything, or a bounded heap where only the first rows are wanted. What does not fit in memory goes to disk
 * in sorted runs, which are merged in the end.
 */
import { siftDown, siftUp } from '../../base/heap.ts';
import { orderCompare } from '../../value/compare.ts';
import type { Value } from '../../value/value.ts';
import type { Sort } from '../plan/plan.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { held, type Holding } from './holding.ts';
import { compileWanted, type Wanted } from './narrowing.ts';
import { canPush, lateOf, pusher, wantedPusher, type Push, type PushLate, type PushWanted } from './push.ts';
import { countOf } from './row-operators.ts';
import { BATCH_MAX, batched, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { readValues, SpillArea, writeValues } from './spill.ts';
import { SpilledRuns } from './spilled-runs.ts';

interface Entry {
  readonly row: Row;
  readonly keys: readonly Value[];
  /** Order of arrival, which decides between equals. */
  readonly order: number;
}

interface Key {
  readonly value: Evaluate;
  readonly sign: 1 | -1;
}

/** A heap pays where it is much smaller than what goes through it; larger limits sort. */
const HEAP_MAX = 50_000;

export function buildSort(node: Sort, input: Operator, cc: CompileContext): Operator {
  const keys = node.keys.map((key): Key => ({ value: compileScoped(key, cc), sign: key.descending ? -1 : 1 }));
  const limit = node.limit && compileScoped(node.limit, cc);
  const skip = node.skip && compileScoped(node.skip, cc);
  const wanting = limit && compileWanted(node.keys[0]!, node.input, cc);
  const pushWanted = wanting && wantedPusher(input, wanting.slot);
  const [firstKey] = node.keys;
  const firstSlot = firstKey?.expression.kind === 'Variable' ? firstKey.env.slot(firstKey.expression.name) : undefined;
  const late = lateOf(input);
  const pushLate = late === undefined || firstSlot === undefined || late.slots.includes(firstSlot) ? undefined : late.push;
  const pushInput = pusher(input);
  const lent = canPush(input);
  return held(function* sort(rt, source, holding) {
    const wanted = limit === undefined ? Infinity : countOf(limit([], rt), 'LIMIT') + (skip === undefined ? 0 : countOf(skip([], rt), 'SKIP'));
    const area = new SpillArea(rt);
    try {
      const runs = new SpilledRuns<Entry>(area, {
        write: (w, entry) => {
          writeValues(w.varint(entry.order), entry.keys);
          writeValues(w, entry.row);
        },
        read: (r) => ({ order: r.varint(), keys: readValues(r), row: readValues(r) }),
        compare: (a, b) => compareEntries(a, b, keys),
      });
      /** Entries that are too much for memory become a run. */
      const spilled = (entries: Entry[]): void => {
        sortEntries(rt, entries, keys);
        runs.add(entries);
        holding.free();
      };
      const entries = wanted <= HEAP_MAX ? topEntries(rt, pushWanted ?? pushLate ?? pushInput, lent, source, keys, wanted, holding, spilled, pushWanted && wanting!.begin())
        : allEntries(rt, pushInput, lent, source, keys, holding, spilled);
      if (runs.count === 0) {
        sortEntries(rt, entries, keys);
        yield* batched(rt, entries, rowOf);
      } else {
        spilled(entries);
        entries.length = 0;
        yield* batched(rt, firstOf(runs.merged(holding), wanted), rowOf);
      }
    } finally {
      area.close();
    }
  });
}

const rowOf = ({ row }: Entry): Row => row;

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}

/** The built-in sort, which cannot be interrupted, but for a comparison that throws. */
function sortEntries(rt: Runtime, entries: Entry[], keys: readonly Key[]): void {
  if (entries.length < BATCH_MAX) entries.sort((a, b) => compareEntries(a, b, keys));
  else {
    entries.sort((a, b) => {
      rt.tick();
      return compareEntries(a, b, keys);
    });
  }
}

function compareValues(a: Value, b: Value): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : orderCompare(a, b);
}

function compareEntries(a: Entry, b: Entry, keys: readonly Key[]): number {
  for (let i = 0; i < keys.length; i++) {
    const order = compareValues(a.keys[i]!, b.keys[i]!);
    if (order !== 0) return order * keys[i]!.sign;
  }
  return a.order - b.order;
}

function allEntries(
  rt: Runtime, push: Push, lent: boolean, source: Iterable<Row[]>, keys: readonly Key[], holding: Holding, spill: (entries: Entry[]) => void,
): Entry[] {
  const entries: Entry[] = [];
  let order = 0;
  let unchecked = 0;
  push(rt, source, (row) => {
    entries.push({ row: lent ? row.slice() : row, keys: keys.map(({ value }) => value(row, rt)), order: order++ });
    holding.addRow(row);
    holding.add(64 + 16 * keys.length);
    if (holding.pressed) {
      spill(entries);
      entries.length = 0;
    }
    if (lent && ++unchecked === BATCH_MAX) {
      rt.checkpoint(unchecked);
      unchecked = 0;
    }
    return false;
  });
  return entries;
}

/**
 * A heap with the worst entry on top. Later keys are computed only for rows that the first one does not refuse, and the input may leave out those
 * that it would. A heap that is spilled is followed by an empty one: the first rows of all are among the first rows of each.
 */
function topEntries(
  rt: Runtime, push: PushWanted | PushLate, lent: boolean, source: Iterable<Row[]>, keys: readonly Key[], wanted: number, holding: Holding, spill: (entries: Entry[]) => void,
  range: Wanted | undefined,
): Entry[] {
  const heap: Entry[] = [];
  const isWorse = (a: Entry, b: Entry): boolean => compareEntries(a, b, keys) > 0;
  const [first] = keys;
  let order = 0;
  push(rt, source, (row: Row, complete?: () => void) => {
    if (wanted === 0) return false;
    order++;
    const value = first!.value(row, rt);
    const full = heap.length >= wanted;
    if (full && compareValues(value, heap[0]!.keys[0]!) * first!.sign > 0) return false;
    complete?.();
    const entry = { row, keys: keys.map((key, i) => (i === 0 ? value : key.value(row, rt))), order };
    if (full && compareEntries(entry, heap[0]!, keys) >= 0) return false;
    if (lent) entry.row = row.slice();
    if (full) {
      heap[0] = entry;
      siftDown(heap, isWorse);
    } else {
      heap.push(entry);
      holding.addRow(row);
      siftUp(heap, isWorse);
      if (holding.pressed) {
        spill(heap);
        heap.length = 0;
      }
    }
    if (heap.length === wanted) range?.limit(heap[0]!.keys[0]!, first!.sign < 0);
    return false;
  }, range);
  return heap;
}
