/**
 * Rows of one file on their way into a graph: the properties of each as they are stored, and the keys that the graph has to look at. Nothing but
 * numbers and bytes, so that a batch costs little to give to another thread.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import type { Value } from '../value/value.ts';
import type { RawCell } from './row-source.ts';

/** One key of each row: a number, or another value in its binary form; a row without has NaN and no bytes. */
export interface KeyColumn {
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
  /** Where the bytes of each row end; empty if all keys are numbers. */
  readonly ends: Uint32Array;
}

/** A row that is not among those of its batch. */
export interface BatchProblem {
  /** Rows of the batch before it. */
  readonly at: number;
  readonly line: number;
  readonly reason: string;
  readonly column?: number;
  readonly columnName?: string;
  readonly value?: string;
  /** Undefined: no row could be read. See `packedCells`. */
  readonly cells?: Uint8Array;
}

export interface RowBatch {
  readonly rows: number;
  readonly lines: Float64Array;
  /** Labels of a vertex (none of an edge) and properties, as in a block. */
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  readonly keys: readonly KeyColumn[];
  readonly problems: readonly BatchProblem[];
}

/** Cells of a row as bytes, for another thread. */
export function packedCells(cells: readonly RawCell[]): Uint8Array {
  const writer = new ByteWriter(256);
  encodeValue(writer, cells as Value[]);
  return ownBytes(writer);
}

export function unpackedCells(packed: Uint8Array): readonly RawCell[] {
  return decodeValue(new ByteReader(packed)) as RawCell[];
}

/** The stored bytes of one row. */
export function bytesAt({ bytes, ends }: RowBatch, row: number): Uint8Array {
  return bytes.subarray(row === 0 ? 0 : ends[row - 1]!, ends[row]!);
}

/** The key of one row; undefined: it has none. */
export function keyAt(column: KeyColumn, row: number): Value | undefined {
  const number = column.numbers[row]!;
  if (!Number.isNaN(number)) return number;
  if (column.ends.length === 0) return undefined;
  const from = row === 0 ? 0 : column.ends[row - 1]!;
  const to = column.ends[row]!;
  return from === to ? undefined : decodeValue(new ByteReader(column.bytes.subarray(from, to)));
}

/** A typed array that grows. */
class Growing<A extends Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>> {
  readonly #make: (length: number) => A;
  #array: A;
  length = 0;

  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#array = make(1024);
  }

  push(value: number): void {
    if (this.length === this.#array.length) {
      const grown = this.#make(this.length * 2);
      grown.set(this.#array);
      this.#array = grown;
    }
    this.#array[this.length++] = value;
  }

  /** A copy of what is in it. */
  take(): A {
    const copy = this.#array.slice(0, this.length) as A;
    this.length = 0;
    return copy;
  }
}

const floats = (length: number) => new Float64Array(length);
const words = (length: number) => new Uint32Array(length);

export class KeyColumnBuilder {
  readonly #numbers = new Growing(floats);
  readonly #ends = new Growing(words);
  readonly #bytes = new ByteWriter(1024);

  number(key: number): void {
    this.#numbers.push(key);
    if (this.#ends.length > 0) this.#ends.push(this.#bytes.length);
  }

  /** A key that is no number, in its binary form; without bytes: no key. */
  other(bytes: Uint8Array): void {
    // The rows before had numbers only.
    if (this.#ends.length === 0) for (let i = 0; i < this.#numbers.length; i++) this.#ends.push(0);
    this.#numbers.push(Number.NaN);
    this.#bytes.raw(bytes);
    this.#ends.push(this.#bytes.length);
  }

  take(): KeyColumn {
    const column = { numbers: this.#numbers.take(), bytes: ownBytes(this.#bytes), ends: this.#ends.take() };
    this.#bytes.reset();
    return column;
  }
}

export class BatchBuilder {
  /** The properties of the row being written go behind those of the rows before. */
  readonly bytes = new ByteWriter(1024 * 1024);
  readonly keys: readonly KeyColumnBuilder[];
  readonly #lines = new Growing(floats);
  readonly #ends = new Growing(words);
  #problems: BatchProblem[] = [];

  constructor(keys: number) {
    this.keys = Array.from({ length: keys }, () => new KeyColumnBuilder());
  }

  get rows(): number {
    return this.#ends.length;
  }

  /** The row's bytes and keys are written. */
  endRow(line: number): void {
    this.#lines.push(line);
    this.#ends.push(this.bytes.length);
  }

  problem(problem: Omit<BatchProblem, 'at'>): void {
    this.#problems.push({ at: this.rows, ...problem });
  }

  take(): RowBatch {
    const batch = {
      rows: this.rows, lines: this.#lines.take(), bytes: ownBytes(this.bytes), ends: this.#ends.take(), keys: this.keys.map((key) => key.take()), problems: this.#problems,
    };
    this.bytes.reset();
    this.#problems = [];
    return batch;
  }
}

/** Not a piece of a larger buffer, which would be cloned whole. */
function ownBytes(writer: ByteWriter): Uint8Array {
  return new Uint8Array(writer.view());
}
