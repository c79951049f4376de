/**
 * An interactive write transaction (BEGIN … COMMIT): its statements run on the snapshot of one version and see their own
 * changes; at commit everything it has read is checked to be unchanged since, and its effects are replayed on the head.
 *
 * Reads are tracked by block. Since every read (a property, a neighbour list, a label's members, an index page) is a read
 * of blocks, unchanged blocks mean that the transaction would read the same now: the outcome is serializable, phantoms
 * included. The clocks may report a change that was another block's; that costs a retry, never correctness.
 */
import { DbError } from '../base/errors.ts';
import type { BlockSource } from '../graph/block-source.ts';
import { COUNTERS } from '../graph/blocks.ts';
import type { Block, BlockKind } from '../graph/blocks.ts';
import type { ReadPoint, StateReader } from '../graph/state-reader.ts';
import type { StateWriter } from '../graph/state-writer.ts';
import { EMPTY_SYSTEM, SYSTEM, SYSTEM_GRAPH } from '../graph/system.ts';
import type { SystemState } from '../graph/system.ts';
import { Transaction } from '../graph/transaction.ts';
import type { IdAllocator } from '../graph/transaction.ts';

/** Blocks one transaction may read before it is refused (each costs a few bytes to track), where nothing else is said. */
const TRACKED_BLOCKS_MAX = 4_000_000;

class TrackingSource implements BlockSource {
  readonly #base: BlockSource;
  readonly #reads = new Map<number, Set<number>>();
  readonly #blocksMax: number;
  #count = 0;

  constructor(base: BlockSource, blocksMax: number) {
    this.#base = base;
    this.#blocksMax = blocksMax;
  }

  get<B extends Block>(kind: BlockKind<B>, block: number): B | undefined {
    // Counters are read by every creation; what a statement counts it counts through sets, or accepts as a statistic.
    if (kind.tag !== COUNTERS.tag) {
      let set = this.#reads.get(kind.tag);
      if (set === undefined) this.#reads.set(kind.tag, set = new Set());
      if (!set.has(block)) {
        set.add(block);
        if (++this.#count > this.#blocksMax) {
          throw new DbError('MemoryLimit', `the transaction has read more than ${this.#blocksMax} blocks`, { hint: 'do large reads in a read transaction, or raise max_transaction_reads' });
        }
      }
    }
    return this.#base.get(kind, block);
  }

  changedSince(writer: StateWriter, graph: number, version: number): boolean {
    for (const [kind, blocks] of this.#reads) {
      for (const block of blocks) if (writer.changedSince(graph, kind, block, version)) return true;
    }
    return false;
  }
}

/** Remembers the ids that it hands out, so that doing the same again gives the same. */
class RecordedIds implements IdAllocator {
  readonly #ids: IdAllocator;
  readonly #vertices: number[] = [];
  readonly #edges: number[] = [];

  constructor(ids: IdAllocator) {
    this.#ids = ids;
  }

  vertex(graph: number, floor: number): number {
    const id = this.#ids.vertex(graph, floor);
    this.#vertices.push(id);
    return id;
  }

  edge(graph: number, floor: number): number {
    const id = this.#ids.edge(graph, floor);
    this.#edges.push(id);
    return id;
  }

  /** Those ids once more, in their order, and then fresh ones. They belong to this transaction alone, whatever their graph. */
  again(): IdAllocator {
    const [vertices, edges] = [[...this.#vertices], [...this.#edges]];
    return { vertex: (graph, floor) => vertices.shift() ?? this.#ids.vertex(graph, floor), edge: (graph, floor) => edges.shift() ?? this.#ids.edge(graph, floor) };
  }
}

export class InteractiveTransaction {
  readonly transaction: Transaction;
  readonly version: number;
  /** The leadership it began under: ids it was given are its own only as long as that lasts. */
  readonly epoch: number;
  readonly #point: ReadPoint;
  readonly #reader: StateReader;
  readonly #sources = new Map<number, TrackingSource>();
  readonly #ids: RecordedIds;
  #open = true;

  constructor(reader: StateReader, options: { epoch: number; timeMs: number; ids: IdAllocator; effectBytesMax: number; indexedAtOnceMax?: number | undefined; blocksReadMax?: number | undefined }) {
    this.#reader = reader;
    this.#point = reader.acquire();
    this.version = this.#point.version;
    this.epoch = options.epoch;
    this.#ids = new RecordedIds(options.ids);
    this.transaction = new Transaction({
      base: (graph) => this.#point.source(graph),
      baseVersion: this.version, timeMs: options.timeMs, ids: this.#ids, effectBytesMax: options.effectBytesMax, indexedAtOnceMax: options.indexedAtOnceMax,
      observe: (graph, source) => {
        const tracking = new TrackingSource(source, options.blocksReadMax ?? TRACKED_BLOCKS_MAX);
        this.#sources.set(graph, tracking);
        return tracking;
      },
    });
  }

  /** For a transaction on another state that does the same. */
  idsAgain(): IdAllocator {
    return this.#ids.again();
  }

  /**
   * Whether something it has read may have changed since it began. Users, roles and settings it is only taken to have read where it
   * changes some of them: a whole record is stored, and would undo what another has changed of it. What else of theirs would matter, `isOutdated` says.
   */
  conflicts(writer: StateWriter, isOutdated: (begun: SystemState, now: SystemState) => boolean = () => false): boolean {
    if (writer.changedSince(SYSTEM_GRAPH, SYSTEM.tag, 0, this.version)) {
      if (this.transaction.changesSystem) return true;
      const now = writer.head(SYSTEM_GRAPH).get(SYSTEM, 0)?.state ?? EMPTY_SYSTEM;
      // What it wrote to a graph that is gone would be nowhere.
      for (const graph of this.#sources.keys()) if (!now.graphs.some(({ id }) => id === graph)) return true;
      if (isOutdated(this.#point.system, now)) return true;
    }
    for (const [graph, source] of this.#sources) if (source.changedSince(writer, graph, this.version)) return true;
    return false;
  }

  /** Gives the snapshot back; to be called once, whatever the outcome. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reader.release(this.#point);
  }
}
