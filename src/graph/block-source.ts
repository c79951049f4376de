/**
 * Where a view finds blocks: `SnapshotSource` reads one version of the engine through the thread's cache of decoded
 * blocks; transactions have a source of their own (transaction.ts).
 */
import { ByteReader } from '../base/bytes.ts';
import type { Engine, EngineSnapshot } from '../storage/engine.ts';
import { VersionClocks } from '../storage/clocks.ts';
import { BlockTable } from './block-table.ts';
import { blockKey } from './blocks.ts';
import type { Block, BlockKind } from './blocks.ts';

export interface BlockSource {
  get<B extends Block>(kind: BlockKind<B>, block: number): B | undefined;
}

/** Remembered in a cache for "there is no such block": the adjacency of a leaf is asked for as often as a hub's. */
class Absent implements Block {
  at: number;
  constructor(at: number) {
    this.at = at;
  }
}

/** Decoded blocks of one thread, within a budget of bytes; when it is full, the oldest tenth goes. */
export class BlockCache {
  readonly #graphs = new Map<number, (BlockTable | undefined)[]>();
  readonly budgetBytes: number;
  bytes = 0;
  hits = 0;
  misses = 0;

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  table(graph: number, kind: number): BlockTable {
    let kinds = this.#graphs.get(graph);
    if (kinds === undefined) this.#graphs.set(graph, kinds = []);
    return kinds[kind] ??= new BlockTable();
  }

  put<B extends Block>(table: BlockTable, kind: BlockKind<B>, block: number, value: B | undefined, at: number): void {
    const entry: Block = value ?? new Absent(at);
    entry.at = at;
    if (table.get(block) === undefined) this.bytes += value === undefined ? 60 : kind.size(value);
    this.bytes += table.set(block, entry);
    if (this.bytes > this.budgetBytes) this.#evict();
  }

  /** Sizes are counted when a block enters, so an eviction takes the same share of bytes as of entries. */
  #evict(): void {
    for (const kinds of this.#graphs.values()) {
      for (const table of kinds) table?.drop(Math.ceil(table.size / 10));
    }
    this.bytes *= 0.9;
  }

  dropGraph(graph: number): void {
    this.#graphs.delete(graph);
  }

  clear(): void {
    this.#graphs.clear();
    this.bytes = 0;
  }
}

export function absentAsUndefined<B extends Block>(entry: Block | undefined): B | undefined {
  return entry === undefined || entry instanceof Absent ? undefined : entry as B;
}

export function isAbsent(entry: Block): boolean {
  return entry instanceof Absent;
}

export function readBlock<B extends Block>(
  engine: Engine, snapshot: EngineSnapshot | undefined, graph: number, kind: BlockKind<B>, block: number,
): B | undefined {
  const bytes = engine.getSync(blockKey(graph, kind.tag, block), snapshot);
  return bytes === undefined ? undefined : kind.decode(new ByteReader(bytes));
}

/** Blocks of one graph as of one version. */
export class SnapshotSource implements BlockSource {
  readonly #engine: Engine;
  readonly #snapshot: EngineSnapshot;
  readonly #version: number;
  readonly #graph: number;
  readonly #cache: BlockCache;
  readonly #clocks: VersionClocks;
  readonly #tables: (BlockTable | undefined)[] = [];

  constructor(engine: Engine, snapshot: EngineSnapshot, version: number, graph: number, cache: BlockCache, clocks: VersionClocks) {
    this.#engine = engine;
    this.#snapshot = snapshot;
    this.#version = version;
    this.#graph = graph;
    this.#cache = cache;
    this.#clocks = clocks;
  }

  get<B extends Block>(kind: BlockKind<B>, block: number): B | undefined {
    const table = this.#tables[kind.tag] ??= this.#cache.table(this.#graph, kind.tag);
    const cached = table.get(block);
    if (cached !== undefined && (cached.at === this.#version || this.#isValid(kind, block, cached))) {
      return cached instanceof Absent ? undefined : cached as B;
    }
    return this.#load(table, kind, block, cached);
  }

  #isValid<B extends Block>(kind: BlockKind<B>, block: number, cached: Block): boolean {
    const clock = this.#clocks.read(VersionClocks.slot(kind.tag, this.#graph, block));
    if (clock > cached.at || clock > this.#version) return false;
    if (cached.at < this.#version) cached.at = this.#version;
    return true;
  }

  #load<B extends Block>(table: BlockTable, kind: BlockKind<B>, block: number, cached: Block | undefined): B | undefined {
    const value = readBlock(this.#engine, this.#snapshot, this.#graph, kind, block);
    this.#cache.misses++;
    // An older view must not replace what a newer one has loaded.
    if (cached === undefined || cached.at <= this.#version) this.#cache.put(table, kind, block, value, this.#version);
    return value;
  }
}
