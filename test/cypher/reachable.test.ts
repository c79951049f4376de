/** Ends that are wanted once each (exec/var-expand.ts): the same as all trails lead to, also where the last level is found from its own side. */
import { expect, it, vi } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const NODES = 40;

/** Most nodes have one label, some another or none; some cannot be reached. */
async function filled(seed: number, relationships: number): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  const random = seededRandom(seed);
  const pick = (): number => Math.floor(random.next() * NODES * 0.9);
  await store.write((tx) => {
    const graph = tx.graph('default');
    rowsOf(graph, `UNWIND range(0, ${NODES - 1}) AS n CREATE (x:P {n: n}) FOREACH (_ IN CASE WHEN n % 7 = 3 THEN [1] ELSE [] END | REMOVE x:P SET x:Q)`);
    for (let i = 0; i < relationships; i++) graph.createRelationship(graph.typeId(i % 5 === 0 ? 'S' : 'R'), pick(), pick(), []);
  });
  return store;
}

it('finds the last level from either side', async () => {
  let scans = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const store = await filled(seed, [60, 250, 700][seed % 3]!);
    const check = (graph: GraphView): void => {
      const scanNodes = vi.spyOn(graph, 'scanNodes');
      for (const way of ['-[:R*1..2]-', '-[:R*0..2]->', '<-[:R|S*1..2]-', '-[*..3]->', '-[:R*1..3]-']) {
        for (const label of [':P', ':Q', ':Missing', '']) {
          for (const where of ['', ' WHERE f.n <> 5 AND f.n % 3 > 0']) {
            for (const start of [0, 5, NODES - 1]) {
              // What is asked of the relationships makes it follow every trail.
              const trails = `${where === '' ? ' WHERE' : `${where} AND`} size(r) >= 0`;
              const from = `MATCH (a {n: ${start}}) MATCH (a)`;
              const expected = rowsOf(graph, `${from}${way.replace('[', '[r')}(f${label})${trails} RETURN DISTINCT f.n AS n ORDER BY n`).map(([n]) => n);
              scanNodes.mockClear();
              const text = `${from}${way}(f${label})${where}`;
              expect(rowsOf(graph, `${text} RETURN count(DISTINCT f)`), `${text}, seed ${seed}`).toEqual([[expected.length]]);
              expect(rowsOf(graph, `${text} WITH DISTINCT f.n AS n ORDER BY n RETURN collect(n)`), `${text}, seed ${seed}`).toEqual([[expected]]);
              if (label === ':P') scans += scanNodes.mock.calls.filter(([id]) => id !== undefined).length;
            }
          }
        }
      }
      scanNodes.mockRestore();
    };
    check(store.reader.acquire().view('default'));
    await store.write((tx) => {
      const graph = tx.graph('default');
      rowsOf(graph, 'MATCH (x:P) WHERE x.n % 9 = 2 DETACH DELETE x');
      rowsOf(graph, 'MATCH (a:P), (b:P) WHERE a.n < 6 AND b.n > 30 CREATE (a)-[:R]->(b)');
      check(graph);
    });
  }
  expect(scans).toBeGreaterThan(300);
});
