/** Questions that the exact counts answer (plan/stored-count.ts): the answers are those of a search, to which the same is said in words that no count understands. */
import { describe, expect, it } from 'vitest';
import type { GraphView } from '../../src/graph/view.ts';
import { LocalStore } from '../graph/fixture.ts';
import { planOf, rowsOf } from './rows.ts';

const store = await LocalStore.withGraph();
/** A transaction: what it has changed itself counts. */
const graph: GraphView = store.begin().graph('default');
rowsOf(graph, 'UNWIND range(1, 30) AS i CREATE (a:A {i: i})-[:R {w: i}]->(b:B {i: i}) FOREACH (_ IN CASE WHEN i % 3 = 0 THEN [1] ELSE [] END | CREATE (b)-[:S]->(a)) FOREACH (_ IN CASE WHEN i < 4 THEN [1] ELSE [] END | CREATE (a)-[:GONE]->(a), (b)-[:LOOP]->(b))');
rowsOf(graph, 'MATCH ()-[r:GONE]->() DELETE r');
rowsOf(graph, 'MATCH ()-[r:R {w: 30}]->() DELETE r');

/** Each relationship once, by way of a projection. */
const SEARCH = 'MATCH (a)-[r]->(b) WITH a, r, b, rand() AS any';
const sorted = (text: string): string[] => rowsOf(graph, text).map((row) => JSON.stringify(row)).sort();
const operators = (text: string): string => planOf(graph, text);

describe('relationships by type', () => {
  it.each([
    ['MATCH ()-[r]->() RETURN type(r), count(*)', 'RETURN type(r), count(*)'],
    ['MATCH (a)<-[r]-(b) RETURN count(*) AS c, type(r) AS t', 'RETURN count(*) AS c, type(r) AS t'],
    ['MATCH (a)-[r]->(b) RETURN type(r) AS t, count(r), count(a), count(b), count(*)', 'RETURN type(r) AS t, count(r), count(a), count(b), count(*)'],
    ['MATCH ()-[r]->() RETURN type(r) AS t, count(*) * 2 + count(r) AS c', 'RETURN type(r) AS t, count(*) * 2 + count(r) AS c'],
    ['MATCH ()-[r]->() WITH type(r) AS t, count(*) AS c WHERE c > 5 RETURN t, c', 'WITH type(r) AS t, count(*) AS c WHERE c > 5 RETURN t, c'],
    ['MATCH ()-[r]->() RETURN DISTINCT type(r)', 'RETURN DISTINCT type(r)'],
    ['MATCH ()-[r]->() WITH DISTINCT type(r) AS t RETURN collect(t) = [] AS none, count(t)', 'WITH DISTINCT type(r) AS t RETURN collect(t) = [] AS none, count(t)'],
    ['CALL { MATCH ()-[r]->() RETURN type(r) AS t, count(*) AS c } RETURN t, c', 'RETURN type(r) AS t, count(*) AS c'],
  ])('%s', (text, search) => {
    expect(operators(text)).toContain('Stored Count');
    const found = sorted(text);
    expect(operators(`${SEARCH} ${search}`)).not.toContain('Stored Count');
    expect(found).toEqual(sorted(`${SEARCH} ${search}`));
    expect(found.length).toBeGreaterThan(0);
  });

  it('come in the order that is asked for, as many as are', () => {
    expect(rowsOf(graph, 'MATCH ()-[r]->() RETURN type(r) AS t, count(*) AS c ORDER BY c DESC, t LIMIT 2')).toEqual([['R', 29], ['S', 10]]);
    expect(rowsOf(graph, 'MATCH ()-[r]->() RETURN DISTINCT type(r) AS t ORDER BY t DESC SKIP 1')).toEqual([['R'], ['LOOP']]);
  });

  it.each([
    'MATCH (:A)-[r]->() RETURN type(r), count(*)', 'MATCH ()-[r]->(:A) RETURN type(r), count(*)', 'MATCH ()-[r]-() RETURN type(r), count(*)', 'MATCH (a)-[r]->(a) RETURN type(r), count(*)',
    'MATCH ()-[r:R|S]->() RETURN type(r), count(*)', 'MATCH ()-[r {w: 3}]->() RETURN type(r), count(*)', 'MATCH (a {i: 3})-[r]->() RETURN type(r), count(*)', 'MATCH ()-[r]->() WHERE r.w > 3 RETURN type(r), count(*)',
    'MATCH ()-[r]->() RETURN type(r), count(r.w)', 'MATCH ()-[r]->() RETURN type(r), count(DISTINCT r)', 'MATCH ()-[r]->() RETURN type(r), sum(r.w)', 'MATCH ()-[r]->() RETURN type(r), r.w, count(*)',
    'MATCH ()-[r]->() RETURN DISTINCT type(r), r.w', 'MATCH ()-[r]->()-[q]->() RETURN type(r), count(*)', 'MATCH ()-[r]->()-[q]->() RETURN DISTINCT type(q)', 'MATCH ()-[r]->() RETURN toLower(type(r)), count(*)',
    'UNWIND [1, 2] AS x MATCH ()-[r]->() RETURN type(r), count(*)', 'UNWIND [1, 2] AS x CALL (x) { MATCH ()-[r]->() RETURN type(r) AS t, count(*) AS c } RETURN x, t, c', 'OPTIONAL MATCH ()-[r]->() RETURN type(r), count(*)',
    'MATCH (a:A {i: 3}) MATCH (a)-[r]->() RETURN type(r), count(*)', 'MATCH (a:A {i: 3}) RETURN COLLECT { MATCH (a)-[r]->() RETURN DISTINCT type(r) }', 'MATCH ()-[r]->(), (n:A {i: 3}) RETURN type(r), count(*)',
  ])('are searched where more is asked for: %s', (text) => {
    expect(operators(text)).not.toContain('Stored Count');
  });

  it('are counted once for each row that a subquery is asked for', () => {
    expect(rowsOf(graph, 'UNWIND [1, 2] AS x CALL { MATCH ()-[r]->() RETURN type(r) AS t, count(*) AS c } RETURN x, t, c ORDER BY x, t'))
      .toEqual([1, 2].flatMap((x) => [[x, 'LOOP', 3], [x, 'R', 29], [x, 'S', 10]]));
  });
});
