/**
 * Where vectors stand in a vector tree. By distance: where they are. By direction: each at length 1, where the distance of two grows as their
 * likeness by cosine falls.
 */
import type { Numbers, PackedFloats } from '../../value/packed-floats.ts';
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

/** The square of the distance between `position` and the centre that begins at `from`. Four sums side by side: each addition would otherwise wait for the one before. */
export function distanceTo(centres: Numbers, from: number, position: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let d = 0;
  const { length } = position;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    d = centres[from + i]! - position[i]!;
    s0 += d * d;
    d = centres[from + i + 1]! - position[i + 1]!;
    s1 += d * d;
    d = centres[from + i + 2]! - position[i + 2]!;
    s2 += d * d;
    d = centres[from + i + 3]! - position[i + 3]!;
    s3 += d * d;
  }
  for (let i = whole; i < length; i++) {
    d = centres[from + i]! - position[i]!;
    s0 += d * d;
  }
  return s0 + s1 + (s2 + s3);
}

const STRETCH = 32;

/** The same where it is at most `most`; beyond, something more than that, told as soon as a part of the numbers says so. */
export function distanceWithin(rows: Float32Array, from: number, position: Float64Array, most: number): number {
  const { length } = position;
  let sum = 0;
  for (let start = 0; start < length; start += STRETCH) {
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
    if (sum > most) return sum;
  }
  return sum;
}

/** 1 less their inner product: what orders centres for a search by inner product. */
export function innerDistanceTo(centres: Float32Array, from: number, position: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < position.length; i++) sum += centres[from + i]! * position[i]!;
  return 1 - sum;
}
