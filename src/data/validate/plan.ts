/**
 * The parts in which a store is looked at: ranges of keys, which together are all keys of blocks, and indexes. Those with the vertices of graphs come first, as the rest is
 * compared with them.
 */
import type { BlockSource } from '../../graph/block-source.ts';
import { ADJACENCY, CHUNK, COUNTERS, DEGREE, EDGE, VERTEX } from '../../graph/blocks.ts';
import { INDEX } from '../../graph/btree.ts';
import type { GraphCatalog } from '../../graph/catalog.ts';
import { IDS_PER_PAGE } from './id-set.ts';

/** Parts of one kind of block, at most: the ids of a damaged counter may be any. */
const PARTS_MAX = 4096;
const CHUNKS = 2 ** 11;
const PAGES = 2 ** 11;

/** Graph, kind and number of a block. */
export type Place = readonly [graph: number, kind: number, number: number];

export type Task =
  | { readonly kind: 'blocks'; readonly from: Place; /** Undefined: all that follow. */ readonly to: Place | undefined; readonly weight: number }
  | { readonly kind: 'index' | 'text' | 'vectors'; readonly graph: number; readonly index: number; readonly weight: number };

export interface Plan {
  readonly vertices: readonly Task[];
  readonly rest: readonly Task[];
}

export interface PlannedGraph {
  readonly id: number;
  readonly source: BlockSource;
  readonly catalog: GraphCatalog;
}

/** `graphs` by ascending id. */
export function planOf(graphs: readonly PlannedGraph[]): Plan {
  const starts = graphs.flatMap(({ id, source }) => placesOf(id, source));
  const places: { readonly place: Place; readonly weight: number }[] = [{ place: [0, 0, 0], weight: 1 }, ...starts];
  const ranges = places.map(({ place, weight }, i): Task => ({ kind: 'blocks', from: place, to: places[i + 1]?.place, weight }));
  const isVertices = (task: Task) => task.kind === 'blocks' && task.from[1] === VERTEX.tag;
  return { vertices: ranges.filter(isVertices), rest: [...graphs.flatMap(indexesOf), ...ranges.filter((task) => !isVertices(task))] };
}

/** Where ranges of a graph begin. */
function placesOf(graph: number, source: BlockSource): { place: Place; weight: number }[] {
  const counters = source.get(COUNTERS, 0);
  const found: { place: Place; weight: number }[] = [{ place: [graph, 0, 0], weight: 1 }];
  const kind = (tag: number, end: number, step: number) => {
    const wide = Math.ceil(Math.max(1, end / step / PARTS_MAX)) * step;
    for (let number = 0; number === 0 || number < end; number += wide) found.push({ place: [graph, tag, number], weight: Math.max(1, Math.min(wide, end - number)) });
  };
  kind(VERTEX.tag, counters?.nextVertex ?? 0, IDS_PER_PAGE);
  kind(EDGE.tag, counters?.nextEdge ?? 0, IDS_PER_PAGE);
  kind(ADJACENCY.tag, 2 * (counters?.nextVertex ?? 0), IDS_PER_PAGE);
  kind(CHUNK.tag, counters?.nextChunk ?? 0, CHUNKS);
  found.push({ place: [graph, DEGREE.tag, 0], weight: 1 });
  kind(INDEX.tag, counters?.nextPage ?? 0, PAGES);
  found.push({ place: [graph, INDEX.tag + 1, 0], weight: 1 }, { place: [graph + 1, 0, 0], weight: 1 });
  return found;
}

function indexesOf({ id, source, catalog }: PlannedGraph): Task[] {
  const counters = source.get(COUNTERS, 0);
  return [
    ...catalog.data.indexes.map((index): Task => ({ kind: 'index', graph: id, index: index.id, weight: 1 + ((index.kind === 'vertex' ? counters?.byLabel : counters?.byType)?.[index.labelId] ?? 0) })),
    ...catalog.vectorTrees.map(({ id: index }): Task => ({ kind: 'vectors', graph: id, index, weight: 1 + (counters?.vectors.get(index) ?? 0) })),
    ...catalog.texts.map(({ id: index }): Task => ({ kind: 'text', graph: id, index, weight: 1 + (counters?.vertices ?? 0) })),
  ];
}
