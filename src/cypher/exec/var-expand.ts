/**
 * Variable-length expansion: every trail (no relationship twice) of an allowed length, depth first.
 *
 * Where nobody asks how often an end is reached, a breadth-first search yields each end once instead: with a minimal length of
 * 0 or 1 an end that some trail reaches is reached by a shortest path. Only the start itself, when at least one hop is asked for, needs care: it is
 * reached if it lies on a short enough cycle.
 */
import { equals } from '../../value/compare.ts';
import { NodeValue, type RelationshipValue } from '../../value/value.ts';
import type { AdjacencySegment, Direction } from '../../graph/view.ts';
import type { VarExpand } from '../plan/plan.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { propertyOf } from './compile-access.ts';
import { DIRECTIONS, OPPOSITE } from './directions.ts';
import { isTaken, nodeIn, relationshipOf } from './row-graph.ts';
import { compileEnds } from './end-filter.ts';
import { withIds, type PushIds } from './ids.ts';
import { pusher, withWanted, type PushWanted } from './push.ts';
import { BATCH_MAX, BATCH_MIN, type Operator, type Row, type Runtime } from './runtime.ts';
import { compileTests, labelsTest, passes } from './row-tests.ts';
import { typeFilter } from './type-filter.ts';
import { Visited } from './visited.ts';

/** One step of the trail being tried: what is left to look at from its node. */
export interface Frame {
  readonly id: number;
  readonly segments: readonly { readonly segment: AdjacencySegment; readonly direction: Direction; readonly second: boolean }[];
  segment: number;
  index: number;
}

export function buildVarExpand(node: VarExpand, input: Operator, cc: CompileContext): Operator {
  return node.distinctEnds && node.min <= 1 && !node.into ? buildReachable(node, input, cc) : buildTrails(node, input, cc);
}

type PropertyTest = (relationship: RelationshipValue, row: Row, rt: Runtime) => boolean;

export function propertyTest(properties: VarExpand['properties'], cc: CompileContext): PropertyTest | undefined {
  if (properties.length === 0) return undefined;
  const wanted = properties.map(({ key, value }) => ({ key, value: compileScoped(value, cc) }));
  return (relationship, row, rt) => wanted.every(({ key, value }) => equals(propertyOf(relationship, key, rt), value(row, rt)) === true);
}

export function frameAt(rt: Runtime, id: number, directions: readonly Direction[], typeIds: readonly number[] | undefined): Frame {
  const segments: Frame['segments'][number][] = [];
  for (const direction of directions) {
    const second = direction === 'in' && directions.length === 2;
    for (const segment of rt.view.adjacency(id, direction, typeIds)) segments.push({ segment, direction, second });
  }
  return { id, segments, segment: 0, index: segments[0]?.segment.from ?? 0 };
}

function buildTrails(node: VarExpand, input: Operator, cc: CompileContext): Operator {
  const { from, to, into, relationship, distinctFrom, min, max, reversed } = node;
  const types = typeFilter(node.types, node.typesIn, cc);
  const directions = DIRECTIONS[node.direction];
  const hasLabels = labelsTest(node.labels, cc.catalog);
  const tests = compileTests(node.filters, cc);
  const hasProperties = propertyTest(node.properties, cc);
  const keeps = relationship !== undefined || hasProperties !== undefined;
  return function* trails(rt, source) {
    let out: Row[] = [];
    let size = BATCH_MIN;
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const typeIds = types(rt, row);
        const start = nodeIn(row[from]!);
        const target = into ? nodeIn(row[to]!) : undefined;
        if (start === null || target === null) continue;
        const edges: number[] = [];
        const links: RelationshipValue[] = [];
        const seen = node.distinctEnds && !into ? new Set<number>() : undefined;
        const end = (id: number): Row | undefined => {
          if (target !== undefined && target.id !== id) return undefined;
          if (seen !== undefined) {
            if (seen.has(id)) return undefined;
            seen.add(id);
          }
          const value = target ?? new NodeValue(id);
          if (hasLabels !== undefined && !hasLabels(value, rt)) return undefined;
          const made = row.slice();
          made[to] = value;
          if (relationship !== undefined) made[relationship] = reversed ? [...links].reverse() : [...links];
          return tests.length === 0 || passes(tests, made, rt) ? made : undefined;
        };
        const frames: Frame[] = [frameAt(rt, start.id, max === 0 ? [] : directions, typeIds)];
        let found = min === 0 ? end(start.id) : undefined;
        for (;;) {
          if (found !== undefined) {
            out.push(found);
            found = undefined;
            if (out.length >= size) {
              rt.checkpoint(out.length);
              yield out;
              out = [];
              size = Math.min(size * 4, BATCH_MAX);
            }
          }
          const frame = frames[frames.length - 1]!;
          const place = frame.segments[frame.segment];
          if (place === undefined) {
            frames.pop();
            if (frames.length === 0) break;
            edges.pop();
            if (keeps) links.pop();
            continue;
          }
          const { segment, direction, second } = place;
          const index = frame.index++;
          if (index >= segment.to) {
            frame.segment++;
            frame.index = frame.segments[frame.segment]?.segment.from ?? 0;
            continue;
          }
          rt.tick();
          const edge = segment.edges[index]!;
          const neighbour = segment.neighbours[index]!;
          if ((second && neighbour === frame.id) || edges.includes(edge)) continue;
          if (distinctFrom.length > 0 && isTaken(row, distinctFrom, edge)) continue;
          if (keeps) {
            const link = relationshipOf(edge, segment.typeId, frame.id, neighbour, direction);
            if (hasProperties !== undefined && !hasProperties(link, row, rt)) continue;
            links.push(link);
          }
          edges.push(edge);
          const depth = edges.length;
          if (depth >= min) found = end(neighbour);
          if (depth < max) frames.push(frameAt(rt, neighbour, directions, typeIds));
          else {
            edges.pop();
            if (keeps) links.pop();
          }
        }
      }
    }
    if (out.length > 0) {
      rt.checkpoint(out.length);
      yield out;
    }
  };
}

/** A node's number in the search: the branch (by the first relationship) it was reached in, and how far out. */
const DEPTHS = 64;
/** To ask an end takes as long as to follow so many relationships. */
const FROM_ENDS_PAYS_AT = 8;

/** Whether most of the relationships that are left would lead to nodes that have been reached. */
function paysFromEnds(rt: Runtime, frontier: number, looked: { readonly nodes: number; readonly relationships: number; readonly reached: number }, labelId: number): boolean {
  const left = Math.max(0, rt.view.nodeCount(labelId) - looked.reached);
  return frontier * (looked.relationships / Math.max(1, looked.nodes)) > left * FROM_ENDS_PAYS_AT + frontier;
}

function buildReachable(node: VarExpand, input: Operator, cc: CompileContext): Operator {
  const { from, to, min, max } = node;
  const types = typeFilter(node.types, node.typesIn, cc);
  const directions = DIRECTIONS[node.direction];
  const undirected = directions.length === 2;
  const hasLabels = labelsTest(node.labels, cc.catalog);
  const tests = compileTests(node.filters, cc);
  const hasProperties = propertyTest(node.properties, cc);
  /**
   * The ends found at each depth. `among`: only ends with this label are wanted, in any order. Then the last level may be found from the other side: where
   * most nodes have been reached, to ask the few that have not for a neighbour that has is much less than to follow all relationships of those that
   * were reached last (Beamer, Asanović and Patterson, "Direction-Optimizing Breadth-First Search", 2012).
   */
  function* levels(rt: Runtime, row: Row, startId: number, typeIds: readonly number[] | undefined, among?: number): Generator<number[]> {
    const reached = Visited.take();
    try {
      reached.set(startId, 0);
      let startDue = min === 1;
      let ends: number[] = min === 0 ? [startId] : [];
      let frontier: number[] = [startId];
      let parents: number[] = [-1];
      let branches = 0;
      const looked = { nodes: 0, relationships: 0, reached: 1 };
      for (let depth = 0; ; depth++) {
        if (ends.length > 0) yield ends;
        if (depth >= max || frontier.length === 0) return;
        if (among !== undefined && depth + 1 === max && !startDue && paysFromEnds(rt, frontier.length, looked, among)) {
          yield reachedFromEnds(rt, reached, among, typeIds);
          return;
        }
        const next: number[] = [];
        const nextParents: number[] = [];
        ends = next;
        let cycle = false;
        // Nobody asks for branches any more, and a node's parent has been reached.
        const isPlain = !startDue && hasProperties === undefined;
        for (let i = 0; isPlain && i < directions.length; i++) {
          rt.view.neighbours(frontier, 0, frontier.length, directions[i]!, typeIds, (neighbours, first, end) => {
            looked.relationships += end - first;
            reached.claim(neighbours, first, end, 0, next);
            rt.tick(end - first);
          });
        }
        for (let f = isPlain ? frontier.length : 0; f < frontier.length; f++) {
          const id = frontier[f]!;
          const parent = parents[f]!;
          const own = depth === 0 ? 0 : Math.floor(reached.get(id) / DEPTHS);
          for (const direction of directions) {
            for (const segment of rt.view.adjacency(id, direction, typeIds)) {
              const { neighbours, edges, typeId, to: end } = segment;
              looked.relationships += end - segment.from;
              // Of the last level nobody asks for branches, and only a second relationship to the start closes a circle that is short enough.
              if (depth + 1 === max && hasProperties === undefined) {
                for (let i = segment.from; i < end; i++) cycle ||= neighbours[i] === startId && edges[i] !== parent;
                reached.claim(neighbours, segment.from, end, 0, next);
                rt.tick(end - segment.from);
                continue;
              }
              for (let i = segment.from; i < end; i++) {
                const neighbour = neighbours[i]!;
                const known = reached.get(neighbour);
                if (known >= 0 && !startDue) continue;
                if (edges[i] === parent) continue;
                if (hasProperties !== undefined && !hasProperties(relationshipOf(edges[i]!, typeId, id, neighbour, direction), row, rt)) continue;
                if (known < 0) {
                  reached.set(neighbour, (depth === 0 ? branches++ : own) * DEPTHS + Math.min(depth + 1, DEPTHS - 1));
                  next.push(neighbour);
                  nextParents.push(edges[i]!);
                } else if (neighbour === startId) cycle = true;
                else if (undirected && depth > 0 && Math.floor(known / DEPTHS) !== own && (known % DEPTHS) + depth + 1 <= max) cycle = true;
              }
              rt.tick(end - segment.from);
            }
          }
        }
        if (cycle && startDue) {
          startDue = false;
          ends = [...next, startId];
        }
        looked.nodes += frontier.length;
        looked.reached += next.length;
        frontier = next;
        parents = nextParents;
      }
    } finally {
      reached.release();
    }
  }

  /** The nodes with the label that a relationship leads to from one that was reached, and that were not. */
  function reachedFromEnds(rt: Runtime, reached: Visited, labelId: number, typeIds: readonly number[] | undefined): number[] {
    const { view } = rt;
    const ends: number[] = [];
    let isReached = false;
    const look = (neighbours: ArrayLike<number>, first: number, end: number): void => {
      isReached ||= reached.hasAny(neighbours, first, end);
    };
    for (const ids of view.scanNodes(labelId)) {
      for (let i = 0; i < ids.length; i++) {
        if (reached.get(ids[i]!) >= 0) continue;
        isReached = false;
        for (let d = 0; d < directions.length && !isReached; d++) view.neighbours(ids, i, i + 1, OPPOSITE[directions[d]!] as Direction, typeIds, look);
        if (isReached) ends.push(ids[i]!);
        rt.tick();
      }
      rt.tick(ids.length);
    }
    return ends;
  }

  const only = node.labels.length === 1 && hasProperties === undefined ? node.labels[0] : undefined;
  const amongOf = (rt: Runtime): number | undefined => (only === undefined ? undefined : rt.view.catalog.findLabel(only));
  const wantedEnds = compileEnds(node.labels, node.filters, to, cc);
  const pushInput = pusher(input);
  const pushIds: PushIds = (rt, source, sink) => {
    const endsOf = wantedEnds(rt);
    const among = amongOf(rt);
    pushInput(rt, source, (row) => {
      const start = nodeIn(row[from]!);
      if (start === null) return false;
      for (const level of levels(rt, row, start.id, types(rt, row), among)) {
        const left = endsOf(level, 0, level.length, row);
        left.leavePassing(tests, row, to, rt);
        sink(left.ids, left.from, left.to);
        rt.tick(level.length);
      }
      return false;
    });
  };
  const push: PushWanted = (rt, source, sink, wanted) => {
    const endsOf = wantedEnds(rt, wanted);
    const among = amongOf(rt);
    return pushInput(rt, source, (row) => {
      const typeIds = types(rt, row);
      const start = nodeIn(row[from]!);
      if (start === null) return false;
      for (const level of levels(rt, row, start.id, typeIds, among)) {
        const { ids, from: at, to: end, decided } = endsOf(level, 0, level.length, row);
        for (let i = at; i < end; i++) {
          row[to] = new NodeValue(ids[i]!);
          if (tests.length > decided && !passes(tests, row, rt, decided)) continue;
          if (sink(row)) return true;
        }
        rt.tick(level.length);
      }
      return false;
    });
  };
  return withIds(withWanted(function* reachable(rt, source) {
    let out: Row[] = [];
    let size = BATCH_MIN;
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const typeIds = types(rt, row);
        const start = nodeIn(row[from]!);
        if (start === null) continue;
        const scratch = row.slice();
        for (const ends of levels(rt, row, start.id, typeIds)) {
          for (const id of ends) {
            const value = new NodeValue(id);
            if (hasLabels !== undefined && !hasLabels(value, rt)) continue;
            if (tests.length > 0) {
              scratch[to] = value;
              if (!passes(tests, scratch, rt)) continue;
            }
            const made = row.slice();
            made[to] = value;
            out.push(made);
            if (out.length < size) continue;
            rt.checkpoint(out.length);
            yield out;
            out = [];
            size = Math.min(size * 4, BATCH_MAX);
          }
        }
      }
    }
    if (out.length > 0) {
      rt.checkpoint(out.length);
      yield out;
    }
  }, to, push), to, pushIds);
}
