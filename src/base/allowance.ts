/**
 * What code deep inside values asks on behalf of the statement it works for: may something so large be made, and is it time to end?
 * A list that doubles forty times is a short text, and a list that holds itself twice, forty levels deep, takes forever to compare:
 * without this either would end the process, or occupy it for good.
 *
 * One statement runs at a time in a thread, so the one that is running is a variable of the module.
 */
import { DbError } from './errors.ts';

export interface Surroundings {
  /** Throws when the statement is to end: its time is over, or somebody stopped it. */
  checkpoint(): void;
  /** The largest single value. */
  readonly valueBytesMax: number;
}

/** V8 ends the process, without an exception, where an array outgrows 2^27 items or so. */
export const ARRAY_ITEMS_MAX = 50_000_000;
/** Buffers that grow ask from here on. */
export const ASKED_BYTES = 32 * 2 ** 20;
const VALUE_BYTES_MAX = 2 ** 30;
const STEPS = 65_536;
/** So much is made between two looks at the heap. */
const LOOK_BYTES = 32 * 2 ** 20;

const NOBODY: Surroundings = { checkpoint: () => undefined, valueBytesMax: VALUE_BYTES_MAX };
let current = NOBODY;
let steps = 0;
let made = 0;

/** Runs a part of a statement. */
export function onBehalfOf<T>(surroundings: Surroundings, work: () => T): T {
  const before = current;
  current = surroundings;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** What `items` gives, each step of it on behalf of a statement that others may come between. */
export function* eachOnBehalfOf<T>(surroundings: Surroundings, items: Iterable<T>): Generator<T> {
  const iterator = items[Symbol.iterator]();
  try {
    for (;;) {
      const step = onBehalfOf(surroundings, () => iterator.next());
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    iterator.return?.();
  }
}

/** To be called in loops through the inside of a value, with the number of parts about to be visited. */
export function walk(count: number): void {
  steps += count;
  if (steps < STEPS) return;
  steps = 0;
  current.checkpoint();
}

/** To be called before a value of so many bytes is made. Throws MemoryLimit. */
export function mayMake(bytes: number): void {
  made += bytes;
  if (made < LOOK_BYTES && bytes < LOOK_BYTES) return;
  if (bytes > current.valueBytesMax) {
    throw new DbError('MemoryLimit', `a single value would take ${megabytes(bytes)} MB; a statement may hold ${megabytes(current.valueBytesMax)} MB`, {
      hint: 'make less at once, or raise query_memory_mb',
    });
  }
  made = 0;
  look(bytes);
}

/** To be called before a list of so many items is made. Throws MemoryLimit. */
export function mayMakeList(items: number): void {
  if (items > ARRAY_ITEMS_MAX) throw new DbError('MemoryLimit', `a list would have ${items} items; at most ${ARRAY_ITEMS_MAX} are possible`);
  mayMake(8 * items);
}

let look: (bytes: number) => void = () => undefined;

/** Who is asked before more is made than a little (see heap-watch.ts); where this runs in a browser, nobody. */
export function askAboutHeap(ask: (bytes: number) => void): void {
  look = ask;
}

export function megabytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
