/** Writes that are answered when they are committed, before the state store has them (docs/decisions/028-answers-at-commit.md). */
import { expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DbError } from '../../src/base/errors.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import type { Transaction } from '../../src/graph/transaction.ts';
import { pack, unpack } from '../../src/replica/packed.ts';
import type { WriterToConsensus } from '../../src/replica/protocol.ts';
import { Transactor } from '../../src/replica/transactor.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';
import type { WriteOp } from '../../src/storage/engine.ts';

/** A store whose writes take until they are let go, or fail. */
class SlowEngine extends MemoryEngine {
  #gate: Promise<void> = Promise.resolve();
  letGo: (error?: Error) => void = () => undefined;

  hold(): void {
    this.#gate = new Promise((resolve, reject) => (this.letGo = (error) => (error === undefined ? resolve() : reject(error))));
  }

  override async batch(operations: readonly WriteOp[]): Promise<void> {
    await this.#gate;
    await super.batch(operations);
  }
}

type Propose = Extract<WriterToConsensus, { kind: 'propose' }>;

/** A leader whose consensus thread is the test, with a graph that knows the property `k`. */
async function leading(freeBytes = Infinity) {
  const engine = new SlowEngine();
  const clocks = new VersionClocks();
  const writer = new StateWriter(engine, clocks, 1 << 24);
  const reader = new StateReader(engine, clocks, new BlockCache(1 << 24));
  const proposed: Propose[] = [];
  const full: DbError[] = [];
  const transactor = new Transactor({
    writer, reader, clock: systemClock, port: { post: (message) => void (message.kind === 'propose' && proposed.push(message)) },
    uncommittedBytesMax: 1 << 20, entryBytesMax: 1 << 20, syncIntervalMs: 60_000, freeBytes: () => freeBytes,
    onFatal: (error) => {
      throw error;
    },
    onDiskFull: (error) => void full.push(error),
  });
  let index = 0;
  const settle = async () => {
    for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const commit = (one: Propose | undefined) => {
    const first = index + 1;
    const parts = one === undefined ? [new Uint8Array()] : unpack(one.data);
    index += parts.length;
    const kind = one === undefined ? 0 : 1;
    transactor.receive({ kind: 'committed', first, terms: parts.map(() => 1), ids: one?.ids ?? [0], kinds: parts.map(() => kind), data: pack(parts) });
  };
  /** The group has all that is proposed. */
  const commitAll = async () => {
    await settle();
    for (const one of proposed.splice(0)) commit(one);
    await settle();
  };
  commit(undefined);
  transactor.receive({ kind: 'leading', term: 1, readyIndex: index });
  await settle();
  const made = transactor.write((tx) => {
    tx.changeSystem({ kind: 'createGraph', name: 'default', description: '', maxSizeGB: 1, strict: false });
    return { result: undefined };
  });
  await commitAll();
  await made;
  const named = transactor.write(create('k'));
  await commitAll();
  await named;
  const count = () => reader.at((point) => point.view('default').nodeCount());
  return { engine, reader, transactor, proposed, full, settle, commitAll, count };
}

const create = (key: string) => (tx: Transaction) => {
  const graph = tx.graph('default');
  return { result: graph.createNode([], [[graph.keyId(key), 'value']]).id };
};

/** What became of it so far. */
async function stateOf(promise: Promise<unknown>): Promise<'open' | 'done' | 'failed'> {
  return Promise.race([promise.then(() => 'done' as const, () => 'failed' as const), new Promise<'open'>((resolve) => setImmediate(() => resolve('open')))]);
}

it('tells the client once the group has the entry, and readers which version to wait for', async () => {
  const bench = await leading();
  bench.engine.hold();
  const write = bench.transactor.write(create('k'), { answersAtCommit: true });
  await bench.settle();
  expect(await stateOf(write)).toBe('open');
  await bench.commitAll();
  const { version } = await write;
  expect(bench.reader.publishedVersion).toBeLessThan(version);
  expect(bench.reader.answeredVersion).toBe(version);
  expect(bench.count()).toBe(1);
  bench.engine.letGo();
  expect(await bench.reader.reached(version, 1000)).toBe(true);
  expect(bench.count()).toBe(2);
});

it('lets writes that follow begin at once, on top of what is not written yet, whatever their client has seen', async () => {
  const bench = await leading();
  bench.engine.hold();
  const first = bench.transactor.write(create('k'), { answersAtCommit: true });
  await bench.commitAll();
  const { version } = await first;
  const second = bench.transactor.write((tx) => ({ result: tx.graph('default').nodeCount() }), { minVersion: version, answersAtCommit: true });
  await bench.commitAll();
  expect(await second).toMatchObject({ result: 2, version: version + 1 });
  bench.engine.letGo();
});

it('begins no transaction on a state that lacks what a client was told of', async () => {
  const bench = await leading();
  bench.engine.hold();
  const write = bench.transactor.write(create('k'), { answersAtCommit: true });
  await bench.commitAll();
  const { version } = await write;
  const reach = bench.transactor.reachWritten(0);
  expect(await stateOf(reach)).toBe('open');
  bench.engine.letGo();
  await reach;
  expect(bench.transactor.begin().version).toBeGreaterThanOrEqual(version);
});

it.each([
  ['a new name in the schema', create('other')],
  ['a new graph', (tx: Transaction) => (tx.changeSystem({ kind: 'createGraph', name: 'second', description: '', maxSizeGB: 1, strict: false }), { result: 0 })],
])('waits until it is written, where others look at it: %s', async (_, work) => {
  const bench = await leading();
  bench.engine.hold();
  const write = bench.transactor.write(work, { answersAtCommit: true });
  await bench.commitAll();
  expect(await stateOf(write)).toBe('open');
  bench.engine.letGo();
  const { version } = await write;
  expect(bench.reader.publishedVersion).toBe(version);
  expect(bench.reader.answeredVersion).toBe(0);
});

it('waits until it is written, where the disk is nearly full: it might never be', async () => {
  const bench = await leading(100 << 20);
  bench.engine.hold();
  const write = bench.transactor.write(create('k'), { answersAtCommit: true });
  await bench.commitAll();
  expect(await stateOf(write)).toBe('open');
  bench.engine.letGo();
  expect(await write).toMatchObject({ version: bench.reader.publishedVersion });
});

it('keeps an outcome for a repetition before it is written', async () => {
  const bench = await leading();
  bench.engine.hold();
  const write = bench.transactor.write((tx) => ({ ...create('k')(tx), answer: () => Uint8Array.of(7) }), { idempotencyKey: 'once', answersAtCommit: true });
  await bench.commitAll();
  const { version } = await write;
  expect(bench.reader.publishedVersion).toBeLessThan(version);
  const again = bench.transactor.write(create('k'), { idempotencyKey: 'once', answersAtCommit: true });
  expect(await again).toMatchObject({ repeated: Uint8Array.of(7), version });
  bench.engine.letGo();
});

it('makes nobody wait for what a full disk keeps from being written', async () => {
  const bench = await leading();
  bench.engine.hold();
  const write = bench.transactor.write(create('k'), { answersAtCommit: true });
  await bench.commitAll();
  await write;
  const later = bench.transactor.write(create('k'), { answersAtCommit: true });
  later.catch(() => undefined);
  await bench.settle();
  bench.engine.letGo(new DbError('ReadOnlyDisk', 'no space is left'));
  await bench.settle();
  expect(bench.full).toHaveLength(1);
  expect(bench.reader.answeredVersion).toBe(0);
  expect(bench.count()).toBe(1);
  // What the group commits after that is not told by this server any more.
  await bench.commitAll();
  await expect(later).rejects.toMatchObject({ code: 'OutcomeUnknown' });
  expect(bench.reader.answeredVersion).toBe(0);
});
