/**
 * A small REST client: one token for all servers of a group, and the highest data version it has seen sent along, so that
 * it never reads an older state whichever server answers.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

export interface CypherResult {
  readonly columns: readonly string[];
  readonly rows: readonly unknown[][];
  readonly version: number;
  readonly elapsedMs: number;
}

export class RestError extends Error {
  override readonly name = 'RestError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** How servers are told from impostors, for a process that speaks TLS to all of them. */
export interface Trust {
  /** PEM of the authority; undefined: the well-known ones. */
  readonly ca: Buffer | undefined;
  /** Any certificate will do: for a health check of this machine's own server. */
  readonly anybody?: boolean;
}

let trust: Trust | undefined;

/** From now on every request of this process is made with TLS (or, undefined, without). */
export function useTls(next: Trust | undefined): void {
  trust = next;
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly version: number;
}

interface HttpAsk {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
  /** Called when the request has left this process, and its answer is still to come. */
  readonly onSent?: (() => void) | undefined;
}

async function http(address: string, path: string, ask: HttpAsk): Promise<HttpAnswer> {
  if (trust !== undefined || ask.onSent !== undefined) return watched(address, path, ask);
  const { method, headers, body, timeoutMs } = ask;
  const answer = await fetch(`http://${address}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }), signal: AbortSignal.timeout(timeoutMs) });
  return { status: answer.status, text: await answer.text(), version: Number(answer.headers.get('server_version') ?? 0) };
}

/** Node's fetch takes no authority of the caller's own, and does not tell when a request has been sent. */
function answerOf(address: string, path: string, ask: Omit<HttpAsk, 'timeoutMs'>, signal?: AbortSignal): Promise<IncomingMessage> {
  const shared = { method: ask.method, headers: ask.headers, ...(signal === undefined ? {} : { signal }) };
  return new Promise((resolve, reject) => {
    const request = trust === undefined ? httpRequest(`http://${address}${path}`, shared, resolve) : httpsRequest(`https://${address}${path}`, {
      ...shared, rejectUnauthorized: trust.anybody !== true, ...(trust.ca === undefined ? {} : { ca: trust.ca }),
    }, resolve);
    request.on('error', reject);
    if (ask.onSent !== undefined) request.on('finish', ask.onSent);
    request.end(ask.body);
  });
}

async function watched(address: string, path: string, ask: HttpAsk): Promise<HttpAnswer> {
  const response = await answerOf(address, path, ask, AbortSignal.timeout(ask.timeoutMs));
  return { status: response.statusCode ?? 0, text: await textOf(response), version: Number(response.headers.server_version ?? 0) };
}

async function httpsStream(address: string, path: string, ask: Omit<HttpAsk, 'timeoutMs'>): Promise<AsyncIterable<Uint8Array>> {
  const response = await answerOf(address, path, ask);
  if (response.statusCode === 200) return response;
  throw refused(response.statusCode ?? 0, await textOf(response));
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export interface CypherOptions {
  readonly graph?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string;
  readonly linearizable?: boolean;
  readonly timeoutMs?: number;
}

export class RestClient {
  readonly #token: string;
  /** Highest version seen in any answer. */
  version = 0;

  constructor(token: string) {
    this.#token = token;
  }

  static async login(address: string, user: string, password: string): Promise<RestClient> {
    const answer = await send(address, 'POST', '/login', { user, password }, {}, 15_000);
    return new RestClient((answer.body as { jwt: string }).jwt);
  }

  /** Another client with the same token, which has seen no version yet. */
  sibling(): RestClient {
    return new RestClient(this.#token);
  }

  async get(address: string, path: string): Promise<unknown> {
    return (await send(address, 'GET', path, undefined, { authorization: `Bearer ${this.#token}` }, 5000)).body;
  }

  async post(address: string, path: string, body: unknown, timeoutMs = 20_000, idempotencyKey?: string, onSent?: () => void): Promise<unknown> {
    const key = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const { body: answer, version } = await send(address, 'POST', path, body, { authorization: `Bearer ${this.#token}`, ...key, ...this.#seen() }, timeoutMs, onSent);
    this.version = Math.max(this.version, version);
    return answer;
  }

  /** An answer of any length, as it comes. */
  async stream(address: string, path: string, body: unknown): Promise<AsyncIterable<Uint8Array>> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.#token}`, ...this.#seen() };
    if (trust !== undefined) return httpsStream(address, path, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = await fetch(`http://${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.ok && answer.body !== null) return answer.body;
    throw refused(answer.status, await answer.text());
  }

  #seen(): Record<string, string> {
    return this.version > 0 ? { server_version: String(this.version) } : {};
  }

  async cypher(address: string, script: string, options: CypherOptions = {}): Promise<CypherResult> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    Object.assign(headers, this.#seen());
    if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey;
    if (options.linearizable === true) headers['read-mode'] = 'linearizable';
    const { body, version } = await send(address, 'POST', '/cypher', { graph: options.graph ?? 'default', script, parameters: options.parameters ?? {} }, headers, options.timeoutMs ?? 30_000);
    this.version = Math.max(this.version, version);
    const { header, result, elapsed } = body as { header: { name: string }[]; result: unknown[][]; elapsed: number };
    return { columns: header.map((column) => column.name), rows: result, version, elapsedMs: elapsed * 1000 };
  }
}

async function send(address: string, method: string, path: string, body: unknown, headers: Record<string, string>, timeoutMs: number, onSent?: () => void): Promise<{ body: unknown; version: number }> {
  const { status, text, version } = await http(address, path, {
    method, headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers }, body: body === undefined ? undefined : JSON.stringify(body), timeoutMs, onSent,
  });
  if (status < 200 || status > 299) throw refused(status, text);
  return { body: text === '' ? undefined : parsed(text), version };
}

function refused(status: number, text: string): RestError {
  const { error_code: code, error_message: message } = (parsed(text) ?? {}) as { error_code?: string; error_message?: string };
  return new RestError(status, code ?? String(status), message ?? text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // Plain text, such as /readyz.
  }
}

/** Text of an unauthenticated page, or undefined while nobody answers. */
export async function probe(address: string, path: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const { status, text } = await http(address, path, { method: 'GET', headers: {}, body: undefined, timeoutMs: 1000 });
    return { status, text };
  } catch {
    return undefined; // Not listening (yet): the caller asks again.
  }
}

/** Waits until the check gives something; throws with the text after the time. */
export async function eventually<T>(what: string, timeoutMs: number, check: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(50);
  }
}
