/** A leader answers a write before its store has it: nobody who asks that server after that may miss it, whatever they say they have seen. */
import neo4j from 'neo4j-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../rest/rest-server.ts';

const ROWS = 20_000;
let server: TestServer;
let driver: ReturnType<typeof neo4j.driver>;
let written = 0;

beforeAll(async () => {
  server = await TestServer.start(25_180);
  driver = neo4j.driver(`bolt://127.0.0.1:${server.ports.bolt}`, neo4j.auth.basic('admin', '73@TuGraph'), { disableLosslessIntegers: true });
  await server.done('POST', '/cypher', { script: 'CREATE (:N {i: -1, text: ""})' });
  written = 1;
}, 60_000);
afterAll(async () => {
  await driver.close();
  await server.stop();
});

/** Enough that it takes a while until the store has it. */
async function write(): Promise<void> {
  await server.done('POST', '/cypher', { script: `UNWIND range(1, ${ROWS}) AS i CREATE (:N {i: i, text: 't' + toString(i)})` });
  written += ROWS;
}

const COUNT = 'MATCH (n:N) RETURN count(n) AS c';

it('finds it in a statement', async () => {
  for (let round = 0; round < 5; round++) {
    await write();
    expect(await server.done('POST', '/cypher', { script: COUNT })).toMatchObject({ result: [[written]] });
  }
}, 60_000);

/** In a session that has no bookmark of it. */
async function countIn(mode: 'READ' | 'WRITE'): Promise<number> {
  const session = driver.session({ defaultAccessMode: mode });
  try {
    const work = async (tx: { run(text: string): Promise<{ records: { get(name: string): unknown }[] }> | PromiseLike<{ records: { get(name: string): unknown }[] }> }) => (await tx.run(COUNT)).records[0]!.get('c') as number;
    return mode === 'READ' ? await session.executeRead(work) : await session.executeWrite(async (tx) => {
      await tx.run('CREATE (:Other)');
      return work(tx);
    });
  } finally {
    await session.close();
  }
}

it('finds it in transactions that read or write', async () => {
  for (let round = 0; round < 3; round++) {
    for (const mode of ['READ', 'WRITE'] as const) {
      await write();
      expect(await countIn(mode)).toBe(written);
    }
  }
}, 60_000);

it('finds it in CALL { } IN TRANSACTIONS', async () => {
  await write();
  const found = await server.done('POST', '/cypher', { script: 'MATCH (n:N) WITH count(n) AS c CALL { WITH c CREATE (:Found {c: c}) } IN TRANSACTIONS RETURN c' });
  expect(found).toMatchObject({ result: [[written]] });
}, 60_000);

it('finds it in an export', async () => {
  const exported = () => server.ask('POST', '/export', { graphs: ['default'], format: 'csv' });
  // The thread that makes exports is started with the first.
  await exported();
  await write();
  const { text } = await exported();
  expect(text.match(/t20000\b/g)).toHaveLength((written - 1) / ROWS);
}, 60_000);
