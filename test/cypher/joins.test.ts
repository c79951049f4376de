/** Parts of a pattern that only values join: each is read once and joined by a table, where the other way is to look up much for each row. */
import { expect, it } from 'vitest';
import type { GraphView } from '../../src/graph/view.ts';
import { LocalStore } from '../graph/fixture.ts';
import { planOf, rowsOf } from './rows.ts';

const PEOPLE = 400;

async function people(...indexes: string[]): Promise<GraphView> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    for (const index of indexes) rowsOf(graph, `CREATE INDEX FOR (p:P) ON (${index})`);
    rowsOf(graph, `UNWIND range(1, ${PEOPLE}) AS i CREATE (p:P {id: i, name: CASE WHEN i % 50 = 0 THEN null ELSE i % 20 END, born: i % 7})-[:IN]->(:C {name: i % 20, id: i})`);
  });
  return store.reader.acquire().view('default');
}

const searched = await people();
const byId = await people('p.id');
const byAll = await people('p.id', 'p.name', 'p.born');

it.each([
  'MATCH (a:P), (b:P) WHERE a.name = b.name AND a.id < b.id RETURN a.id, b.id',
  'MATCH (a:P), (b:P) WHERE b.id > a.id AND b.name = a.name RETURN a.id, b.id',
  'MATCH (a:P), (b:P {name: a.name}) WHERE a.id <> b.id RETURN a.id, b.id',
  'MATCH (a:P {born: 3}), (b:P) WHERE a.name = b.name AND a.id < b.id RETURN a.id, b.id',
  'MATCH (a:P)-[:IN]->(c), (b:P) WHERE b.name = c.name AND b.id >= a.id RETURN a.id, b.id',
  'MATCH (a:P), (b:P)-[:IN]->(c:C) WHERE a.name = b.name AND a.id < b.id AND c.id < a.id + 50 RETURN a.id, b.id, c.id',
  'MATCH (a:P), (b:P), (c:P) WHERE a.name = b.name AND a.id < b.id AND b.name = c.name AND b.id < c.id AND a.born = 2 AND b.born = 2 RETURN a.id, b.id, c.id',
  'UNWIND range(1, 40) AS i WITH {name: i, id: i * 10} AS r MATCH (b:P) WHERE b.name = r.name AND b.id > r.id RETURN r.id, b.id',
])('finds the same pairs with indexes and without: %s', (text) => {
  const pairs = (graph: GraphView): string[] => rowsOf(graph, text).map((row) => row.join(' ')).sort();
  const found = pairs(searched);
  expect(found.length).toBeGreaterThan(50);
  expect(pairs(byId)).toEqual(found);
  expect(pairs(byAll)).toEqual(found);
});

it('reads the second part once where an index of what tells the two apart would be asked for half of all with each row', () => {
  for (const graph of [byId, byAll]) {
    const plan = planOf(graph, 'MATCH (a:P), (b:P) WHERE a.name = b.name AND a.id < b.id RETURN count(*)');
    expect(plan).toContain('Hash Join [a.name = b.name]');
    expect(plan).not.toContain('Range');
  }
});

it('looks up the second part where there are few rows, or few to be found with each', () => {
  expect(planOf(byId, 'MATCH (a:P {id: 7}), (b:P) WHERE a.name = b.name AND a.id < b.id RETURN count(*)')).toContain('Index Range [b:P(id > a.id)');
  expect(planOf(byAll, 'MATCH (a:P {id: 7}), (b:P) WHERE a.name = b.name AND a.id < b.id RETURN count(*)')).toContain('Index Seek [b:P(name = a.name)');
  expect(planOf(byId, 'MATCH (a:P), (b:P) WHERE a.name = b.id AND a.name <> b.name RETURN count(*)')).toContain('Index Seek [b:P(id = a.name)');
  expect(planOf(byId, 'MATCH (a:P), (b:P) WHERE a.name = b.name AND b.id > a.id AND b.id < a.id + 3 RETURN count(*)')).toContain('Index Range [b:P(id > a.id, id < a.id + 3)');
  expect(planOf(byId, 'MATCH (a:P), (b:P) WHERE a.id < b.id RETURN count(*)')).toContain('Index Range [b:P(id > a.id)');
});
