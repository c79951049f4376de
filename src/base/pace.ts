/** A rate limit that several users share: each asks before it sends, and waits as long as it is told. */
export class Pace {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #freeAtMs = 0;

  /** `perSecond` units (bytes, say); 0: no limit. */
  constructor(perSecond: number, nowMs: () => number) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** Milliseconds to wait before `amount` may go. What was not used is not saved up: a pause is followed by no burst. */
  take(amount: number): number {
    if (this.#perSecond === 0) return 0;
    const now = this.#nowMs();
    const begin = Math.max(now, this.#freeAtMs);
    this.#freeAtMs = begin + (amount / this.#perSecond) * 1000;
    return begin - now;
  }
}
