/** When a leader answers writes that its own state store does not have yet (docs/decisions/028-answers-at-commit.md). */
import type { Clock } from '../base/clock.ts';

/** How often the disk's space is looked at. */
const FREE_LOOK_MS = 20;

export interface EarlyAnswersOptions {
  readonly clock: Clock;
  /** Whether the state store's disk has room. Where it has little, nothing is answered before it is written: it might never be (absent: always). */
  readonly hasRoom?: (() => boolean) | undefined;
  /** Bytes of committed entries that may be unwritten where one is answered (absent: any number). */
  readonly unwrittenBytesMax?: number | undefined;
}

export class EarlyAnswers {
  readonly #options: EarlyAnswersOptions;
  #unwrittenBytes = 0;
  #hasRoom = true;
  #roomKnownMs = Number.NEGATIVE_INFINITY;

  constructor(options: EarlyAnswersOptions) {
    this.#options = options;
  }

  /** Entries are committed, and will be written. */
  committed(bytes: number): void {
    this.#unwrittenBytes += bytes;
  }

  written(bytes: number): void {
    this.#unwrittenBytes -= bytes;
  }

  /**
   * Clients whose writes are answered send the next ones: were they always told before the store has them, a store that is slower than the group would fall
   * behind without end, and readers wait for all of that.
   */
  get allowed(): boolean {
    return this.#unwrittenBytes <= (this.#options.unwrittenBytesMax ?? Number.POSITIVE_INFINITY) && this.#isRoomy();
  }

  #isRoomy(): boolean {
    const now = this.#options.clock.monotonicMs();
    if (now - this.#roomKnownMs >= FREE_LOOK_MS) {
      this.#roomKnownMs = now;
      this.#hasRoom = this.#options.hasRoom?.() ?? true;
    }
    return this.#hasRoom;
  }
}
