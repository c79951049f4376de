/**
 * Nodes and relationships found by ids, and relationships by indexes of their types (exec/lookup.ts): what is found is what a search through all
 * gives, to which the same is said in words that no lookup understands.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { prepare, NO_PROCEDURES } from '../../src/cypher/engine.ts';
import type { GraphView } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { planOf, rowsOf } from './rows.ts';

const PAIRS = 300;

const texts = (graph: GraphView, text: string, parameters: Record<string, Value> = {}): string[] => (
  rowsOf(graph, text, { parameters: new Map(Object.entries(parameters)) }).map((row) => JSON.stringify(row, (key, value: unknown) => (key === 'record' ? undefined : value))).sort());

/** Pairs of nodes with one relationship each, parallel ones, and a loop; some without the property. */
async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    for (const on of ['r.w', 'r.s', 'r.w, r.k']) rowsOf(graph, `CREATE INDEX FOR ()-[r:T]-() ON (${on})`);
    rowsOf(graph, 'CREATE CONSTRAINT FOR ()-[r:T]-() REQUIRE r.k IS UNIQUE');
    rowsOf(graph, `UNWIND range(1, ${PAIRS}) AS i CREATE (a:A {i: i})-[:T {w: i % 60, k: i, s: 's' + i}]->(b:B {i: i})`);
    rowsOf(graph, "MATCH (a:A {i: 7}), (b:B {i: 7}) CREATE (a)-[:T {w: 3.0, k: -1}]->(b), (b)-[:T {s: 's7'}]->(a), (a)-[:T {w: 7, k: -2, s: 's7'}]->(a), (a)-[:U {w: 7, k: 7}]->(b)");
  });
  return store;
}

let store: LocalStore;
let graph: GraphView;
beforeAll(async () => {
  store = await filled();
  graph = store.reader.acquire().view('default');
});

describe('by id', () => {
  const IDS = ['4', '4.0', '0', '-0.0', '4.5', '-1', '-4', '1e300', '0.0 / 0.0', 'null', "'4'", '[4]', '9007199254740991', '9223372036854775807', '140737488355328', '281474976710660', '4294967300'];
  const TEXTS = ["'4'", "'04'", "' 4'", "'4.0'", "'-4'", "'+4'", "''", "'x'", '4', 'null', "'281474976710660'", "'99999999999999999999'"];

  it.each([
    ['(n)', 'n', 'Node By Id Seek'], ['(a)-[n]->(b)', 'n', 'Relationship By Id Seek'], ['(a)-[n]-(b)', 'n', 'Relationship By Id Seek'], ['(a)-[n]-(a)', 'n', 'Relationship By Id Seek'],
    ['(a:B)-[n:T]-(b)', 'n', 'Relationship By Id Seek'], ['(a)<-[n:U|T]-(b:A)', 'n', 'Relationship By Id Seek'],
  ])('%s', (pattern, name, operator) => {
    const known = (text: string): string[] => texts(graph, `MATCH ${pattern} WHERE ${text} RETURN *`);
    let found = 0;
    const same = (sought: string, searched: string): void => {
      const rows = known(sought);
      found += rows.length;
      expect(rows, sought).toEqual(known(searched));
    };
    for (const id of IDS) {
      same(`id(${name}) = ${id}`, `id(${name}) + 0 = ${id}`);
      same(`${id} = id(${name})`, `id(${name}) + 0 = ${id}`);
      same(`id(${name}) IN [${id}, 5, ${id}]`, `id(${name}) + 0 IN [${id}, 5, ${id}]`);
    }
    for (const id of TEXTS) {
      same(`elementId(${name}) = ${id}`, `elementId(${name}) + '' = ${id}`);
      same(`elementId(${name}) IN [${id}, '302', ${id}]`, `elementId(${name}) + '' IN [${id}, '302', ${id}]`);
    }
    const loop = PAIRS + 2;
    same(`id(${name}) = ${loop}`, `id(${name}) + 0 = ${loop}`);
    expect(found).toBeGreaterThan(0);
    expect(planOf(graph, `MATCH ${pattern} WHERE elementId(${name}) = $id RETURN *`)).toContain(operator);
  });

  it('what can be no id of an element is none, and costs nothing to say', () => {
    const before = process.memoryUsage().heapUsed;
    for (const id of ['-1', '-4', '140737488355332', '281474976710660', '9007199254740991', '9223372036854775807']) {
      expect(() => texts(graph, `CALL algo.native.extract(${id}, {isNode: true, field: 'i'}) YIELD value RETURN value`), id).toThrow(`there is no node ${id}`);
      expect(texts(graph, `CALL db.subgraph([${id}]) YIELD subgraph RETURN subgraph`)).toEqual(texts(graph, 'CALL db.subgraph([]) YIELD subgraph RETURN subgraph'));
      expect(texts(graph, `CALL algo.native.extract('${id}_5_0_0_2', {isNode: false, field: 'w'}) YIELD value RETURN value`)).toEqual(['[null]']);
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024);
  });

  it('a relationship by the text that euid gives', () => {
    const euids = rowsOf(graph, 'MATCH ()-[r]->() RETURN euid(r), id(r)');
    for (const [text, id] of euids.slice(-20)) expect(texts(graph, 'MATCH ()-[r]->() WHERE euid(r) = $text RETURN id(r)', { text: text! })).toEqual([`[${String(id)}]`]);
    const [text] = euids[6]! as [string];
    // The end alone tells nothing.
    for (const wrong of [`9${text}`, text.slice(text.lastIndexOf('_')), `x_${text}`]) expect(texts(graph, 'MATCH ()-[r]->() WHERE euid(r) = $wrong RETURN id(r)', { wrong })).toEqual([]);
    expect(planOf(graph, 'MATCH (a)-[r]->(b) WHERE euid(r) = $text RETURN a')).toContain('Relationship By Id Seek');
  });

  it('of values of rows, where the pattern is optional, and of a start that is bound', () => {
    expect(texts(graph, "UNWIND ['1', '2', 'x'] AS x OPTIONAL MATCH (a)-[r]->() WHERE elementId(r) = x RETURN x, a.i")).toEqual(['["1",2]', '["2",3]', '["x",null]']);
    expect(texts(graph, 'MATCH (a:A {i: 3}) MATCH (a)-[r]->(b) WHERE id(r) = 2 RETURN b.i')).toEqual(['[3]']);
    expect(texts(graph, 'MATCH (a:A {i: 4}) MATCH (a)-[r]->(b) WHERE id(r) = 2 RETURN b.i')).toEqual([]);
    expect(texts(graph, 'MATCH (x:B)<-[r]-(a)-[q]->(b) WHERE id(r) = 6 RETURN id(q)')).toEqual(['[300]', '[302]', '[303]']);
  });

  it('a relationship that is bound, and leads to where it begins', () => {
    expect(texts(graph, 'MATCH ()-[r:T]->() WITH r MATCH (a)-[r]->(a) RETURN a.i')).toEqual(['[7]']);
    expect(texts(graph, 'MATCH ()-[r:T]->() WITH r MATCH (a)-[r]-(a) RETURN a.i')).toEqual(['[7]']);
  });

  it('a transaction finds what it has made, and not what it has deleted', async () => {
    const own = await filled();
    await own.write((tx) => {
      const writer = tx.graph('default');
      const [[id]] = rowsOf(writer, "CREATE ()-[r:T {w: 900, k: 900, s: 'new'}]->() RETURN id(r)") as [[number]];
      expect(texts(writer, `MATCH ()-[r]->() WHERE id(r) = ${id} RETURN r.k`)).toEqual(['[900]']);
      expect(texts(writer, 'MATCH ()-[r:T {w: 900}]->() RETURN r.k')).toEqual(['[900]']);
      rowsOf(writer, `MATCH ()-[r]->() WHERE id(r) = ${id} DELETE r`);
      expect(texts(writer, `MATCH ()-[r]->() WHERE id(r) = ${id} RETURN r.k`)).toEqual([]);
      expect(texts(writer, "MATCH ()-[r:T {s: 'new'}]->() RETURN r.k")).toEqual([]);
      expect(texts(writer, 'MATCH (n) WHERE id(n) = 4 DETACH DELETE n WITH 1 AS x MATCH (m) WHERE id(m) = 4 RETURN m')).toEqual([]);
    });
  });
});

describe('by an index of relationships', () => {
  const FILTERS: readonly (readonly [string, string])[] = [
    ['r.w = 3', 'Relationship Index Seek'], ['r.w = 3.0', 'Relationship Index Seek'], ['r.w IN [3, 3.0, null, 59, 1000]', 'Relationship Index Seek'], ['r.k = 7', 'Relationship Unique Index Seek'],
    ['r.w = 7 AND r.k = 7', 'Relationship Index Seek'], ['r.w > 57', 'Relationship Index Range'], ['57 <= r.w', 'Relationship Index Range'], ['r.w >= 3 AND r.w < 5', 'Relationship Index Range'],
    ["r.s STARTS WITH 's29'", 'Relationship Index Range'], ["r.s > 's298'", 'Relationship Index Range'], ["r.s = 's7'", 'Relationship Index Seek'], ['r.w = null', 'Relationship Index Seek'],
    ["r.w = 'x'", 'Relationship Index Seek'], ['r.w = 7 AND r.k > 100', 'Relationship'],
  ];
  /** The same without anything that an index knows. */
  const searched = (filter: string): string => filter.replace(/r\.(\w)/g, 'head([r.$1])');

  it.each(FILTERS)('%s', (filter, operator) => {
    for (const pattern of ['(a)-[r:T]->(b)', '(a)-[r:T]-(b)', '(a:B)<-[r:T]-(b:A)', '(a)-[r:T]-(a)', '(b)-[q:U]-(a)-[r:T]-(c)', '(a:B)-[r:T]->(b), (a)-[q:T]-(c)']) {
      const text = (condition: string): string => `MATCH ${pattern} WHERE ${condition} RETURN *`;
      expect(texts(graph, text(filter)), pattern).toEqual(texts(graph, text(searched(filter))));
    }
    expect(planOf(graph, `MATCH (a)-[r:T]->(b) WHERE ${filter} RETURN a`)).toContain(operator);
  });

  it('types of which it is no index are searched', () => {
    for (const types of ['', ':U', ':T|U', ':!U']) {
      const plan = planOf(graph, `MATCH (a)-[r${types}]->(b) WHERE r.w = 7 RETURN a`);
      expect(plan).not.toContain('Relationship Index');
      expect(texts(graph, `MATCH (a)-[r${types}]->(b) WHERE r.w = 7 RETURN id(r)`)).toEqual(texts(graph, `MATCH (a)-[r${types}]->(b) WHERE head([r.w]) = 7 RETURN id(r)`));
    }
  });

  it('a start with fewer rows is preferred, and a hint is followed', () => {
    const text = (hint: string): string => `MATCH (a:A)-[r:T]->(b) ${hint} WHERE a.i = 7 AND r.w = 7 RETURN b`;
    expect(planOf(graph, text(''))).toContain('Relationship Index Seek');
    expect(planOf(graph, text('USING SCAN a:A'))).toContain('Node By Label Scan');
    expect(planOf(graph, text('USING INDEX r:T(w)'))).toContain('Relationship Index Seek');
    expect(planOf(graph, 'MATCH (a)-[r:T]->(b) USING INDEX r:T(w) WHERE id(a) = 6 AND r.w > 0 RETURN b')).toContain('Relationship Index Range');
    expect(planOf(graph, 'MATCH (a)-[r:T]->(b) WHERE id(a) = 6 AND r.w > 0 RETURN b')).toContain('Node By Id Seek');
    // Nothing is known of the relationship: the hint is of no use, and the statement runs.
    expect(prepare('MATCH (a)-[r:T]->(b) USING INDEX r:T(w) RETURN b', { catalog: graph.catalog, procedures: NO_PROCEDURES })).toBeDefined();
  });

  it('the parts of a pattern that equal values connect meet in a hash join', () => {
    const text = 'MATCH (a)-[r:T]->(), (b)-[q:T]->() WHERE r.w > 30 AND q.w > 30 AND a.i = b.i RETURN id(r), id(q)';
    expect(texts(graph, text)).toEqual(texts(graph, text.replaceAll(/\b([rq])\.w/g, 'head([$1.w])')));
  });
});
