/**
 * The changes a graph knows, on blocks: each keeps sets, adjacency, indexes and counts in step with the vertices and
 * edges. Deterministic, and without checks: the leader checks before it calls (transaction.ts), replicas call it with
 * the leader's effects (effects.ts).
 */
import { assert } from '../base/assert.ts';
import type { Value } from '../value/value.ts';
import { packed, vectorOf } from '../value/packed-floats.ts';
import type { StoredValue } from '../value/packed-floats.ts';
import { BITMAP, BitmapBlock, PAGE_IDS, setPage, SUMMARY } from './bitmaps.ts';
import {
  ADJACENCY, AdjacencyBlock, CHUNK, ChunkBlock, COUNTERS, CountersBlock, DEGREE, DegreeBlock, EDGE, EdgeBlock, internNumbers, propertyOf,
  setProperty, storedOf, VERTEX, VertexBlock,
} from './blocks.ts';
import type { AdjacencyGroup, ChunkRef, Properties } from './blocks.ts';
import { INDEX, insertEntry, removeEntry } from './btree.ts';
import type { IndexPage } from './btree.ts';
import type { BuiltIndex, GraphCatalog, IndexDef, PropertyEntry, TextIndexDef, VectorTree } from './catalog.ts';
import { reachedAt } from './index-places.ts';
import { adjacencyNumber, ALL_VERTICES } from './reader.ts';
import { changeText } from './text/postings.ts';
import type { TextStore } from './text/postings.ts';
import { VectorTreeWriter } from './vectors/vector-tree.ts';
import type { Direction } from './view.ts';
import type { GraphBuffer } from './write-buffer.ts';

/** Relationships of one type kept inside the adjacency block, and in one chunk, at most. */
export const INLINE_MAX = 192;
export const CHUNK_MAX = 512;
/** A chunk with so few edges left joins a neighbour, if both together have no more than the other. */
const CHUNK_SMALL = 64;
const CHUNK_JOINED = 384;

export class GraphMutator implements TextStore {
  readonly buffer: GraphBuffer;
  catalog: GraphCatalog;

  constructor(buffer: GraphBuffer, catalog: GraphCatalog) {
    this.buffer = buffer;
    this.catalog = catalog;
  }

  // -------------------------------------------------------------- index pages (PageStore)

  page(number: number): IndexPage | undefined {
    return this.buffer.get(INDEX, number);
  }
  change(number: number): IndexPage | undefined {
    return this.buffer.change(INDEX, number);
  }
  put(number: number, page: IndexPage): void {
    this.buffer.put(INDEX, number, page);
  }
  remove(number: number): void {
    this.buffer.remove(INDEX, number);
  }
  allocate(): number {
    return this.counters().nextPage++;
  }

  counters(): CountersBlock {
    const known = this.buffer.change(COUNTERS, 0);
    if (known !== undefined) return known;
    const fresh = new CountersBlock();
    this.buffer.put(COUNTERS, 0, fresh);
    return fresh;
  }

  // -------------------------------------------------------------- vertices

  createVertex(id: number, labels: readonly number[], properties: readonly PropertyEntry[]): void {
    const block = new VertexBlock(internNumbers([...labels].sort((a, b) => a - b)), ...columns(properties));
    this.buffer.create(VERTEX, id, block);
    const counters = this.counters();
    counters.nextVertex = Math.max(counters.nextVertex, id + 1);
    counters.vertices++;
    this.#setMember(ALL_VERTICES, id, true);
    for (const label of block.labels) {
      bump(counters.byLabel, label, 1);
      this.#setMember(label + 1, id, true);
      for (const index of this.#reached(this.catalog.indexesKept('vertex', label), id)) this.indexVertex(index, id, block, true);
    }
    this.#indexTexts(this.#textsAt('vertex', block.labels, id), id, block, true);
    this.#indexVectors(this.#treesAt('vertex', block.labels, id), id, block, true);
  }

  /** The vertex must have no edges left. */
  deleteVertex(id: number): void {
    const block = this.buffer.get(VERTEX, id);
    assert(block !== undefined, `vertex ${id} exists`);
    this.#indexTexts(this.#textsAt('vertex', block.labels, id), id, block, false);
    this.#indexVectors(this.#treesAt('vertex', block.labels, id), id, block, false);
    const counters = this.counters();
    for (const label of block.labels) {
      for (const index of this.#reached(this.catalog.indexesKept('vertex', label), id)) this.indexVertex(index, id, block, false);
      this.#setMember(label + 1, id, false);
      bump(counters.byLabel, label, -1);
    }
    this.#setMember(ALL_VERTICES, id, false);
    counters.vertices--;
    this.buffer.remove(VERTEX, id);
    for (const direction of ['out', 'in'] as const) {
      const place = adjacencyNumber(id, direction);
      if (this.buffer.get(ADJACENCY, place) !== undefined) this.buffer.remove(ADJACENCY, place);
    }
  }

  setVertexProperty(id: number, keyId: number, value: Value): void {
    const before = this.buffer.get(VERTEX, id);
    assert(before !== undefined, `vertex ${id} exists`);
    const indexes = before.labels.flatMap((label) => this.#reached(this.catalog.indexesKept('vertex', label), id).filter((index) => index.keyIds.includes(keyId)));
    for (const index of indexes) this.indexVertex(index, id, before, false);
    this.#changeTexts(this.#textsAt('vertex', before.labels, id), id, keyId, propertyOf(before, keyId), value);
    const was = storedOf(before, keyId);
    const block = this.buffer.change(VERTEX, id)!;
    setProperty(block, keyId, value);
    for (const index of indexes) this.indexVertex(index, id, block, true);
    this.#changeVectors(this.#treesAt('vertex', block.labels, id), id, keyId, was, storedOf(block, keyId));
  }

  setLabel(id: number, label: number, on: boolean): void {
    const block = this.buffer.change(VERTEX, id);
    assert(block !== undefined, `vertex ${id} exists`);
    const others = block.labels.filter((other) => other !== label);
    block.labels = internNumbers(on ? [...others, label].sort((a, b) => a - b) : others);
    this.#setMember(label + 1, id, on);
    bump(this.counters().byLabel, label, on ? 1 : -1);
    for (const index of this.#reached(this.catalog.indexesKept('vertex', label), id)) this.indexVertex(index, id, block, on);
    // With another label of the index, the vertex is in it before and after.
    const texts = this.#textsAt('vertex', [label], id).filter((text) => !others.some((other) => text.labelIds.includes(other)));
    this.#indexTexts(texts, id, block, on);
    this.#indexVectors(this.#treesAt('vertex', [label], id), id, block, on);
  }

  /** Adds or removes the element's texts. */
  #indexTexts(texts: readonly TextIndexDef[], id: number, block: Properties, on: boolean): void {
    for (const text of texts) {
      for (const [field, keyId] of text.keyIds.entries()) {
        const value = propertyOf(block, keyId);
        if (value !== null) changeText(this, text, { document: id, field, before: on ? null : value, after: on ? value : null });
      }
    }
  }

  #changeTexts(texts: readonly TextIndexDef[], id: number, keyId: number, before: Value, after: Value): void {
    for (const text of texts) {
      const field = text.keyIds.indexOf(keyId);
      if (field >= 0) changeText(this, text, { document: id, field, before, after });
    }
  }

  #reached<Index extends BuiltIndex>(indexes: readonly Index[], place: number): readonly Index[] {
    return reachedAt(indexes, place, this.buffer);
  }

  /** What holds what has these labels or that type at that place: an index that is being built only as far as it is. */
  #textsAt(kind: TextIndexDef['kind'], labels: readonly number[], place: number): readonly TextIndexDef[] {
    return this.#reached(this.catalog.textsOf(kind, labels), place);
  }
  #treesAt(kind: VectorTree['kind'], labels: readonly number[], place: number): readonly VectorTree[] {
    return this.#reached(this.catalog.vectorTreesOf(kind, labels), place);
  }

  /** Adds or removes the element's vectors. */
  #indexVectors(trees: readonly VectorTree[], id: number, block: Properties, on: boolean): void {
    for (const tree of trees) {
      const vector = vectorOf(storedOf(block, tree.keyId));
      new VectorTreeWriter(this, tree).change(id, on ? undefined : vector, on ? vector : undefined);
    }
  }

  #changeVectors(trees: readonly VectorTree[], id: number, keyId: number, before: StoredValue, after: StoredValue): void {
    for (const tree of trees) {
      if (tree.keyId === keyId) new VectorTreeWriter(this, tree).change(id, vectorOf(before), vectorOf(after));
    }
  }

  /** Adds or removes the vertex's entry; a vertex that lacks one of the properties has none. */
  indexVertex(index: IndexDef, id: number, block: Properties, on: boolean): void {
    const key = indexKey(index, block);
    if (key === undefined) return;
    if (on) insertEntry(this, index.root, key, id);
    else removeEntry(this, index.root, key, id);
  }

  #setMember(set: number, id: number, on: boolean): void {
    const page = Math.floor(id / PAGE_IDS);
    const number = setPage(set, page);
    let bitmap = this.buffer.change(BITMAP, number);
    if (bitmap === undefined) {
      if (!on) return;
      bitmap = new BitmapBlock();
      this.buffer.put(BITMAP, number, bitmap);
    }
    const wasEmpty = on && bitmap.empty;
    bitmap.set(id % PAGE_IDS, on);
    if (!on && bitmap.empty) {
      this.buffer.remove(BITMAP, number);
      this.#setSummary(set, page, false);
    } else if (wasEmpty) this.#setSummary(set, page, true);
  }

  #setSummary(set: number, page: number, on: boolean): void {
    const number = setPage(set, Math.floor(page / PAGE_IDS));
    let summary = this.buffer.change(SUMMARY, number);
    if (summary === undefined) {
      if (!on) return;
      summary = new BitmapBlock();
      this.buffer.put(SUMMARY, number, summary);
    }
    summary.set(page % PAGE_IDS, on);
    if (!on && summary.empty) this.buffer.remove(SUMMARY, number);
  }

  // -------------------------------------------------------------- edges

  createEdge(id: number, typeId: number, start: number, end: number, properties: readonly PropertyEntry[]): void {
    const block = new EdgeBlock(typeId, start, end, ...columns(properties));
    this.buffer.create(EDGE, id, block);
    const counters = this.counters();
    counters.nextEdge = Math.max(counters.nextEdge, id + 1);
    counters.edges++;
    bump(counters.byType, typeId, 1);
    this.#link(start, 'out', typeId, end, id);
    this.#link(end, 'in', typeId, start, id);
    for (const index of this.#reached(this.catalog.indexesKept('edge', typeId), start)) this.indexVertex(index, id, block, true);
    this.#indexTexts(this.#textsAt('edge', [typeId], start), id, block, true);
    this.#indexVectors(this.#treesAt('edge', [typeId], start), id, block, true);
  }

  deleteEdge(id: number): void {
    const block = this.buffer.get(EDGE, id);
    assert(block !== undefined, `edge ${id} exists`);
    for (const index of this.#reached(this.catalog.indexesKept('edge', block.typeId), block.start)) this.indexVertex(index, id, block, false);
    this.#indexTexts(this.#textsAt('edge', [block.typeId], block.start), id, block, false);
    this.#indexVectors(this.#treesAt('edge', [block.typeId], block.start), id, block, false);
    this.#unlink(block.start, 'out', block.typeId, id);
    this.#unlink(block.end, 'in', block.typeId, id);
    const counters = this.counters();
    counters.edges--;
    bump(counters.byType, block.typeId, -1);
    this.buffer.remove(EDGE, id);
  }

  setEdgeProperty(id: number, keyId: number, value: Value): void {
    const before = this.buffer.get(EDGE, id);
    assert(before !== undefined, `edge ${id} exists`);
    const indexes = this.#reached(this.catalog.indexesKept('edge', before.typeId), before.start).filter((index) => index.keyIds.includes(keyId));
    for (const index of indexes) this.indexVertex(index, id, before, false);
    this.#changeTexts(this.#textsAt('edge', [before.typeId], before.start), id, keyId, propertyOf(before, keyId), value);
    const was = storedOf(before, keyId);
    const block = this.buffer.change(EDGE, id)!;
    setProperty(block, keyId, value);
    for (const index of indexes) this.indexVertex(index, id, block, true);
    this.#changeVectors(this.#treesAt('edge', [block.typeId], block.start), id, keyId, was, storedOf(block, keyId));
  }

  #link(vertex: number, direction: Direction, typeId: number, neighbour: number, edge: number): void {
    const place = adjacencyNumber(vertex, direction);
    // A new vertex has none in the base; asking there costs more than all the rest.
    if (this.buffer.isNew(VERTEX, vertex) && !this.buffer.isChanged(ADJACENCY, place)) this.buffer.create(ADJACENCY, place, new AdjacencyBlock([]));
    // Through the head as it was read: a hub's head is long, and changes only when a chunk comes or goes.
    const seen = this.buffer.get(ADJACENCY, place)?.groups.find((one) => one.typeId === typeId);
    if (seen?.chunks !== undefined) {
      this.#linkChunked(place, seen.chunks, typeId, neighbour, edge);
      return;
    }
    let block = this.buffer.change(ADJACENCY, place);
    if (block === undefined) {
      block = new AdjacencyBlock([]);
      this.buffer.put(ADJACENCY, place, block);
    }
    let group = block.groups.find((one) => one.typeId === typeId);
    if (group === undefined) {
      group = { typeId, neighbours: [], edges: [], chunks: undefined };
      block.groups.push(group);
      block.groups.sort((a, b) => a.typeId - b.typeId);
    }
    insertSorted(group, neighbour, edge);
    if (group.edges.length > INLINE_MAX) this.#makeChunks(place, group);
  }

  /** The head's chunk list, for changing. */
  #chunks(place: number, typeId: number): ChunkRef[] {
    const chunks = this.buffer.change(ADJACENCY, place)?.groups.find((one) => one.typeId === typeId)?.chunks;
    assert(chunks !== undefined, 'the group is chunked');
    return chunks;
  }

  #makeChunks(place: number, group: AdjacencyGroup): void {
    const chunk = this.counters().nextChunk++;
    this.buffer.create(CHUNK, chunk, new ChunkBlock(group.neighbours, group.edges));
    group.chunks = [{ chunk, firstEdge: group.edges[0]! }];
    this.#degree(place).counts.set(group.typeId, group.edges.length);
    group.neighbours = [];
    group.edges = [];
  }

  #degree(place: number): DegreeBlock {
    const known = this.buffer.change(DEGREE, place);
    if (known !== undefined) return known;
    const fresh = new DegreeBlock(new Map());
    this.buffer.put(DEGREE, place, fresh);
    return fresh;
  }

  #linkChunked(place: number, chunks: readonly ChunkRef[], typeId: number, neighbour: number, edge: number): void {
    const at = chunkAt(chunks, edge);
    const ref = chunks[at]!;
    if (edge < ref.firstEdge) this.#chunks(place, typeId)[at]!.firstEdge = edge;
    const chunk = this.buffer.change(CHUNK, ref.chunk)!;
    insertSorted(chunk, neighbour, edge);
    const degree = this.#degree(place);
    degree.counts.set(typeId, degree.counts.get(typeId)! + 1);
    if (chunk.edges.length <= CHUNK_MAX) return;
    // Edges come in order: a split at the end leaves the left chunk full.
    const last = chunk.edges[chunk.edges.length - 1] === edge;
    const middle = last ? chunk.edges.length - 1 : chunk.edges.length >>> 1;
    const next = this.counters().nextChunk++;
    const edges = Array.from(chunk.edges);
    const neighbours = Array.from(chunk.neighbours);
    this.buffer.create(CHUNK, next, new ChunkBlock(neighbours.slice(middle), edges.slice(middle)));
    chunk.edges = edges.slice(0, middle);
    chunk.neighbours = neighbours.slice(0, middle);
    this.#chunks(place, typeId).splice(at + 1, 0, { chunk: next, firstEdge: edges[middle]! });
  }

  #unlink(vertex: number, direction: Direction, typeId: number, edge: number): void {
    const place = adjacencyNumber(vertex, direction);
    const seen = this.buffer.get(ADJACENCY, place)?.groups.find((one) => one.typeId === typeId);
    assert(seen !== undefined, `vertex ${vertex} lists edge ${edge}`);
    if (seen.chunks !== undefined) {
      this.#unlinkChunked(place, seen.chunks, typeId, edge);
      return;
    }
    const block = this.buffer.change(ADJACENCY, place)!;
    const group = block.groups.find((one) => one.typeId === typeId)!;
    removeFrom(group, edge);
    if (group.edges.length === 0) this.#dropGroup(place, group);
  }

  #unlinkChunked(place: number, chunks: readonly ChunkRef[], typeId: number, edge: number): void {
    const at = chunkAt(chunks, edge);
    const number = chunks[at]!.chunk;
    const chunk = this.buffer.change(CHUNK, number)!;
    removeFrom(chunk, edge);
    const degree = this.#degree(place);
    degree.counts.set(typeId, degree.counts.get(typeId)! - 1);
    if (chunk.edges.length > 0) {
      if (chunk.edges.length <= CHUNK_SMALL) this.#joinChunks(place, chunks, typeId, at);
      return;
    }
    this.buffer.remove(CHUNK, number);
    const rest = this.#chunks(place, typeId);
    rest.splice(at, 1);
    if (rest.length > 0) return;
    degree.counts.delete(typeId);
    if (degree.counts.size === 0) this.buffer.remove(DEGREE, place);
    this.#dropGroup(place, this.buffer.change(ADJACENCY, place)!.groups.find((one) => one.typeId === typeId)!);
  }

  /** A chunk with few edges joins its neighbour, where both leave room. */
  #joinChunks(place: number, chunks: readonly ChunkRef[], typeId: number, at: number): void {
    const left = [at - 1, at].find((one) => one >= 0 && one + 1 < chunks.length
      && this.buffer.get(CHUNK, chunks[one]!.chunk)!.edges.length + this.buffer.get(CHUNK, chunks[one + 1]!.chunk)!.edges.length <= CHUNK_JOINED);
    if (left === undefined) return;
    const [into, from] = [chunks[left]!.chunk, chunks[left + 1]!.chunk];
    const next = this.buffer.get(CHUNK, from)!;
    const chunk = this.buffer.change(CHUNK, into)!;
    chunk.edges = [...Array.from(chunk.edges), ...Array.from(next.edges)];
    chunk.neighbours = [...Array.from(chunk.neighbours), ...Array.from(next.neighbours)];
    this.buffer.remove(CHUNK, from);
    this.#chunks(place, typeId).splice(left + 1, 1);
  }

  #dropGroup(place: number, group: AdjacencyGroup): void {
    const block = this.buffer.change(ADJACENCY, place)!;
    block.groups.splice(block.groups.indexOf(group), 1);
    if (block.groups.length === 0) this.buffer.remove(ADJACENCY, place);
  }
}

/** The entry a vertex or edge has in an index, or undefined. */
export function indexKey(index: IndexDef, block: Properties): Value | undefined {
  if (index.keyIds.length === 1) {
    const value = propertyOf(block, index.keyIds[0]!);
    return value === null ? undefined : value;
  }
  const values = index.keyIds.map((key) => propertyOf(block, key));
  return values.includes(null) ? undefined : values;
}

/** Entries come by ascending key, from the transaction as from its record (see effects.ts). */
function columns(entries: readonly PropertyEntry[]): [readonly number[], StoredValue[]] {
  return [internNumbers(entries.map(([key]) => key)), entries.map(([, value]) => packed(value))];
}

function bump(counts: number[], at: number, by: number): void {
  while (counts.length <= at) counts.push(0);
  counts[at]! += by;
}

/** Index of the chunk whose range holds the edge. */
function chunkAt(chunks: readonly ChunkRef[], edge: number): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (chunks[middle]!.firstEdge <= edge) low = middle;
    else high = middle - 1;
  }
  return low;
}

interface Columns {
  neighbours: ArrayLike<number>;
  edges: ArrayLike<number>;
}

function insertSorted(columns: Columns, neighbour: number, edge: number): void {
  // Blocks under change hold plain arrays (see the copy functions of blocks.ts).
  const { edges, neighbours } = columns;
  assert(Array.isArray(edges) && Array.isArray(neighbours), 'columns under change are plain arrays');
  let at = edges.length;
  while (at > 0 && edges[at - 1]! > edge) at--;
  edges.splice(at, 0, edge);
  neighbours.splice(at, 0, neighbour);
}

function removeFrom(columns: Columns, edge: number): void {
  const { edges, neighbours } = columns;
  assert(Array.isArray(edges) && Array.isArray(neighbours), 'columns under change are plain arrays');
  const at = edges.indexOf(edge);
  assert(at >= 0, `edge ${edge} is listed`);
  edges.splice(at, 1);
  neighbours.splice(at, 1);
}
