/** algo.pagerank beside the definition, written down over lists of relationships; a transaction sees what it has changed itself. */
import { describe, expect, it } from 'vitest';
import type { Float } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const store = await LocalStore.withGraph();
const graph = store.begin().graph('default');
// Ids with gaps; a hub, loops, parallel relationships of two types, nodes without a way out and without any.
rowsOf(graph, 'UNWIND range(0, 59) AS i CREATE (:N {i: i})');
rowsOf(graph, 'MATCH (a:N), (b:N) WHERE (a.i * 7 + b.i * 13) % 17 = 0 AND a.i < 50 CREATE (a)-[:R]->(b)');
rowsOf(graph, 'MATCH (a:N), (b:N {i: 3}) WHERE a.i % 2 = 0 AND a.i < 40 CREATE (a)-[:S]->(b), (b)-[:R]->(a)');
rowsOf(graph, 'MATCH (a:N) WHERE a.i % 10 = 0 CREATE (a)-[:R]->(a), (a)-[:S]->(a)');
// A rank other than 0 to begin with is that of nodes with one way out at most.
rowsOf(graph, 'MATCH (a:N), (b:N) WHERE a.i >= 50 AND b.i = (a.i - 49) * (a.i - 49) % 43 CREATE (a)-[:R]->(b)');
rowsOf(graph, 'MATCH (a:N) WHERE a.i IN [5, 6, 20] DETACH DELETE a');

const ids = rowsOf(graph, 'MATCH (n) RETURN id(n) ORDER BY id(n)').map(([id]) => Number(id));
const pairs = rowsOf(graph, 'MATCH (a)-[r]->(b) RETURN id(a), id(b)').map(([a, b]) => [Number(a), Number(b)] as const);

function defined(rounds: number): Map<number, number> {
  const out = (id: number): number => pairs.filter(([from]) => from === id).length;
  let ranks = new Map(ids.map((id) => [id, out(id) <= 1 ? 1 : 0]));
  for (let round = 0; round < rounds; round++) {
    const given = (id: number): number => pairs.filter(([, to]) => to === id).reduce((sum, [from]) => sum + ranks.get(from)! / out(from), 0);
    ranks = new Map(ids.map((id) => [id, 0.15 / ids.length + 0.85 * given(id)]));
  }
  return ranks;
}

describe('algo.pagerank', () => {
  it.each([[0, 2], [1, 2], [2, 8], [15, 20]])('after %i rounds', (rounds, different) => {
    const found = rowsOf(graph, `CALL algo.pagerank(${rounds}) YIELD node, pr RETURN id(node), pr`);
    const wanted = defined(rounds);
    expect(found.map(([id]) => Number(id))).toEqual(ids);
    for (const [id, rank] of found) expect((rank as Float).value).toBeCloseTo(wanted.get(Number(id))!, 12);
    expect(new Set(wanted.values()).size).toBeGreaterThanOrEqual(different);
  });

  it('has nothing to say of an empty graph', async () => {
    const empty = (await LocalStore.withGraph()).begin().graph('default');
    expect(rowsOf(empty, 'CALL algo.pagerank(3) YIELD node RETURN node')).toEqual([]);
  });
});
