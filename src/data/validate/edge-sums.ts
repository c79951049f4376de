/**
 * Whether the relationships that vertices list are those that edges are, without looking any up: each edge adds a hash of (vertex, type, neighbour, edge) for
 * either end, each listed relationship subtracts it, and where all is well the sums are 0. There is one sum for each range of edge ids, so that what is wrong has to
 * be looked for among few. A wrong list has a sum of 0 once in 2^64 times.
 *
 * Sums of threads that each saw a part are added.
 */
export const OUTGOING = 0;
export const INCOMING = 1;
export type Side = typeof OUTGOING | typeof INCOMING;

const RANGES_MAX = 2 ** 14;
/** Edge ids of a range, at least: few graphs have many ranges. */
const RANGE_MIN = 64;
const LANES = 4;

export class EdgeSums {
  /** Of each range: both halves of the outgoing sum, and of the incoming one. */
  readonly lanes: Int32Array;
  readonly #ranges: number;
  readonly #width: number;

  /** `edges`: about how many ids there are. Larger ones share the last range. */
  constructor(edges: number) {
    this.#ranges = Math.max(1, Math.min(RANGES_MAX, Math.ceil(edges / RANGE_MIN)));
    this.#width = Math.max(RANGE_MIN, Math.ceil(edges / this.#ranges));
    this.lanes = new Int32Array(this.#ranges * LANES);
  }

  rangeOf(edge: number): number {
    return Math.min(this.#ranges - 1, Math.floor(edge / this.#width));
  }

  add(side: Side, vertex: number, type: number, neighbour: number, edge: number): void {
    hash(vertex, type, neighbour, edge);
    const at = this.rangeOf(edge) * LANES + side * 2;
    this.lanes[at]! += high;
    this.lanes[at + 1]! += low;
  }

  subtract(side: Side, vertex: number, type: number, neighbour: number, edge: number): void {
    hash(vertex, type, neighbour, edge);
    const at = this.rangeOf(edge) * LANES + side * 2;
    this.lanes[at]! -= high;
    this.lanes[at + 1]! -= low;
  }

  addAll(lanes: Int32Array): void {
    for (let i = 0; i < lanes.length; i++) this.lanes[i]! += lanes[i]!;
  }

  /** Ranges in which the two do not agree, for either end. */
  wrong(): Set<number> {
    const found = new Set<number>();
    for (let i = 0; i < this.lanes.length; i++) if (this.lanes[i] !== 0) found.add(Math.floor(i / LANES));
    return found;
  }
}

/** What `hash` made last. */
let high = 0;
let low = 0;

function hash(vertex: number, type: number, neighbour: number, edge: number): void {
  high = 0x2545f491;
  low = 0x5bd1e995;
  mix(vertex | 0);
  mix(neighbour | 0);
  mix(edge | 0);
  mix(type);
  // Vertices have 40 bits and edges 48: what is above 32 of them is one more word.
  mix((vertex / 2 ** 32) | (((neighbour / 2 ** 32) | 0) << 8) | (((edge / 2 ** 32) | 0) << 16));
}

/** murmur3's step (Austin Appleby, public domain) in one lane, a multiplication and a shift in the other. */
function mix(word: number): void {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593) ^ high;
  high = (Math.imul((k << 13) | (k >>> 19), 5) + 0xe6546b64) | 0;
  low = Math.imul(low ^ word, 0x9e3779b1);
  low ^= low >>> 15;
}
