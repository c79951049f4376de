/**
 * A table by key that outgrew memory: grouping and DISTINCT on disk.
 *
 * What the table held is saved, and from then on every row goes to disk as it is, both into partitions by the key's hash. In the end each
 * partition by itself is filled and fed with its rows in the order in which they came, so every group sees what it would have seen in memory,
 * to the last bit of a floating-point sum. A partition that does not fit either is divided again by other bits of the hash (as in Graefe,
 * "Query evaluation techniques for large databases", 1993, section 4.2). Results are put back into the order of their first row.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Value } from '../../value/value.ts';
import { ENTRY_BYTES, type Holding } from './holding.ts';
import type { Row } from './runtime.ts';
import { readValues, Spool, writeValues, type SpillArea } from './spill.ts';
import { SpilledRuns } from './spilled-runs.ts';

/** A row of the result with the number of the row that began it. */
export interface Numbered {
  readonly order: number;
  readonly row: Row;
}

export interface TableEntries<T> {
  save(w: ByteWriter, entry: T): void;
  /** What `save` wrote. Bytes it holds are added to `holding`. */
  load(r: ByteReader, holding: Holding): T;
  /** The entry with one more row; a new one for the first row of its key. */
  add(entry: T | undefined, order: number, values: Value[], holding: Holding): T;
  /** Undefined: nothing for this key. */
  result(entry: T): Numbered | undefined;
}

const PARTITIONS = 16;
/** Divided so often, a partition holds few keys: what does not fit then is one group, and ends with MemoryLimit. */
const LEVELS_MAX = 5;

const ENTRY = 0;
const ROW = 1;

class Partitions {
  readonly level: number;
  readonly spools: readonly Spool[];

  constructor(area: SpillArea, level: number) {
    this.level = level;
    this.spools = Array.from({ length: PARTITIONS }, () => new Spool(area));
  }

  of(key: string): Spool {
    return this.spools[hashOf(key, this.level) % PARTITIONS]!;
  }
}

export class SpilledTable<T> {
  readonly #area: SpillArea;
  readonly #entries: TableEntries<T>;
  readonly #holding: Holding;
  readonly #partitions: Partitions;

  /** `kept`: what the table in memory held, in the order in which it came. */
  constructor(area: SpillArea, entries: TableEntries<T>, holding: Holding, kept: Iterable<readonly [key: string, entry: T]>) {
    this.#area = area;
    this.#entries = entries;
    this.#holding = holding;
    this.#partitions = this.#divided(0, kept);
  }

  add(key: string, order: number, values: readonly (Value | undefined)[]): void {
    addRow(this.#partitions, key, order, values);
  }

  /** To be called once, after the last row. */
  *results(): Generator<Row> {
    const runs = new SpilledRuns<Numbered>(this.#area, {
      write: (w, { order, row }) => writeValues(w.varint(order), row),
      read: (r) => ({ order: r.varint(), row: readValues(r) }),
      compare: (a, b) => a.order - b.order,
    });
    for (const spool of this.#partitions.spools) this.#finish(spool, 1, runs);
    for (const { row } of runs.merged(this.#holding)) yield row;
  }

  #divided(level: number, kept: Iterable<readonly [key: string, entry: T]>): Partitions {
    const partitions = new Partitions(this.#area, level);
    for (const [key, entry] of kept) {
      const spool = partitions.of(key);
      this.#entries.save(spool.writer.u8(ENTRY).string(key), entry);
      spool.end();
      // Saving an entry costs much more than a step: the deadline is looked at every few milliseconds.
      this.#area.rt.tick(16);
    }
    return partitions;
  }

  #finish(spool: Spool, level: number, runs: SpilledRuns<Numbered>): void {
    const table = new Map<string, T>();
    let further: Partitions | undefined;
    for (const reader of spool.records()) {
      const kind = reader.u8();
      const key = reader.string();
      const order = kind === ROW ? reader.varint() : 0;
      // Entries are loaded also where they only go on to a further partition: their bytes are few in all, and saved at once.
      if (further === undefined) {
        if (!table.has(key)) this.#holding.add(key.length + ENTRY_BYTES);
        if (kind === ENTRY) table.set(key, this.#entries.load(reader, this.#holding));
        else {
          const entry = table.get(key);
          const next = this.#entries.add(entry, order, readValues(reader), this.#holding);
          if (entry === undefined) table.set(key, next);
        }
        if (this.#holding.pressed && level < LEVELS_MAX) {
          further = this.#divided(level, table);
          table.clear();
          this.#holding.free();
        }
      } else if (kind === ROW) addRow(further, key, order, readValues(reader));
      else {
        const entry = this.#entries.load(reader, this.#holding);
        const target = further.of(key);
        this.#entries.save(target.writer.u8(ENTRY).string(key), entry);
        target.end();
        this.#holding.free();
      }
    }
    if (further === undefined) {
      runs.add(this.#resultsOf(table));
      this.#holding.free();
    } else for (const each of further.spools) this.#finish(each, level + 1, runs);
  }

  *#resultsOf(table: ReadonlyMap<string, T>): Generator<Numbered> {
    for (const entry of table.values()) {
      const result = this.#entries.result(entry);
      if (result !== undefined) yield result;
    }
  }
}

function addRow(partitions: Partitions, key: string, order: number, values: readonly (Value | undefined)[]): void {
  const spool = partitions.of(key);
  writeValues(spool.writer.u8(ROW).string(key).varint(order), values);
  spool.end();
}

/** By which partition a key goes: FNV-1a over the key's UTF-16 units, begun elsewhere and mixed at each level. */
export function hashOf(key: string, level: number): number {
  let hash = 0x811c9dc5 ^ (level * 0x9e3779b9);
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
