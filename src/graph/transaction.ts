/**
 * A write transaction on the leader: checks each change, applies it to the transaction's own blocks (so that later
 * reads see it) and records it as an effect for the log.
 */
import { DbError } from '../base/errors.ts';
import { NodeValue, RelationshipValue } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { unpacked } from '../value/packed-floats.ts';
import { CATALOG, COUNTERS, EDGE, VERTEX } from './blocks.ts';
import type { VertexBlock } from './blocks.ts';
import { catalogOf, checkName, GraphCatalog, isTreeOf } from './catalog.ts';
import type { BuiltIndex, ConstraintDef, IndexDef, LabelSchema, VectorIndexSpec, VectorTree, VectorTreeKey, PropertyEntry } from './catalog.ts';
import { changeSystem, EffectWriter, putCatalog, rememberOutcome, systemState } from './effects.ts';
import { ElementRules, isUnique, propertiesOf, withValue } from './element-rules.ts';
import { fieldValue } from './field-values.ts';
import { buildPart, endOfPart, unfinishedIndexes } from './index-builds.ts';
import type { Unfinished } from './index-places.ts';
import { GraphMutator } from './mutator.ts';
import { GraphReader } from './reader.ts';
import { checkFreeName, checkShape, checkNewConstraint, checkNewIndex, checkNewLabel, checkNewVectorIndex, checkNewText, constraintIndex, freeName, owningConstraint, textNamed } from './schema-check.ts';
import { addName, applySchemaChange, edgesOf } from './schema-change.ts';
import type { NameKind, SchemaChange } from './schema-change.ts';
import { OUTCOME, SYSTEM_GRAPH } from './system.ts';
import type { SystemChange, SystemState } from './system.ts';
import { ANALYSIS_REVISION, findAnalyzer } from './text/analyzer.ts';
import { checkType } from './type-rules.ts';
import { checkData, countOf, elementsOf } from './data-checks.ts';
import type { DeleteSummary, GraphWriter, IndexRange, TextIndexSpec } from './view.ts';
import { treesOf, treesOfField, treesOfIndex } from './vectors/declared-trees.ts';
import type { Wanted } from './vectors/vector-search.ts';
import { ChangeSet } from './write-buffer.ts';
import type { BlockSource } from './block-source.ts';

/** Gives out vertex and edge ids. Several open transactions share one, so that no id is given twice. */
export interface IdAllocator {
  vertex(graph: number, floor: number): number;
  edge(graph: number, floor: number): number;
}

export interface TransactionOptions {
  /** Where the transaction starts from. */
  readonly base: (graph: number) => BlockSource;
  readonly baseVersion: number;
  readonly timeMs: number;
  readonly ids: IdAllocator;
  /** Of all effects together; absent: no limit. */
  readonly effectBytesMax?: number;
  /** An index over more elements than these is made unfinished (index-builds.ts), where somebody builds it; absent: none is. */
  readonly indexedAtOnceMax?: number | undefined;
  /** Puts something between the statements' reads of a graph and its blocks, to note what they read. */
  readonly observe?: (graph: number, source: BlockSource) => BlockSource;
}

export class Transaction {
  readonly changes: ChangeSet;
  readonly effects: EffectWriter;
  readonly baseVersion: number;
  readonly timeMs: number;
  readonly #options: TransactionOptions;
  readonly #graphs = new Map<string, GraphTransaction>();
  /** Indexes that it has made, or asks for, and that are not whole before others have built them. */
  readonly unfinished: Unfinished[] = [];
  /** Whoever runs it tells its client what becomes of these; else unique indexes are built in the transaction itself, however many elements there are. */
  awaitsBuilds = false;
  /** A unique index that it has begun, and the effects that belong to it. The client learns after the commit whether it could be built, so nothing else may be in the transaction. */
  #begun: { readonly graph: GraphTransaction; readonly index: number; changes: number } | undefined;
  #changesSystem = false;

  constructor(options: TransactionOptions) {
    this.changes = new ChangeSet(options.base);
    this.effects = new EffectWriter(options.timeMs, options.effectBytesMax);
    this.baseVersion = options.baseVersion;
    this.timeMs = options.timeMs;
    this.#options = options;
  }

  /** The writer of a graph; throws GraphNotFound. */
  graph(name: string): GraphTransaction {
    const known = this.#graphs.get(name);
    if (known !== undefined) return known;
    const info = this.system.graphs.find((one) => one.name === name);
    if (info === undefined) throw new DbError('GraphNotFound', `No such graph: ${name}`);
    const buffer = this.changes.graph(info.id);
    const source = this.#options.observe?.(info.id, buffer) ?? buffer;
    const catalog = catalogOf(source.get(CATALOG, 0), info.strict);
    const graph = new GraphTransaction(this, info.id, name, source, new GraphMutator(buffer, catalog), this.#options.ids);
    this.#graphs.set(name, graph);
    return graph;
  }

  get system(): SystemState {
    return systemState(this.changes);
  }

  get indexedAtOnceMax(): number {
    return this.#options.indexedAtOnceMax ?? Infinity;
  }

  /** Whether a unique index over much data may be begun here, to be built after the commit. */
  get mayBeginUnique(): boolean {
    return this.awaitsBuilds && this.effects.changes === 0;
  }

  noteBegun(graph: GraphTransaction, index: number): void {
    this.#begun = { graph, index, changes: this.effects.changes };
  }

  /** The effect before belongs to the unique index that was begun. */
  noteOfBegun(): void {
    if (this.#begun?.changes === this.effects.changes - 1) this.#begun.changes++;
  }

  /** Whether it changed graphs, users, roles or settings. */
  get changesSystem(): boolean {
    return this.#changesSystem;
  }

  changeSystem(change: SystemChange): void {
    this.#changesSystem = true;
    changeSystem(this.changes, change);
    this.effects.system(change);
    if (change.kind === 'deleteGraph') this.#graphs.delete(change.name);
  }

  /** Keeps the answer of a request for its repetitions. */
  rememberOutcome(key: string, answer: Uint8Array): void {
    rememberOutcome(this.changes, key, this.timeMs, answer);
    this.effects.outcome(key, answer);
  }

  /** Drops remembered answers, by the numbers of their blocks. */
  forgetOutcomes(blocks: readonly number[]): void {
    for (const block of blocks) this.changes.graph(SYSTEM_GRAPH).remove(OUTCOME, block);
    this.effects.forget(blocks);
  }

  /** Ends a statement: throws where a deleted node still has relationships. */
  checkStatement(): void {
    for (const graph of this.#graphs.values()) graph.checkStatement();
    if (this.#begun !== undefined && this.#begun.changes !== this.effects.changes) this.buildBegun();
  }

  /** Builds a unique index that it has begun: to be called where nobody could tell of it after the commit. */
  buildBegun(): void {
    const begun = this.#begun;
    this.#begun = undefined;
    begun?.graph.buildWhole(begun.index);
  }

  /** Ends the transaction: throws where an element lacks a property that a constraint requires. */
  checkCommit(): void {
    this.checkStatement();
    for (const graph of this.#graphs.values()) graph.checkRequired();
  }

  get isEmpty(): boolean {
    return this.effects.count === 0;
  }
}

export class GraphTransaction extends GraphReader implements GraphWriter {
  readonly graphId: number;
  readonly #transaction: Transaction;
  readonly #effects: EffectWriter;
  readonly #mutator: GraphMutator;
  readonly #ids: IdAllocator;
  /** Nodes deleted without DETACH that still had relationships at that moment. */
  readonly #doomed = new Set<number>();
  readonly #rules: ElementRules;

  constructor(transaction: Transaction, graphId: number, name: string, source: BlockSource, mutator: GraphMutator, ids: IdAllocator) {
    super(name, transaction.baseVersion, source, mutator.catalog, false);
    this.graphId = graphId;
    this.#transaction = transaction;
    this.#effects = transaction.effects;
    this.#mutator = mutator;
    this.#ids = ids;
    this.#rules = new ElementRules(this, source);
  }

  // -------------------------------------------------------------- names

  #name(kind: NameKind, name: string): GraphCatalog {
    const what = kind === 'label' ? 'vertex label' : kind === 'type' ? 'edge label' : 'property';
    if (this.catalog.strict) throw new DbError(kind === 'key' ? 'FieldNotFound' : 'LabelNotFound', `No such ${what}: ${name}`);
    if (name === '' || Buffer.byteLength(name) > 1024) throw new DbError('ArgumentError', `a ${what} has 1 to 1024 bytes, given ${Buffer.byteLength(name)}`);
    const catalog = addName(this.catalog, kind, name);
    this.#effects.name(this.graphId, kind, name);
    putCatalog(this.#mutator, catalog);
    this.replaceCatalog(catalog);
    return catalog;
  }

  labelId(name: string): number {
    return this.catalog.findLabel(name) ?? this.#name('label', name).findLabel(name)!;
  }
  typeId(name: string): number {
    return this.catalog.findType(name) ?? this.#name('type', name).findType(name)!;
  }
  keyId(name: string): number {
    return this.catalog.findKey(name) ?? this.#name('key', name).findKey(name)!;
  }

  // -------------------------------------------------------------- nodes

  protected override vertex(node: NodeValue): VertexBlock {
    if (this.#doomed.has(node.id)) throw new DbError('EntityNotFound', `DeletedEntityAccess: the node ${node.id} has been deleted`, { detail: 'DeletedEntityAccess' });
    return super.vertex(node);
  }

  override nodeExists(id: number): boolean {
    return !this.#doomed.has(id) && super.nodeExists(id);
  }

  // What is to be deleted is in sets, indexes and counts until its last relationship is, but is not found there any more.

  #spared<Ids extends ArrayLike<number>>(ids: Ids): Ids | number[] {
    return this.#doomed.size === 0 ? ids : Array.from(ids).filter((id) => !this.#doomed.has(id));
  }

  override *scanNodes(labelId?: number): Generator<ArrayLike<number>> {
    for (const ids of super.scanNodes(labelId)) yield this.#spared(ids);
  }

  override *scanNodesBetween(labelId: number | undefined, from: number, to: number): Generator<ArrayLike<number>> {
    for (const ids of super.scanNodesBetween(labelId, from, to)) yield this.#spared(ids);
  }

  override indexSeek(index: IndexDef, values: readonly Value[]): ArrayLike<number> {
    const ids = super.indexSeek(index, values);
    return index.kind === 'edge' ? ids : this.#spared(ids);
  }

  override *indexRange(index: IndexDef, range: IndexRange): Generator<ArrayLike<number>> {
    for (const ids of super.indexRange(index, range)) yield index.kind === 'edge' ? ids : this.#spared(ids);
  }

  override vectorsNear(tree: VectorTree, wanted: Wanted): number[] {
    const ids = super.vectorsNear(tree, wanted);
    return tree.kind === 'edge' ? ids : this.#spared(ids);
  }

  override nodeCount(labelId?: number): number {
    let count = super.nodeCount(labelId);
    for (const id of this.#doomed) if (labelId === undefined || this.source.get(VERTEX, id)!.labels.includes(labelId)) count--;
    return count;
  }

  createNode(labelIds: readonly number[], properties: Iterable<PropertyEntry>): NodeValue {
    const labels = labelIds.length < 2 ? labelIds : [...new Set(labelIds)];
    if (this.catalog.strict && labels.length !== 1) {
      throw new DbError('ConstraintValidation', `a vertex of the strict graph ${this.graphName} has exactly one label, given ${labels.length}`);
    }
    const entries = this.#rules.checkedProperties('vertex', labels.map((label) => this.catalog.labelName(label)), properties);
    const counters = this.source.get(COUNTERS, 0);
    const id = this.#ids.vertex(this.graphId, counters?.nextVertex ?? 0);
    for (const label of labels) {
      const indexes = this.catalog.indexesKept('vertex', label);
      if (indexes.length > 0) this.#rules.checkUnique(indexes, id, propertiesOf(entries));
    }
    this.#rules.noteLack('vertex', id, labels.map((label) => this.catalog.labelName(label)), entries.map(([key]) => key));
    this.#mutator.createVertex(id, labels, entries);
    this.#effects.createVertex(this.graphId, id, labels, entries);
    return new NodeValue(id);
  }

  setNodeProperty(node: NodeValue, keyId: number, value: Value): boolean {
    const block = this.vertex(node);
    const names = block.labels.map((label) => this.catalog.labelName(label));
    const checked = this.#rules.checkedValue('vertex', names, keyId, value);
    const at = block.keys.indexOf(keyId);
    if (checked === null && at < 0) return false;
    if (checked === null) this.#rules.noteLack('vertex', node.id, names, block.keys.filter((key) => key !== keyId));
    const after = withValue(block, keyId, checked);
    for (const label of block.labels) this.#rules.checkUniqueLater(this.catalog.indexesKept('vertex', label).filter((index) => index.keyIds.includes(keyId)), node.id, after);
    this.#mutator.setVertexProperty(node.id, keyId, checked);
    this.#effects.property(this.graphId, 'vertex', node.id, keyId, checked);
    return true;
  }

  addLabel(node: NodeValue, labelId: number): boolean {
    const block = this.vertex(node);
    if (block.labels.includes(labelId)) return false;
    if (this.catalog.strict) throw new DbError('ConstraintValidation', 'the label of a vertex cannot be changed in a strict graph');
    const schema = this.catalog.vertexSchema(this.catalog.labelName(labelId));
    for (const field of schema?.fields ?? []) {
      const key = this.catalog.findKey(field.name)!;
      const at = block.keys.indexOf(key);
      fieldValue(field, at < 0 ? null : unpacked(block.values[at]!));
    }
    this.#rules.noteLack('vertex', node.id, [this.catalog.labelName(labelId)], block.keys);
    for (const [i, key] of block.keys.entries()) checkType(this.catalog, 'vertex', [this.catalog.labelName(labelId)], key, unpacked(block.values[i]!));
    this.#rules.checkUniqueLater(this.catalog.indexesKept('vertex', labelId), node.id, block);
    this.#mutator.setLabel(node.id, labelId, true);
    this.#effects.label(this.graphId, node.id, labelId, true);
    return true;
  }

  removeLabel(node: NodeValue, labelId: number): boolean {
    if (!this.vertex(node).labels.includes(labelId)) return false;
    if (this.catalog.strict) throw new DbError('ConstraintValidation', 'the label of a vertex cannot be removed in a strict graph');
    this.#mutator.setLabel(node.id, labelId, false);
    this.#effects.label(this.graphId, node.id, labelId, false);
    return true;
  }

  deleteNode(node: NodeValue, detach: boolean): DeleteSummary | undefined {
    if (this.#doomed.has(node.id)) return detach ? { nodes: 0, relationships: this.#deleteEdges(node.id) } : undefined;
    if (!this.nodeExists(node.id)) return undefined;
    let relationships = 0;
    if (detach || this.catalog.strict) relationships = this.#deleteEdges(node.id);
    else if (this.degree(node.id, 'out', undefined) + this.degree(node.id, 'in', undefined) > 0) {
      this.#doomed.add(node.id);
      return { nodes: 1, relationships: 0 };
    }
    this.#deleteVertex(node.id);
    return { nodes: 1, relationships };
  }

  #deleteEdges(id: number): number {
    const edges = edgesOf(this, id);
    for (const edge of edges) this.#deleteEdge(edge);
    return edges.size;
  }

  #deleteVertex(id: number): void {
    this.#mutator.deleteVertex(id);
    this.#effects.deleteVertex(this.graphId, id);
  }

  checkStatement(): void {
    for (const id of this.#doomed) {
      const left = edgesOf(this, id).size;
      if (left > 0) {
        throw new DbError('ConstraintVerificationFailed', `DeleteConnectedNode: cannot delete node ${id}, it still has ${left} relationship${left === 1 ? '' : 's'}`, {
          detail: 'DeleteConnectedNode', hint: 'delete its relationships first, or use DETACH DELETE',
        });
      }
    }
    for (const id of this.#doomed) this.#deleteVertex(id);
    this.#doomed.clear();
    this.#rules.checkContested();
  }

  /** To be called when the transaction ends. */
  checkRequired(): void {
    this.#rules.checkRequired();
  }

  // -------------------------------------------------------------- relationships

  createRelationship(typeId: number, start: number, end: number, properties: Iterable<PropertyEntry>): RelationshipValue {
    const type = this.catalog.typeName(typeId);
    const ends = [this.vertex(new NodeValue(start)), this.vertex(new NodeValue(end))] as const;
    this.#checkEnds(type, ...ends);
    const entries = this.#rules.checkedProperties('edge', [type], properties);
    const id = this.#ids.edge(this.graphId, this.source.get(COUNTERS, 0)?.nextEdge ?? 0);
    const indexes = this.catalog.indexesKept('edge', typeId);
    if (indexes.length > 0) this.#rules.checkUnique(indexes, id, propertiesOf(entries), { start, end });
    this.#rules.noteLack('edge', id, [type], entries.map(([key]) => key));
    this.#mutator.createEdge(id, typeId, start, end, entries);
    this.#effects.createEdge(this.graphId, id, typeId, start, end, entries);
    return new RelationshipValue(id, typeId, start, end);
  }

  #checkEnds(type: string, start: VertexBlock, end: VertexBlock): void {
    const schema = this.catalog.edgeSchema(type);
    if (schema === undefined && this.catalog.strict) throw new DbError('LabelNotFound', `No such edge label: ${type}`);
    if (schema?.constraints === undefined || schema.constraints.length === 0) return;
    const names = (block: VertexBlock) => block.labels.map((label) => this.catalog.labelName(label));
    const [from, to] = [names(start), names(end)];
    if (!schema.constraints.some(([a, b]) => from.includes(a) && to.includes(b))) {
      throw new DbError('ConstraintValidation', 'Does not meet the edge constraints', {
        hint: `${type} may join ${schema.constraints.map(([a, b]) => `(${a})-->(${b})`).join(', ')}; these are (${from.join(':')})-->(${to.join(':')})`,
      });
    }
  }

  setRelationshipProperty(relationship: RelationshipValue, keyId: number, value: Value): boolean {
    const block = this.edge(relationship);
    const type = this.catalog.typeName(block.typeId);
    const checked = this.#rules.checkedValue('edge', [type], keyId, value);
    if (checked === null && !block.keys.includes(keyId)) return false;
    if (checked === null) this.#rules.noteLack('edge', relationship.id, [type], block.keys.filter((key) => key !== keyId));
    this.#rules.checkUniqueLater(this.catalog.indexesKept('edge', block.typeId).filter((index) => index.keyIds.includes(keyId)), relationship.id, withValue(block, keyId, checked), block);
    this.#mutator.setEdgeProperty(relationship.id, keyId, checked);
    this.#effects.property(this.graphId, 'edge', relationship.id, keyId, checked);
    return true;
  }

  deleteRelationship(relationship: RelationshipValue): boolean {
    if (!this.relationshipExists(relationship.id)) return false;
    this.#deleteEdge(relationship.id);
    return true;
  }

  #deleteEdge(id: number): void {
    const ends = this.#doomed.size === 0 ? undefined : this.findRelationship(id)!;
    this.#mutator.deleteEdge(id);
    this.#effects.deleteEdge(this.graphId, id);
    if (ends === undefined) return;
    this.#deleteIfAlone(ends.start);
    this.#deleteIfAlone(ends.end);
  }

  /** What was to be deleted goes with its last relationship: others may take its place in unique indexes. */
  #deleteIfAlone(id: number): void {
    if (!this.#doomed.has(id) || this.degree(id, 'out', undefined) + this.degree(id, 'in', undefined) > 0) return;
    this.#doomed.delete(id);
    this.#deleteVertex(id);
  }

  // -------------------------------------------------------------- schema

  #change(change: SchemaChange): void {
    const catalog = applySchemaChange(this.#mutator, change);
    const strict = new GraphCatalog(catalog.data, this.catalog.strict);
    putCatalog(this.#mutator, strict);
    this.replaceCatalog(strict);
    this.#effects.schema(this.graphId, change);
  }

  /** Makes the trees that are not there yet: at once, or over much data in parts, which come later. */
  #createTrees(wanted: readonly VectorTreeKey[]): void {
    for (const of of wanted) {
      if (this.catalog.findVectorTree(of) === undefined) {
        this.#change({ kind: this.#hasMany(of.kind, [of.kind === 'vertex' ? this.catalog.labelName(of.labelId) : this.catalog.typeName(of.labelId)]) ? 'beginVectorTree' : 'createVectorTree', of });
      }
      this.#await(this.catalog.findVectorTree(of));
    }
  }

  // Over much data indexes are built in parts (index-builds.ts).

  #hasMany(kind: 'vertex' | 'edge', labels: readonly string[]): boolean {
    return countOf(this, kind, labels) > this.#transaction.indexedAtOnceMax;
  }

  #await(index: BuiltIndex | undefined): void {
    if (index?.isUnfinished === true) this.#transaction.unfinished.push({ graph: this.graphId, index: index.id, isUnique: isUnique(index) });
  }

  awaitIndex(name: string): void {
    const vectors = this.catalog.vectorIndexes.find((one) => one.name === name);
    for (const of of vectors === undefined ? [] : treesOfIndex(vectors)) this.#await(this.catalog.findVectorTree(of));
    this.#await(this.catalog.findText(name) ?? this.catalog.data.indexes.find((one) => one.name === name));
  }

  /** Builds the next part of an index that is being built, or ends that. A unique one goes where a value is there twice: the error says which. */
  buildOn(index: BuiltIndex): DbError | undefined {
    const { built } = this.#mutator.counters();
    const to = endOfPart(this, index, built.get(index.id) ?? 0);
    // The last part is not less work than another.
    const end = Math.min(to, this.#mutator.counters().nextVertex);
    const elements = buildPart(this.#mutator, index.id, end);
    this.#effects.build(this.graphId, index.id, end);
    const twice = isUnique(index) ? this.#rules.findTwice(index, elements) : undefined;
    if (twice !== undefined) this.abandonIndex(index.id);
    else if (to === Infinity) this.#change({ kind: 'finishIndex', id: index.id });
    return twice;
  }

  /** Builds all that is left. */
  buildWhole(id: number): void {
    for (let index; (index = unfinishedIndexes(this.catalog.data).find((one) => one.id === id)) !== undefined;) {
      const twice = this.buildOn(index);
      if (twice !== undefined) throw twice;
    }
  }

  /** Drops a range index that is being built, and its constraint; false: there is none. */
  abandonIndex(id: number): boolean {
    const index = this.catalog.data.indexes.find((one) => one.id === id && one.isUnfinished === true);
    if (index === undefined) return false;
    const owner = owningConstraint(this.catalog, index);
    if (owner !== undefined) this.#change({ kind: 'deleteConstraint', name: owner.name });
    this.#change({ kind: 'deleteIndex', id });
    return true;
  }

  /** Drops those that no index goes by any more. */
  #dropTrees(): void {
    const wanted = treesOf(this.catalog);
    for (const tree of this.catalog.vectorTrees) if (!wanted.some((one) => isTreeOf(tree, one))) this.#change({ kind: 'deleteVectorTree', id: tree.id });
  }

  createLabel(schema: LabelSchema): void {
    checkName('Label', schema.name);
    checkNewLabel(this, schema);
    this.#change({ kind: 'createLabel', schema });
    if (schema.kind === 'vertex') {
      this.#change({ kind: 'createIndex', of: 'vertex', name: freeName(this.catalog, `${schema.name}_${schema.primary}`), label: schema.name, fields: [schema.primary!], unique: true, pairUnique: false, primary: true });
    }
    for (const field of schema.fields) this.#createTrees(treesOfField(this.catalog, schema, field));
  }

  deleteLabel(kind: 'vertex' | 'edge', name: string): void {
    const known = kind === 'vertex' ? this.catalog.vertexSchema(name) : this.catalog.edgeSchema(name);
    if (known === undefined) throw new DbError('LabelNotFound', `Label [${name}] does not exist.`);
    this.#change({ kind: 'deleteLabel', of: kind, name });
  }

  /** Replaces a declaration whose data the caller has brought in line. */
  replaceSchema(schema: LabelSchema): void {
    checkShape(schema);
    const before = schema.kind === 'vertex' ? this.catalog.vertexSchema(schema.name) : this.catalog.edgeSchema(schema.name);
    this.#change({ kind: 'replaceSchema', schema });
    this.#dropTrees();
    // An index from before there were trees stays as it is: what is changed may be something else.
    for (const field of schema.fields) {
      if (before?.fields.find(({ name }) => name === field.name)?.vector === undefined) this.#createTrees(treesOfField(this.catalog, schema, field));
    }
  }

  createIndex(index: Parameters<GraphWriter['createIndex']>[0]): void {
    checkNewIndex(this, index);
    const name = index.name ?? freeName(this.catalog, `${index.label}_${index.fields.join('_')}`);
    checkFreeName(this.catalog, name);
    const { kind, label, fields, unique, pairUnique = false } = index;
    const isInParts = this.#hasMany(kind, [label]) && ((!unique && !pairUnique) || this.#transaction.mayBeginUnique);
    this.#change({ kind: isInParts ? 'beginIndex' : 'createIndex', of: kind, name, label, fields, unique, pairUnique, primary: false });
    const made = this.catalog.findIndex(kind, label, fields)!;
    this.#await(made);
    if (!isUnique(made)) return;
    if (isInParts) return this.#transaction.noteBegun(this, made.id);
    // Over data that was there before. The error ends the transaction.
    const twice = this.#rules.findTwice(made, elementsOf(this, kind, made.labelId));
    if (twice !== undefined) throw twice;
  }

  deleteIndex(index: Parameters<GraphWriter['deleteIndex']>[0]): void {
    const known = this.catalog.findIndex(index.kind, index.label, index.fields);
    const what = index.fields.length > 1 ? 'VertexCompositeIndex' : 'VertexIndex';
    if (known === undefined) throw new DbError('IndexNotFound', `${what} [${index.label}:${index.fields.join(',')}] does not exist.`);
    if (known.primary) throw new DbError('ConstraintValidation', `Primary index [${index.fields.join(',')}] can not be deleted.`);
    const owner = owningConstraint(this.catalog, known);
    if (owner !== undefined) throw new DbError('ConstraintValidation', `the index ${known.name} belongs to the constraint ${owner.name}`, { hint: `drop that: DROP CONSTRAINT ${owner.name}` });
    this.#change({ kind: 'deleteIndex', id: known.id });
  }

  createText(text: TextIndexSpec): void {
    const analyzer = findAnalyzer(text.analyzer).name;
    checkNewText(this, text, analyzer);
    const kind = this.#hasMany(text.kind, text.labels) ? 'beginText' : 'createText';
    this.#change({ kind, of: text.kind, name: text.name, labels: text.labels, fields: text.fields, analyzer, revision: ANALYSIS_REVISION });
    this.#await(this.catalog.findText(text.name));
  }

  deleteText(name: string): void {
    this.#change({ kind: 'deleteText', id: textNamed(this.catalog, name).id });
  }

  rebuildText(name: string): void {
    this.#change({ kind: 'rebuildText', id: textNamed(this.catalog, name).id });
  }

  createVectorIndex(index: VectorIndexSpec): void {
    checkNewVectorIndex(this, index);
    this.#change({ kind: 'createVectorIndex', index });
    this.#createTrees(treesOfIndex(this.catalog.vectorIndexes.at(-1)!));
  }

  deleteVectorIndex(name: string): void {
    if (!this.catalog.vectorIndexes.some((one) => one.name === name)) throw new DbError('IndexNotFound', `there is no vector index ${name}`);
    this.#change({ kind: 'deleteVectorIndex', name });
    this.#dropTrees();
  }

  createConstraint(constraint: Omit<ConstraintDef, 'id'>): void {
    checkNewConstraint(this, constraint);
    if (constraint.kind === 'vertex') this.labelId(constraint.label);
    else this.typeId(constraint.label);
    for (const field of constraint.fields) this.keyId(field);
    if (constraint.type === 'unique' || constraint.type === 'node_key') {
      this.createIndex({ kind: constraint.kind, label: constraint.label, fields: constraint.fields, unique: true, name: constraint.name });
    }
    if (constraint.type !== 'unique') checkData(this, constraint, (id) => (constraint.kind === 'vertex' ? this.source.get(VERTEX, id) : this.source.get(EDGE, id)));
    this.#change({ kind: 'createConstraint', constraint });
    this.#transaction.noteOfBegun();
  }

  deleteConstraint(name: string): void {
    const known = this.catalog.data.constraints.find((one) => one.name === name);
    if (known === undefined) throw new DbError('IndexNotFound', `the constraint ${name} does not exist`);
    this.#change({ kind: 'deleteConstraint', name });
    const index = constraintIndex(this.catalog, known);
    if (index !== undefined) this.#change({ kind: 'deleteIndex', id: index.id });
  }

  /** The transaction this graph is changed in: for procedures that change the system too. */
  get transaction(): Transaction {
    return this.#transaction;
  }
}
