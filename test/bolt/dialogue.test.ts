import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWebSocketStream, WebSocket } from 'ws';
import { BoltServer } from '../../src/bolt/bolt-server.ts';
import { BareClient } from './client.ts';
import { FakeDoor } from './fake-door.ts';

let door: FakeDoor;
let server: BoltServer;
const clients: BareClient[] = [];

function client(): BareClient {
  const one = new BareClient(server.port);
  clients.push(one);
  return one;
}

async function loggedIn(minor = 8): Promise<BareClient> {
  const one = client();
  await one.login(minor);
  return one;
}

beforeEach(async () => {
  door = new FakeDoor();
  server = new BoltServer(door, { host: '127.0.0.1', port: 0, messageBytesMax: 1_000_000, authTimeoutMs: 300, writeTimeoutMs: 60_000, connectionsMax: 5, log: () => undefined });
  await server.start();
});

afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await server.stop();
});

it('agrees on the newest version of what the client offers', async () => {
  expect(await client().handshake(5, 8, 8)).toBe('5.8');
  expect(await client().handshake(5, 3, 0)).toBe('5.3');
  expect(await client().handshake(5, 12, 8)).toBe('5.8');
  expect(await client().handshake(4, 4, 2)).toBe('4.4');
});

it('answers zeros and closes when no version fits', async () => {
  const one = client();
  expect(await one.handshake(3, 0, 0)).toBe('0.0');
  await one.ended();
  const newer = client();
  expect(await newer.handshake(5, 12, 2)).toBe('0.0');
});

it('offers its versions as a manifest to those who ask', async () => {
  const one = client();
  one.socket.write(Buffer.from('6060b017' + '000001ff' + '00080805' + '00020404' + '00000003', 'hex'));
  expect((await one.raw(14)).toString('hex')).toBe('000001ff' + '02' + '00080805' + '00040404' + '00');
  one.socket.write(Buffer.from('0000070500', 'hex'));
});

it('logs in with HELLO alone before 5.1, with LOGON after', async () => {
  const old = client();
  await old.handshake(4, 4, 0);
  const hello = await old.ask('HELLO', { user_agent: 'x', scheme: 'basic', principal: 'admin', credentials: 'right', patch_bolt: ['utc'] });
  expect(hello).toMatchObject({ name: 'SUCCESS', data: { server: 'Neo4j/5.26.0-lgraph-1.2.3', patch_bolt: ['utc'] } });
  expect((await old.ask('RUN', 'RANGE 1', {}, {})).name).toBe('SUCCESS');
  const one = client();
  await one.handshake();
  expect((await one.ask('HELLO', { user_agent: 'x' })).name).toBe('SUCCESS');
  expect((await one.ask('LOGON', { scheme: 'bearer', credentials: 'right' })).name).toBe('SUCCESS');
});

it('refuses a wrong password and closes', async () => {
  const one = client();
  await one.handshake(5, 4, 0);
  await one.ask('HELLO', { user_agent: 'x' });
  const answer = await one.ask('LOGON', { scheme: 'basic', principal: 'admin', credentials: 'wrong' });
  expect(answer).toMatchObject({ name: 'FAILURE', data: { code: 'Neo.ClientError.Security.Unauthorized' } });
  await one.ended();
});

it('refuses nobody in particular, unless authentication is disabled', async () => {
  const one = client();
  await one.handshake();
  await one.ask('HELLO', { user_agent: 'x' });
  expect((await one.ask('LOGON', { scheme: 'none' })).name).toBe('FAILURE');
  await one.ended();
});

it('closes on those who do not log in', async () => {
  const silent = client();
  const one = client();
  await one.handshake();
  await Promise.all([silent.ended(), one.ended()]);
});

it('takes so many connections and no more', async () => {
  for (let i = 0; i < 5; i++) await loggedIn();
  await client().ended();
});

it('gives rows in the amounts that are asked for', async () => {
  const one = await loggedIn();
  expect((await one.ask('RUN', 'RANGE 2500', {}, {})).data).toMatchObject({ fields: ['x'] });
  const first = await one.rows('PULL', { n: 700 });
  expect([first.rows.length, first.last]).toEqual([700, { has_more: true }]);
  const second = await one.rows('PULL', { n: 1500 });
  expect([second.rows[0], second.rows.length, second.last]).toEqual([[700], 1500, { has_more: true }]);
  const third = await one.rows('PULL', { n: 1000 });
  expect([third.rows.at(-1), third.rows.length, third.last]).toMatchObject([[2499], 300, { type: 'r', bookmark: 'lgraph:7', db: 'default' }]);
});

it('answers RUN and PULL that come together, and the next pair', async () => {
  const one = await loggedIn();
  one.send(['RUN', 'RANGE 3', {}, {}], ['PULL', { n: -1 }], ['RUN', 'RANGE 2', {}, {}], ['PULL', { n: -1 }]);
  expect(await one.names(4)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
});

it('says what a write did', async () => {
  const one = await loggedIn(4);
  await one.ask('RUN', 'WRITE', {}, {});
  expect((await one.rows('PULL', { n: -1 })).last).toMatchObject({
    type: 'w', bookmark: 'lgraph:8', stats: { 'nodes-created': 1, 'contains-updates': true }, notifications: [{ code: 'Neo.X' }],
  });
});

it('tells statuses instead of notifications from 5.5 on', async () => {
  const one = await loggedIn(6);
  await one.ask('RUN', 'RANGE 0', {}, {});
  const { last } = await one.rows('PULL', { n: -1 });
  expect(last.notifications).toBeUndefined();
  expect(last.statuses).toMatchObject([{ gql_status: '02000' }, { gql_status: '01N42', neo4j_code: 'Neo.X' }]);
});

it('keeps from a client what it does not want to be told, statement by statement', async () => {
  const one = await loggedIn(6);
  const codes = async (extra: Record<string, unknown>): Promise<unknown[]> => {
    await one.ask('RUN', 'RANGE 0', {}, extra);
    const { last } = await one.rows('PULL', { n: -1 });
    return (last.statuses as { neo4j_code?: string }[]).flatMap(({ neo4j_code: code }) => code ?? []);
  };
  expect(await codes({})).toEqual(['Neo.X']);
  expect(await codes({ notifications_minimum_severity: 'OFF' })).toEqual([]);
  expect(await codes({ notifications_minimum_severity: 'WARNING' })).toEqual(['Neo.X']);
  expect(await codes({ notifications_disabled_categories: ['GENERIC'] })).toEqual([]);
  expect(await codes({ notifications_disabled_classifications: ['HINT', 'GENERIC'] })).toEqual([]);
  expect(await codes({ notifications_disabled_classifications: ['HINT'] })).toEqual(['Neo.X']);
  expect(await codes({ notifications_disabled_classifications: [] })).toEqual(['Neo.X']);
});

it('discards a read where it is, and keeps several results of a transaction apart', async () => {
  const one = await loggedIn();
  expect((await one.ask('BEGIN', { mode: 'r', db: 'movies', bookmarks: ['lgraph:3', 'lgraph:5'] })).name).toBe('SUCCESS');
  expect((await one.ask('RUN', 'RANGE 5000', {}, {})).data).toMatchObject({ qid: 0 });
  expect((await one.ask('RUN', 'RANGE 10', {}, {})).data).toMatchObject({ qid: 1 });
  expect((await one.rows('PULL', { n: 2, qid: 0 })).rows).toEqual([[0], [1]]);
  expect((await one.rows('PULL', { n: -1 })).rows).toHaveLength(10);
  expect((await one.rows('PULL', { n: 1, qid: 0 })).rows).toEqual([[2]]);
  expect((await one.ask('DISCARD', { n: -1, qid: 0 })).data).not.toHaveProperty('bookmark');
  expect((await one.ask('COMMIT')).data).toEqual({ bookmark: 'lgraph:8' });
  expect(door.log).toEqual(['begin read movies 5', 'run RANGE 5000 movies', 'run RANGE 10 movies', 'discard', 'commit']);
});

it('ignores what follows a failure until RESET', async () => {
  const one = await loggedIn(4);
  one.send(['RUN', 'FAIL SyntaxError', {}, {}], ['PULL', { n: -1 }], ['RUN', 'RANGE 1', {}, {}]);
  expect(await one.answer()).toEqual({
    name: 'FAILURE', data: { code: 'Neo.ClientError.Statement.SyntaxError', message: 'SyntaxError: UndefinedVariable: it failed (do better)' },
  });
  expect(await one.names(2)).toEqual(['IGNORED', 'IGNORED']);
  expect((await one.ask('RESET')).name).toBe('SUCCESS');
  expect((await one.ask('RUN', 'RANGE 1', {}, {})).name).toBe('SUCCESS');
});

it('says GQL statuses of failures from 5.7 on', async () => {
  const one = await loggedIn(7);
  expect((await one.ask('RUN', 'FAIL SyntaxError', {}, {})).data).toMatchObject({ neo4j_code: 'Neo.ClientError.Statement.SyntaxError', gql_status: '42001' });
});

it('has drivers retry only what is safe', async () => {
  const one = await loggedIn(4);
  const code = async (...message: Parameters<BareClient['ask']>) => {
    const { data } = await one.ask(...message);
    await one.ask('RESET');
    return (data as { code: string }).code;
  };
  expect(await code('RUN', 'FAIL OutcomeUnknown', {}, {})).toBe('Neo.DatabaseError.Transaction.TransactionCommitFailed');
  expect(await code('RUN', 'FAIL OutcomeUnknown', {}, { tx_metadata: { idempotency_key: 'k' } })).toBe('Neo.TransientError.Transaction.Outdated');
  expect(await code('RUN', 'FAIL NotLeader', {}, {})).toBe('Neo.TransientError.Cluster.NotALeader');
  await one.ask('BEGIN', {});
  expect(await code('RUN', 'FAIL OutcomeUnknown', {}, {})).toBe('Neo.TransientError.Transaction.Outdated');
  await one.ask('BEGIN', { db: 'lost' });
  expect(await code('COMMIT')).toBe('Neo.DatabaseError.Transaction.TransactionCommitFailed');
  const routing = client();
  await routing.handshake(5, 4, 0);
  await routing.ask('HELLO', { routing: {} });
  await routing.ask('LOGON', { scheme: 'basic', principal: 'admin', credentials: 'right' });
  expect((await routing.ask('RUN', 'FAIL NotLeader', {}, {})).data).toMatchObject({ code: 'Neo.ClientError.Cluster.NotALeader' });
});

it('kills what runs when a RESET comes', async () => {
  const one = await loggedIn();
  one.send(['RUN', 'HANG', {}, {}], ['PULL', { n: -1 }]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.send(['RESET'], ['RUN', 'RANGE 1', {}, {}]);
  expect(await one.names(4)).toEqual(['IGNORED', 'IGNORED', 'SUCCESS', 'SUCCESS']);
  expect(door.log).toContain('kill');
});

it('rolls back and kills when the client goes', async () => {
  const one = await loggedIn();
  await one.ask('BEGIN', {});
  one.send(['RUN', 'HANG', {}, {}]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.close();
  await expect.poll(() => door.log).toEqual(['begin write', 'run HANG default', 'kill', 'rollback']);
});

it('refuses a bookmark of another database, clearly', async () => {
  const one = await loggedIn(4);
  expect((await one.ask('RUN', 'RANGE 1', {}, { bookmarks: ['FB:kcwQ'] })).data).toMatchObject({ code: 'Neo.ClientError.Transaction.InvalidBookmark' });
});

it('takes what drivers call the default database for ours', async () => {
  const one = await loggedIn();
  for (const db of ['neo4j', 'system', null, '']) {
    await one.ask('RUN', 'RANGE 0', {}, { db });
    expect((await one.rows('PULL', { n: -1 })).last.db).toBe('default');
  }
});

it('routes to itself when it is alone, under the name the client used', async () => {
  const one = await loggedIn();
  expect((await one.ask('ROUTE', { address: 'db.example:7687' }, [], { db: 'movies' })).data).toEqual({
    rt: {
      ttl: 10, db: 'movies',
      servers: ['WRITE', 'READ', 'ROUTE'].map((role) => ({ role, addresses: ['db.example:7687'] })),
    },
  });
});

it('routes drivers that call a procedure for it', async () => {
  const old = client();
  await old.handshake(4, 2, 0);
  await old.ask('HELLO', { user_agent: 'x', scheme: 'basic', principal: 'admin', credentials: 'right' });
  await old.ask('RUN', 'CALL dbms.routing.getRoutingTable($context, $database)', { context: { address: 'a:1' }, database: null }, { mode: 'r', db: 'system' });
  expect((await old.rows('PULL', { n: -1 })).rows).toEqual([[10, ['WRITE', 'READ', 'ROUTE'].map((role) => ({ role, addresses: ['a:1'] }))]]);
});

it('routes writes to the leader and reads to the others', async () => {
  const peer = (nodeId: string, state: string, isSelf = false) => ({
    nodeId, state, isSelf, boltAddress: `${nodeId}:7687`, rpcAddress: '', restAddress: '', isWitness: nodeId === 'n4', serverVersion: '', isVoter: true,
    role: 'follower' as const, matchIndex: 0, appliedIndex: 0, lastContactMs: 0,
  });
  door.status_ = { enabled: true, leaderId: 'n2', peers: [peer('n1', 'FOLLOW', true), peer('n2', 'MASTER'), peer('n3', 'OFFLINE'), peer('n4', 'FOLLOW')] };
  const one = await loggedIn();
  expect((await one.ask('ROUTE', {}, [], {})).data).toMatchObject({
    rt: { servers: [{ role: 'WRITE', addresses: ['n2:7687'] }, { role: 'READ', addresses: ['n1:7687'] }, { role: 'ROUTE', addresses: ['n1:7687', 'n2:7687'] }] },
  });
});

it('speaks over a WebSocket on the same port', async () => {
  const stream = createWebSocketStream(new WebSocket(`ws://127.0.0.1:${server.port}`));
  const one = new BareClient(stream);
  await one.login();
  await one.ask('RUN', 'RANGE 2500', {}, {});
  expect((await one.rows('PULL', { n: -1 })).rows).toHaveLength(2500);
  one.close();
});

it('tells a web browser what this port is', async () => {
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  expect([response.status, await response.text()]).toEqual([426, expect.stringContaining('Bolt')]);
});

it('closes on a message that has no place', async () => {
  const one = await loggedIn(4);
  expect((await one.ask('COMMIT')).data).toMatchObject({ code: 'Neo.ClientError.Request.Invalid' });
  await one.ended();
});

it('goes on after a parameter that cannot be', async () => {
  const one = await loggedIn(4);
  // A date of a text.
  one.socket.write(Buffer.from('000fb310' + '844543484f' + 'a18178' + 'b14481' + '79' + 'a0' + '0000', 'hex'));
  expect((await one.answer()).name).toBe('FAILURE');
  expect((await one.ask('RESET')).name).toBe('SUCCESS');
});

it('refuses a message beyond its limit before it is here', async () => {
  const one = await loggedIn(4);
  one.socket.write(Buffer.concat(Array.from({ length: 17 }, () => Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.alloc(65_535)]))));
  expect((await one.answer()).data).toMatchObject({ message: expect.stringContaining('longer than 1000000 bytes') as unknown });
  await one.ended();
});

it('streams no faster than the client takes it', async () => {
  const one = await loggedIn();
  await one.ask('RUN', 'RANGE 2000000', {}, {});
  const before = process.memoryUsage().rss;
  one.socket.pause();
  one.send(['PULL', { n: -1 }]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  one.send(['RESET']);
  one.socket.resume();
  expect(await one.names(2)).toEqual(['IGNORED', 'SUCCESS']);
});

it('ends idle connections when it drains, others when they are done', async () => {
  const idle = await loggedIn();
  const busy = await loggedIn();
  await busy.ask('BEGIN', {});
  await server.drain();
  await idle.ended();
  expect((await busy.ask('RUN', 'WRITE', {}, {})).name).toBe('SUCCESS');
  expect((await busy.ask('COMMIT')).name).toBe('SUCCESS');
  await busy.ended();
});

it('brings a login to its end when it drains, and then ends', async () => {
  const early = client();
  await early.handshake();
  const half = client();
  await half.handshake();
  expect((await half.ask('HELLO', { user_agent: 'x' })).name).toBe('SUCCESS');
  await server.drain();
  expect(server.loginsUnderWay).toBe(2);
  expect((await half.ask('LOGON', { scheme: 'bearer', credentials: 'right' })).name).toBe('SUCCESS');
  await half.ended();
  expect((await early.ask('HELLO', { user_agent: 'x' })).name).toBe('SUCCESS');
  expect((await early.ask('LOGON', { scheme: 'bearer', credentials: 'right' })).name).toBe('SUCCESS');
  await early.ended();
  expect(server.loginsUnderWay).toBe(0);
});
