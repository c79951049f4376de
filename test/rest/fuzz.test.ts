/** 10,000 requests that are wrong in every way against a real server process: it answers each, calls none its own fault, and lives. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Random } from '../../src/base/random.ts';
import { seededRandom } from '../../src/base/random.ts';
import { TestServer } from './rest-server.ts';

const SEED = Number(process.env.SEED ?? 20_240_607);
const REQUESTS = 10_000;
const AT_ONCE = 20;

let server: TestServer;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

beforeAll(async () => {
  server = await TestServer.start(17_530);
  await server.done('POST', '/cypher', { script: "CREATE (:P {name: 'a'})-[:R]->(:P {name: 'b'})" });
});

afterAll(async () => {
  agent.destroy();
  await server.stop();
});

const PATHS = [
  '/login', '/refresh', '/cypher', '/info', '/info/peers', '/task', '/task/1_1', '/user', '/user/admin', '/user/u/role', '/user/u/password', '/role', '/role/r/permissions',
  '/config', '/db', '/db/default', '/db/nowhere', '/db/default/node', '/db/default/node/0', '/db/default/node/0/property/name', '/db/default/node/0/relationship',
  '/db/default/node/0/relationship/all', '/db/default/relationship', '/db/default/relationship/0_1_0_0_0', '/db/default/label', '/db/default/label/node/P', '/db/default/index',
  '/db/default/index/P?field=name&value=a', '/db/default/index/P/name', '/db/default/schema/text', '/db/default/import/text', '/db/default/export', '/db/default/misc/sub_graph',
  '/db/default/cpp_plugin/x', '/get_token_time', '/update_token_time', '/livez', '/readyz', '/metrics', '/', '/nowhere',
] as const;
const FIELDS = [
  'user', 'password', 'script', 'graph', 'parameters', 'timeout', 'name', 'config', 'label', 'property', 'fields', 'values', 'edge', 'destination', 'is_vertex', 'primary',
  'field', 'index_type', 'description', 'data', 'properties', 'vertex_ids', 'role', 'new_password', 'delimiter', 'edge_constraints',
] as const;
const SCALARS: readonly unknown[] = [
  null, true, 0, -1, 1.5, 1e300, 9_007_199_254_740_993, '', 'P', 'x', '`', '\u0000', '__proto__', 'constructor', '😀', '{"schema":[{"label":1}]}', '{"files":[{}]}', '{"files":[{"label":"P","columns":["name"]}]}',
  'RETURN 1', 'MATCH (n', 'CALL dbms.procedures()', 'x'.repeat(3000), { a: 1 }, [1, 2],
];

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;

function anything(random: Random, depth = 0): unknown {
  const kind = random.next();
  if (depth > 3 || kind < 0.5) return pick(random, SCALARS);
  if (kind < 0.65) return Array.from({ length: Math.floor(random.next() * 4) }, () => anything(random, depth + 1));
  return Object.fromEntries(Array.from({ length: Math.floor(random.next() * 6) }, () => [pick(random, FIELDS), anything(random, depth + 1)]));
}

function body(random: Random): string {
  const kind = random.next();
  if (kind < 0.6) return JSON.stringify(Object.fromEntries(FIELDS.filter(() => random.next() < 0.4).map((field) => [field, anything(random, 2)])));
  if (kind < 0.8) return JSON.stringify(anything(random));
  if (kind < 0.9) return JSON.stringify(anything(random)).slice(0, Math.floor(random.next() * 40));
  if (kind < 0.95) return '['.repeat(Math.floor(random.next() * 20_000));
  return Array.from({ length: 50 }, () => String.fromCharCode(Math.floor(random.next() * 256))).join('');
}

function path(random: Random): string {
  const whole: string = pick(random, PATHS);
  if (random.next() < 0.7) return whole;
  const part = pick(random, ['%', '%ff', '%2F', '%00', '99999999999999999999', '-1', '..', '__proto__', 'a'.repeat(500), '?x=%', '%F0%9F%98%80', '']);
  const parts = whole.split('/');
  parts[1 + Math.floor(random.next() * (parts.length - 1))] = part;
  return parts.join('/');
}

interface Outcome {
  readonly what: string;
  readonly status: number;
  readonly text: string;
}

function send(random: Random): Promise<Outcome> {
  // No DELETE of users and graphs the test needs, and no password changes of admin: the wrong bodies see to that.
  const method = pick(random, ['GET', 'POST', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);
  const url = path(random);
  const data = method === 'GET' || method === 'OPTIONS' ? undefined : body(random);
  const headers: Record<string, string> = { authorization: random.next() < 0.9 ? `Bearer ${server.token}` : pick(random, ['', 'Bearer', 'Bearer x.y.z', 'Basic abc']) };
  if (data !== undefined) headers['content-type'] = pick(random, ['application/json', 'application/json', 'application/json', 'text/plain', 'application/xml', '']);
  if (random.next() < 0.1) headers.server_version = pick(random, ['x', '-5', '1e9', '1.5', '0']);
  if (random.next() < 0.05) headers['read-mode'] = pick(random, ['x', 'local', 'linearizable']);
  if (random.next() < 0.05) headers['version-wait-ms'] = pick(random, ['x', '-1', '5']);
  return new Promise((resolve, reject) => {
    const outgoing = request({ port: server.port, host: '127.0.0.1', method, path: url, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ what: `${method} ${url} ${data?.slice(0, 300) ?? ''}`, status: response.statusCode!, text }));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A connection that the server has just closed, after an answer to something it could not read.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve({ what: method, status: 0, text: '' });
      else reject(error);
    });
    outgoing.end(data);
  });
}

function garbage(random: Random): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    const timer = setTimeout(() => socket.destroy(), 200);
    socket.on('error', () => undefined).on('data', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ what: 'garbage', status: 0, text: '' });
    });
    const head = pick(random, ['', 'GET / HTTP/1.1\r\n', 'POST /cypher HTTP/1.1\r\ncontent-length: 99999\r\n\r\n', 'POST /cypher HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n']);
    socket.write(Buffer.concat([Buffer.from(head), Buffer.from(Array.from({ length: 60 }, () => Math.floor(random.next() * 256)))]));
    setTimeout(() => socket.end(), 5);
  });
}

it(`answers ${REQUESTS} wrong requests (SEED=${SEED})`, async () => {
  const random = seededRandom(SEED);
  const ours: Outcome[] = [];
  for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
    const outcomes = await Promise.all(Array.from({ length: AT_ONCE }, () => (random.next() < 0.02 ? garbage(random) : send(random))));
    for (const outcome of outcomes) {
      // A version that no server has is the client's mistake; anything else that cannot be served now is ours.
      if (outcome.status === 500 || (outcome.status === 503 && !outcome.text.includes('VersionNotReached'))) ours.push(outcome);
    }
  }
  expect(ours.slice(0, 5)).toEqual([]);
  expect((await server.ask('POST', '/cypher', { script: 'RETURN 1' })).body).toMatchObject({ result: [[1]] });
}, 300_000);
