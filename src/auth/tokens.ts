/**
 * Login tokens: HS256 JWTs signed with a key that is part of the replicated state, so a token works on every server of
 * the group and survives failover; no server keeps a table of them.
 *
 *   { iss: 'lgraph', sub: user, iat, exp, first: seconds of the first login (a refresh keeps it), gen: the user's token generation }
 *
 * A change of password, disabling a user and a logout of all void a user's tokens on every server, as soon as it has the change.
 */
import { randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { DbError } from '../base/errors.ts';
import type { SystemState, UserRecord } from '../graph/system.ts';

const ISSUER = 'lgraph';
/** Name of the signing key among the system settings. */
export const TOKEN_KEY_SETTING = 'token_key';

export function newTokenKey(): string {
  return randomBytes(32).toString('base64');
}

function keyOf(system: SystemState): Uint8Array {
  const text = system.settings[TOKEN_KEY_SETTING];
  if (typeof text !== 'string') throw new DbError('NoLeader', 'this server has no state yet: it waits for its group', { hint: 'see GET /readyz' });
  return Buffer.from(text, 'base64');
}

export interface TokenClaims {
  readonly user: string;
  readonly issuedMs: number;
  readonly firstLoginMs: number;
  /** Undefined: of a release that had none. */
  readonly generation: number | undefined;
}

/** Whether what proved who somebody is, at that time and in that generation, no longer does. */
export function isRevoked(record: UserRecord | undefined, issuedMs: number, generation: number | undefined): boolean {
  if (record === undefined || record.disabled) return true;
  if (issuedMs === record.tokenKeptMs) return false;
  return generation === undefined ? issuedMs < record.tokensValidFromMs : generation !== (record.tokenGeneration ?? 0);
}

/** Voids all that was issued so far. */
export function revoked(record: UserRecord, nowMs: number): UserRecord {
  const { tokenKeptMs: _before, ...rest } = record;
  return { ...rest, tokensValidFromMs: nowMs, tokenGeneration: Math.max((record.tokenGeneration ?? 0) + 1, nowMs) };
}

export async function issueToken(system: SystemState, user: string, options: { nowMs: number; lifeSeconds: number; firstLoginMs?: number }): Promise<string> {
  const issued = Math.floor(options.nowMs / 1000);
  // `iatms`: a password change voids what was issued before it, also within the same second.
  const token = new SignJWT({ first: Math.floor((options.firstLoginMs ?? options.nowMs) / 1000), iatms: options.nowMs, gen: system.users[user]?.tokenGeneration ?? 0 })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuer(ISSUER).setSubject(user).setIssuedAt(issued);
  if (options.lifeSeconds > 0) token.setExpirationTime(issued + options.lifeSeconds);
  return token.sign(keyOf(system));
}

/** Checks tokens; what a signature proved once is remembered, since one token comes with every request of a client. */
export class TokenVerifier {
  readonly #known = new Map<string, { readonly claims: TokenClaims; readonly expiresMs: number; readonly key: unknown }>();

  /** Checks signature, expiry and revocation; throws Unauthorized or TokenExpired. */
  async verify(system: SystemState, token: string, nowMs: number): Promise<TokenClaims> {
    let known = this.#known.get(token);
    if (known === undefined || known.key !== system.settings[TOKEN_KEY_SETTING]) {
      known = { ...await checkSignature(system, token, nowMs), key: system.settings[TOKEN_KEY_SETTING] };
      if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
      this.#known.set(token, known);
    }
    if (nowMs >= known.expiresMs) throw expired();
    const { claims } = known;
    if (isRevoked(system.users[claims.user], claims.issuedMs, claims.generation)) {
      throw new DbError('Unauthorized', 'Unauthorized: [Unauthorized] Authentication failed.', { hint: 'the user is gone or disabled, or the password was changed: log in again' });
    }
    return claims;
  }
}

const REMEMBERED_MAX = 10_000;

function expired(): DbError {
  return new DbError('TokenExpired', 'Unauthorized: [Unauthorized] token has already expire', { hint: 'log in again' });
}

async function checkSignature(system: SystemState, token: string, nowMs: number): Promise<{ claims: TokenClaims; expiresMs: number }> {
  const key = keyOf(system);
  try {
    const { payload } = await jwtVerify(token, key, { issuer: ISSUER, algorithms: ['HS256'], currentDate: new Date(nowMs) });
    return {
      claims: {
        user: payload.sub ?? '', issuedMs: typeof payload.iatms === 'number' ? payload.iatms : 0, firstLoginMs: Number(payload.first ?? 0) * 1000,
        generation: typeof payload.gen === 'number' ? payload.gen : undefined,
      },
      expiresMs: payload.exp === undefined ? Infinity : payload.exp * 1000,
    };
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired();
    throw new DbError('Unauthorized', 'Unauthorized: [Unauthorized] Authentication failed.', { cause: error });
  }
}
