/**
 * A graph written from nothing, straight into the blocks of an engine that nobody reads yet: vertices first, then edges, then what is
 * derived from them. Ids ascend, so sets, adjacency and indexes are written once, in order, instead of being changed for each element.
 *
 * The caller has made the schema (transaction.ts); this class fills it. Its blocks are those of graph/mutator.ts.
 */
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import type { CountersBlock } from '../graph/blocks.ts';
import { BITMAP, BitmapBlock, COUNTERS, EDGE, EdgeBlock, PAGE_IDS, setPage, SUMMARY, VERTEX, VertexBlock } from '../graph/blocks.ts';
import type { GraphCatalog, IndexDef } from '../graph/catalog.ts';
import type { Checksum } from '../graph/checksum.ts';
import { indexKey } from '../graph/mutator.ts';
import { ALL_VERTICES } from '../graph/reader.ts';
import { checkType, typeRules } from '../graph/type-rules.ts';
import type { Engine } from '../storage/engine.ts';
import type { Value } from '../value/value.ts';
import { AdjacencyBuild } from './adjacency-build.ts';
import { BlockSink } from './block-sink.ts';
import { IndexBuild } from './index-build.ts';
import { KeyTable } from './key-table.ts';
import { TextBuilds } from './text-builds.ts';

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
  readonly #required: readonly { readonly kind: 'vertex' | 'edge'; readonly of: number; readonly key: number; readonly name: string }[];
  readonly #counters: CountersBlock;
  #adjacency: AdjacencyBuild | undefined;

  constructor(options: BulkGraphOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.#counters = options.counters;
    this.#required = options.catalog.data.constraints.filter(({ type }) => type === 'exists' || type === 'node_key').flatMap(({ kind, label, fields, name }) => fields.map((field) => ({
      kind, name, key: options.catalog.findKey(field)!, of: (kind === 'vertex' ? options.catalog.findLabel(label) : options.catalog.findType(label))!,
    })));
    this.#texts = new TextBuilds(options.catalog, options.scratch);
    this.#sink = new BlockSink(options.engine, options.graph, options.checksum);
    for (const index of options.catalog.data.indexes) {
      const map = index.kind === 'vertex' ? this.#byLabel : this.#byType;
      const target = { index, build: new IndexBuild(join(options.scratch, `index-${index.id}`)), table: index.unique || index.pairUnique || index.primary ? new KeyTable() : undefined };
      map.set(index.labelId, [...(map.get(index.labelId) ?? []), target]);
    }
  }

  /** Keys of the label's primary field. */
  primaryKeys(labelId: number): KeyTable | undefined {
    return this.#byLabel.get(labelId)?.find(({ index }) => index.primary)?.table;
  }

  /** `keys` ascending, no nulls among the values. Throws ConstraintValidation, and has then changed nothing. */
  createVertex(labels: readonly number[], keys: readonly number[], values: Value[]): number {
    assert(this.#adjacency === undefined, 'vertices come before edges');
    const id = this.#counters.nextVertex;
    if (id > IDS_MAX) throw new DbError('ArgumentError', `an import has at most ${IDS_MAX} vertices`);
    const block = new VertexBlock(labels, keys, values);
    this.#checkRequired('vertex', labels, keys);
    this.#checkTypes('vertex', labels, keys, values);
    this.#enter(labels.length === 1 ? this.#byLabel.get(labels[0]!) : labels.flatMap((label) => this.#byLabel.get(label) ?? []), block, id, undefined);
    this.#counters.nextVertex = id + 1;
    this.#counters.vertices++;
    this.#sink.put(VERTEX, id, block);
    if (!this.#options.discard) this.#texts.add('vertex', labels, id, block);
    this.#member(ALL_VERTICES, id);
    for (const label of labels) {
      bump(this.#counters.byLabel, label);
      this.#member(label + 1, id);
    }
    return id;
  }

  /** To be called once between vertices and edges. */
  endVertices(): void {
    for (const set of this.#sets.values()) set.finish();
    this.#adjacency = new AdjacencyBuild(join(this.#options.scratch, 'adjacency'), this.#counters.nextVertex, this.#counters.nextChunk);
  }

  createEdge(typeId: number, start: number, end: number, keys: readonly number[], values: Value[]): number {
    const id = this.#counters.nextEdge;
    const block = new EdgeBlock(typeId, start, end, keys, values);
    this.#checkRequired('edge', [typeId], keys);
    this.#checkTypes('edge', [typeId], keys, values);
    this.#enter(this.#byType.get(typeId), block, id, [start, end]);
    this.#counters.nextEdge = id + 1;
    this.#counters.edges++;
    bump(this.#counters.byType, typeId);
    this.#sink.put(EDGE, id, block);
    if (!this.#options.discard) {
      this.#texts.add('edge', [typeId], id, block);
      this.#adjacency!.add(id, typeId, start, end);
    }
    return id;
  }

  /** Constraints that a property exists. */
  #checkRequired(kind: 'vertex' | 'edge', of: readonly number[], keys: readonly number[]): void {
    for (const rule of this.#required) {
      if (rule.kind !== kind || !of.includes(rule.of) || keys.includes(rule.key)) continue;
      throw new DbError('ConstraintValidation', `the constraint ${rule.name} requires the property ${this.catalog.keyName(rule.key)}`);
    }
  }

  #checkTypes(kind: 'vertex' | 'edge', of: readonly number[], keys: readonly number[], values: readonly Value[]): void {
    if (typeRules(this.catalog).length === 0) return;
    const names = of.map((each) => (kind === 'vertex' ? this.catalog.labelName(each) : this.catalog.typeName(each)));
    for (let i = 0; i < keys.length; i++) checkType(this.catalog, kind, names, keys[i]!, values[i]!);
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

  /** Writes adjacency, indexes and counters. `onRows` hears how many of `2 * edges` ends are done. */
  async finish(onRows: (rows: number) => void): Promise<void> {
    for (const targets of [...this.#byLabel.values(), ...this.#byType.values()]) {
      for (const { index, build } of targets) await build.build(this.#sink, index.root, () => this.#counters.nextPage++);
    }
    for (const { index, build } of this.#texts.all) await build.build(this.#sink, index.root, () => this.#counters.nextPage++, true);
    this.#texts.noteSums(this.#counters);
    await this.#adjacency!.build(this.#sink, onRows);
    this.#counters.nextChunk = this.#adjacency!.nextChunk;
    this.#adjacency!.close();
    this.#sink.put(COUNTERS, 0, this.#counters);
    await this.#sink.finish();
  }

  /** Lets go of files after a failure. */
  abandon(): void {
    for (const targets of [...this.#byLabel.values(), ...this.#byType.values()]) for (const { build } of targets) build.close();
    this.#texts.close();
    this.#adjacency?.close();
  }

  /** All indexes or none: keys are looked for before the first one is entered. */
  #enter(targets: readonly IndexTarget[] | undefined, block: VertexBlock | EdgeBlock, id: number, ends: readonly [number, number] | undefined): void {
    if (targets === undefined) return;
    const keys = targets.map(({ index }) => indexKey(index, block));
    targets.forEach(({ index, table }, i) => {
      const key = keys[i];
      if (table !== undefined && key !== undefined && targets.length > 1 && table.find(unique(index, key, ends)) >= 0) throw this.#taken(index, key);
    });
    targets.forEach(({ index, build, table }, i) => {
      const key = keys[i];
      if (key === undefined) return;
      if (table !== undefined && !table.add(unique(index, key, ends), id)) throw this.#taken(index, key);
      if (!this.#options.discard) build.add(key, id);
    });
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

function unique(index: IndexDef, key: Value, ends: readonly [number, number] | undefined): Value {
  return index.pairUnique ? [...ends!, key] : key;
}

function bump(counts: number[], at: number): void {
  while (counts.length <= at) counts.push(0);
  counts[at]!++;
}

/** A set of ids that ascend. */
class IdSet {
  readonly #sink: BlockSink;
  readonly #set: number;
  #page = -1;
  #bitmap = new BitmapBlock();
  #summaryPage = -1;
  #summary = new BitmapBlock();

  constructor(sink: BlockSink, set: number) {
    this.#sink = sink;
    this.#set = set;
  }

  add(id: number): void {
    const page = Math.floor(id / PAGE_IDS);
    if (page !== this.#page) this.#turn(page);
    this.#bitmap.set(id % PAGE_IDS, true);
  }

  #turn(page: number): void {
    if (this.#page >= 0) this.#sink.put(BITMAP, setPage(this.#set, this.#page), this.#bitmap);
    this.#page = page;
    this.#bitmap = new BitmapBlock();
    const summaryPage = Math.floor(page / PAGE_IDS);
    if (summaryPage !== this.#summaryPage) {
      if (this.#summaryPage >= 0) this.#sink.put(SUMMARY, setPage(this.#set, this.#summaryPage), this.#summary);
      this.#summaryPage = summaryPage;
      this.#summary = new BitmapBlock();
    }
    this.#summary.set(page % PAGE_IDS, true);
  }

  finish(): void {
    if (this.#page < 0) return;
    this.#sink.put(BITMAP, setPage(this.#set, this.#page), this.#bitmap);
    this.#sink.put(SUMMARY, setPage(this.#set, this.#summaryPage), this.#summary);
  }
}
