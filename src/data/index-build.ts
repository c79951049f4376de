/**
 * An index over entries in any order: runs of entries are sorted in memory and, where there is more than one, written to a file and
 * merged. The B+tree is then written from the left to the right, page by page, so memory holds one run and one page per level.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { mergeSorted } from '../base/heap.ts';
import { compareKeys, INDEX } from '../graph/btree.ts';
import { TreeFiller } from '../graph/btree-fill.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import type { Value } from '../value/value.ts';
import type { BlockSink } from './block-sink.ts';

const RUN_ENTRIES = 500_000;
const RUN_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

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
    const tree = new TreeFiller({ root, allocate, compact, put: (number, page) => sink.put(INDEX, number, page) });
    if (this.#runs.length > 0) {
      if (this.#keys.length > 0) this.#spill();
      let entries = 0;
      for (const { key, id } of mergeSorted(this.#runs.map((run) => new RunReader(this.#file!, run).entries()), isBefore)) {
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

function isBefore(a: Entry, b: Entry): boolean {
  return (compareKeys(a.key, b.key) || a.id - b.id) < 0;
}

class RunReader {
  readonly #file: number;
  readonly #to: number;
  #from: number;
  #buffer: Buffer = Buffer.alloc(0);
  readonly #head: Entry = { key: null, id: 0 };

  constructor(file: number, { from, to }: { from: number; to: number }) {
    this.#file = file;
    this.#from = from;
    this.#to = to;
  }

  /** In order; each is valid until the next is taken. */
  *entries(): Generator<Entry> {
    for (let length = this.#length(); length !== undefined; length = this.#length()) {
      const reader = new ByteReader(this.#buffer);
      reader.varint();
      this.#head.key = decodeValue(reader);
      this.#head.id = reader.varint();
      this.#buffer = this.#buffer.subarray(length);
      yield this.#head;
    }
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
