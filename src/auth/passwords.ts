/**
 * Passwords as salted scrypt hashes (RFC 7914).
 *
 *   scrypt$<log2 N>$<r>$<p>$<salt base64>$<hash base64>
 *
 * A verification costs some 50 ms on purpose. Drivers open many connections with one password, so a success is remembered
 * for a while, as a keyed digest under a key that never leaves the process.
 */
import { createHmac, randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';

const COST = { N: 2 ** 14, r: 8, p: 1 } as const;
const HASH_BYTES = 32;
const REMEMBERED_MAX = 1000;
const REMEMBERED_MS = 10 * 60 * 1000;

export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, HASH_BYTES, COST);
  return ['scrypt', Math.log2(COST.N), COST.r, COST.p, salt.toString('base64'), hash.toString('base64')].join('$');
}

export class PasswordVerifier {
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async verify(password: string, stored: string): Promise<boolean> {
    const digest = createHmac('sha256', this.#key).update(stored).update('\0').update(password).digest('base64');
    const until = this.#known.get(digest);
    if (until !== undefined && until > this.#nowMs()) return true;
    const right = await matches(password, stored);
    if (right) {
      if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
      this.#known.set(digest, this.#nowMs() + REMEMBERED_MS);
    }
    return right;
  }
}

export function matches(password: string, stored: string): Promise<boolean> {
  const [name, log, r, p, salt, hash] = stored.split('$');
  if (name !== 'scrypt' || salt === undefined || hash === undefined) return Promise.resolve(false);
  const expected = Buffer.from(hash, 'base64');
  return new Promise((resolve, reject) => {
    scrypt(password, Buffer.from(salt, 'base64'), expected.length, { N: 2 ** Number(log), r: Number(r), p: Number(p) }, (error, actual) => {
      if (error !== null) reject(error);
      else resolve(timingSafeEqual(actual, expected));
    });
  });
}

/** For the rare check inside a procedure, where there is no waiting. */
export function matchesSync(password: string, stored: string): boolean {
  const [name, log, r, p, salt, hash] = stored.split('$');
  if (name !== 'scrypt' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  return timingSafeEqual(scryptSync(password, Buffer.from(salt, 'base64'), expected.length, { N: 2 ** Number(log), r: Number(r), p: Number(p) }), expected);
}
