import { expect, it } from 'vitest';
import { firstDueMs, nextDueMs } from '../../src/replica/log-compaction.ts';

it('is due at the given time of the day, or at some moment within a day', () => {
  const noon = new Date(2026, 0, 31, 12, 0, 0).getTime();
  expect(new Date(firstDueMs(noon, 1000, '11:30:00', 0)).toString()).toContain('Feb 01 2026 11:30:00');
  expect(firstDueMs(noon, 604_800_000, '', 0.5)).toBe(noon + 43_200_000);
});

it('keeps its rhythm over a sleep, and over a clock that is set forward or back by years', () => {
  expect(nextDueMs(1000, 1000, 100)).toBe(1100);
  expect(nextDueMs(1000, 1350, 100)).toBe(1400);
  const inTwentyYears = 20 * 365 * 86_400_000;
  expect(nextDueMs(1000, inTwentyYears + 50, 1)).toBe(inTwentyYears + 51);
  expect(nextDueMs(inTwentyYears, 1050, 100)).toBe(1100);
});
