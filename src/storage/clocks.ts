/**
 * Version clocks: for each block (hashed), the data version of its last change, shared by all threads of the process.
 *
 * The writer raises a block's clock *before* it writes the batch that changes it, and publishes the new version after.
 * A reader at version V may use a decoded copy it loaded at version L exactly when clock ≤ min(V, L): then nothing
 * changed the block between L and V, in either direction. Two blocks may share a slot; that only costs a reload.
 *
 * Float64 slots: versions are log indexes below 2^53, and an aligned 8-byte store is not torn on any platform that Node
 * supports. The header holds the published version; it is stored and loaded with Atomics as two halves guarded by a
 * sequence number, which also orders the clock stores before it. Beside it is the answered version, a slot like the others.
 */

const SLOTS = 1 << 20;
const HEADER_BYTES = 64;

export class VersionClocks {
  readonly buffer: SharedArrayBuffer;
  readonly #slots: Float64Array;
  readonly #sequence: Int32Array;
  readonly #published: Float64Array;
  readonly #answered: Float64Array;

  /** With a buffer: the same clocks as another thread's. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(HEADER_BYTES + SLOTS * 8);
    this.#sequence = new Int32Array(this.buffer, 0, 2);
    this.#published = new Float64Array(this.buffer, 8, 1);
    this.#answered = new Float64Array(this.buffer, 16, 1);
    this.#slots = new Float64Array(this.buffer, HEADER_BYTES, SLOTS);
  }

  /** A block's slot, from its kind, graph and number. */
  static slot(kind: number, graph: number, block: number): number {
    let h = Math.imul(block | 0, 0x9e3779b1) ^ Math.imul((block / 4294967296) | 0, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15) ^ (kind * 0x27d4eb2f), 0x2c1b3c6d) ^ Math.imul(graph + 1, 0x165667b1);
    return (h ^ (h >>> 13)) & (SLOTS - 1);
  }

  read(slot: number): number {
    return this.#slots[slot]!;
  }

  raise(slot: number, version: number): void {
    if (this.#slots[slot]! < version) this.#slots[slot] = version;
  }

  /** Makes `version` visible to readers; everything that belongs to it is written. */
  publish(version: number): void {
    Atomics.add(this.#sequence, 0, 1);
    this.#published[0] = version;
    Atomics.add(this.#sequence, 0, 1);
    Atomics.notify(this.#sequence, 0);
  }

  get published(): number {
    for (;;) {
      const before = Atomics.load(this.#sequence, 0);
      const version = this.#published[0]!;
      if ((before & 1) === 0 && Atomics.load(this.#sequence, 0) === before) return version;
    }
  }

  /**
   * The newest version that a client was told of before it was published (decision 028), 0: none. Set by the writer before the answer leaves, so
   * whoever has heard of the write finds it here.
   */
  get answered(): number {
    return this.#answered[0]!;
  }
  set answered(version: number) {
    this.#answered[0] = version;
  }

  /** Waits until `version` is published; false when that takes longer than the time. */
  async reached(version: number, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      // The sequence is read before the version: a publish in between makes the wait return at once.
      const sequence = Atomics.load(this.#sequence, 0);
      if (this.published >= version) return true;
      const rest = deadline - performance.now();
      if (rest <= 0) return false;
      const wait = Atomics.waitAsync(this.#sequence, 0, sequence, rest);
      if (wait.async) await wait.value;
    }
  }
}
