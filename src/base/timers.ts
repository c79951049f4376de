/** Waiting as an input, like the clock: the simulator decides when what comes back. */
export interface Timers {
  /** Runs `work` after `ms`; the result calls that off. */
  after(ms: number, work: () => void): () => void;
  /** Runs `work` every `ms`; the result ends that. */
  every(ms: number, work: () => void): () => void;
  /** Runs `work` at the end of this turn, behind what waits in the sockets now. */
  soon(work: () => void): void;
}

export const systemTimers: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  every(ms, work) {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
  soon: (work) => void setImmediate(work),
};

export function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(ms, resolve);
  });
}
