import { BlockCache } from '../../src/graph/block-source.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { Transaction } from '../../src/graph/transaction.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import type { Engine } from '../../src/storage/engine.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';

/** A state store without a log: transactions commit at once, one index each. */
export class LocalStore {
  readonly engine: Engine;
  readonly clocks = new VersionClocks();
  readonly writer: StateWriter;
  readonly reader: StateReader;
  /** Every record written, in order: what a follower would get. */
  readonly records: Uint8Array[] = [];
  /** An index over more is made unfinished: see GraphTransaction.buildOn. */
  indexedAtOnceMax: number | undefined;
  #next = { vertex: 0, edge: 0 };

  constructor(engine: Engine = new MemoryEngine(), cacheBytes = 64 * 1024 * 1024) {
    this.engine = engine;
    this.writer = new StateWriter(engine, this.clocks, cacheBytes);
    this.reader = new StateReader(engine, this.clocks, new BlockCache(cacheBytes));
  }

  static async withGraph(name = 'default', engine?: Engine, cacheBytes?: number, strict = false): Promise<LocalStore> {
    const store = new LocalStore(engine, cacheBytes);
    await store.write((tx) => tx.changeSystem({ kind: 'createGraph', name, description: '', maxSizeGB: 4096, strict }));
    return store;
  }

  begin(): Transaction {
    return new Transaction({
      base: (graph) => this.writer.head(graph), baseVersion: this.writer.version, timeMs: 0, indexedAtOnceMax: this.indexedAtOnceMax,
      ids: {
        vertex: (_, floor) => (this.#next.vertex = Math.max(this.#next.vertex, floor) + 1) - 1,
        edge: (_, floor) => (this.#next.edge = Math.max(this.#next.edge, floor) + 1) - 1,
      },
    });
  }

  async write<T>(work: (tx: Transaction) => T): Promise<T> {
    const tx = this.begin();
    const result = work(tx);
    tx.checkCommit();
    this.records.push(tx.effects.finish());
    const staged = this.writer.stage(tx.changes);
    await this.writer.write([{ index: this.writer.version + 1, staged, timeMs: 0 }], { sync: false });
    return result;
  }

  /** A second store that got the same records, some at a time. */
  async replica(batch = 3): Promise<LocalStore> {
    const copy = new LocalStore();
    for (let i = 0; i < this.records.length; i += batch) {
      const entries = this.records.slice(i, i + batch).map((record, n) => {
        const { staged, timeMs } = copy.writer.stageRecord(record, i + n + 1);
        return { index: i + n + 1, staged, timeMs };
      });
      await copy.writer.write(entries, { sync: false });
    }
    return copy;
  }

  /** Everything in the engine, as text. */
  async dump(): Promise<string[]> {
    const lines: string[] = [];
    for await (const batch of this.engine.entries({})) {
      for (const [key, value] of batch) lines.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
    }
    return lines;
  }
}
