/**
 * PackStream version 1, the encoding of Bolt: what is a number, a text, a list. Structures are in structures.ts.
 *
 *   C0 null   C2 false   C3 true   C1 f64
 *   00..7F, F0..FF integer in the marker (0..127, -16..-1)   C8 i8   C9 i16   CA i32   CB i64
 *   CC CD CE  bytes, length in 8, 16 or 32 bits
 *   8n        string of n bytes        D0 D1 D2  string, length in 8, 16 or 32 bits
 *   9n        list of n items          D4 D5 D6  list
 *   An        map of n pairs           D8 D9 DA  map
 *   Bn tag    structure of n fields    DC DD     structure, count in 8 or 16 bits (never written)
 *
 * All numbers big-endian. The writer grows one buffer and writes in place; the reader trusts no length: a count that the
 * bytes left cannot hold is refused before anything is allocated.
 */
import { isUtf8 } from 'node:buffer';
import { ASKED_BYTES, mayMake } from '../base/allowance.ts';
import { DbError } from '../base/errors.ts';
import { integer } from '../value/value.ts';

export function malformed(message: string): DbError {
  return new DbError('InvalidRequest', `malformed PackStream data: ${message}`);
}

const TWO_32 = 2 ** 32;

/** Texts up to here are copied by hand where they are ASCII, which is faster than the call into native code. */
const SHORT_TEXT = 24;

export class PackWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#at;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const size = Math.max(this.#buffer.length * 2, this.#at + bytes);
    if (size > ASKED_BYTES) mayMake(size);
    const grown = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }

  null(): void {
    this.#room(1);
    this.#buffer[this.#at++] = 0xc0;
  }

  boolean(value: boolean): void {
    this.#room(1);
    this.#buffer[this.#at++] = value ? 0xc3 : 0xc2;
  }

  float(value: number): void {
    this.#room(9);
    this.#buffer[this.#at] = 0xc1;
    this.#at = this.#buffer.writeDoubleBE(value, this.#at + 1);
  }

  integer(value: number | bigint): void {
    this.#room(9);
    const buffer = this.#buffer;
    if (typeof value === 'bigint') {
      buffer[this.#at] = 0xcb;
      this.#at = buffer.writeBigInt64BE(value, this.#at + 1);
    } else if (value >= -16 && value < 128) {
      buffer[this.#at++] = value & 0xff;
    } else if (value >= -128 && value < 128) {
      buffer[this.#at] = 0xc8;
      this.#at = buffer.writeInt8(value, this.#at + 1);
    } else if (value >= -32_768 && value < 32_768) {
      buffer[this.#at] = 0xc9;
      this.#at = buffer.writeInt16BE(value, this.#at + 1);
    } else if (value >= -2_147_483_648 && value < 2_147_483_648) {
      buffer[this.#at] = 0xca;
      this.#at = buffer.writeInt32BE(value, this.#at + 1);
    } else {
      buffer[this.#at] = 0xcb;
      const high = Math.floor(value / TWO_32);
      buffer.writeInt32BE(high, this.#at + 1);
      this.#at = buffer.writeUInt32BE(value - high * TWO_32, this.#at + 5);
    }
  }

  string(value: string): void {
    if (value.length <= SHORT_TEXT && this.#shortAscii(value)) return;
    const bytes = Buffer.byteLength(value);
    this.#header(bytes, 0x80, 0xd0);
    this.#room(bytes);
    this.#at += this.#buffer.write(value, this.#at, 'utf8');
  }

  #shortAscii(value: string): boolean {
    const length = value.length;
    this.#room(length + 2);
    const buffer = this.#buffer;
    let at = this.#at;
    if (length < 16) {
      buffer[at++] = 0x80 | length;
    } else {
      buffer[at++] = 0xd0;
      buffer[at++] = length;
    }
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      buffer[at++] = code;
    }
    this.#at = at;
    return true;
  }

  bytes(value: Uint8Array): void {
    this.#header(value.length, -1, 0xcc);
    this.#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  listHeader(items: number): void {
    this.#header(items, 0x90, 0xd4);
  }

  mapHeader(pairs: number): void {
    this.#header(pairs, 0xa0, 0xd8);
  }

  structureHeader(fields: number, tag: number): void {
    this.#room(2);
    this.#buffer[this.#at++] = 0xb0 | fields;
    this.#buffer[this.#at++] = tag;
  }

  /** A marker with the count inside (`tiny`, -1: none such), or one of three that are followed by 8, 16 or 32 bits of it. */
  #header(count: number, tiny: number, marker: number): void {
    this.#room(5);
    const buffer = this.#buffer;
    if (count < 16 && tiny !== -1) {
      buffer[this.#at++] = tiny | count;
    } else if (count < 0x100) {
      buffer[this.#at++] = marker;
      buffer[this.#at++] = count;
    } else if (count < 0x1_0000) {
      buffer[this.#at++] = marker + 1;
      this.#at = buffer.writeUInt16BE(count, this.#at);
    } else {
      buffer[this.#at++] = marker + 2;
      this.#at = buffer.writeUInt32BE(count, this.#at);
    }
  }

  /** Leaves bytes free for the caller, and says where. */
  skip(bytes: number): number {
    this.#room(bytes);
    const start = this.#at;
    this.#at += bytes;
    return start;
  }

  /** Forgets what was written from there on. */
  truncate(length: number): void {
    this.#at = length;
  }

  /** What was written, sharing memory: valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Hands over what was written and goes on with a new buffer, so that a socket may keep the bytes. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(this.#buffer.length, 65_536));
    this.#at = 0;
    return taken;
  }
}

/** What stands next in the data, with its content or its count. */
export type Token =
  | { readonly kind: 'scalar'; readonly value: null | boolean | string | number | bigint | Uint8Array }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'list' | 'map'; readonly count: number }
  | { readonly kind: 'structure'; readonly count: number; readonly tag: number };

export class PackReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  #take(bytes: number): number {
    const start = this.#at;
    if (bytes > this.#buffer.length - start) throw malformed(`it ends at byte ${this.#buffer.length}, but ${bytes} more are needed at ${start}`);
    this.#at = start + bytes;
    return start;
  }

  #unsigned(bytes: 1 | 2 | 4): number {
    return this.#buffer.readUIntBE(this.#take(bytes), bytes);
  }

  #text(bytes: number): Token {
    const start = this.#take(bytes);
    const value = this.#buffer.toString('utf8', start, start + bytes);
    // The decoder makes U+FFFD of what is not UTF-8, which would be stored. A text may also hold that character itself.
    if (value.includes('\ufffd') && !isUtf8(this.#buffer.subarray(start, start + bytes))) throw malformed(`the string at byte ${start} is not UTF-8`);
    return { kind: 'scalar', value };
  }

  #binary(bytes: number): Token {
    const start = this.#take(bytes);
    // A copy: the message's buffer is used again.
    return { kind: 'scalar', value: new Uint8Array(this.#buffer.subarray(start, start + bytes)) };
  }

  #collection(kind: 'list' | 'map', count: number): Token {
    const least = kind === 'list' ? count : count * 2;
    if (least > this.remaining) throw malformed(`a ${kind} of ${count} in ${this.remaining} bytes`);
    return { kind, count };
  }

  #structure(count: number): Token {
    const tag = this.#unsigned(1);
    if (count > this.remaining) throw malformed(`a structure of ${count} fields in ${this.remaining} bytes`);
    return { kind: 'structure', count, tag };
  }

  next(): Token {
    const marker = this.#buffer[this.#take(1)]!;
    if (marker < 0x80) return { kind: 'scalar', value: marker };
    if (marker >= 0xf0) return { kind: 'scalar', value: marker - 256 };
    switch (marker & 0xf0) {
      case 0x80: return this.#text(marker & 15);
      case 0x90: return this.#collection('list', marker & 15);
      case 0xa0: return this.#collection('map', marker & 15);
      case 0xb0: return this.#structure(marker & 15);
      default: return this.#long(marker);
    }
  }

  #long(marker: number): Token {
    switch (marker) {
      case 0xc0: return { kind: 'scalar', value: null };
      case 0xc1: return { kind: 'float', value: this.#buffer.readDoubleBE(this.#take(8)) };
      case 0xc2: return { kind: 'scalar', value: false };
      case 0xc3: return { kind: 'scalar', value: true };
      case 0xc8: return { kind: 'scalar', value: this.#buffer.readInt8(this.#take(1)) };
      case 0xc9: return { kind: 'scalar', value: this.#buffer.readInt16BE(this.#take(2)) };
      case 0xca: return { kind: 'scalar', value: this.#buffer.readInt32BE(this.#take(4)) };
      case 0xcb: return { kind: 'scalar', value: integer(this.#buffer.readBigInt64BE(this.#take(8))) };
      case 0xcc: return this.#binary(this.#unsigned(1));
      case 0xcd: return this.#binary(this.#unsigned(2));
      case 0xce: return this.#binary(this.#unsigned(4));
      case 0xd0: return this.#text(this.#unsigned(1));
      case 0xd1: return this.#text(this.#unsigned(2));
      case 0xd2: return this.#text(this.#unsigned(4));
      case 0xd4: return this.#collection('list', this.#unsigned(1));
      case 0xd5: return this.#collection('list', this.#unsigned(2));
      case 0xd6: return this.#collection('list', this.#unsigned(4));
      case 0xd8: return this.#collection('map', this.#unsigned(1));
      case 0xd9: return this.#collection('map', this.#unsigned(2));
      case 0xda: return this.#collection('map', this.#unsigned(4));
      case 0xdc: return this.#structure(this.#unsigned(1));
      case 0xdd: return this.#structure(this.#unsigned(2));
      default: throw malformed(`unknown marker 0x${marker.toString(16)}`);
    }
  }
}
