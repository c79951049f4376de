/**
 * Relationships between two bound nodes (exec/between.ts): from tables of neighbours, which only statements on a snapshot make, the same rows in the
 * same order as without them, as transactions look.
 */
import { beforeAll, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { Dice } from '../dice.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const NODES = 40;

let store: LocalStore;
let snapshot: GraphView;
/** Hubs, loops, parallel relationships in both directions and of several types. */
beforeAll(async () => {
  store = await LocalStore.withGraph();
  const dice = new Dice(seededRandom(5));
  await store.write((tx) => {
    const graph = tx.graph('default');
    const [label, key, weight] = [graph.labelId('N'), graph.keyId('n'), graph.keyId('w')];
    const nodes = Array.from({ length: NODES }, (_, n) => graph.createNode([label], [[key, n]]).id);
    const any = (): number => (dice.chance(0.2) ? nodes[dice.below(3)]! : dice.pick(nodes));
    for (let i = 0; i < 500; i++) graph.createRelationship(graph.typeId(dice.pick(['R', 'R', 'S'])), any(), any(), [[weight, i]]);
  });
  snapshot = store.reader.acquire().view('default');
});

const PATTERNS = [
  'MATCH (a)-[r:R]-(b)-[q:R]-(c)-[s:R]-(a) WHERE a.n < 12', 'MATCH (a)-[r:R]->(b)-[q:S]->(c), (a)-[s:R]->(c)', 'MATCH (a)-[r]->(b)<-[q]-(c), (c)-[s:S]->(a) WHERE a.n > 30',
  'MATCH (a)-[r:R]-(b)-[q:R]-(c) WHERE a.n < 9 AND NOT (a)-[:S]-(c) WITH a, r, b, q, c, null AS s', 'MATCH (a)-[r:R]->(b)-[q:R]->(c) WHERE EXISTS { (c)-[:R|S]->(a) } WITH a, r, b, q, c, null AS s',
  'MATCH (a)-[r:R]->(b), (b)-[q:R]->(a) WITH a, r, b, q, null AS c, null AS s', 'MATCH (a)-[r:R]->(b)-[q:R]->(c)-[s:R {w: 77}]-(a)',
  'UNWIND ["R", "S"] AS t MATCH (a)-[r:$(t)]->(b)-[q:R]->(c)-[s:$(t)]-(a) WHERE a.n < 9',
];

it.each(PATTERNS)('%s', async (pattern) => {
  const whole = `${pattern} RETURN a.n, b.n, c.n, id(r), id(q), id(s)`;
  const found = rowsOf(snapshot, whole);
  expect(found.length).toBeGreaterThan(0);
  await store.write((tx) => {
    expect(found).toEqual(rowsOf(tx.graph('default'), whole));
    // Row by row and counted: other loops.
    for (const end of ['RETURN count(*), sum(r.w + q.w), min(id(s))', 'RETURN a.n, count(*) ORDER BY a.n', 'RETURN DISTINCT c.n ORDER BY c.n']) {
      expect(rowsOf(snapshot, `${pattern} ${end}`), end).toEqual(rowsOf(tx.graph('default'), `${pattern} ${end}`));
    }
  });
});

it('a transaction sees what its statement has made between two checks', async () => {
  await store.write((tx) => {
    const graph = tx.graph('default');
    // The table would be made while just the first ten are there.
    const made = rowsOf(graph, 'MATCH (a {n: 5}) UNWIND [i IN range(1, 300) | 20 + i % 10] + [30, 31, 32, 30, 31, 32] AS n MATCH (b {n: n}) MERGE (a)-[r:NEW]->(b) RETURN count(DISTINCT r), count(*)');
    expect(made).toEqual([[13, 306]]);
    throw new RolledBack();
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
});

it('tables count against the memory of the statement', () => {
  const text = 'MATCH (a)-[r:R]-(b)-[q:R]-(c)-[s:R]-(a) RETURN count(*)';
  expect(() => rowsOf(snapshot, text, { limits: { memoryBytes: 500 } })).toThrow(DbError);
  expect(rowsOf(snapshot, text, { limits: { memoryBytes: 20_000 } })).toEqual(rowsOf(snapshot, text));
});

class RolledBack extends Error {}
