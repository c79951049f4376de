/**
 * Changes of a graph's schema, as every replica applies them: names, declared labels, indexes, constraints. Building an
 * index and deleting a label walk the data in id order, so all replicas do the same work and reach the same pages.
 */
import { unreachable } from '../base/assert.ts';
import { VERTEX, EDGE } from './blocks.ts';
import type { Properties } from './blocks.ts';
import { dropPages, INDEX, IndexPage } from './btree.ts';
import { GraphCatalog } from './catalog.ts';
import type { BuiltIndex, CatalogData, ConstraintDef, IndexDef, LabelSchema, VectorIndex, VectorIndexSpec, VectorTree, VectorTreeKey, TextIndexDef } from './catalog.ts';
import { elementsPlaced } from './index-builds.ts';
import { GraphReader } from './reader.ts';
import type { GraphMutator } from './mutator.ts';
import { buildText, dropText } from './text/postings.ts';
import type { PackedFloats } from '../value/packed-floats.ts';
import { VectorTreeWriter } from './vectors/vector-tree.ts';

export type NameKind = 'label' | 'type' | 'key';

export type SchemaChange =
  | { readonly kind: 'createLabel'; readonly schema: LabelSchema }
  | { readonly kind: 'deleteLabel'; readonly of: 'vertex' | 'edge'; readonly name: string }
  /** Replaces a declaration: fields added, removed, retyped (the values were changed by effects before). */
  | { readonly kind: 'replaceSchema'; readonly schema: LabelSchema }
  | NewIndex & { readonly kind: 'createIndex' }
  | { readonly kind: 'deleteIndex'; readonly id: number }
  | { readonly kind: 'createConstraint'; readonly constraint: Omit<ConstraintDef, 'id'> }
  | { readonly kind: 'deleteConstraint'; readonly name: string }
  | TextSchemaChange
  | VectorIndexSchemaChange
  | VectorTreeSchemaChange
  | BuildSchemaChange;

interface NewIndex {
  readonly of: 'vertex' | 'edge';
  readonly name: string;
  readonly label: string;
  readonly fields: readonly string[];
  readonly unique: boolean;
  readonly pairUnique: boolean;
  readonly primary: boolean;
}

interface NewText {
  readonly of: 'vertex' | 'edge';
  readonly name: string;
  readonly labels: readonly string[];
  readonly fields: readonly string[];
  readonly analyzer: string;
  readonly revision: number;
}

/** Changes that releases without full-text indexes do not know (see EFFECT_FORMAT_TEXT). */
export type TextSchemaChange =
  | NewText & { readonly kind: 'createText' }
  | { readonly kind: 'deleteText'; readonly id: number }
  | { readonly kind: 'rebuildText'; readonly id: number };

/** Changes that releases without vector indexes of Neo4j's kind do not know (see EFFECT_FORMAT_VECTOR). */
export type VectorIndexSchemaChange =
  | { readonly kind: 'createVectorIndex'; readonly index: VectorIndexSpec }
  | { readonly kind: 'deleteVectorIndex'; readonly name: string };

/** Changes that releases without trees over vectors do not know (see EFFECT_FORMAT_VECTOR_TREE). */
export type VectorTreeSchemaChange =
  | { readonly kind: 'createVectorTree'; readonly of: VectorTreeKey }
  | { readonly kind: 'deleteVectorTree'; readonly id: number };

/** Changes that releases which build no index in parts, or only those over vectors, do not know (see EFFECT_FORMAT_BUILDS and EFFECT_FORMAT_ALL_BUILDS, and index-builds.ts for how one is built). */
export type BuildSchemaChange =
  | NewIndex & { readonly kind: 'beginIndex' }
  | NewText & { readonly kind: 'beginText' }
  | { readonly kind: 'beginVectorTree'; readonly of: VectorTreeKey }
  | { readonly kind: 'finishIndex'; readonly id: number };

/** The catalog with the name; unchanged if it is known. */
export function addName(catalog: GraphCatalog, kind: NameKind, name: string): GraphCatalog {
  const list = kind === 'label' ? 'labels' : kind === 'type' ? 'types' : 'keys';
  if (catalog.data[list].includes(name)) return catalog;
  return new GraphCatalog({ ...catalog.data, [list]: [...catalog.data[list], name] }, catalog.strict);
}

/** Applies the change to the data and gives the catalog after it. */
export function applySchemaChange(mutator: GraphMutator, change: SchemaChange): GraphCatalog {
  const { catalog } = mutator;
  switch (change.kind) {
    case 'createLabel': {
      let next = addName(catalog, change.schema.kind === 'vertex' ? 'label' : 'type', change.schema.name);
      for (const field of change.schema.fields) next = addName(next, 'key', field.name);
      return update(next, { schemas: [...next.data.schemas, change.schema] });
    }
    case 'replaceSchema': {
      let next = catalog;
      for (const field of change.schema.fields) next = addName(next, 'key', field.name);
      return update(next, {
        schemas: next.data.schemas.map((one) => (one.kind === change.schema.kind && one.name === change.schema.name ? change.schema : one)),
      });
    }
    case 'deleteLabel':
      return deleteLabel(mutator, change.of, change.name);
    case 'createIndex':
    case 'beginIndex':
      return createIndex(mutator, change, change.kind === 'createIndex');
    case 'deleteIndex':
      return withoutIndexes(mutator, catalog, (index) => index.id === change.id);
    case 'createConstraint':
      return update(catalog, {
        constraints: [...catalog.data.constraints, { ...change.constraint, id: catalog.data.nextId }], nextId: catalog.data.nextId + 1,
      });
    case 'deleteConstraint':
      return update(catalog, { constraints: catalog.data.constraints.filter((one) => one.name !== change.name) });
    case 'createVectorIndex':
      return createVectorIndex(catalog, change.index);
    case 'deleteVectorIndex':
      return withVectorIndexes(catalog, catalog.vectorIndexes.filter(({ name }) => name !== change.name));
    case 'createVectorTree':
      return createVectorTree(mutator, change.of, true);
    case 'beginVectorTree':
      return createVectorTree(mutator, change.of, false);
    case 'finishIndex':
      return finishIndex(mutator, change.id);
    case 'deleteVectorTree':
      return withoutVectorTrees(mutator, (tree) => tree.id === change.id);
    case 'createText':
    case 'beginText':
      return createText(mutator, change, change.kind === 'createText');
    case 'deleteText':
      return withoutTexts(mutator, (text) => text.id === change.id);
    case 'rebuildText':
      fillText(mutator, catalog, catalog.texts.find(({ id }) => id === change.id)!);
      return catalog;
    default:
      return unreachable(change);
  }
}

function update(catalog: GraphCatalog, part: Partial<CatalogData>): GraphCatalog {
  return new GraphCatalog({ ...catalog.data, ...part }, catalog.strict);
}

function createIndex(mutator: GraphMutator, change: NewIndex, isWhole: boolean): GraphCatalog {
  let catalog = addName(mutator.catalog, change.of === 'vertex' ? 'label' : 'type', change.label);
  for (const field of change.fields) catalog = addName(catalog, 'key', field);
  const index: IndexDef = {
    id: catalog.data.nextId, name: change.name, kind: change.of,
    labelId: (change.of === 'vertex' ? catalog.findLabel(change.label) : catalog.findType(change.label))!,
    keyIds: change.fields.map((field) => catalog.findKey(field)!),
    unique: change.unique, pairUnique: change.pairUnique, primary: change.primary, root: mutator.allocate(), ...(isWhole ? {} : { isUnfinished: true }),
  };
  mutator.buffer.put(INDEX, index.root, new IndexPage([], [], undefined));
  if (isWhole) fillIndex(mutator, catalog, index);
  else mutator.counters().built.set(index.id, 0);
  return update(catalog, { indexes: [...catalog.data.indexes, index], nextId: index.id + 1 });
}

function fillIndex(mutator: GraphMutator, catalog: GraphCatalog, index: IndexDef): void {
  const reader = new GraphReader('', 0, mutator.buffer, catalog, false);
  const source = index.kind === 'vertex' ? reader.scanNodes(index.labelId) : reader.scanRelationships(index.labelId);
  for (const ids of source) {
    for (let i = 0; i < ids.length; i++) {
      const block = index.kind === 'vertex' ? mutator.buffer.get(VERTEX, ids[i]!) : mutator.buffer.get(EDGE, ids[i]!);
      if (block !== undefined) mutator.indexVertex(index, ids[i]!, block, true);
    }
  }
}

/** The catalog without some indexes, whose pages go too. */
function withoutIndexes(mutator: GraphMutator, catalog: GraphCatalog, leaves: (index: IndexDef) => boolean): GraphCatalog {
  for (const { id, root, isUnfinished } of catalog.data.indexes.filter(leaves)) {
    dropPages(mutator, root);
    mutator.remove(root);
    if (isUnfinished === true) mutator.counters().built.delete(id);
  }
  return update(catalog, { indexes: catalog.data.indexes.filter((index) => !leaves(index)) });
}

function createText(mutator: GraphMutator, change: NewText, isWhole: boolean): GraphCatalog {
  let catalog = mutator.catalog;
  for (const label of change.labels) catalog = addName(catalog, change.of === 'vertex' ? 'label' : 'type', label);
  for (const field of change.fields) catalog = addName(catalog, 'key', field);
  const text: TextIndexDef = {
    id: catalog.data.nextId, name: change.name, kind: change.of,
    labelIds: change.labels.map((label) => (change.of === 'vertex' ? catalog.findLabel(label) : catalog.findType(label))!),
    keyIds: change.fields.map((field) => catalog.findKey(field)!),
    analyzer: change.analyzer, revision: change.revision, root: mutator.allocate(), ...(isWhole ? {} : { isUnfinished: true }),
  };
  fillText(mutator, catalog, text);
  return update(catalog, { texts: [...catalog.texts, text], nextId: text.id + 1 });
}

/** Makes it anew; one that is built in parts begins with none. */
function fillText(mutator: GraphMutator, catalog: GraphCatalog, text: TextIndexDef): void {
  const isWhole = text.isUnfinished !== true;
  buildText(mutator, text, isWhole ? documentsOf(mutator, catalog, text) : []);
  if (!isWhole) mutator.counters().built.set(text.id, 0);
}

/** What belongs into a full-text index, by id: of several labels, each vertex once. */
function* documentsOf(mutator: GraphMutator, catalog: GraphCatalog, text: TextIndexDef): Generator<readonly [number, Properties]> {
  const reader = new GraphReader('', 0, mutator.buffer, catalog, false);
  const ids = new Set<number>();
  for (const label of text.labelIds) {
    for (const part of text.kind === 'vertex' ? reader.scanNodes(label) : reader.scanRelationships(label)) for (let i = 0; i < part.length; i++) ids.add(part[i]!);
  }
  for (const id of [...ids].sort((a, b) => a - b)) {
    const block = text.kind === 'vertex' ? mutator.buffer.get(VERTEX, id) : mutator.buffer.get(EDGE, id);
    if (block !== undefined) yield [id, block];
  }
}

/** The catalog without some full-text indexes, whose pages go too. */
function withoutTexts(mutator: GraphMutator, leaves: (text: TextIndexDef) => boolean): GraphCatalog {
  const { catalog } = mutator;
  for (const text of catalog.texts) {
    if (!leaves(text)) continue;
    dropText(mutator, text);
    if (text.isUnfinished === true) mutator.counters().built.delete(text.id);
  }
  return withTexts(catalog, catalog.texts.filter((text) => !leaves(text)));
}

function createVectorIndex(catalog: GraphCatalog, { kind, name, label, field, dimensions, similarity }: VectorIndexSpec): GraphCatalog {
  const named = addName(addName(catalog, kind === 'vertex' ? 'label' : 'type', label), 'key', field);
  const id = named.data.nextId;
  const index: VectorIndex = {
    id, name, kind, labelId: (kind === 'vertex' ? named.findLabel(label) : named.findType(label))!, keyId: named.findKey(field)!, ...(dimensions === undefined ? {} : { dimensions }), similarity,
  };
  return update(withVectorIndexes(named, [...named.vectorIndexes, index]), { nextId: id + 1 });
}

function withVectorIndexes(catalog: GraphCatalog, vectorIndexes: readonly VectorIndex[]): GraphCatalog {
  const { vectorIndexes: _before, ...data } = catalog.data;
  return new GraphCatalog(vectorIndexes.length === 0 ? data : { ...data, vectorIndexes }, catalog.strict);
}

function createVectorTree(mutator: GraphMutator, of: VectorTreeKey, isWhole: boolean): GraphCatalog {
  const { catalog } = mutator;
  const tree: VectorTree = { id: catalog.data.nextId, ...of, root: mutator.allocate(), places: mutator.allocate(), ...(isWhole ? {} : { isUnfinished: true }) };
  if (isWhole) fillVectorTree(mutator, catalog, tree);
  else mutator.counters().built.set(tree.id, 0);
  return update(catalog, { vectorTrees: [...catalog.vectorTrees, tree], nextId: tree.id + 1 });
}

function finishIndex(mutator: GraphMutator, id: number): GraphCatalog {
  const { indexes, texts, vectorTrees } = mutator.catalog.data;
  mutator.counters().built.delete(id);
  const whole = <Index extends BuiltIndex>(all: readonly Index[]) => all.map((index) => {
    if (index.id !== id) return index;
    const { isUnfinished: _unfinished, ...rest } = index;
    return rest as Index;
  });
  return update(mutator.catalog, { indexes: whole(indexes), ...(texts === undefined ? {} : { texts: whole(texts) }), ...(vectorTrees === undefined ? {} : { vectorTrees: whole(vectorTrees) }) });
}

/** Fills a tree that is new with what belongs into it: of one that is being built, as far as it is. */
export function fillVectorTree(mutator: GraphMutator, catalog: GraphCatalog, tree: VectorTree): void {
  new VectorTreeWriter(mutator, tree).build(vectorsOf(mutator, catalog, tree));
}

function* vectorsOf(mutator: GraphMutator, catalog: GraphCatalog, tree: VectorTree): Generator<readonly [number, PackedFloats | undefined]> {
  const { kind, labelId, keyId } = tree;
  const reader = new GraphReader('', 0, mutator.buffer, catalog, false);
  const source = tree.isUnfinished === true ? [elementsPlaced(reader, tree, 0, mutator.counters().built.get(tree.id) ?? 0)]
    : kind === 'vertex' ? reader.scanNodes(labelId) : reader.scanRelationships(labelId);
  for (const ids of source) {
    for (let i = 0; i < ids.length; i++) yield [ids[i]!, kind === 'vertex' ? reader.nodeVector(ids[i]!, keyId) : reader.relationshipVector(ids[i]!, keyId)];
  }
}

/** The catalog without some trees, whose pages go too. */
function withoutVectorTrees(mutator: GraphMutator, leaves: (tree: VectorTree) => boolean): GraphCatalog {
  const { catalog } = mutator;
  for (const tree of catalog.vectorTrees) if (leaves(tree)) new VectorTreeWriter(mutator, tree).drop();
  const { vectorTrees, ...data } = catalog.data;
  const rest = (vectorTrees ?? []).filter((tree) => !leaves(tree));
  return new GraphCatalog(rest.length === 0 ? data : { ...data, vectorTrees: rest }, catalog.strict);
}

function withTexts(catalog: GraphCatalog, texts: readonly TextIndexDef[]): GraphCatalog {
  const { texts: _before, ...data } = catalog.data;
  return new GraphCatalog(texts.length === 0 ? data : { ...data, texts }, catalog.strict);
}

/** Deletes the declaration with all its vertices (and their edges) or edges. The name keeps its number. */
function deleteLabel(mutator: GraphMutator, of: 'vertex' | 'edge', name: string): GraphCatalog {
  const id = of === 'vertex' ? mutator.catalog.findLabel(name) : mutator.catalog.findType(name);
  // First, so that its elements need not leave it one by one.
  const catalog = mutator.catalog = withoutVectorTrees(mutator, (tree) => tree.kind === of && tree.labelId === id);
  const reader = new GraphReader('', 0, mutator.buffer, catalog, false);
  if (id !== undefined && of === 'edge') {
    for (const ids of [...reader.scanRelationships(id)].map((list) => Array.from(list))) for (const edge of ids) mutator.deleteEdge(edge);
  }
  if (id !== undefined && of === 'vertex') {
    for (const ids of [...reader.scanNodes(id)].map((list) => Array.from(list))) {
      for (const vertex of ids) {
        for (const edge of edgesOf(reader, vertex)) mutator.deleteEdge(edge);
        mutator.deleteVertex(vertex);
      }
    }
  }
  // The label's elements have left the full-text indexes; one that has no other label goes.
  const isLast = (text: TextIndexDef) => text.kind === of && text.labelIds.every((label) => label === id);
  const texts = withoutTexts(mutator, isLast).texts
    .map((text) => (text.kind === of ? { ...text, labelIds: text.labelIds.filter((label) => label !== id) } : text));
  const rest = withoutIndexes(mutator, withTexts(catalog, texts), (one) => one.kind === of && one.labelId === id);
  return update(withVectorIndexes(rest, rest.vectorIndexes.filter((one) => one.kind !== of || one.labelId !== id)), {
    schemas: catalog.data.schemas.filter((one) => one.kind !== of || one.name !== name),
    constraints: catalog.data.constraints.filter((one) => one.kind !== of || one.label !== name),
  });
}

/** All edges at a vertex, each once. */
export function edgesOf(reader: GraphReader, vertex: number): Set<number> {
  const edges = new Set<number>();
  for (const direction of ['out', 'in'] as const) {
    for (const segment of reader.adjacency(vertex, direction, undefined)) {
      for (let i = segment.from; i < segment.to; i++) edges.add(segment.edges[i]!);
    }
  }
  return edges;
}
