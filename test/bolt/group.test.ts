/** The Neo4j driver and a group of three real servers: routing, bookmarks across servers, a leader that dies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import neo4j from 'neo4j-driver';
import type { Driver } from 'neo4j-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';

const AUTH = neo4j.auth.basic('admin', '73@TuGraph');
const directory = mkdtempSync(join(tmpdir(), 'lgraph-routing-'));
let group: LocalGroup;
let driver: Driver;

const routed = (server: number): Driver => neo4j.driver(group.servers[server]!.boltUri.replace('bolt:', 'neo4j:'), AUTH, { disableLosslessIntegers: true, maxTransactionRetryTime: 20_000 });

beforeAll(async () => {
  group = await LocalGroup.create({ size: 3, directory, basePort: 17_700 });
  group.startAll();
  await group.ready(60_000);
  driver = routed(0);
}, 90_000);

afterAll(async () => {
  await driver.close();
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function address(of: Driver, access: 'READ' | 'WRITE'): Promise<string> {
  const { summary } = await of.executeQuery('RETURN 1', {}, { routing: access });
  return String(summary.server.address);
}

it('sends writes to the leader and reads to the others, from whichever server the client began', async () => {
  const leader = await group.leader();
  for (const i of [0, 1, 2]) {
    const one = routed(i);
    expect(await address(one, 'WRITE')).toBe(leader.boltUri.slice('bolt://'.length));
    expect(await address(one, 'READ')).not.toBe(leader.boltUri.slice('bolt://'.length));
    await one.close();
  }
});

it('reads what it wrote, on every server, by its bookmarks', async () => {
  for (let i = 0; i < 20; i++) {
    const { bookmarks } = await writeOne(i);
    for (const server of group.servers) {
      const direct = neo4j.driver(server.boltUri, AUTH, { disableLosslessIntegers: true });
      const session = direct.session({ bookmarks, defaultAccessMode: neo4j.session.READ });
      expect((await session.run('MATCH (n:Seen {i: $i}) RETURN count(n)', { i })).records[0]!.get(0)).toBe(1);
      await session.close();
      await direct.close();
    }
  }
});

async function writeOne(i: number): Promise<{ bookmarks: string[] }> {
  const session = driver.session();
  await session.executeWrite((tx) => tx.run('CREATE (:Seen {i: $i})', { i }));
  const bookmarks = session.lastBookmarks();
  await session.close();
  return { bookmarks };
}

it('takes writes, transactions too, at any server', async () => {
  for (const [i, server] of group.servers.entries()) {
    const direct = neo4j.driver(server.boltUri, AUTH, { disableLosslessIntegers: true });
    const session = direct.session();
    await session.run('CREATE (:Any {i: $i})', { i });
    const transaction = session.beginTransaction();
    await transaction.run('MATCH (n:Any {i: $i}) SET n.seen = true', { i });
    expect((await transaction.run('MATCH (n:Any {i: $i}) RETURN n.seen', { i })).records[0]!.get(0)).toBe(true);
    await transaction.commit();
    expect((await session.run('MATCH (n:Any) WHERE n.seen RETURN count(n)')).records[0]!.get(0)).toBe(i + 1);
    await session.close();
    await direct.close();
  }
});

it('goes on when the leader dies, and nothing is lost or done twice', async () => {
  // A driver begins each session without a database name at the address it was given, so that one has to survive.
  const dying = await group.leader();
  const driver = routed(group.servers.findIndex((server) => server !== dying));
  const done: number[] = [];
  let stop = false;
  const failures: string[] = [];
  const writer = async (from: number) => {
    for (let i = from; !stop; i += 4) {
      const session = driver.session();
      try {
        await session.executeWrite((tx) => tx.run('CREATE (:Count {i: $i})', { i }), { metadata: { idempotency_key: `count-${i}` } });
        done.push(i);
      } catch (error) {
        failures.push((error as Error & { code: string }).code);
      }
      await session.close();
    }
  };
  const writers = [0, 1, 2, 3].map(writer);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = done.length;
  await group.stop(dying, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 5000));
  stop = true;
  await Promise.all(writers);
  expect(done.length).toBeGreaterThan(before + 20);
  expect(failures).toEqual([]);
  const { records } = await driver.executeQuery('MATCH (n:Count) RETURN n.i AS i ORDER BY i');
  const found = records.map((record) => record.get('i') as number);
  expect(found.length).toBe(new Set(found).size);
  expect(done.filter((i) => !found.includes(i))).toEqual([]);
  await driver.close();
}, 90_000);
