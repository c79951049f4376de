/** Vertices or edges: a bit for each id, in pages that threads share. Each page is filled by one thread before others read it. */
export const IDS_PER_PAGE = 2 ** 17;

export type IdPages = ReadonlyMap<number, Int32Array>;

export class IdSet {
  readonly pages = new Map<number, Int32Array>();
  #last = -1;
  #page: Int32Array | undefined;

  #find(number: number): Int32Array | undefined {
    if (number !== this.#last) {
      this.#last = number;
      this.#page = this.pages.get(number);
    }
    return this.#page;
  }

  add(id: number): void {
    const number = Math.floor(id / IDS_PER_PAGE);
    const bit = id % IDS_PER_PAGE;
    let page = this.#find(number);
    if (page === undefined) this.pages.set(number, this.#page = page = new Int32Array(new SharedArrayBuffer(IDS_PER_PAGE / 8)));
    page[bit >>> 5]! |= 1 << (bit & 31);
  }

  has(id: number): boolean {
    const page = this.#find(Math.floor(id / IDS_PER_PAGE));
    const bit = id % IDS_PER_PAGE;
    return page !== undefined && (page[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** Pages that other threads have filled. */
  addPages(pages: IdPages): void {
    for (const [number, page] of pages) this.pages.set(number, page);
    this.#last = -1;
  }
}
