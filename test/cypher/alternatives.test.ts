/**
 * Conditions joined by OR: said as one where they are of one thing (plan/disjunctions.ts), looked up one by one where indexes know each
 * (plan/access.ts). The same rows as without any index.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { Dice } from '../dice.ts';
import { LocalStore } from '../graph/fixture.ts';
import { planOf, rowsOf } from './rows.ts';

const NODES = 400;

async function filled(isIndexed: boolean): Promise<GraphView> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    rowsOf(graph, `UNWIND range(0, ${NODES - 1}) AS n CREATE (x:N {n: n, i: n % 50, s: 's' + n % 40})
      FOREACH (_ IN CASE WHEN n % 2 = 0 THEN [1] ELSE [] END | SET x:A) FOREACH (_ IN CASE WHEN n % 3 = 0 THEN [1] ELSE [] END | SET x:B)
      FOREACH (_ IN CASE WHEN n % 20 = 0 THEN [1] ELSE [] END | SET x.rare = n) FOREACH (_ IN CASE WHEN n % 7 = 0 THEN [1] ELSE [] END | SET x.i = null)`);
    rowsOf(graph, 'MATCH (a:N), (b:N) WHERE b.n = (a.n * 7 + 1) % 400 CREATE (a)-[:T {w: a.n % 50, v: b.n % 30}]->(b)');
    if (!isIndexed) return;
    for (const on of ['(n:A) ON (n.i)', '(n:A) ON (n.s)', '(n:B) ON (n.i)', '(n:B) ON (n.s)', '(n:A) ON (n.rare)', '(n:B) ON (n.rare, n.i)', '()-[n:T]-() ON (n.w)', '()-[n:T]-() ON (n.v)']) rowsOf(graph, `CREATE INDEX FOR ${on}`);
  });
  return store.reader.acquire().view('default');
}

let indexed: GraphView;
let plain: GraphView;
beforeAll(async () => {
  [indexed, plain] = [await filled(true), await filled(false)];
});

function expectSame(text: string): number {
  const rows = rowsOf(indexed, text);
  expect(rows, text).toEqual(rowsOf(plain, text));
  return rows.length;
}

describe('plans', () => {
  it.each([
    ['MATCH (n) WHERE n:A AND n.i = 5', 'Node Index Seek [n:A(i = 5)]'],
    ['MATCH (n) WHERE (n:A OR n:B) AND n.i = 5', 'Node Union Seek [n WHERE n:A|B AND n.i = 5 by :A(i = 5) or :B(i = 5)]'],
    ['MATCH (n:A|B {i: 5})', ' by :A(i = 5) or :B(i = 5)]'],
    ['MATCH (n:A) WHERE n.i = 5 OR 6 = n.i OR n.i IN [7, 8]', 'Node Index Seek [n:A(i IN [5, 6, 7, 8])]'],
    ["MATCH (n:A) WHERE n.i = 5 OR n.s = 's1'", "[n:A WHERE n.i = 5 OR n.s = 's1' by :A(i = 5) or :A(s = 's1')]"],
    ["MATCH (n:A) WHERE n.i = 5 OR (n.s = 's1' AND n.i > 3) OR id(n) = 4", " by :A(i = 5) or :A(s = 's1') or id = 4]"],
    ['MATCH (n) WHERE id(n) = 3 OR id(n) = 4', 'Node By Id Seek [n id IN [3, 4]]'],
    ["MATCH (n) WHERE elementId(n) = '3' OR elementId(n) = '4'", "Node By Id Seek [n elementId IN ['3', '4']]"],
    ['MATCH (n) WHERE n:A OR n:B', 'Node By Labels Scan [n:A|B]'],
    ['MATCH ()-[n:T]->() WHERE n.w = 4 OR n.v = 5', 'Relationship Union Seek [n by :T(w = 4) or :T(v = 5)]'],
    ['MATCH (n:A) WHERE n.rare IS NOT NULL', 'Node Index Range [n:A(rare IS NOT NULL) WHERE n.rare IS NOT NULL]'],
    ['MATCH ()-[n:T]->() WHERE n.w IS NOT NULL', 'Relationship Index Range [n:T(w IS NOT NULL)]'],
    // Not where an alternative is in no index, most nodes have the property, or most pass.
    ['MATCH (n:A) WHERE n.i = 5 OR n.n = 7', 'Node By Label Scan'],
    ['MATCH (n:A|N) WHERE n.i = 5', 'All Node Scan'],
    ['MATCH (n:A) WHERE n.s IS NOT NULL', 'Node By Label Scan'],
    ['MATCH (n:A) WHERE n.i < 20 OR n.i > 21', 'Node By Label Scan'],
    // The division is not made where the first alternative holds.
    ['MATCH (n:A) WHERE n.i = 5 OR n.i = 1 / 0', 'Node By Label Scan'],
  ])('%s', (text, operator) => {
    expect(planOf(indexed, `${text} RETURN n`)).toContain(operator);
    if (!text.includes('/ 0')) expectSame(`${text} RETURN ${text.includes('[n') ? 'id(n)' : 'n.n'} AS x ORDER BY x`);
  });

  it('the first rows by a property that a filter asks for come from its index, from either end', () => {
    for (const order of ['', ' DESC']) {
      const text = `MATCH (n:A) WHERE n.i IS NOT NULL RETURN n.i ORDER BY n.i${order} LIMIT 3`;
      expect(planOf(indexed, text)).toContain('ORDER BY i');
      expectSame(text);
    }
    // Those without it come first.
    expect(planOf(indexed, 'MATCH (n:A) RETURN n.i ORDER BY n.i DESC LIMIT 3')).toContain('Node By Label Scan');
    expectSame('MATCH (n:A) RETURN n.i ORDER BY n.i DESC LIMIT 3');
  });
});

it('what may fail is not tried before it has to be', () => {
  expect(rowsOf(plain, 'MATCH (n:A) WHERE n.n >= 0 OR n.n = 1 / 0 RETURN count(*)')).toEqual([[200]]);
  expect(rowsOf(plain, 'MATCH (n:A) WHERE n.n = n.n OR n.n = 1 / 0 RETURN count(*)')).toEqual([[200]]);
});

it.each([1, 2, 3, 4])('gives what no index gives: random conditions, seed %i', (seed) => {
  const dice = new Dice(seededRandom(seed));
  const value = (): string => dice.pick([String(dice.below(55)), `${dice.below(50)}.0`, 'null', "'s3'"]);
  const atom = (isNode: boolean): string => {
    const [a, b] = isNode ? ['n.i', 'n.s'] : ['n.w', 'n.v'];
    const text = (): string => (isNode ? `'s${dice.below(45)}'` : String(dice.below(30)));
    return dice.pick([
      `${a} = ${value()}`, `${value()} = ${a}`, `${a} IN [${value()}, ${value()}]`, `${a} > ${40 + dice.below(12)}`, `${a} < ${dice.below(9)}`, `${b} = ${text()}`, `${b} IN [${text()}, ${text()}]`,
      `id(n) = ${dice.below(400)}`, `elementId(n) = '${dice.below(400)}'`, `id(n) IN [${dice.below(400)}, 1.0]`, `${b} IS NULL`, ...(isNode ? ['n.rare IS NOT NULL', 'n:B', 'n:A', 'NOT n:A', 'n.n = 77'] : ['n:T', 'n.w <> 3']),
    ]);
  };
  const condition = (isNode: boolean, depth: number): string => {
    if (depth === 0 || dice.chance(0.3)) return atom(isNode);
    return `(${Array.from({ length: 2 + dice.below(2) }, () => condition(isNode, depth - 1)).join(dice.chance(0.7) ? ' OR ' : ' AND ')})`;
  };
  let [found, unions] = [0, 0];
  for (let i = 0; i < 150; i++) {
    const isNode = dice.chance(0.7);
    const pattern = isNode ? dice.pick(['(n:A)', '(n:B)', '(n:A|B)', '(n)', '(n:A)-[]->(m)']) : dice.pick(['()-[n:T]->(m)', '(m:A)-[n:T]-()', '()-[n]-(m:B)']);
    const text = `MATCH ${pattern} WHERE ${condition(isNode, 2)}${dice.chance(0.4) ? ` AND ${condition(isNode, 1)}` : ''} RETURN id(n) AS x ORDER BY x`;
    found += expectSame(text);
    if (planOf(indexed, text).includes('Union Seek')) unions++;
  }
  expect(found).toBeGreaterThan(1000);
  expect(unions).toBeGreaterThan(10);
});

it('subjects whose names look alike are not one', () => {
  const text = 'UNWIND [{`p.q`: 1}] AS n UNWIND [{q: 2}] AS `n.p` MATCH (x:N {n: 0}) WHERE n.`p.q` = 5 OR `n.p`.q = 2 RETURN count(*)';
  expect(rowsOf(plain, text)).toEqual([[1]]);
  expect(rowsOf(plain, text.replace('q = 2', 'q = 1'))).toEqual([[0]]);
});

it('thousands of alternatives are planned and tried', () => {
  const some = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? `n.i = ${i}` : `n.s = 'x${i}'`)).join(' OR ');
  expect(rowsOf(indexed, `MATCH (n:A) WHERE ${some} RETURN count(*)`)).toEqual(rowsOf(plain, `MATCH (n:N) WHERE n.n % 2 = 0 AND n.i % 2 = 0 RETURN count(*)`));
});
