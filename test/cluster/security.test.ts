/** What the servers of a group know of each other's users and options: revocation, live options, the allowed addresses of the RPC port. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';
import { askPeer } from '../../src/rpc/peer-question.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-secure-group-'));
const ADMIN = '73@TuGraph';
let group: LocalGroup;

beforeAll(async () => {
  group = await LocalGroup.create({ size: 3, directory, basePort: 18_800 });
  group.startAll();
  await group.ready();
  await group.leader();
});

afterAll(async () => {
  await group.stopAll();
  rmSync(directory, { recursive: true });
});

const rest = (i: number) => group.servers[i]!.restAddress;
const logOf = (i: number) => readFileSync(join(group.servers[i]!.directory, 'log'), 'utf8');

it('voids tokens on every server, whichever was told', async () => {
  const admin = await RestClient.login(rest(0), 'admin', ADMIN);
  await admin.post(rest(0), '/user', { user: 'ada', password: 'pw' });
  await eventually('the user everywhere', 10_000, async () => (await Promise.all([1, 2].map((i) => RestClient.login(rest(i), 'ada', 'pw').then(() => true, () => false)))).every(Boolean));
  const ada = await RestClient.login(rest(1), 'ada', 'pw');
  const asked = (i: number) => ada.sibling().cypher(rest(i), 'CALL dbms.security.showCurrentUser()').then(() => 'ok', (error: { code: string }) => error.code);
  for (const i of [0, 1, 2]) expect(await asked(i)).toBe('ok');
  for (const act of [
    () => admin.post(rest(2), '/user/ada/logout', {}), () => admin.post(rest(0), '/user/ada/password', { new_password: 'pw' }), () => admin.post(rest(1), '/user/ada/disable', {}),
  ]) {
    await act();
    for (const i of [0, 1, 2]) await eventually(`refused by server ${i + 1}`, 5000, async () => await asked(i) === 'Unauthorized');
  }
  await admin.post(rest(0), '/user/ada/enable', {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await asked(0)).toBe('Unauthorized');
});

it('changes options on all servers at once, also on one that starts later', async () => {
  const admin = await RestClient.login(rest(0), 'admin', ADMIN);
  const late = group.servers.find((server) => server !== group.servers[0])!;
  await group.stop(late);
  await admin.cypher(rest(0), 'CALL dbms.config.update({enable_audit_log: true, verbose: 2, slow_query_ms: 1})');
  group.start(late);
  await group.readyOne(late);
  const config = async (address: string) => Object.fromEntries((await admin.cypher(address, 'CALL dbms.config.list()')).rows as [string, unknown][]);
  for (const { restAddress } of group.servers) expect(await config(restAddress)).toMatchObject({ enable_audit_log: true, verbose: 2, slow_query_ms: 1 });
  for (const { restAddress } of group.servers) {
    await admin.cypher(restAddress, 'UNWIND range(1, 30000) AS x RETURN sum(x) AS slowly');
    const found = await admin.get(restAddress, '/audit_log?text=slowly') as { server: string; kind: string }[];
    expect(found[0]).toMatchObject({ kind: 'read', server: group.servers.find((server) => server.restAddress === restAddress)!.rpcAddress });
  }
  for (const i of [0, 1, 2]) {
    // A client that speaks nothing we know is a matter for level 2.
    await eventually('the level of the log', 10_000, async () => {
      const socket = connect(group.servers[i]!.ports.bolt, '127.0.0.1', () => {
        socket.end(Buffer.from('6060b01700000009000000000000000000000000', 'hex'));
      });
      socket.on('error', () => undefined).resume();
      return logOf(i).includes('"level":20');
    });
    expect(logOf(i)).toContain('slow statement');
  }
  await admin.cypher(rest(0), 'CALL dbms.config.update({enable_audit_log: null, verbose: null, slow_query_ms: null})');
});

/** A way to a port that arrives there from another address of this machine. */
async function wayFrom(address: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    const out = connect({ host: '127.0.0.1', port, localAddress: address });
    socket.pipe(out).pipe(socket);
    for (const one of [socket, out]) one.on('error', () => undefined).on('close', () => [socket, out].forEach((end) => end.destroy()));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

it('lets only members and allowed addresses speak to the RPC port while enable_ip_check is on', async () => {
  const admin = await RestClient.login(rest(0), 'admin', ADMIN);
  const way = await wayFrom('127.0.0.9', group.servers[0]!.ports.rpc);
  const ask = () => askPeer(`127.0.0.1:${(way.address() as AddressInfo).port}`, 'probe', {}, { secret: undefined, timeoutMs: 3000 }).then(() => 'ok', (error: Error) => error.message);
  try {
    expect(await ask()).toBe('ok');
    await admin.cypher(rest(0), 'CALL dbms.config.update({enable_ip_check: true})');
    await eventually('a refusal', 10_000, async () => (await ask()).includes('enable_ip_check'));
    // The group goes on.
    await admin.cypher(rest(1), 'CREATE (n:Behind)');
    await admin.cypher(rest(0), "CALL dbms.security.addAllowedHosts('127.0.0.9')");
    await eventually('no refusal', 10_000, async () => await ask() === 'ok');
    await admin.cypher(rest(0), 'CALL dbms.config.update({enable_ip_check: null})');
  } finally {
    way.close();
  }
});
