/**
 * algo.*: shortest paths, PageRank, Jaccard similarity, and values by vertex id or edge text.
 */
import { DbError } from '../../base/errors.ts';
import type { GraphView } from '../../graph/view.ts';
import { distance, Point, pointFromEwkb } from '../../value/spatial.ts';
import { Float, isNumber, NodeValue, RelationshipValue, type CypherMap, type Value } from '../../value/value.ts';
import { compare, hashKey } from '../../value/compare.ts';
import type { ExecContext } from '../context.ts';
import { builtin, list, text, wrong, type Builtin } from './define.ts';
import { euidOf, findByEuid } from './euid.ts';

interface PathOptions {
  readonly directions: readonly ('out' | 'in')[];
  readonly maxHops: number;
  readonly accepts: (relationship: RelationshipValue) => boolean;
}

const MAX_HOPS = 20;

function pathOptions(view: GraphView, config: Value | undefined): PathOptions {
  const map: CypherMap = config instanceof Map ? config : new Map<string, Value>();
  const direction = map.get('direction');
  const maxHops = map.get('maxHops');
  return {
    directions: direction === 'PointingRight' ? ['out'] : direction === 'PointingLeft' ? ['in'] : ['out', 'in'],
    maxHops: typeof maxHops === 'number' ? maxHops : MAX_HOPS,
    accepts: relationshipQuery(view, map.get('relationshipQuery')),
  };
}

/** A label, or a list of `{label, property_filter: {field: {smaller_than, greater_than}}}` of which one must hold. */
function relationshipQuery(view: GraphView, query: Value | undefined): (relationship: RelationshipValue) => boolean {
  if (query === undefined || query === null) return () => true;
  const specs = Array.isArray(query) ? query : [query];
  const tests = specs.map((spec) => {
    const label = spec instanceof Map ? spec.get('label') : spec;
    const typeId = typeof label === 'string' ? view.catalog.findType(label) : undefined;
    const filter = spec instanceof Map ? spec.get('property_filter') : undefined;
    return (relationship: RelationshipValue): boolean => {
      if (typeof label === 'string' && relationship.typeId !== typeId) return false;
      if (!(filter instanceof Map)) return true;
      return [...filter].every(([field, bounds]) => {
        const key = view.catalog.findKey(field);
        const value = key === undefined ? null : view.relationshipProperty(relationship, key);
        if (value === null || !(bounds instanceof Map)) return false;
        return [...bounds].every(([name, bound]) => {
          const order = compare(value, bound);
          return order !== null && (name === 'smaller_than' ? order < 0 : name === 'greater_than' ? order > 0 : true);
        });
      });
    };
  });
  return (relationship) => tests.some((test) => test(relationship));
}

interface FoundPath {
  readonly nodes: readonly number[];
  readonly relationships: readonly RelationshipValue[];
}

/** All shortest paths, level by level from the start; the first of them only if `all` is false. */
function shortestPaths(context: ExecContext, start: NodeValue, end: NodeValue, options: PathOptions, all: boolean): FoundPath[] {
  if (start.id === end.id) return [];
  const { view } = context;
  const before = new Map<number, RelationshipValue[]>([[start.id, []]]);
  let frontier = [start.id];
  for (let hops = 0; hops < options.maxHops && frontier.length > 0 && !before.has(end.id); hops++) {
    const next = new Map<number, RelationshipValue[]>();
    for (const id of frontier) {
      for (const direction of options.directions) {
        for (const { neighbours, edges, from, to, typeId } of view.adjacency(id, direction, undefined)) {
          for (let i = from; i < to; i++) {
            const neighbour = neighbours[i]!;
            if (before.has(neighbour)) continue;
            const relationship = direction === 'out' ? new RelationshipValue(edges[i]!, typeId, id, neighbour) : new RelationshipValue(edges[i]!, typeId, neighbour, id);
            if (!options.accepts(relationship)) continue;
            const known = next.get(neighbour);
            if (known === undefined) next.set(neighbour, [relationship]);
            else if (all) known.push(relationship);
          }
        }
      }
    }
    for (const [id, relationships] of next) before.set(id, relationships);
    frontier = [...next.keys()];
    context.checkpoint(0);
  }
  return before.has(end.id) ? [...walkBack(before, end.id)] : [];
}

function* walkBack(before: ReadonlyMap<number, readonly RelationshipValue[]>, id: number): Generator<FoundPath> {
  const links = before.get(id)!;
  if (links.length === 0) yield { nodes: [id], relationships: [] };
  for (const link of links) {
    const previous = link.start === id ? link.end : link.start;
    for (const path of walkBack(before, previous)) yield { nodes: [...path.nodes, id], relationships: [...path.relationships, link] };
  }
}

function nodeArgument(value: Value | undefined, name: string): NodeValue {
  if (!(value instanceof NodeValue)) throw wrong(`${name} type should be node`);
  return value;
}

function pathText(view: GraphView, { nodes, relationships }: FoundPath): string {
  const parts = nodes.flatMap((id, i) => [`V[${id}]`, ...(relationships[i] === undefined ? [] : [`E[${euidOf(view, relationships[i])}]`])]);
  return `[${parts.join(',')}]`;
}

/** d = 0.85; the start value is 1 divided by the out-degree in integers, as TuGraph computes it. */
function pageRank(context: ExecContext, rounds: number): Value[][] {
  const { view } = context;
  const ids = [...view.scanNodes()].flatMap((part) => Array.from(part));
  const place = new Map(ids.map((id, i) => [id, i]));
  const degrees = ids.map((id) => view.degree(id, 'out', undefined));
  let ranks: number[] = degrees.map((degree) => (degree <= 1 ? 1 : 0));
  for (let round = 0; round < rounds; round++) {
    const sums = ids.map(() => 0);
    for (const [i, id] of ids.entries()) {
      const share = degrees[i]! === 0 ? ranks[i]! : ranks[i]! / degrees[i]!;
      for (const { neighbours, from, to } of view.adjacency(id, 'out', undefined)) {
        for (let n = from; n < to; n++) sums[place.get(neighbours[n]!)!]! += share;
      }
    }
    const next = sums.map((sum) => 0.15 / ids.length + 0.85 * sum);
    const isSettled = next.every((rank, i) => rank === ranks[i]);
    ranks = next;
    context.checkpoint(0);
    // No later round would change anything.
    if (isSettled) break;
  }
  return ids.map((id, i) => [new NodeValue(id), new Float(ranks[i]!)]);
}

function jaccard(left: readonly Value[], right: readonly Value[]): Value {
  const a = new Set(left.map(hashKey));
  const b = new Set(right.map(hashKey));
  if (a.size === 0 && b.size === 0) return null;
  let both = 0;
  for (const item of a) if (b.has(item)) both++;
  return new Float(Math.fround(both / (a.size + b.size - both)));
}

function extract(context: ExecContext, id: Value, isNode: boolean, field: string): Value {
  const { view } = context;
  if (Array.isArray(id)) return id.map((each) => extract(context, each, isNode, field));
  const key = view.catalog.findKey(field);
  if (key === undefined || id === null) return null;
  if (isNode) {
    if (typeof id !== 'number' && typeof id !== 'bigint') throw wrong('id of a node should be an integer');
    if (typeof id === 'bigint' || id < 0) throw new DbError('EntityNotFound', `there is no node ${id}`);
    return view.nodeProperty(new NodeValue(id), key);
  }
  const relationship = typeof id === 'string' ? findByEuid(view, id) : undefined;
  return relationship === undefined ? null : view.relationshipProperty(relationship, key);
}

function pointArgument(value: Value | undefined, name: string): Point {
  const point = typeof value === 'string' ? pointFromEwkb(value) : value;
  if (point instanceof Point) return point;
  throw wrong(`${name} must be a point, or one as EWKB in hexadecimal digits`);
}

export const ALGORITHM_BUILTINS: readonly Builtin[] = [
  builtin('algo.shortestPath', 'startNode:NODE, endNode:NODE, config?:MAP', 'nodeCount:INTEGER, totalCost:FLOAT, path:STRING', 'read', ([start, end, config], context) => {
    const options = pathOptions(context.view, config);
    const [path] = shortestPaths(context, nodeArgument(start, 'startNode'), nodeArgument(end, 'endNode'), options, false);
    return path === undefined ? [[0, new Float(0), '[]']] : [[path.nodes.length, new Float(path.relationships.length), pathText(context.view, path)]];
  }),
  builtin('algo.allShortestPaths', 'startNode:NODE, endNode:NODE, config?:MAP', 'nodeIds:LIST, relationshipIds:LIST, cost:FLOAT', 'read', ([start, end, config], context) => {
    const options = pathOptions(context.view, config);
    return shortestPaths(context, nodeArgument(start, 'startNode'), nodeArgument(end, 'endNode'), options, true)
      .map((path) => [[...path.nodes], path.relationships.map((each) => euidOf(context.view, each)), new Float(path.relationships.length)]);
  }),
  builtin('algo.native.extract', 'id:ANY, config:MAP', 'value:ANY', 'read', ([id, config], context) => {
    const isNode = config instanceof Map ? config.get('isNode') : undefined;
    const field = config instanceof Map ? config.get('field') : undefined;
    if (typeof isNode !== 'boolean') throw wrong('isNode type should be boolean');
    return [[extract(context, id ?? null, isNode, text(field, 'field'))]];
  }),
  builtin('algo.pagerank', 'num_iterations:INTEGER', 'node:NODE, pr:FLOAT', 'read', ([rounds], context) => {
    if (rounds === undefined || rounds === null || !isNumber(rounds)) throw wrong('num_iterations type should be integer');
    return pageRank(context, Number(rounds));
  }),
  builtin('spatial.distance', 'spatial1:ANY, spatial2:ANY', 'distance:DOUBLE', 'read', ([a, b]) => {
    const [from, to] = [pointArgument(a, 'spatial1'), pointArgument(b, 'spatial2')];
    if (from.srid !== to.srid) throw wrong(`spatial.distance needs two points of one reference system, given ${from.srid} and ${to.srid}`);
    return [[new Float(distance(from, to)!)]];
  }),
  builtin('algo.jaccard', 'lhs:LIST, rhs:LIST', 'similarity:FLOAT', 'read', ([left, right]) => [[jaccard(list(left, 'lhs'), list(right, 'rhs'))]]),
];
