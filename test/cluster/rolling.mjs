/**
 * Rolling restarts under a routing workload for as long as one likes: `npm run rolling -- --minutes 30`.
 *
 * Clients do managed transactions and causal reads through routing drivers while one server after the other is stopped (with --kill every
 * third time killed) and started again. A unit of work that the driver does not bring to its end by its own retries has failed: none may.
 * Exit code 0: no unit failed and no acknowledged write is missing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import neo4j from 'neo4j-driver';
import { LocalGroup } from '../../dist/cli/local-group.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' }, clients: { type: 'string', default: '4' }, kill: { type: 'boolean', default: false } } });
const endMs = performance.now() + Number(values.minutes) * 60_000;
const clients = Number(values.clients);
if (!(Number(values.minutes) > 0) || !Number.isInteger(clients) || clients < 1) {
  console.error('usage: rolling.mjs [--minutes N] [--clients N] [--kill]');
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'lgraph-rolling-'));
const group = await LocalGroup.create({ size: 3, directory, basePort: 24_300 });
const failures = [];
const latenciesMs = [];
const done = { writes: 0, reads: 0, restarts: 0 };
let running = true;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function client(driver, number) {
  while (running) {
    const session = driver.session({ database: 'default' });
    const started = performance.now();
    try {
      const { records } = await session.executeWrite((tx) => tx.run('MATCH (c:Client {number: $number}) SET c.n = c.n + 1 RETURN c.n AS n', { number: neo4j.int(number) }));
      const written = records[0].get('n');
      done.writes++;
      const read = await session.executeRead((tx) => tx.run('MATCH (c:Client {number: $number}) RETURN c.n AS n', { number: neo4j.int(number) }));
      if (read.records[0].get('n') < written) failures.push(`client ${number} read ${read.records[0].get('n')} after it wrote ${written}`);
      done.reads++;
    } catch (error) {
      failures.push(`client ${number}: ${error.code} ${error.message}`);
    } finally {
      latenciesMs.push(performance.now() - started);
      await session.close();
    }
  }
}

let code = 1;
try {
  group.startAll();
  await group.ready(60_000);
  const driver = neo4j.driver(group.servers[0].boltUri.replace('bolt:', 'neo4j:'), neo4j.auth.basic('admin', '73@TuGraph'), {
    resolver: () => group.servers.map((server) => server.boltUri.replace('bolt://', '')), disableLosslessIntegers: true,
  });
  await driver.executeQuery('UNWIND range(0, $last) AS number CREATE (:Client {number: number, n: 0})', { last: neo4j.int(clients - 1) });
  const load = Array.from({ length: clients }, (_, number) => client(driver, number));
  for (let i = 0; performance.now() < endMs; i++) {
    const server = group.servers[i % group.servers.length];
    await group.stop(server, values.kill && i % 3 === 2 ? 'SIGKILL' : 'SIGTERM');
    group.start(server);
    await group.readyOne(server, 60_000);
    done.restarts++;
    await pause(1000);
  }
  running = false;
  await Promise.all(load);
  const { records } = await driver.executeQuery('MATCH (c:Client) RETURN sum(c.n) AS n');
  const counted = records[0].get('n');
  await driver.close();
  latenciesMs.sort((a, b) => a - b);
  const at = (share) => Math.round(latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))]);
  console.log(JSON.stringify({ minutes: Number(values.minutes), clients, ...done, counted, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), failed: failures.length }));
  for (const failure of failures.slice(0, 20)) console.log(failure);
  if (counted < done.writes) console.log(`${done.writes - counted} acknowledged writes are missing`);
  code = failures.length === 0 && counted >= done.writes ? 0 : 1;
} finally {
  running = false;
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
process.exit(code);
