/** All functions by name, in any case. */
import { AGGREGATES } from './aggregates.ts';
import { CONVERSION_FUNCTIONS } from './conversion.ts';
import type { AggregateFunction, ScalarFunction } from './function.ts';
import { GRAPH_FUNCTIONS } from './graph.ts';
import { LIST_FUNCTIONS } from './list.ts';
import { NUMERIC_FUNCTIONS } from './numeric.ts';
import { SPATIAL_FUNCTIONS } from './spatial.ts';
import { STRING_FUNCTIONS } from './string.ts';
import { TEMPORAL_FUNCTIONS } from './temporal.ts';
import { VECTOR_FUNCTIONS } from './vector.ts';
import { scalar } from './function.ts';

export type { Accumulator, AggregateFunction, FunctionContext, FunctionTime, Kind, ScalarFunction } from './function.ts';

/** A version 4 UUID from the statement's random numbers. */
const randomUuid = scalar('randomUUID', [], 'STRING', (_, { random }) => {
  const hex = Array.from({ length: 32 }, (__, i) => {
    const digit = Math.floor(random.next() * 16);
    return (i === 12 ? 4 : i === 16 ? (digit & 3) | 8 : digit).toString(16);
  }).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}, { deterministic: false });

const SCALARS: readonly ScalarFunction[] = [
  ...CONVERSION_FUNCTIONS, ...GRAPH_FUNCTIONS, ...LIST_FUNCTIONS, ...NUMERIC_FUNCTIONS, ...SPATIAL_FUNCTIONS,
  ...STRING_FUNCTIONS, ...TEMPORAL_FUNCTIONS, ...VECTOR_FUNCTIONS, randomUuid,
];

const scalars = new Map(SCALARS.map((definition) => [definition.name.toLowerCase(), definition]));
const aggregates = new Map(AGGREGATES.map((definition) => [definition.name.toLowerCase(), definition]));

export const FUNCTION_NAMES: readonly string[] = SCALARS.map((definition) => definition.name).sort();
export const AGGREGATE_NAMES: readonly string[] = AGGREGATES.map((definition) => definition.name).sort();

export function findFunction(name: string): ScalarFunction | undefined {
  return scalars.get(name.toLowerCase());
}

export function findAggregate(name: string): AggregateFunction | undefined {
  return aggregates.get(name.toLowerCase());
}
