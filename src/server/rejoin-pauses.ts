/** How long a server that was removed for its silence waits before it joins again: it may fall silent and be removed over and over. */
import type { Clock } from '../base/clock.ts';

const FIRST_MS = 1000;
const LONGEST_MS = 60_000;
/** A server that stayed for so long starts over with the shortest pause. */
const STEADY_MS = 600_000;

export class RejoinPauses {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #pauseMs = FIRST_MS;
  #lastMs: number | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** The pause before the next try, doubled each time. */
  next(): number {
    const nowMs = this.#clock.monotonicMs();
    if (this.#lastMs !== undefined && nowMs - this.#lastMs > STEADY_MS) this.#pauseMs = FIRST_MS;
    this.#lastMs = nowMs;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_MS, pauseMs * 2);
    return pauseMs;
  }
}
