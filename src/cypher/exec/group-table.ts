/**
 * Rows by the values of some columns: grouping and DISTINCT.
 *
 * One column of nodes, the usual case, is keyed by id; otherwise by `hashKey`, several columns joined into one text in which each
 * says where it ends.
 */
import { hashKey } from '../../value/compare.ts';
import { NodeValue, type Value } from '../../value/value.ts';

export class GroupTable<T> {
  readonly #nodes = new Map<number, T>();
  readonly #others = new Map<string | number, T>();

  get size(): number {
    return this.#nodes.size + this.#others.size;
  }

  clear(): void {
    this.#nodes.clear();
    this.#others.clear();
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

  getMany(key: string): T | undefined {
    return this.#others.get(key);
  }

  setMany(key: string, entry: T): void {
    this.#others.set(key, entry);
  }
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
