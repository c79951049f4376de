/**
 * A join whose right side outgrew memory. Both sides go to disk, into partitions by the key's hash, and one partition after the other is joined by itself: its right
 * side in memory, its left side row by row (a "Grace" join: Kitsuregawa, Tanaka and Moto-oka, 1983). A partition whose right side does not fit either is divided
 * again by other bits of the hash. Pairs are put back into the order of their left rows, so they come as they come from memory.
 */
import type { Value } from '../../value/value.ts';
import { ENTRY_BYTES, type Holding } from './holding.ts';
import type { Row, Runtime } from './runtime.ts';
import { readValues, Spool, writeValues, type SpillArea } from './spill.ts';
import { SpilledRuns } from './spilled-runs.ts';
import { hashOf, type Numbered } from './spilled-table.ts';

/** How two rows become one. */
export interface Pairing {
  readonly rt: Runtime;
  /** What the right row has for the left one. */
  readonly slots: readonly number[];
}

const PARTITIONS = 16;
/** Divided so often, a partition holds few keys, or one: then its right side is read anew for each left row, whose pairs with it are about as many. */
const LEVELS_MAX = 5;

/** The left row with the values of the right one, which are written without others. */
function paired({ rt, slots }: Pairing, row: Row, values: readonly Value[]): Row {
  const made = row.slice();
  for (let i = 0; i < slots.length; i++) made[slots[i]!] = values[i]!;
  rt.tick();
  return made;
}

/** Each left row with all right ones, which are read from disk for each. */
export class SpilledProduct {
  readonly #pairing: Pairing;
  readonly #right: Spool;

  constructor(area: SpillArea, pairing: Pairing) {
    this.#pairing = pairing;
    this.#right = new Spool(area);
  }

  addRight(_key: string, row: Row): void {
    writeValues(this.#right.writer, this.#pairing.slots.map((slot) => row[slot]));
    this.#right.end();
  }

  *take(lefts: readonly Row[]): Generator<Row> {
    for (const row of lefts) {
      for (const reader of this.#right.records()) yield paired(this.#pairing, row, readValues(reader));
    }
  }

  *rest(): Generator<Row> {
    // Each left row had its pairs when it came.
  }
}

/** The rows of both sides with some of the keys. */
class Partition {
  readonly left: Spool;
  readonly right: Spool;

  constructor(area: SpillArea) {
    this.left = new Spool(area);
    this.right = new Spool(area);
  }

  addRight(key: string, values: readonly (Value | undefined)[]): void {
    writeValues(this.right.writer.string(key), values);
    this.right.end();
  }

  addLeft(key: string, order: number, row: Row): void {
    writeValues(this.left.writer.string(key).varint(order), row);
    this.left.end();
  }

  *rights(): Generator<{ readonly key: string; readonly values: Value[] }> {
    for (const reader of this.right.records()) yield { key: reader.string(), values: readValues(reader) };
  }

  *lefts(): Generator<{ readonly key: string; readonly order: number; readonly row: Row }> {
    for (const reader of this.left.records()) yield { key: reader.string(), order: reader.varint(), row: readValues(reader) };
  }
}

export class SpilledJoin {
  readonly #area: SpillArea;
  readonly #pairing: Pairing;
  readonly #holding: Holding;
  readonly #partitions: readonly Partition[];
  #lefts = 0;

  constructor(area: SpillArea, pairing: Pairing, holding: Holding) {
    this.#area = area;
    this.#pairing = pairing;
    this.#holding = holding;
    this.#partitions = this.#divided();
  }

  addRight(key: string, row: Row): void {
    partitionOf(this.#partitions, key, 0).addRight(key, this.#pairing.slots.map((slot) => row[slot]));
  }

  /** Left rows; their pairs come with the rest. */
  *take(lefts: readonly Row[], keyOf: (row: Row) => string | undefined): Generator<Row> {
    for (const row of lefts) {
      const key = keyOf(row);
      if (key !== undefined) partitionOf(this.#partitions, key, 0).addLeft(key, this.#lefts++, row);
    }
  }

  /** To be called once, after the last row of either side. */
  *rest(): Generator<Row> {
    const runs = new SpilledRuns<Numbered>(this.#area, {
      write: (w, { order: at, row }) => writeValues(w.varint(at), row),
      read: (r) => ({ order: r.varint(), row: readValues(r) }),
      compare: (a, b) => a.order - b.order,
    });
    for (const partition of this.#partitions) this.#join(partition, 1, runs);
    for (const { row } of runs.merged(this.#holding)) yield row;
  }

  #divided(): Partition[] {
    return Array.from({ length: PARTITIONS }, () => new Partition(this.#area));
  }

  #join(partition: Partition, level: number, runs: SpilledRuns<Numbered>): void {
    const table = this.#tableOf(partition);
    if (table !== undefined) {
      runs.add(this.#pairs(partition, (key) => table.get(key) ?? []));
      this.#holding.free();
    } else if (level === LEVELS_MAX) {
      runs.add(this.#pairs(partition, (wanted) => valuesOf(partition, wanted)));
    } else {
      const parts = this.#divided();
      for (const { key, values } of partition.rights()) partitionOf(parts, key, level).addRight(key, values);
      for (const { key, order, row } of partition.lefts()) partitionOf(parts, key, level).addLeft(key, order, row);
      for (const part of parts) this.#join(part, level + 1, runs);
    }
  }

  /** The right side by key; undefined: it does not fit in memory. */
  #tableOf(partition: Partition): ReadonlyMap<string, Value[][]> | undefined {
    const table = new Map<string, Value[][]>();
    for (const { key, values } of partition.rights()) {
      this.#holding.addRow(values);
      const same = table.get(key);
      if (same === undefined) {
        this.#holding.add(ENTRY_BYTES + key.length);
        table.set(key, [values]);
      } else same.push(values);
      if (!this.#holding.pressed) continue;
      this.#holding.free();
      return undefined;
    }
    return table;
  }

  *#pairs(partition: Partition, rightsOf: (key: string) => Iterable<Value[]>): Generator<Numbered> {
    for (const { key, order, row } of partition.lefts()) {
      for (const values of rightsOf(key)) yield { order, row: paired(this.#pairing, row, values) };
    }
  }
}

function partitionOf(partitions: readonly Partition[], key: string, level: number): Partition {
  return partitions[hashOf(key, level) % PARTITIONS]!;
}

function* valuesOf(partition: Partition, wanted: string): Generator<Value[]> {
  for (const { key, values } of partition.rights()) if (key === wanted) yield values;
}
