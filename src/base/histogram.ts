/** Counts of durations by bucket: an addition or two for each, made into a Prometheus histogram only when somebody asks. */

/** Upper bounds in milliseconds, from a cached read to a stuck disk. */
export const LATENCY_BOUNDS_MS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000];

/** `counts[i]` durations up to `LATENCY_BOUNDS_MS[i]` and above the bound before; the last are above them all. */
export interface Buckets {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

export class LatencyHistogram {
  readonly #counts = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
  #sumMs = 0;

  add(ms: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && ms > LATENCY_BOUNDS_MS[bucket]!) bucket++;
    this.#counts[bucket]! += 1;
    this.#sumMs += ms;
  }

  get buckets(): Buckets {
    return { counts: [...this.#counts], sumMs: this.#sumMs };
  }
}
