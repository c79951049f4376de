/**
 * PageRank (Page, Brin: The Anatomy of a Large-Scale Hypertextual Web Search Engine, 1998) over all nodes and relationships of a graph.
 *
 * The relationships are projected once into compressed sparse rows: where each node's begin, and the places of the nodes that they lead to.
 * A round then is a walk through two arrays. What it takes: some 60 bytes for each node, 4 for each relationship.
 */
import { mayMake, walk } from '../../base/allowance.ts';
import type { GraphView } from '../../graph/view.ts';
import { Float, NodeValue, type Value } from '../../value/value.ts';
import { NO_PLACE, NUMBER_BYTES, NumberPlaces } from '../exec/number-places.ts';

const DAMPING = 0.85;
/** What every node has without anybody's. */
const REST = 0.15;
/** Nodes whose relationships are read in one turn. */
const TURN = 1024;

interface Projection {
  /** Of each place, ascending. */
  readonly ids: Float64Array;
  /** Relationships that leave place i stand in `targets` from `offsets[i]` to `offsets[i + 1]` - 1. */
  readonly offsets: Float64Array;
  /** Places. */
  readonly targets: Int32Array;
}

function project(view: GraphView): Projection {
  const nodes = view.nodeCount();
  const relationships = view.relationshipCount();
  mayMake(nodes * (8 + 8 + NUMBER_BYTES));
  mayMake(relationships * 4);
  const ids = new Float64Array(nodes);
  const places = new NumberPlaces(nodes);
  let count = 0;
  for (const part of view.scanNodes()) {
    walk(part.length);
    for (let i = 0; i < part.length; i++) {
      places.add(part[i]!, count);
      ids[count++] = part[i]!;
    }
  }
  const offsets = new Float64Array(nodes + 1);
  const targets = new Int32Array(relationships);
  let made = 0;
  for (let from = 0; from < count; from += TURN) {
    const to = Math.min(count, from + TURN);
    for (let i = from; i < to; i++) {
      for (const { neighbours, from: first, to: end } of view.adjacency(ids[i]!, 'out', undefined)) {
        walk(end - first);
        for (let n = first; n < end; n++) {
          const place = places.get(neighbours[n]!);
          if (place !== NO_PLACE) targets[made++] = place;
        }
      }
      offsets[i + 1] = made;
    }
    walk(to - from);
  }
  return { ids: ids.subarray(0, count), offsets, targets };
}

/** Rows of a node and its rank. A node's start value is 1 divided by its out-degree in integers, as TuGraph computes it. */
export function* pageRank(view: GraphView, rounds: number): Generator<Value[]> {
  const { ids, offsets, targets } = project(view);
  mayMake(ids.length * 16);
  let ranks = Float64Array.from(ids, (_, i) => (offsets[i + 1]! - offsets[i]! <= 1 ? 1 : 0));
  let next = new Float64Array(ids.length);
  for (let round = 0; round < rounds; round++) {
    addShares(ranks, next, offsets, targets);
    let isSettled = true;
    for (let i = 0; i < next.length; i++) {
      const rank = REST / ids.length + DAMPING * next[i]!;
      if (rank !== ranks[i]) isSettled = false;
      next[i] = rank;
    }
    [ranks, next] = [next, ranks];
    // No later round would change anything.
    if (isSettled) break;
  }
  for (let i = 0; i < ids.length; i++) yield [new NodeValue(ids[i]!), new Float(ranks[i]!)];
}

/** Every node gives its rank in equal parts to those its relationships lead to. */
function addShares(ranks: Float64Array, sums: Float64Array, offsets: Float64Array, targets: Int32Array): void {
  sums.fill(0);
  for (let i = 0; i < ranks.length; i++) {
    const [from, to] = [offsets[i]!, offsets[i + 1]!];
    if (from === to) continue;
    const share = ranks[i]! / (to - from);
    for (let n = from; n < to; n++) sums[targets[n]!]! += share;
    walk(to - from + 1);
  }
}
