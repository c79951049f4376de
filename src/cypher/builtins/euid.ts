/**
 * TuGraph's text for an edge, `{src}_{dst}_{label}_{tid}_{eid}`: `eid` counts the edges of one type between the same two vertices from 0.
 */
import type { GraphView } from '../../graph/view.ts';
import type { RelationshipValue } from '../../value/value.ts';

/** Ids of the edges of that type between the two, ascending. */
function parallel(view: GraphView, start: number, end: number, typeId: number): number[] {
  const ids: number[] = [];
  for (const { neighbours, edges, length } of view.adjacency(start, 'out', [typeId])) {
    for (let i = 0; i < length; i++) if (neighbours[i] === end) ids.push(edges[i]!);
  }
  return ids.sort((a, b) => a - b);
}

export function euidOf(view: GraphView, { id, typeId, start, end }: RelationshipValue): string {
  return `${start}_${end}_${typeId}_0_${parallel(view, start, end, typeId).indexOf(id)}`;
}

export function findByEuid(view: GraphView, euid: string): RelationshipValue | undefined {
  const parts = /^(\d+)_(\d+)_(\d+)_(-?\d+)_(\d+)$/.exec(euid);
  if (parts === null) return undefined;
  const [start, end, typeId, , ordinal] = parts.slice(1).map(Number) as [number, number, number, number, number];
  const id = parallel(view, start, end, typeId)[ordinal];
  return id === undefined ? undefined : view.findRelationship(id);
}
