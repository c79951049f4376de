/** A rolling restart of all servers under load: no client sees an error that it would not have handled by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import neo4j from 'neo4j-driver';
import { afterEach, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import type { LocalServer } from '../../src/cli/local-group.ts';
import { RestClient } from '../../src/cli/rest-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-rolling-'));
const CLIENTS = 3;
let group: LocalGroup;

afterEach(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

it('goes on through a rolling restart: a routed driver with its own retries, and REST through whoever is up', async () => {
  group = await LocalGroup.create({ size: 3, directory, basePort: 23_900 });
  group.startAll();
  await group.ready(60_000);
  const first = await group.leader();
  const admin = await RestClient.login(first.restAddress, 'admin', '73@TuGraph');
  // Each client has a vertex of its own: what is tested is the restart, not who wins a conflict.
  for (let i = 0; i < CLIENTS; i++) await admin.cypher(first.restAddress, `CREATE (:Bolt${i} {n: 0}), (:Rest${i} {n: 0})`);

  let running = true;
  let restarting: LocalServer | undefined;
  const failures: string[] = [];
  const done = { boltWrites: 0, boltReads: 0, restWrites: 0, restReads: 0 };
  const driver = neo4j.driver(group.servers.map((server) => server.boltUri.replace('bolt:', 'neo4j:'))[0]!, neo4j.auth.basic('admin', '73@TuGraph'), {
    resolver: () => group.servers.map((server) => server.boltUri.replace('bolt://', '')), disableLosslessIntegers: true,
  });
  const byDriver = async (number: number): Promise<void> => {
    while (running) {
      const session = driver.session({ database: 'default' });
      try {
        await session.executeWrite((tx) => tx.run(`MATCH (c:Bolt${number}) SET c.n = c.n + 1`));
        done.boltWrites += 1;
        const { records } = await session.executeRead((tx) => tx.run(`MATCH (c:Bolt${number}) RETURN c.n AS n`));
        // Its own bookmark: never older than what it has just written.
        if ((records[0]!.get('n') as number) < 1) failures.push('a read before its own write');
        done.boltReads += 1;
      } catch (error) {
        failures.push(`driver: ${String(error)} ${String((error as { code?: string }).code)}`, String((error as Error).stack));
      } finally {
        await session.close();
      }
    }
  };
  const byRest = async (number: number): Promise<void> => {
    const client = admin.sibling();
    for (let i = 0; running; i++) {
      const isWrite = i % 2 === 0;
      const up = group.servers.filter((server) => server !== restarting);
      const server = up[(i + number) % up.length]!;
      const begun = performance.now();
      try {
        await client.cypher(server.restAddress, `MATCH (c:Rest${number}) ${isWrite ? 'SET c.n = c.n + 1' : 'RETURN c.n'}`);
        if (isWrite) done.restWrites += 1;
        else done.restReads += 1;
      } catch (error) {
        failures.push(`REST at ${server.name}, ${isWrite ? 'write' : 'read'} begun ${Math.round(performance.now() - begun)} ms before, ${restarting?.name ?? 'no server'} restarting: ${String(error)} ${String((error as Error).cause ?? '')}`);
      }
    }
  };
  const load = [...Array.from({ length: CLIENTS }, (_, i) => byDriver(i)), ...Array.from({ length: CLIENTS }, (_, i) => byRest(i))];
  for (const server of group.servers) {
    restarting = server;
    // Requests that are on their way to it arrive before it is told to stop; those it has are answered before it goes.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await group.stop(server, 'SIGTERM')).toBe(0);
    group.start(server);
    await group.readyOne(server, 60_000);
    restarting = undefined;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  running = false;
  await Promise.all(load);
  await driver.close();
  expect(failures).toEqual([]);
  expect(Math.min(...Object.values(done))).toBeGreaterThan(5);
  const sum = async (label: string) => {
    const script = Array.from({ length: CLIENTS }, (_, i) => `MATCH (c:${label}${i}) RETURN c.n AS n`).join(' UNION ALL ');
    return (await admin.cypher((await group.leader()).restAddress, script, { linearizable: true })).rows.reduce((total, row) => total + (row[0] as number), 0);
  };
  // A retry of a transaction whose commit nobody could confirm may have counted twice; REST forwards under keys and may not.
  expect(await sum('Rest')).toBe(done.restWrites);
  expect(await sum('Bolt')).toBeGreaterThanOrEqual(done.boltWrites);
}, 180_000);
