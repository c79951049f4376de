/**
 * Decoded blocks by number. Numbers are dense for most kinds, so that a look-up is two array accesses instead of a hash: a traversal makes
 * millions of them. Numbers beyond DENSE_MAX (sets' pages, for example) are in a Map. No number is negative.
 */
import type { Block } from './blocks.ts';

const PAGE_BITS = 6;
const PAGE = 1 << PAGE_BITS;
const DENSE_MAX = 2 ** 26;
/** What a page costs beside its blocks. */
const PAGE_BYTES = PAGE * 8 + 32;

type Page = (Block | undefined)[];

export class BlockTable {
  readonly #pages: (Page | undefined)[] = [];
  readonly #others = new Map<number, Block>();
  #size = 0;
  /** Numbers of the pages that are there, the oldest first, from `#first` on. */
  #order: number[] = [];
  #first = 0;

  get size(): number {
    return this.#size + this.#others.size;
  }

  get(number: number): Block | undefined {
    if (number >= DENSE_MAX) return this.#others.get(number);
    const page = this.#pages[number >>> PAGE_BITS];
    return page === undefined ? undefined : page[number & (PAGE - 1)];
  }

  /** Returns the bytes the table itself has grown by. */
  set(number: number, block: Block): number {
    if (number >= DENSE_MAX) {
      const fresh = !this.#others.has(number);
      this.#others.set(number, block);
      return fresh ? 60 : 0;
    }
    const at = number >>> PAGE_BITS;
    const pages = this.#pages;
    // Filled up, so that the array stays a plain one.
    while (pages.length <= at) pages.push(undefined);
    let grown = 0;
    let page = pages[at];
    if (page === undefined) {
      pages[at] = page = new Array<Block | undefined>(PAGE).fill(undefined);
      this.#order.push(at);
      grown = PAGE_BYTES;
    }
    const place = number & (PAGE - 1);
    if (page[place] === undefined) this.#size++;
    page[place] = block;
    return grown;
  }

  /** Lets go of about so many blocks, page by page, those first that came first. */
  drop(count: number): void {
    let left = count;
    for (const number of this.#others.keys()) {
      if (left <= 0) return;
      this.#others.delete(number);
      left--;
    }
    while (left > 0 && this.#first < this.#order.length) {
      const at = this.#order[this.#first++]!;
      let held = 0;
      for (const block of this.#pages[at]!) if (block !== undefined) held++;
      this.#size -= held;
      left -= held;
      this.#pages[at] = undefined;
    }
    if (this.#first < this.#order.length / 2) return;
    this.#order = this.#order.slice(this.#first);
    this.#first = 0;
  }
}
