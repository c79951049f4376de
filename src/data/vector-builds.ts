/**
 * The trees over vectors of a graph that is written or repaired as a whole, built when its elements are in the engine. Their pages are in memory until
 * then: some hundred bytes for each vector, which are read one by one.
 */
import { COUNTERS } from '../graph/blocks.ts';
import type { Block, BlockKind, CountersBlock } from '../graph/blocks.ts';
import { readBlock } from '../graph/block-source.ts';
import type { GraphCatalog } from '../graph/catalog.ts';
import { GraphMutator } from '../graph/mutator.ts';
import { fillVectorTree } from '../graph/schema-change.ts';
import { GraphBuffer } from '../graph/write-buffer.ts';
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

/** Those of the engine are not the right ones yet. */
function isCounters({ tag }: Pick<BlockKind<Block>, 'tag'>): boolean {
  return tag === COUNTERS.tag;
}

/** Returns how many trees there are. */
export async function buildVectorTrees({ engine, graph, catalog, counters, allocate, sink }: VectorBuilds): Promise<number> {
  for (const tree of catalog.vectorTrees) {
    const buffer = new GraphBuffer({ get: <B extends Block>(kind: BlockKind<B>, block: number) => (isCounters(kind) ? counters as Block as B : readBlock(engine, undefined, graph, kind, block)) });
    const store = new GraphMutator(buffer, catalog);
    store.counters = () => counters;
    store.allocate = () => allocate(tree.id);
    fillVectorTree(store, catalog, tree);
    const changes: Parameters<Parameters<GraphBuffer['forEachChange']>[0]>[0][] = [];
    buffer.forEachChange((change) => changes.push(change));
    for (const { kind, number, block } of changes) {
      if (block !== undefined) sink.put(kind, number, block);
      await sink.drain();
    }
  }
  return catalog.vectorTrees.length;
}
