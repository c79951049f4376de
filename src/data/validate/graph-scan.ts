/**
 * What one thread learns of one graph from the blocks it is given: problems that a block shows by itself or beside the few it names, and sums of the rest
 * (totals.ts), which agree only where the parts of all threads are added.
 */
import type { ByteReader } from '../../base/bytes.ts';
import type { BlockSource } from '../../graph/block-source.ts';
import { BITMAP, BitmapBlock, PAGE_IDS, setPage, SUMMARY } from '../../graph/bitmaps.ts';
import { AdjacencyBlock, CHUNK, DEGREE, EDGE, EdgeBlock, skimEdge, skimVertex, storedOf, VERTEX, VertexBlock } from '../../graph/blocks.ts';
import type { AdjacencyGroup, Block, BlockKind } from '../../graph/blocks.ts';
import { compareKeys, INDEX, leaves } from '../../graph/btree.ts';
import type { IndexPage } from '../../graph/btree.ts';
import type { GraphCatalog, IndexDef, TextIndexDef, VectorTree } from '../../graph/catalog.ts';
import { Checksum } from '../../graph/checksum.ts';
import { reachedAt } from '../../graph/index-places.ts';
import { indexKey } from '../../graph/mutator.ts';
import { ALL_VERTICES } from '../../graph/reader.ts';
import { documentOf, eachPosting } from '../../graph/text/postings.ts';
import { hasPosition } from '../../graph/vectors/positions.ts';
import { NO_PARENT, VECTOR } from '../../graph/vectors/vector-page.ts';
import { vectorOf } from '../../value/packed-floats.ts';
import { entryHash } from './entry-hash.ts';
import { INCOMING, OUTGOING } from './edge-sums.ts';
import type { Side } from './edge-sums.ts';
import { IdSet } from './id-set.ts';
import { bump } from './totals.ts';
import type { GraphTotals, Problem } from './totals.ts';

export interface GraphScanOptions {
  /** A block that cannot be read is missing here. */
  readonly source: BlockSource;
  readonly catalog: GraphCatalog;
  readonly totals: GraphTotals;
  readonly report: (what: Problem['what'], text: string) => void;
}

export class GraphScan {
  readonly #options: GraphScanOptions;
  readonly known = new IdSet();
  /** The page of ids that vertices are read of now, and which of its ids each set must have. */
  #page = -1;
  readonly #sets = new Map<number, Int32Array>();

  constructor(options: GraphScanOptions) {
    this.#options = options;
  }

  get totals(): GraphTotals {
    return this.#options.totals;
  }

  /** Takes one block of the graph. False: it cannot be read. */
  take(kind: BlockKind<Block>, number: number, reader: ByteReader): boolean {
    const block = this.#decode(kind, reader);
    if (block === undefined) return false;
    if (block instanceof VertexBlock) this.#vertex(number, block);
    else if (block instanceof EdgeBlock) this.#edge(number, block);
    else if (block instanceof AdjacencyBlock) this.#adjacency(number, block);
    else if (block instanceof BitmapBlock && kind.tag === BITMAP.tag) this.#bitmap(number, block);
    return true;
  }

  #decode(kind: BlockKind<Block>, reader: ByteReader): Block | undefined {
    try {
      const block = kind.tag === VERTEX.tag ? skimVertex(reader, this.#needsVertex) : kind.tag === EDGE.tag ? skimEdge(reader, this.#needsEdge) : kind.decode(reader);
      return reader.done ? block : undefined;
    } catch {
      return undefined; // Whatever goes wrong inside: the block is not what was written.
    }
  }

  /** Whether the properties of such elements matter here. */
  readonly #needsVertex = (labels: readonly number[]): boolean => {
    const { catalog } = this.#options;
    return labels.some((label) => catalog.indexesKept('vertex', label).length > 0) || catalog.textsOf('vertex', labels).length + catalog.vectorTreesOf('vertex', labels).length > 0;
  };

  readonly #needsEdge = (type: number): boolean => {
    const { catalog } = this.#options;
    return catalog.indexesKept('edge', type).length + catalog.textsOf('edge', [type]).length + catalog.vectorTreesOf('edge', [type]).length > 0;
  };

  // -------------------------------------------------------------- vertices and edges

  /** Vertices come by ascending ids. */
  #vertex(id: number, block: VertexBlock): void {
    const { catalog, totals: { counted } } = this.#options;
    this.known.add(id);
    counted.vertices++;
    counted.nextVertex = Math.max(counted.nextVertex, id + 1);
    const page = Math.floor(id / PAGE_IDS);
    if (page !== this.#page) {
      this.endPage();
      this.#page = page;
    }
    this.#expectMember(ALL_VERTICES, id % PAGE_IDS);
    for (const label of block.labels) {
      bump(counted.byLabel, label);
      this.#expectMember(label + 1, id % PAGE_IDS);
      for (const index of reachedAt(catalog.indexesKept('vertex', label), id, this.#options.source)) this.#expectEntry(index, id, block);
    }
    this.#expectTexts('vertex', block.labels, id, block, id);
    this.#expectVectors('vertex', block.labels, id, block, id);
  }

  #edge(id: number, block: EdgeBlock): void {
    const { catalog, totals, report } = this.#options;
    const { typeId, start, end } = block;
    totals.counted.edges++;
    totals.counted.nextEdge = Math.max(totals.counted.nextEdge, id + 1);
    bump(totals.counted.byType, typeId);
    if (!this.known.has(start)) report('adjacency', `edge ${id} has the vertex ${start} as its start, which does not exist`);
    if (!this.known.has(end)) report('adjacency', `edge ${id} has the vertex ${end} as its end, which does not exist`);
    totals.edges.add(OUTGOING, start, typeId, end, id);
    totals.edges.add(INCOMING, end, typeId, start, id);
    for (const index of reachedAt(catalog.indexesKept('edge', typeId), start, this.#options.source)) this.#expectEntry(index, id, block);
    this.#expectTexts('edge', [typeId], id, block, start);
    this.#expectVectors('edge', [typeId], id, block, start);
  }

  #expectVectors(kind: VectorTree['kind'], labels: readonly number[], id: number, block: VertexBlock | EdgeBlock, place: number): void {
    for (const tree of reachedAt(this.#options.catalog.vectorTreesOf(kind, labels), place, this.#options.source)) {
      if (!hasPosition(vectorOf(storedOf(block, tree.keyId)), tree)) continue;
      const members = this.totals.vectors.get(tree.id)!;
      members.expected++;
      entryHash.add(members.sum, null, id);
    }
  }

  #expectTexts(kind: TextIndexDef['kind'], labels: readonly number[], id: number, block: VertexBlock | EdgeBlock, place: number): void {
    const { catalog, totals, source } = this.#options;
    for (const index of reachedAt(catalog.textsOf(kind, labels), place, source)) {
      const entries = totals.texts.get(index.id)!;
      eachPosting(index, id, block, totals.counted.texts.get(index.id)!, (key, posting) => {
        entries.expected++;
        entryHash.add(entries.sum, key, posting);
      });
    }
  }

  #expectEntry(index: IndexDef, id: number, block: VertexBlock | EdgeBlock): void {
    const key = indexKey(index, block);
    if (key === undefined) return;
    const entries = this.totals.indexes.get(index.id)!;
    entries.expected++;
    entryHash.add(entries.sum, key, id);
  }

  // -------------------------------------------------------------- sets

  #expectMember(set: number, bit: number): void {
    let words = this.#sets.get(set);
    if (words === undefined) this.#sets.set(set, words = new Int32Array(PAGE_IDS / 32));
    words[bit >>> 5]! |= 1 << (bit & 31);
  }

  /** After the last vertex of a part, too. */
  endPage(): void {
    const { source, catalog, report } = this.#options;
    for (const [set, words] of this.#sets) {
      if (words.every((word) => word === 0)) continue;
      const stored = source.get(BITMAP, setPage(set, this.#page))?.parts.flat();
      for (let i = 0; i < words.length; i++) {
        for (let missing = words[i]! & ~(stored?.[i] ?? 0); missing !== 0; missing &= missing - 1) {
          const id = this.#page * PAGE_IDS + i * 32 + 31 - Math.clz32(missing & -missing);
          report('set', `vertex ${id} is not in ${setName(catalog, set)}`);
        }
      }
      words.fill(0);
    }
    // Where there are very many labels: those of other pages need no room here.
    if (this.#sets.size > 1000) this.#sets.clear();
  }

  #bitmap(number: number, block: BitmapBlock): void {
    const { source, catalog, totals: { members }, report } = this.#options;
    const set = Math.floor(number / 2 ** 26);
    const page = number % 2 ** 26;
    members.set(set, (members.get(set) ?? 0) + block.ids(0).length);
    const isNoted = source.get(SUMMARY, setPage(set, Math.floor(page / PAGE_IDS)))?.has(page % PAGE_IDS) === true;
    if (!block.empty && !isNoted) report('set', `the summary of ${setName(catalog, set)} leaves out page ${page}`);
  }

  // -------------------------------------------------------------- adjacency

  #adjacency(place: number, { groups }: AdjacencyBlock): void {
    const vertex = Math.floor(place / 2);
    const side = place % 2 === 1 ? INCOMING : OUTGOING;
    if (!this.known.has(vertex)) this.#options.report('adjacency', `vertex ${vertex} has relationships, but does not exist`);
    for (const group of groups) this.#group(vertex, side, group);
  }

  #group(vertex: number, side: Side, group: AdjacencyGroup): void {
    const { source, catalog, totals, report } = this.#options;
    let last = -1;
    const look = (neighbours: ArrayLike<number>, edges: ArrayLike<number>): void => {
      totals.listed[side]! += edges.length;
      for (let i = 0; i < edges.length; i++) {
        const edge = edges[i]!;
        if (edge <= last) report('adjacency', `${placeName(catalog, vertex, side, group.typeId)}: edge ${edge} is out of order`);
        last = edge;
        totals.edges.subtract(side, vertex, group.typeId, neighbours[i]!, edge);
      }
    };
    if (group.chunks === undefined) {
      look(group.neighbours, group.edges);
      return;
    }
    const where = placeName(catalog, vertex, side, group.typeId);
    let total = 0;
    for (const ref of group.chunks) {
      const chunk = source.get(CHUNK, ref.chunk);
      if (chunk === undefined) report('adjacency', `${where}: chunk ${ref.chunk} is missing`);
      else look(chunk.neighbours, chunk.edges);
      total += chunk?.edges.length ?? 0;
    }
    const degree = source.get(DEGREE, vertex * 2 + side)?.counts.get(group.typeId);
    if (degree !== total) report('degree', `${where}: ${total} relationships, but the degree is kept as ${degree ?? 'none'}`);
  }

  // -------------------------------------------------------------- indexes

  /** Order and uniqueness; whether the entries are the right ones, the sums say. */
  index(index: IndexDef): void {
    const { totals, report } = this.#options;
    const entries = totals.indexes.get(index.id)!;
    let last: { key: IndexPage['keys'][number]; id: number } | undefined;
    this.#walk(index, (key, id) => {
      const order = last === undefined ? -1 : compareKeys(last.key, key);
      if ((order || last!.id - id) >= 0) report('index', `${index.name}: the entry for ${index.kind} ${id} is out of order`);
      if (index.unique && order === 0) report('index', `${index.name}: ${index.kind} ${last!.id} and ${id} share a value`);
      last = { key, id };
      entries.found++;
      entryHash.subtract(entries.sum, key, id);
    });
  }

  text(index: TextIndexDef): void {
    const { totals, report } = this.#options;
    const entries = totals.texts.get(index.id)!;
    let [last, lastId] = ['', -1];
    this.#walk(index, (key, posting) => {
      if (typeof key !== 'string' || (compareKeys(last, key) || lastId - posting) >= 0) report('index', `${index.name}: the entry for ${index.kind} ${documentOf(posting)} is out of order`);
      [last, lastId] = [String(key), posting];
      entries.found++;
      entryHash.subtract(entries.sum, last, posting);
    });
  }

  /** The shape of a tree over vectors, and that its B+tree says where each member is; whether the members are the right ones, the sums say. */
  vectors(tree: VectorTree): void {
    const { source, catalog, totals, report } = this.#options;
    const members = totals.vectors.get(tree.id)!;
    const name = vectorTreeName(catalog, tree);
    const places = new Checksum();
    const walk = (number: number, parent: number, left: number): void => {
      const page = source.get(VECTOR, number);
      if (page === undefined && number === tree.root) return;
      if (page === undefined || left === 0) return report('index', `${name}: page ${number} ${page === undefined ? 'is missing' : 'is too deep'}`);
      if (page.parent !== parent) report('index', `${name}: page ${number} has ${page.parent} above it, it is below ${parent}`);
      if (page.centres !== undefined && page.centres.length !== page.ids.length * tree.dimensions) report('index', `${name}: page ${number} has ${page.centres.length} numbers for ${page.ids.length} pages below`);
      for (const id of page.ids) {
        if (page.centres !== undefined) walk(id, number, left - 1);
        else {
          members.found++;
          entryHash.subtract(members.sum, null, id);
          entryHash.add(places, id, number);
        }
      }
    };
    walk(tree.root, NO_PARENT, VECTOR_DEPTH_MAX);
    this.#walk({ name, root: tree.places }, (id, leaf) => entryHash.subtract(places, id, leaf));
    if (places.high !== 0 || places.low !== 0) report('index', `${name}: where its vectors are is not what it says`);
  }

  #walk(index: { readonly name: string; readonly root: number }, look: (key: IndexPage['keys'][number], id: number) => void): void {
    try {
      for (const { keys, ids } of leaves({ page: (page) => this.#options.source.get(INDEX, page) }, index.root, undefined, undefined, false)) {
        for (let i = 0; i < keys.length; i++) look(keys[i]!, ids[i]!);
      }
    } catch (error) {
      this.#options.report('index', `${index.name} cannot be walked: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** More than any tree has: its pages have several below. */
const VECTOR_DEPTH_MAX = 64;

export function vectorTreeName(catalog: GraphCatalog, { kind, labelId, keyId, space }: VectorTree): string {
  return `the tree over ${(kind === 'vertex' ? catalog.data.labels : catalog.data.types)[labelId] ?? labelId}.${catalog.data.keys[keyId] ?? keyId} by ${space}`;
}

export function setName(catalog: GraphCatalog, set: number): string {
  return set === ALL_VERTICES ? 'the set of all vertices' : `the set of the label ${catalog.data.labels[set - 1] ?? set - 1}`;
}

export function placeName(catalog: GraphCatalog, vertex: number, side: Side, type: number): string {
  return `vertex ${vertex}, ${side === INCOMING ? 'incoming' : 'outgoing'} ${catalog.data.types[type] ?? `type ${type}`}`;
}
