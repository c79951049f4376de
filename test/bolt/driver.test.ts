/** The official Neo4j driver against a real server process (`npm run build` first). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import neo4j from 'neo4j-driver';
import type { Driver, ProfiledPlan, Session } from 'neo4j-driver';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { BareClient } from './client.ts';

const AUTH = neo4j.auth.basic('admin', '73@TuGraph');
const directory = mkdtempSync(join(tmpdir(), 'lgraph-driver-'));
let group: LocalGroup;
let driver: Driver;

const server = () => group.servers[0]!;

beforeAll(async () => {
  group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 17600 });
  group.startAll();
  await group.ready();
  driver = neo4j.driver(server().boltUri, AUTH, { disableLosslessIntegers: true });
});

afterAll(async () => {
  await driver.close();
  await group.stopAll();
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  await using_(driver, (session) => session.run('MATCH (n) DETACH DELETE n'));
});

async function using_<T>(from: Driver, work: (session: Session) => Promise<T>, options: Parameters<Driver['session']>[0] = {}): Promise<T> {
  const session = from.session(options);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** MB of memory that the server has. */
function serverMb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server().child!.pid}/status`, 'utf8'))![1]) / 1024;
}

async function runningTasks(): Promise<number> {
  const { records } = await driver.executeQuery('CALL dbms.task.listTasks()');
  return records.length - 1;
}

it('says who it is', async () => {
  const info = await driver.getServerInfo();
  expect(info.agent).toMatch(/^Neo4j\/\d+\.\d+\.\d+/);
  expect(info.protocolVersion).toMatchObject({ major: 5, minor: 8 });
});

it('runs statements and tells what they did', async () => {
  const { records, summary } = await driver.executeQuery("CREATE (a:Person {name: 'Ada'})-[r:KNOWS {since: 1833}]->(b:Person {name: 'Charles'}) RETURN a, r, b");
  const [a, r, b] = records[0]!.map((value) => value as Record<string, unknown>);
  expect(a).toMatchObject({ labels: ['Person'], properties: { name: 'Ada' } });
  expect(r).toMatchObject({ type: 'KNOWS', startNodeElementId: a!.elementId, endNodeElementId: b!.elementId, properties: { since: 1833 } });
  expect(summary.counters.updates()).toMatchObject({ nodesCreated: 2, relationshipsCreated: 1, propertiesSet: 3, labelsAdded: 2 });
  expect([summary.queryType, summary.database.name]).toEqual(['rw', 'default']);
});

it.each(['bolt', 'neo4j'])('does units of work over %s://', async (scheme) => {
  const other = neo4j.driver(server().boltUri.replace('bolt', scheme), AUTH, { disableLosslessIntegers: true });
  await using_(other, async (session) => {
    await session.executeWrite((tx) => tx.run('CREATE (:N {x: $x})', { x: 1 }));
    const count = await session.executeRead(async (tx) => (await tx.run('MATCH (n:N) RETURN count(n) AS c')).records[0]!.get('c') as number);
    expect(count).toBe(1);
    await expect(session.executeRead((tx) => tx.run('CREATE (:N)'))).rejects.toMatchObject({ code: 'Neo.ClientError.Statement.AccessMode' });
  });
  await other.close();
});

it('reads its own writes in a transaction, which nobody else sees before the commit, or after a rollback', async () => {
  const count = async (runner: { run: Session['run'] }) => (await runner.run('MATCH (n:N) RETURN count(n)')).records[0]!.get(0) as number;
  await using_(driver, async (session) => {
    const first = session.beginTransaction();
    await first.run('CREATE (:N)');
    expect(await count(first)).toBe(1);
    await using_(driver, async (other) => expect(await count(other)).toBe(0));
    await first.commit();
    expect(await count(session)).toBe(1);
    const second = session.beginTransaction();
    await second.run('CREATE (:N)');
    expect(await count(second)).toBe(2);
    await second.rollback();
    expect(await count(session)).toBe(1);
  });
});

it('confirms at its first write what a transaction has read, and has it retried where that changed', async () => {
  await driver.executeQuery("CREATE (:Account {name: 'a', sum: 10})");
  const READ = 'MATCH (n:Account) RETURN n.sum AS sum';
  const WRITE = 'MATCH (n:Account) SET n.sum = $sum';
  let attempts = 0;
  await using_(driver, async (session) => {
    await session.executeWrite(async (tx) => {
      const sum = (await tx.run(READ)).records[0]!.get('sum') as number;
      // Somebody else comes in between, the first time.
      if (++attempts === 1) await driver.executeQuery('MATCH (n:Account) SET n.sum = n.sum + 5');
      await tx.run(WRITE, { sum: sum + 1 });
    });
    const one = session.beginTransaction();
    expect((await one.run(READ)).records[0]!.get('sum')).toBe(16);
    await one.run(WRITE, { sum: 20 });
    await one.commit();
    // And between the write and the commit: what was read before the write still counts.
    const two = session.beginTransaction();
    await two.run('MATCH (n:Account) RETURN n.sum AS earlier');
    await two.run('CREATE (:Note)');
    await driver.executeQuery('MATCH (n:Account) SET n.sum = 30');
    await expect(two.commit()).rejects.toMatchObject({ code: 'Neo.TransientError.Transaction.DeadlockDetected' });
    expect((await session.run(READ)).records[0]!.get('sum')).toBe(30);
  });
  expect(attempts).toBe(2);
});

it('lets a transaction write while it reads a long result', async () => {
  await driver.executeQuery('UNWIND range(1, 2500) AS i CREATE (:Item {i: i})');
  await using_(driver, async (session) => {
    const transaction = session.beginTransaction();
    let seen = 0;
    for await (const record of transaction.run('MATCH (n:Item) RETURN n.i AS i')) {
      if (seen++ < 3) await transaction.run('CREATE (:Copy {i: $i})', { i: record.get('i') as number });
    }
    await transaction.commit();
    expect(seen).toBe(2500);
    expect((await session.run('MATCH (n:Copy) RETURN count(n)')).records[0]!.get(0)).toBe(3);
  }, { fetchSize: 100 });
});

it('carries bookmarks from session to session', async () => {
  const bookmarks = await using_(driver, async (session) => {
    await session.executeWrite((tx) => tx.run('CREATE (:N)'));
    return session.lastBookmarks();
  });
  expect(bookmarks).toEqual([expect.stringMatching(/^lgraph:\d+$/)]);
  await using_(driver, async (session) => {
    expect((await session.run('MATCH (n:N) RETURN count(n)')).records[0]!.get(0)).toBe(1);
  }, { bookmarks });
  const future = `lgraph:${Number(bookmarks[0]!.slice(7)) + 1000}`;
  await using_(driver, async (session) => {
    await expect(session.run('RETURN 1')).rejects.toMatchObject({ code: 'Neo.TransientError.Transaction.BookmarkTimeout' });
  }, { bookmarks: [future] });
  await using_(driver, async (session) => {
    await expect(session.run('RETURN 1')).rejects.toMatchObject({ code: 'Neo.ClientError.Transaction.InvalidBookmark' });
  }, { bookmarks: ['nonsense'] });
});

it('takes and gives every kind of value', async () => {
  const lossless = neo4j.driver(server().boltUri, AUTH, { useBigInt: true });
  const values: Record<string, unknown> = {
    null: null, true: true, integer: 42n, largest: 2n ** 63n - 1n, smallest: -(2n ** 63n), float: 1.5, string: 'größer 漢字 🙂', empty: '',
    list: [1n, 'two', [3.5, null]], map: { a: 1n, b: { c: [true] } },
    date: new neo4j.types.Date(2024n, 2n, 29n), time: new neo4j.types.Time(12n, 30n, 1n, 5n, 3600n), localTime: new neo4j.types.LocalTime(23n, 59n, 59n, 999_999_999n),
    localDateTime: new neo4j.types.LocalDateTime(1969n, 12n, 31n, 23n, 0n, 0n, 1n),
    offset: new neo4j.types.DateTime(2024n, 6n, 1n, 12n, 0n, 0n, 0n, -3600n), zone: new neo4j.types.DateTime(2024n, 6n, 1n, 12n, 0n, 0n, 0n, 7200n, 'Europe/Berlin'),
    duration: new neo4j.types.Duration(14n, -3n, 5n, 7n), point2d: new neo4j.types.Point(4326n, 13.4, 52.5), point3d: new neo4j.types.Point(9157n, 1, 2, 3),
  };
  try {
    for (const [name, value] of Object.entries(values)) {
      const { records } = await lossless.executeQuery('RETURN $value AS value', { value });
      expect(records[0]!.get('value'), name).toEqual(value);
    }
    const { records } = await lossless.executeQuery('RETURN $bytes AS bytes', { bytes: new Int8Array([0, 1, -1]) });
    expect([...records[0]!.get('bytes') as Int8Array]).toEqual([0, 1, -1]);
    const stored = Object.fromEntries(Object.entries(values).filter(([name]) => !['null', 'list', 'map'].includes(name)));
    const back = await lossless.executeQuery('CREATE (n:V) SET n = $stored RETURN n', { stored });
    expect((back.records[0]!.get('n') as { properties: unknown }).properties).toEqual(stored);
  } finally {
    await lossless.close();
  }
});

it('gives paths whole', async () => {
  await driver.executeQuery('CREATE (:S {i: 0})-[:T {w: 1}]->(:S {i: 1})<-[:T {w: 2}]-(:S {i: 2})');
  const { records } = await driver.executeQuery('MATCH p = (:S {i: 0})-[*2]-(:S {i: 2}) RETURN p');
  const path = records[0]!.get('p') as { segments: { start: { properties: { i: number } }; relationship: { properties: { w: number } } }[] };
  expect(path.segments.map((segment) => [segment.start.properties.i, segment.relationship.properties.w])).toEqual([[0, 1], [1, 2]]);
});

it('streams a million rows in constant memory', async () => {
  const rows = 1_000_000;
  await driver.executeQuery('RETURN 1');
  const before = serverMb();
  let highest = 0;
  let seen = 0;
  let sum = 0;
  await using_(driver, async (session) => {
    for await (const record of session.run(`UNWIND range(1, ${rows}) AS i RETURN i, 'this is the row ' + i AS text`)) {
      sum += record.get('i') as number;
      if (++seen % 50_000 === 0) highest = Math.max(highest, serverMb());
    }
  }, { fetchSize: 10_000 });
  expect([seen, sum]).toEqual([rows, (rows * (rows + 1)) / 2]);
  expect(highest - before, 'MB more').toBeLessThan(150);
});

it('gives all at once without holding it', async () => {
  const before = serverMb();
  const { records } = await using_(driver, (session) => session.run("UNWIND range(1, 300000) AS i RETURN i, 'this is the row ' + i"), { fetchSize: -1 });
  expect(records).toHaveLength(300_000);
  expect(serverMb() - before, 'MB more').toBeLessThan(150);
});

it('stops a statement whose client wants no more', async () => {
  const session = driver.session({ fetchSize: 10 });
  for await (const record of session.run('UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN a, b')) {
    expect(record.get('a')).toBe(1);
    break;
  }
  await session.close();
  await expect.poll(runningTasks).toBe(0);
});

it('kills what runs when the connection goes', async () => {
  const doomed = new BareClient(server().ports.bolt);
  await doomed.login(8, '73@TuGraph');
  doomed.send(['RUN', 'UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*)', {}, {}]);
  await expect.poll(runningTasks).toBe(1);
  doomed.close();
  await expect.poll(runningTasks).toBe(0);
});

it('ends a long statement at its timeout', async () => {
  await using_(driver, async (session) => {
    const long = 'UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*)';
    await expect(session.run(long, {}, { timeout: 300 })).rejects.toMatchObject({ code: 'Neo.ClientError.Transaction.TransactionTimedOut' });
    const transaction = session.beginTransaction({ timeout: 300 });
    await expect(transaction.run(long)).rejects.toMatchObject({ code: 'Neo.ClientError.Transaction.TransactionTimedOut' });
    expect((await session.run('RETURN 1 AS one')).records[0]!.get('one')).toBe(1);
  });
});

it('ends a long write too, and leaves nothing of it', async () => {
  await using_(driver, async (session) => {
    const long = 'UNWIND range(1, 1000) AS a UNWIND range(1, 100000) AS b CREATE (:Never {b: b})';
    await expect(session.run(long, {}, { timeout: 300 })).rejects.toMatchObject({ code: 'Neo.ClientError.Transaction.TransactionTimedOut' });
    const transaction = session.beginTransaction({ timeout: 300 });
    await expect(transaction.run(long)).rejects.toMatchObject({ code: 'Neo.ClientError.Transaction.TransactionTimedOut' });
    expect((await session.run('MATCH (n:Never) RETURN count(n)')).records[0]!.get(0)).toBe(0);
  });
});

it('refuses a wrong password', async () => {
  const wrong = neo4j.driver(server().boltUri, neo4j.auth.basic('admin', 'nonsense'));
  await expect(wrong.getServerInfo()).rejects.toMatchObject({ code: 'Neo.ClientError.Security.Unauthorized' });
  await wrong.close();
});

it('says where a statement is wrong, and goes on', async () => {
  await expect(driver.executeQuery('MATC (n) RETURN n')).rejects.toMatchObject({ code: 'Neo.ClientError.Statement.SyntaxError', message: expect.stringMatching(/line 1/) as unknown });
  await expect(driver.executeQuery('RETURN x')).rejects.toMatchObject({ message: expect.stringContaining('UndefinedVariable') as unknown });
  await expect(driver.executeQuery('RETURN $missing')).rejects.toMatchObject({ code: 'Neo.ClientError.Statement.ParameterMissing' });
  expect((await driver.executeQuery('RETURN 1 AS one')).records[0]!.get('one')).toBe(1);
});

it('explains and profiles', async () => {
  const explained = await driver.executeQuery('EXPLAIN MATCH (n:N) RETURN n');
  expect(explained.summary.plan).toMatchObject({ operatorType: expect.any(String) as unknown, children: expect.any(Array) as unknown });
  expect(explained.summary.profile).toBe(false);
  const profiled = await driver.executeQuery('PROFILE UNWIND [1, 2] AS x RETURN x');
  expect(profiled.summary.profile).toMatchObject({ rows: 2, dbHits: 0, identifiers: ['x'] });
  await driver.executeQuery('UNWIND range(1, 5) AS n CREATE (:Profiled {n: n})');
  const { summary, records } = await driver.executeQuery('PROFILE MATCH (a:Profiled) WHERE a.n > 2 RETURN a.n AS n');
  expect(records).toHaveLength(3);
  const profile = summary.profile as ProfiledPlan;
  const [scan] = profile.children as [ProfiledPlan];
  // Five ids and the asking for them, a label count by the scan's own choice or none, and a property of each.
  expect(scan).toMatchObject({ operatorType: 'Node By Label Scan', identifiers: ['a'], rows: 3, dbHits: 11, children: [] });
  expect(scan.arguments).toMatchObject({ Rows: 3, DbHits: 11, Time: expect.any(Number) as unknown, EstimatedRows: expect.any(Number) as unknown, Details: 'a:Profiled WHERE a.n > 2' });
  expect(profile).toMatchObject({ operatorType: 'Project', identifiers: ['n'], rows: 3, dbHits: 3 });
});

it('applies a write with an idempotency key once', async () => {
  await using_(driver, async (session) => {
    for (let i = 0; i < 3; i++) await session.run('CREATE (:Once)', {}, { metadata: { idempotency_key: 'only-once' } });
    await expect(session.run('CREATE (:Once {a: 1})', {}, { metadata: { idempotency_key: 'only-once' } })).rejects.toMatchObject({ code: 'Neo.ClientError.Request.Invalid', message: expect.stringContaining('used before, for another request') });
    expect((await session.run('MATCH (n:Once) RETURN count(n)')).records[0]!.get(0)).toBe(1);
  });
});

it('knows its graphs as databases', async () => {
  await driver.executeQuery("CALL dbms.graph.createGraph('other')");
  await using_(driver, (session) => session.run('CREATE (:InOther)'), { database: 'other' });
  expect((await driver.executeQuery('MATCH (n:InOther) RETURN count(n) AS c', {}, { database: 'other' })).records[0]!.get('c')).toBe(1);
  expect((await driver.executeQuery('MATCH (n:InOther) RETURN count(n) AS c')).records[0]!.get('c')).toBe(0);
  await expect(driver.executeQuery('RETURN 1', {}, { database: 'nowhere' })).rejects.toMatchObject({ code: 'Neo.ClientError.Database.DatabaseNotFound' });
  await driver.executeQuery("CALL dbms.graph.deleteGraph('other')");
});
