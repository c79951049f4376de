/**
 * Against guessing: after some failures the user is locked at that address for a while, and after many an address for all users.
 *
 * Attempts of one user from one address are taken one after the other, so a thousand guesses sent at once are not a thousand
 * looks at the password. What is remembered is bounded: the oldest failures go first, a flood of invented names cannot clear the rest.
 */
import { DbError } from '../base/errors.ts';

export interface LoginLimits {
  readonly failuresMax: number;
  readonly addressFailuresMax: number;
  readonly lockMs: number;
}

interface Failures {
  count: number;
  untilMs: number;
}

const REMEMBERED_MAX = 10_000;
const WAITING_MAX = 1000;

export class LoginGuard {
  readonly #nowMs: () => number;
  readonly #limits: () => LoginLimits;
  readonly #users = new Map<string, Failures>();
  readonly #addresses = new Map<string, Failures>();
  /** The last of those that wait for their turn, by user and address. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #waiting = 0;

  constructor(nowMs: () => number, limits: () => LoginLimits) {
    this.#nowMs = nowMs;
    this.#limits = limits;
  }

  /** Runs the check in its turn; true is a success. Throws TooManyLogins without a check where it is locked. */
  async attempt(user: string, address: string, check: () => Promise<boolean>): Promise<boolean> {
    const key = JSON.stringify([user, address]);
    this.#refuseLocked(key, address);
    if (this.#waiting >= WAITING_MAX) throw new DbError('Busy', `${this.#waiting} logins wait to be checked, no more are allowed`, { hint: 'try again shortly' });
    this.#waiting++;
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(() => this.#checked(key, address, check));
    const settled = turn.catch(() => undefined);
    this.#turns.set(key, settled);
    try {
      return await turn;
    } finally {
      this.#waiting--;
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    }
  }

  async #checked(key: string, address: string, check: () => Promise<boolean>): Promise<boolean> {
    this.#refuseLocked(key, address);
    const isRight = await check();
    if (isRight) {
      this.#users.delete(key);
      return true;
    }
    this.#note(this.#users, key);
    this.#note(this.#addresses, address);
    return false;
  }

  #refuseLocked(key: string, address: string): void {
    const { failuresMax, addressFailuresMax } = this.#limits();
    const leftMs = Math.max(this.#lockedMs(this.#users, key, failuresMax), this.#lockedMs(this.#addresses, address, addressFailuresMax));
    if (leftMs > 0) throw new DbError('TooManyLogins', 'Too many login failures, please try again in a minute', { hint: `locked for ${Math.ceil(leftMs / 1000)} s` });
  }

  #lockedMs(from: Map<string, Failures>, key: string, max: number): number {
    const failures = from.get(key);
    if (failures === undefined) return 0;
    const leftMs = failures.untilMs - this.#nowMs();
    if (leftMs <= 0) from.delete(key);
    return failures.count >= max ? leftMs : 0;
  }

  #note(to: Map<string, Failures>, key: string): void {
    const count = (to.get(key)?.count ?? 0) + 1;
    to.delete(key);
    if (to.size >= REMEMBERED_MAX) to.delete(to.keys().next().value!);
    to.set(key, { count, untilMs: this.#nowMs() + this.#limits().lockMs });
  }
}
