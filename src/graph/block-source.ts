/**
 * Where a view finds blocks: `SnapshotSource` reads one version of the engine through the thread's cache of decoded
 * blocks; transactions have a source of their own (transaction.ts).
 */
import { ByteReader } from '../base/bytes.ts';
import type { Keeper } from '../base/heap-watch.ts';
import type { Engine, EngineSnapshot } from '../storage/engine.ts';
import { VersionClocks } from '../storage/clocks.ts';
import { BlockTable } from './block-table.ts';
import { AdjacencyPages } from './adjacency-pages.ts';
import { ADJACENCY, blockKey, EDGE, renumberKey, VERTEX } from './blocks.ts';
import type { Block, BlockKind } from './blocks.ts';
import { ColumnTable } from './columns.ts';
import { LeafRows } from './vectors/leaf-rows.ts';
import { warmUp } from './warm-up.ts';
import type { DerivedPages, WarmArea } from './warm-up.ts';

export interface BlockSource {
  get<B extends Block>(kind: BlockKind<B>, block: number): B | undefined;
  /** Where blocks do not change under a view: what was read before, by property. */
  readonly vertexColumns?: ColumnTable;
  readonly edgeColumns?: ColumnTable;
  readonly adjacencyPages?: AdjacencyPages;
  readonly leafRows?: LeafRows;
  /** A block for one look: kept only where nothing has to make way for it. */
  peek?<B extends Block>(kind: BlockKind<B>, block: number, keep: boolean): B | undefined;
  warmUp?(checkpoint: (elements: number) => void): void;
}

/** What is derived from a graph's blocks in one thread. */
interface Derived {
  readonly vertices: ColumnTable;
  readonly edges: ColumnTable;
  readonly adjacency: AdjacencyPages;
  readonly leafRows: LeafRows;
}

/** Remembered in a cache for "there is no such block": the adjacency of a leaf is asked for as often as a hub's. */
class Absent implements Block {
  at: number;
  constructor(at: number) {
    this.at = at;
  }
}

const DERIVED_MAX = 0.5;
const DERIVED_KEPT = 0.45;
/** From here on what is made makes something else go soon. */
const DERIVED_FULL = 0.44;
/** One long read may derive more than the budget: it is looked at after so many new blocks, too. */
const COUNTED_PUTS = 1024;
/** However short memory is, a cache keeps so much: without it each read would decode what it needs again and again. */
const BUDGET_LEAST = 4 * 2 ** 20;
/** Tables of fewer blocks than this go as a whole, in their turn. */
const SMALL_TABLE = 10;

/**
 * Decoded blocks of one thread and what is derived from them, within a budget of bytes; when it is full, a tenth goes. Blocks make way for
 * what is derived, which says the same in a fraction of the space, until that takes half of the budget: it must never take all, or every
 * block that is read would throw out others at once.
 */
export class BlockCache implements Keeper {
  readonly #graphs = new Map<number, (BlockTable | undefined)[]>();
  readonly #derived = new Map<number, Derived>();
  readonly #warmPages: Readonly<Record<WarmArea, Map<number, number[]>>> = { vertex: new Map(), edge: new Map() };
  /** What it is to keep to; less than what it was made with while memory is short. */
  budgetBytes: number;
  readonly #budgetBytesMax: number;
  /** To be set before there is a view: what can be derived is when it is asked for the first time, as tests of it want. */
  isEager = false;
  /** Told what `warmUp` makes here. */
  onMade: ((pages: DerivedPages) => void) | undefined;
  #blockBytes = 0;
  #derivedBytes = 0;
  #isFull = false;
  #puts = 0;
  #evictions = 0;

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
    this.#budgetBytesMax = budgetBytes;
  }

  get bytes(): number {
    return this.#blockBytes + this.#derivedBytes;
  }

  get hasRoomForDerived(): boolean {
    return this.#derivedBytes < this.budgetBytes * DERIVED_KEPT;
  }

  table(graph: number, kind: number): BlockTable {
    let kinds = this.#graphs.get(graph);
    if (kinds === undefined) this.#graphs.set(graph, kinds = []);
    return kinds[kind] ??= new BlockTable();
  }

  derived(graph: number, clocks: VersionClocks): Derived {
    let derived = this.#derived.get(graph);
    if (derived === undefined) {
      derived = {
        vertices: new ColumnTable(clocks, graph, VERTEX.tag), edges: new ColumnTable(clocks, graph, EDGE.tag),
        adjacency: new AdjacencyPages(clocks, graph, ADJACENCY.tag), leafRows: new LeafRows(),
      };
      this.#derived.set(graph, derived);
      for (const { pages } of [derived.vertices, derived.edges, derived.adjacency]) pages.isEager = this.isEager;
      this.#setFull(this.#isFull);
    }
    return derived;
  }

  /** What is derived grows without anything being put here; whoever opens a view calls this, too. */
  countDerived(): void {
    this.#sumDerived();
    if (this.#derivedBytes > this.budgetBytes * DERIVED_MAX) this.#evictDerived(1 - (DERIVED_KEPT * this.budgetBytes) / this.#derivedBytes);
    const isFull = this.#derivedBytes > this.budgetBytes * DERIVED_FULL;
    if (isFull !== this.#isFull) this.#setFull(isFull);
    if (this.bytes > this.budgetBytes) this.#evictBlocks();
  }

  makeRoom(): void {
    this.budgetBytes = Math.max(Math.min(BUDGET_LEAST, this.#budgetBytesMax), this.budgetBytes / 2);
    this.countDerived();
    while (this.bytes > this.budgetBytes) this.#evictBlocks();
  }

  relax(): void {
    this.budgetBytes = Math.min(this.#budgetBytesMax, this.budgetBytes * 2);
  }

  /** Of each page of COLUMN_PAGE elements that was read ahead as a whole, here or by another thread, the version at which that began. */
  warmPages(graph: number, area: WarmArea): number[] {
    let pages = this.#warmPages[area].get(graph);
    if (pages === undefined) this.#warmPages[area].set(graph, pages = []);
    return pages;
  }

  /** Takes what another thread has made. */
  adopt({ graph, version, vertexColumns, edgeColumns, adjacency, warm }: DerivedPages, clocks: VersionClocks): void {
    if (!this.hasRoomForDerived) return;
    const derived = this.derived(graph, clocks);
    for (const page of vertexColumns ?? []) derived.vertices.adopt(page, version);
    for (const page of edgeColumns ?? []) derived.edges.adopt(page, version);
    for (const page of adjacency ?? []) derived.adjacency.adopt(page, version);
    if (warm !== undefined) this.warmPages(graph, warm.area)[warm.page] = version;
    this.countDerived();
  }

  /** Whether a block may be kept without another's having to go. */
  get hasRoomForBlocks(): boolean {
    return this.bytes < this.budgetBytes * 0.9;
  }

  put<B extends Block>(table: BlockTable, kind: BlockKind<B>, block: number, value: B | undefined, at: number): void {
    const entry: Block = value ?? new Absent(at);
    entry.at = at;
    if (table.get(block) === undefined) this.#blockBytes += value === undefined ? 60 : kind.size(value);
    this.#blockBytes += table.set(block, entry);
    if (++this.#puts % COUNTED_PUTS === 0) this.countDerived();
    else if (this.bytes > this.budgetBytes) this.#evictBlocks();
  }

  /** Sizes are counted when a block enters, so an eviction takes the same share of bytes as of entries. */
  #evictBlocks(): void {
    const isTurn = ++this.#evictions % SMALL_TABLE === 0;
    for (const kinds of this.#graphs.values()) {
      for (const table of kinds) {
        if (table !== undefined && (table.size >= SMALL_TABLE || isTurn)) table.drop(table.size < SMALL_TABLE ? table.size : Math.ceil(table.size / 10));
      }
    }
    this.#blockBytes *= 0.9;
  }

  #sumDerived(): void {
    let bytes = 0;
    for (const { vertices, edges, adjacency, leafRows } of this.#derived.values()) bytes += vertices.pages.bytes + edges.pages.bytes + adjacency.pages.bytes + leafRows.bytes;
    this.#derivedBytes = bytes;
  }

  #evictDerived(share: number): void {
    for (const { vertices, edges, adjacency, leafRows } of this.#derived.values()) {
      for (const table of [vertices.pages, edges.pages, adjacency.pages, leafRows]) table.evict(table.bytes * share);
    }
    this.#sumDerived();
  }

  #setFull(isFull: boolean): void {
    this.#isFull = isFull;
    for (const { vertices, edges, adjacency } of this.#derived.values()) vertices.pages.isFull = edges.pages.isFull = adjacency.pages.isFull = isFull;
  }

  dropGraph(graph: number): void {
    this.#graphs.delete(graph);
    this.#derived.delete(graph);
  }

  clear(): void {
    this.#graphs.clear();
    this.#derived.clear();
    this.#blockBytes = 0;
    this.#derivedBytes = 0;
  }
}

export function absentAsUndefined<B extends Block>(entry: Block | undefined): B | undefined {
  return entry === undefined || entry instanceof Absent ? undefined : entry as B;
}

export function isAbsent(entry: Block): boolean {
  return entry instanceof Absent;
}

/** Used again for each look-up: the engine has read it by the time it answers. */
const KEY = blockKey(0, 0, 0);

export function readBlock<B extends Block>(
  engine: Engine, snapshot: EngineSnapshot | undefined, graph: number, kind: BlockKind<B>, block: number,
): B | undefined {
  KEY.writeUInt32BE(graph, 1);
  renumberKey(KEY, kind.tag, block);
  const bytes = engine.getSync(KEY, snapshot);
  return bytes === undefined ? undefined : kind.decode(new ByteReader(bytes));
}

/** Blocks of one graph as of one version. */
export class SnapshotSource implements BlockSource {
  readonly #engine: Engine;
  readonly #snapshot: EngineSnapshot;
  readonly version: number;
  readonly graph: number;
  readonly cache: BlockCache;
  readonly #clocks: VersionClocks;
  readonly #tables: (BlockTable | undefined)[] = [];
  readonly vertexColumns: ColumnTable;
  readonly edgeColumns: ColumnTable;
  readonly adjacencyPages: AdjacencyPages;
  readonly leafRows: LeafRows;

  constructor(engine: Engine, snapshot: EngineSnapshot, version: number, graph: number, cache: BlockCache, clocks: VersionClocks) {
    this.#engine = engine;
    this.#snapshot = snapshot;
    this.version = version;
    this.graph = graph;
    this.cache = cache;
    this.#clocks = clocks;
    const { vertices, edges, adjacency, leafRows } = cache.derived(graph, clocks);
    this.vertexColumns = vertices;
    this.edgeColumns = edges;
    this.adjacencyPages = adjacency;
    this.leafRows = leafRows;
  }

  get<B extends Block>(kind: BlockKind<B>, block: number): B | undefined {
    const table = this.#tables[kind.tag] ??= this.cache.table(this.graph, kind.tag);
    const cached = table.get(block);
    if (cached !== undefined && (cached.at === this.version || this.#isValid(kind, block, cached))) {
      return cached instanceof Absent ? undefined : cached as B;
    }
    return this.#load(table, kind, block, cached);
  }

  peek<B extends Block>(kind: BlockKind<B>, block: number, keep: boolean): B | undefined {
    const table = this.#tables[kind.tag] ??= this.cache.table(this.graph, kind.tag);
    const cached = table.get(block);
    if (cached !== undefined && this.#isValid(kind, block, cached)) return cached instanceof Absent ? undefined : cached as B;
    if (keep && cached === undefined && this.cache.hasRoomForBlocks) return this.#load(table, kind, block, cached);
    return readBlock(this.#engine, this.#snapshot, this.graph, kind, block);
  }

  warmUp(checkpoint: (elements: number) => void): void {
    warmUp(this, this.cache.onMade, checkpoint);
  }

  #isValid<B extends Block>(kind: BlockKind<B>, block: number, cached: Block): boolean {
    const clock = this.#clocks.read(VersionClocks.slot(kind.tag, this.graph, block));
    if (clock > cached.at || clock > this.version) return false;
    if (cached.at < this.version) cached.at = this.version;
    return true;
  }

  #load<B extends Block>(table: BlockTable, kind: BlockKind<B>, block: number, cached: Block | undefined): B | undefined {
    const value = readBlock(this.#engine, this.#snapshot, this.graph, kind, block);
    // An older view must not replace what a newer one has loaded.
    if (cached === undefined || cached.at <= this.version) this.cache.put(table, kind, block, value, this.version);
    return value;
  }
}
