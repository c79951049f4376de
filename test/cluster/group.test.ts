import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, probe, RestClient } from '../../src/cli/rest-client.ts';

/** Real processes from dist/, on loopback. */
let directory: string;
let group: LocalGroup;
let client: RestClient;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-group-'));
  group = await LocalGroup.create({ size: 3, directory, basePort: 22_000 });
  group.startAll();
  await group.ready(60_000);
  client = await RestClient.login(group.servers[0]!.restAddress, 'admin', '73@TuGraph');
}, 90_000);

afterAll(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('a group of three', () => {
  it('lists its servers the same from everywhere, one of them leading', async () => {
    const lists = await Promise.all(group.servers.map((server) => client.get(server.restAddress, '/info/peers') as Promise<{ rpc_address: string; state: string; ha_role: string }[]>));
    for (const list of lists) {
      expect(list.map((peer) => peer.rpc_address)).toEqual(lists[0]!.map((peer) => peer.rpc_address));
      expect(list.map((peer) => peer.state)).toEqual(['MASTER', 'FOLLOW', 'FOLLOW']);
      expect(list.map((peer) => peer.ha_role)).toEqual(['REPLICA', 'REPLICA', 'REPLICA']);
    }
    const leader = await client.get(group.servers[2]!.restAddress, '/info/leader') as { rpc_address: string };
    expect(leader.rpc_address).toBe(lists[0]![0]!.rpc_address);
  });

  it('takes a write through any server, and a client that carries its version reads it from any other', async () => {
    for (const [i, server] of group.servers.entries()) {
      await client.cypher(server.restAddress, 'CREATE (:Hop {n: $n})', { parameters: { n: i } });
      for (const other of group.servers) {
        const { rows, version } = await client.cypher(other.restAddress, 'MATCH (h:Hop) RETURN count(h)');
        expect(rows[0]![0]).toBe(i + 1);
        expect(version).toBeGreaterThanOrEqual(client.version);
      }
    }
  });

  it('accepts the token of one server on every other', async () => {
    for (const server of group.servers) expect(await client.get(server.restAddress, '/info/ha_state')).toMatch(/MASTER|FOLLOW/);
  });

  it('answers a version it does not have with 307, the leader in body and Location, after a bounded wait', async () => {
    const leader = await group.leader();
    const follower = group.servers.find((server) => server !== leader)!;
    const token = await login(follower.restAddress);
    const answer = await fetch(`http://${follower.restAddress}/cypher`, {
      method: 'POST', redirect: 'manual', body: JSON.stringify({ script: 'RETURN 1' }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, server_version: '999999999', 'version-wait-ms': '200' },
    });
    expect(answer.status).toBe(307);
    const body = await answer.json() as { location: string; error_message: string; server_version: number };
    expect(body.error_message).toBe('Request need to be served in a server with newer version.');
    expect(answer.headers.get('location')).toBe(`http://${body.location}/cypher`);
    expect(body.server_version).toBeGreaterThan(0);
  });

  it('tells wrong passwords (401), mistakes in Cypher (400 with a place), missing tokens (401) apart', async () => {
    const { restAddress } = group.servers[1]!;
    await expect(RestClient.login(restAddress, 'admin', 'wrong')).rejects.toMatchObject({ status: 401 });
    await expect(client.cypher(restAddress, 'RETURN 1 +')).rejects.toMatchObject({ status: 400, code: 'SyntaxError' });
    const answer = await fetch(`http://${restAddress}/info`);
    expect(answer.status).toBe(401);
  });

  it('does not apply a write twice that is sent again with its idempotency key', async () => {
    const write = (server: number) => client.cypher(group.servers[server]!.restAddress, 'CREATE (n:Once) RETURN n', { idempotencyKey: 'test-key-1' });
    const first = await write(0);
    const again = await write(1);
    expect(again.rows).toEqual(first.rows);
    expect((await client.cypher(group.servers[2]!.restAddress, 'MATCH (n:Once) RETURN count(n)')).rows).toEqual([[1]]);
  });

  it('keeps serving when the leader is killed, takes it back, and all replicas are equal', async () => {
    const old = await group.leader();
    await group.stop(old, 'SIGKILL');
    const others = group.servers.filter((server) => server !== old);
    await client.cypher(others[0]!.restAddress, "CREATE (:Hop {n: 'after'})");
    const leader = await group.leader();
    expect(leader).not.toBe(old);
    group.start(old);
    await group.readyOne(old, 60_000);
    const sums = await eventually('equal versions', 15_000, async () => {
      const rows = await Promise.all(group.servers.map(async (server) => (await client.cypher(server.restAddress, 'CALL dbms.ha.checksum()')).rows[0]!.join(' ')));
      return new Set(rows).size === 1 ? rows : undefined;
    });
    expect(sums.length).toBe(3);
  }, 90_000);

  it('changes leaders on request without refusing a write', async () => {
    const bin = fileURLToPath(new URL('../../bin/lgraph_peer', import.meta.url));
    const before = await group.leader();
    const target = group.servers.find((server) => server !== before)!;
    let running = true;
    let written = 0;
    const writing = (async () => {
      while (running) {
        await client.cypher(group.servers[written % 3]!.restAddress, 'CREATE (:During)');
        written++;
      }
    })();
    execFileSync(process.execPath, [bin, '--command', 'transfer_leader', '--peer', target.rpcAddress, '--conf', group.conf]);
    await eventually('the new leader', 10_000, async () => (await probe(target.restAddress, '/writable'))?.status === 200);
    running = false;
    await writing;
    expect(written).toBeGreaterThan(0);
    const { rows } = await client.cypher(target.restAddress, 'MATCH (n:During) RETURN count(n)');
    expect(rows[0]![0]).toBe(written);
    const table = execFileSync(process.execPath, [bin, '--command', 'check', '--conf', group.conf]).toString();
    expect(table).toContain('all replicas hold the same data');
  }, 60_000);

  it('elects nobody while each server is busy with queries (bench/heartbeat-gap.mjs measures the gaps)', async () => {
    const term = async () => (await client.get(group.servers[0]!.restAddress, '/info/raft') as { term: number }).term;
    const before = await term();
    const busy = group.servers.flatMap((server) => [0, 1].map(async () => {
      await client.cypher(server.restAddress, 'UNWIND range(1, 40000) AS a UNWIND range(1, 200) AS b WITH a, b WHERE a % 7 = b RETURN count(*)', { timeoutMs: 60_000 });
    }));
    await Promise.all(busy);
    expect(await term()).toBe(before);
  }, 90_000);

  it('stops on SIGTERM in order, and starts again with everything', async () => {
    const [first] = group.servers;
    expect(await group.stop(first!, 'SIGTERM')).toBe(0);
    group.start(first!);
    await group.readyOne(first!, 60_000);
    expect((await client.cypher(first!.restAddress, 'MATCH (n:Hop) RETURN count(n)')).rows).toEqual([[4]]);
  }, 60_000);
});

async function login(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: 'admin', password: '73@TuGraph' }) });
  return ((await answer.json()) as { jwt: string }).jwt;
}
