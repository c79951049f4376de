/**
 * Bolt's framing: a message is one or more chunks `| length u16 | bytes |`, ended by a chunk of length 0. Empty messages
 * (a 0 with nothing before it) are keep-alive signals.
 *
 * The writer packs messages straight into one output buffer, headers included, so that a whole batch of records is one
 * write to the socket. The reader hands out messages as slices of the received data where it can, and copies only those
 * that arrive in pieces; it refuses a message beyond its limit before storing it.
 */
import { DbError } from '../base/errors.ts';
import type { Value } from '../value/value.ts';
import { PackWriter } from './packstream.ts';
import { packMessage } from './structures.ts';
import type { Dialect } from './structures.ts';

const CHUNK_MAX = 0xffff;
export const HEADER = 2;
const COPIED_MAX = 2048;

export class MessageWriter {
  readonly #pack = new PackWriter(16_384);

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#pack.length;
  }

  /** Adds one message; when it cannot be written, nothing of it stays. */
  write(tag: number, fields: readonly Value[], dialect: Dialect): void {
    const start = this.#pack.skip(HEADER);
    try {
      packMessage(this.#pack, tag, fields, dialect);
    } catch (error) {
      this.#pack.truncate(start);
      throw error;
    }
    frameMessage(this.#pack, start);
  }

  /** A keep-alive signal. */
  writeNoop(): void {
    const at = this.#pack.skip(HEADER);
    this.#pack.view().writeUInt16BE(0, at);
  }

  /** Adds messages that are framed already. */
  raw(bytes: Uint8Array): void {
    const at = this.#pack.skip(bytes.length);
    this.#pack.view().set(bytes, at);
  }

  /** Hands over all that was written. */
  take(): Buffer {
    if (this.#pack.length > COPIED_MAX) return this.#pack.take();
    // A few answers are copied to a small buffer, which costs less than a new large one each time.
    const copy = Buffer.from(this.#pack.view());
    this.#pack.truncate(0);
    return copy;
  }
}

/** Puts the headers around the message that begins behind the header-sized gap at `start` and ends where the writer stands. */
export function frameMessage(pack: PackWriter, start: number): void {
  const size = pack.length - start - HEADER;
  const chunks = Math.max(1, Math.ceil(size / CHUNK_MAX));
  pack.skip((chunks - 1) * HEADER + HEADER);
  const buffer = pack.view();
  // From the last chunk backwards, because each moves up to make room for the headers before it.
  for (let i = chunks - 1; i >= 0; i--) {
    const from = start + HEADER + i * CHUNK_MAX;
    const length = Math.min(CHUNK_MAX, size - i * CHUNK_MAX);
    const to = from + i * HEADER;
    if (to !== from) buffer.copyWithin(to, from, from + length);
    buffer.writeUInt16BE(length, to - HEADER);
  }
  buffer.writeUInt16BE(0, buffer.length - HEADER);
}

export class MessageReader {
  /** May grow: who has not said who it is gets less. */
  messageBytesMax: number;
  /** The message that is being put together, when it came in pieces. */
  #partial: Buffer = Buffer.alloc(0);
  #partialLength = 0;
  /** Bytes of the current chunk that are still to come. */
  #chunkLeft = 0;
  /** First byte of a header that was cut in two, or -1. */
  #halfHeader = -1;

  constructor(messageBytesMax: number) {
    this.messageBytesMax = messageBytesMax;
  }

  /** Bytes held for a message that is not complete. */
  get pendingBytes(): number {
    return this.#partialLength;
  }

  /** The messages that the data completes. They may share memory with it. */
  push(data: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < data.length) {
      if (this.#chunkLeft > 0) {
        const end = Math.min(data.length, at + this.#chunkLeft);
        this.#chunkLeft -= end - at;
        this.#append(data.subarray(at, end));
        at = end;
        continue;
      }
      if (this.#halfHeader < 0 && data.length - at < HEADER) {
        this.#halfHeader = data[at]!;
        break;
      }
      const length = this.#halfHeader < 0 ? data.readUInt16BE(at) : this.#halfHeader * 256 + data[at]!;
      at += this.#halfHeader < 0 ? HEADER : 1;
      this.#halfHeader = -1;
      if (length === 0) {
        if (this.#partialLength > 0) messages.push(this.#finish());
      } else if (this.#partialLength === 0 && at + length + HEADER <= data.length && data.readUInt16BE(at + length) === 0) {
        // The usual case: the whole message is here, in one chunk.
        this.#check(length);
        messages.push(data.subarray(at, at + length));
        at += length + HEADER;
      } else {
        this.#check(this.#partialLength + length);
        this.#chunkLeft = length;
      }
    }
    return messages;
  }

  #check(bytes: number): void {
    if (bytes > this.messageBytesMax) {
      throw new DbError('RequestTooLarge', `a message is longer than ${this.messageBytesMax} bytes`, {
        hint: 'send less data in one request, for example in several batches of parameters',
      });
    }
  }

  #append(bytes: Buffer): void {
    const length = this.#partialLength + bytes.length;
    if (length > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, this.#partial.length * 2, 1024));
      this.#partial.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    bytes.copy(this.#partial, this.#partialLength);
    this.#partialLength = length;
  }

  #finish(): Buffer {
    const message = this.#partial.subarray(0, this.#partialLength);
    // Given away: the next message in pieces gets its own.
    this.#partial = Buffer.alloc(0);
    this.#partialLength = 0;
    return message;
  }
}
