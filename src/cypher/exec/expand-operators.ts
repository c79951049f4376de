/**
 * Following one relationship from a node, and checking relationships whose ends or self are bound already.
 */
import { aTypeName } from '../../value/format.ts';
import { NodeValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { AdjacencySegment, Direction, GraphView } from '../../graph/view.ts';
import type { BuildPath, Endpoints, Expand } from '../plan/plan.ts';
import { isDynamic } from '../semantics/walk.ts';
import { Between } from './between.ts';
import type { CompileContext } from './compile.ts';
import { typeError } from './compile-access.ts';
import { DIRECTIONS } from './directions.ts';
import { compileEnds } from './end-filter.ts';
import { expandCount } from './expand-count.ts';
import { idsOf, withCount, withIds, type PushIds } from './ids.ts';
import { pathOf } from './paths.ts';
import { pusher, withPush, withWanted, type Push, type PushWanted } from './push.ts';
import { isTaken, nodeIn, relationshipOf } from './row-graph.ts';
import { BATCH_MAX, BATCH_MIN, type Operator, type Row } from './runtime.ts';
import { compileTests, labelsTest, passes } from './row-tests.ts';
import { temporalOrder } from './temporal-order.ts';
import { neverMatches, typeFilter } from './type-filter.ts';

export function buildExpand(node: Expand, input: Operator, cc: CompileContext): Operator {
  return node.into ? buildExpandInto(node, input, cc) : buildExpandAll(node, input, cc);
}

/** For filters where there are none. */
const NO_ROW: Row = [];

function buildExpandAll(node: Expand, input: Operator, cc: CompileContext): Operator {
  const { from, to, relationship, idOnly, distinctFrom } = node;
  const types = typeFilter(node.types, node.typesIn, cc);
  const directions = DIRECTIONS[node.direction];
  const hasLabels = labelsTest(node.labels, cc.catalog);
  const tests = compileTests(node.filters, cc);
  const unique = distinctFrom.length > 0;
  const arrange = temporalOrder(cc.catalog);
  const segmentsOf = (view: GraphView, id: number, direction: Direction, typeIds: readonly number[] | undefined): Iterable<AdjacencySegment> => {
    const segments = view.adjacency(id, direction, typeIds);
    return arrange === undefined ? segments : arrange(view, segments, view.degree(id, direction, typeIds));
  };
  const pushInput = pusher(input);
  /** Where only the end of a relationship matters, many are looked at together. */
  const ends = compileEnds(node.labels, node.filters, to, cc);
  const onlyEnds = relationship === undefined && !unique;
  const push: PushWanted = (rt, source, sink, wanted) => {
    if (neverMatches(types(rt), rt)) return false;
    const endsOf = onlyEnds ? ends(rt, wanted) : undefined;
    const { view } = rt;
    return pushInput(rt, source, (row) => {
      const typeIds = types(rt, row);
      const start = nodeIn(row[from]!);
      if (start === null) return false;
      for (const direction of directions) {
        const second = direction === 'in' && directions.length === 2;
        for (const { neighbours, edges, typeId, from: first, to: stop } of segmentsOf(view, start.id, direction, typeIds)) {
          if (endsOf !== undefined) {
            const { ids, from: at, to: end, decided } = endsOf(neighbours, first, stop, row);
            for (let i = at; i < end; i++) {
              const neighbour = ids[i]!;
              if (second && neighbour === start.id) continue;
              row[to] = new NodeValue(neighbour);
              if (tests.length > decided && !passes(tests, row, rt, decided)) continue;
              if (sink(row)) return true;
            }
            rt.tick(stop - first);
            continue;
          }
          for (let i = first; i < stop; i++) {
            const neighbour = neighbours[i]!;
            if (second && neighbour === start.id) continue;
            if (unique && isTaken(row, distinctFrom, edges[i]!)) continue;
            const end = new NodeValue(neighbour);
            if (hasLabels !== undefined && !hasLabels(end, rt)) continue;
            row[to] = end;
            if (relationship !== undefined) row[relationship] = idOnly ? edges[i]! : relationshipOf(edges[i]!, typeId, start.id, neighbour, direction);
            if (tests.length > 0 && !passes(tests, row, rt)) continue;
            if (sink(row)) return true;
          }
          rt.tick(stop - first);
        }
      }
      return false;
    });
  };
  // Without anything to test nothing but the start's id is needed.
  const inputIds = tests.length === 0 && !unique && !isDynamic(node.types) ? idsOf(input, from) : undefined;
  const isPlain = directions.length === 1 && arrange === undefined;
  const pushIds: PushIds = (rt, source, sink) => {
    if (neverMatches(types(rt), rt)) return;
    const endsOf = ends(rt);
    const { view } = rt;
    const filtered = (ids: ArrayLike<number>, first: number, stop: number): void => {
      const { ids: kept, from: at, to: end } = endsOf(ids, first, stop, NO_ROW);
      sink(kept, at, end);
    };
    const follow = (start: number, typeIds: readonly number[] | undefined, row: Row | undefined): void => {
      for (const direction of directions) {
        const second = direction === 'in' && directions.length === 2;
        for (const { neighbours, edges, typeId, from: first, to: stop } of segmentsOf(view, start, direction, typeIds)) {
          if (!second && hasLabels === undefined && row === undefined) sink(neighbours, first, stop);
          else if (!second && (row === undefined || onlyEnds)) {
            const left = endsOf(neighbours, first, stop, row ?? NO_ROW);
            if (row !== undefined) left.leavePassing(tests, row, to, rt);
            sink(left.ids, left.from, left.to);
          } else if (tests.length === 0) {
            const take = hasLabels === undefined ? sink : filtered;
            let begin = first;
            for (let i = first; i < stop; i++) {
              if (!(second && neighbours[i] === start) && !(row !== undefined && isTaken(row, distinctFrom, edges[i]!))) continue;
              if (i > begin) take(neighbours, begin, i);
              begin = i + 1;
            }
            if (stop > begin) take(neighbours, begin, stop);
          } else {
            const kept: number[] = [];
            for (let i = first; i < stop; i++) {
              const neighbour = neighbours[i]!;
              if (second && neighbour === start) continue;
              if (isTaken(row!, distinctFrom, edges[i]!)) continue;
              const end = new NodeValue(neighbour);
              if (hasLabels !== undefined && !hasLabels(end, rt)) continue;
              row![to] = end;
              if (relationship !== undefined) row![relationship] = idOnly ? edges[i]! : relationshipOf(edges[i]!, typeId, start, neighbour, direction);
              if (passes(tests, row!, rt)) kept.push(neighbour);
            }
            sink(kept, 0, kept.length);
          }
          rt.tick(stop - first);
        }
      }
    };
    if (inputIds === undefined) {
      pushInput(rt, source, (row) => {
        const start = nodeIn(row[from]!);
        if (start !== null) follow(start.id, types(rt, row), tests.length > 0 || unique ? row : undefined);
        return false;
      });
    } else {
      inputIds(rt, source, (ids, first, stop) => {
        const typeIds = types(rt);
        if (isPlain) view.neighbours(ids, first, stop, directions[0]!, typeIds, hasLabels === undefined ? sink : filtered);
        else for (let i = first; i < stop; i++) follow(ids[i]!, typeIds, undefined);
        rt.tick(stop - first);
      });
    }
  };
  const operator = withIds(withWanted(function* expand(rt, source) {
    let out: Row[] = [];
    let size = BATCH_MIN;
    if (neverMatches(types(rt), rt)) return;
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const typeIds = types(rt, row);
        const start = nodeIn(row[from]!);
        if (start === null) continue;
        const scratch = tests.length > 0 ? row.slice() : row;
        for (const direction of directions) {
          const second = direction === 'in' && directions.length === 2;
          for (const segment of segmentsOf(rt.view, start.id, direction, typeIds)) {
            const { neighbours, edges, typeId, to: stop } = segment;
            for (let i = segment.from; i < stop; i++) {
              const neighbour = neighbours[i]!;
              // A self-loop stands in both directions but is one match.
              if (second && neighbour === start.id) continue;
              if (unique && isTaken(row, distinctFrom, edges[i]!)) continue;
              const end = new NodeValue(neighbour);
              if (hasLabels !== undefined && !hasLabels(end, rt)) continue;
              const link: Value = relationship === undefined ? null
                : idOnly ? edges[i]! : relationshipOf(edges[i]!, typeId, start.id, neighbour, direction);
              if (tests.length > 0) {
                scratch[to] = end;
                if (relationship !== undefined) scratch[relationship] = link;
                if (!passes(tests, scratch, rt)) continue;
              }
              const made = row.slice();
              made[to] = end;
              if (relationship !== undefined) made[relationship] = link;
              out.push(made);
              if (out.length >= size) {
                rt.checkpoint(out.length);
                yield out;
                out = [];
                size = Math.min(size * 4, BATCH_MAX);
              }
            }
            rt.tick(stop - segment.from);
          }
        }
      }
    }
    if (out.length > 0) {
      rt.checkpoint(out.length);
      yield out;
    }
  }, to, push), to, pushIds);
  const count = expandCount(node, input, cc);
  return count === undefined ? operator : withCount(operator, count, true);
}

/** Both ends are bound. */
function buildExpandInto(node: Expand, input: Operator, cc: CompileContext): Operator {
  const { from, to, relationship, idOnly, distinctFrom } = node;
  const between = new Between(node.direction, !isDynamic(node.types));
  const types = typeFilter(node.types, node.typesIn, cc);
  const tests = compileTests(node.filters, cc);
  const pushInput = pusher(input);
  const push: Push = (rt, source, sink) => {
    if (neverMatches(types(rt), rt)) return false;
    return pushInput(rt, source, (row) => {
      const typeIds = types(rt, row);
      const start = nodeIn(row[from]!);
      const end = nodeIn(row[to]!);
      if (start === null || end === null) return false;
      let enough = false;
      between.forEach(rt, start.id, end.id, typeIds, (edge, typeId, startId, endId) => {
        if (enough || (distinctFrom.length > 0 && isTaken(row, distinctFrom, edge))) return;
        if (relationship !== undefined) row[relationship] = idOnly ? edge : new RelationshipValue(edge, typeId, startId, endId);
        if (tests.length > 0 && !passes(tests, row, rt)) return;
        enough = sink(row);
      });
      return enough;
    });
  };
  return withPush(function* expandInto(rt, source) {
    if (neverMatches(types(rt), rt)) return;
    for (const batch of input(rt, source)) {
      const out: Row[] = [];
      for (const row of batch) {
        const typeIds = types(rt, row);
        const start = nodeIn(row[from]!);
        const end = nodeIn(row[to]!);
        if (start === null || end === null) continue;
        between.forEach(rt, start.id, end.id, typeIds, (edge, typeId, startId, endId) => {
          if (distinctFrom.length > 0 && isTaken(row, distinctFrom, edge)) return;
          const made = row.slice();
          if (relationship !== undefined) made[relationship] = idOnly ? edge : new RelationshipValue(edge, typeId, startId, endId);
          if (tests.length > 0 && !passes(tests, made, rt)) return;
          out.push(made);
        });
      }
      if (out.length > 0) {
        rt.checkpoint(out.length);
        yield out;
      }
    }
  }, push);
}

/** The relationship, or the list of them, is bound: its ends follow, in one or both directions. */
export function buildEndpoints(node: Endpoints, input: Operator, cc: CompileContext): Operator {
  const types = typeFilter(node.types, node.typesIn, cc);
  const tests = compileTests(node.filters, cc);
  const labels = node.labels.map(({ slot, label }) => ({ slot, test: labelsTest([label], cc.catalog)! }));
  const { from, fromBound, to, toBound, direction, length, distinctFrom } = node;
  return function* endpoints(rt, source) {
    for (const batch of input(rt, source)) {
      const out: Row[] = [];
      for (const row of batch) {
        const typeIds = types(rt, row);
        const value = row[node.relationship]!;
        if (value === null) continue;
        const chain = length === undefined ? [value] : value;
        if (!Array.isArray(chain)) throw typeError(`expected a list of relationships, not ${aTypeName(value)}`);
        if (length !== undefined && (chain.length < length.min || chain.length > length.max)) continue;
        if (!chain.every((each) => each instanceof RelationshipValue)) {
          if (length === undefined) throw typeError(`expected a Relationship, not ${aTypeName(value)}`);
          continue;
        }
        const relationships = chain as RelationshipValue[];
        if (typeIds !== undefined && relationships.some((each) => !typeIds.includes(each.typeId))) continue;
        if (relationships.some((each) => isTaken(row, distinctFrom, each.id))) continue;
        for (const [start, end] of endsOf(relationships, direction, fromBound ? nodeIn(row[from]!)?.id : undefined)) {
          if (fromBound && nodeIn(row[from]!)?.id !== start) continue;
          // Of (a)-[r]->(a) the end is bound by the start.
          if (toBound && (to === from ? start : nodeIn(row[to]!)?.id) !== end) continue;
          const made = row.slice();
          if (!fromBound) made[from] = new NodeValue(start);
          if (!toBound) made[to] = new NodeValue(end);
          if (!labels.every(({ slot, test }) => test(made[slot] as NodeValue, rt))) continue;
          if (passes(tests, made, rt)) out.push(made);
        }
      }
      if (out.length > 0) {
        rt.checkpoint(out.length);
        yield out;
      }
    }
  };
}

/** The (start, end) pairs between which the chain leads in the given direction. */
function endsOf(chain: readonly RelationshipValue[], direction: 'out' | 'in' | 'both', from: number | undefined): [number, number][] {
  const first = chain[0];
  if (first === undefined) return from === undefined ? [] : [[from, from]];
  const starts = direction === 'out' ? [first.start] : direction === 'in' ? [first.end] : [...new Set([first.start, first.end])];
  const pairs: [number, number][] = [];
  for (const start of starts) {
    let at: number | undefined = start;
    for (const each of chain) {
      if (direction !== 'in' && each.start === at) at = each.end;
      else if (direction !== 'out' && each.end === at) at = each.start;
      else {
        at = undefined;
        break;
      }
    }
    if (at !== undefined) pairs.push([start, at]);
  }
  return pairs;
}

export function buildPath(node: BuildPath, input: Operator): Operator {
  const { slot, parts } = node;
  const pushInput = pusher(input);
  return withPush(function* path(rt, source) {
    for (const batch of input(rt, source)) {
      for (const row of batch) row[slot] = pathOf(row, parts);
      yield batch;
    }
  }, (rt, source, sink) => pushInput(rt, source, (row) => {
    row[slot] = pathOf(row, parts);
    return sink(row);
  }));
}
