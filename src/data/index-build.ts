/**
 * An index over entries in any order: runs of entries are sorted in memory and, where there is more than one, written to a file and
 * merged. The B+tree is then written from the left to the right, page by page, so memory holds one run and one page per level.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { compareKeys, INDEX, IndexPage } from '../graph/btree.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import type { Value } from '../value/value.ts';
import type { BlockSink } from './block-sink.ts';

const RUN_ENTRIES = 500_000;
const RUN_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
/** Entries of a page that is written: some room for what comes later. */
const PAGE_ENTRIES = 112;

interface Entry {
  key: Value;
  id: number;
}

export class IndexBuild {
  readonly #path: string;
  #keys: Value[] = [];
  #ids: number[] = [];
  #bytes = 0;
  #isSorted = true;
  #file: number | undefined;
  readonly #runs: { from: number; to: number }[] = [];
  #end = 0;
  entries = 0;

  /** `path`: where entries go that do not fit into memory. */
  constructor(path: string) {
    this.#path = path;
  }

  add(key: Value, id: number): void {
    const last = this.#keys.length - 1;
    if (this.#isSorted && last >= 0 && compareKeys(this.#keys[last]!, key) > 0) this.#isSorted = false;
    // A copy: a piece of a long text would keep all of it.
    this.#keys.push(typeof key === 'string' && key.length >= 13 ? Buffer.from(key).toString() : key);
    this.#ids.push(id);
    this.#bytes += typeof key === 'string' ? 40 + key.length : 24;
    this.entries++;
    if (this.#keys.length >= RUN_ENTRIES || this.#bytes >= RUN_BYTES) this.#spill();
  }

  #sort(): void {
    if (this.#isSorted) return;
    const keys = this.#keys;
    const ids = this.#ids;
    const order = Uint32Array.from(keys.keys());
    order.sort((a, b) => compareKeys(keys[a]!, keys[b]!) || ids[a]! - ids[b]!);
    this.#keys = Array.from(order, (at) => keys[at]!);
    this.#ids = Array.from(order, (at) => ids[at]!);
  }

  #spill(): void {
    this.#sort();
    this.#file ??= openSync(this.#path, 'w+');
    const from = this.#end;
    const writer = new ByteWriter(READ_BYTES);
    const flush = () => {
      const bytes = writer.view();
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file!, bytes, at, bytes.length - at, this.#end + at);
      this.#end += bytes.length;
      writer.reset();
    };
    const entry = new ByteWriter(256);
    for (let i = 0; i < this.#keys.length; i++) {
      encodeValue(entry.reset(), this.#keys[i]!);
      writer.bytes(entry.varint(this.#ids[i]!).view());
      if (writer.length >= READ_BYTES) flush();
    }
    flush();
    this.#runs.push({ from, to: this.#end });
    this.#keys = [];
    this.#ids = [];
    this.#bytes = 0;
    this.#isSorted = true;
  }

  /** Writes the tree with this root; `allocate` gives numbers of pages; `compact`: see IndexPage. */
  async build(sink: BlockSink, root: number, allocate: () => number, compact = false): Promise<void> {
    const tree = new TreeWriter(sink, root, allocate, compact);
    if (this.#runs.length > 0) {
      if (this.#keys.length > 0) this.#spill();
      let entries = 0;
      for (const { key, id } of merged(this.#runs.map((run) => new RunReader(this.#file!, run)))) {
        tree.add(key, id);
        if ((++entries & 4095) === 0) await sink.drain();
      }
    } else {
      this.#sort();
      for (let i = 0; i < this.#keys.length; i++) {
        tree.add(this.#keys[i]!, this.#ids[i]!);
        if ((i & 4095) === 0) await sink.drain();
      }
    }
    tree.finish();
    await sink.drain();
    this.close();
  }

  close(): void {
    this.#keys = [];
    this.#ids = [];
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    rmSync(this.#path, { force: true });
  }
}

class RunReader {
  readonly #file: number;
  readonly #to: number;
  #from: number;
  #buffer: Buffer = Buffer.alloc(0);
  readonly head: Entry = { key: null, id: 0 };
  isDone = false;

  constructor(file: number, { from, to }: { from: number; to: number }) {
    this.#file = file;
    this.#from = from;
    this.#to = to;
    this.next();
  }

  next(): void {
    const length = this.#length();
    if (length === undefined) {
      this.isDone = true;
      return;
    }
    const reader = new ByteReader(this.#buffer);
    reader.varint();
    this.head.key = decodeValue(reader);
    this.head.id = reader.varint();
    this.#buffer = this.#buffer.subarray(length);
  }

  /** Bytes of the next entry with its length, all of them in the buffer. */
  #length(): number | undefined {
    for (;;) {
      let value = 0;
      let scale = 1;
      for (let i = 0; i < this.#buffer.length && i < 8; i++) {
        const byte = this.#buffer[i]!;
        value += (byte & 0x7f) * scale;
        scale *= 0x80;
        if (byte >= 0x80) continue;
        if (i + 1 + value <= this.#buffer.length) return i + 1 + value;
        break;
      }
      if (this.#from >= this.#to) return undefined;
      const more = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#to - this.#from));
      const read = readSync(this.#file, more, 0, more.length, this.#from);
      this.#from += read;
      this.#buffer = Buffer.concat([this.#buffer, more.subarray(0, read)]);
    }
  }
}

/** Entries of sorted runs in order, by a binary heap. */
function* merged(runs: RunReader[]): Generator<Entry> {
  const heap = runs.filter((run) => !run.isDone);
  const less = (a: RunReader, b: RunReader) => (compareKeys(a.head.key, b.head.key) || a.head.id - b.head.id) < 0;
  const down = (from: number) => {
    for (let at = from; ;) {
      let least = at;
      for (const child of [at * 2 + 1, at * 2 + 2]) if (child < heap.length && less(heap[child]!, heap[least]!)) least = child;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  };
  for (let i = heap.length >> 1; i >= 0; i--) down(i);
  while (heap.length > 0) {
    const run = heap[0]!;
    yield run.head;
    run.next();
    if (run.isDone) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    down(0);
  }
}

interface Level {
  keys: Value[];
  ids: number[];
  children: number[] | undefined;
}

class TreeWriter {
  readonly #sink: BlockSink;
  readonly #root: number;
  readonly #allocate: () => number;
  readonly #compact: boolean;
  readonly #levels: Level[] = [{ keys: [], ids: [], children: undefined }];

  constructor(sink: BlockSink, root: number, allocate: () => number, compact: boolean) {
    this.#sink = sink;
    this.#root = root;
    this.#allocate = allocate;
    this.#compact = compact;
  }

  add(key: Value, id: number): void {
    const leaf = this.#levels[0]!;
    if (leaf.keys.length === PAGE_ENTRIES) this.#complete(0);
    leaf.keys.push(key);
    leaf.ids.push(id);
  }

  /** Writes the page of the level and tells the level above, whose first key is not kept (see btree.ts). */
  #complete(at: number): void {
    const level = this.#levels[at]!;
    const number = this.#allocate();
    const [key, id] = [level.keys[0]!, level.ids[0]!];
    this.#put(level, number);
    const above = this.#levels[at + 1] ?? (this.#levels[at + 1] = { keys: [], ids: [], children: [] });
    if (above.keys.length === PAGE_ENTRIES) this.#complete(at + 1);
    above.keys.push(key);
    above.ids.push(id);
    above.children!.push(number);
  }

  #put(level: Level, number: number): void {
    const page = level.children === undefined
      ? new IndexPage(level.keys, level.ids, undefined, this.#compact)
      : new IndexPage(level.keys.slice(1), level.ids.slice(1), level.children, this.#compact);
    this.#sink.put(INDEX, number, page);
    level.keys = [];
    level.ids = [];
    if (level.children !== undefined) level.children = [];
  }

  finish(): void {
    for (let at = 0; at < this.#levels.length; at++) {
      if (at === this.#levels.length - 1) this.#put(this.#levels[at]!, this.#root);
      else if (this.#levels[at]!.keys.length > 0) this.#complete(at);
    }
  }
}
