/** shortestPath and allShortestPaths (exec/shortest-path.ts): what the trails of all lengths say, also with predicates on the path, and for many ends of one start. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { GraphView } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const NODES = 9;

async function filled(seed: number, relationships: number): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  const random = seededRandom(seed);
  const node = (): number => Math.floor(random.next() * NODES);
  await store.write((tx) => {
    const graph = tx.graph('default');
    rowsOf(graph, `UNWIND range(0, ${NODES - 1}) AS n CREATE (:P {n: n, v: n % 3})`);
    const weight = graph.keyId('w');
    for (let i = 0; i < relationships; i++) graph.createRelationship(graph.typeId(i % 4 === 0 ? 'S' : 'R'), node(), node(), [[weight, i % 3]]);
  });
  return store;
}

const WAYS = ['-[:R*1..3]-', '-[:R|S*]->', '<-[*..4]-', '-[:R*0..3]->', '-[*1..2]-'];
const ASKED = [
  '', 'all(n IN nodes(p) WHERE n.v <> 2)', 'none(r IN relationships(p) WHERE r.w = 0)', 'any(n IN nodes(p) WHERE n.n = 4)', 'any(r IN relationships(p) WHERE r.w = 1)',
  'length(p) <> 2', 'none(n IN nodes(p) WHERE n.n = 5) AND size([r IN relationships(p) WHERE r.w = 2]) < 2',
];

function check(graph: GraphView, seed: number): void {
  const links = '[r IN relationships(p) | id(r)]';
  for (const way of WAYS) {
    for (const asked of ASKED) {
      const where = asked === '' ? '' : ` WHERE ${asked}`;
      // Trails, of which every node may be passed twice: no search ends early.
      const trails = way.replace('*]', '*1..5]').replace('[', '[x');
      const key = ([from, to]: Value[]): string => `${String(from)} ${String(to)}`;
      const expected = new Map(rowsOf(graph, `MATCH p = (a:P)${trails}(b:P)${where} WITH a, b, length(p) AS hops, ${links} AS links
        WHERE hops <= 5 WITH a, b, hops, collect(links) AS all ORDER BY hops WITH a, b, collect({hops: hops, all: all})[0] AS best
        RETURN a.n, b.n, best.hops, best.all`).filter(([from, to]) => from !== to).map((row) => [key(row), row]));
      const ends = `MATCH (a:P) MATCH (b:P) WHERE a <> b WITH a, b ORDER BY a.n, b.n MATCH p =`;
      const single = rowsOf(graph, `${ends} shortestPath((a)${way}(b))${where} RETURN a.n, b.n, length(p), ${links}`);
      const every = rowsOf(graph, `${ends} allShortestPaths((a)${way}(b))${where} RETURN a.n, b.n, length(p), ${links}`);
      const label = `${way}${where}, seed ${seed}`;
      // Longer ones than trails were looked at for are not compared.
      const short = single.filter(([, , hops]) => (hops as number) <= 5);
      expect(new Map(short.map((row) => [key(row), row[2]])), label).toEqual(new Map([...expected].map(([name, row]) => [name, row[2]])));
      for (const row of short) expect(expected.get(key(row))![3], label).toContainEqual(row[3]);
      const found = new Map<string, Value[]>();
      for (const row of every) if ((row[2] as number) <= 5) found.set(key(row), [...(found.get(key(row)) ?? []), row[3]!]);
      const sorted = (lists: Value[]): string[] => lists.map((list) => JSON.stringify(list)).sort();
      expect([...found].map(([name, lists]) => [name, sorted(lists)]).sort(), label).toEqual([...expected].map(([name, row]) => [name, sorted(row[3] as Value[])]).sort());
    }
  }
}

it('counts what it holds against the memory of the statement, and goes on from row to row where the start is the same', async () => {
  const store = await LocalStore.withGraph();
  await store.write((tx) => void rowsOf(tx.graph('default'), `CREATE (a:Start), (z:End {n: 0}) WITH a, z UNWIND range(1, 3000) AS n CREATE (a)-[:R]->(:M {n: n})-[:R]->(:End {n: n})`));
  const graph = store.reader.acquire().view('default');
  const toAll = 'MATCH (a:Start), (z:End) MATCH p = shortestPath((a)-[:R*..2]->(z)) RETURN count(length(p))';
  let asked = 0;
  const { adjacency } = graph;
  graph.adjacency = (...given) => {
    asked++;
    return adjacency.apply(graph, given);
  };
  expect(rowsOf(graph, toAll)).toEqual([[3000]]);
  // Each end once, and the start once in all.
  expect(asked).toBeLessThan(4000);
  const lone = 'MATCH (a:Start), (z:End {n: 0}) MATCH p = shortestPath((a)-[:R*]->(z)) RETURN count(p)';
  expect(rowsOf(graph, lone, { limits: { memoryBytes: 10_000_000 } })).toEqual([[0]]);
  expect(() => rowsOf(graph, lone, { limits: { memoryBytes: 20_000 } })).toThrow('the statement holds more than');
});

it('finds the shortest of all trails', async () => {
  for (let seed = 1; seed <= 14; seed++) {
    const store = await filled(seed, [8, 13, 18][seed % 3]!);
    check(store.reader.acquire().view('default'), seed);
    if (seed % 4 === 0) await store.write((tx) => check(tx.graph('default'), seed));
  }
}, 60_000);
