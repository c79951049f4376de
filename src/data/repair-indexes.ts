/** Makes all indexes of a store anew from its vertices and edges. For a store that no other replica has to stay equal to, page by page. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import { blockKey, CATALOG, COUNTERS, EDGE, VERTEX } from '../graph/blocks.ts';
import type { Block, BlockKind, EdgeBlock, VertexBlock } from '../graph/blocks.ts';
import { INDEX } from '../graph/btree.ts';
import { catalogOf } from '../graph/catalog.ts';
import type { IndexDef } from '../graph/catalog.ts';
import { Checksum } from '../graph/checksum.ts';
import { reachedAt } from '../graph/index-places.ts';
import { indexKey } from '../graph/mutator.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
import { VECTOR } from '../graph/vectors/vector-page.ts';
import type { Engine, WriteOp } from '../storage/engine.ts';
import { BlockSink } from './block-sink.ts';
import { IndexBuild } from './index-build.ts';
import { TextBuilds } from './text-builds.ts';
import { buildVectorTrees } from './vector-builds.ts';

/**
 * Numbers of new pages, beyond those the graph's counter will ever give out: the counter stays as it is, since the place of the next
 * index is part of the logical state.
 */
const PAGES_FROM = 2 ** 40;
const PAGES_PER_INDEX = 2 ** 24;

/**
 * Throws if the directory belongs to a group of several servers: there, the state is taken from another member. Who it is stands with
 * its log, which may be elsewhere: where a server has run and no log is found, nobody knows.
 */
export function checkRepairable(directory: string, logDirectory: string, hasRun: boolean): void {
  const file = join(logDirectory, 'node.json');
  if (!existsSync(file)) {
    if (!hasRun) return;
    throw new DbError('InvalidConfig', `a server has run on ${directory}, and its log is not in ${logDirectory}: whether it belongs to a group is not known`, {
      hint: 'give the folder of its log: --ha_log_dir, as its configuration has it',
    });
  }
  const identity = JSON.parse(readFileSync(file, 'utf8')) as { readonly isStandalone?: boolean };
  if (identity.isStandalone === true) return;
  throw new DbError('InvalidConfig', `${directory} belongs to a member of a group, whose replicas are equal page by page`, {
    hint: 'start this server with --ha_join_discard_local_data true: it takes the state from the others',
  });
}

/** `scratch`: a folder for what does not fit into memory. Returns the number of indexes. */
export async function repairIndexes(engine: Engine, point: ReadPoint, scratch: string): Promise<number> {
  let count = 0;
  for (const { id: graph, strict } of point.system.graphs) {
    const catalog = catalogOf(point.source(graph).get(CATALOG, 0), strict);
    const { indexes } = catalog.data;
    const texts = new TextBuilds(catalog, scratch);
    const builds = indexes.map((index) => ({ index, build: new IndexBuild(join(scratch, `index-${index.id}`)) }));
    const ofIndex = new Map(builds.map(({ index, build }) => [index, build]));
    const source = point.source(graph);
    // Those that are being built are built again as far as they are.
    const add = (kind: 'vertex' | 'edge', labels: readonly number[], id: number, block: VertexBlock | EdgeBlock, place: number) => {
      for (const label of labels) for (const index of reachedAt(catalog.indexesKept(kind, label), place, source)) enter(index, ofIndex.get(index)!, id, block);
      texts.add(kind, labels, id, block, (indexes) => reachedAt(indexes, place, source));
    };
    await each(engine, graph, VERTEX, (id, block) => add('vertex', block.labels, id, block, id));
    await each(engine, graph, EDGE, (id, block) => add('edge', [block.typeId], id, block, block.start));
    await dropPages(engine, graph, INDEX);
    await dropPages(engine, graph, VECTOR);
    const sink = new BlockSink(engine, graph, new Checksum());
    for (const { index, build, compact } of [...builds.map((one) => ({ ...one, compact: false })), ...texts.all.map((one) => ({ ...one, compact: true }))]) {
      let next = PAGES_FROM + index.id * PAGES_PER_INDEX;
      await build.build(sink, index.root, () => next++, compact);
      count++;
    }
    const counters = point.source(graph).get(COUNTERS, 0);
    if (counters !== undefined && texts.all.length + catalog.vectorTrees.length > 0) {
      const kept = COUNTERS.copy(counters);
      texts.noteSums(kept);
      const next = new Map(catalog.vectorTrees.map(({ id }) => [id, PAGES_FROM + id * PAGES_PER_INDEX]));
      const allocate = (tree: number): number => {
        const page = next.get(tree)!;
        next.set(tree, page + 1);
        return page;
      };
      count += await buildVectorTrees({ engine, graph, catalog, counters: kept, sink, allocate });
      sink.put(COUNTERS, 0, kept);
    }
    await sink.finish();
  }
  await engine.batch([], { sync: true });
  return count;
}

function enter(index: IndexDef, build: IndexBuild, id: number, block: Parameters<typeof indexKey>[1]): void {
  const key = indexKey(index, block);
  if (key !== undefined) build.add(key, id);
}

async function each<B extends Block>(engine: Engine, graph: number, kind: BlockKind<B>, look: (id: number, block: B) => void): Promise<void> {
  for await (const entries of engine.entries({ gte: blockKey(graph, kind.tag, 0), lt: blockKey(graph, kind.tag + 1, 0) })) {
    for (const [key, bytes] of entries) look(Buffer.from(key).readUIntBE(6, 6), kind.decode(new ByteReader(bytes)));
  }
}

async function dropPages(engine: Engine, graph: number, { tag }: Pick<BlockKind<Block>, 'tag'>): Promise<void> {
  for await (const entries of engine.entries({ gte: blockKey(graph, tag, 0), lt: blockKey(graph, tag + 1, 0) })) {
    await engine.batch(entries.map(([key]): WriteOp => ({ type: 'del', key })), { sync: false });
  }
}
