/**
 * Rows that no earlier one equals in some columns. As long as the keys fit in memory rows pass at once; afterwards only in the end.
 */
import { bytesOf, ENTRY_BYTES, type Holding } from './holding.ts';
import { GroupTable, joinedKey } from './group-table.ts';
import { batched, type Row, type Runtime } from './runtime.ts';
import { readValues, SpillArea, writeValues } from './spill.ts';
import { SpilledTable, type Numbered, type TableEntries } from './spilled-table.ts';

/** Undefined: a key whose row has passed. */
type Entry = Numbered | undefined;

const ENTRIES: TableEntries<{ readonly first: Entry }> = {
  save: (w, { first }) => {
    if (first === undefined) w.u8(0);
    else writeValues(w.u8(1).varint(first.order), first.row);
  },
  load: (r, holding) => {
    if (r.u8() === 0) return { first: undefined };
    const first = { order: r.varint(), row: readValues(r) };
    holding.addRow(first.row);
    return { first };
  },
  add: (known, order, row, holding) => {
    if (known !== undefined) return known;
    holding.addRow(row);
    return { first: { order, row } };
  },
  result: ({ first }) => first,
};

export class DistinctRows {
  readonly #rt: Runtime;
  readonly #slots: readonly number[];
  readonly #holding: Holding;
  readonly #area: SpillArea;
  readonly #seen = new GroupTable<true>();
  readonly #keys = new Set<string>();
  #spilled: SpilledTable<{ readonly first: Entry }> | undefined;
  #order = 0;

  constructor(rt: Runtime, slots: readonly number[], holding: Holding) {
    this.#rt = rt;
    this.#slots = slots;
    this.#holding = holding;
    this.#area = new SpillArea(rt);
  }

  /** Whether the row passes now; one that goes to disk may still be among `rest()`. */
  isNew(row: Row): boolean {
    if (this.#spilled !== undefined || this.#holding.pressed) {
      this.#spilled ??= this.#spill();
      this.#spilled.add(joinedKey(row, this.#slots), this.#order++, row);
      return false;
    }
    if (this.#slots.length === 1) {
      const value = row[this.#slots[0]!]!;
      if (this.#seen.getOne(value) === true) return false;
      this.#seen.setOne(value, true);
      this.#holding.add(ENTRY_BYTES + bytesOf(value));
      return true;
    }
    const key = joinedKey(row, this.#slots);
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    this.#holding.add(ENTRY_BYTES + key.length);
    return true;
  }

  #spill(): SpilledTable<{ readonly first: Entry }> {
    const kept = function* passed(keys: Iterable<string>): Generator<readonly [string, { readonly first: Entry }]> {
      for (const key of keys) yield [key, { first: undefined }];
    };
    const spilled = new SpilledTable(this.#area, ENTRIES, this.#holding, kept(this.#slots.length === 1 ? this.#seen.keysOfOne() : this.#keys));
    this.#seen.clear();
    this.#keys.clear();
    this.#holding.free();
    return spilled;
  }

  *rest(): Generator<Row> {
    if (this.#spilled !== undefined) yield* this.#spilled.results();
  }

  close(): void {
    this.#area.close();
  }

  batchesOfRest(): Generator<Row[]> {
    return batched(this.#rt, this.rest());
  }
}

export function* distinctBatches(rt: Runtime, batches: Iterable<Row[]>, slots: readonly number[], holding: Holding): Generator<Row[]> {
  const rows = new DistinctRows(rt, slots, holding);
  try {
    for (const batch of batches) {
      const out = batch.filter((row) => rows.isNew(row));
      rt.checkpoint(out.length);
      if (out.length > 0) yield out;
    }
    yield* rows.batchesOfRest();
  } finally {
    rows.close();
  }
}
