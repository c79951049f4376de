/**
 * Vectors as Neo4j has them: properties of any label, found by how alike they are, by the name of an index (CREATE VECTOR INDEX). The
 * search is exact: it compares every vector of the label.
 */
import { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import { mayMakeList } from '../../base/allowance.ts';
import type { VectorIndex } from '../../graph/catalog.ts';
import type { GraphView } from '../../graph/view.ts';
import { Float, isNumber, NodeValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { best } from '../fulltext/hits.ts';
import { cosine, euclidean } from '../functions/vector.ts';
import { similarityOf } from '../index-settings.ts';
import { builtin, text, writerOf, wrong, type Builtin } from './define.ts';

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
function vectorOf(value: Value): number[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const numbers: number[] = [];
  for (const item of value) {
    const number = item !== null && isNumber(item) ? (item instanceof Float ? item.value : Number(item)) : NaN;
    if (!Number.isFinite(number)) return undefined;
    numbers.push(number);
  }
  return numbers;
}

function search(context: ExecContext, kind: VectorIndex['kind'], args: readonly (Value | undefined)[]): Value[][] {
  const { view } = context;
  const index = indexOf(view, kind, text(args[0], 'indexName'));
  const [count, query] = [args[1], vectorOf(args[2] ?? null)];
  if (typeof count !== 'number' || count < 1) throw wrong('numberOfNearestNeighbours should be an integer, at least 1');
  const { dimensions = query?.length, similarity } = index;
  if (query === undefined || query.length !== dimensions) {
    throw wrong(`the vector index ${index.name} holds vectors of ${dimensions ?? 'some'} finite numbers, given ${query === undefined ? 'something else' : query.length}`);
  }
  const likeness = similarity === 'cosine' ? cosine : euclidean;
  if (likeness(query, query) === undefined) throw wrong('a vector of zeros is like no other by cosine');
  const ids: number[] = [];
  const scores: number[] = [];
  const items = kind === 'vertex' ? nodeVectors(view, index) : relationshipVectors(view, index);
  for (const [id, value] of items) {
    if (ids.length % 1024 === 0) {
      mayMakeList(2048);
      context.checkpoint(0);
    }
    const vector = vectorOf(value);
    const score = vector?.length === query.length ? likeness(vector, query) : undefined;
    if (score === undefined) continue;
    ids.push(id);
    scores.push(score);
  }
  return best({ ids, scores }, count).map(({ id, score }) => [kind === 'vertex' ? new NodeValue(id) : view.findRelationship(id)!, new Float(score)]);
}

function* nodeVectors(view: GraphView, { labelId, keyId }: VectorIndex): Generator<[number, Value]> {
  for (const ids of view.scanNodes(labelId)) for (let i = 0; i < ids.length; i++) yield [ids[i]!, view.nodeProperty(new NodeValue(ids[i]!), keyId)];
}

function* relationshipVectors(view: GraphView, { labelId, keyId }: VectorIndex): Generator<[number, Value]> {
  for (const ids of view.scanRelationships(labelId)) {
    for (let i = 0; i < ids.length; i++) {
      const relationship = view.findRelationship(ids[i]!);
      if (relationship !== undefined) yield [relationship.id, view.relationshipProperty(relationship, keyId)];
    }
  }
}

function checkedVector(value: Value | undefined): Value[] {
  const numbers = vectorOf(value ?? null);
  if (numbers === undefined) throw wrong('vector should be a list of finite numbers');
  return numbers.map((number) => new Float(Math.fround(number)));
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
