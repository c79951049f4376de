/** A server with little memory, to which clients do what takes much: it stays below what it may take, and lives. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../rest/rest-server.ts';

const MEMORY_MB = 640;
/** What threads make between two looks. */
const BETWEEN_MB = 64;
const CLIENTS = 6;
let server: TestServer;

beforeAll(async () => {
  // No limit for a statement alone: what all of them hold together is to be the limit.
  server = await TestServer.start(18_990, ['--memory_mb', String(MEMORY_MB), '--query_memory_mb', '4096']);
});
afterAll(async () => {
  await server.stop();
});

const takenMb = () => Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.pid}/status`, 'latin1'))![1]) / 1024;

const HEAVY = [
  'UNWIND range(1, 3000000) AS x WITH collect(x) AS c RETURN size(c)',
  "UNWIND range(1, 600000) AS x WITH collect('text of row ' + x) AS c RETURN size(c)",
  "UNWIND range(1, 1500000) AS x WITH DISTINCT 'k' + x AS k RETURN count(k)",
  'UNWIND range(1, 1000000) AS x WITH {a: x, b: [x]} AS m ORDER BY m.a DESC RETURN count(m)',
  "UNWIND range(1, 150000) AS x CREATE (:Much {x: x, s: 'text of node ' + x})",
];

it.skipIf(process.platform !== 'linux')('ends what would take too much, keeps below its limit, and serves what is small all the while', async () => {
  await server.done('POST', '/cypher', { script: "UNWIND range(1, 50000) AS x CREATE (:N {x: x, s: 'text of node ' + x})" });
  const left = Number(/^lgraph_memory_left_bytes (\d+)$/m.exec((await server.ask('GET', '/metrics')).text)![1]) / 2 ** 20;
  expect(left).toBeGreaterThan(100);
  expect(left + takenMb()).toBeLessThan(MEMORY_MB + BETWEEN_MB);
  const codes: string[] = [];
  let most = 0;
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      most = Math.max(most, takenMb());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = 0; i < HEAVY.length; i++) {
      const { status, body } = await server.ask('POST', '/cypher', { script: HEAVY[(i + client) % HEAVY.length] });
      codes.push(status === 200 ? 'done' : (body as { error_code: string }).error_code);
      expect((await server.ask('POST', '/cypher', { script: 'MATCH (n:N {x: 7}) RETURN n.s' })).body).toMatchObject({ result: [['text of node 7']] });
    }
  }));
  isDone = true;
  await watching;
  expect([...new Set(codes)].filter((code) => code !== 'done')).toEqual(['MemoryLimit']);
  expect(most).toBeLessThan(MEMORY_MB + BETWEEN_MB);
  // What was refused is given back: something of that size alone goes through.
  expect((await server.ask('POST', '/cypher', { script: 'UNWIND range(1, 500000) AS x WITH collect(x) AS c RETURN size(c)' })).body).toMatchObject({ result: [[500_000]] });
}, 300_000);
