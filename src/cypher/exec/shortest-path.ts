/**
 * Shortest paths: breadth first from both ends, the smaller frontier first, until the frontiers meet.
 *
 * Where a predicate refuses the paths found, longer trails are tried one length at a time.
 */
import { NodeValue, PathValue, type RelationshipValue, type Value } from '../../value/value.ts';
import type { ShortestPath } from '../plan/plan.ts';
import { compilePredicate, type CompileContext } from './compile.ts';
import { DIRECTIONS, nodeIn, OPPOSITE, relationshipOf } from './expand-operators.ts';
import { searchRows } from './path-search.ts';
import type { Operator, Row, Runtime } from './runtime.ts';
import { compileTests, passes } from './scan-operators.ts';
import { typeFilter } from './type-filter.ts';
import { propertyTest } from './var-expand.ts';

/** A relationship that leads to a node of the search, from the node nearer to that search's start. */
interface Link {
  readonly before: number;
  readonly relationship: RelationshipValue;
}

class Side {
  readonly direction: 'out' | 'in' | 'both';
  /** Node → the links by which it is reached on a shortest way; the start has none. */
  readonly links = new Map<number, Link[]>();
  frontier: number[];
  depth = 0;

  constructor(start: number, direction: 'out' | 'in' | 'both') {
    this.direction = direction;
    this.frontier = [start];
    this.links.set(start, []);
  }
}

type LinkTest = (relationship: RelationshipValue, row: Row, rt: Runtime) => boolean;
type NodeTest = (id: number, row: Row, rt: Runtime) => boolean;

interface Search {
  readonly typeIds: readonly number[] | undefined;
  readonly all: boolean;
  readonly max: number;
  readonly linkTest: LinkTest | undefined;
  readonly nodeTest: NodeTest | undefined;
}

/** Trails longer than this are not tried when the shortest path is refused by a predicate. */
const FALLBACK_HOPS = 20;

export function buildShortestPath(node: ShortestPath, input: Operator, cc: CompileContext): Operator {
  const types = typeFilter(node.types, node.typesIn, cc);
  const tests = compileTests(node.filters, cc);
  const { linkTest, nodeTest } = compileElementTests(node, cc);
  const { from, to, min, max, all } = node;
  const around = node.around && searchRows(node.around, cc);
  return function* shortestPath(rt, source) {
    for (const batch of input(rt, source)) {
      const out: Row[] = [];
      for (const row of batch) {
        const start = nodeIn(row[from]!);
        const end = nodeIn(row[to]!);
        if (start === null || end === null) continue;
        const search: Search = { typeIds: types(rt, row), all, max, linkTest, nodeTest };
        if (nodeTest !== undefined && !(nodeTest(start.id, row, rt) && nodeTest(end.id, row, rt))) continue;
        if (around !== undefined && start.id === end.id && min > 0) {
          out.push(...around(rt, row));
          continue;
        }
        let found = 0;
        const offer = (path: PathValue): boolean => {
          const made = row.slice();
          if (node.path !== undefined) made[node.path] = path;
          if (node.relationships !== undefined) made[node.relationships] = [...path.relationships] as Value[];
          if (tests.length > 0 && !passes(tests, made, rt)) return false;
          out.push(made);
          found++;
          return true;
        };
        const length = findShortest(rt, search, row, start.id, end.id, min, node.direction, offer);
        if (found === 0 && length !== undefined && tests.length > 0) {
          for (let hops = length + 1; hops <= Math.min(max, FALLBACK_HOPS) && found === 0; hops++) {
            if (!tryTrails(rt, search, row, start.id, end.id, hops, node.direction, offer)) break;
          }
        }
      }
      if (out.length > 0) {
        rt.checkpoint(out.length);
        yield out;
      }
    }
  };
}

function compileElementTests(node: ShortestPath, cc: CompileContext): { linkTest: LinkTest | undefined; nodeTest: NodeTest | undefined } {
  const hasProperties = propertyTest(node.properties, cc);
  const everyLink = node.everyRelationship.map(({ slot, predicate }) => ({ slot, test: compilePredicate(predicate.expression, predicate.env, cc) }));
  const everyNode = node.everyNode.map(({ slot, predicate }) => ({ slot, test: compilePredicate(predicate.expression, predicate.env, cc) }));
  const linkTest: LinkTest | undefined = hasProperties === undefined && everyLink.length === 0 ? undefined
    : (relationship, row, rt) => (hasProperties === undefined || hasProperties(relationship, row, rt))
      && everyLink.every(({ slot, test }) => {
        row[slot] = relationship;
        return test(row, rt);
      });
  const nodeTest: NodeTest | undefined = everyNode.length === 0 ? undefined
    : (id, row, rt) => everyNode.every(({ slot, test }) => {
      row[slot] = new NodeValue(id);
      return test(row, rt);
    });
  return { linkTest, nodeTest };
}

/** Offers the shortest path (or all of them); returns its length, or undefined where there is none. */
function findShortest(
  rt: Runtime, search: Search, row: Row, start: number, end: number, min: number, direction: 'out' | 'in' | 'both',
  offer: (path: PathValue) => boolean,
): number | undefined {
  if (start === end) {
    if (min > 0) return undefined;
    offer(new PathValue([new NodeValue(start)], []));
    return 0;
  }
  const forward = new Side(start, direction);
  const backward = new Side(end, OPPOSITE[direction]);
  while (forward.frontier.length > 0 && backward.frontier.length > 0 && forward.depth + backward.depth < search.max) {
    const side = forward.frontier.length <= backward.frontier.length ? forward : backward;
    const other = side === forward ? backward : forward;
    advance(rt, search, row, side);
    const meetings = side.frontier.filter((id) => other.links.has(id));
    if (meetings.length === 0) continue;
    for (const meeting of meetings) {
      for (const path of pathsThrough(forward, backward, meeting)) {
        rt.tick();
        if (offer(path) && !search.all) return forward.depth + backward.depth;
      }
    }
    return forward.depth + backward.depth;
  }
  return undefined;
}

function advance(rt: Runtime, search: Search, row: Row, side: Side): void {
  const next: number[] = [];
  const fresh = new Set<number>();
  const back = side.direction;
  for (const id of side.frontier) {
    for (const direction of DIRECTIONS[back]) {
      for (const { neighbours, edges, from, to, typeId } of rt.view.adjacency(id, direction, search.typeIds)) {
        rt.tick(to - from);
        for (let i = from; i < to; i++) {
          const neighbour = neighbours[i]!;
          const known = side.links.get(neighbour);
          if (known !== undefined && !(search.all && fresh.has(neighbour))) continue;
          const relationship = relationshipOf(edges[i]!, typeId, id, neighbour, direction);
          if (search.linkTest !== undefined && !search.linkTest(relationship, row, rt)) continue;
          if (known !== undefined) {
            if (!known.some((link) => link.relationship.id === relationship.id)) known.push({ before: id, relationship });
            continue;
          }
          if (search.nodeTest !== undefined && !search.nodeTest(neighbour, row, rt)) continue;
          side.links.set(neighbour, [{ before: id, relationship }]);
          fresh.add(neighbour);
          next.push(neighbour);
        }
      }
    }
  }
  side.frontier = next;
  side.depth++;
}

function* pathsThrough(forward: Side, backward: Side, meeting: number): Generator<PathValue> {
  for (const head of chains(forward, meeting)) {
    for (const tail of chains(backward, meeting)) {
      const relationships = [...head.relationships].reverse().concat(tail.relationships);
      const nodes = [...head.nodes].reverse().concat(tail.nodes.slice(1));
      yield new PathValue(nodes.map((id) => new NodeValue(id)), relationships);
    }
  }
}

/** The ways back from a node to where its search began. */
function* chains(side: Side, id: number): Generator<{ nodes: number[]; relationships: RelationshipValue[] }> {
  const links = side.links.get(id)!;
  if (links.length === 0) {
    yield { nodes: [id], relationships: [] };
    return;
  }
  for (const { before, relationship } of links) {
    for (const chain of chains(side, before)) yield { nodes: [id, ...chain.nodes], relationships: [relationship, ...chain.relationships] };
  }
}

/** Offers the trails of exactly so many hops; false where none of that length exists at all from the start. */
function tryTrails(
  rt: Runtime, search: Search, row: Row, start: number, end: number, hops: number, direction: 'out' | 'in' | 'both',
  offer: (path: PathValue) => boolean,
): boolean {
  const nodes: number[] = [start];
  const relationships: RelationshipValue[] = [];
  let reachedDepth = false;
  const visit = (id: number): boolean => {
    if (relationships.length === hops) {
      reachedDepth = true;
      return id === end && offer(new PathValue(nodes.map((each) => new NodeValue(each)), [...relationships])) && !search.all;
    }
    for (const each of DIRECTIONS[direction]) {
      for (const { neighbours, edges, from, to, typeId } of rt.view.adjacency(id, each, search.typeIds)) {
        for (let i = from; i < to; i++) {
          rt.tick();
          const neighbour = neighbours[i]!;
          if ((each === 'in' && direction === 'both' && neighbour === id) || relationships.some((link) => link.id === edges[i])) continue;
          const relationship = relationshipOf(edges[i]!, typeId, id, neighbour, each);
          if (search.linkTest !== undefined && !search.linkTest(relationship, row, rt)) continue;
          if (search.nodeTest !== undefined && !search.nodeTest(neighbour, row, rt)) continue;
          nodes.push(neighbour);
          relationships.push(relationship);
          const done = visit(neighbour);
          nodes.pop();
          relationships.pop();
          if (done) return true;
        }
      }
    }
    return false;
  };
  visit(start);
  return reachedDepth;
}
