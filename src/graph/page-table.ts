/**
 * Pages that are derived from blocks, by row (a property key, a type and direction) and number: made once they were asked for often enough,
 * counted in bytes for the budget of the cache, and let go of going round.
 */
const NO_PAGES: readonly undefined[] = [];

export class PageTable<P extends object> {
  /** A number counts how often a page was asked for that is not there. */
  readonly #rows: (P | number | undefined)[][] = [];
  /** Of the pages that are there. */
  readonly #sizes: number[][] = [];
  readonly readsWhenFull: number;
  #hand = 0;
  #bytes = 0;
  /** Others have to go for each page that is made: it must be asked for more often first, or a scan of more than there is room for would keep nothing. */
  isFull = false;
  /** Pages are made when they are asked for the first time. */
  isEager = false;

  /** `readsWhenFull`: how often a page must have been asked for then. */
  constructor(readsWhenFull: number) {
    this.readsWhenFull = readsWhenFull;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(row: number, number: number): P | undefined {
    const page = this.#rows[row]?.[number];
    return typeof page === 'object' ? page : undefined;
  }

  /** What `get` looks at, for a look-up of many pages of a row; a number is no page. */
  row(row: number): readonly (P | number | undefined)[] {
    return this.#rows[row] ?? NO_PAGES;
  }

  /** Counts a look-up of a page that is not there, and tells whether it is worth making, as a rule after `before` of them. `isSmall`: nothing has to go for it. */
  isDue(row: number, number: number, before: number, isSmall = false): boolean {
    const pages = this.#filledTo(row, number);
    const reads = ((pages[number] as number | undefined) ?? 0) + 1;
    pages[number] = reads;
    return this.isEager || reads >= (this.isFull && !isSmall ? this.readsWhenFull : before);
  }

  /** How often a page that is not there was asked for. */
  reads(row: number, number: number): number {
    const reads = this.#rows[row]?.[number];
    return typeof reads === 'number' ? reads : 0;
  }

  /** The row, filled up to that number, so that the array stays a plain one. */
  #filledTo(row: number, number: number): (P | number | undefined)[] {
    const pages = this.#rows[row] ??= [];
    const sizes = this.#sizes[row] ??= [];
    while (pages.length <= number) {
      pages.push(undefined);
      sizes.push(0);
    }
    return pages;
  }

  set(row: number, number: number, page: P, bytes: number): void {
    this.#filledTo(row, number)[number] = page;
    this.#bytes += bytes - this.#sizes[row]![number]!;
    this.#sizes[row]![number] = bytes;
  }

  drop(row: number, number: number): void {
    this.#rows[row]![number] = undefined;
    this.#bytes -= this.#sizes[row]![number]!;
    this.#sizes[row]![number] = 0;
  }

  /** A page that is there takes so much more. */
  grow(row: number, number: number, bytes: number): void {
    this.#bytes += bytes;
    this.#sizes[row]![number]! += bytes;
  }

  /** Lets go of pages of about so many bytes, going round by number. */
  evict(bytes: number): void {
    let count = 0;
    // Rows that were never asked for are holes.
    for (const pages of this.#rows) count = Math.max(count, pages?.length ?? 0);
    const wanted = this.#bytes - bytes;
    for (let looked = 0; looked < count && this.#bytes > wanted; looked++) {
      if (this.#hand >= count) this.#hand = 0;
      for (const [row, pages] of this.#rows.entries()) {
        if (pages !== undefined && typeof pages[this.#hand] === 'object') this.drop(row, this.#hand);
      }
      this.#hand++;
    }
  }
}
