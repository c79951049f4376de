/**
 * The elements whose vectors are nearest to one. Where the index has a tree and more vectors than are worth comparing, only those of the tree's nearest
 * leaves are: each that is found has its exact score, but a nearer one may be passed over. All are compared where the index has no tree or it is being built, and where its leaves
 * have not given enough (fields may be hidden from the user).
 */
import { mayMakeList } from '../../base/allowance.ts';
import type { VectorTreeKey } from '../../graph/catalog.ts';
import { positionOf } from '../../graph/vectors/positions.ts';
import type { PackedFloats } from '../../value/packed-floats.ts';
import type { ExecContext } from '../context.ts';
import { best } from '../fulltext/hits.ts';
import type { Hit } from '../fulltext/hits.ts';

/** Vectors that are compared: some, more as the tree grows, and some for each that is wanted. Chosen by bench/vector-search.mjs. */
const COMPARED_MIN = 500;
const COMPARED_PER_ROOT = 8;
const COMPARED_PER_WANTED = 20;

export interface NearestQuery {
  readonly kind: 'vertex' | 'edge';
  readonly labelId: number;
  readonly keyId: number;
  /** What the tree of the index is over; absent: it has none. */
  readonly tree?: VectorTreeKey | undefined;
  readonly query: PackedFloats;
  /** Nearness is the inner product. */
  readonly isInner?: boolean;
  /** Rows wanted. */
  readonly count: number;
  /** Factor on how many are compared. */
  readonly effort?: number | undefined;
  /** Grows with nearness; undefined: not one of those that the index finds. */
  readonly score: (vector: PackedFloats) => number | undefined;
}

/** The nearest first; of those that are as near, those with lower ids. */
export function nearest(context: ExecContext, wanted: NearestQuery): Hit[] {
  const { view } = context;
  const { kind, labelId, count } = wanted;
  const near = candidates(context, wanted);
  if (near !== undefined) {
    const found = compared(context, wanted, [near]);
    if (found.length >= count) return found;
  }
  return compared(context, wanted, kind === 'vertex' ? view.scanNodes(labelId) : view.scanRelationships(labelId));
}

/** Undefined: all are to be compared. */
function candidates({ view, limits }: ExecContext, { tree: of, query, isInner = false, count, effort = 1 }: NearestQuery): ArrayLike<number> | undefined {
  const tree = of === undefined ? undefined : view.catalog.findWholeVectorTree(of);
  if (tree === undefined) return undefined;
  const members = view.vectorCount(tree);
  const enough = comparedOf(members, count) * effort * (limits.vectorSearchEffort ?? 1);
  if (enough === 0 || enough >= members) return undefined;
  mayMakeList(enough * 2);
  const near = view.vectorsNear(tree, { position: positionOf(query, tree.space), isInner, compare: Math.ceil(enough), find: count });
  return Float64Array.from(near).sort();
}

function comparedOf(members: number, count: number): number {
  return Math.max(COMPARED_MIN + COMPARED_PER_ROOT * Math.sqrt(members), COMPARED_PER_WANTED * count);
}

function compared(context: ExecContext, { kind, keyId, count, score }: NearestQuery, source: Iterable<ArrayLike<number>>): Hit[] {
  const { view } = context;
  const hits: { ids: number[]; scores: number[] } = { ids: [], scores: [] };
  const isVertex = kind === 'vertex';
  for (const ids of source) {
    mayMakeList(ids.length * 2);
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const vector = isVertex ? view.nodeVector(ids[i]!, keyId) : view.relationshipVector(ids[i]!, keyId);
      const near = vector === undefined ? undefined : score(vector);
      if (near === undefined) continue;
      hits.ids.push(ids[i]!);
      hits.scores.push(near);
    }
  }
  return best(hits, count);
}
