/**
 * Rows by the values of some columns: grouping and DISTINCT.
 *
 * One column of nodes, the usual case, is keyed by id; otherwise by `hashKey`. Several columns are looked up by the first, whose few entries are
 * compared; where they are many, by one text of all columns, in which each says where it ends: that text costs more than the rest of a look-up.
 */
import { hashKey } from '../../value/compare.ts';
import { NodeValue, type Value } from '../../value/value.ts';

/** Entries that have the first column in common, and are compared one by one. */
const CHAIN_MAX = 4;

interface Link<T> {
  readonly values: readonly Value[];
  readonly entry: T;
  readonly before: Link<T> | undefined;
  readonly length: number;
}

export class GroupTable<T> {
  readonly #nodes = new Map<number, T>();
  readonly #others = new Map<string | number, T>();
  readonly #chains = new Map<string | number, Link<T>>();

  clear(): void {
    this.#nodes.clear();
    this.#others.clear();
    this.#chains.clear();
  }

  /** The keys, as `joinedKey` writes them for one column. */
  * keysOfOne(): Generator<string> {
    for (const id of this.#nodes.keys()) yield `N${id};`;
    for (const key of this.#others.keys()) yield typeof key === 'number' ? `${key};` : `"${key.length}:${key}`;
  }

  getOne(value: Value): T | undefined {
    return value instanceof NodeValue ? this.#nodes.get(value.id) : this.#others.get(hashKey(value));
  }

  setOne(value: Value, entry: T): void {
    if (value instanceof NodeValue) this.#nodes.set(value.id, entry);
    else this.#others.set(hashKey(value), entry);
  }

  getMany(values: readonly Value[]): T | undefined {
    const chain = this.#chains.get(hashKey(values[0]!));
    for (let link = chain; link !== undefined; link = link.before) if (sameRest(link.values, values)) return link.entry;
    return chain === undefined || chain.length < CHAIN_MAX ? undefined : this.#others.get(textOf(values));
  }

  /** Of what is not there. */
  setMany(values: readonly Value[], entry: T): void {
    const first = hashKey(values[0]!);
    const before = this.#chains.get(first);
    if (before !== undefined && before.length >= CHAIN_MAX) this.#others.set(textOf(values), entry);
    else this.#chains.set(first, { values: values.slice(), entry, before, length: (before?.length ?? 0) + 1 });
  }
}

function sameRest(a: readonly Value[], b: readonly Value[]): boolean {
  for (let i = 1; i < a.length; i++) if (!isSame(a[i]!, b[i]!)) return false;
  return true;
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
