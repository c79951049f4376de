/** Time as an input: the simulator and tests bring their own. Every duration in the code is in milliseconds. */
export interface Clock {
  /** Monotonic milliseconds, for timeouts and leases; unrelated to the calendar. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00Z, for people and for `datetime()`. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
