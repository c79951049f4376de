import { describe, expect, it } from 'vitest';
import { simulate } from './cluster.ts';

/** A calm run of three servers and one client; chance has no part in it but for delays. */
const STEPS = 900;

/** Every disk operation of every server, with the power going before it and after it. */
describe('a power cut at every point', () => {
  it.each(['s1', 's2', 's3'])('of a calm run leaves %s and the group well', { timeout: 120_000 }, (server) => {
    let points = 0;
    for (let operation = 0, isReached = true; isReached; operation++) {
      for (const isDone of [false, true]) {
        const result = simulate({ seed: 1, steps: STEPS, calm: { server, operation, isDone } });
        isReached = result.crashesInWrite > 0;
        if (isReached) points += 1;
      }
    }
    expect(points).toBeGreaterThan(2 * 12);
  });
});
