/**
 * TuGraph keeps the edges of a label with a temporal field in the order of that field, and `LIMIT` without `ORDER BY` shows it.
 * Here they are sorted when a vertex is expanded; labels without such a field, nearly all, pay nothing.
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { AdjacencySegment, GraphView } from '../../graph/view.ts';
import { RelationshipValue } from '../../value/value.ts';

interface TemporalType {
  readonly key: number;
  readonly descending: boolean;
}

/** More edges than this of one vertex stay as they are stored: sorting them would cost more than their order is worth. */
const SORTED_MAX = 65_536;

export type Arrange = (view: GraphView, segments: Iterable<AdjacencySegment>, count: number) => Iterable<AdjacencySegment>;

/** Undefined where no label has a temporal field. */
export function temporalOrder(catalog: GraphCatalog): Arrange | undefined {
  const types = new Map<number, TemporalType>();
  for (const { kind, name, temporal, temporalOrder: order } of catalog.data.schemas) {
    const type = kind === 'edge' && temporal !== undefined ? catalog.findType(name) : undefined;
    const key = temporal === undefined ? undefined : catalog.findKey(temporal);
    if (type !== undefined && key !== undefined) types.set(type, { key, descending: order === 'DESC' });
  }
  if (types.size === 0) return undefined;
  return (view, segments, count) => (count > SORTED_MAX ? segments : arranged(view, segments, types));
}

function* arranged(view: GraphView, segments: Iterable<AdjacencySegment>, types: ReadonlyMap<number, TemporalType>): Generator<AdjacencySegment> {
  let gathered: { readonly typeId: number; readonly neighbours: number[]; readonly edges: number[] } | undefined;
  const sorted = (): AdjacencySegment[] => (gathered === undefined ? [] : [sort(view, gathered, types.get(gathered.typeId)!)]);
  for (const segment of segments) {
    if (gathered !== undefined && gathered.typeId !== segment.typeId) {
      yield* sorted();
      gathered = undefined;
    }
    if (!types.has(segment.typeId)) {
      yield segment;
      continue;
    }
    gathered ??= { typeId: segment.typeId, neighbours: [], edges: [] };
    for (let i = segment.from; i < segment.to; i++) {
      gathered.neighbours.push(segment.neighbours[i]!);
      gathered.edges.push(segment.edges[i]!);
    }
  }
  yield* sorted();
}

function sort(view: GraphView, part: { readonly typeId: number; readonly neighbours: readonly number[]; readonly edges: readonly number[] }, by: TemporalType): AdjacencySegment {
  const { typeId, neighbours, edges } = part;
  const times = edges.map((edge) => {
    const time = view.relationshipProperty(new RelationshipValue(edge, typeId, 0, 0), by.key);
    return typeof time === 'number' ? time : typeof time === 'bigint' ? Number(time) : 0;
  });
  const order = edges.map((_, i) => i).sort((a, b) => (
    (by.descending ? times[b]! - times[a]! : times[a]! - times[b]!) || neighbours[a]! - neighbours[b]! || edges[a]! - edges[b]!));
  return { typeId, from: 0, to: edges.length, neighbours: order.map((i) => neighbours[i]!), edges: order.map((i) => edges[i]!) };
}
