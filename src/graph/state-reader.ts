/**
 * Reads of one thread: views of the newest published version, over the thread's block cache. Views of the same version
 * share one engine snapshot, which closes when the last of them is released and something newer is published.
 */
import { DbError } from '../base/errors.ts';
import type { Engine, EngineSnapshot, KeyRange } from '../storage/engine.ts';
import { VersionClocks } from '../storage/clocks.ts';
import { absentAsUndefined, SnapshotSource } from './block-source.ts';
import type { BlockCache } from './block-source.ts';
import { CATALOG } from './blocks.ts';
import type { Block, BlockKind } from './blocks.ts';
import { catalogOf } from './catalog.ts';
import type { GraphCatalog } from './catalog.ts';
import { GraphReader } from './reader.ts';
import { EMPTY_SYSTEM, SYSTEM, SYSTEM_GRAPH } from './system.ts';
import type { GraphInfo, SystemState } from './system.ts';
import { readVersion } from './version-record.ts';

/** What was answered is written within milliseconds, unless the disk is full. */
const WRITTEN_MS = 1000;

/** One version, held open until released. */
export class ReadPoint {
  readonly snapshot: EngineSnapshot;
  readonly version: number;
  readonly timeMs: number;
  readonly checksum: string;
  uses = 0;
  readonly #engine: Engine;
  #sources = new Map<number, SnapshotSource>();
  readonly #make: (point: ReadPoint, graph: number) => SnapshotSource;

  constructor(engine: Engine, make: (point: ReadPoint, graph: number) => SnapshotSource) {
    this.#engine = engine;
    this.snapshot = engine.snapshot();
    const record = readVersion(engine, this.snapshot);
    this.version = record.version;
    this.timeMs = record.timeMs;
    this.checksum = record.checksum.toString();
    this.#make = make;
  }

  /** What the engine held at this version, as it is stored. */
  pairs(range: KeyRange): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    return this.#engine.entries(range, { snapshot: this.snapshot, size: 1000 });
  }

  source(graph: number): SnapshotSource {
    let source = this.#sources.get(graph);
    if (source === undefined) this.#sources.set(graph, source = this.#make(this, graph));
    return source;
  }

  get system(): SystemState {
    return this.source(SYSTEM_GRAPH).get(SYSTEM, 0)?.state ?? EMPTY_SYSTEM;
  }

  findGraph(name: string): GraphInfo | undefined {
    return this.system.graphs.find((graph) => graph.name === name);
  }

  /** A view of the graph; throws GraphNotFound. */
  view(name: string): GraphReader {
    const info = this.findGraph(name);
    if (info === undefined) throw new DbError('GraphNotFound', `No such graph: ${name}`);
    const source = this.source(info.id);
    return new GraphReader(name, this.version, source, catalogOf(source.get(CATALOG, 0), info.strict));
  }
}

export class StateReader {
  readonly #engine: Engine;
  readonly #clocks: VersionClocks;
  readonly cache: BlockCache;
  #current: ReadPoint | undefined;

  constructor(engine: Engine, clocks: VersionClocks, cache: BlockCache) {
    this.#engine = engine;
    this.#clocks = clocks;
    this.cache = cache;
  }

  get publishedVersion(): number {
    return this.#clocks.published;
  }
  /** What a client of this server may know of, and may not be published yet: a read that comes after waits for it. */
  get answeredVersion(): number {
    return this.#clocks.answered;
  }

  /** Waits until the version is readable here; false after the time. */
  reached(version: number, timeoutMs: number): Promise<boolean> {
    return this.#clocks.reached(version, timeoutMs);
  }

  /** The newest version, with all that this server has told a client of, if it is written in time; to be given back with `release`. */
  async acquireAnswered(): Promise<ReadPoint> {
    await this.reached(this.answeredVersion, WRITTEN_MS);
    return this.acquire();
  }

  /** The newest version; to be given back with `release`. */
  acquire(): ReadPoint {
    const published = this.#clocks.published;
    let point = this.#current;
    if (point === undefined || point.version < published) {
      if (point !== undefined && point.uses === 0) void point.snapshot.close();
      point = new ReadPoint(this.#engine, (at, graph) => new SnapshotSource(this.#engine, at.snapshot, at.version, graph, this.cache, this.#clocks));
      this.#current = point;
    }
    if (point.uses === 0) this.cache.countDerived();
    point.uses++;
    return point;
  }

  /** The system state of now. To open a version costs a snapshot of the store and a read from it, and most versions change none of this. */
  get system(): SystemState {
    const known = this.#known(SYSTEM_GRAPH, SYSTEM);
    return known === undefined ? this.at((point) => point.system) : known.block?.state ?? EMPTY_SYSTEM;
  }

  /** The catalog of now; throws GraphNotFound. */
  catalog(graph: string): GraphCatalog {
    const info = this.system.graphs.find(({ name }) => name === graph);
    const known = info === undefined ? undefined : this.#known(info.id, CATALOG);
    return info === undefined || known === undefined ? this.at((point) => point.view(graph).catalog) : catalogOf(known.block, info.strict);
  }

  /** The first block of a kind as it is now, where the cache can tell: nothing published has changed it since it was read. */
  #known<B extends Block>(graph: number, kind: BlockKind<B>): { readonly block: B | undefined } | undefined {
    // Read first: it orders the look at the block's clock behind all that is published.
    const { published } = this.#clocks;
    const entry = this.cache.table(graph, kind.tag).get(0);
    if (entry === undefined || entry.at > published || this.#clocks.read(VersionClocks.slot(kind.tag, graph, 0)) > entry.at) return undefined;
    return { block: absentAsUndefined<B>(entry) };
  }

  /** Does something at the newest version. */
  at<T>(work: (point: ReadPoint) => T): T {
    const point = this.acquire();
    try {
      return work(point);
    } finally {
      this.release(point);
    }
  }

  release(point: ReadPoint): void {
    point.uses--;
    if (point.uses === 0 && point !== this.#current) void point.snapshot.close();
  }

  /** Closes what is open for re-use; to be called before the engine is closed. */
  async close(): Promise<void> {
    if (this.#current !== undefined && this.#current.uses === 0) await this.#current.snapshot.close();
    this.#current = undefined;
  }
}
