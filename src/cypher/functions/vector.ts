/** Likeness of two vectors, lists of numbers of one length: from 0 to 1, as Neo4j defines it. */
import { invalidValue } from '../../value/value-errors.ts';
import { Float } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { doubleArgument, listArgument, scalar } from './function.ts';
import type { ScalarFunction } from './function.ts';

function similarity(name: string, compute: (a: readonly number[], b: readonly number[]) => number): ScalarFunction {
  return scalar(name, ['LIST', 'LIST'], 'FLOAT', (args) => {
    const [a, b] = args.map((arg) => vector(name, arg)) as [number[], number[]];
    if (a.length !== b.length) throw invalidValue(`${name}() needs vectors of one length, given ${a.length} and ${b.length}`);
    return new Float(compute(a, b));
  });
}

function vector(name: string, value: Value): number[] {
  const numbers = listArgument(name, value).map((item) => doubleArgument(name, item));
  if (numbers.length === 0 || !numbers.every(Number.isFinite)) throw invalidValue(`${name}() needs vectors of finite numbers`);
  return numbers;
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

export const VECTOR_FUNCTIONS: readonly ScalarFunction[] = [
  similarity('vector.similarity.cosine', (a, b) => {
    const norms = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
    if (norms === 0) throw invalidValue('vector.similarity.cosine() needs vectors that are not zero');
    return (1 + Math.min(1, Math.max(-1, dot(a, b) / norms))) / 2;
  }),
  similarity('vector.similarity.euclidean', (a, b) => 1 / (1 + a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0))),
];
