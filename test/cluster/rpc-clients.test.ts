/** gRPC clients of a group: their calls come to the consensus thread and are answered by the main one. */
import { readFileSync } from 'node:fs';
import { credentials, makeGenericClientConstructor, status } from '@grpc/grpc-js';
import type { Client, ClientReadableStream, Metadata, ServiceError } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { useGroup } from './use-group.ts';
import { relayedPaths, serviceOf } from '../../src/rpc/client-proto.ts';
import { health, refusal, RpcClient } from '../rpc/client.ts';

const used = useGroup({ basePort: 23_900, flags: ['--ha_redirect_writes', 'true', '--leader_wait_ms', '2000'] });

async function loggedIn(address: string): Promise<RpcClient> {
  const client = new RpcClient(address);
  await client.login();
  return client;
}

it('tells who leads, and where else to write', async () => {
  const leader = await used.group.leader();
  const follower = used.group.servers.find((server) => server !== leader)!;
  const client = await loggedIn(follower.rpcAddress);
  const told = await client.call('Group');
  expect(told).toMatchObject({ is_leader: false, leader: { rpc_address: leader.rpcAddress, rest_address: leader.restAddress, role: 'leader' } });
  expect((told.servers as unknown[]).length).toBe(3);
  expect(await refusal(client.run('CREATE (:Elsewhere)'))).toMatchObject({ grpc: status.UNAVAILABLE, code: 'NotLeader', retryable: 'true', leader: leader.rpcAddress });
  expect(await client.values('RETURN 1')).toEqual([['1']]);
  expect(await health(follower.rpcAddress)).toBe('SERVING');
  client.close();
});

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

it('streams a million rows to a client that stops reading for a while, without keeping them', async () => {
  const leader = await used.group.leader();
  const client = await loggedIn(leader.rpcAddress);
  const text = { key: 'text', value: { string_value: 'x'.repeat(600) } };
  const stream = client.stream({ statement: 'UNWIND range(1, 1000) AS a UNWIND range(1, 1000) AS b RETURN a, b, $text', parameters: [text] });
  const { pid } = leader.child!;
  const before = residentMb(pid!);
  let [rows, most] = [0, 0];
  for await (const part of stream as AsyncIterable<{ part: string; rows: { rows: unknown[] } }>) {
    if (part.part !== 'rows') continue;
    // A client that reads nothing for two seconds, once.
    if (rows === 0) await new Promise((resolve) => setTimeout(resolve, 2000));
    rows += part.rows.rows.length;
    most = Math.max(most, residentMb(pid!) - before);
  }
  expect(rows).toBe(1_000_000);
  // 600 MB went by.
  expect(most).toBeLessThan(300);
  client.close();
}, 120_000);

const random = seededRandom(15);
const pick = (count: number) => Math.floor(random.next() * count);

/** Random bytes, or a good request with bytes changed, cut off or put in. */
function malformed(good: Buffer): Buffer {
  if (pick(4) === 0) return Buffer.from(Array.from({ length: pick(100) }, () => pick(256)));
  const bytes = [...good];
  for (let i = pick(4); i >= 0; i--) {
    const at = pick(bytes.length + 1);
    const kind = pick(3);
    if (kind === 0) bytes[at] = pick(256);
    else if (kind === 1) bytes.splice(at, 0, pick(256), pick(256));
    else bytes.splice(at);
  }
  return Buffer.from(bytes.map((byte) => byte ?? 0));
}

/** A value in a value in a value: `levels` deep. */
function nested(levels: number): Buffer {
  let value = Buffer.alloc(0);
  const inside = (field: number, content: Buffer) => {
    const length: number[] = [];
    for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest > 127 ? (rest % 128) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from([field * 8 + 2, ...length]), content]);
  };
  for (let i = 0; i < levels; i++) value = inside(7, inside(1, value));
  return Buffer.concat([inside(1, Buffer.from('RETURN $p')), inside(2, Buffer.concat([inside(1, Buffer.from('p')), inside(2, value)]))]);
}

it('answers malformed requests with an error, and the next good one', async () => {
  const leader = await used.group.leader();
  const client = await loggedIn(leader.rpcAddress);
  const paths = relayedPaths().filter((path) => !path.endsWith('/Watch'));
  const bytes = (value: Buffer) => value;
  const Raw = makeGenericClientConstructor(Object.fromEntries(paths.map((path) => [path, { path, requestStream: false, responseStream: true, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes }])), 'raw');
  const raw = new Raw(leader.rpcAddress, credentials.createInsecure()) as never as Client & Record<string, (request: Buffer, metadata: Metadata, options: object) => ClientReadableStream<Buffer>>;
  const good = serviceOf('lgraph.v1.Lgraph').Run!.requestSerialize({ statement: 'RETURN $a + 1', graph: 'default', read_mode: 'LOCAL', parameters: [{ key: 'a', value: { list_value: { values: [{ int_value: '1' }, { point_value: { srid: 4326, x: 1, y: 2 } }] } } }] });
  const ask = (path: string, request: Buffer) => new Promise<string>((resolve) => {
    const stream = raw[path]!(request, client.metadata(), { deadline: Date.now() + 20_000 });
    stream.on('data', () => undefined).on('error', ({ code, metadata }: ServiceError) => resolve(String(metadata.get('lgraph-code')[0] ?? `gRPC ${code}`))).on('end', () => resolve('OK'));
  });
  const seen = new Map<string, number>();
  const count = (code: string) => void seen.set(code, (seen.get(code) ?? 0) + 1);
  for (let sent = 0; sent < 3000; sent += 50) await Promise.all(Array.from({ length: 50 }, async () => count(await ask(paths[pick(3) === 0 ? pick(paths.length) : paths.findIndex((path) => path.endsWith('/Run'))]!, malformed(good)))));
  const run = paths.find((path) => path.endsWith('/Run'))!;
  for (const levels of [20, 200, 5000, 50_000]) count(await ask(run, nested(levels)));
  // Nothing may be our own mistake, or hang until its deadline.
  expect([...seen.keys()].filter((code) => code.startsWith('gRPC') || code === 'Internal')).toEqual([]);
  expect(seen.get('InvalidRequest')).toBeGreaterThan(1000);
  raw.close();
  expect(await client.values('RETURN 1')).toEqual([['1']]);
  client.close();
}, 120_000);

/** Writes go to whoever leads, as errors and the servers themselves tell; the same key makes a repetition safe. */
class FollowingClient {
  readonly #clients = new Map<string, RpcClient>();
  readonly #addresses: readonly string[];
  #at: string;
  moves = 0;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
    this.#at = addresses[0]!;
  }

  async #client(address: string): Promise<RpcClient> {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const client = await loggedIn(address);
    this.#clients.set(address, client);
    return client;
  }

  async write(statement: string, key: string, untilMs: number): Promise<void> {
    for (;;) {
      try {
        await (await this.#client(this.#at)).run(statement, { idempotency_key: key });
        return;
      } catch (error) {
        const { grpc, retryable, leader } = await refusal(Promise.reject(error as Error));
        if ((grpc !== status.UNAVAILABLE && grpc !== status.CANCELLED && retryable !== 'true') || Date.now() > untilMs) throw error;
        this.moves++;
        this.#at = leader === '' || leader === this.#at ? this.#addresses[(this.#addresses.indexOf(this.#at) + 1) % this.#addresses.length]! : leader;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

it('is followed through the loss of its leader: every write is made once', async () => {
  const client = new FollowingClient(used.group.servers.map(({ rpcAddress }) => rpcAddress));
  for (let i = 0; i < 60; i++) {
    if (i === 20) await used.group.stop(await used.group.leader(), 'SIGKILL');
    await client.write(`CREATE (:Followed {n: ${i}})`, `followed-${i}`, Date.now() + 30_000);
  }
  expect(client.moves).toBeGreaterThan(0);
  client.close();
  const leader = await used.group.leader();
  const reader = await loggedIn(leader.rpcAddress);
  expect(await reader.values('MATCH (n:Followed) RETURN count(n), count(DISTINCT n.n)')).toEqual([['60', '60']]);
  reader.close();
}, 120_000);
