/** What a server says of the backups that it makes by itself: a storage that fails is a failure, however its error is called. */
import { afterEach, expect, it, vi } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { ScheduledBackups } from '../../src/server/scheduled-backups.ts';
import type { Log } from '../../src/server/log.ts';

afterEach(() => void vi.useRealTimers());

it('counts every failure but that somebody else is at it, and says that too', async () => {
  vi.useFakeTimers();
  const errors = [new DbError('StorageUnavailable', 's3://b does not answer'), new DbError('Busy', 'another backup works on s3://b'), new DbError('Internal', 'x')];
  const lines: string[] = [];
  const log = { error: (line: string) => lines.push(`error ${line}`), info: (line: string) => lines.push(`info ${line}`) } as unknown as Log;
  const backups = new ScheduledBackups({ place: 's3://b', round: () => Promise.reject(errors[lines.length]!), isOurs: () => lines.length < errors.length, log, nowMs: () => Date.now() });
  const seen: unknown[] = [];
  for (const _ of errors) {
    await vi.advanceTimersByTimeAsync(30_000);
    seen.push([backups.state.failures, backups.state.isLastBad]);
  }
  backups.stop();
  expect(seen).toEqual([[1, true], [1, true], [2, true]]);
  expect(lines).toEqual([
    'error the backup to s3://b failed: s3://b does not answer', 'info no backup to s3://b now: another backup works on s3://b', 'error the backup to s3://b failed: x',
  ]);
});

it('asks anew what is due when the clock is set back', async () => {
  vi.useFakeTimers();
  let aheadMs = 365 * 86_400_000;
  let rounds = 0;
  const round = () => Promise.resolve({ dueMs: Date.now() + aheadMs + 3_600_000, made: undefined, removed: [], counted: ++rounds });
  const backups = new ScheduledBackups({ place: 'b', round, isOurs: () => true, log: {} as Log, nowMs: () => Date.now() + aheadMs });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(rounds).toBe(1);
  aheadMs = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(rounds).toBe(2);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(rounds).toBe(3);
  backups.stop();
});
