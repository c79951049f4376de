/**
 * The list of scenarios for one release of the JavaScript driver: `node scenarios.mjs PACKAGE URI`. A line of JSON for each scenario:
 * `{"scenario", "ok", "detail"}`, the first one with the driver's version and the protocol. scenarios.py is the same list in Python.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const [name, uri] = process.argv.slice(2);
const neo4j = (await import(name)).default;
const { version } = JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
const auth = neo4j.auth.basic('admin', '73@TuGraph');
const driver = neo4j.driver(uri, auth, { useBigInt: true });
const say = (scenario, ok, detail) => console.log(JSON.stringify({ scenario, ok, detail }));

async function within(options, work) {
  const session = driver.session({ database: 'default', ...options });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
const value = async (runner, text, parameters) => (await runner.run(text, parameters)).records[0].get(0);
const write = (session, work) => (session.executeWrite ?? session.writeTransaction).call(session, work);
const read = (session, work) => (session.executeRead ?? session.readTransaction).call(session, work);

/** Temporal values and points by their text: release 4.4 gives the parts of a LocalTime as its own integers whatever `useBigInt` says. */
function same(actual, expected) {
  const hasText = expected !== null && typeof expected === 'object' && expected.toString !== Object.prototype.toString && !Array.isArray(expected);
  if (hasText) assert.deepEqual([actual.constructor.name, String(actual)], [expected.constructor.name, String(expected)]);
  else assert.deepEqual(actual, expected);
}

const SCENARIOS = {
  async 'wrong password is refused'() {
    const other = neo4j.driver(uri, neo4j.auth.basic('admin', 'wrong'));
    await assert.rejects(other.session().run('RETURN 1'), { code: 'Neo.ClientError.Security.Unauthorized' });
    await other.close();
  },
  async 'values round trip'() {
    const t = neo4j.types;
    const values = [
      null, true, 0n, 2n ** 63n - 1n, -(2n ** 63n), 1.5, 'größer 漢字 🙂', [1n, 'two', [3.5, null]], { a: 1n, b: { c: [true] } },
      new t.Date(2024n, 2n, 29n), new t.Time(12n, 30n, 1n, 5n, 3600n), new t.LocalTime(23n, 59n, 59n, 999_999_999n), new t.LocalDateTime(1969n, 12n, 31n, 23n, 0n, 0n, 1n),
      new t.DateTime(2024n, 6n, 1n, 12n, 0n, 0n, 0n, -3600n), new t.Duration(14n, -3n, 5n, 7n), new t.Point(4326n, 13.4, 52.5), new t.Point(9157n, 1, 2, 3),
    ];
    await within({}, async (session) => {
      for (const one of values) same(await value(session, 'RETURN $one', { one }), one);
      const zoned = await value(session, "RETURN datetime('2024-06-01T12:00:00[Europe/Berlin]')");
      assert.equal(zoned.timeZoneId, 'Europe/Berlin');
      await assert.rejects(session.run('RETURN 9223372036854775807 + 1'), { code: /ArithmeticError/ });
    });
  },
  async 'nodes, relationships and paths'() {
    await within({}, async (session) => {
      await session.run('CREATE (:DriverPath {i: 0})-[:T {w: 1}]->(:DriverPath {i: 1})');
      const path = await value(session, 'MATCH p = (:DriverPath {i: 0})-->() RETURN p LIMIT 1');
      assert.deepEqual([path.start.properties.i, path.segments[0].relationship.type, path.end.properties.i], [0n, 'T', 1n]);
    });
  },
  async 'commit, rollback'() {
    await within({}, async (session) => {
      for (const [label, end] of [['Kept', 'commit'], ['Undone', 'rollback']]) {
        const tx = await session.beginTransaction();
        await tx.run(`CREATE (:${label}Tx)`);
        await tx[end]();
      }
      assert.deepEqual([await value(session, 'MATCH (n:KeptTx) RETURN count(n) > 0'), await value(session, 'MATCH (n:UndoneTx) RETURN count(n)')], [true, 0n]);
    });
  },
  async 'conflicts are retried'() {
    await within({}, (session) => session.run('CREATE (:Counter {name: $version, n: 0})', { version }));
    await Promise.all(Array.from({ length: 5 }, () => within({}, (session) => write(session, async (tx) => {
      const n = await value(tx, 'MATCH (c:Counter {name: $version}) RETURN c.n', { version });
      await tx.run('MATCH (c:Counter {name: $version}) SET c.n = $n', { version, n: n + 1n });
    }))));
    assert.equal(await within({}, (session) => value(session, 'MATCH (c:Counter {name: $version}) RETURN c.n', { version })), 5n);
  },
  async 'routing: reads and writes at different servers'() {
    const server = async (mode) => within({ defaultAccessMode: mode }, async (session) => (await session.run('RETURN 1')).summary.server.address);
    assert.notEqual(await server('READ'), await server('WRITE'));
  },
  async 'causal reads by bookmark'() {
    for (let i = 0; i < 10; i++) {
      await within({}, async (session) => {
        const written = await write(session, (tx) => value(tx, 'MERGE (c:Causal {name: $version}) SET c.n = coalesce(c.n, 0) + 1 RETURN c.n', { version }));
        assert.equal(await read(session, (tx) => value(tx, 'MATCH (c:Causal {name: $version}) RETURN c.n', { version })), written);
      });
    }
  },
  async 'a read transaction may not write'() {
    await within({}, (session) => assert.rejects(read(session, (tx) => tx.run('CREATE (:No)')), { code: 'Neo.ClientError.Statement.AccessMode' }));
  },
  async 'counters, plan and profile'() {
    await within({}, async (session) => {
      assert.equal((await session.run('CREATE (:Counted {a: 1})')).summary.counters.updates().nodesCreated, 1);
      assert.ok((await session.run('EXPLAIN MATCH (n) RETURN n')).summary.plan.operatorType);
      assert.ok((await session.run('PROFILE MATCH (n) RETURN count(n)')).summary.profile.operatorType);
    });
  },
  async 'transaction timeout'() {
    await within({}, (session) => assert.rejects(
      session.run('UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a WHERE a < 0 RETURN a', {}, { timeout: 500 }), { code: /^Neo\.ClientError\.Transaction\.TransactionTimedOut/ }));
  },
  async 'large result with back-pressure'() {
    await within({ fetchSize: 100 }, async (session) => {
      let rows = 0;
      await new Promise((resolve, reject) => session.run('UNWIND range(1, 20000) AS i RETURN i').subscribe({ onNext: () => rows++, onCompleted: resolve, onError: reject }));
      assert.equal(rows, 20_000);
    });
  },
  async 'database selection'() {
    await within({ database: 'nowhere' }, (session) => assert.rejects(session.run('RETURN 1'), { code: 'Neo.ClientError.Database.DatabaseNotFound' }));
  },
  async 'errors leave the session usable'() {
    await within({}, async (session) => {
      await assert.rejects(session.run('RETURN oops'), { code: 'Neo.ClientError.Statement.SyntaxError' });
      assert.equal(await value(session, 'RETURN 1'), 1n);
    });
  },
  /** The caller kills the leader when it reads the announcement. */
  async 'failover with managed transactions'() {
    await within({}, (session) => session.run('CREATE (:Failover {name: $version, n: 0})', { version }));
    console.log(JSON.stringify({ announce: 'failover' }));
    for (const end = Date.now() + 6000; Date.now() < end;) await within({}, (session) => write(session, (tx) => tx.run('MATCH (f:Failover {name: $version}) SET f.n = f.n + 1', { version })));
  },
};

const info = await within({}, async (session) => (await session.run('RETURN 1')).summary.server);
say('connect', true, { driver: `neo4j-driver (JavaScript) ${version}`, protocol: String(info.protocolVersion?.toString?.() ?? info.protocolVersion) });
for (const [scenario, run] of Object.entries(SCENARIOS)) {
  try {
    await run();
    say(scenario, true);
  } catch (error) {
    say(scenario, false, `${error.code ?? ''} ${error.message}`.slice(0, 500));
  }
}
await driver.close();
