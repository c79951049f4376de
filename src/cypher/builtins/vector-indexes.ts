/**
 * Vectors as Neo4j has them: properties of any label, found by how alike they are, by the name of an index (CREATE VECTOR INDEX). What is found
 * has its exact score; whether anything nearer was passed over, see nearest.ts.
 */
import { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import type { VectorIndex } from '../../graph/catalog.ts';
import { hasPosition, isFiniteVector } from '../../graph/vectors/positions.ts';
import { treesOfIndex } from '../../graph/vectors/declared-trees.ts';
import type { GraphView } from '../../graph/view.ts';
import { vectorOf } from '../../value/packed-floats.ts';
import type { PackedFloats } from '../../value/packed-floats.ts';
import { Float, NodeValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { cosine, euclidean } from '../functions/vector.ts';
import { similarityOf } from '../index-settings.ts';
import { builtin, text, writerOf, wrong, type Builtin } from './define.ts';
import { nearest } from './nearest.ts';

function indexOf(view: GraphView, kind: VectorIndex['kind'], name: string): VectorIndex {
  const index = view.catalog.vectorIndexes.find((one) => one.name === name);
  if (index === undefined) {
    const near = suggest(name, view.catalog.vectorIndexes.map((one) => one.name));
    throw new DbError('IndexNotFound', `there is no vector index ${name}`, { hint: near === undefined ? 'SHOW VECTOR INDEXES lists them' : `did you mean ${near}?` });
  }
  if (index.kind !== kind) {
    throw new DbError('ArgumentError', `the vector index ${name} is over ${index.kind === 'vertex' ? 'nodes' : 'relationships'}`, {
      hint: `use db.index.vector.${index.kind === 'vertex' ? 'queryNodes' : 'queryRelationships'}`,
    });
  }
  return index;
}

/** Finite numbers, at least one; undefined for what is no vector. */
function finiteVector(value: Value): PackedFloats | undefined {
  const vector = vectorOf(value);
  return vector !== undefined && isFiniteVector(vector) ? vector : undefined;
}

function search(context: ExecContext, kind: VectorIndex['kind'], args: readonly (Value | undefined)[]): Value[][] {
  const { view } = context;
  const index = indexOf(view, kind, text(args[0], 'indexName'));
  const [count, query] = [args[1], finiteVector(args[2] ?? null)];
  if (typeof count !== 'number' || count < 1) throw wrong('numberOfNearestNeighbours should be an integer, at least 1');
  const { dimensions = query?.numbers.length, similarity } = index;
  if (query === undefined || query.numbers.length !== dimensions) {
    throw wrong(`the vector index ${index.name} holds vectors of ${dimensions ?? 'some'} finite numbers, given ${query === undefined ? 'something else' : query.numbers.length}`);
  }
  if (similarity === 'cosine' && query.squares === 0) throw wrong('a vector of zeros is like no other by cosine');
  const hits = nearest(context, { ...index, tree: treesOfIndex(index)[0], query, count, score: likenessTo(query, similarity) });
  return hits.map(({ id, score }) => [kind === 'vertex' ? new NodeValue(id) : view.findRelationship(id)!, new Float(score)]);
}

/** Undefined for vectors that the index leaves out: of another length, not finite, or without a direction. */
function likenessTo(query: PackedFloats, space: VectorIndex['similarity']): (vector: PackedFloats) => number | undefined {
  const { squares } = query;
  // In double precision whatever it holds: the inner loop then sees two kinds of arrays and not three.
  const numbers = Float64Array.from(query.numbers);
  const dimensions = numbers.length;
  return (vector) => {
    if (!hasPosition(vector, { dimensions, space })) return undefined;
    return space === 'cosine' ? cosine(vector.numbers, numbers, vector.squares, squares) : euclidean(vector.numbers, numbers);
  };
}

function checkedVector(value: Value | undefined): Value[] {
  const vector = finiteVector(value ?? null);
  if (vector === undefined) throw wrong('vector should be a list of finite numbers');
  const numbers = Array.from(vector.numbers, (number) => new Float(Math.fround(number)));
  if (!numbers.every(({ value: number }) => Number.isFinite(number))) throw wrong('vector should be a list of numbers that fit in 32 bits');
  return numbers;
}

const QUERY = 'indexName:STRING, numberOfNearestNeighbours:INTEGER, query:LIST';

export const VECTOR_INDEX_BUILTINS: readonly Builtin[] = [
  builtin('db.index.vector.queryNodes', QUERY, 'node:NODE, score:FLOAT', 'read', (args, context) => search(context, 'vertex', args)),
  builtin('db.index.vector.queryRelationships', QUERY, 'relationship:RELATIONSHIP, score:FLOAT', 'read', (args, context) => search(context, 'edge', args)),
  builtin('db.index.vector.createNodeIndex', 'indexName:STRING, label:STRING, propertyKey:STRING, vectorDimension:INTEGER, vectorSimilarityFunction:STRING', '', 'schema', ([name, label, key, dimension, similarity], context) => {
    if (typeof dimension !== 'number') throw wrong('vectorDimension type should be integer');
    writerOf(context).createVectorIndex({ kind: 'vertex', name: text(name, 'indexName'), label: text(label, 'label'), field: text(key, 'propertyKey'), dimensions: dimension, similarity: similarityOf(similarity) });
    return [];
  }),
  builtin('db.create.setNodeVectorProperty', 'node:NODE, key:STRING, vector:LIST', '', 'write', ([node, key, vector], context) => {
    if (!(node instanceof NodeValue)) throw wrong('node type should be node');
    const writer = writerOf(context);
    writer.setNodeProperty(node, writer.keyId(text(key, 'key')), checkedVector(vector));
    return [];
  }),
  builtin('db.create.setRelationshipVectorProperty', 'relationship:RELATIONSHIP, key:STRING, vector:LIST', '', 'write', ([relationship, key, vector], context) => {
    if (!(relationship instanceof RelationshipValue)) throw wrong('relationship type should be relationship');
    const writer = writerOf(context);
    writer.setRelationshipProperty(relationship, writer.keyId(text(key, 'key')), checkedVector(vector));
    return [];
  }),
];
