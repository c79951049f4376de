/** When a reader thread reads ahead (graph/read-ahead.ts): once what was written has come to rest, or from time to time where it never does. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadAhead } from '../graph/read-ahead.ts';

const LOOK_MS = 500;
/** While writes go on, what is read would soon be read again: only after so many looks. */
const RESTLESS_LOOKS_MAX = 120;
/** A pass is followed by a rest of so many times its length. */
const REST_FACTOR = 10;

export class ReadingAhead {
  readonly #ahead: ReadAhead;
  readonly #version: () => number;
  #timer: NodeJS.Timeout;
  #isStopped = false;
  #seen = -1;
  #looks = 0;
  #done = -1;

  /** `version`: the newest that can be read. */
  constructor(ahead: ReadAhead, version: () => number) {
    this.#ahead = ahead;
    this.#version = version;
    this.#timer = this.#after(LOOK_MS);
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#look(), ms).unref();
  }

  async #look(): Promise<void> {
    const version = this.#version();
    const isAtRest = version === this.#seen;
    this.#seen = version;
    let restMs = LOOK_MS;
    if (version !== this.#done && (isAtRest || ++this.#looks > RESTLESS_LOOKS_MAX)) {
      const from = performance.now();
      try {
        await this.#pass();
        this.#done = version;
      } catch {
        // A graph that was dropped meanwhile, a store that is being closed: nobody waits for this, and it is tried again.
      }
      this.#looks = 0;
      restMs = Math.max(LOOK_MS, (performance.now() - from) * REST_FACTOR);
    }
    if (!this.#isStopped && this.#ahead.hasRoom) this.#timer = this.#after(restMs);
  }

  async #pass(): Promise<void> {
    const pass = this.#ahead.pass();
    while (!this.#isStopped && pass.next().done !== true) await nextTurn();
  }

  /** No step is taken afterwards. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
