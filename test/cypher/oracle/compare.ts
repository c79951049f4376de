/**
 * One generated query on one generated graph: the engine, with and without indexes, against the naive evaluator. What differs comes back
 * as text; the seed makes it again.
 */
import { DbError } from '../../../src/base/errors.ts';
import { seededRandom, type Random } from '../../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare } from '../../../src/cypher/engine.ts';
import { parseStatement } from '../../../src/cypher/parser/parse.ts';
import type { Query } from '../../../src/cypher/ast.ts';
import { FieldRules, guardedView, type FieldName } from '../../../src/graph/guarded-view.ts';
import type { GraphView, GraphWriter } from '../../../src/graph/view.ts';
import { Float, NodeValue, PathValue, RelationshipValue, type Value } from '../../../src/value/value.ts';
import { LocalStore } from '../../graph/fixture.ts';
import { executeInParts } from '../helpers-here.ts';
import { randomGraph, randomQuery, type Generated } from './generate.ts';
import { OGraph, textOf, type ONode, type ORelationship, type OValue } from './model.ts';
import { runQuery, TooLarge } from './queries.ts';

/** Queries tried on one graph. */
const PER_GRAPH = 20;
/** What graphs' stores have in turn: the usual cache, next to none, so that each block makes others go, and one that derives columns and adjacency pages at the first read. */
const CACHES: readonly Cache[] = [{}, { bytes: 2000 }, { isEager: true }];

interface Cache {
  readonly bytes?: number;
  readonly isEager?: boolean;
}

function cacheOf(done: number): Cache {
  return CACHES[(done / PER_GRAPH) % CACHES.length]!;
}

/** Compares `count` queries from that seed on, run in parts by several if wanted; calls back for each difference. */
export async function compareMany(seed: number, count: number, onDifference: (text: string) => void, inParts = false): Promise<void> {
  for (let done = 0; done < count; done += PER_GRAPH) {
    const random = seededRandom(seed * 1_000_003 + done);
    const graph = randomGraph(random);
    const stores = [await storeOf(graph, false, cacheOf(done)), await storeOf(graph, true, cacheOf(done))];
    for (let i = 0; i < Math.min(PER_GRAPH, count - done); i++) {
      const generated = randomQuery(random);
      const expected = byOracle(graph, generated);
      if (expected === undefined) continue;
      for (const [n, store] of stores.entries()) {
        const actual = await byEngine(store, generated, undefined, inParts ? random : undefined);
        if (actual === expected) continue;
        onDifference(`${generated.text}\n  seed ${seed}, query ${done + i}, ${n === 0 ? 'without' : 'with'} indexes\n  graph ${shownGraph(graph)}\n  expected ${expected}\n  actual   ${actual}`);
      }
    }
  }
}

/**
 * The same for users from whom fields are kept: what they get of the whole graph is what anybody gets of one that never had the hidden
 * fields. Calls back with differences; returns how many queries were answered, and how many refused.
 */
export async function compareGuarded(seed: number, count: number, onDifference: (text: string) => void): Promise<{ answered: number; refused: number }> {
  const counts = { answered: 0, refused: 0 };
  for (let done = 0; done < count; done += PER_GRAPH) {
    const random = seededRandom(seed * 1_000_003 + done);
    const graph = randomGraph(random);
    const rules = randomRules(random);
    const bare = withoutHidden(graph, rules);
    const store = await storeOf(graph, random.next() < 0.7, cacheOf(done));
    for (let i = 0; i < Math.min(PER_GRAPH, count - done); i++) {
      const generated = randomQuery(random);
      const expected = byOracle(bare, generated);
      if (expected === undefined) continue;
      const actual = await byEngine(store, generated, rules);
      if (actual.startsWith('! No write permission') && generated.writes) counts.refused++;
      else if (actual === expected) counts.answered++;
      else onDifference(`${generated.text}\n  seed ${seed}, query ${done + i}, kept ${JSON.stringify(rules)}\n  graph ${shownGraph(graph)}\n  expected ${expected}\n  actual   ${actual}`);
    }
  }
  return counts;
}

function randomRules(random: Random): FieldRules {
  const some = (share: number): FieldName[] => [
    ...['A', 'B', 'C'].flatMap((label) => ['i', 'j', 's', 'b', 'f', 'l'].map((field) => ({ kind: 'vertex' as const, label, field }))),
    ...['R', 'S'].flatMap((label) => ['i', 's', 'f'].map((field) => ({ kind: 'edge' as const, label, field }))),
  ].filter(() => random.next() < share);
  return new FieldRules(some(0.3), some(0.1));
}

function withoutHidden(graph: OGraph, rules: FieldRules): OGraph {
  const bare = graph.copy();
  for (const { labels, properties } of bare.nodes.values()) {
    for (const key of [...properties.keys()]) if ([...labels].some((label) => !rules.mayRead('vertex', label, key))) properties.delete(key);
  }
  for (const { type, properties } of bare.relationships.values()) {
    for (const key of [...properties.keys()]) if (!rules.mayRead('edge', type, key)) properties.delete(key);
  }
  return bare;
}

/** What the rules keep, of every node and relationship that has it, by kind, id and key. */
function keptValues(view: GraphView, rules: FieldRules): Map<string, string> {
  const kept = new Map<string, string>();
  const { catalog } = view;
  for (const ids of view.scanNodes()) {
    for (const id of Array.from(ids)) {
      const labels = view.nodeLabels(new NodeValue(id)).map((label) => catalog.labelName(label));
      for (const [key, value] of view.nodeProperties(new NodeValue(id))) {
        if (labels.some((label) => !rules.mayWrite('vertex', label, key))) kept.set(`n${id}.${key}`, JSON.stringify(value));
      }
    }
  }
  for (const ids of view.scanRelationships()) {
    for (const id of Array.from(ids)) {
      const relationship = view.findRelationship(id)!;
      for (const [key, value] of view.relationshipProperties(relationship)) {
        if (!rules.mayWrite('edge', catalog.typeName(relationship.typeId), key)) kept.set(`r${id}.${key}`, JSON.stringify(value));
      }
    }
  }
  return kept;
}

/** Of what is still there, nothing was changed, and nothing came to it. */
function checkKept(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  for (const [place, value] of after) if (before.get(place) !== value) throw new Error(`${place} was ${before.get(place)}, and is ${value}`);
}

const INDEXED: readonly (readonly [string, readonly string[]])[] = [['A', ['i']], ['A', ['s']], ['B', ['i', 'j']], ['B', ['f']], ['C', ['j']], ['C', ['i', 's']],
  ['A', ['l']], ['C', ['l']], ['B', ['j', 'l']]];
const EDGES_INDEXED: readonly (readonly [string, readonly string[]])[] = [['R', ['i']], ['R', ['s']], ['S', ['f']], ['S', ['i', 's']]];

async function storeOf(graph: OGraph, indexed: boolean, cache: Cache = {}): Promise<LocalStore> {
  const store = await LocalStore.withGraph('default', undefined, cache.bytes);
  store.reader.cache.isEager = cache.isEager === true;
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
    for (const [label, fields] of EDGES_INDEXED) {
      writer.typeId(label);
      writer.createIndex({ kind: 'edge', label, fields, unique: false });
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

/** Statements that only read are run as servers run them, on a snapshot; those that write in a transaction that is rolled back, and a share of the others as well. */
async function byEngine(store: LocalStore, generated: Generated, rules?: FieldRules, parts?: Random): Promise<string> {
  if (generated.writes) return byTransaction(store, generated, rules, parts);
  const answer = bySnapshot(store, generated, rules, parts);
  if (store.reader.cache.isEager) return answer;
  const other = await byTransaction(store, generated, rules, parts);
  return other === answer ? answer : `snapshot: ${answer}, transaction: ${other}`;
}

function bySnapshot(store: LocalStore, { text, ordered }: Generated, rules?: FieldRules, parts?: Random): string {
  const point = store.reader.acquire();
  try {
    const view = guardedView<GraphView>(point.view('default'), rules);
    const rows = rowsOf(text, view, parts);
    const graph = copied(view);
    const name = nameOf(graph.graph);
    return listed(rows.map((row) => row.map((value) => textOf(oracleValue(value, graph), name)).join(' | ')), ordered);
  } catch (error) {
    return failed(error);
  } finally {
    store.reader.release(point);
  }
}

function failed(error: unknown): string {
  return `! ${error instanceof DbError ? error.message : String(error instanceof Error ? error.stack : error)}`;
}

async function byTransaction(store: LocalStore, { text, ordered, writes }: Generated, rules?: FieldRules, parts?: Random): Promise<string> {
  let answer = '';
  try {
    await store.write((tx) => {
      const whole = tx.graph('default');
      const kept = rules === undefined ? undefined : keptValues(whole, rules);
      const view = guardedView<GraphWriter>(whole, rules);
      const rows = rowsOf(text, view, parts);
      if (kept !== undefined) checkKept(kept, keptValues(whole, rules!));
      const graph = copied(view);
      const name = nameOf(graph.graph);
      answer = writes ? shownGraph(graph.graph)
        : listed(rows.map((row) => row.map((value) => textOf(oracleValue(value, graph), name)).join(' | ')), ordered);
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) return failed(error);
  }
  return answer;
}

function rowsOf(text: string, view: GraphView, parts?: Random): Value[][] {
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const context = { view, parameters: new Map(), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {} };
  const execution = parts === undefined ? execute(prepared, context) : executeInParts(prepared, context, parts);
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
