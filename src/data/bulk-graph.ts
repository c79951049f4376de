/**
 * A graph written from nothing, straight into the blocks of an engine that nobody reads yet: vertices first, then edges, then what is
 * derived from them. Ids ascend, so sets, adjacency and indexes are written once, in order, instead of being changed for each element.
 *
 * The caller has made the schema (transaction.ts); this class fills it. Its blocks are those of graph/mutator.ts.
 */
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { CountersBlock } from '../graph/blocks.ts';
import { BITMAP, BitmapBlock, PAGE_IDS, setPage, SUMMARY } from '../graph/bitmaps.ts';
import { COUNTERS, EDGE, EdgeBlock, encodeEdgeHead, VERTEX, VertexBlock } from '../graph/blocks.ts';
import type { GraphCatalog, IndexDef } from '../graph/catalog.ts';
import type { Checksum } from '../graph/checksum.ts';
import { indexKey } from '../graph/mutator.ts';
import { ALL_VERTICES } from '../graph/reader.ts';
import type { Engine } from '../storage/engine.ts';
import type { Value } from '../value/value.ts';
import { AdjacencyBuild, AdjacencyFiles } from './adjacency-build.ts';
import type { AdjacencyTask } from './adjacency-build.ts';
import { BlockSink } from './block-sink.ts';
import { ElementRules } from './element-rules.ts';
import type { AdjacencyStep, ImportHelper } from './import-helper.ts';
import { IndexBuild } from './index-build.ts';
import { KeyTable } from './key-table.ts';
import { bytesAt, keyAt } from './row-batch.ts';
import type { KeyColumn, RowBatch } from './row-batch.ts';
import { RowProblem } from './row-plan.ts';
import { TextBuilds } from './text-builds.ts';
import { buildVectorTrees } from './vector-builds.ts';

/** Ids of an import fit 32 bits: key tables and adjacency files are half the size. */
const IDS_MAX = 2 ** 32 - 2;

export interface BulkGraphOptions {
  readonly engine: Engine;
  readonly graph: number;
  readonly catalog: GraphCatalog;
  readonly counters: CountersBlock;
  readonly checksum: Checksum;
  /** For files that hold what does not fit into memory; must exist. */
  readonly scratch: string;
  /** Checks everything and keeps nothing but keys. */
  readonly discard: boolean;
}

interface IndexTarget {
  readonly index: IndexDef;
  readonly build: IndexBuild;
  /** Keys so far, where the index allows each only once. */
  readonly table: KeyTable | undefined;
}

export class BulkGraph {
  readonly catalog: GraphCatalog;
  readonly #options: BulkGraphOptions;
  readonly #sink: BlockSink;
  readonly #sets = new Map<number, IdSet>();
  readonly #byLabel = new Map<number, IndexTarget[]>();
  readonly #byType = new Map<number, IndexTarget[]>();
  readonly #texts: TextBuilds;
  readonly #rules = new Map<string, ElementRules>();
  readonly #counters: CountersBlock;
  #adjacency: AdjacencyFiles | undefined;

  constructor(options: BulkGraphOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.#counters = options.counters;
    this.#texts = new TextBuilds(options.catalog, options.scratch);
    this.#sink = new BlockSink(options.engine, options.graph, options.checksum);
    const target = (index: IndexDef): IndexTarget => (
      { index, build: new IndexBuild(join(options.scratch, `index-${index.id}`)), table: index.unique || index.pairUnique || index.primary ? new KeyTable() : undefined });
    for (const index of options.catalog.data.indexes) {
      const map = index.kind === 'vertex' ? this.#byLabel : this.#byType;
      map.set(index.labelId, [...(map.get(index.labelId) ?? []), target(index)]);
    }
  }

  /** Keys of the label's primary field. */
  primaryKeys(labelId: number): KeyTable | undefined {
    return this.#byLabel.get(labelId)?.find(({ index }) => index.primary)?.table;
  }

  /** `keys` ascending, no nulls among the values. Throws ConstraintValidation, and has then changed nothing. */
  createVertex(labels: readonly number[], keys: readonly number[], values: Value[]): number {
    const id = this.#newVertex();
    const block = new VertexBlock(labels, keys, values);
    for (const label of labels) this.#checkRules('vertex', this.catalog.labelName(label), keys, values);
    const targets = labels.flatMap((label) => this.#byLabel.get(label) ?? []);
    this.#enter(targets, targets.map(({ index }) => indexKey(index, block)), id, undefined);
    this.#sink.put(VERTEX, id, block);
    if (!this.#options.discard) this.#texts.add('vertex', labels, id, block);
    this.#noteVertex(labels, id);
    return id;
  }

  /** Takes rows of batches (row-batch.ts) as vertices with the label; throws as `createVertex`. */
  vertexTaker(label: number): (batch: RowBatch, row: number) => void {
    const labels = [label];
    const targets = this.#byLabel.get(label) ?? [];
    const keys: (Value | undefined)[] = targets.map(() => undefined);
    const hasTexts = !this.#options.discard && this.catalog.textsOf('vertex', labels).length > 0;
    return (batch, row) => {
      const id = this.#newVertex();
      for (let i = 0; i < keys.length; i++) keys[i] = keyAt(batch.keys[i]!, row);
      this.#enter(targets, keys, id, undefined);
      const { bytes, ends } = batch;
      this.#sink.putPart(VERTEX, id, bytes, row === 0 ? 0 : ends[row - 1]!, ends[row]!);
      if (hasTexts) this.#texts.add('vertex', labels, id, VERTEX.decode(new ByteReader(bytesAt(batch, row))));
      this.#noteVertex(labels, id);
    };
  }

  #newVertex(): number {
    assert(this.#adjacency === undefined, 'vertices come before edges');
    const id = this.#counters.nextVertex;
    if (id > IDS_MAX) throw new DbError('ArgumentError', `an import has at most ${IDS_MAX} vertices`);
    return id;
  }

  #noteVertex(labels: readonly number[], id: number): void {
    this.#counters.nextVertex = id + 1;
    this.#counters.vertices++;
    this.#member(ALL_VERTICES, id);
    for (const label of labels) {
      bump(this.#counters.byLabel, label);
      this.#member(label + 1, id);
    }
  }

  /** To be called once between vertices and edges. */
  endVertices(): void {
    this.#adjacency = new AdjacencyFiles(join(this.#options.scratch, 'adjacency'), this.#counters.nextVertex);
  }

  createEdge(typeId: number, start: number, end: number, keys: readonly number[], values: Value[]): number {
    const id = this.#counters.nextEdge;
    const block = new EdgeBlock(typeId, start, end, keys, values);
    this.#checkRules('edge', this.catalog.typeName(typeId), keys, values);
    const targets = this.#byType.get(typeId) ?? [];
    this.#enter(targets, targets.map(({ index }) => indexKey(index, block)), id, [start, end]);
    this.#sink.put(EDGE, id, block);
    if (!this.#options.discard) this.#texts.add('edge', [typeId], id, block);
    this.#noteEdge(id, typeId, start, end);
    return id;
  }

  /** Takes rows of batches as edges of the type; the first two keys of a row are those of its source and destination. Throws also RowProblem: there is no such end. */
  edgeTaker(typeId: number, source: number, destination: number): (batch: RowBatch, row: number) => void {
    const sources = this.primaryKeys(source)!;
    const destinations = this.primaryKeys(destination)!;
    const targets = this.#byType.get(typeId) ?? [];
    const keys: (Value | undefined)[] = targets.map(() => undefined);
    const hasTexts = !this.#options.discard && this.catalog.textsOf('edge', [typeId]).length > 0;
    const ends: [number, number] = [0, 0];
    const writer = new ByteWriter(1024);
    return (batch, row) => {
      const id = this.#counters.nextEdge;
      const start = ends[0] = endOf(sources, 'source', batch.keys[0]!, row);
      const end = ends[1] = endOf(destinations, 'destination', batch.keys[1]!, row);
      for (let i = 0; i < keys.length; i++) keys[i] = keyAt(batch.keys[i + 2]!, row);
      this.#enter(targets, keys, id, ends);
      const { bytes, ends: rowEnds } = batch;
      encodeEdgeHead(writer.reset(), typeId, start, end).rawOf(bytes, row === 0 ? 0 : rowEnds[row - 1]!, rowEnds[row]!);
      this.#sink.putBytes(EDGE, id, writer.plainView());
      if (hasTexts) this.#texts.add('edge', [typeId], id, EDGE.decode(new ByteReader(writer.view())));
      this.#noteEdge(id, typeId, start, end);
    };
  }

  #noteEdge(id: number, typeId: number, start: number, end: number): void {
    this.#counters.nextEdge = id + 1;
    this.#counters.edges++;
    bump(this.#counters.byType, typeId);
    if (!this.#options.discard) this.#adjacency!.add(id, typeId, start, end);
  }

  #checkRules(kind: 'vertex' | 'edge', label: string, keys: readonly number[], values: readonly Value[]): void {
    const name = `${kind} ${label}`;
    let rules = this.#rules.get(name);
    if (rules === undefined) this.#rules.set(name, rules = new ElementRules(this.catalog, kind, label));
    rules.check(keys, values);
  }

  drain(): Promise<void> {
    return this.#sink.drain();
  }

  get vertices(): number {
    return this.#counters.vertices;
  }
  get edges(): number {
    return this.#counters.edges;
  }
  /** Bytes of key tables, outside the JavaScript heap. */
  get keyBytes(): number {
    let bytes = 0;
    for (const targets of [...this.#byLabel.values(), ...this.#byType.values()]) for (const { table } of targets) bytes += table?.bytes ?? 0;
    return bytes;
  }

  /** Writes adjacency, indexes and counters. `onRows` hears how many more of `2 * edges` ends are done. */
  async finish(helper: ImportHelper | undefined, onRows: (rows: number) => void): Promise<void> {
    for (const set of this.#sets.values()) set.finish();
    const task = this.#adjacency!.finish(this.#counters.nextChunk);
    // The helper, if there is one, begins while indexes are made here.
    const steps = helper?.adjacency(task);
    for (const targets of [...this.#byLabel.values(), ...this.#byType.values()]) {
      for (const { index, build } of targets) await build.build(this.#sink, index.root, () => this.#counters.nextPage++);
    }
    for (const { index, build } of this.#texts.all) await build.build(this.#sink, index.root, () => this.#counters.nextPage++, true);
    this.#texts.noteSums(this.#counters);
    this.#counters.nextChunk = await (steps === undefined ? this.#buildAdjacency(task, onRows) : this.#takeAdjacency(steps, onRows));
    this.#adjacency!.close();
    const { engine, graph, discard } = this.#options;
    if (!discard && this.catalog.vectorTrees.length > 0) {
      await this.#sink.finish();
      await buildVectorTrees({ engine, graph, catalog: this.catalog, counters: this.#counters, sink: this.#sink, allocate: () => this.#counters.nextPage++ });
    }
    this.#sink.put(COUNTERS, 0, this.#counters);
    await this.#sink.finish();
  }

  async #buildAdjacency(task: AdjacencyTask, onRows: (rows: number) => void): Promise<number> {
    const build = new AdjacencyBuild(task);
    await build.build(this.#sink, onRows);
    return build.nextChunk;
  }

  async #takeAdjacency(steps: () => Promise<AdjacencyStep>, onRows: (rows: number) => void): Promise<number> {
    for (;;) {
      const { batch, rows, nextChunk } = await steps();
      onRows(rows);
      if (batch === undefined) return nextChunk;
      this.#sink.putBatch(batch);
      await this.#sink.drain();
    }
  }

  /** Lets go of files after a failure. */
  abandon(): void {
    for (const targets of [...this.#byLabel.values(), ...this.#byType.values()]) for (const { build } of targets) build.close();
    this.#texts.close();
    this.#adjacency?.close();
  }

  /** All indexes or none: keys are looked for before the first one is entered. */
  #enter(targets: readonly IndexTarget[], keys: readonly (Value | undefined)[], id: number, ends: readonly [number, number] | undefined): void {
    if (targets.length > 1) {
      for (let i = 0; i < targets.length; i++) {
        const { index, table } = targets[i]!;
        const key = keys[i];
        if (table !== undefined && key !== undefined && table.find(unique(index, key, ends)) >= 0) throw this.#taken(index, key);
      }
    }
    for (let i = 0; i < targets.length; i++) {
      const { index, build, table } = targets[i]!;
      const key = keys[i];
      if (key === undefined) continue;
      if (table !== undefined && !table.add(unique(index, key, ends), id)) throw this.#taken(index, key);
      if (!this.#options.discard) build.add(key, id);
    }
  }

  #taken(index: IndexDef, key: Value): DbError {
    const text = Array.isArray(key) ? key.map(String).join(', ') : String(key);
    return new DbError('ConstraintValidation', index.primary ? `duplicate primary field: ${text}` : `Duplicate unique index field: ${text}`, {
      hint: `${index.name} allows each value once`,
    });
  }

  #member(set: number, id: number): void {
    let members = this.#sets.get(set);
    if (members === undefined) this.#sets.set(set, members = new IdSet(this.#sink, set));
    members.add(id);
  }
}

function endOf(table: KeyTable, what: string, column: KeyColumn, row: number): number {
  const number = column.numbers[row]!;
  const key = Number.isNaN(number) ? keyAt(column, row)! : number;
  const id = table.find(key);
  if (id < 0) throw new RowProblem(`no vid for ${what} node primary field: ${String(key)}`, { value: String(key) });
  return id;
}

function unique(index: IndexDef, key: Value, ends: readonly [number, number] | undefined): Value {
  return index.pairUnique ? [...ends!, key] : key;
}

function bump(counts: number[], at: number): void {
  while (counts.length <= at) counts.push(0);
  counts[at]!++;
}

/**
 * A set of ids that ascend. Its pages (half a kilobyte for 4,096 ids) are written in the end: what is written meanwhile then has keys that only ascend, and
 * LevelDB has nothing to merge.
 */
class IdSet {
  readonly #sink: BlockSink;
  readonly #set: number;
  readonly #pages = new Map<number, BitmapBlock>();
  #page = -1;
  #bitmap = new BitmapBlock();

  constructor(sink: BlockSink, set: number) {
    this.#sink = sink;
    this.#set = set;
  }

  add(id: number): void {
    const page = Math.floor(id / PAGE_IDS);
    if (page !== this.#page) {
      this.#page = page;
      this.#pages.set(page, this.#bitmap = new BitmapBlock());
    }
    this.#bitmap.set(id % PAGE_IDS, true);
  }

  finish(): void {
    const summaries = new Map<number, BitmapBlock>();
    for (const [page, bitmap] of this.#pages) {
      this.#sink.put(BITMAP, setPage(this.#set, page), bitmap);
      const summaryPage = Math.floor(page / PAGE_IDS);
      let summary = summaries.get(summaryPage);
      if (summary === undefined) summaries.set(summaryPage, summary = new BitmapBlock());
      summary.set(page % PAGE_IDS, true);
    }
    for (const [page, summary] of summaries) this.#sink.put(SUMMARY, setPage(this.#set, page), summary);
  }
}
