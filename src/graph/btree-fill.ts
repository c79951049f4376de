/**
 * A B+tree (btree.ts) written at once from entries that come in order: page by page from the left to the right, with one page per level in
 * memory.
 */
import type { Value } from '../value/value.ts';
import { IndexPage } from './btree.ts';

/** Entries of a page that is written: some room for what comes later. */
const PAGE_ENTRIES = 112;

interface Level {
  keys: Value[];
  ids: number[];
  children: number[] | undefined;
}

export interface TreeTarget {
  readonly root: number;
  /** A number for a new page. */
  readonly allocate: () => number;
  readonly put: (number: number, page: IndexPage) => void;
  /** See IndexPage. */
  readonly compact: boolean;
}

export class TreeFiller {
  readonly #target: TreeTarget;
  readonly #levels: Level[] = [{ keys: [], ids: [], children: undefined }];

  constructor(target: TreeTarget) {
    this.#target = target;
  }

  /** By ascending key, then id; each entry once. */
  add(key: Value, id: number): void {
    const leaf = this.#levels[0]!;
    if (leaf.keys.length === PAGE_ENTRIES) this.#complete(0);
    leaf.keys.push(key);
    leaf.ids.push(id);
  }

  /** Writes the page of the level and tells the level above, whose first key is not kept (see btree.ts). */
  #complete(at: number): void {
    const level = this.#levels[at]!;
    const number = this.#target.allocate();
    const [key, id] = [level.keys[0]!, level.ids[0]!];
    this.#put(level, number);
    const above = this.#levels[at + 1] ?? (this.#levels[at + 1] = { keys: [], ids: [], children: [] });
    if (above.keys.length === PAGE_ENTRIES) this.#complete(at + 1);
    above.keys.push(key);
    above.ids.push(id);
    above.children!.push(number);
  }

  #put(level: Level, number: number): void {
    const { put, compact } = this.#target;
    put(number, level.children === undefined
      ? new IndexPage(level.keys, level.ids, undefined, compact)
      : new IndexPage(level.keys.slice(1), level.ids.slice(1), level.children, compact));
    level.keys = [];
    level.ids = [];
    if (level.children !== undefined) level.children = [];
  }

  /** Writes what is left, and the root. */
  finish(): void {
    for (let at = 0; at < this.#levels.length; at++) {
      if (at === this.#levels.length - 1) this.#put(this.#levels[at]!, this.#target.root);
      else if (this.#levels[at]!.keys.length > 0) this.#complete(at);
    }
  }
}
