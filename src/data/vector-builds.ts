/**
 * The trees over vectors of a graph that is written or repaired as a whole, built when its elements are in the engine. Their pages are in memory until
 * then: some hundred bytes for each vector, which are read one by one.
 */
import { COUNTERS } from '../graph/blocks.ts';
import type { CountersBlock } from '../graph/blocks.ts';
import { readBlock } from '../graph/block-source.ts';
import type { GraphCatalog } from '../graph/catalog.ts';
import { GraphMutator } from '../graph/mutator.ts';
import { fillVectorTree } from '../graph/schema-change.ts';
import { GraphBuffer } from '../graph/write-buffer.ts';
import type { Change } from '../graph/write-buffer.ts';
import type { Engine } from '../storage/engine.ts';
import type { BlockSink } from './block-sink.ts';

export interface VectorBuilds {
  readonly engine: Engine;
  readonly graph: number;
  readonly catalog: GraphCatalog;
  /** Learns how many vectors each tree has; whoever calls writes it. */
  readonly counters: CountersBlock;
  /** A number for a new page of the tree. */
  readonly allocate: (tree: number) => number;
  readonly sink: BlockSink;
}

/** Gives out page numbers of its caller's. */
class BuildMutator extends GraphMutator {
  readonly #allocate: () => number;

  constructor(buffer: GraphBuffer, catalog: GraphCatalog, allocate: () => number) {
    super(buffer, catalog);
    this.#allocate = allocate;
  }

  override allocate(): number {
    return this.#allocate();
  }
}

/** Returns how many trees there are. */
export async function buildVectorTrees({ engine, graph, catalog, counters, allocate, sink }: VectorBuilds): Promise<number> {
  for (const tree of catalog.vectorTrees) {
    const buffer = new GraphBuffer({ get: (kind, block) => readBlock(engine, undefined, graph, kind, block) });
    // Those of the engine are not the right ones yet.
    buffer.create(COUNTERS, 0, counters);
    const store = new BuildMutator(buffer, catalog, () => allocate(tree.id));
    fillVectorTree(store, catalog, tree);
    const changes: Change[] = [];
    buffer.forEachChange((change) => changes.push(change));
    for (const { kind, number, block } of changes) {
      if (block !== undefined && kind.tag !== COUNTERS.tag) sink.put(kind, number, block);
      await sink.drain();
    }
  }
  return catalog.vectorTrees.length;
}
