/**
 * Where vectors stand in a vector tree. By distance: where they are. By direction: each at length 1, where the distance of two grows as their
 * likeness by cosine falls.
 */
import type { PackedFloats } from '../../value/packed-floats.ts';
import type { VectorTree } from '../catalog.ts';

export type VectorSpace = Pick<VectorTree, 'dimensions' | 'space'>;

/** Whether a search by an index over such vectors may find this one: of their length, finite in single precision, and with a direction where that is what counts. */
export function hasPosition(vector: PackedFloats | undefined, { dimensions, space }: VectorSpace): vector is PackedFloats {
  return vector !== undefined && vector.numbers.length === dimensions && isFiniteVector(vector) && (space === 'euclidean' || vector.squares > 0);
}

export function isFiniteVector({ squares }: PackedFloats): boolean {
  return Number.isFinite(Math.fround(squares));
}

/** Only of a vector that has one. */
export function positionOf(vector: PackedFloats, space: VectorSpace['space']): Float64Array {
  const position = Float64Array.from(vector.numbers);
  if (space === 'cosine') {
    const length = Math.sqrt(vector.squares);
    for (let i = 0; i < position.length; i++) position[i]! /= length;
  }
  return position;
}

const STRETCH = 32;

/**
 * The square of the distance between `position` and the row that begins at `from`; beyond `most` only something more than that, told as soon as a part
 * of the numbers says so. Two sums side by side: each addition would otherwise wait for the one before.
 */
export function distanceTo(rows: Float32Array, from: number, position: Float64Array, most = Infinity): number {
  const { length } = position;
  let sum = 0;
  for (let start = 0; start < length && sum <= most; start += STRETCH) {
    const end = Math.min(length, start + STRETCH);
    let s0 = 0;
    let s1 = 0;
    let d = 0;
    let i = start;
    for (; i + 1 < end; i += 2) {
      d = rows[from + i]! - position[i]!;
      s0 += d * d;
      d = rows[from + i + 1]! - position[i + 1]!;
      s1 += d * d;
    }
    if (i < end) {
      d = rows[from + i]! - position[i]!;
      s0 += d * d;
    }
    sum += s0 + s1;
  }
  return sum;
}

/** 1 less their inner product: what is near in a search by inner product. */
export function innerDistanceTo(rows: Float32Array, from: number, position: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < position.length; i++) sum += rows[from + i]! * position[i]!;
  return 1 - sum;
}
