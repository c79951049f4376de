/**
 * TuGraph's text for an edge, `{src}_{dst}_{label}_{tid}_{eid}`: `eid` counts the edges of one type between the same two vertices from 0.
 *
 * For display only: the numbers move when a parallel edge goes. What addresses an edge is `euid()`, whose last part is the edge's own id.
 */
import type { GraphView } from '../../graph/view.ts';
import { INT64_MAX, RelationshipValue } from '../../value/value.ts';

/** Ids of the edges of that type between the two, ascending. */
function parallel(view: GraphView, start: number, end: number, typeId: number): number[] {
  const ids: number[] = [];
  const types = [typeId];
  // From the end with fewer edges: the other one may be a hub.
  const backwards = view.degree(end, 'in', types) < view.degree(start, 'out', types);
  const [near, far] = backwards ? [end, start] : [start, end];
  for (const { neighbours, edges, from, to } of view.adjacency(near, backwards ? 'in' : 'out', types)) {
    for (let i = from; i < to; i++) if (neighbours[i] === far) ids.push(edges[i]!);
  }
  return ids.sort((a, b) => a - b);
}

/** Number of the edge among its parallels (of the same moment, where the label has a temporal field), from 0. */
export function edgeOrdinal(view: GraphView, edge: RelationshipValue): number {
  const { id, typeId, start, end } = edge;
  const ids = parallel(view, start, end, typeId);
  if (ids.length < 2) return 0;
  const moment = temporalId(view, edge);
  const same = moment === 0 ? ids : ids.filter((other) => temporalId(view, new RelationshipValue(other, typeId, start, end)) === moment);
  return Math.max(0, same.indexOf(id));
}

export function euidOf(view: GraphView, edge: RelationshipValue): string {
  return `${edge.start}_${edge.end}_${edge.typeId}_${temporalId(view, edge)}_${edgeOrdinal(view, edge)}`;
}

/** The temporal field of an edge, complemented where newest comes first; 0 without one. */
export function temporalId(view: GraphView, edge: RelationshipValue): number | bigint {
  const { catalog } = view;
  const schema = catalog.edgeSchema(catalog.typeName(edge.typeId));
  const key = schema?.temporal === undefined ? undefined : catalog.findKey(schema.temporal);
  if (key === undefined || !view.relationshipExists(edge.id)) return 0;
  const value = view.relationshipProperty(edge, key);
  if (typeof value !== 'number' && typeof value !== 'bigint') return 0;
  return schema!.temporalOrder === 'DESC' ? INT64_MAX ^ BigInt(value) : value;
}

export function findByEuid(view: GraphView, euid: string): RelationshipValue | undefined {
  const parts = /^(\d+)_(\d+)_(\d+)_(-?\d+)_(\d+)$/.exec(euid);
  if (parts === null) return undefined;
  const [start, end, typeId] = parts.slice(1).map(Number) as [number, number, number];
  return parallel(view, start, end, typeId).map((id) => view.findRelationship(id)!).find((edge) => euidOf(view, edge) === euid);
}
