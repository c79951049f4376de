/** An index over much data is built in parts, among the writes of others; whatever happens to its leader, in the end it is whole. */
import { describe, expect, it } from 'vitest';
import { createFirstState } from '../../src/auth/first-start.ts';
import { systemClock } from '../../src/base/clock.ts';
import { asDbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { COUNTERS } from '../../src/graph/blocks.ts';
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

  async run(text: string, options: { readonly timeoutMs?: number; readonly killSlot?: number; readonly transaction?: number } = {}): Promise<unknown[][]> {
    const reply = await this.host.run({
      graph: this.graph, text, parameters: encodeMap(new Map()), encoding: 'json', firstRows: 1000, user: 'admin', timeoutMs: 0, killSlot: -1, minVersion: 0, summaryRow: false, ...options,
    });
    return JSON.parse(`[${Buffer.from(reply.bytes).toString().replace(/,$/, '')}]`) as unknown[][];
  }

  async state(): Promise<unknown> {
    return (await this.run('SHOW VECTOR INDEXES YIELD state'))[0]?.[0];
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
