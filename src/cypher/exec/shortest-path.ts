/**
 * Shortest paths: breadth first from both ends, the smaller frontier first, until the frontiers meet.
 *
 * Where a predicate refuses the paths found, longer trails are tried one length at a time.
 */
import { NodeValue, PathValue, type RelationshipValue, type Value } from '../../value/value.ts';
import type { ShortestPath } from '../plan/plan.ts';
import { compilePredicate, type CompileContext } from './compile.ts';
import { DIRECTIONS, OPPOSITE } from './directions.ts';
import { nodeIn, relationshipOf } from './row-graph.ts';
import { searchRows } from './path-search.ts';
import type { Operator, Row, Runtime } from './runtime.ts';
import { compileTests, passes } from './row-tests.ts';
import { Side, type Search } from './search-side.ts';
import { typeFilter } from './type-filter.ts';
import { propertyTest } from './var-expand.ts';

type LinkTest = NonNullable<Search['linkTest']>;
type NodeTest = NonNullable<Search['nodeTest']>;

/** Trails longer than this are not tried when the shortest path is refused by a predicate. */
const FALLBACK_HOPS = 20;

export function buildShortestPath(node: ShortestPath, input: Operator, cc: CompileContext): Operator {
  const types = typeFilter(node.types, node.typesIn, cc);
  const tests = compileTests(node.filters, cc);
  const { linkTest, nodeTest } = compileElementTests(node, cc);
  const { from, to, min, max, all } = node;
  const around = node.around && searchRows(node.around, cc);
  const isAlike = linkTest === undefined && nodeTest === undefined;
  return function* shortestPath(rt, source) {
    const starts = new Starts(node.direction, isAlike);
    try {
      for (const batch of input(rt, source)) {
        const out: Row[] = [];
        for (const row of batch) {
          const start = nodeIn(row[from]!);
          const end = nodeIn(row[to]!);
          if (start === null || end === null) continue;
          // Of the paths that a filter refuses one, any other of the same length may pass.
          const search: Search = { typeIds: types(rt, row), all: all || tests.length > 0, max, linkTest, nodeTest };
          if (nodeTest !== undefined && !(nodeTest(start.id, row, rt) && nodeTest(end.id, row, rt))) continue;
          if (around !== undefined && start.id === end.id && min > 0) {
            out.push(...around(rt, row));
            continue;
          }
          let found = 0;
          /** True: it is enough. */
          const offer = (path: PathValue): boolean => {
            const made = row.slice();
            if (node.path !== undefined) made[node.path] = path;
            if (node.relationships !== undefined) made[node.relationships] = [...path.relationships] as Value[];
            if (tests.length > 0 && !passes(tests, made, rt)) return false;
            out.push(made);
            found++;
            return !all;
          };
          const length = findShortest({ rt, search, row, offer }, starts, start.id, end.id, min);
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
    } finally {
      starts.release();
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

/** The search from the first end, kept from row to row: many ends are often looked for from one start. */
class Starts {
  readonly direction: 'out' | 'in' | 'both';
  /** Whether it depends on nothing but the start and the types. */
  readonly #isAlike: boolean;
  #start = NaN;
  #typeIds: Search['typeIds'];
  #side: Side | undefined;

  constructor(direction: 'out' | 'in' | 'both', isAlike: boolean) {
    this.direction = direction;
    this.#isAlike = isAlike;
  }

  from(rt: Runtime, start: number, search: Search): Side {
    if (this.#side !== undefined && this.#isAlike && !('createNode' in rt.view) && start === this.#start && search.typeIds === this.#typeIds) return this.#side;
    this.release();
    this.#start = start;
    this.#typeIds = search.typeIds;
    return this.#side = new Side(rt, start, this.direction, search);
  }

  release(): void {
    this.#side?.release();
    this.#side = undefined;
  }
}

interface Asked {
  readonly rt: Runtime;
  readonly search: Search;
  readonly row: Row;
  readonly offer: (path: PathValue) => boolean;
}

/** Offers the paths of the least length until it is enough; returns that length, or undefined where there is none. */
function findShortest(asked: Asked, starts: Starts, start: number, end: number, min: number): number | undefined {
  if (start === end) {
    if (min > 0) return undefined;
    asked.offer(new PathValue([new NodeValue(start)], []));
    return 0;
  }
  const forward = starts.from(asked.rt, start, asked.search);
  const backward = new Side(asked.rt, end, OPPOSITE[starts.direction], asked.search);
  try {
    return meet(asked, forward, backward, end);
  } finally {
    backward.release();
  }
}

/** As long as the sides have not met, the ends are farther apart than both have gone together. */
function meet({ rt, search, row, offer }: Asked, forward: Side, backward: Side, end: number): number | undefined {
  let meetings = forward.has(end) ? [end] : [];
  while (meetings.length === 0) {
    if (forward.frontierSize === 0 || backward.frontierSize === 0 || forward.depth + backward.depth >= search.max) return undefined;
    const [side, other] = forward.frontierSize <= backward.frontierSize ? [forward, backward] : [backward, forward];
    side.advance(row);
    meetings = side.meetings(other);
  }
  let length: number | undefined;
  for (const meeting of meetings) {
    for (const path of pathsThrough(forward, backward, meeting)) {
      rt.tick();
      length = path.relationships.length;
      if (offer(path)) return length;
    }
  }
  return length;
}

function* pathsThrough(forward: Side, backward: Side, meeting: number): Generator<PathValue> {
  for (const head of forward.chains(meeting)) {
    for (const tail of backward.chains(meeting)) {
      const relationships = [...head.relationships].reverse().concat(tail.relationships);
      const nodes = [...head.nodes].reverse().concat(tail.nodes.slice(1));
      yield new PathValue(nodes.map((id) => new NodeValue(id)), relationships);
    }
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
      return id === end && offer(new PathValue(nodes.map((each) => new NodeValue(each)), [...relationships]));
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
