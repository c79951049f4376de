/**
 * Growing byte writer and bounds-checked reader for our own binary forms (effects, blocks, rows between threads).
 *
 *   varint   LEB128 of an unsigned number below 2^53
 *   string   varint byte length, UTF-8
 *   f64      8 bytes little-endian
 */
import { ASKED_BYTES, mayMake } from './allowance.ts';
import { DbError } from './errors.ts';

/** Views of shorter contents are kept. */
const KEPT_VIEWS = 1024;

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;
  /** What `plainView` has given of this buffer, by length. */
  #views: (Uint8Array | undefined)[] = [];

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const size = Math.max(this.#buffer.length * 2, this.#length + bytes);
    if (size > ASKED_BYTES) mayMake(size);
    const grown = Buffer.allocUnsafe(size);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#views = [];
  }

  u8(value: number): this {
    this.#room(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(value >>> 0, this.#length);
    return this;
  }

  f64(value: number): this {
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
    return this;
  }

  i64(value: bigint): this {
    this.#room(8);
    this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
    return this;
  }

  varint(value: number): this {
    this.#room(8);
    const buffer = this.#buffer;
    let at = this.#length;
    let rest = value;
    if (rest > 0x7fffffff) {
      // Shifts are for 32 bits: the lowest 28 go first.
      const high = Math.floor(rest / 0x10000000);
      const low = rest - high * 0x10000000;
      buffer[at] = low | 0x80;
      buffer[at + 1] = (low >>> 7) | 0x80;
      buffer[at + 2] = (low >>> 14) | 0x80;
      buffer[at + 3] = (low >>> 21) | 0x80;
      at += 4;
      rest = high;
    }
    for (; rest >= 0x80; rest >>>= 7) buffer[at++] = rest | 0x80;
    buffer[at++] = rest;
    this.#length = at;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.varint(value.length);
    return this.raw(value);
  }

  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** As `raw` of a part. */
  rawOf(source: Uint8Array, from: number, to: number): this {
    const length = to - from;
    this.#room(length);
    // A call into native code costs more than copying a few bytes here.
    if (length > 48) this.#buffer.set(source.subarray(from, to), this.#length);
    else for (let i = 0; i < length; i++) this.#buffer[this.#length + i] = source[from + i]!;
    this.#length += length;
    return this;
  }

  string(value: string): this {
    if (value.length < 64) {
      // Short strings, the common case: write behind one byte of length, which is enough up to 127 bytes.
      this.#room(1 + value.length * 3);
      if (value.length < 24 && this.#ascii(value)) return this;
      const bytes = this.#buffer.write(value, this.#length + 1, 'utf8');
      if (bytes < 0x80) {
        this.#buffer[this.#length] = bytes;
        this.#length += 1 + bytes;
        return this;
      }
    }
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.#room(bytes);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
    return this;
  }

  /** Writes a short string byte by byte, where that is right: a call into native code costs more. */
  #ascii(value: string): boolean {
    const [buffer, at] = [this.#buffer, this.#length];
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      buffer[at + 1 + i] = code;
    }
    buffer[at] = value.length;
    this.#length += 1 + value.length;
    return true;
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  /** What was written, sharing memory: valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** The same for what needs no Buffer; short ones cost nothing, as each length has one view. */
  plainView(): Uint8Array {
    const length = this.#length;
    if (length >= KEPT_VIEWS) return this.part(0, length);
    return this.#views[length] ??= this.part(0, length);
  }

  /** All memory, of which the first `length` bytes are written; valid until the next write. */
  get memory(): Uint8Array {
    return this.#buffer;
  }

  /** Part of what was written, sharing memory. */
  part(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + from, to - from);
  }

  /** Takes back what was written behind this length. */
  cut(length: number): void {
    this.#length = length;
  }

  reset(): this {
    this.#length = 0;
    return this;
  }
}

export class ByteReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }
  get done(): boolean {
    return this.#at >= this.#buffer.length;
  }
  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  #need(bytes: number): void {
    if (bytes < 0 || this.#at + bytes > this.#buffer.length) {
      throw new DbError('Corrupted', `binary data ends at byte ${this.#buffer.length}, but ${bytes} more are needed at ${this.#at}`);
    }
  }

  u8(): number {
    this.#need(1);
    return this.#buffer[this.#at++]!;
  }

  u32(): number {
    this.#need(4);
    const value = this.#buffer.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  f64(): number {
    this.#need(8);
    const value = this.#buffer.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** The next byte, which stays the next one; -1 at the end. */
  peek(): number {
    return this.#buffer[this.#at] ?? -1;
  }

  /** Goes back to where it was before. */
  rewind(position: number): void {
    this.#at = position;
  }

  /** So many doubles with the same byte before each; undefined, and nothing is read, where what follows is something else. */
  taggedDoubles(tag: number, count: number): Float64Array | undefined {
    if (count * 9 > this.remaining) return undefined;
    const buffer = this.#buffer;
    const numbers = new Float64Array(count);
    let at = this.#at;
    for (let i = 0; i < count; i++, at += 9) {
      if (buffer[at] !== tag) return undefined;
      numbers[i] = buffer.readDoubleLE(at + 1);
    }
    this.#at = at;
    return numbers;
  }

  i64(): bigint {
    this.#need(8);
    const value = this.#buffer.readBigInt64LE(this.#at);
    this.#at += 8;
    return value;
  }

  varint(): number {
    // The common case by itself: most numbers are small, and this is where reading spends its time.
    const first = this.#buffer[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new DbError('Corrupted', `a number at byte ${this.#at} is longer than 8 bytes`);
  }

  bytes(): Buffer {
    return this.raw(this.varint());
  }

  skip(bytes: number): void {
    this.#need(bytes);
    this.#at += bytes;
  }

  raw(length: number): Buffer {
    this.#need(length);
    const value = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  string(): string {
    const length = this.varint();
    this.#need(length);
    const value = this.#buffer.toString('utf8', this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
}
