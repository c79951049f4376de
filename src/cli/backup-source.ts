/** A running server as the source of a backup, over REST. */
import type { BackupSource } from '../data/backup/source.ts';
import type { BackupPoint } from '../replica/backup-point.ts';
import { DbError, fromWire } from '../base/errors.ts';
import { GroupClient } from './group-client.ts';
import { RestError } from './rest-client.ts';

export interface RestSourceOptions {
  readonly addresses: readonly string[];
  readonly user: string;
  readonly password: string;
  /** How long one question is asked again while servers fail or restart. */
  readonly retryMs: number;
}

interface Facts {
  readonly name?: string;
  readonly cluster_id: string;
  readonly version: number;
  readonly time_ms: number;
  readonly asked_ms: number;
  readonly checksum: string;
  readonly server_version: string;
}

export class RestSource implements BackupSource {
  readonly #options: RestSourceOptions;
  /** Any of the servers. */
  readonly #group: GroupClient;
  /** One server each: only it holds the version that a full backup reads. */
  readonly #single = new Map<string, GroupClient>();

  constructor(options: RestSourceOptions) {
    this.#options = options;
    this.#group = new GroupClient(options);
  }

  #at(address: string): GroupClient {
    let client = this.#single.get(address);
    if (client === undefined) this.#single.set(address, client = new GroupClient({ ...this.#options, addresses: [address] }));
    return client;
  }

  async newest(): Promise<BackupPoint> {
    return pointOf(await told(this.#group.post('/backup/newest', {})) as Facts);
  }

  async begin(): Promise<BackupPoint & { readonly token: string }> {
    const { address, facts } = await told(this.#group.repeat(async (client, at) => ({ address: at, facts: await client.post(at, '/backup/begin', {}) as Facts })));
    return { token: `${address} ${facts.name}`, ...pointOf(facts) };
  }

  async state(token: string, after: string, bytesMax: number): Promise<Buffer> {
    const [address, name] = token.split(' ') as [string, string];
    try {
      return await this.#bytes(this.#at(address), '/backup/state', { name, after, bytes_max: bytesMax });
    } catch (error) {
      if (error instanceof DbError) throw error;
      throw new DbError('BackupExpired', `the server that was read is gone: ${(error as Error).message}`, { cause: error });
    }
  }

  log(from: number, to: number, bytesMax: number): Promise<Buffer> {
    return this.#logOf(0, from, to, bytesMax);
  }

  /** Another server may keep more of its log. */
  async #logOf(which: number, from: number, to: number, bytesMax: number): Promise<Buffer> {
    const { addresses } = this.#options;
    try {
      return await this.#bytes(which === 0 ? this.#group : this.#at(addresses[which]!), '/backup/log', { from_version: from, to_version: to, bytes_max: bytesMax });
    } catch (error) {
      if (!(error instanceof DbError) || error.code !== 'LogNotKept' || which + 1 >= addresses.length) throw error;
      return this.#logOf(which + 1, from, to, bytesMax);
    }
  }

  async end(token: string): Promise<void> {
    const [address, name] = token.split(' ') as [string, string];
    await told(this.#at(address).post('/backup/end', { name }));
  }

  #bytes(client: GroupClient, path: string, body: object): Promise<Buffer> {
    return told(client.repeat(async (one, address) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of await one.stream(address, path, body)) pieces.push(piece);
      return Buffer.concat(pieces);
    }));
  }
}

/** The server's own code, for what goes on from it. */
async function told<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw error instanceof RestError ? fromWire(error) : error;
  });
}

function pointOf(facts: Facts): BackupPoint {
  return { clusterId: facts.cluster_id, version: facts.version, timeMs: facts.time_ms, askedMs: facts.asked_ms, checksum: facts.checksum, serverVersion: facts.server_version };
}
