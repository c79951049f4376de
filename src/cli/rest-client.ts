/**
 * A small REST client: one token for all servers of a group, and the highest data version it has seen sent along, so that
 * it never reads an older state whichever server answers.
 */
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

  async post(address: string, path: string, body: unknown, timeoutMs = 20_000, idempotencyKey?: string): Promise<unknown> {
    const key = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const { body: answer, version } = await send(address, 'POST', path, body, { authorization: `Bearer ${this.#token}`, ...key, ...this.#seen() }, timeoutMs);
    this.version = Math.max(this.version, version);
    return answer;
  }

  /** An answer of any length, as it comes. */
  async stream(address: string, path: string, body: unknown): Promise<AsyncIterable<Uint8Array>> {
    const answer = await fetch(`http://${address}${path}`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}`, ...this.#seen() }, body: JSON.stringify(body),
    });
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

async function send(address: string, method: string, path: string, body: unknown, headers: Record<string, string>, timeoutMs: number): Promise<{ body: unknown; version: number }> {
  const answer = await fetch(`http://${address}${path}`, {
    method, headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers }, redirect: 'manual',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }), signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await answer.text();
  if (!answer.ok) throw refused(answer.status, text);
  return { body: text === '' ? undefined : parsed(text), version: Number(answer.headers.get('server_version') ?? 0) };
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
    const answer = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(1000) });
    return { status: answer.status, text: await answer.text() };
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
