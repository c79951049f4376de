/**
 * Gives the room of deleted blocks back. LevelDB only drops them when files are merged, which deletes alone hardly bring about: after a mass
 * delete the store is larger than before. So deletes are counted, and when they are a good part of the store, it is merged range by range.
 */
export interface CompactedStore {
  /** Bytes of the files that hold keys of the range, about. */
  approximateSize(from: Uint8Array, to: Uint8Array): Promise<number>;
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
}

/** What a deleted block took, on average. */
const BLOCK_BYTES = 100;
/** Merged when the deleted part is so large: what is rewritten stays in proportion to what was deleted. */
const SHARE = 1 / 4;
/** Merged at once: a stop waits for no more. */
const RANGE_BYTES_MAX = 64 * 1024 * 1024;
const KEY_BYTES = 12;

export class DeleteCompaction {
  readonly #store: CompactedStore;
  readonly #deletesMin: number;
  #deletes = 0;
  #lookAt: number;
  #running: Promise<void> | undefined;
  #isClosed = false;

  /** `deletesMin`: with fewer deletes nothing is looked at; 0: never. */
  constructor(store: CompactedStore, deletesMin: number) {
    this.#store = store;
    this.#deletesMin = deletesMin;
    this.#lookAt = deletesMin === 0 ? Infinity : deletesMin;
  }

  /** Blocks were deleted, for good. */
  note(deletes: number): void {
    this.#deletes += deletes;
    if (this.#deletes < this.#lookAt || this.#running !== undefined || this.#isClosed) return;
    this.#running = this.#runs().finally(() => (this.#running = undefined));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  /** For tests. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** What is deleted while a merge runs is looked at when it ends: perhaps nothing is deleted after it. */
  async #runs(): Promise<void> {
    while (this.#deletes >= this.#lookAt && !this.#isClosed) {
      try {
        await this.#run();
      } catch {
        // A failed merge has changed nothing, and a full disk is told by the writes; the next deletes try again.
        return;
      }
    }
  }

  async #run(): Promise<void> {
    const whole = [Buffer.alloc(KEY_BYTES), Buffer.alloc(KEY_BYTES, 0xff)] as const;
    const size = await this.#store.approximateSize(...whole);
    this.#lookAt = this.#deletes + this.#deletesMin;
    if (this.#deletes * BLOCK_BYTES < size * SHARE) return;
    this.#deletes = 0;
    this.#lookAt = this.#deletesMin;
    const ranges: (readonly [Buffer, Buffer])[] = [whole];
    for (let range = ranges.pop(); range !== undefined && !this.#isClosed; range = ranges.pop()) {
      const middle = middleOf(...range);
      const bytes = await this.#store.approximateSize(...range);
      if (bytes > RANGE_BYTES_MAX && middle.compare(range[0]) > 0) ranges.push([middle, range[1]], [range[0], middle]);
      // Of a range without files there may still be something in memory.
      else if (bytes > 0 || range === whole) await this.#store.compactRange(...range);
    }
  }
}

function middleOf(from: Buffer, to: Buffer): Buffer {
  const number = (key: Buffer) => BigInt(`0x${key.toString('hex')}`);
  return Buffer.from(((number(from) + number(to)) / 2n).toString(16).padStart(KEY_BYTES * 2, '0'), 'hex');
}
