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
import { LateKeys } from './late-keys.ts';
import { NO_PLACE } from './number-places.ts';
import { checkRoom, withPartials } from './partial-groups.ts';
import { withLate, type PushLate } from './push.ts';
import { BATCH_MAX, nullRow, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { readValues, SpillArea, writeValues } from './spill.ts';
import { SpilledTable, type TableEntries } from './spilled-table.ts';

export interface CountedGrouping {
  readonly nodeSlot: number;
  /** Computed from rows of `keyWidth`. */
  readonly keys: readonly { readonly slot: number; readonly value: Evaluate }[];
  readonly keyWidth: number;
  /** Of the property that is the first key. */
  readonly firstKeyId: number | undefined;
  readonly aggregateSlots: readonly number[];
  readonly width: number;
}

/** A group of which only the first key is at hand, without it. */
const LATE_BYTES = 48;
/** Tables for more grow as they fill: what they take is counted as it is taken. */
const EXPECTED_MAX = 32_768;
/** As many ids are counted before the memory they take is looked at. */
const STRETCH = 256;

function bytesOfKeys(keys: readonly Value[]): number {
  let bytes = 16;
  for (let i = 0; i < keys.length; i++) bytes += bytesOf(keys[i]!);
  return bytes;
}

export function buildCountedGroups(grouping: CountedGrouping, pushIds: PushIds): Operator {
  const push: PushLate = (rt, source, sink) => {
    const groups = new CountedGroups(grouping, rt);
    try {
      return groups.push(pushIds, source, sink);
    } finally {
      groups.close();
    }
  };
  return withPartials(withLate(function* countedGroups(rt, source) {
    const groups = new CountedGroups(grouping, rt);
    try {
      yield* batchesOf(rt, groups.rows(pushIds, source));
    } finally {
      groups.close();
    }
  }, { slots: grouping.keys.map(({ slot }) => slot), push }), (rt, holding) => {
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
  /** Groups by the node that was seen first, as long as the first key tells most of them apart and all of them are of nodes that were seen here. */
  #late: LateKeys | undefined;
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

  push(pushIds: PushIds, source: Iterable<Row[]>, sink: (row: Row, complete: () => void) => boolean): boolean {
    this.take(pushIds, source);
    if (this.#spilled !== undefined) {
      const isComplete = (): void => undefined;
      for (const row of this.#spilled.results()) if (sink(row, isComplete)) return true;
      return false;
    }
    const { aggregateSlots, width } = this.#of;
    const row = nullRow(width);
    let place = 0;
    const complete = (): void => this.#setKeys(row, place);
    for (let unchecked = 1; place < this.#counts.length; place++, unchecked++) {
      for (let i = 0; i < aggregateSlots.length; i++) row[aggregateSlots[i]!] = this.#counts[place]!;
      if (sink(row, complete)) return true;
      if (unchecked % BATCH_MAX === 0) this.#rt.checkpoint(BATCH_MAX);
    }
    this.#rt.checkpoint(this.#counts.length % BATCH_MAX);
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
    w.varint(this.#counts.length);
    for (let place = 0; place < this.#counts.length; place++) {
      writeValues(w, this.#keys.map((_key, i) => this.#value(i, place)));
      w.varint(this.#counts[place]!);
      this.#rt.tick();
    }
  }

  /** Groups of later rows. */
  merge(r: ByteReader): void {
    this.#computeAll();
    for (let left = r.varint(); left > 0; left--) {
      for (const [i, value] of readValues(r).entries()) this.#keys[i] = value;
      this.#add(r.varint());
      checkRoom(this.#holding);
    }
  }

  /** The groups in memory. */
  *kept(): Generator<Row> {
    const { aggregateSlots, width } = this.#of;
    const row = nullRow(width);
    for (let place = 0; place < this.#counts.length; place++) {
      this.#setKeys(row, place);
      for (let i = 0; i < aggregateSlots.length; i++) row[aggregateSlots[i]!] = this.#counts[place]!;
      yield row;
    }
  }

  #value(key: number, place: number): Value {
    return this.#late === undefined ? this.#groups.value(key, place) : this.#late.value(key, place);
  }

  #setKeys(row: Row, place: number): void {
    const { keys } = this.#of;
    for (let i = 0; i < keys.length; i++) row[keys[i]!.slot] = this.#value(i, place);
  }

  #keyOf(key: number, node: number): Value {
    this.#row[this.#of.nodeSlot] = new NodeValue(node);
    return this.#of.keys[key]!.value(this.#row, this.#rt);
  }

  #computeKeys(node: number): void {
    const { keys, nodeSlot } = this.#of;
    this.#row[nodeSlot] = new NodeValue(node);
    for (let i = 0; i < keys.length; i++) this.#keys[i] = keys[i]!.value(this.#row, this.#rt);
  }

  /** From here on all keys of all groups are at hand. */
  #computeAll(): void {
    const late = this.#late;
    if (late === undefined) return;
    for (let place = 0; place < late.size; place++) {
      for (let i = 0; i < this.#keys.length; i++) this.#keys[i] = late.value(i, place);
      this.#groups.placeOf(this.#keys);
      this.#rt.tick();
      this.#holding.add(ENTRY_BYTES + bytesOfKeys(this.#keys) - LATE_BYTES - bytesOf(this.#keys[0]!));
    }
    this.#late = undefined;
  }

  /** Takes as many rows of each node as were counted. */
  #take({ ids, counts }: IdCounts): void {
    const { firstKeyId } = this.#of;
    const { view } = this.#rt;
    // Not where the statement may change what the keys are computed from before the last group has been asked for.
    if (this.#counts.length === 0 && this.#spilled === undefined && !('createNode' in view)) this.#late = new LateKeys(this.#keys.length, (key, node) => this.#keyOf(key, node), Math.min(ids.length, EXPECTED_MAX));
    const firsts = new Float64Array(STRETCH).fill(Number.NaN);
    for (let place = 0; place < ids.length; place++) {
      const at = place % STRETCH;
      if (at === 0 && firstKeyId !== undefined && this.#late !== undefined && !view.integersOf(ids, place, Math.min(place + STRETCH, ids.length), firstKeyId, firsts)) firsts.fill(Number.NaN);
      if (this.#isPart) checkRoom(this.#holding);
      if (this.#spilled !== undefined || this.#holding.pressed) this.#toDisk(ids[place]!, counts[place]!);
      else this.#takeNode(ids[place]!, firsts[at]!, counts[place]!);
      this.#rt.tick();
    }
  }

  /** `first`: its first key, or NaN: it is to be computed. */
  #takeNode(node: number, first: number, rows: number): void {
    const late = this.#late;
    const place = late === undefined ? NO_PLACE : late.placeOf(node, first === first ? first : this.#keyOf(0, node));
    if (place === NO_PLACE) {
      this.#computeAll();
      this.#computeKeys(node);
      this.#add(rows);
    } else if (place < this.#counts.length) this.#counts[place]! += rows;
    else {
      this.#counts.push(rows);
      this.#holding.add(LATE_BYTES + bytesOf(this.#late!.value(0, place)));
    }
  }

  /** To the group of the keys that were computed last. */
  #add(rows: number): void {
    const place = this.#groups.placeOf(this.#keys);
    if (place < this.#counts.length) this.#counts[place]! += rows;
    else {
      this.#counts.push(rows);
      this.#holding.add(ENTRY_BYTES + bytesOfKeys(this.#keys));
    }
  }

  // -------------------------------------------------------------- on disk

  #toDisk(node: number, rows: number): void {
    this.#spilled ??= this.#spill();
    this.#computeKeys(node);
    this.#spilled.add(this.#keys.map(partOfKey).join(''), this.#order++, [...this.#keys, rows]);
  }

  #spill(): SpilledTable<CountedGroup> {
    const table = new SpilledTable(this.#area, groupEntries(this.#of), this.#holding, this.#kept());
    this.#late = undefined;
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
