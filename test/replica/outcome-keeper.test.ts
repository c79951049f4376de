/** How long an idempotency key is kept, when clocks are not what they should be. */
import { expect, it } from 'vitest';
import { BlockCache } from '../../src/graph/block-source.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { OutcomeKeeper } from '../../src/replica/outcome-keeper.ts';
import { pack, unpack } from '../../src/replica/packed.ts';
import { Transactor } from '../../src/replica/transactor.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** A state in which leaders follow each other, each with a clock of its own; what is proposed is committed at once. */
class Bench {
  readonly clock = { wall: 1000 * DAY, monotonic: 0, wallMs: () => this.clock.wall, monotonicMs: () => this.clock.monotonic };
  readonly #engine = new MemoryEngine();
  readonly #clocks = new VersionClocks();
  #index = 0;
  #term = 0;
  readonly #transactor: Transactor = new Transactor({
    writer: new StateWriter(this.#engine, this.#clocks, 1 << 24), reader: new StateReader(this.#engine, this.#clocks, new BlockCache(1 << 24)), clock: this.clock,
    port: {
      post: (message) => {
        if (message.kind !== 'propose') return;
        const parts = unpack(message.data);
        setImmediate(() => message.ids.forEach((id, i) => this.#commit(id, parts[i]!)));
      },
    },
    uncommittedBytesMax: 1 << 20, entryBytesMax: 1 << 20, syncIntervalMs: 1000, onOutcome: (key, atMs) => this.keeper.note(key, atMs),
    onFatal: (error) => {
      throw error;
    },
  });
  keeper!: OutcomeKeeper;

  #commit(id: number, data: Uint8Array | undefined): void {
    this.#transactor.receive({ kind: 'committed', first: ++this.#index, terms: [this.#term], ids: [id], kinds: [data === undefined ? 0 : 1], data: pack([data ?? new Uint8Array()]) });
  }

  async lead(keptMs: number): Promise<void> {
    this.#term++;
    this.keeper = new OutcomeKeeper(this.#engine, this.#transactor, this.clock, { keptMs: () => keptMs });
    this.#commit(0, undefined);
    this.#transactor.receive({ kind: 'leading', term: this.#term, readyIndex: this.#index });
    await this.keeper.load();
  }

  async write(key: string): Promise<void> {
    await this.#transactor.write(() => ({ result: undefined, answer: () => new Uint8Array([1]) }), { idempotencyKey: key });
  }

  async knows(key: string): Promise<boolean> {
    await this.keeper.forgetOld();
    return await this.#transactor.findOutcome(key) !== undefined;
  }

  pass(ms: number): void {
    this.clock.wall += ms;
    this.clock.monotonic += ms;
  }
}

it('forgets a key when its time is up, and not before', async () => {
  const bench = new Bench();
  await bench.lead(60 * SECOND);
  await bench.write('u\nk');
  bench.pass(59 * SECOND);
  expect(await bench.knows('u\nk')).toBe(true);
  bench.pass(2 * SECOND);
  expect(await bench.knows('u\nk')).toBe(false);
});

it('keeps a key for a while under a next leader whose clock is days ahead, and no longer than its time under one whose clock is behind', async () => {
  for (const offset of [2 * DAY, -2 * DAY]) {
    const bench = new Bench();
    await bench.lead(DAY);
    await bench.write('u\nk');
    bench.clock.wall += offset;
    await bench.lead(DAY);
    expect(await bench.knows('u\nk')).toBe(true);
    bench.pass(500 * SECOND);
    expect(await bench.knows('u\nk')).toBe(true);
    bench.pass(DAY);
    expect(await bench.knows('u\nk')).toBe(false);
  }
});

it('keeps a key when the calendar of the leader is set right', async () => {
  const bench = new Bench();
  await bench.lead(DAY);
  await bench.write('u\nk');
  bench.clock.wall += 3 * DAY;
  expect(await bench.knows('u\nk')).toBe(true);
});
