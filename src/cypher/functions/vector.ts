/** Likeness of two vectors, lists of numbers of one length: from 0 to 1, as Neo4j defines it. */
import { dot, squaredDistance } from '../../value/packed-floats.ts';
import type { Numbers } from '../../value/packed-floats.ts';
import { invalidValue } from '../../value/value-errors.ts';
import { Float } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { doubleArgument, listArgument, scalar } from './function.ts';
import type { ScalarFunction } from './function.ts';

function similarity(name: string, compute: (a: Float64Array, b: Float64Array) => number): ScalarFunction {
  return scalar(name, ['LIST', 'LIST'], 'FLOAT', (args) => {
    const [a, b] = args.map((arg) => vector(name, arg)) as [Float64Array, Float64Array];
    if (a.length !== b.length) throw invalidValue(`${name}() needs vectors of one length, given ${a.length} and ${b.length}`);
    return new Float(compute(a, b));
  });
}

function vector(name: string, value: Value): Float64Array {
  const numbers = Float64Array.from(listArgument(name, value), (item) => doubleArgument(name, item));
  if (numbers.length === 0 || !numbers.every(Number.isFinite)) throw invalidValue(`${name}() needs vectors of finite numbers`);
  return numbers;
}

/** Undefined where one of them is zero, which has no direction. The squares are those of `a` and `b`. */
export function cosine(a: Numbers, b: Float64Array, squaresOfA: number, squaresOfB: number): number | undefined {
  const norms = Math.sqrt(squaresOfA) * Math.sqrt(squaresOfB);
  return norms === 0 ? undefined : (1 + Math.min(1, Math.max(-1, dot(a, b) / norms))) / 2;
}

export function euclidean(a: Numbers, b: Float64Array): number {
  return 1 / (1 + squaredDistance(a, b));
}

export const VECTOR_FUNCTIONS: readonly ScalarFunction[] = [
  similarity('vector.similarity.cosine', (a, b) => {
    const score = cosine(a, b, dot(a, a), dot(b, b));
    if (score === undefined) throw invalidValue('vector.similarity.cosine() needs vectors that are not zero');
    return score;
  }),
  similarity('vector.similarity.euclidean', euclidean),
];
