/** A transactor by itself, for tests. */
import { systemClock } from '../../src/base/clock.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import type { Transaction } from '../../src/graph/transaction.ts';
import { pack, unpack } from '../../src/replica/packed.ts';
import type { WriterToConsensus } from '../../src/replica/protocol.ts';
import { Transactor } from '../../src/replica/transactor.ts';
import type { TransactorOptions } from '../../src/replica/transactor.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';

export type Propose = Extract<WriterToConsensus, { kind: 'propose' }>;

/** A transactor whose consensus thread is the test. */
export class Bench {
  readonly engine: MemoryEngine;
  readonly clocks = new VersionClocks();
  readonly writer: StateWriter;
  readonly reader: StateReader;
  readonly proposed: Propose[] = [];
  fatal: unknown;
  index = 0;
  readonly transactor: Transactor;

  constructor(engine = new MemoryEngine(), options: Partial<TransactorOptions> = {}) {
    this.engine = engine;
    this.writer = new StateWriter(engine, this.clocks, 1 << 24);
    this.reader = new StateReader(engine, this.clocks, new BlockCache(1 << 24));
    this.transactor = new Transactor({
      writer: this.writer, reader: this.reader, clock: systemClock,
      port: { post: (message) => void (message.kind === 'propose' && this.proposed.push(message)) },
      uncommittedBytesMax: 1 << 20, entryBytesMax: 1 << 20, syncIntervalMs: 1000, onFatal: (error) => (this.fatal = error), ...options,
    });
  }

  lead(term: number): void {
    this.commit([{ id: 0, term, data: undefined }]);
    this.transactor.receive({ kind: 'leading', term, readyIndex: this.index });
  }

  commit(entries: { id: number; term: number; data: Uint8Array | undefined }[]): void {
    const first = this.index + 1;
    this.index += entries.length;
    this.transactor.receive({
      kind: 'committed', first, terms: entries.map((one) => one.term), ids: entries.map((one) => one.id),
      kinds: entries.map((one) => (one.data === undefined ? 0 : 1)), data: pack(entries.map((one) => one.data ?? new Uint8Array())),
    });
  }

  /** Commits all proposals that came in, as the leader's own. */
  commitProposed(): void {
    for (const one of this.proposed.splice(0)) {
      const parts = unpack(one.data);
      this.commit(one.ids.map((id, i) => ({ id, term: one.term, data: parts[i]! })));
    }
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  count(): number {
    const point = this.reader.acquire();
    try {
      return point.view('default').nodeCount();
    } finally {
      this.reader.release(point);
    }
  }
}

export const create = (key: string) => (tx: Transaction) => {
  const graph = tx.graph('default');
  return { result: graph.createNode([], [[graph.keyId('k'), key]]).id };
};

/** One that leads, with a graph. */
export async function leading(bench = new Bench()): Promise<Bench> {
  bench.lead(1);
  await bench.settle();
  const made = bench.transactor.write((tx) => {
    tx.changeSystem({ kind: 'createGraph', name: 'default', description: '', maxSizeGB: 1, strict: false });
    return { result: undefined };
  });
  await bench.settle();
  bench.commitProposed();
  await made;
  return bench;
}
