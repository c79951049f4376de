import { expect, it } from 'vitest';
import type { SnapshotsHost } from '../../src/replica/consensus-snapshots.ts';
import { firstDueMs, LogCompaction, nextDueMs } from '../../src/replica/log-compaction.ts';

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

it('tells once that the log grows beside a witness, and for whom', () => {
  const lines: string[] = [];
  const member = (id: string, witness: boolean) => ({ id, voter: true, witness, info: JSON.stringify({ rpcAddress: `${id}:9090` }) });
  const progress = (match: number) => ({ match, silentTicks: 5000 });
  const view = {
    firstIndex: 1, commitIndex: 350, dropLimit: 300, config: { config: { members: [member('a', false), member('b', false), member('w', true)] } },
    progress: new Map([['b', progress(300)], ['w', progress(350)]]),
  };
  const compacted: number[] = [];
  const compaction = new LogCompaction({
    compaction: { keepsEntries: 100, intervalSeconds: 0, firstTime: '', pinsLogBytes: 1, isWitness: false }, durableIndex: () => view.commitIndex,
    driver: () => ({ node: { view, compactTo: (index: number) => compacted.push(index) }, store: { size: 7 }, wake: () => undefined }), log: (_: string, line: string) => lines.push(line),
  } as unknown as SnapshotsHost, () => undefined);
  compaction.compactBySize();
  expect(lines).toEqual([]);
  view.commitIndex = 500;
  for (let i = 0; i < 3; i++) compaction.compactBySize();
  expect(lines).toEqual([expect.stringMatching(/^the log grows: in a group with a witness nothing goes that b:9090 lacks/)]);
  // Never more than what is safe, however much that is.
  expect(Math.max(...compacted)).toBe(200);
  view.dropLimit = 500;
  compaction.compactBySize();
  view.commitIndex = 900;
  compaction.compactBySize();
  expect(lines).toHaveLength(2);
});
