import { randomBytes } from 'node:crypto';

/** Randomness as an input, so that a seed replays a run. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };

/** Makes names that nobody else will ever make: so many random bytes, in hexadecimal. */
export type NewId = (bytes: number) => string;

export const systemIds: NewId = (bytes) => randomBytes(bytes).toString('hex');

/** mulberry32 (Tommy Ettinger's public-domain generator): 32 bits of state, fast, good enough for tests and jitter. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    },
  };
}
