/**
 * The view that PROFILE puts between operators and the graph: it counts db hits, and otherwise is the view it stands for.
 *
 * One hit is one thing read or changed: a node's or relationship's record (existence, labels, a property, all properties at once), the
 * adjacency of one node and each relationship that it gives, one look-up in an index and each id that it gives, each id of a scan, one
 * stored count, one change to the graph. Where the same block is read again it is a hit again: hits measure work, not what is on disk.
 */
import type { AdjacencySegment, GraphView } from '../../graph/view.ts';

export interface HitCounter {
  hits: number;
}

type Method = (...args: unknown[]) => unknown;

/** Methods that give ids or segments as they are asked for. */
const STREAMS: ReadonlyMap<string, (part: unknown) => number> = new Map([
  ['scanNodes', lengthOf], ['scanRelationships', lengthOf], ['indexRange', lengthOf],
  ['adjacency', (part: unknown) => (part as AdjacencySegment).to - (part as AdjacencySegment).from],
]);

/** Methods that end at once, by the hits beyond the one for asking. */
const CALLS: ReadonlyMap<string, (result: unknown) => number> = new Map([
  ...[
    'nodeExists', 'relationshipExists', 'findRelationship', 'nodeLabels', 'hasLabel', 'nodeProperty', 'relationshipProperty', 'nodeVector', 'relationshipVector', 'nodeProperties',
    'relationshipProperties', 'degree', 'typesAt', 'nodeCount', 'relationshipCount', 'createNode', 'createRelationship', 'setNodeProperty',
    'setRelationshipProperty', 'addLabel', 'removeLabel', 'deleteRelationship', 'deleteNode',
  ].map((name) => [name, () => 0] as const),
  ['indexSeek', lengthOf], ['sampleNodes', lengthOf], ['vectorCount', () => 0], ['builtShare', () => 0], ['vectorsNear', lengthOf],
]);

function lengthOf(ids: unknown): number {
  return (ids as ArrayLike<number>).length;
}

const NOTHING_KNOWN = (): undefined => undefined;

export function countedView<View extends GraphView>(view: View, counter: HitCounter): View {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(view, {
    get(target, name) {
      // Short cuts past what is counted.
      if (name === 'narrowByInteger' || name === 'integersOf' || name === 'keepLabelled' || name === 'countByInteger') return NOTHING_KNOWN;
      let method = methods.get(name);
      if (method !== undefined) return method;
      // The view itself as receiver: it has private fields.
      const own: unknown = Reflect.get(target, name, target);
      if (typeof own !== 'function') return own;
      method = name === 'neighbours' ? countedNeighbours(target.neighbours.bind(target), counter) : counted(String(name), own.bind(target) as Method, counter);
      methods.set(name, method);
      return method;
    },
  });
}

/** Each node that is asked about, and each neighbour. */
function countedNeighbours(method: GraphView['neighbours'], counter: HitCounter): GraphView['neighbours'] {
  return (nodeIds, from, to, direction, typeIds, sink) => {
    counter.hits += to - from;
    method(nodeIds, from, to, direction, typeIds, (neighbours, first, stop) => {
      counter.hits += stop - first;
      sink(neighbours, first, stop);
    });
  };
}

function counted(name: string, method: Method, counter: HitCounter): Method {
  const given = STREAMS.get(name);
  if (given !== undefined) {
    return function* stream(...args) {
      counter.hits++;
      for (const part of method(...args) as Iterable<unknown>) {
        counter.hits += given(part);
        yield part;
      }
    };
  }
  const beyond = CALLS.get(name);
  if (beyond === undefined) return method;
  return (...args) => {
    const result = method(...args);
    counter.hits += 1 + beyond(result);
    return result;
  };
}
