/**
 * Pages that are derived from blocks, by row (a property key, a type and direction) and number: made once they were asked for often enough,
 * counted in bytes for the budget of the cache, and let go of going round.
 */
export class PageTable<P extends object> {
  /** A number counts how often a page was asked for that is not there. */
  readonly #rows: (P | number | undefined)[][] = [];
  #hand = 0;
  #grown = 0;

  get(row: number, number: number): P | undefined {
    const page = this.#rows[row]?.[number];
    return typeof page === 'object' ? page : undefined;
  }

  /** Counts a look-up of a page that is not there, and tells whether it is worth making after `before` of them. */
  isDue(row: number, number: number, before: number): boolean {
    const pages = this.#row(row, number);
    const reads = ((pages[number] as number | undefined) ?? 0) + 1;
    pages[number] = reads;
    return reads >= before;
  }

  /** The row, filled up to that number, so that the array stays a plain one. */
  #row(row: number, number: number): (P | number | undefined)[] {
    const pages = this.#rows[row] ??= [];
    while (pages.length <= number) pages.push(undefined);
    return pages;
  }

  set(row: number, number: number, page: P, bytes: number): void {
    this.#row(row, number)[number] = page;
    this.#grown += bytes;
  }

  drop(row: number, number: number): void {
    this.#rows[row]![number] = undefined;
  }

  grow(bytes: number): void {
    this.#grown += bytes;
  }

  /** Bytes made since this was last asked for. */
  takeGrown(): number {
    const grown = this.#grown;
    this.#grown = 0;
    return grown;
  }

  /** Lets go of a tenth, going round by number. */
  evict(): void {
    const count = Math.max(0, ...this.#rows.map((pages) => pages?.length ?? 0));
    for (let left = Math.ceil(count / 10); left > 0; left--) {
      if (this.#hand >= count) this.#hand = 0;
      for (const pages of this.#rows) if (pages !== undefined && this.#hand < pages.length) pages[this.#hand] = undefined;
      this.#hand++;
    }
  }
}
