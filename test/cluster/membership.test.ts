import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import type { LocalServer } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';

interface Peer {
  readonly rpc_address: string;
  readonly state: string;
  readonly voter: boolean;
}

let directory: string;
let group: LocalGroup;

async function groupOf(size: number, basePort: number, flags: readonly string[] = []): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-members-'));
  group = await LocalGroup.create({ size, directory, basePort, flags });
}

afterEach(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const conf = (servers: readonly LocalServer[]) => servers.map((server) => server.rpcAddress).join(',');
const peers = (client: RestClient, server: LocalServer) => client.get(server.restAddress, '/info/peers') as Promise<Peer[]>;

async function equalEverywhere(client: RestClient, servers: readonly LocalServer[]): Promise<void> {
  await eventually('equal checksums', 20_000, async () => {
    const sums = await Promise.all(servers.map(async (server) => (await client.cypher(server.restAddress, 'CALL dbms.ha.checksum()')).rows[0]!.join(' ')));
    return new Set(sums).size === 1;
  });
}

describe('membership', () => {
  it('grows by a server that knows one member, shrinks when one leaves with Ctrl-C, and takes it back', async () => {
    await groupOf(4, 22_300);
    const three = group.servers.slice(0, 3);
    const fourth = group.servers[3]!;
    for (const server of three) group.start(server, ['--ha_conf', conf(three)]);
    await group.ready(60_000);
    const client = await RestClient.login(three[0]!.restAddress, 'admin', '73@TuGraph');
    await client.cypher(three[0]!.restAddress, 'UNWIND range(1, 1000) AS i CREATE (:N {i: i})');
    group.start(fourth, ['--ha_conf', three[1]!.rpcAddress]);
    await group.readyOne(fourth, 60_000);
    await eventually('four voters', 30_000, async () => (await peers(client, fourth)).filter((peer) => peer.voter).length === 4);
    expect((await client.cypher(fourth.restAddress, 'MATCH (n:N) RETURN count(n)')).rows).toEqual([[1000]]);

    const leaving = await group.leader();
    expect(await group.stop(leaving, 'SIGINT')).toBe(0);
    const rest = group.servers.filter((server) => server !== leaving);
    await group.leader();
    await eventually('three members', 15_000, async () => (await peers(client, rest[0]!)).length === 3);
    await client.cypher(rest[1]!.restAddress, 'CREATE (:N {i: 0})');

    group.start(leaving, ['--ha_conf', conf(three)]);
    await group.readyOne(leaving, 60_000);
    expect((await client.cypher(leaving.restAddress, 'MATCH (n:N) RETURN count(n)')).rows).toEqual([[1001]]);
    await equalEverywhere(client, group.servers);
  }, 180_000);

  it('brings a server that missed more than the log keeps up to date with the whole state, and a new one too', async () => {
    await groupOf(4, 22_500, ['--ha_log_keeps_entries', '100', '--store_sync_interval_ms', '100']);
    const three = group.servers.slice(0, 3);
    for (const server of three) group.start(server, ['--ha_conf', conf(three)]);
    await group.ready(60_000);
    const client = await RestClient.login(three[0]!.restAddress, 'admin', '73@TuGraph');
    const leader = await group.leader();
    const behind = three.find((server) => server !== leader)!;
    const up = three.filter((server) => server !== behind);
    await group.stop(behind, 'SIGKILL');
    for (let i = 0; i < 1500; i += 30) {
      await Promise.all(Array.from({ length: 30 }, (_, k) => client.cypher(up[k % 2]!.restAddress, 'CREATE (:N {i: $i, pad: $pad})', { parameters: { i: i + k, pad: 'x'.repeat(2000) } })));
    }
    // Not before the server that is away counts as such: a thousand ticks, some 25 s after its end.
    await eventually('a compacted log', 90_000, async () => {
      await client.cypher(leader.restAddress, 'CREATE (:Tick)');
      return (await client.get(leader.restAddress, '/info/raft') as { firstIndex: number }).firstIndex > 1000;
    });
    group.start(behind, ['--ha_conf', conf(three)]);
    await group.readyOne(behind, 60_000);
    const fresh = group.servers[3]!;
    group.start(fresh, ['--ha_conf', three[0]!.rpcAddress]);
    await group.readyOne(fresh, 60_000);
    await equalEverywhere(client, group.servers);
    expect((await client.cypher(fresh.restAddress, 'MATCH (n:N) RETURN count(n)')).rows).toEqual([[1500]]);
  }, 180_000);

  it('restarts as a whole with a majority of its members', async () => {
    await groupOf(3, 22_700);
    group.startAll();
    await group.ready(60_000);
    const client = await RestClient.login(group.servers[0]!.restAddress, 'admin', '73@TuGraph');
    await client.cypher(group.servers[0]!.restAddress, 'CREATE (:Kept)');
    await group.stopAll('SIGTERM');
    for (const server of group.servers.slice(1)) group.start(server);
    await group.ready(60_000);
    expect((await client.cypher(group.servers[1]!.restAddress, 'MATCH (n:Kept) RETURN count(n)')).rows).toEqual([[1]]);
    await client.cypher(group.servers[2]!.restAddress, 'CREATE (:Kept)');
  }, 120_000);
});
