/**
 * Lists of FLOATs as they are stored: number beside number, in 4 or 8 bytes each, where a list of values takes some fifty a number. Embeddings
 * have hundreds of them. Their binary form is that of the list (codec.ts); outside of the graph store nobody sees them.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { decodeValue, encodeListHead, encodeValue, FLOAT_TAG, LIST_TAG } from './codec.ts';
import { Float, isNumber } from './value.ts';
import type { Value } from './value.ts';

/** Shorter lists stay as they are. */
const PACKED_MIN = 8;

export class PackedFloats {
  /** In single precision where that loses nothing. */
  readonly numbers: Numbers;
  #squares: number | undefined;

  constructor(numbers: Float64Array) {
    this.numbers = isSingle(numbers) ? Float32Array.from(numbers) : numbers;
  }

  /** The sum of their squares. */
  get squares(): number {
    return this.#squares ??= dot(this.numbers, Float64Array.from(this.numbers));
  }

  toList(): Value[] {
    return Array.from(this.numbers, (number) => new Float(number));
  }
}

/** NaN counts as no single: what it is made of might not stay. */
function isSingle(numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (Math.fround(numbers[i]!) !== numbers[i]) return false;
  return true;
}

export type StoredValue = Value | PackedFloats;

export type Numbers = Float32Array | Float64Array;

/**
 * Of two of one length. A loop for each kind of array: one that meets both looks at the kind for each number, which costs several times the
 * arithmetic. Four sums side by side: each addition would otherwise wait for the one before.
 */
export function dot(a: Numbers, b: Float64Array): number {
  return a instanceof Float32Array ? dotOfSingle(a, b) : dotOfDouble(a, b);
}

function dotOfSingle(a: Float32Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

function dotOfDouble(a: Float64Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

/** The square of the distance between two of one length. */
export function squaredDistance(a: Numbers, b: Float64Array): number {
  return a instanceof Float32Array ? distanceOfSingle(a, b) : distanceOfDouble(a, b);
}

function distanceOfSingle(a: Float32Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let d = 0;
  const whole = a.length & ~1;
  for (let i = 0; i < whole; i += 2) {
    d = a[i]! - b[i]!;
    s0 += d * d;
    d = a[i + 1]! - b[i + 1]!;
    s1 += d * d;
  }
  if (whole < a.length) s0 += (a[whole]! - b[whole]!) * (a[whole]! - b[whole]!);
  return s0 + s1;
}

function distanceOfDouble(a: Float64Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let d = 0;
  const whole = a.length & ~1;
  for (let i = 0; i < whole; i += 2) {
    d = a[i]! - b[i]!;
    s0 += d * d;
    d = a[i + 1]! - b[i + 1]!;
    s1 += d * d;
  }
  if (whole < a.length) s0 += (a[whole]! - b[whole]!) * (a[whole]! - b[whole]!);
  return s0 + s1;
}

export function packed(value: Value): StoredValue {
  if (!Array.isArray(value) || value.length < PACKED_MIN) return value;
  const numbers = new Float64Array(value.length);
  for (let i = 0; i < numbers.length; i++) {
    const item = value[i]!;
    if (!(item instanceof Float)) return value;
    numbers[i] = item.value;
  }
  return new PackedFloats(numbers);
}

/** The numbers of a list of nothing but numbers, INTEGERs included; undefined for anything else. */
export function vectorOf(stored: StoredValue): PackedFloats | undefined {
  if (typeof stored !== 'object') return undefined;
  if (stored instanceof PackedFloats) return stored;
  if (!Array.isArray(stored) || stored.length === 0) return undefined;
  const numbers = new Float64Array(stored.length);
  for (let i = 0; i < numbers.length; i++) {
    const item = stored[i]!;
    if (item === null || !isNumber(item)) return undefined;
    numbers[i] = item instanceof Float ? item.value : Number(item);
  }
  return new PackedFloats(numbers);
}

export function unpacked(stored: StoredValue): Value {
  return typeof stored === 'object' && stored instanceof PackedFloats ? stored.toList() : stored;
}

export function encodeStored(writer: ByteWriter, stored: StoredValue): void {
  if (typeof stored !== 'object' || !(stored instanceof PackedFloats)) {
    encodeValue(writer, stored);
    return;
  }
  const { numbers } = stored;
  encodeListHead(writer, numbers.length);
  for (let i = 0; i < numbers.length; i++) writer.u8(FLOAT_TAG).f64(numbers[i]!);
}

export function decodeStored(reader: ByteReader): StoredValue {
  if (reader.peek() !== LIST_TAG) return decodeValue(reader);
  const start = reader.position;
  reader.u8();
  const count = reader.varint();
  const numbers = count < PACKED_MIN ? undefined : reader.taggedDoubles(FLOAT_TAG, count);
  if (numbers !== undefined) return new PackedFloats(numbers);
  reader.rewind(start);
  return decodeValue(reader);
}

/** The bytes it takes in memory beside a reference, roughly. */
export function storedSize(stored: StoredValue): number {
  if (typeof stored === 'string') return 24 + stored.length;
  if (typeof stored !== 'object' || stored === null) return 0;
  if (stored instanceof PackedFloats) return 200 + stored.numbers.byteLength;
  if (stored instanceof Uint8Array) return 200 + stored.length;
  if (!Array.isArray(stored)) return 64;
  let bytes = 32 + stored.length * 8;
  for (const item of stored) bytes += storedSize(item);
  return bytes;
}
