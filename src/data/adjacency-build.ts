/**
 * Adjacency of a graph whose edges come in order of their ids: both ends of each edge are written to files by ranges of vertices
 * (AdjacencyFiles); then range after range is read, sorted by vertex and made into blocks (AdjacencyBuild), perhaps by another thread. Memory:
 * one buffer per file, and one range (LOAD_ROWS at most; a range that is larger is divided again, down to a single vertex, which is read part by part).
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ByteWriter } from '../base/bytes.ts';
import { ADJACENCY, CHUNK, DEGREE, DegreeBlock, encodeGroupHead, encodeRelationship } from '../graph/blocks.ts';
import { CHUNK_MAX, INLINE_MAX } from '../graph/mutator.ts';
import type { BlockTarget } from './block-sink.ts';

/** Words of one row: place relative to the range, type, neighbour, edge low and high. */
const ROW = 5;
const ROW_BYTES = ROW * 4;
const BUFFER_ROWS = 3072;
const LOAD_ROWS = 8 * 1024 * 1024;
const FILES_MAX = 256;
/** The rows of so many vertices mostly fit into a processor's cache, where they are sorted. */
const RANGE_MIN = 16_384;

/** A file with the rows of the vertices first … first + count - 1. */
export interface AdjacencyFile {
  readonly path: string;
  readonly first: number;
  readonly count: number;
  readonly rows: number;
}

export interface AdjacencyTask {
  /** For more files, which go away one by one. */
  readonly directory: string;
  readonly files: readonly AdjacencyFile[];
  readonly nextChunk: number;
}

/** Writes such a file. */
class Bucket {
  readonly #path: string;
  readonly first: number;
  readonly #count: number;
  readonly #buffer = new Uint32Array(BUFFER_ROWS * ROW);
  #used = 0;
  #file: number | undefined;
  #rows = 0;

  constructor(path: string, first: number, count: number) {
    this.#path = path;
    this.first = first;
    this.#count = count;
  }

  add(placeOffset: number, typeId: number, neighbour: number, edgeLow: number, edgeHigh: number): void {
    const buffer = this.#buffer;
    const at = this.#used;
    buffer[at] = placeOffset;
    buffer[at + 1] = typeId;
    buffer[at + 2] = neighbour;
    buffer[at + 3] = edgeLow;
    buffer[at + 4] = edgeHigh;
    this.#used = at + ROW;
    this.#rows++;
    if (this.#used === buffer.length) this.#flush();
  }

  #flush(): void {
    this.#file ??= openSync(this.#path, 'w');
    writeAll(this.#file, new Uint8Array(this.#buffer.buffer, 0, this.#used * 4));
    this.#used = 0;
  }

  /** The whole file; undefined: there is nothing in it. */
  finish(): AdjacencyFile | undefined {
    if (this.#rows === 0) return undefined;
    if (this.#used > 0) this.#flush();
    this.close();
    return { path: this.#path, first: this.first, count: this.#count, rows: this.#rows };
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Rows from the `from`-th, at most `count`. */
function readRows({ path, rows: all }: AdjacencyFile, from: number, count: number): Uint32Array {
  const rows = new Uint32Array(Math.min(count, all - from) * ROW);
  const bytes = new Uint8Array(rows.buffer);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < bytes.length;) {
      const read = readSync(file, bytes, at, bytes.length - at, from * ROW_BYTES + at);
      if (read === 0) throw new Error(`${path} ends early`);
      at += read;
    }
  } finally {
    closeSync(file);
  }
  return rows;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at);
}

export class AdjacencyFiles {
  readonly #directory: string;
  readonly #range: number;
  readonly #buckets: Bucket[] = [];

  constructor(directory: string, vertices: number) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#range = Math.max(RANGE_MIN, Math.ceil(vertices / FILES_MAX));
    for (let first = 0; first < vertices; first += this.#range) this.#buckets.push(new Bucket(join(directory, `adjacency-${first}`), first, this.#range));
  }

  add(edge: number, typeId: number, start: number, end: number): void {
    const low = edge >>> 0;
    const high = Math.floor(edge / 0x100000000);
    const out = this.#buckets[Math.floor(start / this.#range)]!;
    out.add((start - out.first) * 2, typeId, end, low, high);
    const into = this.#buckets[Math.floor(end / this.#range)]!;
    into.add((end - into.first) * 2 + 1, typeId, start, low, high);
  }

  /** All edges are added. */
  finish(nextChunk: number): AdjacencyTask {
    return { directory: this.#directory, files: finished(this.#buckets), nextChunk };
  }

  /** Lets go of the files. */
  close(): void {
    for (const bucket of this.#buckets) bucket.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function finished(buckets: readonly Bucket[]): AdjacencyFile[] {
  return buckets.map((bucket) => bucket.finish()).filter((file) => file !== undefined);
}

export class AdjacencyBuild {
  readonly #directory: string;
  readonly #files: readonly AdjacencyFile[];
  nextChunk: number;

  constructor({ directory, files, nextChunk }: AdjacencyTask) {
    this.#directory = directory;
    this.#files = files;
    this.nextChunk = nextChunk;
  }

  /** Gives the blocks; `onRows` hears how many more rows are done. */
  async build(target: BlockTarget, onRows: (rows: number) => void): Promise<void> {
    for (const file of this.#files) await this.#buildFile(file, target, onRows);
  }

  async #buildFile(file: AdjacencyFile, target: BlockTarget, onRows: (rows: number) => void): Promise<void> {
    if (file.rows > LOAD_ROWS && file.count > 1) {
      for (const part of this.#divide(file)) await this.#buildFile(part, target, onRows);
    } else {
      if (file.rows > LOAD_ROWS) await this.#buildHub(file, target);
      else await this.#buildLoaded(file, target);
      onRows(file.rows);
    }
    rmSync(file.path, { force: true });
  }

  #divide(file: AdjacencyFile): AdjacencyFile[] {
    const range = Math.ceil(file.count / 32);
    const parts: Bucket[] = [];
    for (let first = 0; first < file.count; first += range) {
      parts.push(new Bucket(join(this.#directory, `adjacency-${file.first + first}-${range}`), file.first + first, Math.min(range, file.count - first)));
    }
    for (let from = 0; from < file.rows; from += LOAD_ROWS / 8) {
      const rows = readRows(file, from, LOAD_ROWS / 8);
      for (let at = 0; at < rows.length; at += ROW) {
        const part = Math.floor(rows[at]! / 2 / range);
        parts[part]!.add(rows[at]! - part * range * 2, rows[at + 1]!, rows[at + 2]!, rows[at + 3]!, rows[at + 4]!);
      }
    }
    return finished(parts);
  }

  async #buildLoaded(file: AdjacencyFile, target: BlockTarget): Promise<void> {
    const rows = readRows(file, 0, file.rows);
    // A counting sort keeps the rows of one place in order of their edges.
    const starts = new Uint32Array(file.count * 2 + 1);
    for (let at = 0; at < rows.length; at += ROW) starts[rows[at]! + 1]!++;
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    const order = new Uint32Array(file.rows);
    const next = starts.slice();
    for (let at = 0; at < rows.length; at += ROW) order[next[rows[at]!]!++] = at;
    const place = new Place(this, target);
    for (let offset = 0; offset < file.count * 2; offset++) {
      const [from, to] = [starts[offset]!, starts[offset + 1]!];
      if (from === to) continue;
      place.begin(file.first * 2 + offset);
      for (let i = from; i < to; i++) place.add(rows, order[i]!);
      place.finish();
      if ((offset & 1023) < 2) await target.drain();
    }
    await target.drain();
  }

  async #buildHub(file: AdjacencyFile, target: BlockTarget): Promise<void> {
    const places = [0, 1].map((direction) => new Place(this, target).begin(file.first * 2 + direction));
    for (let from = 0; from < file.rows; from += LOAD_ROWS / 8) {
      const rows = readRows(file, from, LOAD_ROWS / 8);
      for (let at = 0; at < rows.length; at += ROW) places[rows[at]!]!.add(rows, at);
      await target.drain();
    }
    for (const place of places) place.finish();
  }
}

/** Relationships of one type of a place, encoded as they come; those of the chunks that are written already are in these no more. */
class Group {
  typeId = 0;
  /** All, with those in chunks. */
  total = 0;
  /** In `bytes`. */
  count = 0;
  firstEdge = 0;
  lastEdge = 0;
  readonly bytes = new ByteWriter(4096);
  /** References to its chunks. */
  readonly refs = new ByteWriter(64);
  chunks = 0;

  begin(typeId: number): void {
    this.typeId = typeId;
    this.total = 0;
    this.chunks = 0;
    this.refs.reset();
    this.next();
  }

  /** Begins the next chunk. */
  next(): void {
    this.count = 0;
    this.lastEdge = 0;
    this.bytes.reset();
  }

  add(edge: number, neighbour: number): void {
    if (this.count === 0) this.firstEdge = edge;
    encodeRelationship(this.bytes, edge, this.lastEdge, neighbour);
    this.lastEdge = edge;
    this.count++;
    this.total++;
  }
}

/** One vertex in one direction, then another one; chunks are written as they fill. */
class Place {
  readonly #build: AdjacencyBuild;
  readonly #target: BlockTarget;
  #place = 0;
  /** The first `#used` are this vertex's, in the order of their first edges. */
  readonly #groups: Group[] = [];
  #used = 0;
  #last: Group | undefined;
  readonly #block = new ByteWriter(64 * 1024);

  constructor(build: AdjacencyBuild, target: BlockTarget) {
    this.#build = build;
    this.#target = target;
  }

  begin(place: number): this {
    this.#place = place;
    this.#used = 0;
    this.#last = undefined;
    return this;
  }

  add(rows: Uint32Array, at: number): void {
    const typeId = rows[at + 1]!;
    // Edges of one type mostly come together.
    const group = this.#last?.typeId === typeId ? this.#last : this.#last = this.#group(typeId);
    group.add(rows[at + 3]! + rows[at + 4]! * 0x100000000, rows[at + 2]!);
    if (group.count === CHUNK_MAX) this.#writeChunk(group);
  }

  #group(typeId: number): Group {
    for (let i = 0; i < this.#used; i++) if (this.#groups[i]!.typeId === typeId) return this.#groups[i]!;
    const group = this.#groups[this.#used++] ??= new Group();
    group.begin(typeId);
    return group;
  }

  #writeChunk(group: Group): void {
    const chunk = this.#build.nextChunk++;
    group.refs.varint(chunk).varint(group.firstEdge);
    group.chunks++;
    const { bytes } = group;
    this.#target.putBytes(CHUNK, chunk, this.#block.reset().varint(group.count).rawOf(bytes.memory, 0, bytes.length).plainView());
    group.next();
  }

  finish(): void {
    if (this.#used === 0) return;
    const groups = this.#groups.slice(0, this.#used);
    for (const group of groups) if (group.count > 0 && (group.chunks > 0 || group.count > INLINE_MAX)) this.#writeChunk(group);
    groups.sort((a, b) => a.typeId - b.typeId);
    const block = this.#block.reset().varint(groups.length);
    for (const { typeId, chunks, refs, count, bytes } of groups) {
      const columns = chunks > 0 ? refs : bytes;
      encodeGroupHead(block, typeId, chunks > 0, chunks > 0 ? chunks : count).rawOf(columns.memory, 0, columns.length);
    }
    this.#target.putBytes(ADJACENCY, this.#place, block.plainView());
    const chunked = groups.filter(({ chunks }) => chunks > 0);
    if (chunked.length > 0) this.#target.put(DEGREE, this.#place, new DegreeBlock(new Map(chunked.map(({ typeId, total }) => [typeId, total]))));
  }
}
