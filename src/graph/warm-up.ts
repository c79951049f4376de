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
}

/** `onMade` is given the pages some thousand vertices at a time. `checkpoint` is told how many are next, and may throw. */
export function warmUp(source: SnapshotSource, onMade: ((pages: DerivedPages) => void) | undefined, checkpoint: (vertices: number) => void): void {
  const { graph, version, cache, vertexColumns, adjacencyPages } = source;
  const vertices = source.get(COUNTERS, 0)?.nextVertex ?? 0;
  for (let first = 0; first < vertices && cache.hasRoomForDerived; first += COLUMN_PAGE) {
    checkpoint(COLUMN_PAGE);
    const columns = vertexColumns.fill(first, version, (id) => source.peek(VERTEX, id, true));
    const adjacency: AdjacencyPage[] = [];
    for (const side of ['out', 'in'] as const) {
      for (let from = first; from < first + COLUMN_PAGE; from += ADJACENCY_PAGE) {
        adjacency.push(...adjacencyPages.fill(from, side, version, (id) => source.peek(ADJACENCY, id * 2 + (side === 'in' ? 1 : 0), false)));
      }
    }
    cache.countDerived();
    onMade?.({ graph, version, vertexColumns: columns, adjacency });
  }
}
