/**
 * Property columns: what a reader has seen of one property key, by vertex, in arrays of 1,024 neighbouring ids.
 *
 * A vertex block is an object that points to arrays that point to values: reading one property of each of a hundred thousand vertices is
 * several cache misses a vertex. A column is one. It holds nothing that a block does not say, is filled by the reads themselves (so a cold read
 * costs what it did), and belongs to one thread's block cache.
 *
 * Validity is that of blocks (storage/clocks.ts): an entry read at version L serves a view at V when the vertex's clock is ≤ min(L, V). `at` is
 * the version up to which all entries of a column are known to be right, so that most reads need not look at the clock.
 */
import type { Value } from '../value/value.ts';
import { VersionClocks } from '../storage/clocks.ts';
import { PART_SHIFT } from './bitmaps.ts';
import { internNumbers, propertyOf } from './blocks.ts';
import type { BitWords } from './bitmaps.ts';
import type { EdgeBlock, Properties, VertexBlock } from './blocks.ts';
import type { StoredValue } from '../value/packed-floats.ts';
import { PageTable } from './page-table.ts';
import type { IdBuffer, IntegerRange } from './view.ts';

const PAGE_BITS = PART_SHIFT;
const PAGE = 1 << PAGE_BITS;
export const COLUMN_PAGE = PAGE;
/** Ids beyond have no columns: shifts are of 32 bits. */
const IDS_MAX = 2 ** 31;
/** A column is made once so many reads of its page went to blocks: single reads here and there are not worth 8 KB. */
const READS_BEFORE = 48;
/** After so many reads of an outdated column all its entries are checked at once. */
const STALE_READS_MAX = 128;
const PAGE_WORDS = PAGE / 32;
/** Elements of a page that are looked at before all of it is read. */
const LOOKS = 8;
const COLUMN_BYTES = PAGE * 8 + 100;
/** Of a column that has told of no value yet, only of vertices without one. */
const EMPTY_BYTES = PAGE / 8 + 200;
/** In a column of integers: no such property. No integer is it. */
const ABSENT = 0.5;
/** A column that tells of no vertex. */
const NOTHING = new Float64Array(PAGE).fill(Number.NaN);

/** The labels of a vertex are kept like a property. */
export const LABELS_COLUMN = -1;

/** What an entry holds: a value, or the labels (an interned array). `undefined`: look into the block. */
export type Entry = Value | readonly number[] | undefined;

/** A column for other threads; each takes a copy, because columns are filled and changed. */
export type ColumnPage = { readonly keyId: number; readonly number: number } & (
  | { readonly ints: Float64Array }
  /** Labels: for each place 0 (look into the block), or the place in `distinct` + 1. */
  | { readonly distinct: readonly (readonly number[])[]; readonly which: Uint16Array }
);

class Column {
  at: number;
  reads = 0;
  /** Plain integers, as most keys are that are filtered and sorted by; NaN: look into the block. */
  ints: Float64Array | undefined;
  any: Entry[] | undefined;
  /** As long as there is neither: a bit for each vertex that is known to have no such property, as where all of a page are of other labels. */
  absent: Int32Array | undefined = new Int32Array(PAGE_WORDS);
  /** How many values it was given while there was no room for them; it takes them after as many as a page must have been asked for then. */
  values = 0;
  constructor(at: number) {
    this.at = at;
  }

  get(place: number): Entry {
    if (this.ints !== undefined) {
      const value = this.ints[place]!;
      if (value === ABSENT) return null;
      // The fastest test for NaN.
      return value === value ? value : undefined;
    }
    return this.any === undefined ? this.isAbsent(place) ? null : undefined : this.any[place];
  }

  isAbsent(place: number): boolean {
    return this.absent !== undefined && ((this.absent[place >>> 5]! >>> (place & 31)) & 1) === 1;
  }

  set(place: number, entry: Entry): void {
    if (this.absent !== undefined) {
      if (entry === null) {
        this.absent[place >>> 5]! |= 1 << (place & 31);
        return;
      }
      if (entry === undefined) return;
      this.#begin(typeof entry === 'number' && Number.isInteger(entry), this.absent);
    }
    if (this.ints === undefined) {
      this.any![place] = entry;
      return;
    }
    if (typeof entry === 'number' && Number.isInteger(entry)) this.ints[place] = entry;
    else if (entry === null) this.ints[place] = ABSENT;
    else if (entry === undefined) this.ints[place] = Number.NaN;
    else this.#widen(place, entry);
  }

  #begin(isInteger: boolean, absent: Int32Array): void {
    if (isInteger) this.ints = new Float64Array(PAGE).fill(Number.NaN);
    else this.any = new Array<Entry>(PAGE).fill(undefined);
    this.absent = undefined;
    for (let place = 0; place < PAGE; place++) if (((absent[place >>> 5]! >>> (place & 31)) & 1) === 1) this.set(place, null);
  }

  #widen(place: number, entry: Entry): void {
    this.any = Array.from({ length: PAGE }, (_, i) => this.get(i));
    this.ints = undefined;
    this.any[place] = entry;
  }

  clear(place: number): void {
    if (this.ints !== undefined) this.ints[place] = Number.NaN;
    else if (this.any !== undefined) this.any[place] = undefined;
    else this.absent![place >>> 5]! &= ~(1 << (place & 31));
  }
}

/** The columns of one graph. */
export class ColumnTable {
  readonly #clocks: VersionClocks;
  readonly #graph: number;
  readonly #kind: number;
  /** By key + 1. */
  readonly pages = new PageTable<Column>(PAGE * 4);

  constructor(clocks: VersionClocks, graph: number, kind: number) {
    this.#clocks = clocks;
    this.#graph = graph;
    this.#kind = kind;
  }

  /** The entry of a vertex as of a version, or undefined: look into the block, and then `put` what was there. */
  get(id: number, keyId: number, version: number): Entry {
    if (id >= IDS_MAX) return undefined;
    const column = this.pages.get(keyId + 1, id >>> PAGE_BITS);
    if (column === undefined) return undefined;
    if (column.at !== version && !this.#isValid(column, id, version)) return undefined;
    return column.get(id & (PAGE - 1));
  }

  #isValid(column: Column, id: number, version: number): boolean {
    if (column.at < version && ++column.reads >= STALE_READS_MAX) {
      this.#refresh(column, id, version);
      return true;
    }
    const clock = this.#clocks.read(VersionClocks.slot(this.#kind, this.#graph, id));
    return clock <= column.at && clock <= version;
  }

  /** Forgets what has changed since; the rest is as good at `version`. */
  #refresh(column: Column, id: number, version: number): void {
    const first = id & ~(PAGE - 1);
    for (let place = 0; place < PAGE; place++) {
      if (this.#clocks.read(VersionClocks.slot(this.#kind, this.#graph, first + place)) > column.at) column.clear(place);
    }
    column.at = version;
    column.reads = 0;
  }

  /** Leaves of the ids in places `from` to `to` - 1 those whose entry may be in the range; false: no column of integers knows any of them. */
  narrow(
    ids: ArrayLike<number>, from: number, to: number, keyId: number, version: number, { low, high, isOutside, withAbsent }: IntegerRange, left: IdBuffer,
  ): boolean {
    const kept = left.ids;
    const outside = Number(isOutside);
    let count = 0;
    let unknown = 0;
    const columns = this.pages.row(keyId + 1);
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      const column = id < IDS_MAX ? columns[id >>> PAGE_BITS] : undefined;
      if (typeof column !== 'object' || column.ints === undefined || (column.at !== version && !this.#isValid(column, id, version))) {
        kept[count] = id;
        if (typeof column === 'object' && column.isAbsent(id & (PAGE - 1)) && (column.at === version || this.#isValid(column, id, version))) {
          count += Number(withAbsent);
          continue;
        }
        count++;
        unknown++;
        continue;
      }
      const value = column.ints[id & (PAGE - 1)]!;
      kept[count] = id;
      if (value !== value) {
        count++;
        unknown++;
      } else if (value === ABSENT) count += Number(withAbsent);
      // Without a branch, which would be guessed wrong as often as not.
      else count += (Number(value >= low) & Number(value <= high)) ^ outside;
    }
    left.count = count;
    left.isExact = unknown === 0;
    return unknown < to - from;
  }

  /** The entries of the ids in places `from` to `to` - 1 that are integers, NaN for the others; false: none is known. */
  integers(ids: ArrayLike<number>, from: number, to: number, keyId: number, version: number, into: Float64Array): boolean {
    const columns = this.pages.row(keyId + 1);
    let known = 0;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      const column = id < IDS_MAX ? columns[id >>> PAGE_BITS] : undefined;
      let value = Number.NaN;
      if (typeof column === 'object' && column.ints !== undefined && (column.at === version || this.#isValid(column, id, version))) value = column.ints[id & (PAGE - 1)]!;
      if (value === ABSENT) value = Number.NaN;
      else if (value === value) known++;
      into[i - from] = value;
    }
    return known > 0;
  }

  /**
   * Of the vertices whose bits are set in `parts` (`first`: the id of the first bit, of the first place of a column), how many have an integer from
   * `low` to `high`. Those of which columns do not tell are appended to `unknown`.
   */
  count(parts: readonly BitWords[], first: number, keyId: number, version: number, low: number, high: number, unknown: number[]): number {
    let count = 0;
    for (const [i, words] of parts.entries()) {
      const id = first + i * PAGE;
      count += countIn(words, this.#whole(id, keyId, version) ?? NOTHING, id, low, high, unknown);
    }
    return count;
  }

  /** The integers of the page that begins with the id, where all of them are right at the version. */
  #whole(id: number, keyId: number, version: number): Float64Array | undefined {
    const column = id < IDS_MAX ? this.pages.get(keyId + 1, id >>> PAGE_BITS) : undefined;
    if (column?.ints === undefined || column.at > version) return undefined;
    if (column.at < version) this.#refresh(column, id, version);
    return column.ints;
  }

  /** Remembers what a vertex's block said at `version`. */
  put(id: number, keyId: number, version: number, entry: Entry): void {
    // Lists of values would take far more than a column is counted for.
    if (id >= IDS_MAX || (Array.isArray(entry) && keyId !== LABELS_COLUMN)) return;
    const page = id >>> PAGE_BITS;
    let column = this.pages.get(keyId + 1, page);
    if (column === undefined) {
      if (!this.pages.isDue(keyId + 1, page, READS_BEFORE, entry === null)) return;
      column = new Column(version);
      if (entry !== null) column.values = this.pages.readsWhenFull;
      this.pages.set(keyId + 1, page, column, EMPTY_BYTES);
    }
    // One that is newer says of the column's version, too, what the vertex was then only where it has not changed since.
    if (version < column.at || (version > column.at && this.#clocks.read(VersionClocks.slot(this.#kind, this.#graph, id)) > column.at)) return;
    if (column.absent !== undefined && entry !== null) {
      if (this.pages.isFull && !this.pages.isEager && ++column.values < this.pages.readsWhenFull) return;
      this.pages.grow(keyId + 1, page, COLUMN_BYTES - EMPTY_BYTES);
    }
    column.set(id & (PAGE - 1), entry);
    if (typeof entry === 'string') this.pages.grow(keyId + 1, page, entry.length);
  }

  /**
   * Makes the columns of the labels and of the whole-number keys of all vertices from `first` (a multiple of COLUMN_PAGE) on. What it gives may
   * be adopted by other threads.
   */
  fill(first: number, version: number, read: (id: number) => VertexBlock | undefined): ColumnPage[] {
    const vertices = pageOf(first, read);
    const number = first >>> PAGE_BITS;
    const labels: ColumnPage[] = vertices.some((vertex) => vertex !== undefined) ? [{ keyId: LABELS_COLUMN, number, ...labelsOf(vertices) }] : [];
    return this.#adoptAll([...labels, ...integerColumns(vertices, number)], version);
  }

  /** The same of relationships, without labels. Few types have numbers: of the others a few are looked at. */
  fillIntegers(first: number, version: number, read: (id: number) => EdgeBlock | undefined): ColumnPage[] {
    let worth = false;
    for (let place = 0; place < PAGE && !worth; place += PAGE / LOOKS) worth = read(first + place)?.values.some(isWhole) ?? false;
    return worth ? this.#adoptAll(integerColumns(pageOf(first, read), first >>> PAGE_BITS), version) : [];
  }

  #adoptAll(made: ColumnPage[], version: number): ColumnPage[] {
    for (const page of made) this.adopt(page, version);
    return made;
  }

  /** Takes a column that another thread made of the blocks at `version`: it is whole, which one that reads have filled need not be. */
  adopt(page: ColumnPage, version: number): void {
    const before = this.pages.get(page.keyId + 1, page.number);
    if (before !== undefined && before.at > version) return;
    const column = new Column(version);
    column.absent = undefined;
    if ('ints' in page) column.ints = page.ints.slice();
    else {
      const distinct = page.distinct.map((labels) => internNumbers(labels));
      column.any = Array.from(page.which, (which) => distinct[which - 1]);
    }
    this.pages.set(page.keyId + 1, page.number, column, COLUMN_BYTES);
  }
}

/**
 * The part of `ColumnTable.count` in one page. Without branches where all of 32 neighbours are in the set: half of them
 * guessed wrong would take longer than the rest.
 */
function countIn(words: BitWords, ints: Float64Array, first: number, low: number, high: number, unknown: number[]): number {
  // So that ABSENT, which lies between, is in no range.
  if (low <= 0 && high >= 1) return countIn(words, ints, first, low, 0, unknown) + countIn(words, ints, first, 1, high, []);
  let count = 0;
  for (let w = 0; w < PAGE_WORDS; w++) {
    let word = words[w]!;
    const start = w * 32;
    if (word === -1) {
      let passing = 0;
      let sum = 0;
      for (let place = start; place < start + 32; place++) {
        const value = ints[place]!;
        sum += value;
        passing += Number(value >= low) & Number(value <= high);
      }
      // One NaN makes the sum one.
      if (sum === sum) {
        count += passing;
        continue;
      }
    }
    for (; word !== 0; word &= word - 1) {
      const place = start + 31 - Math.clz32(word & -word);
      const value = ints[place]!;
      if (value !== value) unknown.push(first + place);
      else count += Number(value >= low) & Number(value <= high);
    }
  }
  return count;
}

function labelsOf(vertices: readonly (VertexBlock | undefined)[]): { distinct: (readonly number[])[]; which: Uint16Array } {
  const places = new Map<readonly number[], number>();
  const which = Uint16Array.from(vertices, (vertex) => {
    if (vertex === undefined) return 0;
    const known = places.get(vertex.labels);
    if (known !== undefined) return known;
    places.set(vertex.labels, places.size + 1);
    return places.size;
  });
  return { distinct: [...places.keys()], which };
}

function pageOf<B>(first: number, read: (id: number) => B | undefined): (B | undefined)[] {
  const blocks: (B | undefined)[] = [];
  for (let place = 0; place < PAGE; place++) blocks.push(read(first + place));
  return blocks;
}

/** Of the keys that have whole numbers in all elements that have them. */
function integerColumns(elements: readonly (Properties | undefined)[], number: number): ColumnPage[] {
  /** How many elements have a whole number there; less than 0 as soon as one has something else. */
  const counts = new Map<number, number>();
  for (const element of elements) {
    for (let i = 0; element !== undefined && i < element.keys.length; i++) {
      const keyId = element.keys[i]!;
      counts.set(keyId, isWhole(element.values[i]!) ? (counts.get(keyId) ?? 0) + 1 : Number.NEGATIVE_INFINITY);
    }
  }
  return [...counts].filter(([, count]) => count >= READS_BEFORE).map(([keyId]) => ({ keyId, number, ints: intsOf(elements, keyId) }));
}

function isWhole(value: StoredValue): boolean {
  return typeof value === 'number';
}

function intsOf(elements: readonly (Properties | undefined)[], keyId: number): Float64Array {
  const ints = new Float64Array(PAGE);
  for (let place = 0; place < PAGE; place++) {
    const element = elements[place];
    ints[place] = element === undefined ? Number.NaN : propertyOf(element, keyId) as number | null ?? ABSENT;
  }
  return ints;
}
