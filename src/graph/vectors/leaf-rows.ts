/**
 * Positions of the members of leaves, side by side: comparing them takes a fraction of the time that finding each vector in its vertex does. One
 * thread's, made when a search first comes to a leaf, within the budget of the cache. They are right as long as the leaf's page is the one they were
 * made for: a vector that changes leaves its leaf, or is put into it anew.
 */
import type { PackedFloats } from '../../value/packed-floats.ts';
import type { VectorTree } from '../catalog.ts';
import { hasPosition, positionOf } from './positions.ts';
import type { VectorPage } from './vector-page.ts';

interface Leaf {
  readonly page: VectorPage;
  readonly rows: Float32Array;
}

/** Of a page in the table beside its rows. */
const LEAF_BYTES = 200;

export class LeafRows {
  /** By the number of the page; those that were made first come first. */
  readonly #leaves = new Map<number, Leaf>();
  #bytes = 0;

  get(number: number, page: VectorPage): Float32Array | undefined {
    const leaf = this.#leaves.get(number);
    return leaf?.page === page ? leaf.rows : undefined;
  }

  put(number: number, leaf: Leaf): void {
    this.#bytes += bytesOf(leaf) - bytesOf(this.#leaves.get(number));
    this.#leaves.delete(number);
    this.#leaves.set(number, leaf);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Lets go of about so many bytes, the oldest. */
  evict(bytes: number): void {
    const wanted = this.#bytes - bytes;
    for (const [number, leaf] of this.#leaves) {
      if (this.#bytes <= wanted) return;
      this.#leaves.delete(number);
      this.#bytes -= bytesOf(leaf);
    }
  }
}

function bytesOf(leaf: Leaf | undefined): number {
  return leaf === undefined ? 0 : LEAF_BYTES + leaf.rows.byteLength;
}

/** A member without a position, in a damaged store, is far from everything. */
export function rowsOfLeaf(tree: VectorTree, { ids }: VectorPage, read: (id: number) => PackedFloats | undefined): Float32Array {
  const rows = new Float32Array(ids.length * tree.dimensions);
  for (const [i, id] of ids.entries()) {
    const vector = read(id);
    if (hasPosition(vector, tree)) rows.set(positionOf(vector, tree.space), i * tree.dimensions);
    else rows.fill(Infinity, i * tree.dimensions, (i + 1) * tree.dimensions);
  }
  return rows;
}
