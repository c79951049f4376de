/**
 * Protocol Buffers as they are written by hand: what every row of every result passes is not built as objects first.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * A message inside another begins with its length, which is known last: one byte is left for it, and what was written
 * moves when that is too little.
 */
import { ASKED_BYTES, mayMake } from '../base/allowance.ts';
const GROWTH = 2;
const ONE_BYTE_MAX = 0x7f;
const MASK = 0xffff_ffff_ffff_ffffn;

export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;

export class ProtoWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 4096) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#buffer.length;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const size = Math.max(this.#buffer.length * GROWTH, this.#length + bytes);
    if (size > ASKED_BYTES) mayMake(size);
    const grown = Buffer.allocUnsafe(size);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  #tag(field: number, type: number): void {
    this.#raw(field * 8 + type);
  }

  /** A number that is not negative and safe. */
  #raw(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest > ONE_BYTE_MAX) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** int32, int64 and bool; a negative number takes ten bytes, as the format wants. */
  integer(field: number, value: number | bigint): void {
    this.#tag(field, VARINT);
    if (typeof value === 'number' && value >= 0) {
      this.#raw(value);
      return;
    }
    this.#room(10);
    let rest = BigInt(value) & MASK;
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.#tag(field, FIXED64);
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  string(field: number, value: string): void {
    const start = this.open(field);
    this.#room(value.length * 3);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
    this.close(start);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, DELIMITED);
    this.#raw(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Begins a message, or anything else with its length in front; `close` takes what this gives. */
  open(field: number): number {
    this.#tag(field, DELIMITED);
    this.#room(1);
    return ++this.#length;
  }

  close(start: number): void {
    const size = this.#length - start;
    if (size <= ONE_BYTE_MAX) {
      this.#buffer[start - 1] = size;
      return;
    }
    let more = 0;
    for (let rest = size; rest > ONE_BYTE_MAX; rest = Math.floor(rest / 0x80)) more++;
    this.#room(more);
    this.#buffer.copyWithin(start + more, start, this.#length);
    const end = this.#length + more;
    this.#length = start - 1;
    this.#raw(size);
    this.#length = end;
  }

  reset(): void {
    this.#length = 0;
  }

  /** What was written, until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
