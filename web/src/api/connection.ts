/**
 * Requests to the group: to the server that answered last, and to the next one that is known when it does not.
 *
 * What may be repeated (reads, and statements under an idempotency key) is tried on the other servers until one answers or the
 * time is up. The data version of every answer goes along with the next request, so no server shows an older state.
 */
import { computed, signal } from '@preact/signals';
import { keep, kept } from '../state/storage.ts';
import { parseExact } from './json.ts';
import { stringifyExact } from './json.ts';

export class ServerError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(typeof body.error_message === 'string' ? body.error_message : `HTTP ${status}`);
    this.status = status;
    this.code = typeof body.error_code === 'string' ? body.error_code : '';
    this.hint = typeof body.hint === 'string' ? body.hint : undefined;
    this.line = typeof body.line === 'number' ? body.line : undefined;
    this.column = typeof body.column === 'number' ? body.column : undefined;
  }
}

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** This server and no other, by its REST address. */
  readonly at?: string | undefined;
  /** May be sent twice; GET always may. */
  readonly repeatable?: boolean;
  /** Milliseconds to go on trying, where it may be. */
  readonly patience?: number;
}

const ROUND_PAUSE_MS = 300;
const PATIENCE_MS = 15_000;
/** A server that is silent for so long is taken for gone, where another may be asked. */
const SILENCE_MS = 4000;

export const token = signal(kept('session', 'token', ''));
/** Origins of all servers known, that of the page included. */
export const origins = signal<readonly string[]>([...new Set([location.origin, ...kept<string[]>('session', 'origins', [])])]);
export const origin = signal(location.origin);
export const unreachable = signal(false);
/** What to do when the server no longer takes our token. */
export const onExpired = signal<() => void>(() => undefined);
/** Counts how often another server had to be asked. */
export const failovers = signal(0);
export const serverName = computed(() => origin.value.replace(/^https?:\/\//, ''));
let dataVersion = 0;

export function dataVersionSeen(): number {
  return dataVersion;
}

/** Addresses from the list of servers. */
export function remember(addresses: readonly string[]): void {
  const all = [location.origin, ...addresses.filter((address) => address !== '').map(originOf)];
  const next = [...new Set(all)];
  if (next.join() === origins.value.join()) return;
  origins.value = next;
  keep('session', 'origins', next);
}

export function originOf(address: string): string {
  return `${location.protocol}//${address}`;
}

async function once(server: string, path: string, ask: Ask, silenceMs: number | undefined): Promise<unknown> {
  const headers: Record<string, string> = { ...ask.headers };
  if (token.value !== '') headers.authorization = `Bearer ${token.value}`;
  if (ask.body !== undefined) headers['content-type'] = 'application/json';
  if (dataVersion > 0) headers.server_version = String(dataVersion);
  const signals = [ask.signal, silenceMs === undefined ? undefined : AbortSignal.timeout(silenceMs)].filter((one) => one !== undefined);
  // A redirect leads to another server, to which the browser would not pass our token on.
  const answer = await fetch(server + path, {
    method: ask.method ?? (ask.body === undefined ? 'GET' : 'POST'), headers, redirect: 'manual',
    ...(ask.body === undefined ? {} : { body: stringifyExact(ask.body) }), ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
  });
  if (answer.type === 'opaqueredirect') throw new ServerError(307, { error_message: 'ask another server' });
  dataVersion = Math.max(dataVersion, Number(answer.headers.get('server_version') ?? 0));
  const text = await answer.text();
  const isJson = (answer.headers.get('content-type') ?? '').includes('json');
  const body = isJson && text !== '' ? parseExact(text) : text;
  if (answer.ok) return body;
  throw new ServerError(answer.status, typeof body === 'object' && body !== null ? body as Record<string, unknown> : {});
}

/** The server is not there, or sends us on, or cannot at the moment. */
function isElsewhere(error: unknown): boolean {
  if (error instanceof ServerError) return error.status === 307 || error.status === 503 || error.status === 502 || error.status === 504;
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}

export async function request<T>(path: string, ask: Ask = {}): Promise<T> {
  const isGet = ask.method === 'GET' || (ask.method === undefined && ask.body === undefined);
  try {
    if (ask.at !== undefined) return await once(originOf(ask.at), path, ask, isGet ? SILENCE_MS : undefined) as T;
    if (!isGet && ask.repeatable !== true) return await once(origin.value, path, ask, undefined) as T;
    return await anywhere(path, ask, isGet) as T;
  } catch (error) {
    if (error instanceof ServerError && error.status === 401 && token.value !== '' && ask.at === undefined && path !== '/login') onExpired.value();
    throw error;
  }
}

async function anywhere(path: string, ask: Ask, isGet: boolean): Promise<unknown> {
  const deadline = performance.now() + (ask.patience ?? PATIENCE_MS);
  for (;;) {
    let last: unknown;
    for (const server of [origin.value, ...origins.value.filter((one) => one !== origin.value)]) {
      try {
        const answer = await once(server, path, ask, isGet ? SILENCE_MS : undefined);
        if (server !== origin.value) {
          origin.value = server;
          failovers.value++;
        }
        unreachable.value = false;
        return answer;
      } catch (error) {
        if (ask.signal?.aborted === true || !isElsewhere(error)) throw error;
        last = error;
      }
    }
    unreachable.value = !(last instanceof ServerError);
    if (performance.now() > deadline) throw last;
    await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
  }
}
