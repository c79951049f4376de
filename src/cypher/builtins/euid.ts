/**
 * TuGraph's text for an edge, `{src}_{dst}_{label}_{tid}_{eid}`: `eid` counts the edges of one type between the same two vertices from 0.
 *
 * Those numbers are for display: they move when a parallel edge goes. What addresses an edge for good is `euid()`, whose last part is the
 * edge's own id. Both texts are read here, and no text means two edges: a number that is a parallel edge's own id is not given to another.
 */
import type { GraphView } from '../../graph/view.ts';
import { INT64_MAX, RelationshipValue } from '../../value/value.ts';

/** The edges of that type between the two, in the order of their ids. */
function parallel(view: GraphView, start: number, end: number, typeId: number): RelationshipValue[] {
  const found: RelationshipValue[] = [];
  const types = [typeId];
  // From the end with fewer edges: the other one may be a hub.
  const backwards = view.degree(end, 'in', types) < view.degree(start, 'out', types);
  const [near, far] = backwards ? [end, start] : [start, end];
  for (const { neighbours, edges, from, to } of view.adjacency(near, backwards ? 'in' : 'out', types)) {
    for (let i = from; i < to; i++) if (neighbours[i] === far) found.push(new RelationshipValue(edges[i]!, typeId, start, end));
  }
  return found.sort((a, b) => a.id - b.id);
}

function ofMoment(view: GraphView, edges: readonly RelationshipValue[], moment: string): RelationshipValue[] {
  return edges.filter((edge) => String(temporalId(view, edge)) === moment);
}

function ordinalAmong(view: GraphView, edge: RelationshipValue, edges: readonly RelationshipValue[]): number {
  if (edges.length < 2) return 0;
  return Math.max(0, ofMoment(view, edges, String(temporalId(view, edge))).findIndex(({ id }) => id === edge.id));
}

/** Number of the edge among its parallels (of the same moment, where the label has a temporal field), from 0. */
export function edgeOrdinal(view: GraphView, edge: RelationshipValue): number {
  return ordinalAmong(view, edge, parallel(view, edge.start, edge.end, edge.typeId));
}

export function euidOf(view: GraphView, edge: RelationshipValue): string {
  const { id, typeId, start, end } = edge;
  const moment = temporalId(view, edge);
  const edges = parallel(view, start, end, typeId);
  const ordinal = ordinalAmong(view, edge, edges);
  const isOthersId = String(moment) === '0' && ordinal !== id && edges.some((other) => other.id === ordinal);
  return `${start}_${end}_${typeId}_${moment}_${isOthersId ? id : ordinal}`;
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
  const [start, end, typeId, , number] = parts.slice(1).map(Number) as [number, number, number, number, number];
  const moment = parts[4]!;
  if (!view.nodeExists(start) || !view.nodeExists(end)) return undefined;
  const edges = parallel(view, start, end, typeId);
  return (moment === '0' ? edges.find(({ id }) => id === number) : undefined) ?? ofMoment(view, edges, moment)[number];
}
