/** GET /metrics of a real server: what a scraper gets after known work, and who gets it. */
import neo4j from 'neo4j-driver';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../src/cli/rest-client.ts';
import { LatencyHistogram } from '../../src/base/histogram.ts';
import { ThreadStatsTable } from '../../src/server/thread-stats.ts';
import { TestServer } from '../rest/rest-server.ts';
import { RpcClient } from '../rpc/client.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(18_500, ['--enable_rpc', 'true']);
});

afterAll(async () => {
  await server.stop();
});

/** The samples of a page by name and labels. */
function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line);
    if (match === null) throw new Error(`not a sample: ${line}`);
    found.set(match[1]!, Number(match[2]));
  }
  return found;
}

const scrape = async () => samples((await server.ask('GET', '/metrics', undefined, '')).text);

it('counts statements by protocol and kind, and errors by code', async () => {
  const before = await scrape();
  const count = (page: Map<string, number>, protocol: string, kind: string) => page.get(`lgraph_statement_seconds_count{protocol="${protocol}",kind="${kind}"}`) ?? 0;
  await server.done('POST', '/cypher', { script: 'CREATE (n:M)' });
  await server.done('POST', '/cypher', { script: 'MATCH (n:M) RETURN n' });
  await server.done('POST', '/cypher', { script: 'CALL dbms.graph.listGraphs()' });
  expect((await server.ask('POST', '/cypher', { script: 'RETURN 1 +' })).status).toBe(400);
  const driver = neo4j.driver(`bolt://127.0.0.1:${server.ports.bolt}`, neo4j.auth.basic('admin', '73@TuGraph'));
  await driver.executeQuery('MATCH (n:M) RETURN n', {}, { routing: 'READ' });
  const after = await scrape();
  await driver.close();
  expect(count(after, 'rest', 'write') - count(before, 'rest', 'write')).toBe(1);
  expect(count(after, 'rest', 'read') - count(before, 'rest', 'read')).toBe(1);
  expect(count(after, 'rest', 'procedure') - count(before, 'rest', 'procedure')).toBe(1);
  expect(count(after, 'bolt', 'read') - count(before, 'bolt', 'read')).toBe(1);
  expect(after.get('lgraph_statement_errors_total{protocol="rest",code="SyntaxError"}')).toBe(1);
  expect(after.get('lgraph_statement_seconds_bucket{protocol="rest",kind="write",le="+Inf"}')).toBe(count(after, 'rest', 'write'));
  expect(after.get('lgraph_connections{protocol="bolt"}')).toBeGreaterThanOrEqual(1);
});

it('counts calls of gRPC clients by method and end, and their statements', async () => {
  const client = new RpcClient(`127.0.0.1:${server.ports.rpc}`);
  const before = await scrape();
  await expect(client.run('RETURN 1')).rejects.toThrow(/UNAUTHENTICATED/);
  await client.login();
  await client.run('RETURN 1');
  await client.run('RETURN 2');
  await expect(client.run('RETURN 1 +')).rejects.toThrow(/INVALID_ARGUMENT/);
  const endless = client.stream({ statement: 'UNWIND range(1, 10000000) AS a UNWIND range(1, 10000) AS b RETURN count(a + b)' });
  endless.on('error', () => undefined);
  await eventually('it runs', 20_000, async () => (await scrape()).get('lgraph_rpc_calls_running') === 1);
  endless.cancel();
  const calls = (page: Map<string, number>, method: string, code: string) => page.get(`lgraph_rpc_calls_total{method="${method}",code="${code}"}`) ?? 0;
  await eventually('it has ended', 20_000, async () => calls(await scrape(), 'Lgraph/Run', 'CANCELLED') === 1);
  const after = await scrape();
  client.close();
  expect(calls(after, 'Lgraph/Login', 'OK') - calls(before, 'Lgraph/Login', 'OK')).toBe(1);
  expect(calls(after, 'Lgraph/Run', 'OK')).toBe(2);
  expect(calls(after, 'Lgraph/Run', 'UNAUTHENTICATED')).toBe(1);
  expect(calls(after, 'Lgraph/Run', 'INVALID_ARGUMENT')).toBe(1);
  expect(after.get('lgraph_rpc_calls_running')).toBe(0);
  expect(after.get('lgraph_statement_seconds_count{protocol="rpc",kind="read"}')).toBeGreaterThanOrEqual(2);
});

it('shows consensus, threads, memory, caches and files', async () => {
  await server.done('POST', '/cypher', { script: 'CREATE (n:M)' });
  const page = await scrape();
  expect(page.get('lgraph_raft_role{role="leader"}')).toBe(1);
  expect(page.get('lgraph_raft_applied_index')).toBeGreaterThan(0);
  expect(page.get('lgraph_raft_commit_index')).toBeGreaterThanOrEqual(page.get('lgraph_raft_applied_index')!);
  expect(page.get('lgraph_raft_fsync_seconds_count')).toBeGreaterThan(0);
  expect(page.get('lgraph_raft_append_seconds_count')).toBeGreaterThan(0);
  for (const thread of ['main', 'writer', 'reader', 'reader 2', 'consensus']) {
    expect(page.get(`lgraph_heap_bytes{thread="${thread}"}`), thread).toBeGreaterThan(1e6);
    expect(page.get(`lgraph_event_loop_delay_seconds{thread="${thread}",stat="p99"}`), thread).toBeGreaterThanOrEqual(0);
  }
  expect(page.get('lgraph_cache_bytes{thread="main"}')).toBeGreaterThan(0);
  for (const part of ['state', 'log']) expect(page.get(`lgraph_store_bytes{part="${part}"}`), part).toBeGreaterThan(0);
  expect(page.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
});

it('names nothing of what is stored', async () => {
  await server.done('POST', '/db', { name: 'secretgraph' });
  await server.done('POST', '/user', { user: 'secretuser', password: 'secretword' });
  await server.done('POST', '/cypher', { graph: 'secretgraph', script: "CREATE (n:secretlabel {secretfield: 'secretvalue'})" });
  expect((await server.ask('GET', '/metrics', undefined, '')).text).not.toContain('secret');
});

it('has only names in the dashboard that the page has', async () => {
  const names = new Set([...(await server.ask('GET', '/metrics', undefined, '')).text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
  const dashboard = readFileSync(resolve(import.meta.dirname, '../../deploy/grafana.json'), 'utf8');
  const used = new Set([...dashboard.matchAll(/\b((?:lgraph|process)_[a-z_]+)/g)].map(([, name]) => name!.replace(/_(bucket|count|sum)$/, '')));
  expect(used.size).toBeGreaterThan(10);
  // These are there only in a group, while something is under way, or after an error.
  const sometimes = ['lgraph_raft_peer_lag_entries', 'lgraph_raft_peer_last_contact_seconds', 'lgraph_snapshot_bytes', 'lgraph_snapshot_bytes_all', 'lgraph_security_events_total', 'lgraph_statement_errors_total', 'lgraph_rpc_calls_total'];
  expect([...used].filter((name) => !names.has(name) && !sometimes.includes(name))).toEqual([]);
});

it('is for those who have its token, or an admin', async () => {
  const guarded = await TestServer.start(18_540, ['--metrics_token', 'scrape-me']);
  try {
    expect((await guarded.ask('GET', '/metrics', undefined, '')).status).toBe(401);
    expect((await guarded.ask('GET', '/metrics', undefined, 'scrape-you')).status).toBe(401);
    expect((await guarded.ask('GET', '/metrics', undefined, 'scrape-me')).status).toBe(200);
    expect((await guarded.ask('GET', '/metrics')).status).toBe(200);
    await guarded.done('POST', '/user', { user: 'ada', password: 'x' });
    expect((await guarded.ask('GET', '/metrics', undefined, await guarded.login('ada', 'x'))).status).toBe(403);
  } finally {
    await guarded.stop();
  }
});

it('puts each duration into the bucket that holds it', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0.05, 0.1, 0.11, 999, 60_000, 60_001]) histogram.add(ms);
  const { counts, sumMs } = histogram.buckets;
  expect(counts[0]).toBe(2);
  expect(counts[1]).toBe(1);
  expect(counts.at(-2)).toBe(1);
  expect(counts.at(-1)).toBe(1);
  expect(counts.reduce((a, b) => a + b)).toBe(6);
  expect(sumMs).toBeCloseTo(121_000.26, 2);
});

it('numbers threads of one name', () => {
  const table = new ThreadStatsTable(3);
  for (const name of ['reader', 'main', 'reader']) table.add(name);
  expect(table.all.map(({ thread }) => thread)).toEqual(['reader', 'main', 'reader 2']);
});

it('shows that db.warmup fills the caches of all threads that read', async () => {
  await server.done('POST', '/cypher', { script: 'UNWIND range(1, 30000) AS i CREATE (:Warm {n: i, other: -i})' });
  const bytes = (page: ReadonlyMap<string, number>) => ['main', 'reader', 'reader 2'].map((thread) => page.get(`lgraph_cache_bytes{thread="${thread}"}`)!);
  const before = bytes(await scrape());
  await server.done('POST', '/cypher', { script: 'CALL db.warmup()' });
  // Two keys and the labels of 30 pages, 8 KB each.
  await eventually('all have them', 10_000, async () => bytes(await scrape()).every((now, i) => now > before[i]! + 500_000) || undefined);
});
