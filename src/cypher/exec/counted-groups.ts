/**
 * Grouping where all that matters of a row is which node it has in one slot: keys are that node or properties of it, and all aggregates count rows.
 *
 * Rows are counted by node first. Groups then are places in columns, not objects: where there are many, making and collecting objects would take
 * longer than all the rest. Whoever takes pushed rows is lent one and the same.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { NodeValue, type Value } from '../../value/value.ts';
import { joinedKey, KeyColumns, partOfKey } from './group-table.ts';
import { bytesOf, ENTRY_BYTES, Holding } from './holding.ts';
import { IdCounts } from './id-counts.ts';
import type { PushIds } from './ids.ts';
import { checkRoom, withPartials } from './partial-groups.ts';
import { withPush, type Push } from './push.ts';
import { BATCH_MAX, nullRow, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { readValues, SpillArea, writeValues } from './spill.ts';
import { SpilledTable, type TableEntries } from './spilled-table.ts';

export interface CountedGrouping {
  readonly nodeSlot: number;
  /** Computed from rows of `keyWidth`. */
  readonly keys: readonly { readonly slot: number; readonly value: Evaluate }[];
  readonly keyWidth: number;
  readonly aggregateSlots: readonly number[];
  readonly width: number;
}

/** As many ids are counted before the memory they take is looked at. */
const STRETCH = 256;

function bytesOfKeys(keys: readonly Value[]): number {
  let bytes = 16;
  for (let i = 0; i < keys.length; i++) bytes += bytesOf(keys[i]!);
  return bytes;
}

export function buildCountedGroups(grouping: CountedGrouping, pushIds: PushIds): Operator {
  const push: Push = (rt, source, sink) => {
    const groups = new CountedGroups(grouping, rt);
    try {
      return groups.push(pushIds, source, sink);
    } finally {
      groups.close();
    }
  };
  return withPartials(withPush(function* countedGroups(rt, source) {
    const groups = new CountedGroups(grouping, rt);
    try {
      yield* batchesOf(rt, groups.rows(pushIds, source));
    } finally {
      groups.close();
    }
  }, push), (rt, holding) => {
    const groups = new CountedGroups(grouping, rt, holding);
    return {
      take: (_rt, source) => groups.take(pushIds, source),
      save: (w) => groups.save(w),
      merge: (r) => groups.merge(r),
      rows: () => batchesOf(rt, groups.kept()),
    };
  });
}

function* batchesOf(rt: Runtime, rows: Iterable<Row>): Generator<Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row.slice());
    if (batch.length < BATCH_MAX) continue;
    rt.checkpoint(batch.length);
    yield batch;
    batch = [];
  }
  rt.checkpoint(batch.length);
  if (batch.length > 0) yield batch;
}

/** One run of the operator. */
class CountedGroups {
  readonly #of: CountedGrouping;
  readonly #rt: Runtime;
  readonly #area: SpillArea;
  readonly #holding: Holding;
  /** Of the counts by node, apart from the groups: they go to disk at another time. */
  readonly #countHolding: Holding;
  readonly #row: Row;
  readonly #keys: Value[];
  #groups: KeyColumns;
  /** Rows of each group, by place. */
  #counts: number[] = [];
  #spilled: SpilledTable<CountedGroup> | undefined;
  #order = 0;
  readonly #isPart: boolean;

  /** `partOf`: it is a part of what may have to be put together, within this; it does not go to disk. */
  constructor(of: CountedGrouping, rt: Runtime, partOf?: Holding) {
    this.#of = of;
    this.#rt = rt;
    this.#isPart = partOf !== undefined;
    this.#area = new SpillArea(rt);
    this.#holding = partOf ?? new Holding(rt);
    this.#countHolding = new Holding(rt);
    this.#row = nullRow(of.keyWidth);
    this.#keys = of.keys.map(() => null);
    this.#groups = new KeyColumns(of.keys.length);
  }

  close(): void {
    this.#holding.free();
    this.#area.close();
  }

  push(pushIds: PushIds, source: Iterable<Row[]>, sink: (row: Row) => boolean): boolean {
    let unchecked = 0;
    for (const row of this.rows(pushIds, source)) {
      if (sink(row)) return true;
      if (++unchecked < BATCH_MAX) continue;
      this.#rt.checkpoint(unchecked);
      unchecked = 0;
    }
    this.#rt.checkpoint(unchecked);
    return false;
  }

  /** The groups as rows, which are lent. */
  *rows(pushIds: PushIds, source: Iterable<Row[]>): Generator<Row> {
    this.take(pushIds, source);
    if (this.#spilled !== undefined) yield* this.#spilled.results();
    else yield* this.kept();
  }

  take(pushIds: PushIds, source: Iterable<Row[]>): void {
    let counted = new IdCounts();
    try {
      pushIds(this.#rt, source, (ids, from, to) => {
        // A stretch at a time, so that what is too much for memory is noticed early.
        for (let at = from; at < to; at += STRETCH) {
          this.#countHolding.add(counted.count(ids, at, Math.min(at + STRETCH, to)));
          if (!this.#countHolding.pressed) continue;
          this.#take(counted);
          counted = new IdCounts();
          this.#countHolding.free();
        }
      });
      this.#take(counted);
    } finally {
      this.#countHolding.free();
    }
  }

  save(w: ByteWriter): void {
    w.varint(this.#groups.size);
    for (let place = 0; place < this.#groups.size; place++) {
      writeValues(w, this.#keys.map((_key, i) => this.#groups.value(i, place)));
      w.varint(this.#counts[place]!);
    }
  }

  /** Groups of later rows. */
  merge(r: ByteReader): void {
    for (let left = r.varint(); left > 0; left--) {
      for (const [i, value] of readValues(r).entries()) this.#keys[i] = value;
      this.#add(r.varint());
      checkRoom(this.#holding);
    }
  }

  /** The groups in memory. */
  *kept(): Generator<Row> {
    const { keys, aggregateSlots, width } = this.#of;
    const groups = this.#groups;
    const row = nullRow(width);
    for (let place = 0; place < groups.size; place++) {
      for (let i = 0; i < keys.length; i++) row[keys[i]!.slot] = groups.value(i, place);
      for (let i = 0; i < aggregateSlots.length; i++) row[aggregateSlots[i]!] = this.#counts[place]!;
      yield row;
    }
  }

  /** Takes as many rows of each node as were counted. */
  #take({ ids, counts }: IdCounts): void {
    const { keys, nodeSlot } = this.#of;
    for (let place = 0; place < ids.length; place++) {
      this.#row[nodeSlot] = new NodeValue(ids[place]!);
      for (let i = 0; i < keys.length; i++) this.#keys[i] = keys[i]!.value(this.#row, this.#rt);
      if (this.#isPart) checkRoom(this.#holding);
      if (this.#spilled !== undefined || this.#holding.pressed) this.#toDisk(counts[place]!);
      else this.#add(counts[place]!);
      this.#rt.tick();
    }
  }

  #add(rows: number): void {
    const place = this.#groups.placeOf(this.#keys);
    if (place < this.#counts.length) this.#counts[place]! += rows;
    else {
      this.#counts.push(rows);
      this.#holding.add(ENTRY_BYTES + bytesOfKeys(this.#keys));
    }
  }

  // -------------------------------------------------------------- on disk

  #toDisk(rows: number): void {
    this.#spilled ??= this.#spill();
    this.#spilled.add(this.#keys.map(partOfKey).join(''), this.#order++, [...this.#keys, rows]);
  }

  #spill(): SpilledTable<CountedGroup> {
    const table = new SpilledTable(this.#area, groupEntries(this.#of), this.#holding, this.#kept());
    this.#groups = new KeyColumns(this.#of.keys.length);
    this.#counts = [];
    this.#holding.free();
    return table;
  }

  *#kept(): Generator<readonly [string, CountedGroup]> {
    const slots = this.#of.keys.map(({ slot }) => slot);
    let place = 0;
    for (const row of this.kept()) yield [joinedKey(row, slots), { order: this.#order++, row, count: this.#counts[place++]! }];
  }
}

/** A group with the number of the row it was first seen in. */
interface CountedGroup {
  readonly order: number;
  readonly row: Row;
  count: number;
}

/** What is on disk of a row: the keys, then for how many rows it stands. */
function groupEntries({ keys, aggregateSlots, width }: CountedGrouping): TableEntries<CountedGroup> {
  const begun = (order: number, values: readonly Value[], holding: Holding): CountedGroup => {
    const row = nullRow(width);
    for (let i = 0; i < keys.length; i++) row[keys[i]!.slot] = values[i]!;
    holding.addRow(row);
    holding.add(ENTRY_BYTES);
    return { order, row, count: 0 };
  };
  return {
    save: (w, { order, row, count }) => {
      writeValues(w.varint(order), keys.map(({ slot }) => row[slot]!));
      w.varint(count);
    },
    load: (r, holding) => {
      const group = begun(r.varint(), readValues(r), holding);
      group.count = r.varint();
      return group;
    },
    add: (known, order, values, holding) => {
      const group = known ?? begun(order, values, holding);
      group.count += values[keys.length] as number;
      return group;
    },
    result: ({ order, row, count }) => {
      for (const slot of aggregateSlots) row[slot] = count;
      return { order, row };
    },
  };
}
