/** Searches by likeness, against a look at the properties of every node and relationship: what is stored as numbers side by side says the same. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { FieldRules, guardedView } from '../../src/graph/guarded-view.ts';
import type { GraphView } from '../../src/graph/view.ts';
import type { RelationshipValue} from '../../src/value/value.ts';
import { Float, NodeValue, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const LENGTH = 12;

function run(view: GraphView, text: string, parameters: Record<string, Value> = {}): Value[][] {
  return rowsOf(view, text, { parameters: new Map(Object.entries(parameters)) });
}

const random = seededRandom(41);
const floats = (length = LENGTH, single = true): Value[] => Array.from({ length }, () => {
  const number = Math.round((random.next() - 0.5) * 20) / 10;
  return new Float(single ? Math.fround(number) : number);
});

/** Vectors in single and double precision, of other lengths and kinds, of zeros, and no vectors at all. */
function anyVector(): Value {
  const kind = random.next();
  if (kind < 0.5) return floats();
  if (kind < 0.65) return floats(LENGTH, false);
  if (kind < 0.75) return Array.from({ length: LENGTH }, () => Math.floor(random.next() * 5) - 2);
  if (kind < 0.8) return floats(LENGTH + 1);
  if (kind < 0.85) return Array.from({ length: LENGTH }, () => new Float(0));
  if (kind < 0.9) return [...floats(LENGTH - 1), new Float(Number.NaN)];
  if (kind < 0.93) return Array.from({ length: LENGTH }, () => 'x');
  return kind < 0.96 ? 'x' : null;
}

async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    run(graph, `CREATE VECTOR INDEX nodes_cosine FOR (n:N) ON (n.v) OPTIONS {indexConfig: {\`vector.dimensions\`: ${LENGTH}, \`vector.similarity_function\`: 'cosine'}}`);
    run(graph, `CREATE VECTOR INDEX nodes_euclidean FOR (n:N) ON (n.u) OPTIONS {indexConfig: {\`vector.dimensions\`: ${LENGTH}, \`vector.similarity_function\`: 'euclidean'}}`);
    run(graph, `CREATE VECTOR INDEX edges FOR ()-[r:R]-() ON (r.v) OPTIONS {indexConfig: {\`vector.dimensions\`: ${LENGTH}, \`vector.similarity_function\`: 'cosine'}}`);
    const [v, u] = [graph.keyId('v'), graph.keyId('u')];
    const nodes = Array.from({ length: 400 }, () => graph.createNode([graph.labelId(random.next() < 0.9 ? 'N' : 'M')], [[v, anyVector()], [u, anyVector()]]).id);
    for (let i = 0; i < 200; i++) graph.createRelationship(graph.typeId(random.next() < 0.9 ? 'R' : 'S'), nodes[i]!, nodes[i + 1]!, [[v, anyVector()]]);
  });
  return store;
}

/** What the property functions of Cypher make of each vector, sorted. */
function expected(view: GraphView, of: string, key: string, similarity: string, query: Value, count: number): [number, number][] {
  const rows = run(view, `MATCH ${of} WHERE x.${key} IS :: LIST<INTEGER | FLOAT> AND size(x.${key}) = ${LENGTH} AND all(n IN x.${key} WHERE toString(n) <> 'NaN') AND any(n IN x.${key} WHERE n <> 0 OR $zeros)
    RETURN id(x), vector.similarity.${similarity}(x.${key}, $query) AS score`, { query, zeros: similarity === 'euclidean' });
  return rows.map(([id, score]): [number, number] => [id as number, (score as Float).value]).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, count);
}

function found(view: GraphView, call: string, index: string, query: Value, count: number): [number, number][] {
  return run(view, `CALL db.index.vector.${call}($index, $count, $query)`, { index, query, count })
    .map(([hit, score]) => [(hit as NodeValue | RelationshipValue).id, (score as Float).value]);
}

function expectAll(view: GraphView): void {
  for (let i = 0; i < 20; i++) {
    const query = i % 5 === 0 ? Array.from({ length: LENGTH }, (_, at) => at - 3) : floats(LENGTH, i % 2 === 0);
    const count = [1, 7, 1000][i % 3]!;
    expect(found(view, 'queryNodes', 'nodes_cosine', query, count)).toEqual(expected(view, '(x:N)', 'v', 'cosine', query, count));
    expect(found(view, 'queryNodes', 'nodes_euclidean', query, count)).toEqual(expected(view, '(x:N)', 'u', 'euclidean', query, count));
    expect(found(view, 'queryRelationships', 'edges', query, count)).toEqual(expected(view, '()-[x:R]->()', 'v', 'cosine', query, count));
  }
}

describe('a search by likeness', () => {
  it('finds what a look at every property finds', async () => {
    const store = await filled();
    const view = store.reader.acquire().view('default');
    expect(found(view, 'queryNodes', 'nodes_cosine', floats(), 1000).length).toBeGreaterThan(200);
    expectAll(view);
  });

  it('sees what a transaction has changed, and old versions what they had', async () => {
    const store = await filled();
    const before = store.reader.acquire().view('default');
    const query = floats();
    const old = found(before, 'queryNodes', 'nodes_cosine', query, 1000);
    await store.write((tx) => {
      const graph = tx.graph('default');
      const v = graph.keyId('v');
      for (const ids of [...graph.scanNodes()]) {
        for (const id of Array.from(ids)) {
          const node = new NodeValue(id);
          if (id % 5 === 0) graph.deleteNode(node, true);
          else if (id % 3 === 0) graph.setNodeProperty(node, v, anyVector());
          else if (id % 7 === 0) graph.addLabel(node, graph.labelId('N'));
        }
      }
      expectAll(graph);
    });
    expectAll(store.reader.acquire().view('default'));
    expectAll((await store.replica()).reader.acquire().view('default'));
    expect(found(before, 'queryNodes', 'nodes_cosine', query, 1000)).toEqual(old);
  });

  it('finds nothing by a field that the user may not read', async () => {
    const store = await filled();
    const view = store.reader.acquire().view('default');
    const rules = new FieldRules([{ kind: 'vertex', label: 'N', field: 'v' }, { kind: 'edge', label: 'R', field: 'v' }], []);
    for (const [call, index] of [['queryNodes', 'nodes_cosine'], ['queryRelationships', 'edges']] as const) {
      expect(found(view, call, index, floats(), 10)).toHaveLength(10);
      expect(found(guardedView(view, rules), call, index, floats(), 10)).toEqual([]);
    }
  });

  it('refuses what is no vector, and vectors of another length', async () => {
    const store = await filled();
    const view = store.reader.acquire().view('default');
    for (const query of [floats(LENGTH + 1), [], [...floats(LENGTH - 1), new Float(Number.NaN)], Array.from({ length: LENGTH }, () => 'x')] as Value[]) {
      expect(() => found(view, 'queryNodes', 'nodes_cosine', query, 10)).toThrow(/holds vectors of 12 finite numbers/);
    }
    expect(() => found(view, 'queryNodes', 'nodes_cosine', Array.from({ length: LENGTH }, () => 0), 10)).toThrow(/zeros/);
  });
});

it('a list of floats is that list everywhere else: compared, changed, sorted, indexed, counted', async () => {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    run(graph, 'CREATE INDEX lists FOR (n:L) ON (n.v)');
    run(graph, 'UNWIND range(1, 50) AS i CREATE (:L {i: i, v: [x IN range(1, 10) | toFloat(x * i)]})');
  });
  const view = store.reader.acquire().view('default');
  const third = Array.from({ length: 10 }, (_, at) => new Float((at + 1) * 3));
  expect(run(view, 'MATCH (n:L) WHERE n.v = $v RETURN n.i', { v: third })).toEqual([[3]]);
  expect(run(view, 'MATCH (n:L {i: 3}) RETURN n.v, n.v[1], size(n.v), properties(n).v, n {.v}.v')).toEqual([[third, new Float(6), 10, third, third]]);
  expect(run(view, 'MATCH (n:L) RETURN n.i ORDER BY n.v DESC LIMIT 2')).toEqual([[50], [49]]);
  expect(run(view, 'MATCH (n:L) RETURN count(DISTINCT n.v), max(n.v)[0]')).toEqual([[50, new Float(50)]]);
  await store.write((tx) => {
    const graph = tx.graph('default');
    expect(run(graph, 'MATCH (n:L {i: 3}) SET n.v = n.v + [1.5] RETURN size(n.v), n.v[10]')).toEqual([[11, new Float(1.5)]]);
    expect(run(graph, 'MATCH (n:L {v: $v}) RETURN count(n)', { v: third })).toEqual([[0]]);
    expect(run(graph, 'MATCH (n:L {i: 4}) SET n.w = n.v REMOVE n.v RETURN n.w[9], n.v')).toEqual([[new Float(40), null]]);
  });
  const after = store.reader.acquire().view('default');
  expect(run(after, 'MATCH (n:L {i: 3}) RETURN size(n.v)')).toEqual([[11]]);
  expect(run(after, 'MATCH (n:L {i: 4}) RETURN n.w[9], n.v')).toEqual([[new Float(40), null]]);
  expect((await store.replica()).writer.checksumAt(store.writer.version)).toBe(store.writer.checksumAt(store.writer.version));
});
