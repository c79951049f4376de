/** Data versions that a client has seen and this group has not, or not here, or not yet. */
import type { ServiceError } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';
import { RpcClient } from '../rpc/client.ts';
import { useGroup } from './use-group.ts';

// Followers learn of a commit late enough that a client which is told of it comes to them first.
const used = useGroup({ basePort: 27_300, flags: ['--ha_commit_notice_ms', '1000'] });

async function roles(): Promise<{ leader: string; follower: string }> {
  const leader = await used.group.leader();
  return { leader: leader.restAddress, follower: used.group.servers.find((server) => server !== leader)!.restAddress };
}

const token = async (address: string, user = 'admin', password = '73@TuGraph') =>
  ((await (await fetch(`http://${address}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user, password }) })).json()) as { jwt: string }).jwt;

function ask(address: string, bearer: string, script: string, headers: Readonly<Record<string, string>> = {}, more: { signal?: AbortSignal; timeout?: number } = {}): Promise<Response> {
  return fetch(`http://${address}/cypher`, {
    method: 'POST', redirect: 'manual', body: JSON.stringify({ script, ...(more.timeout === undefined ? {} : { timeout: more.timeout }) }), ...(more.signal === undefined ? {} : { signal: more.signal }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}`, ...headers },
  });
}

const FAR = { server_version: '999999999999', 'version-wait-ms': '1' };
const FOR_EVER = { server_version: '999999999999', 'version-wait-ms': '999999999999' };

it('a follower sends the client to the leader, and the leader sends it nowhere: to itself it would come back for ever', async () => {
  const { leader, follower } = await roles();
  const bearer = await token(leader);
  const there = await ask(follower, bearer, 'MATCH (n) RETURN count(n)', FAR);
  expect([there.status, there.headers.get('location')]).toEqual([307, `http://${leader}/cypher`]);
  for (const script of ['MATCH (n) RETURN count(n)', 'CREATE (:Never)']) {
    const here = await ask(leader, bearer, script, FAR);
    expect([here.status, here.headers.get('location')]).toEqual([503, null]);
    expect(await here.json()).toMatchObject({ error_code: 'VersionNotReached', location: '', hint: expect.stringContaining('no server of this group has that') as string });
  }
  const rpc = new RpcClient(used.group.servers.find(({ restAddress }) => restAddress === leader)!.rpcAddress);
  await rpc.login();
  const error = await rpc.run('RETURN 1', { min_version: 999_999_999, version_wait_ms: 1 }).catch((thrown: unknown) => thrown) as ServiceError;
  expect([error.metadata.get('lgraph-code'), error.metadata.get('lgraph-leader-rpc')]).toEqual([['VersionNotReached'], []]);
  rpc.close();
});

it('a wait that is longer than any patience ends when it is killed, when its client leaves, and when the statement has no time left', async () => {
  const { leader } = await roles();
  const bearer = await token(leader);
  const client = await RestClient.login(leader, 'admin', '73@TuGraph');
  const waiting = async () => (await client.cypher(leader, "SHOW TRANSACTIONS YIELD currentQuery, transactionId WHERE currentQuery CONTAINS 'waits' AND NOT currentQuery CONTAINS 'SHOW' RETURN transactionId")).rows.map(([id]) => id as string);

  const killed = ask(leader, bearer, "RETURN 'waits'", FOR_EVER);
  const id = await eventually('it waits', 10_000, async () => (await waiting())[0]);
  await client.cypher(leader, `TERMINATE TRANSACTIONS '${id}'`);
  expect(await (await killed).json()).toMatchObject({ error_code: 'Killed' });

  const leaving = new AbortController();
  const left = ask(leader, bearer, "RETURN 'waits'", FOR_EVER, { signal: leaving.signal }).catch(() => undefined);
  await eventually('it waits', 10_000, async () => (await waiting()).length === 1);
  leaving.abort();
  await left;
  await eventually('it is gone with its client', 10_000, async () => (await waiting()).length === 0);

  const late = await ask(leader, bearer, "RETURN 'waits'", FOR_EVER, { timeout: 0.3 });
  expect(await late.json()).toMatchObject({ error_code: 'VersionNotReached' });
});

it('who brings the version at which he became a user is known to every server', async () => {
  const { leader, follower } = await roles();
  const admin = await RestClient.login(leader, 'admin', '73@TuGraph');
  for (let i = 0; i < 3; i++) {
    const { version } = await admin.cypher(leader, `CALL dbms.security.createUser('new${i}', 'secret')`);
    const bearer = await token(leader, `new${i}`, 'secret');
    const answer = await ask(follower, bearer, 'CALL dbms.security.showCurrentUser()', { server_version: String(version) });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(`new${i}`)]);
  }
  // Without it this server says what it knows; a wrong token is wrong at any version, and soon so.
  expect((await ask(follower, 'no.such.token', 'RETURN 1', { server_version: '1' })).status).toBe(401);
});
