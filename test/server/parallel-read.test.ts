/** Long reads that reader threads share, on a real server. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../rest/rest-server.ts';

let together: TestServer;
let alone: TestServer;

beforeAll(async () => {
  together = await TestServer.start(25_140, ['--parallel_read_rows', '1', '--inline_read_rows', '1', '--reader_threads', '3']);
  alone = await TestServer.start(25_160, ['--parallel_read_rows', '0']);
  for (const server of [together, alone]) {
    await rowsOf(server, 'UNWIND range(0, 29999) AS i CREATE (:N {i: i, few: i * 7919 % 13, text: "t" + toString(i * 31 % 700)})');
    await rowsOf(server, 'CREATE INDEX FOR (n:N) ON (n.i)');
    await rowsOf(server, 'MATCH (a:N) MATCH (b:N) WHERE b.i = a.i * 17 % 30000 CREATE (a)-[:T]->(b)');
  }
}, 120_000);
afterAll(async () => {
  await together.stop();
  await alone.stop();
});

async function rowsOf(server: TestServer, script: string, more: object = {}): Promise<unknown> {
  const { body } = await server.ask('POST', '/cypher', { script, ...more });
  const answered = body as { result?: unknown; error_code?: string };
  return answered.result ?? answered.error_code ?? body;
}

it('gives what one thread gives, while others read and write', async () => {
  const texts = [
    'MATCH (n:N) RETURN n.text AS t, count(*) AS c, max(n.i) AS m, sum(n.few) AS s',
    'MATCH (n:N)-[:T]->(m)-[:T]->(o) RETURN m.few AS f, count(DISTINCT o) AS c, min(n.text) AS t',
    "MATCH (n:N) WHERE n.text CONTAINS '7' RETURN count(n) AS c",
    'MATCH (n:N) RETURN max(100 / (n.i - 29000)) AS m',
  ];
  const expected = await Promise.all(texts.map((text) => rowsOf(alone, text)));
  for (let round = 0; round < 4; round++) {
    const writing = rowsOf(together, 'CREATE (:Other)');
    expect(await Promise.all(texts.map((text) => rowsOf(together, text)))).toEqual(expected);
    for (const [i, text] of texts.entries()) expect(await rowsOf(together, text)).toEqual(expected[i]);
    await writing;
  }
}, 120_000);

it('is done by several threads', async () => {
  const helped = async (server: TestServer): Promise<number> => Number(/^lgraph_reads_helped_total (\d+)$/m.exec(String((await server.ask('GET', '/metrics')).body))![1]);
  for (let i = 0; i < 100 && await helped(together) === 0; i++) await rowsOf(together, 'MATCH (n:N)-[:T]->(m) RETURN m.text AS t, sum(n.i) AS s');
  expect(await helped(together)).toBeGreaterThan(0);
  expect(await helped(alone)).toBe(0);
}, 60_000);

const ENDLESS = 'MATCH (a:N)-[:T*1..12]->(b) WHERE a.few + b.few > 3 RETURN count(b.text) AS c, sum(size([x IN range(1, 4000) WHERE x % 7 = b.few])) AS s';

it('ends when its time is over', async () => {
  expect(await rowsOf(together, ENDLESS, { timeout: 0.3 })).toEqual('Timeout');
  expect(await rowsOf(together, 'MATCH (n:N) RETURN count(n.text) AS c')).toEqual([[30_000]]);
}, 60_000);

it('ends when it is killed', async () => {
  const running = rowsOf(together, ENDLESS);
  const task = async (): Promise<string | undefined> => {
    const tasks = (await rowsOf(together, 'CALL dbms.task.listTasks()') as string[][]).map(([text]) => JSON.parse(text!) as { task_id: string; description: string });
    return tasks.find(({ description }) => description.includes('range(1, 4000)'))?.task_id;
  };
  let id = await task();
  while (id === undefined) id = await task();
  await rowsOf(together, `CALL dbms.task.terminateTask('${id}')`);
  expect(await running).toEqual('Killed');
}, 60_000);
