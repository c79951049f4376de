/** Bolt over a WebSocket at /bolt of the HTTP port: everything behind one port. */
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWebSocketStream, WebSocket } from 'ws';
import { BareClient } from '../bolt/client.ts';
import { TestServer } from './rest-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(26_900);
});
afterAll(() => server.stop());

async function speak(socket: WebSocket): Promise<unknown[]> {
  const one = new BareClient(createWebSocketStream(socket));
  await one.login(8, '73@TuGraph');
  await one.ask('RUN', 'UNWIND range(1, 3) AS n RETURN n', {}, {});
  const { rows } = await one.rows('PULL', { n: -1 });
  one.close();
  return rows;
}

/** What comes back over a plain connection until it says `end`. */
async function raw(socket: net.Socket, text: string, end: RegExp): Promise<string> {
  socket.write(text);
  let answer = '';
  while (!end.test(answer)) answer += String((await once(socket, 'data'))[0]);
  return answer;
}

it('speaks Bolt', async () => {
  expect(await speak(new WebSocket(`ws://127.0.0.1:${server.port}/bolt`))).toEqual([[1], [2], [3]]);
});

it('also on a connection that has made requests before, as a proxy keeps them', async () => {
  const socket = net.connect(server.port, '127.0.0.1');
  await raw(socket, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', /\r\n\r\n/);
  expect(await speak(new WebSocket(`ws://127.0.0.1:${server.port}/bolt?from=proxy`, { createConnection: () => socket }))).toEqual([[1], [2], [3]]);
});

it('nowhere else', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/cypher`);
  const [error] = await once(socket, 'error') as [Error];
  expect(error.message).toContain('404');
});

it('answers a request that offers another protocol, with its body, as if it did not', async () => {
  const socket = net.connect(server.port, '127.0.0.1');
  const body = JSON.stringify({ user: 'admin', password: '73@TuGraph' });
  const head = `POST /login HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  expect(await raw(socket, head + body, /"jwt"/)).toMatch(/^HTTP\/1\.1 200 /);
  // And the connection goes on.
  expect(await raw(socket, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', /200 OK/)).toContain('200 OK');
  socket.destroy();
});
