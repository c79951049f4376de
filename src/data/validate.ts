/**
 * Whether a state store is whole. Vertices, edges, catalogs and the system state are what was written (their checksum says so); all
 * else is derived from them, and compared with them here:
 *
 *   every block decodes · checksum · both ends of every edge list it, and nothing else is listed · degrees of hubs · sets of all
 *   vertices and of each label · every index entry is right, none is missing, keys in order, unique ones once · counters
 *
 * One pass over each kind of block; memory does not grow with the data.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { ADJACENCY, BITMAP, blockKey, CATALOG, CHUNK, COUNTERS, CountersBlock, DEGREE, EDGE, PAGE_IDS, setPage, SUMMARY, VERTEX } from '../graph/blocks.ts';
import type { AdjacencyGroup, BitmapBlock, Block, BlockKind, EdgeBlock, VertexBlock } from '../graph/blocks.ts';
import type { BlockSource } from '../graph/block-source.ts';
import { compareKeys, INDEX, leaves } from '../graph/btree.ts';
import type { IndexPage } from '../graph/btree.ts';
import { catalogOf } from '../graph/catalog.ts';
import type { GraphCatalog, IndexDef, TextIndexDef } from '../graph/catalog.ts';
import { Checksum } from '../graph/checksum.ts';
import { indexKey } from '../graph/mutator.ts';
import { ALL_VERTICES } from '../graph/reader.ts';
import { documentOf, eachPosting } from '../graph/text/postings.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
import { OUTCOME, SYSTEM } from '../graph/system.ts';
import type { Engine } from '../storage/engine.ts';

export interface Problem {
  /** Empty: of the store as a whole. */
  readonly graph: string;
  readonly what: 'block' | 'checksum' | 'adjacency' | 'degree' | 'set' | 'index' | 'counter';
  readonly text: string;
}

export interface ValidateEvents {
  readonly onProblem: (problem: Problem) => void;
  readonly onProgress: (blocks: number) => void;
}

const KINDS: readonly BlockKind<Block>[] = [VERTEX, EDGE, ADJACENCY, CHUNK, DEGREE, BITMAP, SUMMARY, INDEX, COUNTERS, CATALOG, SYSTEM, OUTCOME] as unknown as BlockKind<Block>[];
const PROGRESS_EVERY = 10_000;

/** What kind of block is stored under a key that begins with 'g'; undefined: one that this version does not know. */
export function kindOfKey(key: Uint8Array): BlockKind<Block> | undefined {
  return KINDS.find(({ tag }) => tag === key[5]);
}

export async function validateStore(engine: Engine, point: ReadPoint, events: ValidateEvents): Promise<void> {
  await checkBlocks(engine, point, events);
  for (const { id, name, strict } of point.system.graphs) {
    const source = readable(point.source(id));
    const catalog = catalogOf(source.get(CATALOG, 0), strict);
    await new GraphCheck({ engine, graph: id, source, catalog, report: (what, text) => events.onProblem({ graph: name, what, text }) }).run();
  }
}

/** A block that cannot be read is reported once, and missing from then on. */
function readable(source: BlockSource): BlockSource {
  return {
    get: (kind, block) => {
      try {
        return source.get(kind, block);
      } catch {
        return undefined;
      }
    },
  };
}

/** Decodes everything and sums up what is logical. */
async function checkBlocks(engine: Engine, point: ReadPoint, { onProblem, onProgress }: ValidateEvents): Promise<void> {
  const checksum = new Checksum();
  let blocks = 0;
  for await (const entries of engine.entries({ gte: Buffer.from('g'), lt: Buffer.from('h') })) {
    for (const [key, bytes] of entries) {
      const kind = kindOfKey(key);
      if (kind === undefined) onProblem({ graph: '', what: 'block', text: `a block of the unknown kind ${key[5]}` });
      else if (kind.logical) checksum.add(key, bytes);
      if (kind !== undefined && !isWhole(kind, bytes)) onProblem({ graph: '', what: 'block', text: `${kind.name} ${numberOf(key)} of graph number ${graphOf(key)} cannot be read` });
      if (++blocks % PROGRESS_EVERY === 0) onProgress(blocks);
    }
  }
  if (checksum.toString() !== point.checksum) {
    onProblem({ graph: '', what: 'checksum', text: `vertices, edges and catalogs have the checksum ${checksum.toString()}, at version ${point.version} it was ${point.checksum}` });
  }
}

function isWhole(kind: BlockKind<Block>, bytes: Uint8Array): boolean {
  try {
    const reader = new ByteReader(bytes);
    kind.decode(reader);
    return reader.done;
  } catch {
    return false; // Whatever goes wrong inside: the block is not what was written.
  }
}

function numberOf(key: Uint8Array): number {
  return Buffer.from(key).readUIntBE(6, 6);
}

function graphOf(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(1);
}

interface GraphCheckOptions {
  readonly engine: Engine;
  readonly graph: number;
  readonly source: BlockSource;
  readonly catalog: GraphCatalog;
  readonly report: (what: Problem['what'], text: string) => void;
}

class GraphCheck {
  readonly #options: GraphCheckOptions;
  readonly #counted = new CountersBlock();
  /** Elements that must have an entry, by index. */
  readonly #entries = new Map<number, number>();

  readonly #texts: readonly TextCheck[];

  constructor(options: GraphCheckOptions) {
    this.#options = options;
    this.#texts = options.catalog.texts.map((index) => ({ index, sums: index.keyIds.flatMap(() => [0, 0]), entries: new Checksum(), count: 0 }));
  }

  async run(): Promise<void> {
    await this.#each(VERTEX, (id, block) => this.#vertex(id, block));
    await this.#each(EDGE, (id, block) => this.#edge(id, block));
    await this.#adjacency();
    await this.#sets();
    for (const index of this.#options.catalog.data.indexes) this.#index(index);
    for (const text of this.#texts) this.#text(text);
    this.#counters();
  }

  async #each<B extends Block>(kind: BlockKind<B>, look: (number: number, block: B) => void): Promise<void> {
    const { engine, graph } = this.#options;
    for await (const entries of engine.entries({ gte: blockKey(graph, kind.tag, 0), lt: blockKey(graph, kind.tag + 1, 0) })) {
      for (const [key, bytes] of entries) {
        // What cannot be read was reported before.
        if (isWhole(kind as unknown as BlockKind<Block>, bytes)) look(numberOf(key), kind.decode(new ByteReader(bytes)));
      }
    }
  }

  // -------------------------------------------------------------- vertices and edges

  #vertex(id: number, block: VertexBlock): void {
    const { catalog, report } = this.#options;
    this.#counted.vertices++;
    this.#counted.nextVertex = Math.max(this.#counted.nextVertex, id + 1);
    if (!this.#isMember(ALL_VERTICES, id)) report('set', `vertex ${id} is not in the set of all vertices`);
    for (const label of block.labels) {
      bump(this.#counted.byLabel, label);
      if (!this.#isMember(label + 1, id)) report('set', `vertex ${id} is not in the set of the label ${catalog.labelName(label)}`);
      for (const index of catalog.labelIndexes(label)) this.#expectEntry(index, block);
    }
    this.#expectTexts('vertex', block.labels, id, block);
  }

  #edge(id: number, block: EdgeBlock): void {
    const { source, catalog, report } = this.#options;
    this.#counted.edges++;
    this.#counted.nextEdge = Math.max(this.#counted.nextEdge, id + 1);
    bump(this.#counted.byType, block.typeId);
    for (const [end, which] of [[block.start, 'start'], [block.end, 'end']] as const) {
      if (source.get(VERTEX, end) === undefined) report('adjacency', `edge ${id} has the vertex ${end} as its ${which}, which does not exist`);
    }
    for (const index of catalog.typeIndexes(block.typeId)) this.#expectEntry(index, block);
    this.#expectTexts('edge', [block.typeId], id, block);
  }

  #expectTexts(kind: TextIndexDef['kind'], labels: readonly number[], id: number, block: VertexBlock | EdgeBlock): void {
    for (const check of this.#texts) {
      if (check.index.kind !== kind || !labels.some((label) => check.index.labelIds.includes(label))) continue;
      eachPosting(check.index, id, block, check.sums, (key, posting) => {
        check.count++;
        addEntry(check.entries, key, posting);
      });
    }
  }

  #expectEntry(index: IndexDef, block: VertexBlock | EdgeBlock): void {
    if (indexKey(index, block) !== undefined) this.#entries.set(index.id, (this.#entries.get(index.id) ?? 0) + 1);
  }

  #isMember(set: number, id: number): boolean {
    return this.#options.source.get(BITMAP, setPage(set, Math.floor(id / PAGE_IDS)))?.has(id % PAGE_IDS) === true;
  }

  // -------------------------------------------------------------- adjacency

  /**
   * Each entry must be an edge with this vertex, neighbour and type, so no edge can be listed at two places, and ids that ascend are not
   * listed twice: if there are as many entries as edges, every edge is listed.
   */
  async #adjacency(): Promise<void> {
    const listed = [0, 0];
    await this.#each(ADJACENCY, (place, { groups }) => {
      const vertex = Math.floor(place / 2);
      const isIn = place % 2 === 1;
      if (this.#options.source.get(VERTEX, vertex) === undefined) this.#options.report('adjacency', `vertex ${vertex} has relationships, but does not exist`);
      for (const group of groups) listed[isIn ? 1 : 0]! += this.#group(vertex, isIn, group);
    });
    for (const [i, name] of ['outgoing', 'incoming'].entries()) {
      if (listed[i] !== this.#counted.edges) this.#options.report('adjacency', `INCONSISTENT: ${this.#counted.edges} edges, but ${listed[i]} ${name} ones are listed at their vertices`);
    }
  }

  /** Returns how many right entries the group has. */
  #group(vertex: number, isIn: boolean, group: AdjacencyGroup): number {
    const { source, catalog, report } = this.#options;
    const where = `vertex ${vertex}, ${isIn ? 'incoming' : 'outgoing'} ${catalog.data.types[group.typeId] ?? `type ${group.typeId}`}`;
    let right = 0;
    let last = -1;
    const look = (neighbours: ArrayLike<number>, edges: ArrayLike<number>): void => {
      for (let i = 0; i < edges.length; i++) {
        const edge = source.get(EDGE, edges[i]!);
        if (edge === undefined) report('adjacency', `INCONSISTENT: ${where}: edge ${edges[i]} does not exist`);
        else if (edge.typeId !== group.typeId || (isIn ? edge.end : edge.start) !== vertex || (isIn ? edge.start : edge.end) !== neighbours[i]) {
          report('adjacency', `INCONSISTENT: ${where}: edge ${edges[i]} joins ${edge.start} to ${edge.end}, but is listed with the neighbour ${neighbours[i]}`);
        } else if (edges[i]! <= last) report('adjacency', `${where}: edge ${edges[i]} is out of order`);
        else right++;
        last = edges[i]!;
      }
    };
    if (group.chunks === undefined) {
      look(group.neighbours, group.edges);
      return right;
    }
    let total = 0;
    for (const ref of group.chunks) {
      const chunk = source.get(CHUNK, ref.chunk);
      if (chunk === undefined) report('adjacency', `${where}: chunk ${ref.chunk} is missing`);
      else look(chunk.neighbours, chunk.edges);
      total += chunk?.edges.length ?? 0;
    }
    const degree = source.get(DEGREE, vertex * 2 + (isIn ? 1 : 0))?.counts.get(group.typeId);
    if (degree !== total) report('degree', `${where}: ${total} relationships, but the degree is kept as ${degree ?? 'none'}`);
    return right;
  }

  // -------------------------------------------------------------- sets

  async #sets(): Promise<void> {
    const { source, catalog, report } = this.#options;
    const members = new Map<number, number>();
    await this.#each(BITMAP, (number, block) => {
      const set = Math.floor(number / 2 ** 26);
      const page = number % 2 ** 26;
      members.set(set, (members.get(set) ?? 0) + bits(block));
      const isNoted = source.get(SUMMARY, setPage(set, Math.floor(page / PAGE_IDS)))?.has(page % PAGE_IDS) === true;
      if (!block.empty && !isNoted) report('set', `the summary of ${setName(catalog, set)} leaves out page ${page}`);
    });
    const expected = new Map([[ALL_VERTICES, this.#counted.vertices], ...this.#counted.byLabel.map((count, label): [number, number] => [label + 1, count])]);
    for (const [set, count] of expected) {
      if ((members.get(set) ?? 0) !== count) report('set', `${setName(catalog, set)} has ${members.get(set) ?? 0} members, but there are ${count} such vertices`);
    }
    for (const [set, count] of members) if (!expected.has(set) && count > 0) report('set', `${setName(catalog, set)} has ${count} members, but there are no such vertices`);
  }

  // -------------------------------------------------------------- indexes and counters

  #index(index: IndexDef): void {
    const { source, report, catalog } = this.#options;
    const pages = { page: (number: number): IndexPage | undefined => source.get(INDEX, number) };
    let right = 0;
    let last: { key: IndexPage['keys'][number]; id: number } | undefined;
    try {
      for (const leaf of leaves(pages, index.root, undefined, undefined, false)) {
        for (const [i, key] of leaf.keys.entries()) {
          const id = leaf.ids[i]!;
          const block = index.kind === 'vertex' ? source.get(VERTEX, id) : source.get(EDGE, id);
          const isOf = block !== undefined && ('labels' in block ? block.labels.includes(index.labelId) : block.typeId === index.labelId);
          const own = isOf ? indexKey(index, block) : undefined;
          const order = last === undefined ? -1 : compareKeys(last.key, key) || last.id - id;
          if (own === undefined || compareKeys(own, key) !== 0) report('index', `${index.name}: the entry for ${index.kind} ${id} is not what it holds`);
          else if (order >= 0) report('index', `${index.name}: the entry for ${index.kind} ${id} is out of order`);
          else right++;
          if (index.unique && last !== undefined && compareKeys(last.key, key) === 0) report('index', `${index.name}: ${index.kind} ${last.id} and ${id} share a value`);
          last = { key, id };
        }
      }
    } catch (error) {
      report('index', `${index.name} cannot be walked: ${error instanceof Error ? error.message : String(error)}`);
    }
    const expected = this.#entries.get(index.id) ?? 0;
    const label = (index.kind === 'vertex' ? catalog.data.labels : catalog.data.types)[index.labelId];
    if (right !== expected) report('index', `${index.name} on ${label}: ${right} right entries, but ${expected} elements belong into it`);
  }

  /** Postings by number and sum: there are too many to look each up at its document. */
  #text({ index, sums, entries, count }: TextCheck): void {
    const { source, report } = this.#options;
    const found = new Checksum();
    let [number, last, lastId] = [0, '', -1];
    try {
      for (const leaf of leaves({ page: (page) => source.get(INDEX, page) }, index.root, undefined, undefined, false)) {
        for (const [i, key] of leaf.keys.entries()) {
          const id = leaf.ids[i]!;
          if (typeof key !== 'string' || (compareKeys(last, key) || lastId - id) >= 0) report('index', `${index.name}: the entry for ${index.kind} ${documentOf(id)} is out of order`);
          [last, lastId] = [String(key), id];
          addEntry(found, last, id);
          number++;
        }
      }
    } catch (error) {
      report('index', `${index.name} cannot be walked: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (number !== count || found.toString() !== entries.toString()) {
      report('index', `${index.name}: ${number} entries of words, but the texts have ${count}${number === count ? ', and they are others' : ''}`);
    }
    const kept = source.get(COUNTERS, 0)?.texts.get(index.id) ?? [];
    if (sums.some((sum, i) => sum !== (kept[i] ?? 0))) report('counter', `the texts and words of ${index.name} are kept as ${kept.join(', ') || 'none'}, counted were ${sums.join(', ')}`);
  }

  #counters(): void {
    const { source, report, catalog } = this.#options;
    const kept = source.get(COUNTERS, 0) ?? new CountersBlock();
    const compare = (name: string, isRight: boolean, has: number, counted: number) => {
      if (!isRight) report('counter', `${name} is kept as ${has}, counted were ${counted}`);
    };
    compare('the number of vertices', kept.vertices === this.#counted.vertices, kept.vertices, this.#counted.vertices);
    compare('the number of edges', kept.edges === this.#counted.edges, kept.edges, this.#counted.edges);
    compare('the next vertex id', kept.nextVertex >= this.#counted.nextVertex, kept.nextVertex, this.#counted.nextVertex);
    compare('the next edge id', kept.nextEdge >= this.#counted.nextEdge, kept.nextEdge, this.#counted.nextEdge);
    for (const [names, has, counted] of [[catalog.data.labels, kept.byLabel, this.#counted.byLabel], [catalog.data.types, kept.byType, this.#counted.byType]] as const) {
      for (const [i, name] of names.entries()) compare(`the number of ${name}`, (has[i] ?? 0) === (counted[i] ?? 0), has[i] ?? 0, counted[i] ?? 0);
    }
  }
}

interface TextCheck {
  readonly index: TextIndexDef;
  /** As in the counters (graph/text/postings.ts). */
  readonly sums: number[];
  readonly entries: Checksum;
  count: number;
}

function addEntry(sum: Checksum, key: string, posting: number): void {
  const bytes = new ByteWriter(16).varint(posting).finish();
  sum.add(Buffer.from(key), bytes);
}

function bits(block: BitmapBlock): number {
  return block.ids(0).length;
}

function setName(catalog: GraphCatalog, set: number): string {
  return set === ALL_VERTICES ? 'the set of all vertices' : `the set of the label ${catalog.data.labels[set - 1] ?? set - 1}`;
}

function bump(counts: number[], at: number): void {
  while (counts.length <= at) counts.push(0);
  counts[at]!++;
}
