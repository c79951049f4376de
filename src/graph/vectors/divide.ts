/**
 * Positions divided in two by nearness: k-means with two means (Lloyd's algorithm), begun at two positions that are far apart. Plain arithmetic in one
 * order, so that every replica comes to the same parts.
 */
import { distanceTo } from './positions.ts';

const ROUNDS = 4;
/** A part has at least this share of the positions: a page that is split has room afterwards. */
const SHARE_MIN = 1 / 8;

export interface Parts {
  /** 1: in the second part. */
  readonly isSecond: Uint8Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** `rows`: positions of `dimensions` numbers, one after the other; at least two. */
export function divide(rows: Float32Array, dimensions: number): Parts {
  const count = rows.length / dimensions;
  const start = farthest(rows, dimensions, rowAt(rows, dimensions, 0));
  let first = rowAt(rows, dimensions, farthest(rows, dimensions, rowAt(rows, dimensions, start)));
  let second = rowAt(rows, dimensions, start);
  const isSecond = new Uint8Array(count);
  for (let round = 0; round < ROUNDS; round++) {
    assign(rows, [first, second], isSecond);
    first = centreOf(rows, dimensions, isSecond, 0);
    second = centreOf(rows, dimensions, isSecond, 1);
  }
  return { isSecond, first: Float32Array.from(first), second: Float32Array.from(second) };
}

function rowAt(rows: Float32Array, dimensions: number, row: number): Float64Array {
  return Float64Array.from(rows.subarray(row * dimensions, (row + 1) * dimensions));
}

function farthest(rows: Float32Array, dimensions: number, from: Float64Array): number {
  let [found, most] = [0, -1];
  for (let row = 0; row * dimensions < rows.length; row++) {
    const distance = distanceTo(rows, row * dimensions, from);
    if (distance > most) [found, most] = [row, distance];
  }
  return found;
}

/** Each row to the nearer of the two; where that leaves one with too few, those that are nearest to it go there too. */
function assign(rows: Float32Array, [first, second]: readonly [Float64Array, Float64Array], isSecond: Uint8Array): void {
  const count = isSecond.length;
  const leaning = Float64Array.from(isSecond, (_, row) => distanceTo(rows, row * first.length, first) - distanceTo(rows, row * first.length, second));
  const order = Uint32Array.from(isSecond.keys()).sort((a, b) => leaning[a]! - leaning[b]! || a - b);
  const least = Math.max(1, Math.floor(count * SHARE_MIN));
  let firsts = 0;
  while (firsts < count && leaning[order[firsts]!]! < 0) firsts++;
  // What is as near to both may go either way: equal vectors are shared out.
  let ties = 0;
  while (firsts + ties < count && leaning[order[firsts + ties]!] === 0) ties++;
  firsts = Math.min(count - least, Math.max(least, firsts + (ties >>> 1)));
  for (let i = 0; i < count; i++) isSecond[order[i]!] = i < firsts ? 0 : 1;
}

function centreOf(rows: Float32Array, dimensions: number, isSecond: Uint8Array, part: 0 | 1): Float64Array {
  const centre = new Float64Array(dimensions);
  let count = 0;
  for (let row = 0; row < isSecond.length; row++) {
    if (isSecond[row] !== part) continue;
    count++;
    for (let i = 0; i < dimensions; i++) centre[i]! += rows[row * dimensions + i]!;
  }
  for (let i = 0; i < dimensions; i++) centre[i]! /= count;
  return centre;
}
