/**
 * Blocks: the units in which a graph is stored, cached and changed. Each kind has a number space of its own per graph
 * and one point key per block, so that any traversal or look-up is synchronous.
 *
 *   key    | 'g' | graph u32 | kind u8 | number u48 |   big-endian, 12 bytes
 *
 *   kind          number                   holds
 *   VERTEX   1    vertex id                labels, properties
 *   EDGE     2    edge id                  type, ends, properties
 *   ADJACENCY 3   vertex id * 2 + (in?1:0) relationships of one vertex in one direction, by type; a long list of
 *                                          one type lives in chunks
 *   CHUNK    4    chunk number             up to CHUNK_MAX relationships, by ascending edge id
 *   DEGREE   5    as ADJACENCY             counts of the chunked types (the head then need not change per edge)
 *   BITMAP   6    set * 2^26 + page        ids of a set: page 0.. of 4,096 ids; set 0 all vertices, label + 1 otherwise
 *   SUMMARY  7    set * 2^26 + page        which BITMAP pages are not empty
 *   INDEX    8    page number              B+tree page (btree.ts)
 *   COUNTERS 9    0                        next numbers, counts
 *   CATALOG  10   0                        names, schema, indexes (JSON)
 *   VECTOR   13   page number              page of a tree over vectors (vectors/vector-page.ts); 11 and 12: system.ts
 *
 * A decoded block is immutable once its transaction is over; `at` is the version at which a cache last knew it valid.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Value } from '../value/value.ts';
import { skipValue } from '../value/codec.ts';
import { decodeStored, encodeStored, packed, storedSize, unpacked } from '../value/packed-floats.ts';
import type { StoredValue } from '../value/packed-floats.ts';
import type { CatalogData } from './catalog.ts';

export interface Block {
  at: number;
}

export interface BlockKind<B extends Block> {
  readonly tag: number;
  readonly name: string;
  encode(block: B, writer: ByteWriter): void;
  decode(reader: ByteReader): B;
  /** A copy that may be changed. */
  copy(block: B): B;
  /** Rough bytes in memory, for the cache's budget. */
  size(block: B): number;
  /** Part of the logical state, and so of the checksum; the rest is derived from it. */
  readonly logical: boolean;
}

export function blockKey(graph: number, kind: number, block: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key[0] = 0x67;
  key.writeUInt32BE(graph, 1);
  key[5] = kind;
  key.writeUIntBE(block, 6, 6);
  return key;
}

/**
 * Whether an element can have that id: what callers ask for may be any number, and one beyond the 48 bits of a block's number (of which a
 * vertex's adjacency takes two) would be found under another.
 */
export function isElementId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < ELEMENT_IDS;
}

const ELEMENT_IDS = 2 ** 47;

/** Makes the key of one block of a graph that of another. */
export function renumberKey(key: Buffer, kind: number, block: number): void {
  key[5] = kind;
  // By hand: the general method checks what is known, and costs a tenth of a look-up.
  const high = (block / 0x1_0000_0000) | 0;
  key[6] = high >>> 8;
  key[7] = high;
  key[8] = block >>> 24;
  key[9] = block >>> 16;
  key[10] = block >>> 8;
  key[11] = block;
}

// ---------------------------------------------------------------- vertices and edges

/** Parallel arrays of property key numbers (ascending) and values; the key array is shared between equal shapes. */
export interface Properties {
  keys: readonly number[];
  values: StoredValue[];
}

export class VertexBlock implements Block, Properties {
  at = 0;
  labels: readonly number[];
  keys: readonly number[];
  values: StoredValue[];
  constructor(labels: readonly number[], keys: readonly number[], values: StoredValue[]) {
    this.labels = labels;
    this.keys = keys;
    this.values = values;
  }
}

export class EdgeBlock implements Block, Properties {
  at = 0;
  readonly typeId: number;
  readonly start: number;
  readonly end: number;
  keys: readonly number[];
  values: StoredValue[];
  constructor(typeId: number, start: number, end: number, keys: readonly number[], values: StoredValue[]) {
    this.typeId = typeId;
    this.start = start;
    this.end = end;
    this.keys = keys;
    this.values = values;
  }
}

/** One array for each distinct list of numbers: shapes repeat millions of times, and identity serves inline caches. */
const interned = new Map<string, readonly number[]>();
/** The last of each length: what is created together has few shapes, and comparing them needs no text. */
const lastInterned: (readonly number[])[] = [];
export function internNumbers(list: readonly number[]): readonly number[] {
  const last = lastInterned[list.length];
  if (last !== undefined && sameNumbers(last, list)) return last;
  const found = intern(list);
  if (list.length < 64) lastInterned[list.length] = found;
  return found;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function intern(list: readonly number[]): readonly number[] {
  const name = list.join(',');
  const known = interned.get(name);
  if (known !== undefined) return known;
  if (interned.size > 100_000) interned.clear();
  const copy = Object.freeze(list.slice());
  interned.set(name, copy);
  return copy;
}
const NO_NUMBERS = internNumbers([]);
const NO_VALUES: StoredValue[] = [];

export function encodeNumbers(list: readonly number[], writer: ByteWriter): void {
  writer.varint(list.length);
  for (const n of list) writer.varint(n);
}

function decodeNumbers(reader: ByteReader): readonly number[] {
  const length = reader.varint();
  if (length === 0) return NO_NUMBERS;
  const list: number[] = [];
  for (let i = 0; i < length; i++) list.push(reader.varint());
  return internNumbers(list);
}

function encodeProperties(block: Properties, writer: ByteWriter): void {
  encodeNumbers(block.keys, writer);
  for (const value of block.values) encodeStored(writer, value);
}

function decodeProperties(reader: ByteReader): Properties {
  const keys = decodeNumbers(reader);
  const values: StoredValue[] = [];
  for (let i = 0; i < keys.length; i++) values.push(decodeStored(reader));
  return { keys, values };
}

/** Fails where `decodeProperties` would. */
function skipProperties(reader: ByteReader): void {
  let left = reader.varint();
  for (let key = left; key > 0; key--) reader.varint();
  for (; left > 0; left--) skipValue(reader);
}

function propertiesSize(block: Properties): number {
  let bytes = 16 + block.values.length * 8;
  for (const value of block.values) bytes += storedSize(value);
  return bytes;
}

export const VERTEX: BlockKind<VertexBlock> = {
  tag: 1, name: 'vertex', logical: true,
  encode(block, writer) {
    encodeNumbers(block.labels, writer);
    encodeProperties(block, writer);
  },
  decode(reader) {
    const labels = decodeNumbers(reader);
    const { keys, values } = decodeProperties(reader);
    return new VertexBlock(labels, keys, values);
  },
  copy: (block) => new VertexBlock(block.labels, block.keys, block.values.slice()),
  size: (block) => 100 + propertiesSize(block),
};

/** What stands before the properties of an edge. */
export function encodeEdgeHead(writer: ByteWriter, typeId: number, start: number, end: number): ByteWriter {
  return writer.varint(typeId).varint(start).varint(end);
}

export const EDGE: BlockKind<EdgeBlock> = {
  tag: 2, name: 'edge', logical: true,
  encode(block, writer) {
    encodeProperties(block, encodeEdgeHead(writer, block.typeId, block.start, block.end));
  },
  decode(reader) {
    const typeId = reader.varint();
    const start = reader.varint();
    const end = reader.varint();
    const { keys, values } = decodeProperties(reader);
    return new EdgeBlock(typeId, start, end, keys, values);
  },
  copy: (block) => new EdgeBlock(block.typeId, block.start, block.end, block.keys, block.values.slice()),
  size: (block) => 110 + propertiesSize(block),
};

/** The value of a key, or null. */
export function propertyOf(block: Properties, keyId: number): Value {
  return unpacked(storedOf(block, keyId));
}

/** The same, as it is kept. */
export function storedOf(block: Properties, keyId: number): StoredValue {
  const { keys } = block;
  for (let i = 0; i < keys.length; i++) if (keys[i] === keyId) return block.values[i]!;
  return null;
}

/** Sets or (null) removes a property in a block that may be changed; tells whether anything changed. */
export function setProperty(block: Properties, keyId: number, value: Value): boolean {
  const at = block.keys.indexOf(keyId);
  if (value === null) {
    if (at < 0) return false;
    block.keys = internNumbers(block.keys.filter((key) => key !== keyId));
    block.values = block.values.filter((_, i) => i !== at);
    return true;
  }
  if (at >= 0) {
    block.values[at] = packed(value);
    return true;
  }
  let place = block.keys.findIndex((key) => key > keyId);
  if (place < 0) place = block.keys.length;
  block.keys = internNumbers([...block.keys.slice(0, place), keyId, ...block.keys.slice(place)]);
  block.values = [...block.values.slice(0, place), packed(value), ...block.values.slice(place)];
  return true;
}

/** For those who look at all blocks: reads the whole block, and makes properties only of an element that `needs` them. */
export function skimVertex(reader: ByteReader, needs: (labels: readonly number[]) => boolean): VertexBlock {
  const labels = decodeNumbers(reader);
  if (needs(labels)) {
    const { keys, values } = decodeProperties(reader);
    return new VertexBlock(labels, keys, values);
  }
  skipProperties(reader);
  return new VertexBlock(labels, NO_NUMBERS, NO_VALUES);
}

export function skimEdge(reader: ByteReader, needs: (type: number) => boolean): EdgeBlock {
  const typeId = reader.varint();
  const start = reader.varint();
  const end = reader.varint();
  if (needs(typeId)) {
    const { keys, values } = decodeProperties(reader);
    return new EdgeBlock(typeId, start, end, keys, values);
  }
  skipProperties(reader);
  return new EdgeBlock(typeId, start, end, NO_NUMBERS, NO_VALUES);
}

// ---------------------------------------------------------------- adjacency

export type Ids = number[] | Uint32Array | Float64Array;

export interface ChunkRef {
  readonly chunk: number;
  /** Smallest edge id the chunk may hold. */
  firstEdge: number;
}

/** Relationships of one type: inline columns, or (chunks !== undefined) references to chunks. */
export interface AdjacencyGroup {
  readonly typeId: number;
  neighbours: number[];
  edges: number[];
  chunks: ChunkRef[] | undefined;
}

export class AdjacencyBlock implements Block {
  at = 0;
  groups: AdjacencyGroup[];
  constructor(groups: AdjacencyGroup[]) {
    this.groups = groups;
  }
}

/** Columns sorted by edge id. */
export class ChunkBlock implements Block {
  at = 0;
  neighbours: Ids;
  edges: Ids;
  constructor(neighbours: Ids, edges: Ids) {
    this.neighbours = neighbours;
    this.edges = edges;
  }
}

function encodeRelationships(neighbours: ArrayLike<number>, edges: ArrayLike<number>, writer: ByteWriter): void {
  let last = 0;
  for (let i = 0; i < edges.length; i++) {
    encodeRelationship(writer, edges[i]!, last, neighbours[i]!);
    last = edges[i]!;
  }
}

function decodeColumns(reader: ByteReader): { neighbours: number[]; edges: number[] } {
  const length = reader.varint();
  const neighbours: number[] = [];
  const edges: number[] = [];
  let last = 0;
  for (let i = 0; i < length; i++) {
    last += reader.varint();
    edges.push(last);
    neighbours.push(reader.varint());
  }
  return { neighbours, edges };
}

/** Typed arrays take a fourth of the memory of plain ones, but have a fixed cost that only long columns earn back. */
function compact(column: number[]): Ids {
  for (const value of column) if (value > 0xffffffff) return Float64Array.from(column);
  return Uint32Array.from(column);
}

/** One relationship of a column: its edge, after the one before it (0: none), and its neighbour. */
export function encodeRelationship(writer: ByteWriter, edge: number, edgeBefore: number, neighbour: number): void {
  writer.varint(edge - edgeBefore).varint(neighbour);
}

/** What stands before the relationships of a type that are inline in ADJACENCY, or before the references to its chunks. */
export function encodeGroupHead(writer: ByteWriter, typeId: number, isChunked: boolean, count: number): ByteWriter {
  return writer.varint(typeId).u8(isChunked ? 1 : 0).varint(count);
}

export const ADJACENCY: BlockKind<AdjacencyBlock> = {
  tag: 3, name: 'adjacency', logical: false,
  encode(block, writer) {
    writer.varint(block.groups.length);
    for (const group of block.groups) {
      if (group.chunks === undefined) {
        encodeGroupHead(writer, group.typeId, false, group.edges.length);
        encodeRelationships(group.neighbours, group.edges, writer);
      } else {
        encodeGroupHead(writer, group.typeId, true, group.chunks.length);
        for (const ref of group.chunks) writer.varint(ref.chunk).varint(ref.firstEdge);
      }
    }
  },
  decode(reader) {
    const groups: AdjacencyGroup[] = [];
    for (let left = reader.varint(); left > 0; left--) {
      const typeId = reader.varint();
      if (reader.u8() === 0) {
        groups.push({ typeId, ...decodeColumns(reader), chunks: undefined });
      } else {
        const chunks: ChunkRef[] = [];
        for (let n = reader.varint(); n > 0; n--) chunks.push({ chunk: reader.varint(), firstEdge: reader.varint() });
        groups.push({ typeId, neighbours: [], edges: [], chunks });
      }
    }
    return new AdjacencyBlock(groups);
  },
  copy: (block) => new AdjacencyBlock(block.groups.map((group) => ({
    typeId: group.typeId, neighbours: group.neighbours.slice(), edges: group.edges.slice(),
    chunks: group.chunks?.map((ref) => ({ ...ref })),
  }))),
  size: (block) => block.groups.reduce((sum, group) => sum + 160 + group.edges.length * 16 + (group.chunks?.length ?? 0) * 40, 80),
};

export const CHUNK: BlockKind<ChunkBlock> = {
  tag: 4, name: 'chunk', logical: false,
  encode(block, writer) {
    writer.varint(block.edges.length);
    encodeRelationships(block.neighbours, block.edges, writer);
  },
  decode(reader) {
    const { neighbours, edges } = decodeColumns(reader);
    return new ChunkBlock(compact(neighbours), compact(edges));
  },
  copy: (block) => new ChunkBlock(Array.from(block.neighbours), Array.from(block.edges)),
  size: (block) => 300 + block.edges.length * 8,
};

export class DegreeBlock implements Block {
  at = 0;
  readonly counts: Map<number, number>;
  constructor(counts: Map<number, number>) {
    this.counts = counts;
  }
}

export const DEGREE: BlockKind<DegreeBlock> = {
  tag: 5, name: 'degree', logical: false,
  encode(block, writer) {
    writer.varint(block.counts.size);
    for (const [typeId, count] of [...block.counts].sort((a, b) => a[0] - b[0])) writer.varint(typeId).varint(count);
  },
  decode(reader) {
    const counts = new Map<number, number>();
    for (let left = reader.varint(); left > 0; left--) counts.set(reader.varint(), reader.varint());
    return new DegreeBlock(counts);
  },
  copy: (block) => new DegreeBlock(new Map(block.counts)),
  size: (block) => 120 + block.counts.size * 40,
};

// ---------------------------------------------------------------- counters and catalog

export class CountersBlock implements Block {
  at = 0;
  nextVertex = 0;
  nextEdge = 0;
  nextChunk = 0;
  nextPage = 0;
  vertices = 0;
  edges = 0;
  byLabel: number[] = [];
  byType: number[] = [];
  #texts: Map<number, number[]> | undefined;
  #vectors: Map<number, number> | undefined;
  #built: Map<number, number> | undefined;

  /** Full-text indexes by id: for each field, how many texts it has and how many tokens they are. */
  get texts(): Map<number, number[]> {
    return this.#texts ??= new Map();
  }
  /** Vector trees by id: members. */
  get vectors(): Map<number, number> {
    return this.#vectors ??= new Map();
  }
  /** Indexes that are being built, by id: how far (index-builds.ts). */
  get built(): Map<number, number> {
    return this.#built ??= new Map();
  }

  /** Field by field, and maps only where there is something in them: each transaction changes a copy of its own. */
  copy(): CountersBlock {
    const copy = new CountersBlock();
    copy.nextVertex = this.nextVertex;
    copy.nextEdge = this.nextEdge;
    copy.nextChunk = this.nextChunk;
    copy.nextPage = this.nextPage;
    copy.vertices = this.vertices;
    copy.edges = this.edges;
    copy.byLabel = this.byLabel.slice();
    copy.byType = this.byType.slice();
    if (this.#texts !== undefined && this.#texts.size > 0) copy.#texts = new Map([...this.#texts].map(([id, counts]) => [id, counts.slice()]));
    if (this.#vectors !== undefined && this.#vectors.size > 0) copy.#vectors = new Map(this.#vectors);
    if (this.#built !== undefined && this.#built.size > 0) copy.#built = new Map(this.#built);
    return copy;
  }
}

export const COUNTERS: BlockKind<CountersBlock> = {
  tag: 9, name: 'counters', logical: false,
  encode(block, writer) {
    writer.varint(block.nextVertex).varint(block.nextEdge).varint(block.nextChunk).varint(block.nextPage)
      .varint(block.vertices).varint(block.edges);
    encodeNumbers(block.byLabel, writer);
    encodeNumbers(block.byType, writer);
    // Only where there are any: a store without them is what releases before them write.
    if (block.texts.size + block.vectors.size + block.built.size === 0) return;
    writer.varint(block.texts.size);
    for (const [id, counts] of [...block.texts].sort((a, b) => a[0] - b[0])) encodeNumbers(counts, writer.varint(id));
    for (const numbers of block.built.size > 0 ? [block.vectors, block.built] : block.vectors.size > 0 ? [block.vectors] : []) {
      writer.varint(numbers.size);
      for (const [id, number] of [...numbers].sort((a, b) => a[0] - b[0])) writer.varint(id).varint(number);
    }
  },
  decode(reader) {
    const block = new CountersBlock();
    block.nextVertex = reader.varint();
    block.nextEdge = reader.varint();
    block.nextChunk = reader.varint();
    block.nextPage = reader.varint();
    block.vertices = reader.varint();
    block.edges = reader.varint();
    for (let left = reader.varint(); left > 0; left--) block.byLabel.push(reader.varint());
    for (let left = reader.varint(); left > 0; left--) block.byType.push(reader.varint());
    if (reader.done) return block;
    for (let left = reader.varint(); left > 0; left--) block.texts.set(reader.varint(), Array.from({ length: reader.varint() }, () => reader.varint()));
    if (reader.done) return block;
    for (let left = reader.varint(); left > 0; left--) block.vectors.set(reader.varint(), reader.varint());
    if (!reader.done) for (let left = reader.varint(); left > 0; left--) block.built.set(reader.varint(), reader.varint());
    return block;
  },
  copy: (block) => block.copy(),
  size: (block) => 200 + (block.byLabel.length + block.byType.length) * 8,
};

export class CatalogBlock implements Block {
  at = 0;
  readonly data: CatalogData;
  constructor(data: CatalogData) {
    this.data = data;
  }
}

export const CATALOG: BlockKind<CatalogBlock> = {
  tag: 10, name: 'catalog', logical: true,
  encode(block, writer) {
    writer.string(JSON.stringify(block.data));
  },
  decode: (reader) => new CatalogBlock(JSON.parse(reader.string())),
  copy: (block) => new CatalogBlock(block.data),
  size: () => 10_000,
};
