/**
 * Who reads which part of a scan: a few numbers in memory that threads share.
 *
 * The scan is cut into chunks of neighbouring ids. At first all of them are one segment, that of the thread the statement runs in. Whoever has nothing
 * to do takes the second half of the longest segment that is left. Each thread so reads runs of neighbouring chunks in their order, the whole comes
 * from putting the segments one behind the other, and a thread that is slow, or has other things to do, holds up nobody for longer than one chunk.
 */
const STOP = 0;
const SEGMENTS = 1;
const HELPERS = 2;
export const HELPERS_MAX = 15;
const FIRST = HELPERS + HELPERS_MAX + 1;
const SEGMENTS_MAX = 512;
const BOUNDS_AT = (FIRST + SEGMENTS_MAX) * 4 + ((FIRST + SEGMENTS_MAX) % 2) * 4;
/** Two of them are in one number. */
export const CHUNKS_MAX = 4096;
/** How long is waited before the statement's deadline is looked at again. */
const LOOK_MS = 10;

/** What became of who was asked for help. */
const ASKED = 0;
const WORKING = 1;
const ENDED = 2;
const TOO_LATE = 3;

/** Why all should stop. */
const DONE = 1;
const IN_VAIN = 2;

/** Chunks `next` to `end` - 1 of a segment are left. */
function packed(next: number, end: number): number {
  return (next << 16) | end;
}

export interface Segment {
  readonly first: number;
  /** The next chunk of it, or -1. */
  claim(): number;
}

export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  /** Chunk i has the ids from bounds[i] to bounds[i + 1] - 1. */
  readonly bounds: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#numbers = new Int32Array(buffer, 0, BOUNDS_AT / 4);
    this.bounds = new Float64Array(buffer, BOUNDS_AT);
  }

  static of(bounds: readonly number[]): Board {
    const board = new Board(new SharedArrayBuffer(BOUNDS_AT + bounds.length * 8));
    board.bounds.set(bounds);
    board.#numbers[SEGMENTS] = 1;
    board.#numbers[FIRST] = packed(0, bounds.length - 1);
    return board;
  }

  /** The segment of the thread that the statement runs in: the one that begins at the first chunk. */
  get own(): Segment {
    return this.#segment(0, 0);
  }

  /** Undefined: every chunk is taken. */
  steal(): Segment | undefined {
    const numbers = this.#numbers;
    for (;;) {
      if (this.isStopped) return undefined;
      let [best, most] = [-1, 0];
      const segments = Math.min(Atomics.load(numbers, SEGMENTS), SEGMENTS_MAX);
      for (let i = 0; i < segments; i++) {
        const state = Atomics.load(numbers, FIRST + i);
        const left = (state & 0xffff) - (state >>> 16);
        if (left > most) [best, most] = [i, left];
      }
      if (best < 0) return undefined;
      const state = Atomics.load(numbers, FIRST + best);
      const [next, end] = [state >>> 16, state & 0xffff];
      if (next >= end) continue;
      const middle = next + ((end - next) >> 1);
      if (Atomics.compareExchange(numbers, FIRST + best, state, packed(next, middle)) !== state) continue;
      const index = Atomics.add(numbers, SEGMENTS, 1);
      if (index >= SEGMENTS_MAX) return fixedSegment(middle, end);
      Atomics.store(numbers, FIRST + index, packed(middle, end));
      return this.#segment(index, middle);
    }
  }

  #segment(index: number, first: number): Segment {
    const numbers = this.#numbers;
    return {
      first,
      claim: () => {
        for (;;) {
          const state = Atomics.load(numbers, FIRST + index);
          const [next, end] = [state >>> 16, state & 0xffff];
          if (next >= end || this.isStopped) return -1;
          if (Atomics.compareExchange(numbers, FIRST + index, state, packed(next + 1, end)) === state) return next;
        }
      },
    };
  }

  // -------------------------------------------------------------- stopping

  get isStopped(): boolean {
    return Atomics.load(this.#numbers, STOP) !== 0;
  }

  /** The parts cannot be put together: there is no sense in going on. */
  get isInVain(): boolean {
    return Atomics.load(this.#numbers, STOP) === IN_VAIN;
  }

  stop(): void {
    Atomics.compareExchange(this.#numbers, STOP, 0, DONE);
  }

  giveUp(): void {
    Atomics.store(this.#numbers, STOP, IN_VAIN);
  }

  // -------------------------------------------------------------- helpers

  /** False: nobody waits for this helper any more. */
  begin(helper: number): boolean {
    return Atomics.compareExchange(this.#numbers, HELPERS + helper, ASKED, WORKING) === ASKED;
  }

  end(helper: number): void {
    Atomics.store(this.#numbers, HELPERS + helper, ENDED);
    Atomics.notify(this.#numbers, HELPERS + helper);
  }

  /** Waits for a helper that has begun; one that has not need not any more. False: it has not. */
  waitFor(helper: number, checkpoint: () => void): boolean {
    const place = HELPERS + helper;
    if (Atomics.compareExchange(this.#numbers, place, ASKED, TOO_LATE) === ASKED) return false;
    while (Atomics.load(this.#numbers, place) === WORKING) {
      checkpoint();
      Atomics.wait(this.#numbers, place, WORKING, LOOK_MS);
    }
    return true;
  }
}

/** Chunks that nobody else can take. */
export function fixedSegment(first: number, end: number): Segment {
  let next = first;
  return { first, claim: () => (next < end ? next++ : -1) };
}
