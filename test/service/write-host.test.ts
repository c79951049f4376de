import { expect, it } from 'vitest';
import type { Transactor } from '../../src/replica/transactor.ts';
import { WriteHost } from '../../src/service/write-host.ts';
import type { WriteHostOptions } from '../../src/service/write-host.ts';

/** A writer thread whose transactions do nothing. */
function host(clock: { wallMs: number; monotonicMs: number } = { wallMs: 0, monotonicMs: 0 }): WriteHost {
  const transactor = { state: { version: 1 }, reachWritten: () => Promise.resolve(), begin: () => ({ version: 1, close: () => undefined }) };
  const options = { wallMs: () => clock.wallMs, monotonicMs: () => clock.monotonicMs, transactionIdleMs: 1000, transactionTotalMs: 1000, transactionsMax: 10 };
  return new WriteHost(transactor as unknown as Transactor, options as unknown as WriteHostOptions);
}

it('gives out numbers that no other leader gives out, and tells a transaction of the last leader from one that ended here', async () => {
  const begin = async (at: WriteHost) => (await at.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 })).transaction;
  const [before, now] = [host(), host()];
  const numbers = [await begin(before), await begin(before), await begin(now), await begin(now)];
  expect(new Set(numbers).size).toBe(4);
  for (const number of numbers) expect(Number.isSafeInteger(number)).toBe(true);
  await expect(now.commit({ transaction: numbers[0]!, user: 'admin' })).rejects.toMatchObject({ code: 'Conflict' });
  now.rollback(numbers[2]!);
  await expect(now.commit({ transaction: numbers[2]!, user: 'admin' })).rejects.toMatchObject({ code: 'TransactionNotFound' });
});

it('ends transactions by the time that has passed, not by a calendar that is set right meanwhile', async () => {
  const clock = { wallMs: 0, monotonicMs: 0 };
  const here = host(clock);
  const begin = async () => (await here.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 })).transaction;
  const [first, second] = [await begin(), await begin()];
  clock.wallMs = 86_400_000;
  await begin();
  expect(() => here.rollback(first)).not.toThrow();
  clock.monotonicMs = 1001;
  clock.wallMs = -86_400_000;
  await begin();
  await expect(here.commit({ transaction: second, user: 'admin' })).rejects.toMatchObject({ code: 'TransactionNotFound' });
});
