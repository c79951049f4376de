/** Filters of a scan that are decided in columns of integers (exec/narrowing.ts): the same rows as by looking at each node. */
import { expect, it } from 'vitest';
import type { GraphView } from '../../src/graph/view.ts';
import { Wanted } from '../../src/cypher/exec/narrowing.ts';
import { Float, NodeValue, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const COUNT = 3000;

function run(graph: GraphView, text: string, parameters: ReadonlyMap<string, Value> = new Map()): Value[][] {
  return rowsOf(graph, text, { parameters });
}

async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  // `i`: integers with holes. `m`: as well, but on some pages something else. `s`: no number at all.
  await store.write((tx) => {
    run(tx.graph('default'), `UNWIND range(0, ${COUNT - 1}) AS n
      CREATE (:N {n: n, i: CASE WHEN n % 7 = 3 THEN null ELSE (n * 37) % 200 - 100 END, m: CASE WHEN n > 2500 AND n % 5 = 0 THEN n / 2.0 WHEN n = 2600 THEN 'text' ELSE n % 50 END, s: toString(n)})`);
  });
  return store;
}

const BOUNDS: readonly Value[] = [
  0, -100, 99, 1000, -1000, 25, new Float(25), new Float(24.5), new Float(-0), new Float(Number.NaN), new Float(Number.POSITIVE_INFINITY), new Float(Number.NEGATIVE_INFINITY),
  9_007_199_254_740_991, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, '25', null, true, [25],
];

it('finds what a look at each node finds, for every operator, bound and kind of property', async () => {
  const store = await filled();
  const graph = store.reader.acquire().view('default');
  let narrowed = 0;
  const { narrowByInteger } = graph;
  graph.narrowByInteger = (...given) => {
    const isKnown = narrowByInteger.apply(graph, given);
    if (isKnown && given[5].isExact) narrowed++;
    return isKnown;
  };
  for (const key of ['i', 'm', 's']) {
    for (const op of ['=', '<', '<=', '>', '>=', '<>']) {
      for (const bound of BOUNDS) {
        for (const filter of [`x.${key} ${op} $b`, `$b ${op} x.${key}`, `x.n >= 100 AND x.${key} ${op} $b AND x.i < 60`]) {
          const parameters = new Map<string, Value>([['b', bound]]);
          // A list element is nothing that is looked up in columns.
          const plain = filter.replaceAll('$b', '[$b][0]').replaceAll(/x\.(\w)/g, '[x.$1][0]');
          const [rows, expected] = [filter, plain].map((where) => run(graph, `MATCH (x:N) WHERE ${where} RETURN x.n ORDER BY x.n`, parameters));
          expect(rows, `${filter} with ${String(bound)}`).toEqual(expected);
          expect(run(graph, `MATCH (x:N) WHERE ${filter} RETURN count(x)`, parameters)).toEqual([[expected!.length]]);
        }
      }
    }
  }
  expect(narrowed).toBeGreaterThan(100);
});

it('sorts and cuts the same where what cannot come first is left out before it', async () => {
  const store = await filled();
  await store.write((tx) => {
    run(tx.graph('default'), 'CREATE (h:Hub), (g:Hub) WITH h, g MATCH (x:N) CREATE (h)-[:E]->(x) FOREACH (_ IN CASE WHEN x.n % 3 = 0 THEN [1] ELSE [] END | CREATE (g)-[:E]->(x))');
  });
  const graph = store.reader.acquire().view('default');
  let narrowed = 0;
  const { narrowByInteger } = graph;
  graph.narrowByInteger = (...given) => {
    const isKnown = narrowByInteger.apply(graph, given);
    if (isKnown && given[4] instanceof Wanted && given[5].count < given[2] - given[1]) narrowed++;
    return isKnown;
  };
  const matches = ['(x:N)', '(:Hub)-[:E]->(x)', '(:Hub)-[:E]-(x:N)', '(:Hub)-[e:E]->(x)', '(h:Hub)-[:E*1..1]-(x:N)'];
  for (const match of matches) {
    for (const where of ['', ' WHERE x.i <= 40', ' WHERE x.i <> 40 AND x.n > 7', ' WHERE x.i + 1 > 0']) {
      for (const key of ['i', 'm', 's']) {
        for (const way of ['', ' DESC']) {
          for (const cut of ['LIMIT 1', 'LIMIT 7', 'SKIP 5 LIMIT 60', 'LIMIT 0']) {
            // What a list holds is nothing that is left out before.
            const [rows, expected] = [`x.${key}`, `[x.${key}][0]`].map((by) => run(graph, `MATCH ${match}${where} RETURN x.n, x.${key} ORDER BY ${by}${way}, x.n ${cut}`));
            expect(rows, `${match}${where} by ${key}${way} ${cut}`).toEqual(expected);
          }
        }
      }
    }
  }
  // By what the sort wants no more, not by the filters.
  expect(narrowed).toBeGreaterThan(100);
}, 120_000);

it('knows a column after one look where the cache is eager', async () => {
  const store = await LocalStore.withGraph();
  store.reader.cache.isEager = true;
  await store.write((tx) => void run(tx.graph('default'), 'UNWIND range(0, 2) AS n CREATE (:N {n: n})'));
  const graph = store.reader.acquire().view('default');
  const keyId = graph.catalog.findKey('n')!;
  const left = { ids: [], count: 0, isExact: false };
  const look = (): boolean => graph.narrowByInteger([1], 0, 1, keyId, { low: 0, high: 9, isOutside: false, withAbsent: false }, left);
  expect(look()).toBe(false);
  graph.nodeProperty(new NodeValue(1), keyId);
  expect(look()).toBe(true);
});

it('sees what has changed since the columns were filled, and in a transaction what is not committed', async () => {
  const store = await filled();
  const count = (graph: GraphView): Value => run(graph, 'MATCH (x:N) WHERE x.i > 90 RETURN count(x)')[0]![0]!;
  const view = (): GraphView => store.reader.acquire().view('default');
  const old = view();
  const before = Number(count(old));
  for (let i = 0; i < 20; i++) {
    await store.write((tx) => {
      const graph = tx.graph('default');
      run(graph, `MATCH (x:N) WHERE x.n = ${i * 100} SET x.i = 95`);
      run(graph, `MATCH (x:N) WHERE x.n = ${i * 100 + 1} DELETE x`);
      run(graph, `CREATE (:N {n: ${COUNT + i}, i: 95})`);
      expect(count(graph)).toBe(Number(run(graph, 'MATCH (x:N) WHERE [x.i][0] > 90 RETURN count(x)')[0]![0]));
    });
    const now = view();
    expect(count(now)).toBe(run(now, 'MATCH (x:N) WHERE [x.i][0] > 90 RETURN count(x)')[0]![0]);
  }
  expect(count(old)).toBe(before);
  expect(count(view())).toBeGreaterThan(before + 20);
});

it('leaves errors of filters that stand before it where they are', async () => {
  const store = await filled();
  const graph = store.reader.acquire().view('default');
  for (let i = 0; i < 3; i++) run(graph, 'MATCH (x:N) WHERE x.i > 0 RETURN count(x)');
  expect(() => run(graph, 'MATCH (x:N) WHERE 1 / (x.n - x.n) > 0 AND x.i > 1000 RETURN x')).toThrow(/zero/i);
});
