/** Who is logged in. The token lives in this tab only; it is renewed before it runs out. */
import { signal } from '@preact/signals';
import { onExpired, request, token } from '../api/connection.ts';
import { keep, kept } from './storage.ts';

export interface User {
  readonly name: string;
  readonly isAdmin: boolean;
  readonly hasDefaultPassword: boolean;
}

export const user = signal<User | undefined>(token.value === '' ? undefined : kept<User | undefined>('session', 'user', undefined));
/** Shown on the login page: why one is there again. */
export const expired = signal(false);

const TIMER_MAX_MS = 2 ** 31 - 1;
let renewal: ReturnType<typeof setTimeout> | undefined;

function setToken(jwt: string): void {
  token.value = jwt;
  keep('session', 'token', jwt);
  scheduleRenewal(jwt);
}

/** Seconds since 1970 at which a token was issued and runs out, as it says itself. */
function lifeOf(jwt: string): { iat: number; exp: number } | undefined {
  try {
    const claims = JSON.parse(atob(jwt.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'))) as { iat?: number; exp?: number };
    return claims.exp === undefined || claims.iat === undefined ? undefined : { iat: claims.iat, exp: claims.exp };
  } catch {
    return undefined;
  }
}

/** At three quarters of its life, by the length the token has: the clocks of server and browser may differ. */
function scheduleRenewal(jwt: string): void {
  clearTimeout(renewal);
  const life = lifeOf(jwt);
  if (life === undefined) return;
  const left = Math.min(life.exp - life.iat, Math.max(5, life.exp - Date.now() / 1000));
  renewal = setTimeout(() => void renew(), Math.min(TIMER_MAX_MS, left * 750));
}

async function renew(): Promise<void> {
  try {
    setToken((await request<{ jwt: string }>('/refresh', { body: {}, repeatable: true })).jwt);
  } catch {
    // Refused: the page has gone to the login already. No server: the next request will tell.
  }
}

export async function logIn(name: string, password: string): Promise<void> {
  const answer = await request<{ jwt: string; default_password: boolean; is_admin: boolean }>('/login', { body: { user: name, password }, repeatable: true, patience: 5000 });
  setToken(answer.jwt);
  expired.value = false;
  setUser({ name, isAdmin: answer.is_admin, hasDefaultPassword: answer.default_password });
}

export function setUser(next: User | undefined): void {
  user.value = next;
  keep('session', 'user', next);
}

export function logOut(): void {
  clearTimeout(renewal);
  token.value = '';
  keep('session', 'token', undefined);
  setUser(undefined);
}

onExpired.value = () => {
  expired.value = true;
  logOut();
};
if (token.value !== '') scheduleRenewal(token.value);
