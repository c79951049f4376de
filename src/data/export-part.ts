/** What an export gives while it goes through a graph, and the order in which it takes edges. */
import type { GraphCatalog } from '../graph/catalog.ts';
import type { GraphReader } from '../graph/reader.ts';
import type { AdjacencySegment } from '../graph/view.ts';

export interface ExportPart {
  /** Within the folder of the graph. */
  readonly path: string;
  readonly text: string;
  /** Vertices and edges so far. */
  readonly elements: number;
}

/** Undefined: there is no part yet, but work was done, and it is time for that of others. */
export type ExportStep = ExportPart | undefined;

/** Characters of a part, about. */
export const PART_CHARS = 64 * 1024;
/** Vertices or edges that are looked at before others get a turn. */
export const TURN_ELEMENTS = 256;

/** Edges that begin at a vertex by the names of their types: numbers of types are given in another order by an import. */
export function outgoing(view: GraphReader, id: number, ranks: readonly number[]): readonly AdjacencySegment[] {
  const segments = [...view.adjacency(id, 'out', undefined)];
  return segments.length > 1 ? segments.sort((a, b) => ranks[a.typeId]! - ranks[b.typeId]!) : segments;
}

/** The place of each type among the names of all. */
export function typeRanks(catalog: GraphCatalog): readonly number[] {
  const { types } = catalog.data;
  const sorted = [...types].sort();
  return types.map((name) => sorted.indexOf(name));
}
