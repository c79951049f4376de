/**
 * One result that a client pulls: parts come from the executor as encoded rows, often more than asked for, and are cut at
 * record boundaries. At most one part is held.
 */
import { assert } from '../base/assert.ts';
import type { QuerySummary, RowsPart } from '../service/api.ts';
import type { Results } from './door.ts';

/** Rows fetched at once, whatever less the client asks for: a fetch may be a trip to another thread or server. */
export const FETCH_ROWS_MIN = 1000;
const FETCH_ROWS_MAX = 10_000;
const NO_BYTES = new Uint8Array();

export class OpenResult {
  readonly qid: number;
  readonly results: Results;
  /** Whether a client has got rows of it. */
  hasRows = false;
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #rows = 0;
  #summary: QuerySummary | undefined;
  #fetching: Promise<unknown> | undefined;

  constructor(qid: number, results: Results) {
    this.qid = qid;
    this.results = results;
  }

  /** All rows were fetched; `summary` says how it went. */
  get isFetched(): boolean {
    return this.#summary !== undefined;
  }

  get isDone(): boolean {
    return this.isFetched && this.#rows === 0;
  }

  get summary(): QuerySummary {
    assert(this.#summary !== undefined, 'the summary comes with the last rows');
    return this.#summary;
  }

  /** Fetches the next part once all rows of the last one are taken. Undefined: nothing has to be waited for. */
  fetch(wanted: number): Promise<void> | undefined {
    if (this.#rows > 0 || this.isFetched) return undefined;
    const part = this.results.next(Math.min(Math.max(wanted, FETCH_ROWS_MIN), FETCH_ROWS_MAX));
    if (part instanceof Promise) return this.#arriving(part);
    this.#take(part);
    return undefined;
  }

  async #arriving(fetching: Promise<RowsPart>): Promise<void> {
    this.#fetching = fetching;
    const part = await fetching;
    this.#fetching = undefined;
    this.#take(part);
  }

  #take(part: RowsPart): void {
    this.#bytes = part.bytes;
    this.#at = 0;
    this.#rows = part.count;
    this.#summary = part.summary;
  }

  /** Up to `wanted` of the rows that are here. */
  take(wanted: number): { readonly bytes: Uint8Array; readonly count: number } {
    const start = this.#at;
    const count = Math.min(wanted, this.#rows);
    this.#at = count === this.#rows ? this.#bytes.length : endOfMessages(this.#bytes, start, count);
    this.#rows -= count;
    const bytes = this.#bytes.subarray(start, this.#at);
    if (this.#rows === 0) this.#bytes = NO_BYTES;
    if (count > 0) this.hasRows = true;
    return { bytes, count };
  }

  discard(): void {
    this.#bytes = NO_BYTES;
    this.#rows = 0;
    const drop = () => this.results.discard();
    // Its kill flag stands until what runs has seen it: the flag is used again once a result is discarded.
    if (this.#fetching === undefined) drop();
    else this.#fetching.then(drop, drop);
  }
}

/** Where `count` chunked messages end. */
function endOfMessages(bytes: Uint8Array, start: number, count: number): number {
  let at = start;
  let left = count;
  while (left > 0) {
    const length = bytes[at]! * 256 + bytes[at + 1]!;
    at += 2 + length;
    if (length === 0) left--;
  }
  return at;
}
