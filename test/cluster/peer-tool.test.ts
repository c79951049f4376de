/** `lgraph_peer` against real groups: who may, what it prints, and the way back from a lost majority. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import type { LocalServer } from '../../src/cli/local-group.ts';
import { eventually, probe, RestClient } from '../../src/cli/rest-client.ts';

let directory: string;
let group: LocalGroup;

async function groupOf(size: number, basePort: number, flags: readonly string[]): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-peer-'));
  group = await LocalGroup.create({ size, directory, basePort, flags });
  group.startAll();
  await group.ready(60_000);
}

afterEach(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Runs the tool with its standard input. */
async function tool(args: readonly string[], input = ''): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['bin/lgraph_peer', ...args], { stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { code, out, err };
}

describe('lgraph_peer', () => {
  it('needs an admin or the secret, and names what is wrong with a request', async () => {
    await groupOf(3, 23_700, ['--ha_secret', 'hush']);
    const { conf } = group;
    const status = await tool(['--command', 'status', '--conf', conf, '--secret', 'hush']);
    expect(status.code).toBe(0);
    expect(status.out).toMatch(/ADDRESS.*ID.*VERSION.*ROLE.*STATE.*TERM.*COMMIT.*APPLIED.*LAG/);
    const rows = JSON.parse((await tool(['--command', 'status', '--conf', conf, '--secret', 'hush', '--password', '73@TuGraph', '-w', 'json'])).out) as { state: string; node_id: string }[];
    expect(rows.map((row) => row.state)).toEqual(['MASTER', 'FOLLOW', 'FOLLOW']);
    expect(new Set(rows.map((row) => row.node_id)).size).toBe(3);

    expect(await tool(['--command', 'status', '--conf', conf, '--secret', 'wrong'])).toMatchObject({ code: 1, err: expect.stringContaining('wrong secret') as string });
    expect(await tool(['--command', 'status', '--conf', conf, '--secret', 'hush', '--password', 'wrong'])).toMatchObject({ code: 1, err: expect.stringContaining('Bad user/password') as string });
    expect(await tool(['--command', 'transfer_leader', '--conf', conf, '--secret', 'hush', '--peer', '127.0.0.1:1'])).toMatchObject({ code: 1, err: expect.stringContaining('no server of the group has the address 127.0.0.1:1') as string });
    expect(await tool(['--command', 'status', '--conf', group.servers[0]!.restAddress])).toMatchObject({ code: 1, err: expect.stringContaining('that is no rpc_port') as string });
    expect(await tool(['--command', 'remove_peer', '--conf', conf, '--secret', 'hush'])).toMatchObject({ code: 1, err: expect.stringContaining('--peer is missing') as string });
    expect(await tool(['--command', 'recover'])).toMatchObject({ code: 255, err: expect.stringContaining('--directory is missing') as string });
    expect(await tool(['--command', 'status'])).toMatchObject({ code: 255, err: expect.stringContaining('--conf is missing') as string });

    const next = group.servers.find((server) => server.rpcAddress !== (rows[0] as unknown as { rpc_address: string }).rpc_address)!;
    expect((await tool(['--command', 'transfer_leader', '--conf', conf, '--secret', 'hush', '--peer', next.rpcAddress])).code).toBe(0);
    expect(await group.leader()).toBe(next);
    expect((await tool(['--command', 'check', '--conf', conf, '--secret', 'hush'])).out).toContain('all replicas hold the same data');
  }, 90_000);

  it('makes the last survivor the first server of a new group, after asking twice', async () => {
    await groupOf(3, 23_800, []);
    const leader = await group.leader();
    const client = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
    await client.cypher(leader.restAddress, 'UNWIND range(1, 200) AS i CREATE (:N {i: i})');
    const [survivor, other, lost] = group.servers as [LocalServer, LocalServer, LocalServer];
    const args = ['--command', 'recover', '--directory', join(survivor.directory, 'data')];
    expect(await tool(args)).toMatchObject({ code: 1, err: expect.stringContaining('the server runs') as string });
    await eventually('the survivor has it all', 10_000, async () => (await client.cypher(survivor.restAddress, 'MATCH (n:N) RETURN count(n)')).rows[0]![0] === 200);
    await group.stopAll('SIGKILL');

    const { clusterId } = JSON.parse(readFileSync(join(survivor.directory, 'data/ha/node.json'), 'utf8')) as { clusterId: string };
    const timid = await tool(args, 'yes\nno\n');
    expect(timid).toMatchObject({ code: 1, out: expect.stringContaining('Nothing was changed.') as string });
    expect(timid.out).toContain('this node');
    expect(await tool(args, `yes\n${clusterId}\n`)).toMatchObject({ code: 0, out: expect.stringContaining('is the only voter of the new group') as string });

    group.start(survivor);
    await group.readyOne(survivor);
    await client.cypher(survivor.restAddress, 'CREATE (:N {i: 0})');
    // The old group's other servers are strangers now: they neither form a majority against it nor come in with their data.
    group.start(other);
    await eventually('it listens', 20_000, async () => (await probe(other.restAddress, '/livez'))?.status === 200);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await probe(other.restAddress, '/readyz'))?.status).toBe(503);
    await group.stop(other);
    for (const server of [other, lost]) {
      group.start(server, ['--ha_join_discard_local_data', 'true']);
      await group.readyOne(server, 60_000);
    }
    await eventually('three voters', 30_000, async () => (await client.get(survivor.restAddress, '/info/peers') as { voter: boolean }[]).filter((peer) => peer.voter).length === 3);
    expect((await client.cypher(lost.restAddress, 'MATCH (n:N) RETURN count(n)')).rows).toEqual([[201]]);
    expect((await tool(args)).err).toContain('the server runs');
  }, 120_000);
});
