/** An index over much data is built in parts, among the writes of others; whatever happens to its leader, in the end it is whole. */
import { describe, expect, it } from 'vitest';
import { createFirstState } from '../../src/auth/first-start.ts';
import { systemClock } from '../../src/base/clock.ts';
import { asDbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { CATALOG, COUNTERS } from '../../src/graph/blocks.ts';
import type { CatalogData } from '../../src/graph/catalog.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { pack, unpack } from '../../src/replica/packed.ts';
import type { WriterToConsensus } from '../../src/replica/protocol.ts';
import { Transactor } from '../../src/replica/transactor.ts';
import { allEncoders } from '../../src/server/encoders.ts';
import { encodeMap } from '../../src/service/parameters.ts';
import { ServerProcedures } from '../../src/service/procedures/host.ts';
import { WriteHost } from '../../src/service/write-host.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';

const NODES = 1500;
const INDEX = "CREATE VECTOR INDEX near FOR (n:N) ON (n.v) OPTIONS {indexConfig: {`vector.dimensions`: 8, `vector.similarity_function`: 'euclidean'}}";
const SEARCH = 'CALL db.index.vector.queryNodes("near", 5, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) YIELD node RETURN node.id';
const BEST = 'MATCH (n:N) WITH n, vector.similarity.euclidean(n.v, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) AS s ORDER BY s DESC, id(n) LIMIT 5 RETURN n.id';

/** A writer thread over an engine; the test is its consensus thread. */
class Server {
  readonly engine: MemoryEngine;
  readonly #clocks = new VersionClocks();
  readonly #writer: StateWriter;
  readonly transactor: Transactor;
  readonly host: WriteHost;
  readonly problems: string[] = [];
  readonly killFlags = new Int32Array(new SharedArrayBuffer(64));
  #index: number;
  #parts = 0;
  /** What is proposed is committed only so often; then it is only kept. */
  commits = Infinity;
  graph = 'default';
  kept: Extract<WriterToConsensus, { kind: 'propose' }>[] = [];

  constructor(engine = new MemoryEngine()) {
    this.engine = engine;
    this.#writer = new StateWriter(engine, this.#clocks, 1 << 24);
    this.#index = this.#writer.version;
    this.transactor = new Transactor({
      writer: this.#writer, reader: new StateReader(engine, this.#clocks, new BlockCache(1 << 24)), clock: systemClock,
      port: {
        post: (message) => {
          if (message.kind !== 'propose') return;
          this.#parts++;
          if (this.commits-- > 0) setImmediate(() => this.commit(message));
          else this.kept.push(message);
        },
      },
      uncommittedBytesMax: 1 << 20, entryBytesMax: 1 << 20, syncIntervalMs: 1000, indexedAtOnceMax: 100, onFatal: (error) => {
        throw error;
      },
      onRole: (leading) => {
        if (leading) this.host.lead();
      },
    });
    let now = 0;
    this.host = new WriteHost(this.transactor, {
      // Time goes so fast that each transaction builds one part.
      procedures: new ServerProcedures(), encoders: allEncoders(), killFlags: this.killFlags, random: seededRandom(1), wallMs: () => Date.now(), monotonicMs: () => now += 100, timeZone: 'UTC',
      limits: {}, resultBytesMax: 1 << 20, transactionIdleMs: 6e7, transactionTotalMs: 6e7, transactionsMax: 100, onBuildProblem: (message) => this.problems.push(message),
    });
  }

  get proposals(): number {
    return this.#parts;
  }

  commit({ ids, term, data }: Extract<WriterToConsensus, { kind: 'propose' }>): void {
    const first = this.#index + 1;
    this.#index += ids.length;
    this.transactor.receive({ kind: 'committed', first, terms: ids.map(() => term), ids, kinds: ids.map(() => 1), data: pack(unpack(data)) });
  }

  lead(term: number): void {
    this.#index++;
    this.transactor.receive({ kind: 'committed', first: this.#index, terms: [term], ids: [0], kinds: [0], data: pack([new Uint8Array()]) });
    this.transactor.receive({ kind: 'leading', term, readyIndex: this.#index });
  }

  async run(text: string, options: { readonly timeoutMs?: number; readonly killSlot?: number; readonly transaction?: number; readonly idempotencyKey?: string } = {}): Promise<unknown[][]> {
    const reply = await this.host.run({
      graph: this.graph, text, parameters: encodeMap(new Map()), encoding: 'json', firstRows: 1000, user: 'admin', timeoutMs: 0, killSlot: -1, minVersion: 0, summaryRow: false, ...options,
    });
    return JSON.parse(`[${Buffer.from(reply.bytes).toString().replace(/,$/, '')}]`) as unknown[][];
  }

  async state(): Promise<unknown> {
    return (await this.run('SHOW VECTOR INDEXES YIELD state'))[0]?.[0];
  }

  /** Of the indexes that are not there with the data's label. */
  async states(): Promise<unknown> {
    return await this.run("SHOW INDEXES YIELD name, state WHERE name <> 'D_id' RETURN name, state ORDER BY name");
  }

  get catalog(): CatalogData {
    return this.#writer.head(1).get(CATALOG, 0)!.data;
  }

  /** Where the build is; undefined: there is none. */
  get built(): number | undefined {
    return this.#writer.head(this.graph === 'default' ? 1 : 2).get(COUNTERS, 0)?.built.values().next().value;
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error('it did not come to that');
}

async function server(graph?: string): Promise<Server> {
  const one = new Server();
  one.lead(1);
  await until(() => one.transactor.leading);
  await one.transactor.write((transaction) => {
    createFirstState(transaction, 'x');
    return { result: undefined };
  });
  if (graph !== undefined) await one.run(`CALL dbms.graph.createGraph('${graph}')`);
  one.graph = graph ?? 'default';
  await one.run(`UNWIND range(1, ${NODES}) AS i CREATE (:N {id: i, v: [x IN range(1, 8) | sin(i * x)]})`);
  return one;
}

async function expectWhole(one: Server, nodes = NODES): Promise<void> {
  await until(async () => await one.state() === 'ONLINE');
  expect(one.built).toBeUndefined();
  expect(await one.run(SEARCH)).toEqual(await one.run(BEST));
  const counts = await one.transactor.write((transaction) => {
    const graph = transaction.graph('default');
    return { result: graph.catalog.vectorTrees.map((tree) => graph.vectorCount(tree)) };
  });
  expect(counts.result).toEqual([nodes]);
}

/** Till it is in the middle of the build, and a part of it is proposed and not committed. */
async function pausedIn(one: Server): Promise<void> {
  await until(() => (one.built ?? 0) > 200);
  one.commits = 0;
  await until(() => one.kept.length > 0);
}

describe('an index over much data', () => {
  it('is whole when its statement is answered, others having written meanwhile, and searches being right', async () => {
    const one = await server();
    const done = one.run(INDEX);
    await until(() => (one.built ?? 0) > 100);
    await expect(one.run('CALL db.awaitIndexes(10)')).rejects.toMatchObject({ code: 'Busy' });
    expect(await one.state()).toBe('POPULATING');
    // Before and behind the place where it is, and each is found.
    await one.run('UNWIND [1, 2, 1400, 1401] AS i MATCH (n:N {id: i}) SET n.v = [x IN range(1, 8) | x / 10.0 + i / 1e7]');
    await one.run('MATCH (n:N) WHERE n.id IN [3, 4, 1300, 1301] DETACH DELETE n');
    await one.run('UNWIND range(2001, 2002) AS i CREATE (:N {id: i, v: [x IN range(1, 8) | x / 10.0]})');
    expect(one.built).toBeLessThan(1300);
    expect(await one.run(SEARCH)).toEqual([[2001], [2002], [1], [2], [1400]]);
    expect(await one.run(SEARCH)).toEqual(await one.run(BEST));
    await done;
    expect(await one.state()).toBe('ONLINE');
    await one.run('CALL db.awaitIndexes(10)');
    await expectWhole(one, NODES - 4 + 2);
    expect(one.proposals).toBeGreaterThan(20);
  });

  it('does not make transactions fail that are open meanwhile', async () => {
    const one = await server();
    const done = one.run(INDEX);
    await until(() => (one.built ?? 0) > 100);
    const { transaction } = await one.host.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 });
    expect(await one.run('MATCH (n:N {id: 7}) SET n.v = [x IN range(1, 8) | x / 10.0] RETURN rand() < 2', { transaction })).toEqual([[true]]);
    const before = one.built!;
    await until(() => one.built === undefined || one.built > before + 100);
    await one.host.commit({ transaction, user: 'admin' });
    await done;
    await expectWhole(one);
    expect((await one.run(SEARCH))[0]).toEqual([7]);
  });

  it('is made by a transaction of several statements, and built when that is committed', async () => {
    const one = await server();
    const { transaction } = await one.host.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 });
    await one.run(INDEX, { transaction });
    expect(await one.run(SEARCH, { transaction })).toEqual(await one.run(BEST));
    await one.host.commit({ transaction, user: 'admin' });
    expect(await one.state()).toBe('ONLINE');
    await expectWhole(one);
  });

  it('is built on by the next leader, and its statement is answered', async () => {
    const one = await server();
    const done = one.run(INDEX).then(() => 'made', (error: unknown) => asDbError(error).code);
    await pausedIn(one);
    // The part that is under way is committed by the next leader, after all; it might as well not be.
    one.transactor.receive({ kind: 'following', term: 2 });
    one.commit(one.kept.pop()!);
    expect(await done).toBe('made');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { built } = one;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(one.built).toBe(built);
    one.commits = Infinity;
    one.lead(3);
    await until(() => one.transactor.leading);
    await expectWhole(one);
  });

  it('is built on where a part of it was lost', async () => {
    const one = await server();
    void one.run(INDEX);
    await pausedIn(one);
    one.commits = Infinity;
    one.transactor.receive({ kind: 'rejected', ids: one.kept.pop()!.ids, reason: 'lost' });
    await until(() => one.transactor.leading);
    await expectWhole(one);
  });

  it('is built on where there was no room for more writes, which is told once', async () => {
    const one = await server();
    const made = one.run(INDEX);
    await pausedIn(one);
    const [part] = one.kept;
    const large = [1, 2].map(() => one.run(`CREATE ({text: '${'x'.repeat(600_000)}'})`));
    await until(() => one.kept.length === 2);
    one.kept.shift();
    one.commit(part!);
    await until(() => one.problems.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(one.problems).toEqual([expect.stringMatching(/^an index of the graph default is not built on: \d+ bytes of writes wait/)]);
    one.commits = Infinity;
    for (const message of one.kept) one.commit(message);
    await Promise.all([made, ...large]);
    await expectWhole(one);
  });

  it('is built on after a start', async () => {
    const one = await server();
    void one.run(INDEX);
    await pausedIn(one);
    one.transactor.abandon();
    const again = new Server(one.engine);
    expect(again.built).toBeGreaterThan(100);
    again.lead(2);
    await until(() => again.transactor.leading);
    await expectWhole(again);
  });

  it.each([
    ['the index', 'DROP INDEX near'],
    ['its graph', "CALL dbms.graph.deleteGraph('other')"],
  ])('may go while it is built, by dropping %s', async (_what, drop) => {
    const one = await server('other');
    const done = one.run(INDEX);
    await until(() => (one.built ?? 0) > 200);
    await one.run(drop);
    await done;
    const { proposals } = one;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(one.proposals).toBeLessThanOrEqual(proposals + 1);
  });

  it.each([['its time is over', { timeoutMs: 2000 }], ['it is killed', { killSlot: 1 }]])('is built in the end where the statement ends before, since %s', async (_why, options) => {
    const one = await server();
    const done = one.run(INDEX, options);
    await until(() => (one.built ?? 0) > 64);
    Atomics.store(one.killFlags, 1, 1);
    await done;
    expect(await one.state()).toBe('POPULATING');
    await expectWhole(one);
  });

  it('is waited for by a second statement that makes an index which goes by the same tree', async () => {
    const one = await server();
    await one.run("CALL db.createVertexLabel('D', 'id', 'id', 'INT64', false, 'v', 'FLOAT_VECTOR', true)");
    await one.run(`UNWIND range(1, ${NODES}) AS i CREATE (:D {id: i, v: [x IN range(1, 8) | sin(i * x)]})`);
    const first = one.run("CALL db.addVertexVectorIndex('D', 'v', {dimension: 8})");
    await until(() => (one.built ?? 0) > NODES + 64);
    await one.run(INDEX.replace('n:N', 'n:D'));
    expect(await one.state()).toBe('ONLINE');
    await first;
  });
});

/** Enough for more parts than others write meanwhile. */
const ELEMENTS = 2800;

/** Data for indexes of all kinds: labels M and D (declared), type K. */
async function filled(): Promise<Server> {
  const one = await server();
  await one.run("CALL db.createVertexLabel('D', 'id', 'id', 'INT64', false, 'a', 'INT64', true, 't', 'STRING', true)");
  await one.run("CALL db.createEdgeLabel('DE', '[]', 'a', 'INT64', true)");
  await one.run(`UNWIND range(1, ${ELEMENTS}) AS i CREATE (:M {id: i, a: i % 50, b: 'b' + i % 7, t: 'word' + i % 40 + ' graph ' + i % 3})-[:K {a: i % 30, id: i}]->(:D {id: i, a: i % 11, t: 'text' + i % 9})`);
  await one.run(`MATCH (d:D) CREATE (d)-[:DE {a: d.id % 13}]->(d)`);
  return one;
}

/** What makes each, and a question that is answered by it: `AllNodes` and `Label` scans otherwise. */
const KINDS: readonly (readonly [what: string, make: string, question: string, plan: RegExp])[] = [
  ['a range index', 'CREATE INDEX made FOR (m:M) ON (m.a)', 'MATCH (m:M) WHERE m.a = 7 RETURN m.id ORDER BY m.id', /Index/],
  ['one that gives an order', 'CREATE INDEX made FOR (m:M) ON (m.a)', 'MATCH (m:M) WHERE m.a >= 0 RETURN m.a ORDER BY m.a LIMIT 20', /Index/],
  ['a composite one', 'CREATE INDEX made FOR (m:M) ON (m.a, m.b)', "MATCH (m:M) WHERE m.a = 7 AND m.b = 'b3' RETURN m.id ORDER BY m.id", /Index/],
  ['one by a procedure', "CALL db.addIndex('D', 'a', false)", 'MATCH (d:D) WHERE d.a = 7 RETURN d.id ORDER BY d.id', /Index/],
  ['one of edges', 'CREATE INDEX made FOR ()-[k:K]-() ON (k.a)', 'MATCH ()-[k:K]->() WHERE k.a = 7 RETURN k.id ORDER BY k.id', /./],
  ['one of edges by a procedure', "CALL db.addEdgeIndex('DE', 'a', false, false)", 'MATCH ()-[e:DE]->() WHERE e.a = 7 RETURN id(e) ORDER BY id(e)', /./],
  ['a unique one', 'CREATE CONSTRAINT made FOR (m:M) REQUIRE m.id IS UNIQUE', 'MATCH (m:M {id: 77}) RETURN m.a', /Index/],
  ['a key', 'CREATE CONSTRAINT made FOR (m:M) REQUIRE (m.id, m.a) IS NODE KEY', 'MATCH (m:M {id: 77, a: 27}) RETURN m.a', /Index/],
  ['a unique one of edges', 'CREATE CONSTRAINT made FOR ()-[k:K]-() REQUIRE k.id IS UNIQUE', 'MATCH ()-[k:K {id: 77}]->() RETURN k.a', /./],
  ['one over pairs', "CALL db.addEdgeIndex('DE', 'a', false, true)", 'MATCH ()-[e:DE]->() WHERE e.a = 7 RETURN id(e) ORDER BY id(e)', /./],
];

describe('an index of any kind over much data', () => {
  it.each(KINDS)('is whole when its statement is answered, others having written meanwhile: %s', async (_what, make, question, plan) => {
    const one = await filled();
    const before = await one.run(question);
    expect(before.length).toBeGreaterThan(0);
    const planOf = async () => JSON.stringify(await one.run(`EXPLAIN ${question}`));
    const scan = await planOf();
    const done = one.run(make);
    await until(() => (one.built ?? 0) > NODES + 100);
    expect(await one.states()).toEqual([[expect.any(String), 'POPULATING']]);
    expect((await one.run('SHOW INDEXES YIELD populationPercent AS p WHERE p < 100 RETURN p')).length).toBe(1);
    await expect(one.run('CALL db.awaitIndexes(10)')).rejects.toMatchObject({ code: 'Busy' });
    expect(await planOf()).toBe(scan);
    expect(await one.run(question)).toEqual(before);
    // Before and behind the place where it is: changed, deleted, made.
    await one.run('MATCH (m:M) WHERE m.id IN [57, 1457] SET m.a = 7, m.b = "b3"');
    await one.run('MATCH (m:M)-[k:K]->(d:D)-[e:DE]->() WHERE m.id IN [58, 1458] SET k.a = 7, d.a = 7, e.a = 7');
    await one.run('MATCH (m:M) WHERE m.id IN [107, 1407] DETACH DELETE m');
    await one.run('MATCH (d:D) WHERE d.id IN [108, 1408] DETACH DELETE d');
    await one.run(`MATCH (d:D {id: 5}) CREATE (:M {id: 9001, a: 7, b: 'b3'})-[:K {a: 7, id: 9001}]->(d)-[:DE {a: 77}]->(d)`);
    await one.run('MATCH (m:M) WHERE m.id = 157 REMOVE m:M');
    expect(one.built).toBeGreaterThan(0);
    const meanwhile = await one.run(question);
    await done;
    expect(one.built).toBeUndefined();
    expect(await one.run(question)).toEqual(meanwhile);
    expect(await planOf()).toMatch(plan);
    if (plan.source === 'Index') expect(await planOf()).not.toBe(scan);
    expect(await one.states()).toEqual([[expect.any(String), 'ONLINE']]);
    await one.run('CALL db.awaitIndexes(10)');
    expect(one.problems).toEqual([]);
  });

  it('of full text is whole when its statement is answered, and is not searched before', async () => {
    const one = await filled();
    const search = "CALL db.index.fulltext.queryNodes('made', 'word7') YIELD node RETURN node.id AS id ORDER BY id";
    const best = "MATCH (n:M|D) WHERE n.t CONTAINS 'word7 ' RETURN n.id AS id ORDER BY id";
    const done = one.run('CREATE FULLTEXT INDEX made FOR (n:M|D) ON EACH [n.t]');
    await until(() => (one.built ?? 0) > NODES + 100);
    expect(await one.states()).toEqual([['made', 'POPULATING']]);
    await expect(one.run(search)).rejects.toMatchObject({ code: 'Busy', message: expect.stringMatching(/^the index made is being built: \d+ percent are done$/) });
    await expect(one.run("CALL db.awaitIndex('made')")).rejects.toMatchObject({ code: 'Busy' });
    await one.run("MATCH (m:M) WHERE m.id IN [57, 1457] SET m.t = 'word7 indeed'");
    await one.run('MATCH (m:M) WHERE m.id IN [47, 1447] DETACH DELETE m');
    await one.run("CREATE (:D {id: 9001, t: 'word7 here'})");
    await done;
    expect(await one.run(search)).toEqual(await one.run(best));
    expect((await one.run(search)).length).toBe(ELEMENTS / 40 + 2 - 2 + 1);
    await one.run("CALL db.awaitIndex('made')");
  });

  it.each(KINDS.slice(0, 1).concat(KINDS.slice(6, 7)))('is built on by the next leader, and after a start, as a replica has it: %s', async (_what, make, question) => {
    const one = await filled();
    const before = await one.run(question);
    const done = one.run(make).then(() => 'made', (error: unknown) => asDbError(error).code);
    await pausedIn(one);
    one.transactor.receive({ kind: 'following', term: 2 });
    one.commit(one.kept.pop()!);
    // Whether a unique one can be built is not known.
    expect(await done).toBe(make.includes('CONSTRAINT') ? 'OutcomeUnknown' : 'made');
    one.commits = Infinity;
    one.lead(3);
    await until(() => (one.built ?? Infinity) > 1500);
    one.transactor.abandon();
    const again = new Server(one.engine);
    again.lead(4);
    await until(() => again.transactor.leading);
    await until(() => again.built === undefined);
    expect(await again.states()).toEqual([['made', 'ONLINE']]);
    expect(await again.run(question)).toEqual(before);
  });

  it('is waited for by whoever asks for it if it is not there', async () => {
    const one = await filled();
    const first = one.run('CREATE INDEX made FOR (m:M) ON (m.a)');
    await until(() => (one.built ?? 0) > 100);
    await one.run('CREATE INDEX IF NOT EXISTS FOR (m:M) ON (m.a)');
    expect(await one.states()).toEqual([['made', 'ONLINE']]);
    await first;
    await expect(one.run('CREATE INDEX made FOR (m:M) ON (m.a)')).rejects.toMatchObject({ code: 'IndexExists' });
  });

  it('is made by a statement of several transactions, which waits for it', async () => {
    const one = await filled();
    await one.run("UNWIND ['a', 'b'] AS key CALL { WITH key CALL db.addIndex('D', 'a', false) RETURN 1 AS done } IN TRANSACTIONS OF 1 ROW ON ERROR BREAK RETURN count(*)");
    expect(await one.states()).toEqual([['D_a', 'ONLINE']]);
  });

  it('may be dropped, and loses its data, while it is built', async () => {
    const one = await filled();
    for (const drop of ['DROP INDEX made', "CALL db.deleteLabel('vertex', 'D')"]) {
      const done = one.run('CREATE INDEX made FOR (d:D) ON (d.a)');
      await until(() => (one.built ?? 0) > 100);
      await one.run(drop);
      await done;
      expect(await one.run("SHOW INDEXES YIELD name WHERE name = 'made' RETURN name")).toEqual([]);
      expect(one.built).toBeUndefined();
    }
  });

  it('goes with its field while it is built', async () => {
    const one = await filled();
    const made = [one.run('CREATE INDEX made FOR (d:D) ON (d.t)'), one.run("CALL db.addFullTextIndex(true, 'D', 't')")];
    await until(() => (one.built ?? 0) > 100);
    await one.run("CALL db.alterLabelDelFields('vertex', 'D', ['t'])");
    await Promise.all(made);
    expect(await one.states()).toEqual([]);
    expect(one.built).toBeUndefined();
    // And with another type of the field it goes on.
    const question = 'MATCH (d:D) WHERE d.a >= 7 AND d.a < 8 RETURN count(*)';
    const before = await one.run(question);
    const done = one.run('CREATE INDEX made FOR (d:D) ON (d.a)');
    await until(() => (one.built ?? 0) > 2000);
    await one.run("CALL db.alterLabelModFields('vertex', 'D', ['a', 'DOUBLE', true])");
    expect(one.built).toBeGreaterThan(0);
    await done;
    expect(await one.run(question)).toEqual(before);
    expect(JSON.stringify(await one.run(`EXPLAIN ${question}`))).toContain('Index');
  });
});

describe('a unique index over much data', () => {
  const CONSTRAINT = 'CREATE CONSTRAINT made FOR (m:M) REQUIRE m.id IS UNIQUE';
  const NOTHING_LEFT = { constraints: [], indexes: [expect.objectContaining({ name: 'D_id' })] };

  it.each([
    ['was there before', CONSTRAINT, true],
    ['is written meanwhile', CONSTRAINT, false],
    ['was there before, asked for by a procedure', "CALL db.addEdgeIndex('DE', 'a', true, false)", true],
  ])('fails by name, and leaves nothing behind, where a value is there twice that %s', async (_what, make, isBefore) => {
    const one = await filled();
    const spoil = () => one.run('MATCH (m:M {id: 4}) SET m.id = 1400');
    if (isBefore) await spoil();
    const done = one.run(make).then(() => undefined, (error: unknown) => error);
    await until(() => (one.built ?? 0) > NODES + 100 || one.catalog.indexes.length === 1);
    if (!isBefore) await spoil();
    expect(await done).toMatchObject({ code: 'ConstraintValidation', message: expect.stringMatching(/^Failed to index (vertex|edge) \[\d+\] with field value \[(id:1400|a:\d+)\]: index value already exists\.$/) });
    expect(one.catalog).toMatchObject(NOTHING_LEFT);
    expect(one.problems).toEqual([expect.stringMatching(/^the unique index \S+ of the graph default is dropped, since it could not be built: Failed to index/)]);
    await one.run('MATCH (m:M {id: 1400}) WHERE m.a = 4 SET m.id = 4');
    if (make === CONSTRAINT) await one.run(make);
  });

  it('refuses a value that it holds already, and MERGE finds what is there', async () => {
    const one = await filled();
    const done = one.run(CONSTRAINT);
    await until(() => (one.built ?? 0) > NODES + 500);
    await expect(one.run('MATCH (m:M {id: 1400}) SET m.id = 4')).rejects.toMatchObject({ code: 'ConstraintValidation' });
    await one.run('UNWIND [3, 1403, 9003] AS id MERGE (m:M {id: id}) SET m.seen = true');
    expect(await one.run('MATCH (m:M) WHERE m.seen RETURN m.id ORDER BY m.id')).toEqual([[3], [1403], [9003]]);
    expect(one.built).toBeGreaterThan(0);
    await done;
    expect(await one.run('MATCH (m:M) RETURN count(*), count(DISTINCT m.id)')).toEqual([[ELEMENTS + 1, ELEMENTS + 1]]);
    await expect(one.run('CREATE (:M {id: 3})')).rejects.toMatchObject({ code: 'ConstraintValidation' });
  });

  it('goes where its statement ends before', async () => {
    for (const [options, code] of [[{ timeoutMs: 2000 }, 'Timeout'], [{ killSlot: 1 }, 'Killed']] as const) {
      const one = await filled();
      const done = one.run(CONSTRAINT, options).then(() => undefined, (error: unknown) => asDbError(error).code);
      await until(() => (one.built ?? 0) > 64);
      Atomics.store(one.killFlags, 1, 1);
      expect(await done).toBe(code);
      expect(one.catalog).toMatchObject(NOTHING_LEFT);
      expect(one.built).toBeUndefined();
    }
  });

  it('answers a repetition as it ended, at another leader, too', async () => {
    const one = await filled();
    const [good, bad] = [{ idempotencyKey: 'good' }, { idempotencyKey: 'bad' }];
    void one.run(CONSTRAINT, good).catch(() => undefined);
    await pausedIn(one);
    one.transactor.receive({ kind: 'following', term: 2 });
    one.commit(one.kept.pop()!);
    one.commits = Infinity;
    one.lead(3);
    await until(() => one.transactor.leading);
    await one.run(CONSTRAINT, good);
    expect(one.catalog.indexes.map(({ name, isUnfinished }) => [name, isUnfinished])).toEqual([['D_id', undefined], ['made', undefined]]);
    await one.run(CONSTRAINT, good);
    await one.run('DROP CONSTRAINT made');
    await one.run('MATCH (m:M {id: 4}) SET m.id = 1400');
    await expect(one.run(CONSTRAINT, bad)).rejects.toMatchObject({ code: 'ConstraintValidation', message: expect.stringContaining('id:1400') });
    await expect(one.run(CONSTRAINT, bad)).rejects.toMatchObject({ code: 'ConstraintValidation' });
  });

  it('is made by an explicit transaction: its commit waits and fails where it cannot be built, and where there is more in it the statement does', async () => {
    for (const isTwice of [false, true]) {
      const one = await filled();
      if (isTwice) await one.run('MATCH (m:M {id: 4}) SET m.id = 1400');
      const begin = async () => (await one.host.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 })).transaction;
      const alone = await begin();
      await one.run(CONSTRAINT, { transaction: alone });
      const parts = one.proposals;
      const committed = one.host.commit({ transaction: alone, user: 'admin' });
      if (isTwice) await expect(committed).rejects.toMatchObject({ code: 'ConstraintValidation', message: expect.stringContaining('id:1400') });
      else await committed;
      expect(one.proposals).toBeGreaterThan(parts + 3);
      if (!isTwice) await one.run('DROP CONSTRAINT made');
      expect(one.catalog).toMatchObject(NOTHING_LEFT);
      const more = await begin();
      await one.run('CREATE (:Other)', { transaction: more });
      if (isTwice) {
        await expect(one.run(CONSTRAINT, { transaction: more })).rejects.toMatchObject({ code: 'ConstraintValidation' });
        one.host.rollback(more);
      } else {
        await one.run(CONSTRAINT, { transaction: more });
        await expect(one.run('CREATE (:M {id: 4})', { transaction: more })).rejects.toMatchObject({ code: 'ConstraintValidation' });
        await one.host.commit({ transaction: more, user: 'admin' }).catch(() => undefined);
      }
      if (one.catalog.constraints.length > 0) await one.run('DROP CONSTRAINT made');
      const next = await begin();
      await one.run(CONSTRAINT, { transaction: next });
      const write = one.run('CREATE (:Other)', { transaction: next });
      if (isTwice) await expect(write).rejects.toMatchObject({ code: 'ConstraintValidation' });
      else {
        await write;
        await one.host.commit({ transaction: next, user: 'admin' });
        expect(one.catalog.constraints.length).toBe(1);
      }
    }
  });

  it('is built within a transaction whose commit is made under a key: a repetition of that could not say what became of it', async () => {
    const one = await filled();
    const begin = async () => (await one.host.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 })).transaction;
    const good = await begin();
    await one.run(CONSTRAINT, { transaction: good });
    const { proposals } = one;
    await one.host.commit({ transaction: good, user: 'admin', idempotencyKey: 'k' });
    expect(one.proposals).toBe(proposals + 1);
    expect(one.catalog.indexes.map(({ name, isUnfinished }) => [name, isUnfinished])).toEqual([['D_id', undefined], ['made', undefined]]);
    await one.run('DROP CONSTRAINT made');
    await one.run('MATCH (m:M {id: 4}) SET m.id = 1400');
    const bad = await begin();
    await one.run(CONSTRAINT, { transaction: bad });
    await expect(one.host.commit({ transaction: bad, user: 'admin', idempotencyKey: 'l' })).rejects.toMatchObject({ code: 'ConstraintValidation' });
    expect(one.catalog).toMatchObject(NOTHING_LEFT);
  });
});
