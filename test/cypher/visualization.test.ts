/** db.schema.visualization() of a graph that is too large to look at all of its relationships. */
import { beforeEach, expect, it, vi } from 'vitest';
import type { GraphView } from '../../src/graph/view.ts';
import type { NodeValue, RelationshipValue } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const PAIRS = 34_000;
const store = await LocalStore.withGraph();
await store.write((tx) => {
  const graph = tx.graph('default');
  rowsOf(graph, `UNWIND range(1, ${PAIRS}) AS i CREATE (a:A)-[:R]->(b:B:Both)-[:S]->(a), (a)-[:LOOP]->(a)`);
  rowsOf(graph, 'CREATE (:C)-[:SELDOM]->(:D), ()-[:NOBODY]->(), (:E)');
});

let view: GraphView;
let scans: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  view = store.reader.acquire().view('default');
  scans = vi.spyOn(view, 'scanRelationships');
});

function joined(): string[] {
  const [nodes, relationships] = rowsOf(view, 'CALL db.schema.visualization()')[0] as unknown as [NodeValue[], RelationshipValue[]];
  const name = (id: number): string => String(nodes.find((node) => node.id === id)?.labels);
  expect(nodes).toHaveLength(6);
  return relationships.map((each) => `${name(each.start)} ${each.type} ${name(each.end)}`).sort();
}

it('shows which labels types join, without a look at all relationships', () => {
  const pairs = ['A LOOP A', 'A R B', 'A R Both', 'B S A', 'Both S A', 'C SELDOM D'];
  expect(joined()).toEqual(pairs);
  // For the type of nodes without labels, which no look at labels finds.
  expect(scans).toHaveBeenCalledTimes(1);
});

it('looks for a type that few of many nodes have', async () => {
  await store.write((tx) => void rowsOf(tx.graph('default'), `MATCH (n:A) WITH n SKIP ${PAIRS / 2 + 7} LIMIT 1 MATCH (b:B) WITH n, b LIMIT 1 CREATE (n)-[:ONCE]->(b)`));
  view = store.reader.acquire().view('default');
  expect(joined()).toContain('A ONCE B');
});

it('looks at no more than that where each type is found', async () => {
  await store.write((tx) => void rowsOf(tx.graph('default'), 'MATCH ()-[r:NOBODY|ONCE]->() DELETE r'));
  view = store.reader.acquire().view('default');
  scans = vi.spyOn(view, 'scanRelationships');
  expect(joined()).toHaveLength(6);
  expect(scans).not.toHaveBeenCalled();
});
