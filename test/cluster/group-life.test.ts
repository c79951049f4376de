/** What operators are promised about the life of a group (docs/operating.md), each with real processes. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import type { LocalServer } from '../../src/cli/local-group.ts';
import { eventually, probe, RestClient } from '../../src/cli/rest-client.ts';

interface Peer {
  readonly rpc_address: string;
  readonly state: string;
  readonly voter: boolean;
  readonly note: string;
}

let directory: string;
let group: LocalGroup;

async function groupOf(size: number, basePort: number, flags: readonly string[] = []): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-life-'));
  group = await LocalGroup.create({ size, directory, basePort, flags });
}

afterEach(async () => {
  for (const server of group.servers) server.child?.kill('SIGCONT');
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const login = (server: LocalServer) => RestClient.login(server.restAddress, 'admin', '73@TuGraph');
const peers = (client: RestClient, server: LocalServer) => client.get(server.restAddress, '/info/peers') as Promise<Peer[]>;
const count = async (client: RestClient, server: LocalServer) => (await client.cypher(server.restAddress, 'MATCH (n:N) RETURN count(n)')).rows[0]![0];
const logOf = (server: LocalServer) => readFileSync(join(server.directory, 'log'), 'utf8');

/** Starts a server that must refuse; resolves to its exit code and last words. */
async function refused(server: LocalServer, flags: readonly string[]): Promise<{ code: number | null; text: string }> {
  const before = existsSync(join(server.directory, 'log')) ? logOf(server).length : 0;
  const child = group.start(server, flags);
  const code = await new Promise<number | null>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    child.once('exit', (exit) => {
      clearTimeout(timer);
      resolve(exit);
    });
  });
  return { code, text: logOf(server).slice(before) };
}

describe('the first start', () => {
  it('with data on one server: role 1 begins, role 2 copies, each wrong use is refused with one line', async () => {
    await groupOf(3, 23_100);
    const [first, second, third] = group.servers as [LocalServer, LocalServer, LocalServer];
    // A time without a group.
    group.start(first, ['--enable_ha', 'false']);
    await group.readyOne(first);
    const alone = await login(first);
    await alone.cypher(first.restAddress, 'UNWIND range(1, 500) AS i CREATE (:N {i: i})');
    await group.stop(first);
    expect(await refused(first, ['--ha_is_witness', 'true', '--ha_bootstrap_role', '1'])).toMatchObject({ code: 254, text: expect.stringContaining('Can not bootstrap on witness node') as string });
    expect(await refused(first, ['--ha_bootstrap_role', '2'])).toMatchObject({ code: 254, text: expect.stringContaining('holds data of its own') as string });

    group.start(second, ['--ha_bootstrap_role', '2']);
    await eventually('the second server waits', 15_000, async () => (await probe(second.restAddress, '/readyz'))?.text.includes('waiting for a group to join'));
    group.start(first, ['--ha_bootstrap_role', '1']);
    await group.readyOne(first);
    await group.readyOne(second, 60_000);
    const client = await login(first);
    expect(await count(client, second)).toBe(500);
    expect(await refused(third, ['--ha_bootstrap_role', '1'])).toMatchObject({ code: 254, text: expect.stringMatching(/belongs to the group [0-9a-f]+ already/) as string });
    expect(readFileSync(join(third.directory, 'log'), 'utf8')).not.toContain('Server started');
    group.start(third, ['--ha_bootstrap_role', '2']);
    await group.readyOne(third, 60_000);
    await eventually('three voters', 30_000, async () => (await peers(client, first)).filter((peer) => peer.voter).length === 3);
    await client.cypher(third.restAddress, 'CREATE (:N {i: 0})');
    expect(await count(client, second)).toBe(501);

    // Started again with the role of the first start still in the configuration.
    await group.stop(first);
    expect(await refused(first, ['--ha_bootstrap_role', '1'])).toMatchObject({ code: 254, text: expect.stringContaining('start it again without ha_bootstrap_role') as string });
    expect(await refused(first, ['--enable_ha', 'false'])).toMatchObject({ code: 254, text: expect.stringContaining('start it with --enable_ha true') as string });
    group.start(first);
    await group.stop(second);
    group.start(second, ['--ha_bootstrap_role', '2']);
    await group.readyOne(first, 60_000);
    await group.readyOne(second, 60_000);
    expect(await count(client, first)).toBe(501);
  }, 180_000);

  it('never begins two groups, and a server with other data is taken in only when its data may go', async () => {
    await groupOf(2, 23_200);
    const [first, second] = group.servers as [LocalServer, LocalServer];
    for (const [i, server] of group.servers.entries()) {
      group.start(server, ['--enable_ha', 'false']);
      await group.readyOne(server);
      await (await login(server)).cypher(server.restAddress, `CREATE (:N {i: ${i}})`);
      await group.stop(server);
    }
    // The same version, but not the same data: no group comes of it.
    group.startAll();
    await eventually('both wait', 15_000, async () => (await probe(first.restAddress, '/readyz'))?.text.includes('holds other data than this server'));
    await group.stopAll();
    group.start(first, ['--ha_bootstrap_role', '1']);
    await group.readyOne(first);
    group.start(second);
    await eventually('the second one waits', 15_000, async () => (await probe(second.restAddress, '/readyz'))?.text.includes('holds data of its own'));
    await group.stop(second);
    group.start(second, ['--ha_join_discard_local_data', 'true']);
    await group.readyOne(second, 60_000);
    const client = await login(first);
    expect((await client.cypher(second.restAddress, 'MATCH (n:N) RETURN n.i')).rows).toEqual([[0]]);
    expect(readdirSync(join(second.directory, 'data')).some((name) => name.startsWith('store.aside-'))).toBe(true);
  }, 120_000);

  it('waits for all that are listed, in any order, and says so meanwhile', async () => {
    await groupOf(3, 23_350);
    const [first, second, third] = group.servers as [LocalServer, LocalServer, LocalServer];
    group.start(third);
    await eventually('it waits', 20_000, async () => (await probe(third.restAddress, '/readyz'))?.text.includes(`no answer from ${first.rpcAddress}`));
    expect((await probe(third.restAddress, '/livez'))?.status).toBe(200);
    const list = JSON.parse((await probe(third.restAddress, '/info/peers'))!.text) as Peer[];
    expect(list).toMatchObject([{ rpc_address: third.rpcAddress, state: 'UNINITIALIZED', note: expect.stringContaining('all listed servers to answer') as string }]);
    group.start(first);
    // Two of three are a majority, and yet not enough: the third may be the one with the data.
    await eventually('both wait', 20_000, async () => (await probe(first.restAddress, '/readyz'))?.text.includes(`no answer from ${second.rpcAddress}`));
    expect(logOf(third)).toContain('waiting for all listed servers');
    group.start(second);
    await group.ready(60_000);
    expect((await probe(third.restAddress, '/info/peers'))?.status).toBe(401);
  }, 90_000);

  it('refuses an address that others cannot reach', async () => {
    await groupOf(1, 23_300);
    const outcome = await refused(group.servers[0]!, ['--host', '0.0.0.0']);
    expect(outcome.code).toBe(255);
    expect(outcome.text).toContain("TuGraph can't be started from IP_ANY");
    expect(outcome.text).toContain('--host 192.168.1.10');
  }, 30_000);
});

describe('a silent server', () => {
  it('is OFFLINE, removed, forgotten, and joins again by itself as soon as it can; sent away by an operator it stays away', async () => {
    await groupOf(4, 23_400, ['--ha_node_offline_ms', '1500', '--ha_node_remove_ms', '10000']);
    group.startAll();
    await group.ready(60_000);
    const leader = await group.leader();
    const client = await login(leader);
    const silent = group.servers.find((server) => server !== leader)!;
    silent.child!.kill('SIGSTOP');
    await eventually('it is offline', 15_000, async () => (await peers(client, leader)).find((peer) => peer.rpc_address === silent.rpcAddress)?.state === 'OFFLINE');
    await eventually('it is removed', 15_000, async () => {
      const row = (await peers(client, leader)).find((peer) => peer.rpc_address === silent.rpcAddress);
      // Also while the change is under way.
      expect(row).toMatchObject({ state: 'OFFLINE' });
      return row!.voter === false;
    });
    await eventually('it is forgotten', 30_000, async () => (await peers(client, leader)).length === 3);
    await client.cypher(leader.restAddress, 'UNWIND range(1, 100) AS i CREATE (:N {i: i})');
    silent.child!.kill('SIGCONT');
    await eventually('it votes again', 40_000, async () => (await peers(client, leader)).filter((peer) => peer.voter).length === 4);
    await eventually('it has the data', 15_000, async () => (await count(client, silent)) === 100);
    expect(logOf(silent)).toContain('joining the group again');

    await promisify(execFile)(process.execPath, ['bin/lgraph_peer', '--command', 'remove_peer', '--peer', silent.rpcAddress, '--conf', leader.rpcAddress]);
    await eventually('it is out', 10_000, async () => (await peers(client, leader)).length === 3);
    await eventually('it says why', 10_000, async () => (await probe(silent.restAddress, '/readyz'))?.text.includes('restart it to join again'));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await peers(client, leader)).length).toBe(3);
  }, 120_000);
});

describe('leaving', () => {
  it('by Ctrl-C one after the other, the last one stays; all come back with the same list', async () => {
    await groupOf(3, 23_420);
    group.startAll();
    await group.ready(60_000);
    const client = await login(group.servers[0]!);
    await client.cypher(group.servers[0]!.restAddress, 'UNWIND range(1, 50) AS i CREATE (:N {i: i})');
    const [one, two, last] = group.servers as [LocalServer, LocalServer, LocalServer];
    expect(await group.stop(one, 'SIGINT')).toBe(0);
    expect(logOf(one)).toContain('left the group');
    await group.leader();
    expect(await group.stop(two, 'SIGINT')).toBe(0);
    await group.leader();
    await client.cypher(last.restAddress, 'CREATE (:N {i: 0})');
    expect(await group.stop(last, 'SIGINT')).toBe(0);
    expect(logOf(last)).toContain('stopped without leaving the group: it is the last voter');

    // Those that left have nothing to form a group with: they wait for the one that stayed.
    group.start(one);
    group.start(two);
    await eventually('they wait', 20_000, async () => (await probe(two.restAddress, '/readyz'))?.text.includes('a member of the group, to join it again'));
    group.start(last);
    await group.ready(60_000);
    await eventually('three voters', 30_000, async () => (await peers(client, last)).filter((peer) => peer.voter).length === 3);
    expect(await count(client, one)).toBe(51);
  }, 180_000);

  it('ends at once at a second Ctrl-C, and leaves on SIGTERM if it is told to', async () => {
    await groupOf(3, 23_450, ['--ha_leave_on_sigterm', 'true', '--shutdown_timeout_s', '30']);
    group.startAll();
    await group.ready(60_000);
    const client = await login(group.servers[0]!);
    const [first, second, third] = group.servers as [LocalServer, LocalServer, LocalServer];
    expect(await group.stop(third, 'SIGTERM')).toBe(0);
    await eventually('two members', 15_000, async () => (await peers(client, first)).length === 2);
    await group.stop(second, 'SIGKILL');
    // Alone it cannot leave, and tries for as long as it may.
    const { child } = first;
    child!.kill('SIGINT');
    await eventually('it tries', 10_000, () => Promise.resolve(logOf(first).includes('Received signal SIGINT')));
    // What a supervisor sends besides changes nothing, nor does the same key passed on by a parent; a second key does.
    child!.kill('SIGTERM');
    child!.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(child!.exitCode).toBe(null);
    expect(await group.stop(first, 'SIGINT')).toBe(130);
  }, 120_000);
});

describe('a witness', () => {
  it('leads for a moment when it alone has what the other server lacks, and hands over', async () => {
    await groupOf(3, 23_550, ['--ha_enable_witness_to_leader', 'true']);
    const [first, second, witness] = group.servers as [LocalServer, LocalServer, LocalServer];
    group.start(first);
    group.start(second);
    group.start(witness, ['--ha_is_witness', '1']);
    await group.ready(60_000);
    const leader = await group.leader();
    const behind = leader === first ? second : first;
    await group.stop(behind, 'SIGKILL');
    const client = await login(leader);
    await client.cypher(leader.restAddress, 'UNWIND range(1, 300) AS i CREATE (:N {i: i})');
    await group.stop(leader, 'SIGKILL');
    group.start(behind);
    // A client waits through it: its write goes on as soon as the server with data leads.
    await eventually('it listens', 20_000, async () => (await probe(behind.restAddress, '/livez'))?.status === 200);
    await eventually('it leads', 40_000, async () => (await probe(behind.restAddress, '/writable'))?.status === 200);
    const again = await login(behind);
    expect(await count(again, behind)).toBe(300);
    await again.cypher(behind.restAddress, 'CREATE (:N {i: 0})');
  }, 120_000);

  it('keeps no data, names the leader to clients, and with a vote lets one of two servers go on', async () => {
    await groupOf(3, 23_500);
    const [first, second, witness] = group.servers as [LocalServer, LocalServer, LocalServer];
    group.start(first);
    group.start(second);
    group.start(witness, ['--ha_is_witness', '1']);
    await group.ready(60_000);
    const client = await login(first);
    await client.cypher(first.restAddress, 'UNWIND range(1, 1000) AS i CREATE (:N {i: i})');
    expect(readdirSync(join(witness.directory, 'data')).sort()).toEqual(['ha', 'lgraph.address', 'lgraph.pid']);
    const answer = await fetch(`http://${witness.restAddress}/login`, { method: 'POST', redirect: 'manual', headers: { 'content-type': 'application/json' }, body: '{"user":"admin","password":"73@TuGraph"}' });
    const leader = await group.leader();
    expect(answer.status).toBe(307);
    expect(answer.headers.get('location')).toContain(leader.restAddress);
    expect((await answer.json() as { error_message: string }).error_message).toContain('witness');
    const rows = (await client.cypher(first.restAddress, 'CALL dbms.listServers() YIELD rpc_address, ha_role RETURN rpc_address, ha_role')).rows;
    expect(rows.filter((row) => row[1] === 'WITNESS')).toEqual([[witness.rpcAddress, 'WITNESS']]);

    const other = leader === first ? second : first;
    await group.stop(leader, 'SIGKILL');
    await group.leader(20_000);
    await (await login(other)).cypher(other.restAddress, 'CREATE (:N {i: 0})');
    expect(await count(await login(other), other)).toBe(1001);
    // What starting up left behind goes with the first collection.
    await eventually('little memory', 20_000, async () => memoryMb(witness) < 120);
  }, 120_000);
});

/** Resident memory of a server, in megabytes. */
function memoryMb(server: LocalServer): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.child!.pid}/status`, 'utf8'));
  return Number(line![1]) / 1024;
}
