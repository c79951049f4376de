/** All functions by name, in any case. */
import { AGGREGATES } from './aggregates.ts';
import { CONVERSION_FUNCTIONS } from './conversion.ts';
import type { AggregateFunction, ScalarFunction } from './function.ts';
import { GRAPH_FUNCTIONS } from './graph.ts';
import { LIST_FUNCTIONS } from './list.ts';
import { NUMERIC_FUNCTIONS } from './numeric.ts';
import { SPATIAL_FUNCTIONS } from './spatial.ts';
import { STRING_FUNCTIONS } from './string.ts';
import { IS_NORMALIZED } from '../ast.ts';
import { TEMPORAL_FUNCTIONS } from './temporal.ts';
import { VECTOR_FUNCTIONS } from './vector.ts';
import { scalar, stringArgument } from './function.ts';
import { DbError } from '../../base/errors.ts';
import type { Value } from '../../value/value.ts';

export type { Accumulator, AggregateFunction, FunctionContext, FunctionTime, Kind, ScalarFunction } from './function.ts';

/** A version 4 UUID from the statement's random numbers. */
const randomUuid = scalar('randomUUID', [], 'STRING', (_, { random }) => {
  const hex = Array.from({ length: 32 }, (__, i) => {
    const digit = Math.floor(random.next() * 16);
    return (i === 12 ? 4 : i === 16 ? (digit & 3) | 8 : digit).toString(16);
  }).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}, { deterministic: false });

/** The compiler puts what LOAD CSV has noted in their place. */
const csvFile = scalar('file', [], 'STRING', () => null, { deterministic: false });
const csvLine = scalar('linenumber', [], 'INTEGER', () => null, { deterministic: false });

const graphNames = scalar('graph.names', [], 'LIST', (_, context) => (context.graphs?.() ?? []).map(({ name }) => name), { deterministic: false });
const graphProperties = scalar('graph.propertiesByName', ['STRING'], 'MAP', ([name], context) => {
  const wanted = stringArgument('graph.propertiesByName', name);
  const graph = context.graphs?.().find((each) => each.name === wanted);
  if (graph === undefined) throw new DbError('GraphNotFound', `No such graph: ${wanted}`);
  return new Map<string, Value>([['description', graph.description], ['strict', graph.strict]]);
}, { deterministic: false });

const SCALARS: readonly ScalarFunction[] = [
  ...CONVERSION_FUNCTIONS, ...GRAPH_FUNCTIONS, ...LIST_FUNCTIONS, ...NUMERIC_FUNCTIONS, ...SPATIAL_FUNCTIONS,
  ...STRING_FUNCTIONS, ...TEMPORAL_FUNCTIONS, ...VECTOR_FUNCTIONS, randomUuid,
  csvFile, csvLine, graphNames, graphProperties,
];

const scalars = new Map(SCALARS.map((definition) => [definition.name.toLowerCase(), definition]));
const aggregates = new Map(AGGREGATES.map((definition) => [definition.name.toLowerCase(), definition]));

export const FUNCTION_NAMES: readonly string[] = SCALARS.map((definition) => definition.name).filter((name) => name !== IS_NORMALIZED).sort();
export const AGGREGATE_NAMES: readonly string[] = AGGREGATES.map((definition) => definition.name).sort();

export function findFunction(name: string): ScalarFunction | undefined {
  return scalars.get(name.toLowerCase());
}

export function findAggregate(name: string): AggregateFunction | undefined {
  return aggregates.get(name.toLowerCase());
}
