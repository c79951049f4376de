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

/** A thread's rests while it does background work beside what users wait for: it works `percent` of the time at most, as long as that goes on. */
export class Rests {
  readonly #percent: number;
  readonly #busyMs: () => number;
  #countedMs: number;

  /** `busyMs`: how long the thread has worked so far, all its work counted. At 100 percent there are no rests. */
  constructor(percent: number, busyMs: () => number) {
    this.#percent = percent;
    this.#busyMs = busyMs;
    this.#countedMs = busyMs();
  }

  /** Milliseconds to rest for what was worked since the last call; 0 where nobody waits for anything else. */
  next(isWaitedFor: boolean): number {
    const busyMs = this.#busyMs();
    // What came before a pause in the work is not made up for.
    const worked = Math.min(WORK_AT_ONCE_MS, busyMs - this.#countedMs);
    this.#countedMs = busyMs;
    return isWaitedFor ? worked * (100 / this.#percent - 1) : 0;
  }
}

const WORK_AT_ONCE_MS = 100;
