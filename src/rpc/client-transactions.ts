/** Transactions that clients have open over gRPC on this server, by the name they got: for its user only, one call at a time. */
import { randomUUID } from 'node:crypto';
import { DbError } from '../base/errors.ts';
import type { Principal } from '../service/api.ts';
import type { DeferredTransaction } from '../service/deferred-transaction.ts';
import type { SessionTransaction } from '../service/session.ts';

type Work = SessionTransaction | DeferredTransaction;

interface Open {
  readonly work: Work;
  readonly user: string;
  readonly deadlineMs: number;
  isBusy: boolean;
  idle: NodeJS.Timeout | undefined;
}

export class ClientTransactions {
  readonly #open = new Map<string, Open>();
  readonly #idleMs: number;
  readonly #countMax: number;

  constructor(idleMs: number, countMax: number) {
    this.#idleMs = idleMs;
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#open.size;
  }

  requireRoom(): void {
    if (this.#open.size >= this.#countMax) throw new DbError('Busy', `${this.#open.size} transactions are open, no more are allowed`, { hint: 'commit or roll back, or raise max_open_transactions' });
  }

  add(work: Work, { user }: Principal, timeoutMs: number): string {
    const name = randomUUID();
    const open: Open = { work, user, deadlineMs: timeoutMs === 0 ? Infinity : performance.now() + timeoutMs, isBusy: false, idle: undefined };
    this.#open.set(name, open);
    this.#rest(name, open);
    return name;
  }

  #rest(name: string, open: Open): void {
    if (this.#idleMs > 0) open.idle = setTimeout(() => void this.#drop(name, open), this.#idleMs).unref();
  }

  async #drop(name: string, open: Open): Promise<void> {
    this.#open.delete(name);
    clearTimeout(open.idle);
    await open.work.rollback().catch(() => undefined);
  }

  /** Uses a transaction; work that fails, or `isLast`, ends it. */
  async use<T>(name: string, { user }: Principal, { isLast = false }: { isLast?: boolean }, work: (transaction: Work, leftMs: number) => Promise<T>): Promise<T> {
    const open = this.#open.get(name);
    if (open === undefined || open.user !== user) {
      throw new DbError('TransactionNotFound', 'there is no such transaction on this server', { hint: 'it ended, was idle for too long (transaction_idle_ms), or was begun on another server' });
    }
    if (open.isBusy) throw new DbError('InvalidRequest', 'the transaction is in use by another call', { hint: 'one call at a time: read a result to its end first' });
    open.isBusy = true;
    clearTimeout(open.idle);
    try {
      const leftMs = open.deadlineMs - performance.now();
      if (leftMs <= 0) throw new DbError('Timeout', 'the transaction took longer than its timeout_ms', { hint: 'it was rolled back' });
      const result = await work(open.work, leftMs);
      if (isLast) this.#open.delete(name);
      else this.#rest(name, open);
      return result;
    } catch (error) {
      await this.#drop(name, open);
      throw error;
    } finally {
      open.isBusy = false;
    }
  }

  async rollbackAll(): Promise<void> {
    await Promise.all([...this.#open].map(([name, open]) => this.#drop(name, open)));
  }
}
