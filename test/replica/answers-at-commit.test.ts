/** Writes that are answered when they are committed, before the state store has them (docs/decisions/028-answers-at-commit.md). */
import { expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import type { Transaction } from '../../src/graph/transaction.ts';
import type { TransactorOptions, WriteOptions } from '../../src/replica/transactor.ts';
import type { WriteOp } from '../../src/storage/engine.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';
import { Bench, create, leading } from './transactor-bench.ts';

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

/** A leader of one vertex, whose store is held from now on. */
async function held(options: Partial<TransactorOptions> = {}) {
  const engine = new SlowEngine();
  const bench = await leading(new Bench(engine, { ...options, syncIntervalMs: 60_000 }));
  const first = bench.transactor.write(create('first'));
  await commit(bench);
  await first;
  engine.hold();
  return { bench, letGo: (error?: Error) => engine.letGo(error) };
}

/** The group has all that is proposed, and whoever that concerns has heard of it. */
async function commit(bench: Bench): Promise<void> {
  await bench.settle();
  bench.commitProposed();
  await bench.settle();
}

/** A client's write, committed: what became of it so far, and what will. */
async function committed(bench: Bench, work: (tx: Transaction) => { result: number; answer?: () => Uint8Array } = create('a'), options: WriteOptions = {}) {
  const write = bench.transactor.write(work, { ...options, answersAtCommit: true });
  await bench.settle();
  expect(await stateOf(write)).toBe('open');
  await commit(bench);
  return { write, state: await stateOf(write) };
}

async function stateOf(promise: Promise<unknown>): Promise<'open' | 'done' | 'failed'> {
  return Promise.race([promise.then(() => 'done' as const, () => 'failed' as const), new Promise<'open'>((resolve) => setImmediate(() => resolve('open')))]);
}

it('tells the client once the group has the entry, and readers which version to wait for', async () => {
  const { bench, letGo } = await held();
  const { version } = await (await committed(bench)).write;
  expect(bench.reader.publishedVersion).toBeLessThan(version);
  expect(bench.reader.answeredVersion).toBe(version);
  expect(bench.count()).toBe(1);
  const acquired = bench.reader.acquireAnswered();
  expect(await stateOf(acquired)).toBe('open');
  letGo();
  expect((await acquired).version).toBe(version);
  expect(bench.count()).toBe(2);
});

it('lets writes that follow begin at once, on top of what is not written yet, whatever their client has seen', async () => {
  const { bench, letGo } = await held();
  const { version } = await (await committed(bench)).write;
  const { write } = await committed(bench, (tx) => ({ result: tx.graph('default').nodeCount() }), { minVersion: version });
  expect(await write).toMatchObject({ result: 2, version: version + 1 });
  letGo();
});

it('begins no transaction on a state that lacks what a client was told of', async () => {
  const { bench, letGo } = await held();
  const { version } = await (await committed(bench)).write;
  const reach = bench.transactor.reachWritten(0);
  expect(await stateOf(reach)).toBe('open');
  letGo();
  await reach;
  expect(bench.transactor.begin().version).toBeGreaterThanOrEqual(version);
});

it.each([
  ['a new name in the schema', (tx: Transaction) => ({ result: tx.graph('default').keyId('other') })],
  ['a new graph', (tx: Transaction) => (tx.changeSystem({ kind: 'createGraph', name: 'second', description: '', maxSizeGB: 1, strict: false }), { result: 0 })],
])('waits until it is written, where others look at it: %s', async (_, work) => {
  const { bench, letGo } = await held();
  const { write, state } = await committed(bench, work);
  expect(state).toBe('open');
  letGo();
  const { version } = await write;
  expect(bench.reader.publishedVersion).toBe(version);
  expect(bench.reader.answeredVersion).toBe(0);
});

it('waits until it is written, where the disk is nearly full: it might never be', async () => {
  const { bench, letGo } = await held({ early: { hasRoom: () => false } });
  const { write, state } = await committed(bench);
  expect(state).toBe('open');
  letGo();
  expect(await write).toMatchObject({ version: bench.reader.publishedVersion });
});

it('waits until it is written, where the store is far behind: whoever reads would wait for all of that', async () => {
  const { bench, letGo } = await held({ early: { unwrittenBytesMax: 60 } });
  const states: string[] = [];
  const writes = [];
  for (let i = 0; i < 8; i++) {
    const { write, state } = await committed(bench);
    writes.push(write);
    states.push(state);
  }
  expect(states[0]).toBe('done');
  expect(states.at(-1)).toBe('open');
  // Once it is behind, it stays so until it has written.
  expect(states.indexOf('open')).toBe(states.lastIndexOf('done') + 1);
  const answered = bench.reader.answeredVersion;
  letGo();
  const versions = (await Promise.all(writes)).map(({ version }) => version);
  expect(versions.filter((version) => version <= answered)).toHaveLength(states.filter((state) => state === 'done').length);
  expect((await committed(bench)).state).toBe('done');
});

it('keeps an outcome for a repetition before it is written', async () => {
  const { bench, letGo } = await held();
  const work = (tx: Transaction) => ({ ...create('a')(tx), answer: () => Uint8Array.of(7) });
  const { version } = await (await committed(bench, work, { idempotencyKey: 'once' })).write;
  expect(bench.reader.publishedVersion).toBeLessThan(version);
  const again = bench.transactor.write(work, { idempotencyKey: 'once', answersAtCommit: true });
  expect(await again).toMatchObject({ repeated: Uint8Array.of(7), version });
  letGo();
});

it('makes nobody wait for what a full disk keeps from being written', async () => {
  const full: DbError[] = [];
  const { bench, letGo } = await held({ onDiskFull: (error) => void full.push(error) });
  await (await committed(bench)).write;
  const later = bench.transactor.write(create('b'), { answersAtCommit: true });
  later.catch(() => undefined);
  await bench.settle();
  letGo(new DbError('ReadOnlyDisk', 'no space is left'));
  await bench.settle();
  expect(full).toHaveLength(1);
  expect(bench.reader.answeredVersion).toBe(0);
  expect(bench.count()).toBe(1);
  // What the group commits after that is not told by this server any more.
  await commit(bench);
  await expect(later).rejects.toMatchObject({ code: 'OutcomeUnknown' });
  expect(bench.reader.answeredVersion).toBe(0);
});
