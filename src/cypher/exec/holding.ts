/**
 * What an operator keeps in memory, counted against the statement's limit: rows it sorts, groups, the keys it has seen. Sizes are
 * estimates (value/size.ts), good to within a factor of two.
 */
import { valueBytes } from '../../value/size.ts';
import type { Value } from '../../value/value.ts';
import type { Operator, Row, Runtime } from './runtime.ts';

/** An entry of a map or set. */
export const ENTRY_BYTES = 48;

export class Holding {
  readonly #rt: Runtime;
  #bytes = 0;
  #unclaimed = 0;
  /** The statement holds so much that an operator that can spill (see spill.ts) should do so now, and `free`. */
  pressed = false;

  constructor(rt: Runtime) {
    this.#rt = rt;
  }

  add(bytes: number): void {
    this.#unclaimed += bytes;
    if (this.#unclaimed < this.#rt.lotBytes) return;
    this.#rt.claim(this.#unclaimed);
    this.#bytes += this.#unclaimed;
    this.#unclaimed = 0;
    this.pressed = this.#rt.isPressed(this.#bytes);
  }

  addRow(row: Row): void {
    let bytes = 48 + 8 * row.length;
    for (const value of row) if (typeof value === 'string' || (typeof value === 'object' && value !== null)) bytes += bytesOf(value);
    this.add(bytes);
  }

  free(): void {
    this.#rt.claim(-this.#bytes);
    this.#bytes = 0;
    this.#unclaimed = 0;
    this.pressed = false;
  }
}

/** An operator that gives back what it held when it ends, however it ends. */
export function held(make: (rt: Runtime, source: Iterable<Row[]>, holding: Holding) => Iterable<Row[]>): Operator {
  return function* counted(rt, source) {
    const holding = new Holding(rt);
    try {
      yield* make(rt, source, holding);
    } finally {
      holding.free();
    }
  };
}

/** A list that many rows have in common is looked through once. */
const LONG = 256;
let last: { readonly list: WeakRef<Value[]>; readonly length: number; readonly bytes: number } | undefined;

function bytesOfLong(list: Value[]): number {
  if (last?.list.deref() !== list || last.length !== list.length) last = { list: new WeakRef(list), length: list.length, bytes: valueBytes(list) };
  return last.bytes;
}

/** Short texts and handles get a flat guess: they are the many. */
export function bytesOf(value: Value): number {
  if (typeof value === 'string') return 24 + value.length;
  if (Array.isArray(value) && value.length > LONG) return bytesOfLong(value);
  if (Array.isArray(value) || value instanceof Map || value instanceof Uint8Array) return valueBytes(value);
  return typeof value === 'object' ? 48 : 8;
}
