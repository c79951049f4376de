/** The limits against abuse, each reached on a real server, which goes on. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../src/cli/rest-client.ts';
import { TestServer } from '../rest/rest-server.ts';

const CONNECTIONS_MAX = 8;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(18_900, [
    '--max_connections', String(CONNECTIONS_MAX), '--http_request_timeout_ms', '1000', '--max_request_bytes', '4096', '--query_memory_mb', '1', '--bolt_auth_timeout_ms', '1000',
    '--max_result_bytes', '65536', '--statement_timeout_ms', '2000', '--http_list_max_bytes', '65536', '--max_graphs', '3',
  ]);
});
afterAll(async () => {
  await server.stop();
});

/** A connection, what it was sent, and whether it was closed. */
async function open(port: number, send?: string | Buffer): Promise<{ socket: Socket; received: () => string; isClosed: () => boolean }> {
  const state = { received: '', isClosed: false };
  const socket = connect(port, '127.0.0.1');
  socket.on('data', (data) => {
    state.received += data.toString('latin1');
  }).on('error', () => undefined).on('close', () => {
    state.isClosed = true;
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve()).once('close', () => resolve());
  });
  if (send !== undefined) socket.write(send);
  return { socket, received: () => state.received, isClosed: () => state.isClosed };
}

const bodyOf = async (script: string, parameters: unknown = {}) => server.ask('POST', '/cypher', { script, parameters });

it.each(['rest', 'bolt'] as const)('closes one connection too many on the %s port, and takes new ones when some have gone', async (name) => {
  const port = server.ports[name];
  const some = await Promise.all(Array.from({ length: CONNECTIONS_MAX + 4 }, () => open(port)));
  await eventually('some closed', 900, async () => some.filter((one) => one.isClosed()).length >= 4);
  expect(some.filter((one) => one.isClosed()).length).toBeLessThan(CONNECTIONS_MAX);
  for (const { socket } of some) socket.destroy();
  await eventually('room again', 5000, async () => {
    const one = await open(port);
    await new Promise((resolve) => setTimeout(resolve, 100));
    one.socket.destroy();
    return !one.isClosed();
  });
});

it('cuts off a request that never ends to arrive, in its head and in its body', async () => {
  const head = await open(server.port, 'POST /login HTTP/1.1\r\nhost: x\r\nx-a: ');
  const body = await open(server.port, 'POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"user":');
  await eventually('both are closed', 15_000, async () => head.isClosed() && body.isClosed());
  expect(head.received()).toMatch(/^HTTP\/1\.1 408 /);
});

it('closes a Bolt connection that does not log in, at whatever it stops', async () => {
  const silent = await open(server.ports.bolt);
  const shaken = await open(server.ports.bolt, Buffer.from('6060b01700000405000000000000000000000000', 'hex'));
  const half = await open(server.ports.bolt, Buffer.from('6060b017', 'hex'));
  const webSocket = await open(server.ports.bolt, 'GET / HTTP/1.1\r\nhost: x\r\n');
  await eventually('they are closed', 15_000, async () => silent.isClosed() && shaken.isClosed() && half.isClosed());
  webSocket.socket.destroy();
});

it('refuses a request that is too large, before it has read it all', async () => {
  expect(await bodyOf(`RETURN '${'x'.repeat(5000)}'`)).toMatchObject({ status: 413, body: { error_code: 'RequestTooLarge' } });
});

it.each([
  ['nested brackets', `RETURN ${'('.repeat(1500)}1${')'.repeat(1500)}`], ['nested lists', `RETURN ${'['.repeat(1500)}${']'.repeat(1500)}`],
  ['a row of NOTs', `RETURN ${'NOT '.repeat(900)}true`], ['a row of signs', `RETURN ${'-'.repeat(1)}${' -'.repeat(1800)}1`], ['nested CASE', `RETURN ${'CASE WHEN true THEN '.repeat(150)}1${' END'.repeat(150)}`],
])('answers %s, or refuses them, and lives', async (_, script) => {
  expect([200, 400]).toContain((await bodyOf(script)).status);
  expect((await bodyOf('RETURN 1')).status).toBe(200);
});

it('answers parameters that are nested deeply, or refuses them, and lives', async () => {
  let nested: unknown = 1;
  for (let i = 0; i < 1900; i++) nested = [nested];
  expect([200, 400]).toContain((await bodyOf('RETURN size($p)', { p: nested })).status);
  expect((await bodyOf('RETURN 1')).status).toBe(200);
});

it('ends a statement that holds more than it may, returns more than it may, or runs longer', async () => {
  expect((await bodyOf('UNWIND range(1, 1000000) AS x RETURN collect(toString(x) + "0123456789") AS l')).body).toMatchObject({ error_code: 'MemoryLimit' });
  expect((await bodyOf("UNWIND range(1, 30000) AS x RETURN 'abcdefgh'")).body).toMatchObject({ error_code: 'RequestTooLarge' });
  expect((await bodyOf('UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN count(*)')).body).toMatchObject({ error_code: 'Timeout' });
});

it('makes no more graphs than it may, and one again when one has gone', async () => {
  const create = (name: string) => bodyOf('CALL dbms.graph.createGraph($name)', { name });
  expect((await create('second')).status).toBe(200);
  expect((await create('third')).status).toBe(200);
  expect((await create('fourth')).body).toMatchObject({ error_code: 'ArgumentError', error_message: expect.stringContaining('there are 3 graphs, no more are allowed') as string });
  expect((await bodyOf('CREATE DATABASE fourth')).body).toMatchObject({ error_code: 'ArgumentError' });
  expect((await bodyOf("CALL dbms.graph.deleteGraph('third')")).status).toBe(200);
  expect((await create('fourth')).status).toBe(200);
});

it('refuses a list that is larger than it may be', async () => {
  const hub = async (hundreds: number) => {
    const { body } = await bodyOf('CREATE (a:Hub) RETURN id(a)');
    const id = (body as { result: number[][] }).result[0]![0]!;
    for (let i = 0; i < hundreds; i++) expect((await bodyOf('MATCH (a) WHERE id(a) = $id UNWIND range(1, 100) AS i CREATE (a)-[:TO]->(a)', { id })).status).toBe(200);
    return id;
  };
  const [small, large] = [await hub(10), await hub(70)];
  expect(await server.ask('GET', `/db/default/node/${small}/relationship/out`)).toMatchObject({ status: 200, body: { length: 1000 } });
  expect(await server.ask('GET', `/db/default/node/${large}/relationship/out`)).toMatchObject({ status: 413, body: { error_code: 'RequestTooLarge', error_message: expect.stringContaining('65536 bytes') as string } });
});
