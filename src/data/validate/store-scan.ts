/** What one thread does with the parts of a store that it is given (plan.ts). */
import { ByteReader } from '../../base/bytes.ts';
import type { BlockSource } from '../../graph/block-source.ts';
import { blockKey, CATALOG, CHUNK, COUNTERS } from '../../graph/blocks.ts';
import type { Block, BlockKind } from '../../graph/blocks.ts';
import { INDEX } from '../../graph/btree.ts';
import { catalogOf } from '../../graph/catalog.ts';
import type { GraphCatalog } from '../../graph/catalog.ts';
import { Checksum } from '../../graph/checksum.ts';
import type { ReadPoint } from '../../graph/state-reader.ts';
import { VECTOR } from '../../graph/vectors/vector-page.ts';
import type { Engine } from '../../storage/engine.ts';
import { kindOfKey } from '../block-kinds.ts';
import { GraphScan } from './graph-scan.ts';
import type { IdPages } from './id-set.ts';
import type { Place, Task } from './plan.ts';
import { GraphTotals } from './totals.ts';
import type { Problem, StoreTotals } from './totals.ts';

const ENTRIES_AT_ONCE = 2048;

export interface TaskResult {
  readonly problems: readonly Problem[];
  readonly blocks: number;
}

export interface CheckedGraph {
  readonly id: number;
  readonly name: string;
  /** A block that cannot be read is missing here. */
  readonly source: BlockSource;
  readonly catalog: GraphCatalog;
}

export class StoreScan {
  readonly graphs: readonly CheckedGraph[];
  readonly #engine: Engine;
  readonly #checksum = new Checksum();
  readonly #scans = new Map<number, GraphScan>();
  #problems: Problem[] = [];
  #blocks = 0;

  constructor(engine: Engine, point: ReadPoint) {
    this.#engine = engine;
    this.graphs = [...point.system.graphs].sort((a, b) => a.id - b.id).map(({ id, name, strict }) => {
      const source = readable(point, id);
      return { id, name, source, catalog: catalogOf(source.get(CATALOG, 0), strict) };
    });
    for (const { id, name, source, catalog } of this.graphs) {
      const totals = new GraphTotals(catalog, source.get(COUNTERS, 0)?.nextEdge ?? 0);
      this.#scans.set(id, new GraphScan({ source, catalog, totals, report: (what, text) => this.#problems.push({ graph: name, what, text }) }));
    }
  }

  async run(task: Task): Promise<TaskResult> {
    this.#problems = [];
    this.#blocks = 0;
    if (task.kind === 'blocks') await this.#range(task.from, task.to);
    else {
      const scan = this.#scans.get(task.graph)!;
      const { catalog } = this.graphs.find(({ id }) => id === task.graph)!;
      if (task.kind === 'index') scan.index(catalog.data.indexes.find(({ id }) => id === task.index)!);
      else if (task.kind === 'vectors') scan.vectors(catalog.vectorTrees.find(({ id }) => id === task.index)!);
      else scan.text(catalog.texts.find(({ id }) => id === task.index)!);
    }
    return { problems: this.#problems, blocks: this.#blocks };
  }

  totals(): StoreTotals {
    return { checksum: this.#checksum, graphs: new Map([...this.#scans].map(([id, { totals }]) => [id, totals])) };
  }

  /** The vertices that were found here, by graph. */
  known(): ReadonlyMap<number, IdPages> {
    return new Map([...this.#scans].map(([id, { known }]) => [id, known.pages]));
  }

  /** Vertices that others have found. */
  learn(known: ReadonlyMap<number, IdPages>): void {
    for (const [id, pages] of known) this.#scans.get(id)!.known.addPages(pages);
  }

  async #range(from: Place, to: Place | undefined): Promise<void> {
    const range = { gte: blockKey(...from), lt: to === undefined ? Buffer.from('h') : blockKey(...to) };
    for await (const entries of this.#engine.entries(range, { size: ENTRIES_AT_ONCE })) {
      for (const [key, bytes] of entries) this.#block(key, bytes);
      this.#blocks += entries.length;
    }
    this.#scans.get(from[0])?.endPage();
  }

  #block(key: Uint8Array, bytes: Uint8Array): void {
    const kind = kindOfKey(key);
    if (kind === undefined) {
      this.#problems.push({ graph: '', what: 'block', text: `a block of the unknown kind ${key[5]}` });
      return;
    }
    if (kind.logical) this.#checksum.add(key, bytes);
    const graph = ((key[1]! << 24) | (key[2]! << 16) | (key[3]! << 8) | key[4]!) >>> 0;
    const number = (key[6]! * 0x100 + key[7]!) * 0x1_0000_0000 + (((key[8]! << 24) | (key[9]! << 16) | (key[10]! << 8) | key[11]!) >>> 0);
    const reader = new ByteReader(bytes);
    // Graphs that are gone leave their blocks, which nothing is compared with.
    const isWhole = this.#scans.get(graph)?.take(kind, number, reader) ?? decodes(kind, reader);
    if (!isWhole) this.#problems.push({ graph: '', what: 'block', text: `${kind.name} ${number} of graph number ${graph} cannot be read` });
  }
}

function decodes(kind: BlockKind<Block>, reader: ByteReader): boolean {
  try {
    kind.decode(reader);
    return reader.done;
  } catch {
    return false;
  }
}

/** Chunks and index pages are asked for once: they would only drive others out of the cache. */
function readable(point: ReadPoint, graph: number): BlockSource {
  const source = point.source(graph);
  return {
    get: (kind, block) => {
      try {
        return kind.tag === CHUNK.tag || kind.tag === INDEX.tag || kind.tag === VECTOR.tag ? source.peek(kind, block, false) : source.get(kind, block);
      } catch {
        return undefined;
      }
    },
  };
}
