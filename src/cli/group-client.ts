/** REST calls to whichever server of a group answers: tried again, in turn, while servers fail, elect or restart. */
import { setTimeout as sleep } from 'node:timers/promises';
import { probe, RestClient, RestError } from './rest-client.ts';

const TIMEOUT_MS = 120_000;
const PAUSE_MS = 200;

export interface GroupClientOptions {
  /** host:port of REST, one or more. */
  readonly addresses: readonly string[];
  readonly user: string;
  readonly password: string;
  /** How long one call is tried. */
  readonly retryMs: number;
}

/** `http://a:7070,http://b:7070` as addresses. */
export function addressesOf(urls: string): string[] {
  return urls.split(',').map((url) => url.trim().replace(/^https?:\/\//, '').replace(/\/+$/, '')).filter((address) => address !== '');
}

export class GroupClient {
  readonly #options: GroupClientOptions;
  #client: RestClient | undefined;
  #at = 0;

  constructor(options: GroupClientOptions) {
    this.#options = options;
  }

  /** A call that may be repeated: because it reads, or because it carries a key. */
  async post(path: string, body: unknown, idempotencyKey?: string, onSent?: () => void): Promise<unknown> {
    return this.repeat((client, address) => client.post(address, path, body, TIMEOUT_MS, idempotencyKey, onSent));
  }

  async get(path: string): Promise<unknown> {
    return this.repeat((client, address) => client.get(address, path));
  }

  /** Of the group that answers; one that is only forming has no id yet, and is waited for. */
  async groupId(): Promise<string> {
    return this.repeat(async (client, address) => {
      const { clusterId } = await client.get(address, '/info/raft') as { clusterId: string };
      if (clusterId === '') throw new Error(`${address} belongs to no group yet`);
      return clusterId;
    });
  }

  /** Turns to the server that takes writes, if there is one now: others would send them on. */
  async toLeader(): Promise<void> {
    const { addresses } = this.#options;
    if (addresses.length < 2) return;
    const answers = await Promise.all(addresses.map((address) => probe(address, '/writable')));
    const at = answers.findIndex((answer) => answer?.status === 200);
    if (at >= 0) this.#at = at;
  }

  async repeat<T>(work: (client: RestClient, address: string) => Promise<T>): Promise<T> {
    const { addresses, user, password, retryMs } = this.#options;
    const deadline = performance.now() + retryMs;
    for (;;) {
      const at = this.#at;
      const address = addresses[at % addresses.length]!;
      try {
        this.#client ??= await RestClient.login(address, user, password);
        return await work(this.#client, address);
      } catch (error) {
        if (error instanceof RestError && error.code === 'TokenExpired') this.#client = undefined;
        else if (!isPassing(error)) throw error;
        if (performance.now() > deadline) throw new Error(`${addresses.join(', ')}: no answer within ${retryMs / 1000} s: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
        // Of several calls at once, each that fails turns away from the same server.
        if (this.#at === at) this.#at++;
        await sleep(PAUSE_MS);
        await this.toLeader();
      }
    }
  }
}

/** What another server or a later moment may do better. Not being reached at all comes as another class than RestError. */
function isPassing(error: unknown): boolean {
  return !(error instanceof RestError) || error.status === 503 || error.status === 409 || error.status === 429 || error.status === 504 || error.status === 507 || error.code === 'TokenExpired';
}
