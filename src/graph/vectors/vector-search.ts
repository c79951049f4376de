/**
 * Which members of a vector tree (vector-tree.ts) may be the nearest to a position: those of the leaves whose centres are. Level by level the
 * nearest pages are kept, above the leaves some more than are needed below, since a near leaf may be below a page whose centre is not among the nearest.
 */
import type { BlockSource } from '../block-source.ts';
import type { VectorTree } from '../catalog.ts';
import { distanceTo, innerDistanceTo } from './positions.ts';
import { VECTOR } from './vector-page.ts';
import type { VectorPage } from './vector-page.ts';

/** Members of a leaf, and pages below a page, as they mostly are. */
const LEAF_MEMBERS = 40;
const PAGES_BELOW = 16;
/** Pages above the leaves that are looked into, for each that would be enough. */
const WIDER = 4;

/** The position that is searched for, of a vector's own length by `isInner`. */
export interface Wanted {
  readonly position: Float64Array;
  /** By inner product. */
  readonly isInner: boolean;
}

/** Ids of at least `count` members, or all of them, those of the nearest leaves first. */
export function membersNear(source: BlockSource, tree: VectorTree, { position, isInner }: Wanted, count: number): number[] {
  const widths = widthsOf(source, tree, count);
  let level = [tree.root];
  for (const width of widths) level = nearestChildren(level.map((number) => source.get(VECTOR, number)).filter((page) => page !== undefined), position, isInner, width);
  const found: number[] = [];
  for (const number of level) {
    for (const id of source.get(VECTOR, number)?.ids ?? []) found.push(id);
    if (found.length >= count) break;
  }
  return found;
}

/** How many pages of each level below the root to go on with; of leaves as many as there are, the search ends by itself. */
function widthsOf(source: BlockSource, { root }: VectorTree, count: number): number[] {
  const widths: number[] = [];
  for (let page = source.get(VECTOR, root); page?.centres !== undefined; page = source.get(VECTOR, page.ids[0]!)) widths.push(0);
  let pages = Math.ceil(count / LEAF_MEMBERS);
  for (let at = widths.length - 1; at >= 0; at--) {
    widths[at] = at === widths.length - 1 ? Infinity : Math.max(WIDER, WIDER * pages);
    pages = Math.ceil(pages / PAGES_BELOW);
  }
  return widths;
}

/** The pages below these whose centres are nearest, in that order. */
export function nearestChildren(pages: readonly VectorPage[], position: Float64Array, isInner: boolean, count: number): number[] {
  const numbers: number[] = [];
  const distances: number[] = [];
  for (const { ids, centres } of pages) {
    for (const [i, id] of ids.entries()) {
      numbers.push(id);
      distances.push(isInner ? innerDistanceTo(centres!, i * position.length, position) : distanceTo(centres!, i * position.length, position));
    }
  }
  const order = Uint32Array.from(numbers.keys()).sort((a, b) => distances[a]! - distances[b]! || a - b);
  return Array.from(count < order.length ? order.subarray(0, count) : order, (at) => numbers[at]!);
}
