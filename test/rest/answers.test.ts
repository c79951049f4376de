/** The forms of an answer: lines of JSON, gzip, the envelope, and who of other origins may read it. */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../src/cli/rest-client.ts';
import { acceptsGzip, corsFor } from '../../src/rest/answers.ts';
import { TestServer } from './rest-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(19_650, ['--http_cors_origins', 'https://app.example.com, http://127.0.0.1:7070', '--max_result_bytes', '1048576', '--max_request_bytes', '65536']);
});
afterAll(async () => {
  await server.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function post(body: object | string, headers: Readonly<Record<string, string>> = {}, path = '/cypher', method = 'POST'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: server.port, path, method, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject).on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? (typeof body === 'string' ? body : JSON.stringify(body)) : undefined);
  });
}

const LINES = { accept: 'application/x-ndjson' };
const lines = (text: Buffer) => text.toString().trimEnd().split('\n');

describe('an idempotency key', () => {
  const ask = async (...parts: Parameters<typeof post>) => {
    const { status, body } = await post(...parts);
    return { status, json: JSON.parse(body.toString()) };
  };

  it('does not take one request for another that came under the same key', async () => {
    const key = { 'idempotency-key': 'reused' };
    const first = await ask({ script: 'CREATE (n:Reused {a: $a, b: $b}) RETURN n.a', parameters: { a: 1, b: 2 } }, key);
    const again = await ask({ script: 'CREATE (n:Reused {a: $a, b: $b}) RETURN n.a', parameters: { b: 2, a: 1 } }, key);
    expect([again.status, again.json.result]).toEqual([200, first.json.result]);
    for (const other of [
      { script: 'CREATE (n:Reused {a: $a, b: $b}) RETURN n.a', parameters: { a: 1, b: 3 } }, { script: 'CREATE (n:Reused) RETURN 1' },
      { script: 'UNWIND [1, 2] AS x CALL { WITH x CREATE (n:Reused) } IN TRANSACTIONS' },
    ]) {
      const refused = await ask(other, key);
      expect([refused.status, refused.json.error_code]).toEqual([422, 'KeyReused']);
    }
    const path = '/db/default/relationship';
    const [a, b] = [await ask({ label: 'Reused', property: {} }, {}, '/db/default/node'), await ask({ label: 'Reused', property: {} }, {}, '/db/default/node')].map((made) => made.json as number);
    const edge = (source: number, destination: number) => ask({ label: 'R', edge: [{ source, destination }] }, { 'idempotency-key': 'edge' }, path);
    const made = await edge(a!, b!);
    expect([made.status, (await edge(a!, b!)).json]).toEqual([200, made.json]);
    const refused = await edge(b!, a!);
    expect([refused.status, refused.json.error_code]).toEqual([422, 'KeyReused']);
    expect((await ask({ script: 'MATCH (n:Reused) OPTIONAL MATCH (n)-[r]->() RETURN count(n), count(r)' })).json.result).toEqual([[3, 1]]);
  });
});

describe('lines', () => {
  it('refuses an idempotency key that is longer than the state should keep', async () => {
    for (const [length, status] of [[256, 200], [257, 400]] as const) {
      expect([length, (await post({ script: 'CREATE (:K)' }, { 'idempotency-key': 'k'.repeat(length) })).status]).toEqual([length, status]);
      expect([length, (await post({ label: 'K', property: {} }, { 'idempotency-key': 'n'.repeat(length) }, '/db/default/node')).status]).toEqual([length, status]);
    }
  });

  it('has a head, rows and a summary; integers are exact', async () => {
    const { status, headers, body } = await post({ script: 'CREATE (n:L {a: 1}) WITH n UNWIND [1, 9223372036854775807] AS x RETURN n, x' }, LINES);
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    const [head, first, second, last] = lines(body);
    expect(JSON.parse(head!)).toEqual({ columns: ['n', 'x'], type: 'rw' });
    expect(JSON.parse(first!)).toMatchObject([{ label: 'L', properties: { a: 1 } }, 1]);
    expect(second).toMatch(/,9223372036854775807\]$/);
    expect(JSON.parse(last!)).toMatchObject({ summary: { rows: 2, mode: 'run', stats: { nodesCreated: 1 }, version: Number(headers.server_version) } });
  });

  it('goes beyond the limit of answers that are kept whole', async () => {
    const script = "UNWIND range(1, 300) AS a UNWIND range(1, 1000) AS b RETURN a, b, 'some text to make it longer'";
    expect((await post({ script })).status).toBe(413);
    const all = lines((await post({ script }, LINES)).body);
    expect(all.length).toBe(300_002);
    expect(JSON.parse(all.at(-1)!)).toMatchObject({ summary: { rows: 300_000 } });
  });

  it('has the status of an error at the start, and a last line for one in the middle', async () => {
    expect((await post({ script: 'RETRUN 1' }, LINES)).status).toBe(400);
    const { status, body } = await post({ script: 'UNWIND range(1, 30000) AS x RETURN 1 / (29999 - x)' }, LINES);
    expect(status).toBe(200);
    expect(JSON.parse(lines(body).at(-1)!)).toMatchObject({ error: { error_code: 'ArithmeticError' } });
    expect(lines(body).length).toBeGreaterThan(100);
  });

  it('ends the statement whose client leaves', async () => {
    const sent = request({ host: '127.0.0.1', port: server.port, path: '/cypher', method: 'POST', headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', ...LINES } });
    sent.on('error', () => undefined);
    sent.end(JSON.stringify({ script: 'UNWIND range(1, 100000) AS leaver UNWIND range(1, 100000) AS y RETURN leaver' }));
    const response = await new Promise<IncomingMessage>((resolve) => sent.once('response', resolve));
    response.on('error', () => undefined);
    await new Promise((resolve) => response.once('data', resolve));
    response.pause();
    const running = async () => JSON.stringify(await server.done('GET', '/task')).includes('AS leaver');
    expect(await running()).toBe(true);
    sent.destroy();
    await expect.poll(running, { timeout: 10_000 }).toBe(false);
  });
});

describe('gzip', () => {
  const large = { script: 'UNWIND range(1, 5000) AS x RETURN x' };
  it('compresses what is large, for who accepts it', async () => {
    const plain = await post(large);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers.vary).toContain('Accept-Encoding');
    const zipped = await post(large, { 'accept-encoding': 'br, gzip' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.body.length).toBeLessThan(plain.body.length / 2);
    expect((JSON.parse(gunzipSync(zipped.body).toString()) as { size: number }).size).toBe(5000);
    expect((await post({ script: 'RETURN 1' }, { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined();
  });

  it('compresses lines as they come', async () => {
    const { headers, body } = await post(large, { ...LINES, 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(lines(gunzipSync(body)).length).toBe(5002);
  });

  it('reads the header', () => {
    expect(['gzip', 'deflate, gzip;q=0.5', '*', 'GZIP'].map(acceptsGzip)).toEqual([true, true, true, true]);
    expect(['', 'br', 'gzip;q=0', 'gzip;q=0.0, br', undefined].map(acceptsGzip)).toEqual([false, false, false, false, false]);
  });
});

describe('envelope', () => {
  const envelope = { accept: 'application/vnd.lgraph.envelope+json' };
  it('puts answers and errors in one form, with the status beside it', async () => {
    const good = await post({ script: 'RETURN [1] AS x' }, envelope);
    expect(JSON.parse(good.body.toString())).toMatchObject({ errorCode: '200', errorMessage: '', data: { result: [[[1]]] } });
    const bad = await post({ script: 'RETRUN 1' }, envelope);
    expect(bad.status).toBe(400);
    expect(JSON.parse(bad.body.toString())).toMatchObject({ errorCode: '400', errorMessage: expect.stringContaining('RETRUN') as string, data: { error_code: 'SyntaxError' } });
    expect(JSON.parse((await post('', envelope, '/db/default/label', 'GET')).body.toString())).toMatchObject({ errorCode: '200', data: { vertex: expect.anything() as unknown } });
  });
});

describe('other origins', () => {
  it('may read what the list names, and nothing else', async () => {
    const allowed = await post({ script: 'RETURN 1' }, { origin: 'https://app.example.com' });
    expect(allowed.headers).toMatchObject({ 'access-control-allow-origin': 'https://app.example.com', vary: 'Origin' });
    const other = await post({ script: 'RETURN 1' }, { origin: 'https://evil.example.com' });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await post('', { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }, '/cypher', 'OPTIONS');
    expect([preflight.status, preflight.headers['access-control-allow-methods']]).toEqual([200, 'GET, POST, PUT, OPTIONS, DELETE']);
  });

  it('may all, or none', () => {
    expect(corsFor('*')('https://a')['Access-Control-Allow-Origin']).toBe('*');
    expect(corsFor('')('https://a')['Access-Control-Allow-Origin']).toBeUndefined();
    expect(corsFor('https://a/')('https://A')['Access-Control-Allow-Origin']).toBe('https://A');
  });
});

it('names the limit of a request that is too large', async () => {
  const { status, body } = await post({ script: `RETURN '${'x'.repeat(70_000)}'` });
  expect(status).toBe(413);
  expect(body.toString()).toContain('max_request_bytes');
});

describe('a body', () => {
  const send = async (body: Buffer, headers: object = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/cypher`, { method: 'POST', body, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', ...headers } });
    return { status: response.status, body: await response.json() as Record<string, unknown> };
  };

  it('is UTF-8: nothing is stored that was not understood', async () => {
    const latin = Buffer.from('{"script": "RETURN \'caf\u00e9\' AS x"}', 'latin1');
    expect(await send(latin)).toMatchObject({ status: 400, body: { error_code: 'InvalidRequest', error_message: 'Failed to extract JSON: the body is not UTF-8' } });
    expect(await send(Buffer.from('{"script": "RETURN \'caf\u00e9\' AS x"}'))).toMatchObject({ status: 200, body: { result: [['caf\u00e9']] } });
    // As some editors and shells begin a file.
    expect(await send(Buffer.from('\uFEFF{"script": "RETURN 1 AS x"}'))).toMatchObject({ status: 200, body: { result: [[1]] } });
  });

  it('that is compressed, or of another type, is refused in words', async () => {
    expect(await send(gzipSync('{"script": "RETURN 1"}'), { 'content-encoding': 'gzip' })).toMatchObject({ status: 400, body: { error_message: 'the body is in the content-encoding "gzip"' } });
    expect(await send(Buffer.from('script=RETURN+1'), { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({ status: 400, body: { hint: 'send JSON, with the content-type application/json' } });
  });
});

it('answers what is no request of HTTP in the form of every other error', async () => {
  const answer = (text: string) => new Promise<{ status: string; body: unknown }>((resolve, reject) => {
    let all = '';
    connect(server.port, '127.0.0.1').on('data', (data) => {
      all += data.toString();
    }).on('close', () => {
      const [head, body] = all.split('\r\n\r\n') as [string, string];
      resolve({ status: head.slice(9, 12), body: JSON.parse(body) });
    }).on('error', reject).end(text);
  });
  expect(await answer('FOO /cypher HTTP/1.1\r\nhost: x\r\n\r\n')).toMatchObject({ status: '400', body: { error_code: 'InvalidRequest' } });
  expect(await answer(`GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatchObject({ status: '431', body: { error_message: 'the head of the request is too long' } });
});

describe('a client that leaves', () => {
  /** Sends a request and, behind it, what is none: the server breaks the connection while it works on the request. */
  const leave = (path: string, body: object, accept: string) => new Promise<void>((resolve) => {
    const text = JSON.stringify(body);
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.token}\r\ncontent-type: application/json\r\naccept: ${accept}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}no request\r\n\r\n`);
    });
    socket.on('error', () => undefined).on('close', () => resolve()).resume();
  });

  it('before the first rows leaves no statement behind', async () => {
    const running = async () => (await server.done('POST', '/cypher', { script: 'CALL dbms.task.listTasks()' }) as { result: unknown[] }).result.length;
    for (let round = 0; round < 5; round++) {
      // Statements that speak of the group wait for a look at it before they run.
      await leave('/db/default/export', { label: 'CALL dbms.procedures()', is_vertex: true, properties: ['a'] }, '*/*');
      await leave('/cypher', { script: 'MATCH (n) RETURN n, \'dbms\'' }, 'application/x-ndjson');
      await leave('/cypher', { script: 'MATCH (n) RETURN n, \'dbms\'' }, 'application/json');
      await leave('/export', { format: 'json' }, '*/*');
    }
    await eventually('only the question itself runs', 10_000, async () => await running() === 1);
  });

  it('while its answer stands in line behind another one as well', async () => {
    const running = async () => (await server.done('POST', '/cypher', { script: 'CALL dbms.task.listTasks()' }) as { result: unknown[] }).result.length;
    const ask = (script: string, accept: string): string => {
      const text = JSON.stringify({ script });
      return `POST /cypher HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.token}\r\ncontent-type: application/json\r\naccept: ${accept}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    };
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(ask('UNWIND range(1, 1000000000) AS x RETURN count(x % 3)', 'application/json') + ask('UNWIND range(1, 1000000) AS x RETURN x, \'0123456789\'', 'application/x-ndjson'));
    });
    socket.on('error', () => undefined);
    await eventually('both run', 10_000, async () => await running() === 3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.destroy();
    await eventually('only the question itself runs', 10_000, async () => await running() === 1);
  });
});
