/**
 * Indexes over much data that was there before them. One transaction for all of it would hold up all others for as long as it takes, here and on every
 * replica, so such an index begins unfinished and is built part by part, each a transaction of its own, among those of others.
 *
 * Each element has a place: a vertex its id, an edge that of the vertex where it begins. How far the index is built (`CountersBlock.built`) is a place, too:
 * what is placed below is in the index, and stays in step with each change of it; what is not will be found as it is then when a part reaches it. So it matters
 * neither what is written meanwhile nor who leads, and a part says no more than how far it goes: replicas find the same below.
 * The place is kept with the counters, which transactions read without a conflict; the catalog, which all of them read, changes in the end.
 */
import { EDGE, storedOf, VERTEX } from './blocks.ts';
import type { CatalogData, VectorTree } from './catalog.ts';
import type { GraphMutator } from './mutator.ts';
import { GraphReader } from './reader.ts';
import { vectorOf } from '../value/packed-floats.ts';
import { VectorTreeWriter } from './vectors/vector-tree.ts';

/** Elements of a part, and vertices that are looked at for them, at most: some 10 ms. All edges that begin at one vertex are in one part. */
const PART_ELEMENTS = 64;
const PART_VERTICES = 4096;

/** Those that are being built, the oldest first. */
export function unfinishedIndexes(catalog: CatalogData | undefined): readonly VectorTree[] {
  return catalog?.vectorTrees?.filter(({ isUnfinished }) => isUnfinished) ?? [];
}

/** Ids of the elements that are placed from one place up to another, in the order of their places. */
export function elementsPlaced(reader: GraphReader, { kind, labelId }: Pick<VectorTree, 'kind' | 'labelId'>, from: number, to: number): number[] {
  const elements: number[] = [];
  for (const vertex of reader.nodesFrom(from, kind === 'vertex' ? labelId : undefined)) {
    if (vertex >= to) break;
    if (kind === 'vertex') elements.push(vertex);
    else for (const { edges, from: first, to: end } of reader.adjacency(vertex, 'out', [labelId])) for (let i = first; i < end; i++) elements.push(edges[i]!);
  }
  return elements;
}

/** How far the part goes that begins at a place; `Infinity`: to the end. */
export function endOfPart(reader: GraphReader, { kind, labelId }: Pick<VectorTree, 'kind' | 'labelId'>, from: number): number {
  let [elements, vertices] = [0, 0];
  for (const vertex of reader.nodesFrom(from, kind === 'vertex' ? labelId : undefined)) {
    if (elements >= PART_ELEMENTS || vertices >= PART_VERTICES) return vertex;
    vertices++;
    elements += kind === 'vertex' ? 1 : reader.degree(vertex, 'out', [labelId]);
  }
  return Infinity;
}

/** Builds one part. */
export function buildPart(mutator: GraphMutator, index: number, to: number): void {
  const { buffer, catalog } = mutator;
  const { built } = mutator.counters();
  const tree = catalog.vectorTrees.find(({ id }) => id === index)!;
  const writer = new VectorTreeWriter(mutator, tree);
  for (const id of elementsPlaced(new GraphReader('', 0, buffer, catalog, false), tree, built.get(index) ?? 0, to)) {
    const block = tree.kind === 'vertex' ? buffer.get(VERTEX, id) : buffer.get(EDGE, id);
    if (block !== undefined) writer.change(id, undefined, vectorOf(storedOf(block, tree.keyId)));
  }
  mutator.counters().built.set(index, to);
}
