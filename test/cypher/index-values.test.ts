/** Indexes hold every kind of value that a property may be: the same rows with and without them, whatever is sought. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, planText, prepare } from '../../src/cypher/engine.ts';
import type { Execution } from '../../src/cypher/engine.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { equals } from '../../src/value/compare.ts';
import { formatValue } from '../../src/value/format.ts';
import { Float, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';

function start(view: GraphView, text: string, parameters: Record<string, Value> = {}): Execution {
  return execute(prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES }), {
    view, parameters: new Map(Object.entries(parameters)), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(7), timeZone: 'Z', limits: {},
  });
}

function run(view: GraphView, text: string, parameters: Record<string, Value> = {}): Value[][] {
  return [...start(view, text, parameters).rows()].flat();
}

const planOf = (view: GraphView, text: string): string => planText(start(view, `EXPLAIN ${text}`).plan!);

/** Values of which some are equal and written differently, and some are not equal though no order tells them apart. */
const LITERALS = [
  '0', '1', '-1', '1.0', '1.5', '9007199254740993', '-0.0', '0.0 / 0.0', '1.0 / 0.0', "''", "'a'", "'ab'", "'b'", 'true', 'false',
  '[]', '[1]', '[1.0]', '[1, 2]', "['a']", '[0.0 / 0.0]', '[true]', '[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]', '[1, 2, 3, 4, 5, 6, 7, 8]', '[1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]',
  "date('2020-02-29')", "localtime('12:00')", "time('12:00Z')", "time('13:00+01:00')", "localdatetime('2020-02-29T12:00')", "datetime('2020-02-29T12:00Z')", "datetime('2020-02-29T13:00+01:00')",
  "datetime('2020-02-29T12:00[UTC]')", "duration('P1D')", "duration('PT24H')", "duration('P1M')", "[duration('P1D')]", "[duration('PT24H')]", 'point({x: 1, y: 2})', 'point({latitude: 1, longitude: 2})',
];

async function stores(): Promise<{ plain: LocalStore; indexed: LocalStore; values: Value[] }> {
  const [plain, indexed] = [await LocalStore.withGraph(), await LocalStore.withGraph()];
  const values = LITERALS.map((literal) => run(plain.reader.acquire().view('default'), `RETURN ${literal}`)[0]![0]!);
  for (const store of [plain, indexed]) {
    await store.write((tx) => {
      const graph = tx.graph('default');
      if (store === indexed) for (const fields of ['n.v', 'n.k, n.v', 'n.v, n.k']) run(graph, `CREATE INDEX FOR (n:N) ON (${fields})`);
      const [v, k, i] = [graph.keyId('v'), graph.keyId('k'), graph.keyId('i')];
      // Most nodes hold something else, so that an index is worth it.
      for (let n = 0; n < 600; n++) graph.createNode([graph.labelId('N')], [[k, n % 2], [v, n % 12 < 2 ? null : n % 3 === 0 ? [n + 1000] : n + 1000], [i, n]]);
      for (const [n, value] of [...values, ...values].entries()) graph.createNode([graph.labelId('N')], [[k, n % 2], [v, value], [i, 1000 + n]]);
    });
  }
  return { plain, indexed, values };
}

const FILTERS = [
  'n.v = $a', '$a = n.v', 'n.v <> $a', 'n.v IN [$a, $b]', 'n.v < $a', 'n.v <= $a', 'n.v > $a', 'n.v >= $a', 'n.v > $a AND n.v <= $b', 'n.v STARTS WITH $a',
  'n.k = 1 AND n.v = $a', 'n.k = 0 AND n.v > $a', 'n.k = 1 AND n.v IN [$a, $b]', 'n.v = $a AND n.k >= 1', 'n.v = $a AND n.k IS NOT NULL', 'n.k = 1 AND n.v IS NOT NULL AND n.i > 950',
];

function expectSame(plain: GraphView, indexed: GraphView, values: readonly Value[]): number {
  let seeks = 0;
  for (const [n, a] of values.entries()) {
    const b = values[(n * 7 + 3) % values.length]!;
    for (const filter of FILTERS) {
      const text = `MATCH (n:N) WHERE ${filter} RETURN n.i ORDER BY n.i`;
      expect(run(indexed, text, { a, b }), `${filter} with ${formatValue(a)} and ${formatValue(b)}`).toEqual(run(plain, text, { a, b }));
    }
    for (const text of ['MATCH (n:N {v: $a}) RETURN count(n)', 'UNWIND [$a, $b] AS x MATCH (n:N {v: x, k: 1}) RETURN count(n)']) expect(run(indexed, text, { a, b })).toEqual(run(plain, text, { a, b }));
    seeks += run(indexed, 'MATCH (n:N) WHERE n.v = $a RETURN count(n)', { a })[0]![0] as number;
  }
  for (const order of ['ORDER BY n.v', 'ORDER BY n.v DESC']) {
    for (const [skip, limit] of [[0, 3], [20, 40], [600, 100]]) {
      for (const where of ['', 'WHERE n.v IS NOT NULL ']) {
        const text = `MATCH (n:N) ${where}WITH n.v AS v ${order.replace('n.v', 'v')} SKIP ${skip} LIMIT ${limit} RETURN v`;
        const inOrder = `MATCH (n:N) ${where}RETURN n.v AS v ${order} SKIP ${skip} LIMIT ${limit}`;
        const shown = (rows: readonly Value[][]): string[] => rows.map(([v]) => ties(v!));
        expect(shown(run(indexed, inOrder))).toEqual(shown(run(plain, text)));
      }
    }
  }
  return seeks;
}

/** One text for what an order does not tell apart. */
function ties(value: Value): string {
  return value instanceof Float && Number.isInteger(value.value) ? String(value.value + 0) : formatValue(value).replace(/PT24H/, 'P1D').replace(/13:00\+01:00/, '12:00Z').replace('[UTC]', '').replace(/\.0\b/g, '');
}

it('every filter and order gives the same with indexes as without', async () => {
  const { plain, indexed, values } = await stores();
  for (const [filter, operator] of [['n.v = $a', 'Node Index Seek'], ['n.k = 0 AND n.v > $a', 'Node Index Range'], ['n.v IN [$a]', 'Node Index Seek']]) {
    expect(planOf(indexed.reader.acquire().view('default'), `MATCH (n:N) WHERE ${filter} RETURN n`)).toContain(operator);
  }
  expect(expectSame(plain.reader.acquire().view('default'), indexed.reader.acquire().view('default'), values)).toBeGreaterThan(2 * values.length - 10);
  // And after changes, on a replica too.
  for (const store of [plain, indexed]) {
    await store.write((tx) => {
      const graph = tx.graph('default');
      run(graph, 'MATCH (n:N) WHERE n.i >= 1000 AND n.i % 5 = 0 SET n.v = [n.i]');
      run(graph, 'MATCH (n:N) WHERE n.i >= 1000 AND n.i % 5 = 1 REMOVE n.v');
      run(graph, 'MATCH (n:N) WHERE n.i % 7 = 2 DELETE n');
    });
  }
  expectSame(plain.reader.acquire().view('default'), indexed.reader.acquire().view('default'), values);
  expectSame(plain.reader.acquire().view('default'), (await indexed.replica()).reader.acquire().view('default'), values);
});

it('MERGE finds what is equal, and a unique constraint refuses that alone', async () => {
  const { values } = await stores();
  for (const a of values) {
    const store = await LocalStore.withGraph();
    await store.write((tx) => {
      const graph = tx.graph('default');
      run(graph, 'CREATE CONSTRAINT u FOR (n:U) REQUIRE n.v IS UNIQUE');
      run(graph, 'CREATE (:U {v: $a})', { a });
      // Of NaN there may be many.
      run(graph, 'MERGE (n:U {v: $a})', { a });
      expect(run(graph, 'MATCH (n:U) RETURN count(n)'), formatValue(a)).toEqual([[equals(a, a) === true ? 1 : 2]]);
    });
    for (const b of values) {
      const make = store.write((tx) => run(tx.graph('default'), 'CREATE (n:U {v: $b}) DELETE n', { b }));
      const isEqual = equals(a, b) === true;
      await (isEqual ? expect(make, `${formatValue(a)} and ${formatValue(b)}`).rejects.toThrow(/already exists/) : expect(make, `${formatValue(a)} and ${formatValue(b)}`).resolves.toBeDefined());
    }
  }
});

/** Not told apart by DISTINCT: equal, or NaN both. */
function isSame(a: Value, b: Value): boolean {
  if (equals(a, b) === true) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]!));
  return [a, b].every((value) => value instanceof Float && Number.isNaN(value.value));
}

it('joins, sets of values, and grouping take for the same what is', async () => {
  const { plain, values } = await stores();
  await plain.write((tx) => {
    const graph = tx.graph('default');
    const [v, i] = [graph.keyId('v'), graph.keyId('i')];
    for (const label of ['J', 'K']) for (const [n, value] of values.entries()) graph.createNode([graph.labelId(label)], [[v, value], [i, n]]);
  });
  const view = plain.reader.acquire().view('default');
  const pairs = values.flatMap((a, i) => values.flatMap((b, j) => (equals(a, b) === true ? [[i, j]] : [])));
  const join = 'MATCH (a:J), (b:K) WHERE a.v = b.v RETURN a.i, b.i ORDER BY a.i, b.i';
  expect(planOf(view, join)).toContain('Hash Join');
  expect(run(view, join)).toEqual(pairs);
  expect(run(view, 'MATCH (a:J) MATCH (b:K {v: a.v}) RETURN a.i, b.i ORDER BY a.i, b.i')).toEqual(pairs);
  for (const [i, a] of values.entries()) {
    // Asked more than once, a long list becomes a set.
    for (const list of [values, values.filter((_, at) => at !== i), [...values, null]]) {
      const expected = list.some((item) => equals(a, item) === true) ? true : list.some((item) => equals(a, item) === null) ? null : false;
      expect(run(view, 'UNWIND [1, 2, 3] AS n RETURN $a IN $list', { a, list }), formatValue(a)).toEqual([[expected], [expected], [expected]]);
    }
  }
  const classes = values.filter((a, i) => !values.slice(0, i).some((b) => isSame(a, b)));
  expect(run(view, 'UNWIND $values AS v RETURN count(DISTINCT v), size(collect(DISTINCT v))', { values: [...values, ...values] })).toEqual([[classes.length, classes.length]]);
  expect(run(view, 'UNWIND $values AS v WITH DISTINCT v RETURN count(*)', { values: [...values, ...values] })).toEqual([[classes.length]]);
  const counted = run(view, 'UNWIND $values AS v RETURN v, count(*) AS c', { values: [...values, ...values] });
  for (const [v, c] of counted) expect(c, formatValue(v!)).toBe(2 * values.filter((value) => isSame(v!, value)).length);
  expect(run(view, 'UNWIND $values AS v WITH v, 1 AS x WITH DISTINCT v, x RETURN count(*)', { values })).toEqual([[classes.length]]);
});
