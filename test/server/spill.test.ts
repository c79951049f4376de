/** Temporary files of statements on a real server. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../rest/rest-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'lgraph-server-spill-'));
let server: TestServer;

beforeAll(async () => {
  writeFileSync(join(folder, 'lgraph-spill-1-1-1'), 'of a server that crashed');
  server = await TestServer.start(18_950, ['--query_memory_mb', '1', '--query_spill_dir', folder, '--query_spill_mb', '64']);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const ROWS = 40_000;

async function rowsOf(script: string): Promise<unknown> {
  const { body } = await server.ask('POST', '/cypher', { script });
  const answered = body as { result?: unknown; error_code?: string };
  return answered.result ?? answered.error_code ?? body;
}

it('sorts and groups more than it may hold, in reads and in writes, and leaves nothing behind', async () => {
  expect(readdirSync(folder)).toEqual([]);
  const texts = Array.from({ length: ROWS }, (_, i) => String(((i + 1) * 7919) % 40_009)).sort();
  expect(await rowsOf(`UNWIND range(1, ${ROWS}) AS i WITH toString(i * 7919 % 40009) AS t ORDER BY t SKIP ${ROWS - 3} RETURN t`)).toEqual(texts.slice(-3).map((text) => [text]));
  expect(await rowsOf(`UNWIND range(1, ${ROWS}) AS i WITH i % 30000 AS k, count(*) AS n WITH n, count(*) AS groups RETURN n, groups ORDER BY n`)).toEqual([[1, 20_000], [2, 10_000]]);
  expect(await rowsOf(`UNWIND range(1, ${ROWS}) AS i WITH DISTINCT toString(i % 35000) AS t WITH count(*) AS n CREATE (:Spilled {n: n}) RETURN n`)).toEqual([[35_000]]);
  // One group is one set.
  expect(await rowsOf(`UNWIND range(1, ${ROWS}) AS i RETURN count(DISTINCT toString(i)) AS n`)).toEqual('MemoryLimit');
  expect(readdirSync(folder)).toEqual([]);
  expect(statSync(folder).mode & 0o077).toBe(0);
});
