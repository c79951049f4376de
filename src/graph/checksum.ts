/**
 * The state checksum: a sum over all logical blocks of a 64-bit hash of (key, bytes), so that a change costs only its own
 * blocks: subtract the old hash, add the new. Two replicas at the same version must show the same sum.
 *
 * The hash is two lanes of murmur3's 32-bit mixing with different seeds; it guards against faults, not against people.
 */
export class Checksum {
  high: number;
  low: number;

  constructor(high = 0, low = 0) {
    this.high = high;
    this.low = low;
  }

  /** Of `bytes` from `from` to `to`. */
  add(key: Uint8Array, bytes: Uint8Array, from = 0, to = bytes.length): void {
    hash(key, bytes, from, to);
    this.high = (this.high + highLane) | 0;
    this.low = (this.low + lowLane) | 0;
  }

  subtract(key: Uint8Array, bytes: Uint8Array, from = 0, to = bytes.length): void {
    hash(key, bytes, from, to);
    this.high = (this.high - highLane) | 0;
    this.low = (this.low - lowLane) | 0;
  }

  toString(): string {
    return (this.high >>> 0).toString(16).padStart(8, '0') + (this.low >>> 0).toString(16).padStart(8, '0');
  }

  static parse(text: string): Checksum {
    return new Checksum(parseInt(text.slice(0, 8), 16) | 0, parseInt(text.slice(8, 16), 16) | 0);
  }

  clone(): Checksum {
    return new Checksum(this.high, this.low);
  }
}

/** The checksums of the last versions, which are kept as numbers: there is one for each entry, and hardly any is asked for. */
export class RecentChecksums {
  readonly #versions: Float64Array;
  readonly #lanes: Int32Array;

  /** @param kept how many versions are known at most. */
  constructor(kept: number) {
    this.#versions = new Float64Array(kept).fill(-1);
    this.#lanes = new Int32Array(2 * kept);
  }

  set(version: number, { high, low }: Checksum): void {
    const at = version % this.#versions.length;
    this.#versions[at] = version;
    this.#lanes[2 * at] = high;
    this.#lanes[2 * at + 1] = low;
  }

  get(version: number): string | undefined {
    const at = version % this.#versions.length;
    return this.#versions[at] === version ? new Checksum(this.#lanes[2 * at], this.#lanes[2 * at + 1]).toString() : undefined;
  }
}

/** The hash that `hash` made last. */
let highLane = 0;
let lowLane = 0;

function hash(key: Uint8Array, bytes: Uint8Array, from: number, to: number): void {
  highLane = 0x2545f491;
  lowLane = 0x5bd1e995;
  mixIn(key, 0, key.length);
  mixIn(bytes, from, to);
}

/** murmur3_x86_32 (Austin Appleby, public domain) in both lanes, each with its last result as seed. */
function mixIn(bytes: Uint8Array, from: number, to: number): void {
  let high = highLane;
  let low = lowLane;
  const blocks = from + ((to - from) & ~3);
  for (let i = from; i < blocks; i += 4) {
    const k = word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    high = step(high, k);
    low = step(low, k);
  }
  let tail = 0;
  for (let i = to - 1; i >= blocks; i--) tail = (tail << 8) | bytes[i]!;
  tail = word(tail);
  highLane = finish(high ^ tail, to - from);
  lowLane = finish(low ^ tail, to - from);
}

function word(bits: number): number {
  const k = Math.imul(bits, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function step(lane: number, k: number): number {
  let h = lane ^ k;
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

function finish(lane: number, length: number): number {
  let h = lane ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
