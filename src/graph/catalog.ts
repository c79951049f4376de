/**
 * The catalog of one graph: numbers for labels, relationship types and property keys, declared schemas, indexes and
 * constraints. A value: a change makes a new catalog, so that a view keeps the one of its version.
 *
 * Names get their number in the order in which the log first mentions them, so every replica numbers alike.
 */
import { DbError } from '../base/errors.ts';
import type { Value } from '../value/value.ts';

export const FIELD_TYPES = [
  'BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'FLOAT', 'DOUBLE', 'DATE', 'DATETIME', 'STRING', 'BLOB',
  'POINT', 'LINESTRING', 'POLYGON', 'SPATIAL', 'FLOAT_VECTOR',
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

export interface FieldDef {
  readonly name: string;
  readonly type: FieldType;
  readonly optional: boolean;
  /** Of a FLOAT_VECTOR that may be searched: its index. */
  readonly vector?: VectorIndexDef;
}

export interface VectorIndexDef {
  readonly indexType: string;
  /** Numbers of each vector. */
  readonly dimension: number;
  readonly distance: 'l2' | 'ip';
  readonly m: number;
  readonly efConstruction: number;
}

/** A declared label (`vertex`) or relationship type (`edge`); what TuGraph calls a label's schema. */
export interface LabelSchema {
  readonly kind: 'vertex' | 'edge';
  readonly name: string;
  readonly fields: readonly FieldDef[];
  /** Vertex labels: the primary field. */
  readonly primary?: string;
  /** Edge labels: allowed (source label, destination label) pairs; empty allows any. */
  readonly constraints?: readonly (readonly [string, string])[];
  readonly temporal?: string;
  readonly temporalOrder?: 'ASC' | 'DESC';
  readonly detachProperty?: boolean;
}

export interface IndexDef {
  readonly id: number;
  readonly name: string;
  readonly kind: 'vertex' | 'edge';
  /** Label id or relationship type id. */
  readonly labelId: number;
  readonly keyIds: readonly number[];
  readonly unique: boolean;
  readonly pairUnique: boolean;
  /** The index behind a primary field: cannot be dropped. */
  readonly primary: boolean;
  /** Page number of the tree's root; it never changes. */
  readonly root: number;
  /** It does not hold all that belongs into it yet (index-builds.ts): nothing is found by it. Absent: it does. */
  readonly isUnfinished?: true;
}

/** A full-text index: postings of tokens (see text/postings.ts) over fields of one label or several. */
export interface TextIndexDef {
  readonly id: number;
  readonly name: string;
  readonly kind: 'vertex' | 'edge';
  /** Label ids or relationship type ids. */
  readonly labelIds: readonly number[];
  readonly keyIds: readonly number[];
  /** Name of one of text/analyzer.ts, and the revision of the analysis it was made by. */
  readonly analyzer: string;
  readonly revision: number;
  readonly root: number;
  /** As with IndexDef. */
  readonly isUnfinished?: true;
}

/** An index over vectors as Neo4j has it, of any label or type: a name to search by. */
export interface VectorIndex {
  readonly id: number;
  readonly name: string;
  readonly kind: 'vertex' | 'edge';
  /** Label id or relationship type id. */
  readonly labelId: number;
  readonly keyId: number;
  /** Vectors of another length are not found. Absent: each search finds those of its own. */
  readonly dimensions?: number;
  readonly similarity: 'cosine' | 'euclidean';
}

/**
 * Where the vectors of a property stand near those that are like them (vectors/vector-tree.ts): what a search goes by. Indexes of either kind share it; one that was made
 * before there were trees has none.
 */
export interface VectorTree {
  readonly id: number;
  readonly kind: 'vertex' | 'edge';
  /** Label id or relationship type id. */
  readonly labelId: number;
  readonly keyId: number;
  readonly dimensions: number;
  /** What is near: by direction, or by distance. */
  readonly space: 'cosine' | 'euclidean';
  /** The tree's root, and that of the B+tree that says which leaf a vector is in. */
  readonly root: number;
  readonly places: number;
  /** As with IndexDef. */
  readonly isUnfinished?: true;
}

/** What is built in parts, where much data is there before it: an index, or the tree that vector indexes go by. */
export type BuiltIndex = IndexDef | TextIndexDef | VectorTree;

export interface VectorIndexSpec extends Pick<VectorIndex, 'kind' | 'name' | 'dimensions' | 'similarity'> {
  readonly label: string;
  readonly field: string;
}

export interface ConstraintDef {
  readonly id: number;
  readonly name: string;
  readonly type: 'unique' | 'node_key' | 'exists' | 'type';
  readonly kind: 'vertex' | 'edge';
  readonly label: string;
  readonly fields: readonly string[];
  /** Of the rule `type`, which has one field: what its values are, in the form of value/value-type.ts. */
  readonly propertyType?: string;
}

/** The catalog as plain data: what is stored and what travels between threads. */
export interface CatalogData {
  readonly labels: readonly string[];
  readonly types: readonly string[];
  readonly keys: readonly string[];
  readonly schemas: readonly LabelSchema[];
  readonly indexes: readonly IndexDef[];
  readonly constraints: readonly ConstraintDef[];
  /** Full-text indexes; absent where there are none, as in catalogs of releases that did not have them. */
  readonly texts?: readonly TextIndexDef[];
  /** Absent where there are none, as in catalogs of releases that did not have them. */
  readonly vectorIndexes?: readonly VectorIndex[];
  readonly vectorTrees?: readonly VectorTree[];
  /** Next number for an index or constraint. */
  readonly nextId: number;
}

export const EMPTY_CATALOG: CatalogData = {
  labels: [], types: [], keys: [], schemas: [], indexes: [], constraints: [], nextId: 0,
};

/** A read-only catalog with its look-up tables. */
export class GraphCatalog {
  readonly data: CatalogData;
  readonly #labels: Map<string, number>;
  readonly #types: Map<string, number>;
  readonly #keys: Map<string, number>;
  readonly #vertexSchemas = new Map<string, LabelSchema>();
  readonly #edgeSchemas = new Map<string, LabelSchema>();
  /** Whole ones. */
  readonly #indexesByLabel = new Map<number, IndexDef[]>();
  readonly #indexesByType = new Map<number, IndexDef[]>();
  /** All of them; undefined: all are whole. */
  readonly #kept: { readonly vertex: Map<number, IndexDef[]>; readonly edge: Map<number, IndexDef[]> } | undefined;
  /** Full-text indexes. */
  readonly texts: readonly TextIndexDef[];
  /** TuGraph's `strict` graphs: undeclared labels are errors, a vertex has exactly one label. */
  readonly strict: boolean;

  /** `isUsable`: which indexes there are to find something by; the others are in `data` only. */
  constructor(data: CatalogData, strict = false, isUsable: (index: IndexDef) => boolean = () => true) {
    this.data = data;
    this.strict = strict;
    this.#labels = new Map(data.labels.map((name, id) => [name, id]));
    this.#types = new Map(data.types.map((name, id) => [name, id]));
    this.#keys = new Map(data.keys.map((name, id) => [name, id]));
    for (const schema of data.schemas) (schema.kind === 'vertex' ? this.#vertexSchemas : this.#edgeSchemas).set(schema.name, schema);
    if (data.indexes.some(({ isUnfinished }) => isUnfinished)) this.#kept = { vertex: new Map(), edge: new Map() };
    for (const index of data.indexes) {
      if (!isUsable(index)) continue;
      if (this.#kept !== undefined) addTo(this.#kept[index.kind], index);
      if (index.isUnfinished !== true) addTo(index.kind === 'vertex' ? this.#indexesByLabel : this.#indexesByType, index);
    }
    this.texts = data.texts ?? NO_TEXTS;
  }

  /** Numbers, or undefined for a name the graph has never seen (then nothing can match it). */
  findLabel(name: string): number | undefined {
    return this.#labels.get(name);
  }
  findType(name: string): number | undefined {
    return this.#types.get(name);
  }
  findKey(name: string): number | undefined {
    return this.#keys.get(name);
  }

  labelName(id: number): string {
    return this.data.labels[id]!;
  }
  typeName(id: number): string {
    return this.data.types[id]!;
  }
  keyName(id: number): string {
    return this.data.keys[id]!;
  }

  vertexSchema(name: string): LabelSchema | undefined {
    return this.#vertexSchemas.get(name);
  }
  edgeSchema(name: string): LabelSchema | undefined {
    return this.#edgeSchemas.get(name);
  }

  /** Indexes on nodes with that label, to find them by: whole ones. */
  labelIndexes(labelId: number): readonly IndexDef[] {
    return this.#indexesByLabel.get(labelId) ?? NONE;
  }
  typeIndexes(typeId: number): readonly IndexDef[] {
    return this.#indexesByType.get(typeId) ?? NONE;
  }

  /** Those that are kept in step with the data: the same, and those that are being built. */
  indexesKept(kind: 'vertex' | 'edge', labelId: number): readonly IndexDef[] {
    return this.#kept === undefined ? (kind === 'vertex' ? this.labelIndexes(labelId) : this.typeIndexes(labelId)) : this.#kept[kind].get(labelId) ?? NONE;
  }

  /** Full-text indexes that hold a vertex with these labels, or an edge of that type: those that are being built, too. */
  textsOf(kind: 'vertex' | 'edge', labelIds: readonly number[]): readonly TextIndexDef[] {
    if (this.texts.length === 0) return NO_TEXTS;
    return this.texts.filter((text) => text.kind === kind && labelIds.some((id) => text.labelIds.includes(id)));
  }

  /** Of any kind: range, full-text or vector. */
  hasIndexNamed(name: string): boolean {
    return this.findText(name) !== undefined || this.data.indexes.some((index) => index.name === name) || this.vectorIndexes.some((index) => index.name === name);
  }

  findText(name: string): TextIndexDef | undefined {
    return this.texts.find((text) => text.name === name);
  }

  get vectorIndexes(): readonly VectorIndex[] {
    return this.data.vectorIndexes ?? [];
  }

  get vectorTrees(): readonly VectorTree[] {
    return this.data.vectorTrees ?? [];
  }

  /** Those that hold a vertex with these labels, or an edge of that type. */
  vectorTreesOf(kind: 'vertex' | 'edge', labelIds: readonly number[]): readonly VectorTree[] {
    const { vectorTrees } = this.data;
    return vectorTrees === undefined ? NO_TREES : vectorTrees.filter((tree) => tree.kind === kind && labelIds.includes(tree.labelId));
  }

  findVectorTree(wanted: VectorTreeKey): VectorTree | undefined {
    return this.vectorTrees.find((tree) => isTreeOf(tree, wanted));
  }

  /** The same where it may be searched by. */
  findWholeVectorTree(wanted: VectorTreeKey): VectorTree | undefined {
    const tree = this.findVectorTree(wanted);
    return tree?.isUnfinished === true ? undefined : tree;
  }

  /** What would make the vector index again. */
  vectorIndexSpec({ kind, name, labelId, keyId, dimensions, similarity }: VectorIndex): VectorIndexSpec {
    return {
      kind, name, label: kind === 'vertex' ? this.labelName(labelId) : this.typeName(labelId), field: this.keyName(keyId), ...(dimensions === undefined ? {} : { dimensions }), similarity,
    };
  }

  /** Labels or types of a full-text index, and its fields, by name. */
  textLabels(text: TextIndexDef): string[] {
    return text.labelIds.map((id) => (text.kind === 'vertex' ? this.labelName(id) : this.typeName(id)));
  }
  textFields(text: TextIndexDef): string[] {
    return text.keyIds.map((key) => this.keyName(key));
  }

  /** What would make the full-text index again. */
  textSpec(text: TextIndexDef): { kind: TextIndexDef['kind']; name: string; labels: string[]; fields: string[]; analyzer: string } {
    return { kind: text.kind, name: text.name, labels: this.textLabels(text), fields: this.textFields(text), analyzer: text.analyzer };
  }

  findIndex(kind: 'vertex' | 'edge', label: string, fields: readonly string[]): IndexDef | undefined {
    const labelId = kind === 'vertex' ? this.findLabel(label) : this.findType(label);
    if (labelId === undefined) return undefined;
    return this.data.indexes.find((index) => index.kind === kind && index.labelId === labelId && index.keyIds.length === fields.length
      && index.keyIds.every((key, i) => this.keyName(key) === fields[i]));
  }
}

function addTo(byLabel: Map<number, IndexDef[]>, index: IndexDef): void {
  byLabel.set(index.labelId, [...(byLabel.get(index.labelId) ?? []), index]);
}

const NONE: readonly IndexDef[] = [];
const NO_TEXTS: readonly TextIndexDef[] = [];
const NO_TREES: readonly VectorTree[] = [];

export type VectorTreeKey = Pick<VectorTree, 'kind' | 'labelId' | 'keyId' | 'dimensions' | 'space'>;

export function isTreeOf(tree: VectorTree, { kind, labelId, keyId, dimensions, space }: VectorTreeKey): boolean {
  return tree.kind === kind && tree.labelId === labelId && tree.keyId === keyId && tree.dimensions === dimensions && tree.space === space;
}

/** One catalog object per stored block: plan caches compare catalogs by identity. */
const catalogs = new WeakMap<object, GraphCatalog>();
const emptyCatalogs = [new GraphCatalog(EMPTY_CATALOG), new GraphCatalog(EMPTY_CATALOG, true)] as const;

export function catalogOf(block: { readonly data: CatalogData } | undefined, strict: boolean): GraphCatalog {
  if (block === undefined) return emptyCatalogs[strict ? 1 : 0];
  let catalog = catalogs.get(block);
  if (catalog === undefined) catalogs.set(block, catalog = new GraphCatalog(block.data, strict));
  return catalog;
}

/** Checks a name of a label, field, graph, user or role by TuGraph's rule; the limits are in bytes of UTF-8. */
export function checkName(what: 'User' | 'Role' | 'Graph' | 'Label' | 'Field', name: string): void {
  const max = what === 'Label' || what === 'Field' ? 256 : 64;
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > max) {
    throw new DbError('ArgumentError', `Invalid ${what}: name length must be between 1 and ${max}, given [${bytes}]`);
  }
  if (/^[0-9]/.test(name)) throw new DbError('ArgumentError', `Invalid ${what}: name cannot begin with a digit.`);
  if (/[^A-Za-z0-9_\u0080-\u{10FFFF}]|\p{Surrogate}/u.test(name)) {
    throw new DbError('ArgumentError', `Invalid ${what}: name can only contain alphabetic and numeric characters and underscore.`);
  }
}

export type PropertyEntry = readonly [keyId: number, value: Value];
