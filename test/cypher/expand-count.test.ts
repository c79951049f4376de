/**
 * Patterns whose rows are only counted (exec/expand-count.ts): as many as are found one by one, whatever was used before. Random chains and stars over a
 * graph with loops, parallel relationships, relationships back and nodes without any.
 */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { LocalStore } from '../graph/fixture.ts';
import { planOf, rowsOf } from './rows.ts';

const store = await LocalStore.withGraph();
await store.write((tx) => {
  const graph = tx.graph('default');
  rowsOf(graph, 'UNWIND range(0, 11) AS i CREATE (n:N {i: i}) FOREACH (_ IN CASE WHEN i % 3 = 0 THEN [1] ELSE [] END | SET n:M)');
  rowsOf(graph, 'MATCH (a:N), (b:N) WHERE (a.i * 5 + b.i * 3) % 7 = 0 AND a.i < 10 CREATE (a)-[:R]->(b)');
  rowsOf(graph, 'MATCH (a:N), (b:N) WHERE (a.i + b.i * 2) % 9 = 0 AND b.i < 10 CREATE (a)-[:S]->(b)');
  rowsOf(graph, 'MATCH (a:N {i: 2}), (b:N {i: 4}) CREATE (a)-[:R]->(b), (a)-[:R]->(b), (b)-[:R]->(a), (a)-[:R]->(a), (a)-[:R]->(a), (b)-[:S]->(b)');
});

interface Chain {
  readonly pattern: string;
  readonly links: number;
}

function chain(random: () => number): Chain {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const links = 1 + Math.floor(random() * 3);
  const step = (i: number): string => {
    const types = pick(['', ':R', ':R', ':R', ':S', ':R|S']);
    return pick([`-[r${i}${types}]->`, `<-[r${i}${types}]-`, `-[r${i}${types}]-`]);
  };
  const label = (): string => pick(['', '', '', ':N', ':M']);
  const isStar = random() < 0.25;
  let pattern = `(n0${label()})`;
  for (let i = 1; i <= links; i++) pattern += isStar && i > 1 ? `, (n0)${step(i)}(n${i}${label()})` : `${step(i)}(n${i}${label()})`;
  return { pattern, links };
}

const listed = (links: number): string => Array.from({ length: links + 1 }, (_, i) => (i === 0 ? 'n0.i' : `n${i}.i, id(r${i})`)).join(', ');

/** What is looked at in rows is found row by row. */
function check(graph: GraphView, { pattern, links }: Chain): void {
  const rows = rowsOf(graph, `MATCH ${pattern} RETURN ${listed(links)}`);
  const last = `n${links}`;
  expect(rowsOf(graph, `MATCH ${pattern} RETURN count(*), count(${last}), count(r${links})`), pattern).toEqual([[rows.length, rows.length, rows.length]]);
  // Relationships nobody names.
  expect(rowsOf(graph, `MATCH ${pattern.replaceAll(/\[r\d/g, '[')} RETURN count(*)`), pattern).toEqual([[rows.length]]);
  const each = new Map<number, number>();
  for (const row of rows) each.set(Number(row.at(-2)), (each.get(Number(row.at(-2))) ?? 0) + 1);
  expect(rowsOf(graph, `MATCH ${pattern} RETURN ${last}.i AS i, count(*) ORDER BY i`), pattern).toEqual([...each].sort(([a], [b]) => a - b));
  const first = rows.filter(([i]) => i === 2).length;
  expect(rowsOf(graph, `MATCH (n0 {i: 2}) RETURN COUNT { MATCH ${pattern} }`), pattern).toEqual([[first]]);
  expect(rowsOf(graph, `MATCH ${pattern} RETURN count(*), count(DISTINCT ${last})`), pattern).toEqual([[rows.length, each.size]]);
}

describe('rows that are only counted', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('seed %i', (seed) => {
    const random = seededRandom(seed);
    const graph = store.reader.acquire().view('default');
    for (let i = 0; i < 15; i++) check(graph, chain(() => random.next()));
  });

  it('are counted with what a transaction has changed itself', () => {
    const graph = store.begin().graph('default');
    rowsOf(graph, 'MATCH (a:N {i: 2})-[r:R]->(b:N {i: 4}) WITH r LIMIT 2 DELETE r');
    rowsOf(graph, 'MATCH (a:N {i: 5}), (b:N {i: 2}) CREATE (a)-[:R]->(b), (b)-[:R]->(a), (:N {i: 12})-[:R]->(b)');
    rowsOf(graph, 'MATCH (a:N {i: 7}) DETACH DELETE a');
    const random = seededRandom(99);
    for (let i = 0; i < 60; i++) check(graph, chain(() => random.next()));
  });

  it('are counted behind what may be nothing', () => {
    const graph = store.reader.acquire().view('default');
    expect(rowsOf(graph, 'OPTIONAL MATCH (x:Nobody) WITH x MATCH (x)-->() RETURN count(*)')).toEqual([[0]]);
    expect(rowsOf(graph, 'MATCH (n:N {i: 2}) OPTIONAL MATCH (n)-[r:NONE]->(m) RETURN count(*), count(m)')).toEqual([[1, 0]]);
    expect(planOf(graph, 'MATCH (a)-[:R]-(b)-[:R]-(c) RETURN count(*)')).toContain('Expand');
  });
});
