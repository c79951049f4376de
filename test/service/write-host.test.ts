import { expect, it } from 'vitest';
import type { Transactor } from '../../src/replica/transactor.ts';
import { WriteHost } from '../../src/service/write-host.ts';
import type { WriteHostOptions } from '../../src/service/write-host.ts';

/** A writer thread whose transactions do nothing. */
function host(): WriteHost {
  const transactor = { state: { version: 1 }, reach: () => Promise.resolve(), begin: () => ({ version: 1, close: () => undefined }) };
  const options = { wallMs: () => 0, transactionIdleMs: 1000, transactionTotalMs: 1000, transactionsMax: 10 };
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
