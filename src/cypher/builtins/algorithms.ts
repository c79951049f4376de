/**
 * algo.*: shortest paths, PageRank, Jaccard similarity, and values by vertex id or edge text.
 */
import { mayMake, walk } from '../../base/allowance.ts';
import { DbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { GraphView } from '../../graph/view.ts';
import { pointOf, shapeFromBinary } from '../../value/ewkb.ts';
import { distance, Point } from '../../value/spatial.ts';
import { Float, isNumber, NodeValue, RelationshipValue, type Value } from '../../value/value.ts';
import { formatValue } from '../../value/format.ts';
import { compare, hashKey } from '../../value/compare.ts';
import type { ExecContext } from '../context.ts';
import { builtin, list, options, text, wrong, type Builtin } from './define.ts';
import { euidOf, findByEuid } from './euid.ts';
import { pageRank } from './page-rank.ts';

interface PathOptions {
  readonly directions: readonly ('out' | 'in')[];
  readonly maxHops: number;
  readonly accepts: (relationship: RelationshipValue) => boolean;
}

const MAX_HOPS = 20;
const DIRECTIONS: ReadonlyMap<Value, PathOptions['directions']> = new Map([['PointingRight', ['out']], ['PointingLeft', ['in']], ['AnyDirection', ['out', 'in']]]);
const BOUNDS = ['smaller_than', 'greater_than'];

function pathOptions(view: GraphView, config: Value | undefined): PathOptions {
  const map = options(config, 'config', ['direction', 'maxHops', 'relationshipQuery']);
  const direction = map.get('direction') ?? 'AnyDirection';
  const directions = DIRECTIONS.get(direction);
  if (directions === undefined) throw wrong(`unknown direction ${formatValue(direction)}${didYouMean(String(direction), [...DIRECTIONS.keys()].map(String))}`);
  const maxHops = map.get('maxHops') ?? MAX_HOPS;
  if ((typeof maxHops !== 'number' && typeof maxHops !== 'bigint') || maxHops < 0) throw wrong(`maxHops should be an integer, at least 0, given ${formatValue(maxHops)}`);
  return { directions, maxHops: Number(maxHops), accepts: relationshipQuery(view, map.get('relationshipQuery')) };
}

/** A label, or a list of `{label, property_filter: {field: {smaller_than, greater_than}}}` of which one must hold. */
function relationshipQuery(view: GraphView, query: Value | undefined): (relationship: RelationshipValue) => boolean {
  if (query === undefined || query === null) return () => true;
  const tests = (Array.isArray(query) ? query : [query]).map((spec) => relationshipTest(view, spec));
  return (relationship) => tests.some((test) => test(relationship));
}

function relationshipTest(view: GraphView, spec: Value): (relationship: RelationshipValue) => boolean {
  if (typeof spec !== 'string' && !(spec instanceof Map)) throw wrong(`relationshipQuery should be a label, or a list of labels and maps, found ${formatValue(spec)}`);
  const map = spec instanceof Map ? options(spec, 'relationshipQuery', ['label', 'property_filter']) : new Map<string, Value>([['label', spec]]);
  const label = map.get('label') ?? null;
  if (label !== null && typeof label !== 'string') throw wrong(`label of relationshipQuery should be a string, given ${formatValue(label)}`);
  const typeId = label === null ? undefined : view.catalog.findType(label);
  const filter = map.get('property_filter') ?? new Map<string, Value>();
  if (!(filter instanceof Map)) throw wrong('property_filter should be a map from fields to bounds');
  const tests = [...filter].map(([field, bounds]) => ({ key: view.catalog.findKey(field), bounds: [...options(bounds, `property_filter of ${field}`, BOUNDS)] }));
  return (relationship) => (label === null || relationship.typeId === typeId) && tests.every(({ key, bounds }) => {
    const value = key === undefined ? null : view.relationshipProperty(relationship, key);
    return value !== null && bounds.every(([name, bound]) => {
      const order = compare(value, bound);
      return order !== null && (name === 'smaller_than' ? order < 0 : order > 0);
    });
  });
}

/** Of one way into a node that was found, with its place in the tables. */
const LINK_BYTES = 128;

interface FoundPath {
  readonly nodes: readonly number[];
  readonly relationships: readonly RelationshipValue[];
}

/** All shortest paths, level by level from the start; the first of them only if `all` is false. There may be exponentially many: they are made one by one. */
function shortestPaths(context: ExecContext, start: NodeValue, end: NodeValue, { directions, maxHops, accepts }: PathOptions, all: boolean): Iterable<FoundPath> {
  if (start.id === end.id) return [];
  const { view } = context;
  const before = new Map<number, RelationshipValue[]>([[start.id, []]]);
  let frontier = [start.id];
  for (let hops = 0; hops < maxHops && frontier.length > 0 && !before.has(end.id); hops++) {
    const next = new Map<number, RelationshipValue[]>();
    for (const id of frontier) {
      for (const direction of directions) {
        for (const { neighbours, edges, from, to, typeId } of view.adjacency(id, direction, undefined)) {
          walk(to - from);
          for (let i = from; i < to; i++) {
            const neighbour = neighbours[i]!;
            if (before.has(neighbour)) continue;
            const relationship = direction === 'out' ? new RelationshipValue(edges[i]!, typeId, id, neighbour) : new RelationshipValue(edges[i]!, typeId, neighbour, id);
            if (!accepts(relationship)) continue;
            mayMake(LINK_BYTES);
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
  return before.has(end.id) ? walkBack(before, end.id) : [];
}

/** Every way from the end back to the start, depth first: each place with how many of its links were taken. */
function* walkBack(before: ReadonlyMap<number, readonly RelationshipValue[]>, end: number): Generator<FoundPath> {
  const places = [{ id: end, taken: 0 }];
  const links: RelationshipValue[] = [];
  while (places.length > 0) {
    walk(1);
    const place = places.at(-1)!;
    const choices = before.get(place.id)!;
    if (choices.length === 0) {
      walk(places.length);
      yield { nodes: places.map(({ id }) => id).reverse(), relationships: links.toReversed() };
    }
    const link = choices[place.taken++];
    if (link === undefined) {
      places.pop();
      links.pop();
      continue;
    }
    links.push(link);
    places.push({ id: link.start === place.id ? link.end : link.start, taken: 0 });
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
    if (typeof id === 'bigint' || !view.nodeExists(id)) throw new DbError('EntityNotFound', `there is no node ${id}`);
    return view.nodeProperty(new NodeValue(id), key);
  }
  if (typeof id !== 'string') throw wrong('id of an edge should be its text, as euid() gives it');
  const relationship = findByEuid(view, id);
  return relationship === undefined ? null : view.relationshipProperty(relationship, key);
}

function pointArgument(value: Value | undefined, name: string): Point {
  const point = typeof value === 'string' ? pointOf(shapeFromBinary('POINT', value)) : value;
  if (point instanceof Point) return point;
  throw wrong(`${name} must be a point, or one as EWKB in hexadecimal digits`);
}

export const ALGORITHM_BUILTINS: readonly Builtin[] = [
  builtin('algo.shortestPath', 'startNode:NODE, endNode:NODE, config?:MAP', 'nodeCount:INTEGER, totalCost:FLOAT, path:STRING', 'read', ([start, end, config], context) => {
    const [path] = shortestPaths(context, nodeArgument(start, 'startNode'), nodeArgument(end, 'endNode'), pathOptions(context.view, config), false);
    return path === undefined ? [[0, new Float(0), '[]']] : [[path.nodes.length, new Float(path.relationships.length), pathText(context.view, path)]];
  }),
  builtin('algo.allShortestPaths', 'startNode:NODE, endNode:NODE, config?:MAP', 'nodeIds:LIST, relationshipIds:LIST, cost:FLOAT', 'read', function* allShortestPaths([start, end, config], context) {
    for (const { nodes, relationships } of shortestPaths(context, nodeArgument(start, 'startNode'), nodeArgument(end, 'endNode'), pathOptions(context.view, config), true)) {
      yield [[...nodes], relationships.map((each) => euidOf(context.view, each)), new Float(relationships.length)];
    }
  }),
  builtin('algo.native.extract', 'id:ANY, config:MAP', 'value:ANY', 'read', ([id, config], context) => {
    const map = options(config, 'config', ['isNode', 'field']);
    const isNode = map.get('isNode');
    const field = map.get('field');
    if (typeof isNode !== 'boolean') throw wrong('isNode type should be boolean');
    return [[extract(context, id ?? null, isNode, text(field, 'field'))]];
  }),
  builtin('algo.pagerank', 'num_iterations:INTEGER', 'node:NODE, pr:FLOAT', 'read', ([rounds], context) => {
    if (rounds === undefined || rounds === null || !isNumber(rounds) || Number(rounds) < 0) throw wrong('num_iterations should be an integer, at least 0');
    return pageRank(context.view, Number(rounds));
  }),
  builtin('spatial.distance', 'spatial1:ANY, spatial2:ANY', 'distance:DOUBLE', 'read', ([a, b]) => {
    const [from, to] = [pointArgument(a, 'spatial1'), pointArgument(b, 'spatial2')];
    if (from.srid !== to.srid) throw wrong(`spatial.distance needs two points of one reference system, given ${from.srid} and ${to.srid}`);
    return [[new Float(distance(from, to)!)]];
  }),
  builtin('algo.jaccard', 'lhs:LIST, rhs:LIST', 'similarity:FLOAT', 'read', ([left, right]) => [[jaccard(list(left, 'lhs'), list(right, 'rhs'))]]),
];
