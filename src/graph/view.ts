/**
 * What the query engine may do with one graph: read it at one version (`GraphView`), or read and change it inside one
 * write transaction (`GraphWriter`).
 *
 * Everything here is synchronous. Whatever a traversal, lookup or ordered index scan touches is a block with a point key
 * (see blocks.ts), so no operator ever waits for an iterator, and a statement is atomic in its thread.
 *
 * Names are numbers inside the engine: labels, relationship types and property keys are numbered per graph by the
 * catalog. Node and relationship ids are dense numbers from 0, below 2^40, never reused.
 */
import { NodeValue } from '../value/value.ts';
import type { CypherMap, RelationshipValue, Value } from '../value/value.ts';
import type { PackedFloats } from '../value/packed-floats.ts';
import type { BuiltIndex, GraphCatalog, IndexDef, LabelSchema, ConstraintDef, VectorIndexSpec, VectorTree, TextIndexDef } from './catalog.ts';
import type { Wanted } from './vectors/vector-search.ts';

export type Direction = 'out' | 'in';

/** Part of one node's adjacency, of one type and direction: the places `from` to `to` - 1 of two parallel columns. */
export interface AdjacencySegment {
  readonly typeId: number;
  readonly from: number;
  readonly to: number;
  readonly neighbours: ArrayLike<number>;
  readonly edges: ArrayLike<number>;
}

/** A bound of an index range scan. `prefix` columns of a composite index are given by `equal`. */
export interface IndexRange {
  /** Values of the first columns, compared for equality. */
  readonly equal?: readonly Value[];
  readonly lower?: { readonly value: Value; readonly inclusive: boolean };
  readonly upper?: { readonly value: Value; readonly inclusive: boolean };
  readonly descending?: boolean;
}

/** Entries of an index in parallel columns. */
export interface IndexEntries {
  readonly keys: readonly Value[];
  readonly ids: readonly number[];
}

/** Integers from `low` to `high`, both included. */
export interface IntegerRange {
  readonly low: number;
  readonly high: number;
  /** All the others instead. */
  readonly isOutside: boolean;
  /** And what has no such property. */
  readonly withAbsent: boolean;
}

/** What is left of ids after a look at what memory holds of them: the first `count`. It may be taken for one look after the other, and be what is looked at. */
export interface IdBuffer {
  readonly ids: number[];
  count: number;
  /** All of them are what was asked for, nothing is left to be looked at. */
  isExact: boolean;
}

/** A full-text index to be made. */
export interface TextIndexSpec {
  readonly kind: 'vertex' | 'edge';
  readonly name: string;
  readonly labels: readonly string[];
  readonly fields: readonly string[];
  /** One of text/analyzer.ts. */
  readonly analyzer: string;
}

export interface GraphView {
  readonly graphName: string;
  readonly catalog: GraphCatalog;
  /** Data version (log index of the last change) this view reads. */
  readonly version: number;

  /** Of any number, as callers give it: what is no id is no node's. */
  nodeExists(id: number): boolean;
  relationshipExists(id: number): boolean;
  /** The relationship with that id as a handle, or undefined. */
  findRelationship(id: number): RelationshipValue | undefined;

  /** Ids of the node's labels, ascending. A node that no longer exists throws `EntityNotFound` (detail DeletedEntityAccess). */
  nodeLabels(node: NodeValue): readonly number[];
  hasLabel(node: NodeValue, labelId: number): boolean;
  /** Leaves of the ids of nodes in places `from` to `to` - 1 those with the label. False: they are to be asked for one by one. */
  keepLabelled(ids: ArrayLike<number>, from: number, to: number, labelId: number, left: IdBuffer): boolean;
  /** The property, or null where it has none. */
  nodeProperty(node: NodeValue, keyId: number): Value;
  relationshipProperty(relationship: RelationshipValue, keyId: number): Value;
  /** The property where it is a list of numbers, as numbers: what asks for thousands of vectors need not make values of them. */
  nodeVector(id: number, keyId: number): PackedFloats | undefined;
  relationshipVector(id: number, keyId: number): PackedFloats | undefined;
  nodeProperties(node: NodeValue): CypherMap;
  relationshipProperties(relationship: RelationshipValue): CypherMap;

  /** Node ids in ascending order in arrays of some thousand at most: all nodes, or those with the label. */
  scanNodes(labelId?: number): Iterable<ArrayLike<number>>;
  /** Ids that cut them into at most so many stretches of about as many nodes: where the first one begins, and where each ends. */
  cutNodes?(labelId: number | undefined, parts: number): number[];
  /** Those of them with ids from `from` to `to` - 1. Absent: the view cannot be read in parts. */
  scanNodesBetween?(labelId: number | undefined, from: number, to: number): Iterable<ArrayLike<number>>;
  /**
   * Leaves of the node ids in places `from` to `to` - 1 those whose property may be in the range, as far as memory holds that without a look at the
   * nodes. False: nothing is known, all may be, and all are left.
   */
  narrowByInteger(ids: ArrayLike<number>, from: number, to: number, keyId: number, range: IntegerRange, left: IdBuffer): boolean;
  /**
   * Puts the property of the nodes in places `from` to `to` - 1 into `integers`, from 0 on, as far as memory holds them and they are integers; NaN where a
   * look at the node is needed. False: it holds none.
   */
  integersOf(ids: ArrayLike<number>, from: number, to: number, keyId: number, integers: Float64Array): boolean;
  /**
   * How many nodes with the label have as that property an integer from `low` to `high` (both included), as far as memory tells without a look at the
   * nodes. `rest` is given the ids of those of which it does not, ascending; `counted`, how many it has told of. Undefined: it tells of none.
   */
  countByInteger(labelId: number, keyId: number, low: number, high: number, rest: (ids: number[]) => void, counted: (nodes: number) => void): number | undefined;
  /** About so many nodes with the label, spread over all of them; the same ones as long as nothing changes. */
  sampleNodes(labelId: number, count: number): number[];
  /** Reads the graph once, so that later reads find in memory what fits; no more than that. `checkpoint` is told how many vertices or relationships are next, and may throw. */
  warmUp(checkpoint: (elements: number) => void): void;
  /** Relationship ids in ascending order, all or of one type. */
  scanRelationships(typeId?: number): Iterable<ArrayLike<number>>;

  /**
   * The node's relationships in one direction, as segments (a hub has many). `typeIds` undefined: all types.
   * A self-loop stands in both directions.
   */
  adjacency(nodeId: number, direction: Direction, typeIds: readonly number[] | undefined): Iterable<AdjacencySegment>;
  /** The neighbours of the nodes at the places `from` to `to` - 1 of `nodeIds`, in the order of these, as places in arrays that are lent. */
  neighbours(
    nodeIds: ArrayLike<number>, from: number, to: number, direction: Direction, typeIds: readonly number[] | undefined,
    sink: (neighbours: ArrayLike<number>, from: number, to: number) => void,
  ): void;
  degree(nodeId: number, direction: Direction, typeIds: readonly number[] | undefined): number;

  /** The types of which the node has relationships in that direction. */
  typesAt(nodeId: number, direction: Direction): readonly number[];

  /** Node ids whose indexed properties equal the values (all columns given, none null), ascending. */
  indexSeek(index: IndexDef, values: readonly Value[]): ArrayLike<number>;
  /** Ids in index order, within the range; nulls are not in an index. */
  indexRange(index: IndexDef, range: IndexRange): Iterable<ArrayLike<number>>;

  /** Pages of a full-text index from the first entry whose key is not below `from` (see text/postings.ts), each with the place of its first one. */
  textEntries(index: TextIndexDef, from: string): Iterable<{ readonly page: IndexEntries; readonly start: number }>;
  /** For each field of a full-text index, how many texts it has and how many tokens they are together. */
  textSums(index: TextIndexDef): readonly { readonly texts: number; readonly tokens: number }[];

  /** How many vectors the tree holds. */
  vectorCount(tree: VectorTree): number;
  /** How much of an index, or of a tree, is built, from 0 to 1: less where it is being built. */
  builtShare(index: Pick<BuiltIndex, 'id' | 'isUnfinished'>): number;
  /** Ids of elements whose vectors may be the nearest, in any order: some more than are to be found. */
  vectorsNear(tree: VectorTree, wanted: Wanted): number[];

  /** Exact counts, kept with the data. */
  nodeCount(labelId?: number): number;
  relationshipCount(typeId?: number): number;
}

export interface DeleteSummary {
  /** 0: an earlier DELETE of the statement took the node, and this one what held it. */
  readonly nodes: 0 | 1;
  readonly relationships: number;
}

/** A view of a write transaction: reads see the transaction's own changes. Changes become effects in the replicated log. */
export interface GraphWriter extends GraphView {
  /** The number of a name, given to it now if it is new (for use in an updating clause only). */
  labelId(name: string): number;
  typeId(name: string): number;
  keyId(name: string): number;

  /** Null property values are left out. Throws `ConstraintValidation` and the like for declared labels and unique indexes. */
  createNode(labelIds: readonly number[], properties: Iterable<readonly [keyId: number, value: Value]>): NodeValue;
  createRelationship(
    typeId: number, start: number, end: number, properties: Iterable<readonly [keyId: number, value: Value]>,
  ): RelationshipValue;
  /** Null removes. Each returns whether anything changed. Whether a value that must be there once is, `checkStatement` says: other values may be yet to change. */
  setNodeProperty(node: NodeValue, keyId: number, value: Value): boolean;
  setRelationshipProperty(relationship: RelationshipValue, keyId: number, value: Value): boolean;
  addLabel(node: NodeValue, labelId: number): boolean;
  removeLabel(node: NodeValue, labelId: number): boolean;
  /** False when it was gone already. */
  deleteRelationship(relationship: RelationshipValue): boolean;
  /** Undefined when it was gone already. Without `detach`, relationships that remain are checked at the end of the statement: a later DELETE of it may detach. */
  deleteNode(node: NodeValue, detach: boolean): DeleteSummary | undefined;

  // Schema. Each throws a DbError with TuGraph's text when it does not fit.
  createLabel(schema: LabelSchema): void;
  deleteLabel(kind: 'vertex' | 'edge', name: string): void;
  /** Replaces a declaration whose data the caller has brought in line. */
  replaceSchema(schema: LabelSchema): void;
  /** The statement is to wait for the index of that name, where there is one that is being built. */
  awaitIndex(name: string): void;
  createIndex(index: { kind: 'vertex' | 'edge'; label: string; fields: readonly string[]; unique: boolean; pairUnique?: boolean; name?: string }): void;
  deleteIndex(index: { kind: 'vertex' | 'edge'; label: string; fields: readonly string[] }): void;
  createText(text: TextIndexSpec): void;
  deleteText(name: string): void;
  /** Makes a full-text index anew from its data. */
  rebuildText(name: string): void;
  createVectorIndex(index: VectorIndexSpec): void;
  deleteVectorIndex(name: string): void;
  createConstraint(constraint: Omit<ConstraintDef, 'id'>): void;
  deleteConstraint(name: string): void;

  /**
   * To be called when a statement ends: throws ConstraintVerificationFailed if a deleted node still has relationships, ConstraintValidation
   * if something was set to what must be there once and is there twice.
   */
  checkStatement(): void;
}

/** The property of the node or relationship with that id; null where it has none, or is not there. */
export function propertyOf(view: Pick<GraphView, 'nodeProperty' | 'relationshipProperty' | 'findRelationship'>, kind: IndexDef['kind'], id: number, keyId: number): Value {
  if (kind === 'vertex') return view.nodeProperty(new NodeValue(id), keyId);
  const relationship = view.findRelationship(id);
  return relationship === undefined ? null : view.relationshipProperty(relationship, keyId);
}
