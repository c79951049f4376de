/**
 * What an operator moves to disk when its statement holds too much: records in temporary files, written once, read in order.
 *
 * A file is made when the first frame of records is full. Its space is not used again before the operator ends.
 */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { DbError } from '../../base/errors.ts';
import { decodeValue, encodeValue } from '../../value/codec.ts';
import type { Value } from '../../value/value.ts';
import type { SpillFile } from '../context.ts';
import type { Runtime } from './runtime.ts';

const FRAME_BYTES_MAX = 64 * 1024;
const FRAME_BYTES_MIN = 1024;
/** Frames of so many files at once take no more than a good part of the memory limit. */
const FRAMES_IN_LIMIT = 1024;

/** The file of one run of an operator, and what it counts against. */
export class SpillArea {
  readonly rt: Runtime;
  readonly frameBytes: number;
  #file: SpillFile | undefined;
  #bytes = 0;

  constructor(rt: Runtime) {
    this.rt = rt;
    const limit = rt.context.limits.memoryBytes ?? Infinity;
    this.frameBytes = Math.round(Math.min(FRAME_BYTES_MAX, Math.max(FRAME_BYTES_MIN, limit / FRAMES_IN_LIMIT)));
  }

  get used(): boolean {
    return this.#file !== undefined;
  }

  append(bytes: Uint8Array): number {
    this.#file ??= this.rt.context.spill!.open();
    this.rt.claimSpilled(bytes.length);
    this.#bytes += bytes.length;
    const at = this.#file.append(bytes);
    this.rt.checkpoint(0);
    return at;
  }

  read(at: number, length: number): Uint8Array {
    if (this.#file === undefined) throw new DbError('Internal', 'nothing was spilled');
    this.rt.checkpoint(0);
    return this.#file.read(at, length);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.rt.claimSpilled(-this.#bytes);
    this.#bytes = 0;
  }
}

/** Records one after the other. Write one with `writer`, then call `end()`. */
export class Spool {
  readonly writer = new ByteWriter();
  readonly #area: SpillArea;
  readonly #frames: { readonly at: number; readonly length: number }[] = [];

  constructor(area: SpillArea) {
    this.#area = area;
  }

  end(): void {
    if (this.writer.length >= this.#area.frameBytes) this.#flush();
  }

  #flush(): void {
    if (this.writer.length === 0) return;
    const bytes = this.writer.view();
    this.#frames.push({ at: this.#area.append(bytes), length: bytes.length });
    this.writer.reset();
  }

  /** A reader that stands at each record in turn: whoever takes it reads the whole record. */
  *records(): Generator<ByteReader> {
    this.#flush();
    for (const { at, length } of this.#frames) {
      const reader = new ByteReader(this.#area.read(at, length));
      while (!reader.done) {
        const before = reader.position;
        yield reader;
        // Long records count for more: the deadline is looked at every few milliseconds.
        this.#area.rt.tick(1 + ((reader.position - before) >> 6));
      }
    }
  }
}

/** Slots that were never filled come back as null. */
export function writeValues(w: ByteWriter, values: readonly (Value | undefined)[]): void {
  w.varint(values.length);
  // Not for-of: rows have holes.
  for (let i = 0; i < values.length; i++) encodeValue(w, values[i] ?? null);
}

export function readValues(r: ByteReader): Value[] {
  const values: Value[] = [];
  for (let left = r.varint(); left > 0; left--) values.push(decodeValue(r));
  return values;
}
