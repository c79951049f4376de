/**
 * Which members of a vector tree (vector-tree.ts) may be the nearest to a position: those of the leaves whose centres are. Level by level the
 * nearest pages are kept, above the leaves some more than are needed below, since a near leaf may be below a page whose centre is not among the nearest.
 */
import { siftDown, siftUp } from '../../base/heap.ts';
import type { PackedFloats } from '../../value/packed-floats.ts';
import type { BlockSource } from '../block-source.ts';
import type { VectorTree } from '../catalog.ts';
import { rowsOfLeaf } from './leaf-rows.ts';
import type { LeafRows } from './leaf-rows.ts';
import { distanceTo, innerDistanceTo } from './positions.ts';
import { fanOf, VECTOR } from './vector-page.ts';
import type { VectorPage } from './vector-page.ts';

/** Members of a leaf, as they mostly are; of the pages that one may have below it, it mostly has half. */
const LEAF_MEMBERS = 40;
/** Pages above the leaves that are looked into, for each that would be enough. */
const WIDER = 4;

/** What is searched for. */
export interface Wanted {
  readonly position: Float64Array;
  /** By inner product. */
  readonly isInner: boolean;
  /** Members to compare, at least; all of them where there are fewer. */
  readonly compare: number;
  /** Members to find. */
  readonly find: number;
}

interface Member {
  readonly id: number;
  readonly distance: number;
}
/** The farthest on top. */
const isFarther = (a: Member, b: Member): boolean => a.distance > b.distance;
/** Positions in leaf-rows.ts are rounded: among the nearest by these are those by their vectors, if some more are looked at. */
const MORE = 32;

/**
 * Ids of the members that may be the nearest: where the positions of leaves are at hand (leaf-rows.ts), of some more than are to be found; else of
 * all that are to be compared. `read` gives a member's vector.
 */
export function membersNear(source: BlockSource, tree: VectorTree, wanted: Wanted, read: (id: number) => PackedFloats | undefined): number[] {
  const { position, isInner, compare } = wanted;
  let level = [tree.root];
  for (const width of widthsOf(source, tree, compare)) level = nearestChildren(pagesOf(source, level), position, isInner, width);
  const nearest = source.leafRows === undefined ? undefined : new Nearest(wanted);
  const all: number[] = [];
  let seen = 0;
  for (const number of level) {
    const leaf = source.get(VECTOR, number);
    if (leaf === undefined) continue;
    if (nearest === undefined) for (const id of leaf.ids) all.push(id);
    else nearest.look(leaf.ids, rowsAt(source.leafRows!, tree, number, leaf, read));
    seen += leaf.ids.length;
    if (seen >= compare) break;
  }
  return nearest?.ids() ?? all;
}

function pagesOf(source: BlockSource, numbers: readonly number[]): VectorPage[] {
  return numbers.map((number) => source.get(VECTOR, number)).filter((page) => page !== undefined);
}

function rowsAt(leafRows: LeafRows, tree: VectorTree, number: number, page: VectorPage, read: (id: number) => PackedFloats | undefined): Float32Array {
  let rows = leafRows.get(number, page);
  if (rows === undefined) leafRows.put(number, { page, rows: rows = rowsOfLeaf(tree, page, read) });
  return rows;
}

/** The nearest of the members of leaves that are looked at one after the other. */
class Nearest {
  readonly #wanted: Wanted;
  readonly #heap: Member[] = [];

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  look(ids: readonly number[], rows: Float32Array): void {
    const { position, isInner, find } = this.#wanted;
    const size = find + MORE;
    for (let i = 0; i < ids.length; i++) {
      const most = this.#heap.length < size ? Infinity : this.#heap[0]!.distance;
      const distance = isInner ? innerDistanceTo(rows, i * position.length, position) : distanceTo(rows, i * position.length, position, most);
      if (this.#heap.length < size) {
        this.#heap.push({ id: ids[i]!, distance });
        siftUp(this.#heap, isFarther);
      } else if (distance < most) {
        this.#heap[0] = { id: ids[i]!, distance };
        siftDown(this.#heap, isFarther);
      }
    }
  }

  ids(): number[] {
    return this.#heap.map(({ id }) => id);
  }
}

/** How many pages of each level below the root to go on with; of leaves as many as there are, the search ends by itself. */
function widthsOf(source: BlockSource, { root, dimensions }: VectorTree, count: number): number[] {
  const pagesBelow = fanOf({ dimensions }) / 2;
  const widths: number[] = [];
  for (let page = source.get(VECTOR, root); page?.centres !== undefined; page = source.get(VECTOR, page.ids[0]!)) widths.push(0);
  let pages = Math.ceil(count / LEAF_MEMBERS);
  for (let at = widths.length - 1; at >= 0; at--) {
    widths[at] = at === widths.length - 1 ? Infinity : Math.max(WIDER, WIDER * pages);
    pages = Math.ceil(pages / pagesBelow);
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
