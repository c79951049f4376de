/**
 * `OPTIONS` of Neo4j's full-text and vector indexes: `{indexProvider: …, indexConfig: {`fulltext.analyzer`: 'english'}}`. What it does not
 * know is an error.
 */
import { DbError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { VectorIndexSpec } from '../graph/catalog.ts';
import type { Value } from '../value/value.ts';
import type { Expression, MapLiteral } from './ast.ts';
import { parameter } from './exec/compile.ts';
import type { Runtime } from './exec/runtime.ts';
import { findFunction } from './functions/index.ts';

type Given = Pick<Runtime, 'parameters' | 'functions'>;

/** Ours are always consistent, which is what either value of the second allows. */
const TEXT_SETTINGS = ['fulltext.analyzer', 'fulltext.eventually_consistent'];
/** All vectors are compared: what tunes another engine's search is taken and changes nothing. */
const VECTOR_SETTINGS = ['vector.dimensions', 'vector.similarity_function', 'vector.quantization.enabled', 'vector.hnsw.m', 'vector.hnsw.ef_construction'];

function settingsOf(options: MapLiteral | undefined, rt: Given, what: string, known: readonly string[]): ReadonlyMap<string, Value> {
  const settings = new Map<string, Value>();
  for (const { key, value } of options?.entries ?? []) {
    if (key === 'indexProvider') continue;
    if (key !== 'indexConfig') throw new DbError('ArgumentError', `unknown option ${key} of a ${what} index${didYouMean(key, ['indexConfig', 'indexProvider'])}`);
    if (value.kind === 'Map') for (const entry of value.entries) settings.set(entry.key, valueOf(entry.value, rt));
    else for (const entry of mapOf(valueOf(value, rt), what)) settings.set(...entry);
  }
  for (const key of settings.keys()) if (!known.includes(key)) throw new DbError('ArgumentError', `unknown option ${key} of a ${what} index${didYouMean(key, known)}`);
  return settings;
}

function mapOf(value: Value, what: string): ReadonlyMap<string, Value> {
  if (value instanceof Map) return value;
  throw new DbError('ArgumentError', `indexConfig of a ${what} index is a map`);
}

/** A literal, a parameter, or a function of such: clients write `toInteger($dimensions)`. */
function valueOf(expression: Expression, rt: Given): Value {
  if (expression.kind === 'Literal') return expression.value;
  if (expression.kind === 'Parameter') return parameter(rt, expression.name);
  const definition = expression.kind === 'Call' ? findFunction(expression.name) : undefined;
  if (expression.kind !== 'Call' || definition === undefined || expression.args.length < definition.minArgs || expression.args.length > definition.maxArgs) {
    throw new DbError('ArgumentError', 'an option of an index is a literal, a parameter, or a function of such');
  }
  return definition.call(expression.args.map((arg) => valueOf(arg, rt)), rt.functions);
}

export function analyzerSetting(options: MapLiteral | undefined, rt: Given): string | undefined {
  const analyzer = settingsOf(options, rt, 'full-text', TEXT_SETTINGS).get('fulltext.analyzer');
  if (analyzer !== undefined && typeof analyzer !== 'string') throw new DbError('ArgumentError', 'fulltext.analyzer of a full-text index is a text');
  return analyzer;
}

export function vectorSettings(options: MapLiteral | undefined, rt: Given): Pick<VectorIndexSpec, 'dimensions' | 'similarity'> {
  const settings = settingsOf(options, rt, 'vector', VECTOR_SETTINGS);
  return { ...dimensionsOf(settings.get('vector.dimensions')), similarity: similarityOf(settings.get('vector.similarity_function') ?? 'cosine') };
}

function dimensionsOf(value: Value | undefined): Pick<VectorIndexSpec, 'dimensions'> {
  if (value === undefined) return {};
  if (typeof value !== 'number') throw new DbError('ArgumentError', 'vector.dimensions of a vector index is an integer');
  return { dimensions: value };
}

export function similarityOf(value: Value | undefined): VectorIndexSpec['similarity'] {
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  if (name === 'cosine' || name === 'euclidean') return name;
  throw new DbError('ArgumentError', `the similarity function of a vector index is cosine or euclidean${typeof value === 'string' ? `, given ${value}` : ''}`);
}
