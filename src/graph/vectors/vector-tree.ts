/**
 * A tree over vectors: leaves hold the ids of vectors that are near each other, pages above them the centre of each page below. A leaf that is full
 * is divided in two by nearness, as a leaf of a B+tree is by order, so the tree grows with its data, and no training comes before it. A search
 * (vector-search.ts) looks into the leaves whose centres are nearest. After SPFresh (Xu et al., SOSP 2023), whose lists are split in place; the
 * levels above are those of a vocabulary tree (Nistér and Stewénius, CVPR 2006).
 *
 * The vectors themselves stay in their vertices and edges. Which leaf a vector is in, a B+tree says (entries: id, page), as no search finds it for sure.
 * The root keeps its number for ever. The shape depends only on the order of changes, which is the log's, and on the arithmetic here and in
 * divide.ts and positions.ts: replicas have the same pages as long as it stays as it is, to the last bit.
 */
import type { PackedFloats } from '../../value/packed-floats.ts';
import { EDGE, storedOf, VERTEX } from '../blocks.ts';
import type { CountersBlock } from '../blocks.ts';
import { dropPages, insertEntry, removeEntry, seekEqual } from '../btree.ts';
import type { PageStore } from '../btree.ts';
import { TreeFiller } from '../btree-fill.ts';
import type { VectorTree } from '../catalog.ts';
import { vectorOf } from '../../value/packed-floats.ts';
import type { GraphBuffer } from '../write-buffer.ts';
import { divide } from './divide.ts';
import { hasPosition, positionOf } from './positions.ts';
import { fanOf, NO_PARENT, VECTOR, VectorPage } from './vector-page.ts';
import { nearestChildren } from './vector-search.ts';

export const LEAF_MAX = 64;
/** A leaf with so few members goes, and they to others. */
const LEAF_SMALL = 4;
/** A new vector's leaf is looked for along so many paths: the nearest centre is not always below the nearest one above. */
const PATHS = 4;

export type VectorStore = PageStore & { readonly buffer: GraphBuffer; counters(): CountersBlock };

export class VectorTreeWriter {
  readonly #store: VectorStore;
  readonly #tree: VectorTree;
  /** Whether the B+tree of places is kept with each change; a tree that is built as a whole gets it in the end. */
  #notesPlaces = true;

  constructor(store: VectorStore, tree: VectorTree) {
    this.#store = store;
    this.#tree = tree;
  }

  /** Brings an element's vector from one to another; undefined: it has none. The element is as it is after the change. */
  change(id: number, before: PackedFloats | undefined, after: PackedFloats | undefined): void {
    const was = hasPosition(before, this.#tree) ? before : undefined;
    const is = hasPosition(after, this.#tree) ? after : undefined;
    if (was !== undefined && is !== undefined && areEqual(was, is)) return;
    if (was !== undefined) this.#remove(id);
    if (is !== undefined) this.#add(id, is);
    this.#count((is === undefined ? 0 : 1) - (was === undefined ? 0 : 1));
  }

  /** Fills the tree, which is new, with elements in order of their ids. */
  build(elements: Iterable<readonly [id: number, vector: PackedFloats | undefined]>): void {
    this.#notesPlaces = false;
    let members = 0;
    for (const [id, vector] of elements) {
      if (!hasPosition(vector, this.#tree)) continue;
      this.#add(id, vector);
      members++;
    }
    this.#notesPlaces = true;
    this.#store.counters().vectors.set(this.#tree.id, members);
    this.#notePlaces();
  }

  /** Takes away every page, the roots too. */
  drop(): void {
    const { buffer, counters } = this.#storeParts();
    const remove = (number: number): void => {
      const page = buffer.get(VECTOR, number);
      if (page?.centres !== undefined) for (const child of page.ids) remove(child);
      buffer.remove(VECTOR, number);
    };
    remove(this.#tree.root);
    dropPages(this.#store, this.#tree.places);
    this.#store.remove(this.#tree.places);
    counters.vectors.delete(this.#tree.id);
    counters.built.delete(this.#tree.id);
  }

  #storeParts(): { buffer: GraphBuffer; counters: CountersBlock } {
    return { buffer: this.#store.buffer, counters: this.#store.counters() };
  }

  #count(by: number): void {
    if (by === 0 && this.#store.counters().vectors.has(this.#tree.id)) return;
    const { vectors } = this.#store.counters();
    vectors.set(this.#tree.id, (vectors.get(this.#tree.id) ?? 0) + by);
  }

  // -------------------------------------------------------------- pages

  #page(number: number): VectorPage {
    const page = this.#store.buffer.change(VECTOR, number);
    if (page !== undefined) return page;
    const fresh = new VectorPage(NO_PARENT, [], undefined);
    this.#store.buffer.put(VECTOR, number, fresh);
    return fresh;
  }

  #create(page: VectorPage): number {
    const number = this.#store.allocate();
    this.#store.buffer.create(VECTOR, number, page);
    return number;
  }

  /** What is in the page learns where it is now. */
  #moved({ ids, centres }: VectorPage, from: number, to: number): void {
    if (centres !== undefined) for (const child of ids) this.#page(child).parent = to;
    else if (this.#notesPlaces) {
      for (const id of ids) {
        removeEntry(this.#store, this.#tree.places, id, from);
        insertEntry(this.#store, this.#tree.places, id, to);
      }
    }
  }

  #notePlaces(): void {
    const { buffer } = this.#store;
    const entries: { readonly id: number; readonly leaf: number }[] = [];
    const gather = (number: number): void => {
      const { ids = [], centres } = buffer.get(VECTOR, number) ?? {};
      for (const id of ids) {
        if (centres === undefined) entries.push({ id, leaf: number });
        else gather(id);
      }
    };
    gather(this.#tree.root);
    entries.sort((a, b) => a.id - b.id);
    dropPages(this.#store, this.#tree.places);
    const filler = new TreeFiller({ root: this.#tree.places, allocate: () => this.#store.allocate(), put: (number, page) => this.#store.put(number, page), compact: false });
    for (const { id, leaf } of entries) filler.add(id, leaf);
    filler.finish();
  }

  // -------------------------------------------------------------- members

  #add(id: number, vector: PackedFloats): void {
    const number = this.#nearestLeaf(positionOf(vector, this.#tree.space));
    const leaf = this.#page(number);
    leaf.ids.push(id);
    if (this.#notesPlaces) insertEntry(this.#store, this.#tree.places, id, number);
    if (leaf.ids.length > LEAF_MAX) this.#split(number, leaf);
  }

  #nearestLeaf(position: Float64Array): number {
    let level = [this.#tree.root];
    for (;;) {
      const pages = level.map((number) => this.#store.buffer.get(VECTOR, number)).filter((page) => page !== undefined);
      if (pages[0]?.centres === undefined) return level[0]!;
      level = nearestChildren(pages, position, false, PATHS);
    }
  }

  #remove(id: number): void {
    const [number] = seekEqual(this.#store, this.#tree.places, id);
    if (number === undefined) return;
    removeEntry(this.#store, this.#tree.places, id, number);
    const leaf = this.#page(number);
    leaf.ids.splice(leaf.ids.indexOf(id), 1);
    if (leaf.ids.length > LEAF_SMALL || number === this.#tree.root) return;
    this.#unlink(number, leaf.parent);
    for (const left of leaf.ids) {
      removeEntry(this.#store, this.#tree.places, left, number);
      const vector = this.#vectorOf(left);
      if (vector !== undefined) this.#add(left, vector);
    }
  }

  #vectorOf(id: number): PackedFloats | undefined {
    const { kind, keyId } = this.#tree;
    const block = kind === 'vertex' ? this.#store.buffer.get(VERTEX, id) : this.#store.buffer.get(EDGE, id);
    return block === undefined ? undefined : vectorOf(storedOf(block, keyId));
  }

  // -------------------------------------------------------------- growing and shrinking

  #split(number: number, page: VectorPage): void {
    const { dimensions } = this.#tree;
    const rows = page.centres ?? this.#positionsOf(page.ids);
    const { isSecond, first, second } = divide(rows, dimensions);
    const part = (wanted: 0 | 1): VectorPage => new VectorPage(
      page.parent, page.ids.filter((_, i) => isSecond[i] === wanted), page.centres === undefined ? undefined : rowsOf(rows, dimensions, isSecond, wanted));
    const [left, right] = [part(0), part(1)];
    if (number === this.#tree.root) {
      left.parent = right.parent = number;
      const [a, b] = [this.#create(left), this.#create(right)];
      this.#moved(left, number, a);
      this.#moved(right, number, b);
      this.#store.buffer.put(VECTOR, number, new VectorPage(NO_PARENT, [a, b], joined(first, second)));
      return;
    }
    page.ids = left.ids;
    page.centres = left.centres;
    const next = this.#create(right);
    this.#moved(right, number, next);
    const above = this.#page(page.parent);
    const at = above.ids.indexOf(number);
    above.centres!.set(first, at * dimensions);
    above.ids.push(next);
    above.centres = joined(above.centres!, second);
    if (above.ids.length > fanOf(this.#tree)) this.#split(page.parent, above);
  }

  #positionsOf(ids: readonly number[]): Float32Array {
    const { dimensions, space } = this.#tree;
    const rows = new Float32Array(ids.length * dimensions);
    for (const [i, id] of ids.entries()) {
      const vector = this.#vectorOf(id);
      // Of a damaged store: better a leaf of poor shape than a server that stops.
      if (hasPosition(vector, this.#tree)) rows.set(positionOf(vector, space), i * dimensions);
    }
    return rows;
  }

  /** Takes a page out from under the one above; a root with one page below takes its content, without any it is a leaf again. */
  #unlink(number: number, parent: number): void {
    const { buffer } = this.#store;
    buffer.remove(VECTOR, number);
    const above = this.#page(parent);
    const at = above.ids.indexOf(number);
    const { dimensions, root } = this.#tree;
    above.ids.splice(at, 1);
    const rest = new Float32Array(above.ids.length * dimensions);
    rest.set(above.centres!.subarray(0, at * dimensions));
    rest.set(above.centres!.subarray((at + 1) * dimensions), at * dimensions);
    above.centres = rest;
    if (parent !== root) {
      if (above.ids.length === 0) this.#unlink(parent, above.parent);
      return;
    }
    if (above.ids.length === 0) above.centres = undefined;
    while (above.centres !== undefined && above.ids.length === 1) {
      const only = above.ids[0]!;
      const below = this.#page(only);
      above.ids = below.ids;
      above.centres = below.centres;
      this.#moved(above, only, root);
      buffer.remove(VECTOR, only);
    }
  }
}

function areEqual({ numbers: a }: PackedFloats, { numbers: b }: PackedFloats): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function rowsOf(rows: Float32Array, dimensions: number, isSecond: Uint8Array, wanted: 0 | 1): Float32Array {
  const chosen = [...isSecond.keys()].filter((row) => isSecond[row] === wanted);
  const found = new Float32Array(chosen.length * dimensions);
  for (const [i, row] of chosen.entries()) found.set(rows.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  return found;
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const all = new Float32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
