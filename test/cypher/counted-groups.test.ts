/** Groups by properties of a node whose rows are counted (exec/counted-groups.ts): what grouping row by row gives, whatever the first key tells apart. */
import { expect, it } from 'vitest';
import type { GraphView } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const COUNT = 2000;

async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  // `one`: the same for all; `few`: for many; `pair`: for two; `own`: for none. Numbers, large ones, texts, floats, lists, booleans and nothing at all.
  await store.write((tx) => {
    rowsOf(tx.graph('default'), `UNWIND range(0, ${COUNT - 1}) AS n
      CREATE (t:T {own: n, large: 8796093022208 + n * 1048576, pair: n / 2, few: n % 7, one: 1, text: 'text ' + toString(n % 300), float: n % 40 / 4.0,
        mixed: CASE n % 6 WHEN 0 THEN null WHEN 1 THEN n % 3 WHEN 2 THEN toString(n % 3) WHEN 3 THEN n % 3 * 1.0 WHEN 4 THEN [n % 3] ELSE n % 2 = 0 END})
      WITH t, n UNWIND range(0, n % 4) AS i CREATE (:M {i: i})-[:HAS]->(t)`);
  });
  return store;
}

const sorted = (rows: readonly Value[][]): string[] => rows.map((row) => JSON.stringify(row)).sort();

function check(graph: GraphView): void {
  const keys = ['own', 'large', 'pair', 'few', 'one', 'text', 'float', 'mixed'];
  const groupings = [...keys.map((key) => [key]), ['large', 'text'], ['few', 'own'], ['one', 'pair', 'few'], ['text', 'mixed'], ['mixed', 'float'], ['float', 'one'], ['pair', 'large', 'own']];
  for (const grouping of groupings) {
    for (const match of ['MATCH (:M)-[:HAS]->(t:T)', 'MATCH (m:M) WITH m MATCH (m)-[:HAS]->(t:T)', 'MATCH (t:T)<-[:HAS]-(:M)', 'MATCH (t:T)']) {
      const columns = (of: (key: string) => string): string => grouping.map((key) => `${of(key)} AS ${key}`).join(', ');
      // What stands in a list is nothing that is counted by node.
      const expected = rowsOf(graph, `${match} RETURN ${columns((key) => `[t.${key}][0]`)}, count(*) AS n`);
      const label = `${match} by ${grouping.join()}`;
      expect(sorted(rowsOf(graph, `${match} RETURN ${columns((key) => `t.${key}`)}, count(t) AS n`)), label).toEqual(sorted(expected));
      // A total order but for what is equal in all that is returned.
      const order = `ORDER BY n DESC, ${grouping.join(', ')} LIMIT 9`;
      expect(rowsOf(graph, `${match} RETURN ${columns((key) => `t.${key}`)}, count(t) AS n ${order}`), label)
        .toEqual(rowsOf(graph, `${match} RETURN ${columns((key) => `[t.${key}][0]`)}, count(*) AS n ${order}`));
      const byKey = `ORDER BY ${grouping[0]!} DESC, n, ${grouping.join(', ')} SKIP 2 LIMIT 5`;
      expect(rowsOf(graph, `${match} RETURN ${columns((key) => `t.${key}`)}, count(t) AS n ${byKey}`), label)
        .toEqual(rowsOf(graph, `${match} RETURN ${columns((key) => `[t.${key}][0]`)}, count(*) AS n ${byKey}`));
    }
  }
  for (const key of keys) {
    const [found] = rowsOf(graph, `MATCH (:M)-[:HAS]->(t:T) RETURN count(DISTINCT t.${key}), count(DISTINCT t)`);
    expect(found, key).toEqual(rowsOf(graph, `MATCH (:M)-[:HAS]->(t:T) WITH collect(t.${key}) AS all, count(DISTINCT t) AS nodes UNWIND all AS each WITH DISTINCT each, nodes RETURN count(each), nodes`)[0]);
  }
}

it('counts by node and by row alike', async () => {
  const store = await filled();
  check(store.reader.acquire().view('default'));
  await store.write((tx) => check(tx.graph('default')));
}, 60_000);

it('computes further keys for the groups that are wanted', async () => {
  const store = await filled();
  const graph = store.reader.acquire().view('default');
  const keyId = graph.catalog.findKey('text');
  let looks = 0;
  const { nodeProperty } = graph;
  graph.nodeProperty = (node, key) => {
    if (key === keyId) looks++;
    return nodeProperty.call(graph, node, key);
  };
  expect(rowsOf(graph, 'MATCH (m:M) WITH m MATCH (m)-[:HAS]->(t:T) RETURN t.large, t.text, count(t) AS n ORDER BY n DESC, t.large LIMIT 3').length).toBe(3);
  expect(looks).toBeGreaterThan(2);
  expect(looks).toBeLessThan(COUNT / 2);
  // A transaction may change them before the last group is asked for.
  await store.write((tx) => {
    const own = tx.graph('default');
    const ofNode = own.nodeProperty;
    let soon = 0;
    own.nodeProperty = (node, key) => {
      if (key === keyId) soon++;
      return ofNode.call(own, node, key);
    };
    rowsOf(own, 'MATCH (m:M) WITH m MATCH (m)-[:HAS]->(t:T) RETURN t.large, t.text, count(t) AS n ORDER BY n DESC, t.large LIMIT 3');
    expect(soon).toBe(COUNT);
  });
});

it('keeps what the keys were where the statement goes on to change it', async () => {
  const store = await filled();
  await store.write((tx) => {
    const graph = tx.graph('default');
    rowsOf(graph, `MATCH (:M)-[:HAS]->(t:T) WITH t.own AS own, t.text AS text, count(*) AS n MATCH (x:T) WHERE x.own = own + 1 OR (own = 0 AND x.own = ${COUNT - 1})
      SET x.text = 'gone' MERGE (:Seen {own: own, text: text})`);
    expect(rowsOf(graph, "MATCH (s:Seen) WHERE s.text = 'gone' RETURN count(*)")).toEqual([[0]]);
    expect(rowsOf(graph, 'MATCH (s:Seen) RETURN count(*)')).toEqual([[COUNT - 1]]);
  });
}, 60_000);
