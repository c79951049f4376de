/** Counts and groups that are made of ids alone (exec/ids.ts): the same, and in the same order, as by looking at each row. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { ExecContext } from '../../src/cypher/engine.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { spillFiles } from '../../src/service/spill-files.ts';
import { NodeValue, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const NODES = 3000;
const MB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'lgraph-ids-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(graph: GraphView, text: string, context: Partial<ExecContext> = {}): Value[][] {
  const rows = rowsOf(graph, text, { parameters: new Map<string, Value>([['type', 'R']]), ...context });
  return rows.map((row) => row.map((value) => (value instanceof NodeValue ? `node ${value.id}` : value)));
}

/** Two labels, hubs, loops, parallel relationships; keys that are equal in many nodes, among them numbers of both kinds. */
async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    run(graph, `UNWIND range(0, ${NODES - 1}) AS n
      CREATE (x:N {n: n, k: CASE WHEN n % 11 = 0 THEN null ELSE n % 7 END, mix: CASE n % 3 WHEN 0 THEN n % 4 WHEN 1 THEN toFloat(n % 4) ELSE toString(n % 4) END})
      FOREACH (_ IN CASE WHEN n % 2 = 0 THEN [1] ELSE [] END | SET x:A) FOREACH (_ IN CASE WHEN n % 3 = 0 THEN [1] ELSE [] END | SET x:B)`);
    const random = seededRandom(7);
    const types = ['R', 'R', 'S'].map((type) => graph.typeId(type));
    for (let i = 0; i < NODES * 3; i++) {
      const start = Math.floor(random.next() * NODES);
      const end = i % 17 === 0 ? start : i % 5 === 0 ? 12 : Math.floor(random.next() * NODES);
      graph.createRelationship(types[i % 3]!, start, end, []);
    }
  });
  return store;
}

const QUERIES = [
  'MATCH (a:A) RETURN count(*), count(a), count(DISTINCT a)',
  'MATCH (a:A:B) WHERE a.n > 100 RETURN count(a)',
  'MATCH (a:A) WHERE a.n > 100 AND a.mix <> 2 RETURN count(a), count(DISTINCT a)',
  'MATCH (a:Missing) RETURN count(a), count(*), count(DISTINCT a)',
  'MATCH (a:A)-[r:R]->(b) RETURN count(*), count(r), count(a), count(b), count(DISTINCT b)',
  'MATCH (a:A)-[:R]->(b:B) RETURN count(DISTINCT b), count(*)',
  'MATCH (a:A)-[:R]-(b) RETURN count(*), count(DISTINCT b)',
  'MATCH (a:A)-[:R]-(b:B) WHERE b.n > a.n RETURN count(*)',
  'MATCH (a)-->(b) RETURN count(*), count(DISTINCT b)',
  'MATCH (a:A)<-[:R|S]-(b:B) RETURN b.k, count(*)',
  'MATCH (a:A)-[:R]->(b:B) RETURN b.k, b.mix, count(a)',
  'MATCH (a:A) RETURN a.mix, a.k, count(*)',
  'MATCH (a:A) RETURN a.n, a.k, count(*), count(a)',
  'MATCH (a:N) RETURN a.mix, count(*)',
  'MATCH (a:A)-[:S]->(b) RETURN b, count(a)',
  'MATCH (a:A)-[:R]->(b)-[:S]->(c) RETURN c.k, count(*), count(b)',
  'MATCH (a:A)-[:R]->(b)-[:R]->(c:B) RETURN c.k, c.n, count(*)',
  'MATCH (a:A {n: 12})-[:R*1..3]-(f:B) WHERE f.n <> 12 RETURN count(DISTINCT f)',
  'MATCH (a:A {n: 12})-[:R*0..2]->(f) RETURN count(DISTINCT f)',
  'MATCH (a:B)-[:S*1..2]->(f) WHERE a.n < 300 RETURN count(DISTINCT f)',
  'MATCH (a:A) OPTIONAL MATCH (a)-[:S]->(b:B) RETURN b.k, count(b), count(*), count(a)',
  'OPTIONAL MATCH (a:Missing)-[:R]->(b) RETURN b.k, count(b), count(*)',
  'MATCH (a:A)-[:$($type)]->(b) RETURN count(*), count(DISTINCT b)',
  'UNWIND [1, null, 3] AS i MATCH (a:A)-[:S]->(b) RETURN count(i), count(*)',
  'MATCH (a:A) WHERE COUNT { (a)-[:R]->(:B) } > 1 RETURN a.k, count(*)',
];

/** The same by aggregates that want to see each row. */
const byRows = (text: string): string => (text.replace(/COUNT \{/g, 'COUNT{')
  .replace(/count\(\*\)/g, 'sum(1)').replace(/count\(DISTINCT (\w)\)/g, 'size(collect(DISTINCT $1))').replace(/count\((\w)\)/g, 'size(collect($1))'));

function compare(view: GraphView): void {
  for (const text of QUERIES) expect(run(view, text), text).toEqual(run(view, byRows(text)));
}

it('counts what the rows say: in a snapshot, in an old one, and among the changes of a transaction', async () => {
  const store = await filled();
  const old = store.reader.acquire();
  // More than once: from blocks first, from pages and columns then.
  for (let i = 0; i < 3; i++) compare(old.view('default'));
  const before = QUERIES.map((text) => run(old.view('default'), text));
  const tx = store.begin();
  const graph = tx.graph('default');
  run(graph, 'MATCH (x:N) WHERE x.n % 10 = 1 DETACH DELETE x');
  run(graph, 'MATCH (x:N) WHERE x.n % 10 = 2 SET x:B, x.k = 3');
  run(graph, 'MATCH (x:N {n: 13}), (y:N) WHERE y.n % 50 = 3 CREATE (x)-[:R]->(y)-[:S]->(:B {n: -1})');
  compare(graph);
  await store.write((other) => {
    run(other.graph('default'), 'MATCH (x:N) WHERE x.n % 10 = 4 DETACH DELETE x');
    run(other.graph('default'), 'MATCH (x:A) WHERE x.n % 10 = 6 REMOVE x:A SET x.mix = 9');
  });
  for (let i = 0; i < 3; i++) {
    compare(store.reader.acquire().view('default'));
    expect(QUERIES.map((text) => run(old.view('default'), text))).toEqual(before);
  }
});

it('gives the same where the groups go to disk', async () => {
  const view = (await filled()).reader.acquire().view('default');
  const files = { directory: folder, statementBytesMax: 64 * MB, totalBytesMax: 64 * MB, used: new SharedArrayBuffer(8) };
  const spill = spillFiles(files)!;
  let written = 0;
  const watched = {
    statementBytesMax: spill.statementBytesMax,
    open: () => {
      const file = spill.open();
      return { append: (bytes: Uint8Array) => (written += bytes.length, file.append(bytes)), read: file.read.bind(file), close: file.close.bind(file) };
    },
  };
  for (const memoryBytes of [120_000, 240_000]) {
    for (const text of ['MATCH (a:A)-[:R]->(b) RETURN b.n, b.k, count(a)', 'MATCH (a:N) RETURN a.n, a.mix, count(*)', 'MATCH (a:N)-[:S]->(b) RETURN b, count(*)']) {
      written = 0;
      expect(run(view, text, { limits: { memoryBytes }, spill: watched }), text).toEqual(run(view, text));
      expect(written, text).toBeGreaterThan(0);
    }
  }
});

it('is held to the limit of memory, and ends when it is told to', async () => {
  const view = (await filled()).reader.acquire().view('default');
  expect(() => run(view, 'MATCH (a:N) RETURN count(DISTINCT a)', { limits: { memoryBytes: 20_000 } })).toThrow(DbError);
  for (const text of ['MATCH (a)-->(b)-->(c) RETURN count(*)', 'MATCH (a)-->(b)-->(c) RETURN count(DISTINCT c)', 'MATCH (a:N)-[:R*1..6]-(f) RETURN count(DISTINCT f)']) {
    let calls = 0;
    const checkpoint = (): void => {
      if (++calls === 3) throw new DbError('Timeout', 'enough');
    };
    expect(() => run(view, text, { checkpoint }), text).toThrow('enough');
  }
});
