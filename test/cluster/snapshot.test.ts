/** Whole states between real servers: killed on either side, gone on with, seen by an operator, and the log behind them. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import type { LocalServer } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';

interface Peer {
  readonly rpc_address: string;
  readonly state: string;
  readonly note: string;
  readonly snapshot?: { readonly phase: string; readonly bytes: number; readonly bytes_total: number; readonly percent: number };
}

const SLOW = ['--ha_log_keeps_entries', '100', '--ha_snapshot_rate_mb_s', '4'];
let directory: string;
let group: LocalGroup;

async function groupOf(size: number, basePort: number, flags: readonly string[]): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-snapshot-'));
  group = await LocalGroup.create({ size, directory, basePort, flags });
}

afterEach(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const login = (server: LocalServer) => RestClient.login(server.restAddress, 'admin', '73@TuGraph');
const peer = async (client: RestClient, asked: LocalServer, about: LocalServer) =>
  (await client.get(asked.restAddress, '/info/peers') as Peer[]).find((one) => one.rpc_address === about.rpcAddress);
const count = async (client: RestClient, server: LocalServer) => (await client.cypher(server.restAddress, 'MATCH (n:Big) RETURN count(n)')).rows[0]![0];
const checksum = async (client: RestClient, server: LocalServer) => (await client.cypher(server.restAddress, 'CALL dbms.ha.checksum()')).rows[0];
const logOf = (server: LocalServer) => readFileSync(join(server.directory, 'log'), 'utf8');
/** Of every time a state began to arrive: where it went on from. */
const offsets = (server: LocalServer) => [...logOf(server).matchAll(/"offset":(\d+),"msg":"receiving the state/g)].map(([, offset]) => Number(offset));

/** About 12 MB that do not compress, in entries that the log then drops. */
async function fill(client: RestClient, leader: LocalServer): Promise<void> {
  for (let i = 0; i < 12; i++) {
    const parts = Array.from({ length: 20 }, () => randomBytes(37_500).toString('base64'));
    await client.cypher(leader.restAddress, 'UNWIND $parts AS text CREATE (:Big {text: text})', { parameters: { $parts: parts } });
  }
  await writeSmall(client, leader, 300);
  const { first_index: first } = await client.post(leader.restAddress, '/group/snapshot', {}) as { first_index: number };
  expect(first).toBeGreaterThan(100);
}

async function writeSmall(client: RestClient, leader: LocalServer, count: number): Promise<void> {
  for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, () => client.cypher(leader.restAddress, 'CREATE (:Small)')));
}

const underWay = (client: RestClient, asked: LocalServer, about: LocalServer, share: number) => eventually('the state is under way', 60_000, async () => {
  const found = await peer(client, asked, about).catch(() => undefined);
  return found?.snapshot?.phase === 'sending' && found.snapshot.percent >= share ? found : undefined;
});

describe('a state on its way', () => {
  it('goes on where it stopped when the receiver is killed, which serves its old state until the switch', async () => {
    await groupOf(3, 25_100, SLOW);
    group.startAll();
    await group.ready(60_000);
    const leader = await group.leader();
    const client = await login(leader);
    const behind = group.servers.find((server) => server !== leader)!;
    await client.cypher(leader.restAddress, 'CREATE (:Big {text: "old"})');
    await eventually('the old state everywhere', 10_000, async () => await count(client.sibling(), behind) === 1);
    await group.stop(behind);
    await fill(client, leader);

    group.start(behind);
    const seen = await underWay(client, leader, behind, 30);
    expect(seen.state).toBe('LOADING_SNAPSHOT');
    expect(seen.note).toMatch(/^\d+ % of the state, [\d.]+ MB of [\d.]+ MB/);
    expect(await count(client.sibling(), behind)).toBe(1);
    await group.stop(behind, 'SIGKILL');
    group.start(behind);
    await eventually('the new state', 60_000, async () => await count(client.sibling(), behind).catch(() => 0) === 241);
    await eventually('following again', 30_000, async () => (await peer(client, leader, behind))?.state === 'FOLLOW');
    await eventually('equal checksums', 15_000, async () => JSON.stringify(await checksum(client, behind)) === JSON.stringify(await checksum(client, leader)));
    // Nothing that had arrived before the kill was sent again.
    const [first, again, ...more] = offsets(behind);
    expect(first).toBe(0);
    expect(again).toBeGreaterThanOrEqual(seen.snapshot!.bytes);
    expect(more).toEqual([]);
    expect(readdirSync(join(behind.directory, 'data', 'ha')).filter((name) => /incoming|pending/.test(name))).toEqual([]);
  });

  it('goes on when the sender is killed: the export and what arrived of it are still good', async () => {
    await groupOf(2, 25_200, SLOW);
    const [leader, joining] = group.servers as [LocalServer, LocalServer];
    const alone = ['--ha_conf', leader.rpcAddress];
    group.start(leader, alone);
    await group.readyOne(leader);
    const client = await login(leader);
    await fill(client, leader);
    group.start(joining);
    const { snapshot } = await underWay(client, leader, joining, 30);
    await group.stop(leader, 'SIGKILL');
    group.start(leader, alone);
    await group.leader();
    await eventually('the new state', 60_000, async () => await count(client.sibling(), joining).catch(() => 0) === 240);
    expect(offsets(joining).at(-1)).toBeGreaterThanOrEqual(snapshot!.bytes);
    expect(offsets(joining).filter((offset) => offset === 0)).toHaveLength(1);
    expect(logOf(leader).match(/exporting the state/g)).toHaveLength(1);
  });
});

describe('a snapshot on request', () => {
  it('syncs the state and drops the log of the server it is about, a witness included, and is refused to others', async () => {
    await groupOf(3, 25_300, ['--ha_secret', 'hush', '--ha_log_keeps_entries', '100', '--store_sync_interval_ms', '600000']);
    const [first, second, witness] = group.servers as [LocalServer, LocalServer, LocalServer];
    group.start(first);
    group.start(second);
    group.start(witness, ['--ha_is_witness', 'true']);
    await group.readyOne(first, 60_000);
    const leader = await group.leader();
    const client = await login(leader);
    await writeSmall(client, leader, 500);
    const run = promisify(execFile);
    const tool = (server: LocalServer, secret: string) => run(process.execPath, ['bin/lgraph_peer', '--command', 'snapshot', '--conf', leader.rpcAddress, '--peer', server.rpcAddress, '--secret', secret]);
    for (const server of [leader, leader === first ? second : first, witness]) {
      const { stdout } = await tool(server, 'hush');
      const [, durable, begins] = /durable up to (\d+), the log begins at (\d+)/.exec(stdout)!;
      expect(Number(durable), server.name).toBeGreaterThanOrEqual(500);
      expect(Number(begins), server.name).toBeGreaterThan(300);
      expect(Number(begins), server.name).toBeLessThanOrEqual(Number(durable));
    }
    await expect(tool(second, 'wrong')).rejects.toMatchObject({ stderr: expect.stringContaining('wrong secret') as string });
    await expect(client.post(leader.restAddress, '/group/snapshot', { peer: '127.0.0.1:1' })).rejects.toThrow(/no server of the group has the address/);
    await client.cypher(leader.restAddress, "CALL dbms.security.createUser('plain', 'Plain@123')");
    await expect((await RestClient.login(leader.restAddress, 'plain', 'Plain@123')).post(leader.restAddress, '/group/snapshot', {})).rejects.toThrow(/Admin/);
  });
});

describe('a server that is new', () => {
  it('gets the state where it lacks much of a log that has it all, votes then, and the log where that is asked for', async () => {
    await groupOf(3, 25_450, ['--ha_log_segment_mb', '4']);
    const [first, second, third] = group.servers as [LocalServer, LocalServer, LocalServer];
    group.start(first, ['--enable_ha', 'false']);
    await group.readyOne(first);
    const alone = await login(first);
    for (let i = 0; i < 12; i++) await alone.cypher(first.restAddress, 'UNWIND range(1, 500) AS i CREATE (:Big {text: toString(rand()) + toString(i)})');
    for (let i = 0; i < 60; i++) await alone.cypher(first.restAddress, 'MATCH (n:Big) WITH n LIMIT 500 SET n.text = reduce(text = "", i IN range(1, 15) | text + toString(rand()))');
    await group.stop(first);
    group.start(first, ['--ha_bootstrap_role', '1', '--ha_new_server_log_mb', '1']);
    await group.readyOne(first);
    group.start(second, ['--ha_bootstrap_role', '2']);
    await group.readyOne(second, 60_000);
    const client = await login(first);
    expect(await count(client, second)).toBe(6000);
    expect(logOf(first)).toContain('sending the state of');
    expect(offsets(second)).toEqual([0]);
    expect(logOf(second)).toContain('Server started again with the new state.');
    await eventually('it votes', 30_000, async () => (await client.get(first.restAddress, '/info/peers') as { voter: boolean }[]).filter(({ voter }) => voter).length === 2);
    await client.cypher(second.restAddress, 'CREATE (:Big)');

    await group.stop(first);
    group.start(first, ['--ha_new_server_log_mb', '0']);
    await group.readyOne(first, 60_000);
    await group.readyOne(second, 60_000);
    // Either may lead: neither sends a state.
    await group.stop(second);
    group.start(second, ['--ha_new_server_log_mb', '0']);
    await group.readyOne(second, 60_000);
    group.start(third, ['--ha_bootstrap_role', '2']);
    await group.readyOne(third, 60_000);
    await eventually('all of it is there', 60_000, async () => await count(client, third) === 6001);
    expect(offsets(third)).toEqual([]);
    expect(await checksum(client, third)).toEqual(await checksum(client, first));
  }, 240_000);
});

describe('a log that is gone', () => {
  it('stops its server with one clear line', async () => {
    await groupOf(1, 25_400, []);
    const [server] = group.servers as [LocalServer];
    group.start(server);
    await group.readyOne(server, 60_000);
    await group.stop(server);
    const folder = join(server.directory, 'data', 'ha');
    for (const name of readdirSync(folder).filter((one) => one.startsWith('log-'))) rmSync(join(folder, name));
    const child = group.start(server);
    const code = await new Promise((resolve) => {
      child.once('exit', resolve);
    });
    expect(code).toBe(1);
    expect(logOf(server)).toMatch(/lgraph_server: the log in .* is gone, but this server is a member of the group [0-9a-f]+: put the files back, or wipe this server/);
  });
});
