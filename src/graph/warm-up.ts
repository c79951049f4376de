/**
 * Reads a graph once, in the order of its vertices, so that later reads find it in memory: the pages that are derived from blocks
 * (columns.ts, adjacency-pages.ts), which take a fraction of the blocks' space, and blocks of vertices as long as there is room for them.
 */
import { ADJACENCY_PAGE } from './adjacency-pages.ts';
import type { AdjacencyPage } from './adjacency-pages.ts';
import type { SnapshotSource } from './block-source.ts';
import { ADJACENCY, COUNTERS, VERTEX } from './blocks.ts';
import { COLUMN_PAGE } from './columns.ts';
import type { ColumnPage } from './columns.ts';

/** What one thread has made, for the others of the process. */
export interface DerivedPages {
  readonly graph: number;
  /** The version whose blocks they say. */
  readonly version: number;
  readonly vertexColumns: readonly ColumnPage[];
  readonly adjacency: readonly AdjacencyPage[];
  /** With this all that is derived of a page of COLUMN_PAGE vertices is there. */
  readonly warmPage?: number | undefined;
}

/** What is made of COLUMN_PAGE vertices comes in so many parts, some milliseconds each where nothing is in memory: the columns, then pages of each direction. */
export const WARM_UP_PARTS = 1 + 2 * (COLUMN_PAGE / ADJACENCY_PAGE);

/** Makes one part for the vertices from `first` (a multiple of COLUMN_PAGE) on. `onMade` is given what may be adopted by other threads. */
export function warmUpPart(source: SnapshotSource, first: number, part: number, onMade: ((pages: DerivedPages) => void) | undefined): void {
  const { graph, version, cache, vertexColumns, adjacencyPages } = source;
  const made = { graph, version, vertexColumns: [] as ColumnPage[], adjacency: [] as AdjacencyPage[] };
  if (part === 0) made.vertexColumns = vertexColumns.fill(first, version, (id) => source.peek(VERTEX, id, true));
  else {
    const side = part % 2;
    const from = first + ((part - 1) >> 1) * ADJACENCY_PAGE;
    made.adjacency = adjacencyPages.fill(from, side === 1 ? 'in' : 'out', version, (id) => source.peek(ADJACENCY, id * 2 + side, false));
  }
  cache.countDerived();
  onMade?.(made);
}

export function verticesOf(source: SnapshotSource): number {
  return source.get(COUNTERS, 0)?.nextVertex ?? 0;
}

/** `checkpoint` is told how many vertices are next, and may throw. */
export function warmUp(source: SnapshotSource, onMade: ((pages: DerivedPages) => void) | undefined, checkpoint: (vertices: number) => void): void {
  const vertices = verticesOf(source);
  const { cache, graph, version } = source;
  for (let page = 0; page * COLUMN_PAGE < vertices && cache.hasRoomForDerived; page++) {
    checkpoint(COLUMN_PAGE);
    for (let part = 0; part < WARM_UP_PARTS; part++) warmUpPart(source, page * COLUMN_PAGE, part, onMade);
    cache.warmPages(graph)[page] = version;
    onMade?.({ graph, version, vertexColumns: [], adjacency: [], warmPage: page });
  }
}
