/**
 * Rows by the values of some columns: grouping and DISTINCT.
 *
 * One column of nodes, the usual case, is keyed by id; otherwise by `hashKey`. Several columns are looked up by the first, whose few entries are
 * compared; where they are many, by one text of all columns, in which each says where it ends: that text costs more than the rest of a look-up.
 */
import { hashKey } from '../../value/compare.ts';
import { NodeValue, type Value } from '../../value/value.ts';
import { NO_PLACE, NumberPlaces } from './number-places.ts';
import type { Evaluate, Row, Runtime } from './runtime.ts';
import { ValuePlaces } from './value-places.ts';

/** Entries that have the first column in common, and are compared one by one. */
const CHAIN_MAX = 4;
const NONE = NO_PLACE;

/** Values of several columns, each combination once, by place: columns instead of an object for each, which would take longer to make and to collect than all the rest. */
export class KeyColumns {
  readonly #columns: Value[][];
  /** By the first column: the place of the last with it. */
  readonly #heads = new ValuePlaces();
  readonly #texts = new Map<string, number>();
  /** By place: the one before with the same first column. */
  readonly #before: number[] = [];

  constructor(columns: number) {
    this.#columns = Array.from({ length: columns }, () => []);
  }

  get size(): number {
    return this.#before.length;
  }

  value(column: number, place: number): Value {
    return this.#columns[column]![place]!;
  }

  /** The place of these values, which are copied: a new one, at the end, where they are not there. */
  placeOf(values: readonly Value[]): number {
    const head = this.#heads.add(values[0]!, this.size);
    let length = 0;
    for (let place = head; place !== NONE; place = this.#before[place]!) {
      if (this.#isAt(place, values)) return place;
      length++;
    }
    if (length < CHAIN_MAX) {
      if (head !== NONE) this.#heads.move(values[0]!, this.size);
      return this.#append(values, head);
    }
    const text = textOf(values);
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, this.size);
    return this.#append(values, NONE);
  }

  #append(values: readonly Value[], before: number): number {
    for (let i = 0; i < values.length; i++) this.#columns[i]!.push(values[i]!);
    return this.#before.push(before) - 1;
  }

  #isAt(place: number, values: readonly Value[]): boolean {
    for (let i = 1; i < values.length; i++) if (!isSame(this.#columns[i]![place]!, values[i]!)) return false;
    return true;
  }
}

/** An entry for each value of one column, or each combination of several. */
export class GroupTable<T> {
  /** Of one column: places in `#entries`. */
  #places = new ValuePlaces();
  #keys: KeyColumns | undefined;
  #entries: T[] = [];

  clear(): void {
    this.#places = new ValuePlaces();
    this.#keys = undefined;
    this.#entries = [];
  }

  /** The keys, as `joinedKey` writes them for one column. */
  keysOfOne(): Generator<string> {
    return this.#places.keys();
  }

  getOne(value: Value): T | undefined {
    const place = this.#places.get(value);
    return place === NONE ? undefined : this.#entries[place];
  }

  /** For a value that is not there. */
  setOne(value: Value, entry: T): void {
    this.#places.add(value, this.#entries.push(entry) - 1);
  }

  /** The entry of these values; where there is none, the one that is made. */
  ofMany(values: readonly Value[], make: () => T): T {
    this.#keys ??= new KeyColumns(values.length);
    const place = this.#keys.placeOf(values);
    if (place === this.#entries.length) this.#entries.push(make());
    return this.#entries[place]!;
  }
}

export interface KeyOf {
  readonly slot: number;
  readonly value: Evaluate;
}

/** The entry of a row, by what its keys are. */
export class GroupFinder<T> {
  readonly #keys: readonly KeyOf[];
  /** The slot of the node that all keys are computed from, if there is one and it is not the key itself: then they are computed once for each. */
  readonly #sole: number | undefined;
  readonly #make: (values: readonly Value[]) => T;
  readonly #begin: () => T;
  readonly #table = new GroupTable<T>();
  /** Places in `#entries`. */
  #byNode = new NumberPlaces();
  #entries: T[] = [];
  readonly #values: Value[] = [];

  constructor(keys: readonly KeyOf[], sole: number | undefined, make: (values: readonly Value[]) => T) {
    this.#keys = keys;
    this.#sole = sole;
    this.#make = make;
    this.#begin = () => this.#make(this.#values);
  }

  clear(): void {
    this.#table.clear();
    this.#byNode = new NumberPlaces();
    this.#entries = [];
  }

  of(row: Row, rt: Runtime): T {
    const owner = this.#sole === undefined ? undefined : row[this.#sole];
    if (!(owner instanceof NodeValue)) return this.#ofRow(row, rt);
    const place = this.#byNode.add(owner.id, this.#entries.length);
    if (place !== NONE) return this.#entries[place]!;
    const entry = this.#ofRow(row, rt);
    this.#entries.push(entry);
    return entry;
  }

  #ofRow(row: Row, rt: Runtime): T {
    const keys = this.#keys;
    for (let i = 0; i < keys.length; i++) this.#values[i] = keys[i]!.value(row, rt);
    return this.#ofKeys();
  }

  ofValues(values: readonly Value[]): T {
    for (let i = 0; i < values.length; i++) this.#values[i] = values[i]!;
    return this.#ofKeys();
  }

  #ofKeys(): T {
    const values = this.#values;
    if (this.#keys.length > 1) return this.#table.ofMany(values, this.#begin);
    let entry = this.#table.getOne(values[0]!);
    if (entry === undefined) this.#table.setOne(values[0]!, entry = this.#begin());
    return entry;
  }
}

export function isSame(a: Value, b: Value): boolean {
  if (typeof a === typeof b && (typeof a === 'number' || typeof a === 'string')) return a === b;
  return hashKey(a) === hashKey(b);
}

function textOf(values: readonly Value[]): string {
  let text = '';
  for (const value of values) text += partOfKey(value);
  return text;
}

export function joinedKey(row: readonly Value[], slots: readonly number[]): string {
  let key = '';
  for (const slot of slots) key += partOfKey(row[slot]!);
  return key;
}

export function partOfKey(value: Value): string {
  if (typeof value === 'number') return `${value};`;
  if (value instanceof NodeValue) return `N${value.id};`;
  const key = hashKey(value);
  return typeof key === 'number' ? `${key};` : `"${key.length}:${key}`;
}
