/**
 * Which vertex has a primary key: an exact hash table outside the JavaScript heap, for imports of millions of keys.
 *
 * Keys that are small integers take 16 bytes a slot (at most 46 bytes a key, 23 when full); others 8 bytes a slot and their bytes
 * with 8 more. Memory grows with the number of keys and their length alone, not with the rest of the data.
 */
import { encodeValue } from '../value/codec.ts';
import { ByteWriter } from '../base/bytes.ts';
import type { Value } from '../value/value.ts';

const CHUNK_BYTES = 16 * 1024 * 1024;
const FILL_MAX = 0.7;

export class KeyTable {
  readonly #integers = new IntegerTable();
  readonly #others = new BytesTable();
  readonly #encoder = new ByteWriter(1024);

  get size(): number {
    return this.#integers.size + this.#others.size;
  }

  /** The id, or -1. */
  find(key: Value): number {
    return typeof key === 'number' ? this.#integers.find(key) : this.#others.find(this.#bytes(key));
  }

  /** False (and unchanged) if the key is there. */
  add(key: Value, id: number): boolean {
    return typeof key === 'number' ? this.#integers.add(key, id) : this.#others.add(this.#bytes(key), id);
  }

  /** Bytes held outside the heap. */
  get bytes(): number {
    return this.#integers.bytes + this.#others.bytes;
  }

  #bytes(key: Value): Buffer {
    encodeValue(this.#encoder.reset(), key);
    return this.#encoder.view();
  }
}

/**
 * Open addressing with linear probing; a slot is a key and its id + 1, which is 0 where the slot is free. Both side by side: a large table costs one
 * miss of the processor's cache a look.
 */
class IntegerTable {
  #slots = new Float64Array(2 * 1024);
  size = 0;

  get bytes(): number {
    return this.#slots.byteLength;
  }

  find(key: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = (mix(key) << 1) & mask; ; at = (at + 2) & mask) {
      const id = slots[at + 1]!;
      if (id === 0) return -1;
      if (slots[at] === key) return id - 1;
    }
  }

  add(key: number, id: number): boolean {
    if (this.size >= (this.#slots.length / 2) * FILL_MAX) this.#grow();
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (mix(key) << 1) & mask;
    for (; slots[at + 1] !== 0; at = (at + 2) & mask) if (slots[at] === key) return false;
    slots[at] = key;
    slots[at + 1] = id + 1;
    this.size++;
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = this.#slots = new Float64Array(old.length * 2);
    const mask = slots.length - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let at = (mix(old[i]!) << 1) & mask;
      while (slots[at + 1] !== 0) at = (at + 2) & mask;
      slots[at] = old[i]!;
      slots[at + 1] = old[i + 1]!;
    }
  }
}

function mix(key: number): number {
  let h = (key | 0) ^ Math.imul(Math.floor(key / 0x100000000) | 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Slots hold a hash and a place in chunks of records: length u32, id u32, bytes, padded to 8. */
class BytesTable {
  #hashes = new Uint32Array(1024);
  /** Place in units of 8 bytes, plus 1. */
  #places = new Uint32Array(1024);
  readonly #chunks: Buffer[] = [];
  #used = CHUNK_BYTES;
  size = 0;

  get bytes(): number {
    return this.#hashes.byteLength * 2 + this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  find(key: Buffer): number {
    const hash = hashOf(key);
    const mask = this.#hashes.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const place = this.#places[at]!;
      if (place === 0) return -1;
      if (this.#hashes[at] !== hash) continue;
      const id = this.#idAt(place - 1, key);
      if (id >= 0) return id;
    }
  }

  add(key: Buffer, id: number): boolean {
    if (this.find(key) >= 0) return false;
    if (this.size >= this.#hashes.length * FILL_MAX) this.#grow();
    this.#insert(hashOf(key), this.#store(key, id) + 1);
    this.size++;
    return true;
  }

  #insert(hash: number, place: number): void {
    const mask = this.#hashes.length - 1;
    let at = hash & mask;
    while (this.#places[at] !== 0) at = (at + 1) & mask;
    this.#hashes[at] = hash;
    this.#places[at] = place;
  }

  #store(key: Buffer, id: number): number {
    const bytes = Math.ceil((8 + key.length) / 8) * 8;
    if (this.#used + bytes > CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes)));
      this.#used = 0;
    }
    const chunk = this.#chunks.at(-1)!;
    const at = this.#used;
    chunk.writeUInt32LE(key.length, at);
    chunk.writeUInt32LE(id, at + 4);
    key.copy(chunk, at + 8);
    this.#used += bytes;
    return (this.#chunks.length - 1) * (CHUNK_BYTES / 8) + at / 8;
  }

  #idAt(place: number, key: Buffer): number {
    const chunk = this.#chunks[Math.floor(place / (CHUNK_BYTES / 8))]!;
    const at = (place % (CHUNK_BYTES / 8)) * 8;
    const length = chunk.readUInt32LE(at);
    return length === key.length && chunk.compare(key, 0, length, at + 8, at + 8 + length) === 0 ? chunk.readUInt32LE(at + 4) : -1;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const places = this.#places;
    this.#hashes = new Uint32Array(hashes.length * 2);
    this.#places = new Uint32Array(hashes.length * 2);
    for (let i = 0; i < hashes.length; i++) if (places[i] !== 0) this.#insert(hashes[i]!, places[i]!);
  }
}

/** FNV-1a with a final mixing. */
function hashOf(bytes: Buffer): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
