/**
 * One generated query on one generated graph: the engine, with and without indexes, against the naive evaluator. What differs comes back
 * as text; the seed makes it again.
 */
import { DbError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare } from '../../../src/cypher/engine.ts';
import { parseStatement } from '../../../src/cypher/parser/parse.ts';
import type { Query } from '../../../src/cypher/ast.ts';
import type { GraphView, GraphWriter } from '../../../src/graph/view.ts';
import { Float, NodeValue, PathValue, RelationshipValue, type Value } from '../../../src/value/value.ts';
import { LocalStore } from '../../graph/fixture.ts';
import { randomGraph, randomQuery, type Generated } from './generate.ts';
import { OGraph, textOf, type ONode, type ORelationship, type OValue } from './model.ts';
import { runQuery, TooLarge } from './queries.ts';

/** Queries tried on one graph. */
const PER_GRAPH = 20;

/** Compares `count` queries from that seed on; calls back for each difference. */
export async function compareMany(seed: number, count: number, onDifference: (text: string) => void): Promise<void> {
  for (let done = 0; done < count; done += PER_GRAPH) {
    const random = seededRandom(seed * 1_000_003 + done);
    const graph = randomGraph(random);
    const stores = [await storeOf(graph, false), await storeOf(graph, true)];
    for (let i = 0; i < Math.min(PER_GRAPH, count - done); i++) {
      const generated = randomQuery(random);
      const expected = byOracle(graph, generated);
      if (expected === undefined) continue;
      for (const [n, store] of stores.entries()) {
        const actual = await byEngine(store, generated);
        if (actual === expected) continue;
        onDifference(`${generated.text}\n  seed ${seed}, query ${done + i}, ${n === 0 ? 'without' : 'with'} indexes\n  graph ${shownGraph(graph)}\n  expected ${expected}\n  actual   ${actual}`);
      }
    }
  }
}

const INDEXED: readonly (readonly [string, readonly string[]])[] = [['A', ['i']], ['A', ['s']], ['B', ['i', 'j']], ['B', ['f']], ['C', ['j']], ['C', ['i', 's']]];

async function storeOf(graph: OGraph, indexed: boolean): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const writer = tx.graph('default');
    const entries = (properties: ReadonlyMap<string, OValue>): [number, Value][] => [...properties].map(([key, value]) => [writer.keyId(key), engineValue(value)]);
    const nodes = new Map<ONode, number>();
    for (const node of graph.nodes.values()) nodes.set(node, writer.createNode([...node.labels].map((label) => writer.labelId(label)), entries(node.properties)).id);
    for (const { type, start, end, properties } of graph.relationships.values()) {
      writer.createRelationship(writer.typeId(type), nodes.get(start)!, nodes.get(end)!, entries(properties));
    }
    if (!indexed) return;
    for (const [label, fields] of INDEXED) {
      writer.labelId(label);
      writer.createIndex({ kind: 'vertex', label, fields, unique: false });
    }
  });
  return store;
}

function engineValue(value: OValue): Value {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return new Float(value);
  return Array.isArray(value) ? value.map(engineValue) : value as boolean | string;
}

// ---------------------------------------------------------------- answers as text

/** Undefined: too much to try. */
function byOracle(graph: OGraph, { text, ordered, writes }: Generated): string | undefined {
  const copy = writes ? graph.copy() : graph;
  let rows;
  try {
    rows = runQuery(parseStatement(text).body as Query, copy);
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw new Error(text, { cause: error });
  }
  if (writes) return shownGraph(copy);
  const name = nameOf(graph);
  return listed(rows.map((row) => [...row.values()].map((value) => textOf(value, name)).join(' | ')), ordered);
}

class RolledBack extends Error {}

async function byEngine(store: LocalStore, { text, ordered, writes }: Generated): Promise<string> {
  let answer = '';
  try {
    await store.write((tx) => {
      const view = tx.graph('default');
      const rows = rowsOf(text, view);
      const graph = copied(view);
      const name = nameOf(graph.graph);
      answer = writes ? shownGraph(graph.graph)
        : listed(rows.map((row) => row.map((value) => textOf(oracleValue(value, graph), name)).join(' | ')), ordered);
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) return `! ${error instanceof DbError ? error.message : String(error instanceof Error ? error.stack : error)}`;
  }
  return answer;
}

function rowsOf(text: string, view: GraphWriter): Value[][] {
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const execution = execute(prepared, {
    view, parameters: new Map(), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {},
  });
  return [...execution.rows()].flat();
}

interface Copied {
  readonly graph: OGraph;
  readonly nodes: ReadonlyMap<number, ONode>;
  readonly relationships: ReadonlyMap<number, ORelationship>;
}

function copied(view: GraphView): Copied {
  const graph = new OGraph();
  const { catalog } = view;
  const nodes = new Map<number, ONode>();
  const relationships = new Map<number, ORelationship>();
  const properties = (map: ReadonlyMap<string, Value>): [string, OValue][] => [...map].map(([key, value]) => [key, oracleValue(value, undefined)]);
  for (const ids of view.scanNodes()) {
    for (const id of Array.from(ids)) {
      const node = new NodeValue(id);
      nodes.set(id, graph.addNode(view.nodeLabels(node).map((label) => catalog.labelName(label)), properties(view.nodeProperties(node))));
    }
  }
  for (const ids of view.scanRelationships()) {
    for (const id of Array.from(ids)) {
      const relationship = view.findRelationship(id)!;
      relationships.set(id, graph.addRelationship(
        catalog.typeName(relationship.typeId), nodes.get(relationship.start)!, nodes.get(relationship.end)!, properties(view.relationshipProperties(relationship))));
    }
  }
  return { graph, nodes, relationships };
}

function oracleValue(value: Value, graph: Copied | undefined): OValue {
  if (typeof value === 'number') return BigInt(value);
  if (value instanceof Float) return value.value;
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint') return value;
  if (Array.isArray(value)) return value.map((item) => oracleValue(item, graph));
  if (value instanceof NodeValue) return graph!.nodes.get(value.id)!;
  if (value instanceof RelationshipValue) return graph!.relationships.get(value.id)!;
  if (value instanceof PathValue) {
    return { kind: 'path', nodes: value.nodes.map(({ id }) => graph!.nodes.get(id)!), relationships: value.relationships.map(({ id }) => graph!.relationships.get(id)!) };
  }
  throw new Error('an unexpected value');
}

function listed(rows: string[], ordered: boolean): string {
  return `${rows.length} rows: ${(ordered ? rows : rows.sort()).join(' ; ')}`;
}

/** Entities by what they hold: ids are each side's own. */
function nameOf(_graph: OGraph): (entity: ONode | ORelationship) => string {
  const name = (entity: ONode | ORelationship): string => {
    const properties = [...entity.properties].map(([key, value]) => `${key}:${textOf(value, name)}`).sort().join();
    if (entity.kind === 'node') return `(${[...entity.labels].sort().join(':')}{${properties}})`;
    return `[${entity.type}{${properties}}${name(entity.start)}->${name(entity.end)}]`;
  };
  return name;
}

function shownGraph(graph: OGraph): string {
  const name = nameOf(graph);
  return [...[...graph.nodes.values()].map(name).sort(), ...[...graph.relationships.values()].map(name).sort()].join(' ');
}
