/**
 * Indexes over much data that was there before them. One transaction for all of it would hold up all others for as long as it takes, here and on every
 * replica, so such an index, of whatever kind, begins unfinished and is built part by part, each a transaction of its own, among those of others.
 *
 * Each element has a place: a vertex its id, an edge that of the vertex where it begins. How far the index is built (`CountersBlock.built`) is a place, too:
 * what is placed below is in the index, and stays in step with each change of it; what is not will be found as it is then when a part reaches it. So it matters
 * neither what is written meanwhile nor who leads, and a part says no more than how far it goes: replicas find the same below.
 * Nothing is found by an unfinished index. A unique one takes part in the checks of writes all the same: what it holds is there once at any time, and a value that is
 * there twice shows at the latest in the part that comes to the second one (`GraphTransaction.buildOn`).
 * The place is kept with the counters, which transactions read without a conflict; the catalog, which all of them read, changes in the end.
 */
import { EDGE, storedOf, VERTEX } from './blocks.ts';
import type { EdgeBlock, VertexBlock } from './blocks.ts';
import type { BuiltIndex, CatalogData, TextIndexDef } from './catalog.ts';
import type { GraphMutator } from './mutator.ts';
import { GraphReader } from './reader.ts';
import { addTexts, textsOf } from './text/postings.ts';
import { propertyOf } from './view.ts';
import { vectorOf } from '../value/packed-floats.ts';
import { VectorTreeWriter } from './vectors/vector-tree.ts';

/** Elements of a part, and vertices that are looked at for them, at most: a few ms. All edges that begin at one vertex are in one part. */
const PART_VECTORS = 64;
const PART_TEXTS = 128;
/** A text counts for one more with each so many characters. */
const TEXT_CHARACTERS = 100;
const PART_ENTRIES = 128;
const PART_VERTICES = 4096;

type Placed = Pick<BuiltIndex, 'kind'> & ({ readonly labelId: number } | { readonly labelIds: readonly number[] });

/** Those that are being built, the oldest first. */
export function unfinishedIndexes(catalog: CatalogData | undefined): readonly BuiltIndex[] {
  if (catalog === undefined) return [];
  const all: readonly BuiltIndex[] = [...catalog.indexes, ...catalog.texts ?? [], ...catalog.vectorTrees ?? []];
  return all.filter(({ isUnfinished }) => isUnfinished).sort((a, b) => a.id - b.id);
}

function labelsOf(index: Placed): readonly number[] {
  return 'labelIds' in index ? index.labelIds : [index.labelId];
}

/** Vertices from one on at whose places there may be elements of the index, ascending. */
function verticesFrom(reader: GraphReader, index: Placed, from: number): Iterable<number> {
  if (index.kind === 'edge') return reader.nodesFrom(from);
  const labels = labelsOf(index);
  return labels.length === 1 ? reader.nodesFrom(from, labels[0]) : merged(labels.map((label) => reader.nodesFrom(from, label)));
}

/** Ascending numbers as one ascending list, each once. */
function* merged(lists: readonly Iterator<number>[]): Generator<number> {
  const heads = lists.map((list) => list.next());
  for (;;) {
    let least = Infinity;
    for (const { done, value } of heads) if (done !== true && value < least) least = value;
    if (least === Infinity) return;
    yield least;
    for (const [i, { value }] of heads.entries()) if (value === least) heads[i] = lists[i]!.next();
  }
}

/** Ids of the elements that are placed from one place up to another, in the order of their places. */
export function elementsPlaced(reader: GraphReader, index: Placed, from: number, to: number): number[] {
  const elements: number[] = [];
  for (const vertex of verticesFrom(reader, index, from)) {
    if (vertex >= to) break;
    if (index.kind === 'vertex') elements.push(vertex);
    else for (const { edges, from: first, to: end } of reader.adjacency(vertex, 'out', labelsOf(index))) for (let i = first; i < end; i++) elements.push(edges[i]!);
  }
  return elements;
}

/** How far the part goes that begins at a place; `Infinity`: to the end. */
export function endOfPart(reader: GraphReader, index: BuiltIndex, from: number): number {
  const max = 'analyzer' in index ? PART_TEXTS : 'places' in index ? PART_VECTORS : PART_ENTRIES;
  const labels = labelsOf(index);
  let [elements, vertices] = [0, 0];
  for (const vertex of verticesFrom(reader, index, from)) {
    if (elements >= max || vertices >= PART_VERTICES) return vertex;
    vertices++;
    elements += 'analyzer' in index ? textsAt(reader, index, vertex) : index.kind === 'vertex' ? 1 : reader.degree(vertex, 'out', labels);
  }
  return Infinity;
}

/** How much there is to be indexed at a place. */
function textsAt(reader: GraphReader, index: TextIndexDef, vertex: number): number {
  let count = 0;
  for (const id of index.kind === 'vertex' ? [vertex] : elementsPlaced(reader, index, vertex, vertex + 1)) {
    count++;
    for (const key of index.keyIds) {
      const value = propertyOf(reader, index.kind, id, key);
      for (const text of textsOf(value)) count += text.length / TEXT_CHARACTERS;
    }
  }
  return count;
}

/** Builds one part; gives the elements that it looked at. */
export function buildPart(mutator: GraphMutator, id: number, to: number): readonly number[] {
  const { buffer, catalog } = mutator;
  const index = unfinishedIndexes(catalog.data).find((one) => one.id === id)!;
  const elements = elementsPlaced(new GraphReader('', 0, buffer, catalog, false), index, mutator.counters().built.get(id) ?? 0, to);
  const blocks: (readonly [number, VertexBlock | EdgeBlock])[] = [];
  for (const element of elements) {
    const block = index.kind === 'vertex' ? buffer.get(VERTEX, element) : buffer.get(EDGE, element);
    if (block !== undefined) blocks.push([element, block]);
  }
  if ('analyzer' in index) addTexts(mutator, index, blocks);
  else if ('places' in index) {
    const writer = new VectorTreeWriter(mutator, index);
    for (const [element, block] of blocks) writer.change(element, undefined, vectorOf(storedOf(block, index.keyId)));
  } else for (const [element, block] of blocks) mutator.indexVertex(index, element, block, true);
  mutator.counters().built.set(id, to);
  return elements;
}
