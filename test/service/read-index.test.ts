import { expect, it } from 'vitest';
import { ReadIndexes } from '../../src/service/read-index.ts';

/** A leader that commits one entry a millisecond, and what it was asked. */
function bench() {
  const state = { nowMs: 1000, asked: 0, fails: false };
  const group = {
    readIndex: async () => {
      state.asked += 1;
      if (state.fails) throw new Error('no leader');
      return state.nowMs;
    },
  };
  const reads = new ReadIndexes(group, { monotonicMs: () => state.nowMs }, { waitMs: 100, boundedMs: 50 });
  return { state, reads };
}

it('asks for every linearizable read, and never for a local one', async () => {
  const { state, reads } = bench();
  expect(await reads.versionFor(undefined)).toBe(0);
  expect(await reads.versionFor('local')).toBe(0);
  expect(state.asked).toBe(0);
  expect(await reads.versionFor('linearizable')).toBe(1000);
  expect(await reads.versionFor('linearizable')).toBe(1000);
  expect(state.asked).toBe(2);
});

it('lets a bounded read miss nothing that is older than its bound, and asks no more often than that needs', async () => {
  const { state, reads } = bench();
  expect(await reads.versionFor({ boundedMs: 20 })).toBe(1000);
  state.nowMs = 1020;
  expect(await reads.versionFor({ boundedMs: 20 })).toBe(1000);
  expect(state.asked).toBe(1);
  state.nowMs = 1021;
  expect(await reads.versionFor({ boundedMs: 20 })).toBe(1021);
  // A wider bound is content with what is known; 0 asks whenever time has passed.
  state.nowMs = 1060;
  expect(await reads.versionFor({ boundedMs: undefined })).toBe(1021);
  expect(await reads.versionFor({ boundedMs: 0 })).toBe(1060);
  expect(state.asked).toBe(3);
});

it('does not take a failure for an answer', async () => {
  const { state, reads } = bench();
  state.fails = true;
  await expect(reads.versionFor({ boundedMs: 1000 })).rejects.toThrow('no leader');
  state.fails = false;
  expect(await reads.versionFor({ boundedMs: 1000 })).toBe(1000);
});
