/** Searches by an index with a tree: what they find has its exact score, it is nearly all that is nearest, and all of it where all is to be compared. */
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { FieldRules, guardedView } from '../../src/graph/guarded-view.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { Float, NodeValue, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

const LENGTH = 16;
const COUNT = 6000;
const random = seededRandom(5);
const centres = Array.from({ length: 60 }, () => Array.from({ length: LENGTH }, () => random.next() * 2 - 1));
const vector = (): Value[] => centres[Math.floor(random.next() * centres.length)]!.map((number) => new Float(Math.fround(number + (random.next() + random.next() - 1) * 0.4)));

function run(view: GraphView, text: string, parameters: Record<string, Value> = {}, vectorSearchEffort?: number, hides = false): Value[][] {
  return rowsOf(view, text, {
    parameters: new Map(Object.entries(parameters)), limits: vectorSearchEffort === undefined ? {} : { vectorSearchEffort }, mayRead: hides ? () => false : undefined,
  });
}

type Found = (readonly [id: number, score: number])[];
const found = (rows: Value[][]): Found => rows.map(([node, score]) => [(node as NodeValue).id, (score as Float).value] as const);

const ASKED = [
  { name: 'by cosine', call: (view: GraphView, query: Value, count: number, effort?: number) => run(view, 'CALL db.index.vector.queryNodes("direction", $count, $query)', { query, count }, effort) },
  { name: 'by distance', call: (view: GraphView, query: Value, count: number, effort?: number) => run(view, 'CALL db.vertexVectorKnnSearch("D", "v", $query, {top_k: $count})', { query, count }, effort) },
  { name: 'by inner product', call: (view: GraphView, query: Value, count: number, effort?: number) => run(view, 'CALL db.vertexVectorKnnSearch("P", "v", $query, {top_k: $count})', { query, count }, effort) },
] as const;

let store: LocalStore;
beforeAll(async () => {
  store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    run(graph, `CREATE VECTOR INDEX direction FOR (n:N) ON (n.v) OPTIONS {indexConfig: {\`vector.dimensions\`: ${LENGTH}}}`);
    for (const [label, distance] of [['D', 'l2'], ['P', 'ip']]) {
      run(graph, `CALL db.createVertexLabel("${label}", "id", "id", "INT64", false, "v", "FLOAT_VECTOR", true)`);
      run(graph, `CALL db.addVertexVectorIndex("${label}", "v", {dimension: ${LENGTH}, distance_type: "${distance}"})`);
    }
    for (const label of ['N', 'D', 'P']) {
      for (let i = 0; i < COUNT; i++) graph.createNode([graph.labelId(label)], [[graph.keyId('id'), i], [graph.keyId('v'), vector()]]);
    }
  });
}, 120_000);

describe.each(ASKED)('a search $name', ({ call }) => {
  it('finds nearly all of the nearest, each with its exact score, and all with effort 0', () => {
    const view = store.reader.acquire().view('default');
    let [right, passedOver] = [0, 0];
    for (let i = 0; i < 30; i++) {
      const query = vector();
      const all = found(call(view, query, COUNT, 0));
      expect(all).toHaveLength(COUNT);
      const scores = new Map(all);
      const near = found(call(view, query, 10));
      expect(near).toHaveLength(10);
      for (const [id, score] of near) expect(score).toBe(scores.get(id));
      expect([...near]).toEqual([...near].sort((a, b) => all.findIndex(([id]) => id === a[0]) - all.findIndex(([id]) => id === b[0])));
      expect(found(call(view, query, 10, 0))).toEqual(all.slice(0, 10));
      const wanted = new Set(all.slice(0, 10).map(([id]) => id));
      right += near.filter(([id]) => wanted.has(id)).length;
      // Not by comparing all of them: with little effort some are missed.
      const hasty = found(call(view, query, 10, 0.05));
      passedOver += 10 - hasty.filter(([id]) => wanted.has(id)).length;
    }
    expect(right / 300).toBeGreaterThan(0.98);
    expect(passedOver).toBeGreaterThan(0);
  });

  it('gives as many as are asked for', () => {
    const view = store.reader.acquire().view('default');
    for (const count of [1, 700, 5999, 6000, 7000]) expect(call(view, vector(), count)).toHaveLength(Math.min(count, COUNT));
  });
});

describe('a search by a tree', () => {
  it('sees the vectors of its own version, whatever a thread keeps of others', async () => {
    const own = await LocalStore.withGraph();
    const ids: number[] = [];
    await own.write((tx) => {
      const graph = tx.graph('default');
      run(graph, `CREATE VECTOR INDEX direction FOR (n:N) ON (n.v) OPTIONS {indexConfig: {\`vector.dimensions\`: ${LENGTH}}}`);
      for (let i = 0; i < 1500; i++) ids.push(graph.createNode([graph.labelId('N')], [[graph.keyId('v'), vector()]]).id);
    });
    const points = [own.reader.acquire()];
    const expectRight = (): void => {
      for (const point of points) {
        const view = point.view('default');
        const query = vector();
        const all = found(run(view, 'CALL db.index.vector.queryNodes("direction", 10, $query)', { query }, 0));
        // All but the last leaf, the farthest.
        expect(found(run(view, 'CALL db.index.vector.queryNodes("direction", 10, $query)', { query }, 1.7))).toEqual(all);
      }
    };
    for (let round = 0; round < 12; round++) {
      expectRight();
      await own.write((tx) => {
        const graph = tx.graph('default');
        for (let i = 0; i < 40; i++) {
          const at = Math.floor(random.next() * ids.length);
          const dice = random.next();
          if (dice < 0.5) graph.setNodeProperty(new NodeValue(ids[at]!), graph.keyId('v'), vector());
          // Within its leaf, most likely.
          else if (dice < 0.75) graph.setNodeProperty(new NodeValue(ids[at]!), graph.keyId('v'), (graph.nodeProperty(new NodeValue(ids[at]!), graph.keyId('v')) as Float[]).map(({ value }, n) => new Float(Math.fround(value + (n === 3 ? 0.05 : 0)))));
          else if (dice < 0.85) graph.removeLabel(new NodeValue(ids[at]!), graph.labelId('N'));
          else if (dice < 0.95) graph.addLabel(new NodeValue(ids[at]!), graph.labelId('N'));
          else graph.deleteNode(new NodeValue(ids.splice(at, 1)[0]!), true);
        }
      });
      points.push(own.reader.acquire());
    }
    expectRight();
    for (const point of points) own.reader.release(point);
  });

  it('sees what its transaction has changed, and nothing that it deleted', async () => {
    const query = Array.from({ length: LENGTH }, (_, i) => new Float(i % 2 === 0 ? 3 : -3));
    const tx = store.begin();
    const graph = tx.graph('default');
    const made = graph.createNode([graph.labelId('N')], [[graph.keyId('id'), 0], [graph.keyId('v'), query]]);
    const first = () => found(run(graph, 'CALL db.index.vector.queryNodes("direction", 2, $query)', { query }))[0]![0];
    expect(first()).toBe(made.id);
    const moved = new NodeValue(0);
    graph.setNodeProperty(made, graph.keyId('v'), vector());
    graph.setNodeProperty(moved, graph.keyId('v'), query);
    expect(first()).toBe(0);
    graph.createRelationship(graph.typeId('R'), 0, made.id, []);
    graph.deleteNode(moved, false);
    expect(first()).not.toBe(0);
    const view = store.reader.acquire().view('default');
    expect(found(run(view, 'CALL db.index.vector.queryNodes("direction", 1, $query)', { query }))[0]![0]).not.toBe(made.id);
  });

  it('goes on to all vectors where the user may not see those of the nearest leaves', () => {
    const view = store.reader.acquire().view('default');
    const rules = new FieldRules([{ kind: 'vertex', label: 'D', field: 'v' }], []);
    expect(run(guardedView(view, rules), 'CALL db.vertexVectorKnnSearch("D", "v", $query)', { query: vector() })).toEqual([]);
    expect(run(guardedView(view, rules), 'CALL db.vertexVectorKnnSearch("P", "v", $query)', { query: vector() })).toHaveLength(10);
    const elements = (hides: boolean) => run(hides ? guardedView(view, rules) : view, 'CALL db.showVertexVectorIndex() YIELD label_name, elements_num RETURN label_name, elements_num', {}, undefined, hides);
    expect(elements(false)).toEqual([['D', COUNT], ['P', COUNT]]);
    expect(elements(true)).toEqual([['D', 0], ['P', COUNT]]);
  });

  it('finds all within a radius, and takes more effort by hnsw_ef_search', () => {
    const view = store.reader.acquire().view('default');
    const query = vector();
    const all = found(run(view, 'CALL db.vertexVectorKnnSearch("D", "v", $query, {top_k: 6000})', { query }, 0));
    const radius = all[400]![1];
    expect(found(run(view, 'CALL db.vertexVectorRangeSearch("D", "v", $query, {radius: $radius})', { query, radius: new Float(radius) }))).toEqual(all.filter(([, far]) => far <= radius));
    expect(found(run(view, 'CALL db.vertexVectorRangeSearch("D", "v", $query, {radius: $radius, limit: 7})', { query, radius: new Float(radius) }))).toEqual(all.slice(0, 7));
    expect(found(run(view, 'CALL db.vertexVectorKnnSearch("D", "v", $query, {hnsw_ef_search: 100000})', { query }))).toEqual(all.slice(0, 10));
    expect(() => run(view, 'CALL db.vertexVectorKnnSearch("D", "v", $query, {hnsw_ef_search: "a"})', { query })).toThrow('hnsw_ef_search should be an integer, at least 1');
  });
});
