/**
 * Reads a graph once, in the order of its vertices and then of its relationships, so that later reads find it in memory: the pages that are derived
 * from blocks (columns.ts, adjacency-pages.ts), which take a fraction of the blocks' space, and blocks of vertices as long as there is room for them.
 */
import { ADJACENCY_PAGE } from './adjacency-pages.ts';
import type { AdjacencyPage } from './adjacency-pages.ts';
import type { SnapshotSource } from './block-source.ts';
import { ADJACENCY, CATALOG, COUNTERS, EDGE, VERTEX } from './blocks.ts';
import { COLUMN_PAGE } from './columns.ts';
import type { ColumnPage } from './columns.ts';

/** What is read ahead: vertices, with their relationships, and what relationships have. */
export type WarmArea = 'vertex' | 'edge';
/** In this order: most is known of relationships without a look at them. */
export const WARM_AREAS: readonly WarmArea[] = ['vertex', 'edge'];

/** What one thread has made, for the others of the process. */
export interface DerivedPages {
  readonly graph: number;
  /** The version whose blocks they say. */
  readonly version: number;
  readonly vertexColumns?: readonly ColumnPage[];
  readonly edgeColumns?: readonly ColumnPage[];
  readonly adjacency?: readonly AdjacencyPage[];
  /** With this all that is derived of a page of COLUMN_PAGE elements is there. */
  readonly warm?: { readonly area: WarmArea; readonly page: number };
}

/**
 * What is made of COLUMN_PAGE elements comes in so many parts, some milliseconds each where nothing is in memory: of vertices the columns, then pages
 * of each direction.
 */
export const WARM_UP_PARTS: Readonly<Record<WarmArea, number>> = { vertex: 1 + 2 * (COLUMN_PAGE / ADJACENCY_PAGE), edge: 1 };

/** Makes one part for the elements from `first` (a multiple of COLUMN_PAGE) on. `onMade` is given what may be adopted by other threads. */
export function warmUpPart(source: SnapshotSource, area: WarmArea, first: number, part: number, onMade: ((pages: DerivedPages) => void) | undefined): void {
  const { graph, version, cache } = source;
  const made = area === 'edge' ? edgePart(source, first) : vertexPart(source, first, part);
  cache.countDerived();
  onMade?.({ graph, version, ...made });
}

function vertexPart(source: SnapshotSource, first: number, part: number): Pick<DerivedPages, 'vertexColumns' | 'adjacency'> {
  const { version, vertexColumns, adjacencyPages } = source;
  if (part === 0) return { vertexColumns: vertexColumns.fill(first, version, (id) => source.peek(VERTEX, id, true)) };
  const side = part % 2;
  const from = first + ((part - 1) >> 1) * ADJACENCY_PAGE;
  return { adjacency: adjacencyPages.fill(from, side === 1 ? 'in' : 'out', typesOf(source), version, (id) => source.peek(ADJACENCY, id * 2 + side, false)) };
}

function edgePart(source: SnapshotSource, first: number): Pick<DerivedPages, 'edgeColumns'> {
  return { edgeColumns: source.edgeColumns.fillIntegers(first, source.version, (id) => source.peek(EDGE, id, false)) };
}

function typesOf(source: SnapshotSource): number {
  return source.get(CATALOG, 0)?.data.types.length ?? 0;
}

/** Where the ids of elements end. */
export function idsEnd(source: SnapshotSource, area: WarmArea): number {
  const counters = source.get(COUNTERS, 0);
  return (area === 'vertex' ? counters?.nextVertex : counters?.nextEdge) ?? 0;
}

/** `checkpoint` is told how many vertices or relationships are next, and may throw. */
export function warmUp(source: SnapshotSource, onMade: ((pages: DerivedPages) => void) | undefined, checkpoint: (elements: number) => void): void {
  const { cache, graph, version } = source;
  for (const area of WARM_AREAS) {
    const end = idsEnd(source, area);
    for (let page = 0; page * COLUMN_PAGE < end && cache.hasRoomForDerived; page++) {
      checkpoint(COLUMN_PAGE);
      for (let part = 0; part < WARM_UP_PARTS[area]; part++) warmUpPart(source, area, page * COLUMN_PAGE, part, onMade);
      cache.warmPages(graph, area)[page] = version;
      onMade?.({ graph, version, warm: { area, page } });
    }
  }
}
