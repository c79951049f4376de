import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { GraphTransaction } from '../../src/graph/transaction.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { Float, NodeValue } from '../../src/value/value.ts';
import { LocalStore } from './fixture.ts';

/** What the store should hold, kept the simplest way. */
class Model {
  readonly nodes = new Map<number, { labels: Set<string>; props: Map<string, number> }>();
  readonly edges = new Map<number, { type: string; start: number; end: number }>();
}

const LABELS = ['A', 'B', 'C'];
const TYPES = ['R', 'S'];

function randomChange(graph: GraphTransaction, model: Model, random: () => number): void {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const ids = [...model.nodes.keys()];
  const kind = random();
  if (kind < 0.35 || ids.length < 3) {
    const labels = LABELS.filter(() => random() < 0.4);
    const props = new Map([['k', Math.floor(random() * 20)]]);
    const node = graph.createNode(labels.map((l) => graph.labelId(l)), [...props].map(([k, v]) => [graph.keyId(k), v] as const));
    model.nodes.set(node.id, { labels: new Set(labels), props });
  } else if (kind < 0.65) {
    const [start, end, type] = [random() < 0.5 ? ids[0]! : pick(ids), pick(ids), pick(TYPES)];
    const edge = graph.createRelationship(graph.typeId(type), start, end, []);
    model.edges.set(edge.id, { type, start, end });
  } else if (kind < 0.75) {
    const id = pick(ids);
    const value = Math.floor(random() * 20);
    graph.setNodeProperty(new NodeValue(id), graph.keyId('k'), value);
    model.nodes.get(id)!.props.set('k', value);
  } else if (kind < 0.8) {
    const [id, label] = [pick(ids), pick(LABELS)];
    const node = model.nodes.get(id)!;
    if (node.labels.has(label)) {
      graph.removeLabel(new NodeValue(id), graph.labelId(label));
      node.labels.delete(label);
    } else {
      graph.addLabel(new NodeValue(id), graph.labelId(label));
      node.labels.add(label);
    }
  } else if (kind < 0.93 && model.edges.size > 0) {
    const id = pick([...model.edges.keys()]);
    graph.deleteRelationship(graph.findRelationship(id)!);
    model.edges.delete(id);
  } else {
    const id = pick(ids);
    graph.deleteNode(new NodeValue(id), true);
    model.nodes.delete(id);
    for (const [edge, { start, end }] of model.edges) if (start === id || end === id) model.edges.delete(edge);
  }
}

function check(view: GraphView, model: Model): void {
  const flat = (lists: Iterable<ArrayLike<number>>) => [...lists].flatMap((list) => Array.from(list));
  const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
  expect(flat(view.scanNodes())).toEqual(sorted(model.nodes.keys()));
  expect(view.nodeCount()).toBe(model.nodes.size);
  expect(view.relationshipCount()).toBe(model.edges.size);
  for (const name of LABELS) {
    const label = view.catalog.findLabel(name);
    const members = sorted([...model.nodes].filter(([, node]) => node.labels.has(name)).map(([id]) => id));
    if (label === undefined) continue;
    expect(flat(view.scanNodes(label))).toEqual(members);
    expect(view.nodeCount(label)).toBe(members.length);
    const index = view.catalog.findIndex('vertex', name, ['k']);
    if (index === undefined) continue;
    for (let k = 0; k < 20; k++) {
      expect(Array.from(view.indexSeek(index, [k]))).toEqual(members.filter((id) => model.nodes.get(id)!.props.get('k') === k));
    }
    const range = flat(view.indexRange(index, { lower: { value: 5, inclusive: true }, upper: { value: 12, inclusive: false } }));
    expect(range.length).toBe(members.filter((id) => model.nodes.get(id)!.props.get('k')! >= 5 && model.nodes.get(id)!.props.get('k')! < 12).length);
    const down = flat(view.indexRange(index, { descending: true })).map((id) => model.nodes.get(id)!.props.get('k')!);
    expect(down).toEqual(members.map((id) => model.nodes.get(id)!.props.get('k')!).sort((a, b) => b - a));
  }
  for (const id of model.nodes.keys()) {
    for (const direction of ['out', 'in'] as const) {
      const expected = sorted([...model.edges].filter(([, edge]) => (direction === 'out' ? edge.start : edge.end) === id).map(([edge]) => edge));
      expect(sorted([...view.adjacency(id, direction, undefined)].flatMap((s) => Array.from(s.edges).slice(s.from, s.to)))).toEqual(expected);
      expect(view.degree(id, direction, undefined)).toBe(expected.length);
    }
  }
}

describe('the graph store', () => {
  it.each([1, 2, 3])('holds what a simple model holds, on leader and replica, through random changes (seed %i)', async (seed) => {
    const generator = seededRandom(seed);
    const random = () => generator.next();
    const store = await LocalStore.withGraph();
    const model = new Model();
    for (let round = 0; round < 120; round++) {
      await store.write((tx) => {
        const graph = tx.graph('default');
        if (round === 10) graph.createIndex({ kind: 'vertex', label: 'A', fields: ['k'], unique: false });
        if (round === 60) graph.createIndex({ kind: 'vertex', label: 'B', fields: ['k'], unique: false });
        for (let n = Math.floor(random() * 20); n >= 0; n--) randomChange(graph, model, random);
      });
    }
    const point = store.reader.acquire();
    check(point.view('default'), model);
    const replica = await store.replica(1 + seed);
    expect(replica.writer.checksumAt(replica.writer.version)).toBe(store.writer.checksumAt(store.writer.version));
    expect(await replica.dump()).toEqual(await store.dump());
    store.reader.release(point);
  }, 60_000);

  it('keeps a hub with thousands of edges in chunks, and gives them all back when it is emptied', async () => {
    const store = await LocalStore.withGraph();
    const edges = await store.write((tx) => {
      const graph = tx.graph('default');
      const hub = graph.createNode([], []);
      const type = graph.typeId('R');
      const ids: number[] = [];
      for (let i = 0; i < 3000; i++) ids.push(graph.createRelationship(type, hub.id, graph.createNode([], []).id, []).id);
      return ids;
    });
    let point = store.reader.acquire();
    expect(point.view('default').degree(0, 'out', undefined)).toBe(3000);
    expect([...point.view('default').adjacency(0, 'out', [0])].length).toBeGreaterThan(4);
    store.reader.release(point);
    for (let from = 0; from < 3000; from += 500) {
      await store.write((tx) => {
        const graph = tx.graph('default');
        for (const id of edges.slice(from, from + 500)) graph.deleteRelationship(graph.findRelationship(id)!);
      });
    }
    point = store.reader.acquire();
    expect(point.view('default').degree(0, 'out', undefined)).toBe(0);
    store.reader.release(point);
    expect((await store.dump()).filter((line) => line.slice(10, 12) === '04' || line.slice(10, 12) === '05')).toEqual([]);
  });

  it('reads an old version from an open point while newer ones are written', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => void tx.graph('default').createNode([tx.graph('default').labelId('A')], [[tx.graph('default').keyId('k'), 1]]));
    const old = store.reader.acquire();
    const oldView = old.view('default');
    expect(oldView.nodeProperty(new NodeValue(0), 0)).toBe(1);
    await store.write((tx) => void tx.graph('default').setNodeProperty(new NodeValue(0), 0, 2));
    const fresh = store.reader.acquire();
    expect(fresh.version).toBe(old.version + 1);
    expect(fresh.view('default').nodeProperty(new NodeValue(0), 0)).toBe(2);
    expect(oldView.nodeProperty(new NodeValue(0), 0)).toBe(1);
    store.reader.release(old);
    store.reader.release(fresh);
  });

  it('stays right when its cache holds next to nothing', async () => {
    const generator = seededRandom(9);
    const store = await LocalStore.withGraph('default', undefined, 2000);
    const model = new Model();
    for (let round = 0; round < 40; round++) {
      await store.write((tx) => {
        for (let n = 0; n < 10; n++) randomChange(tx.graph('default'), model, () => generator.next());
      });
    }
    const point = store.reader.acquire();
    check(point.view('default'), model);
    store.reader.release(point);
  });
});

describe('what a transaction refuses', () => {
  it('a second vertex with the same primary key, and nothing of the transaction remains', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => tx.graph('default').createLabel({ kind: 'vertex', name: 'P', primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }] }));
    const add = (tx: ReturnType<LocalStore['begin']>, id: number) => {
      const graph = tx.graph('default');
      return graph.createNode([graph.labelId('P')], [[graph.keyId('id'), id]]);
    };
    await store.write((tx) => void add(tx, 7));
    await expect(store.write((tx) => void add(tx, 7))).rejects.toThrow('Failed to index vertex [1] with field value [id:7]: index value already exists.');
    const point = store.reader.acquire();
    expect(point.view('default').nodeCount()).toBe(1);
    store.reader.release(point);
  });

  it('deleting a node that keeps relationships, but not when they go in the same statement', async () => {
    const store = await LocalStore.withGraph();
    const edge = await store.write((tx) => {
      const graph = tx.graph('default');
      return graph.createRelationship(graph.typeId('R'), graph.createNode([], []).id, graph.createNode([], []).id, []);
    });
    await expect(store.write((tx) => void tx.graph('default').deleteNode(new NodeValue(0), false))).rejects.toThrow(/DeleteConnectedNode/);
    await store.write((tx) => {
      tx.graph('default').deleteNode(new NodeValue(0), false);
      tx.graph('default').deleteRelationship(edge);
    });
    const point = store.reader.acquire();
    expect(point.view('default').nodeCount()).toBe(1);
    store.reader.release(point);
  });

  it('a value that does not fit its declared field, naming field, value and type', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => tx.graph('default').createLabel({
      kind: 'vertex', name: 'P', primary: 'id', fields: [{ name: 'id', type: 'INT8', optional: false }, { name: 'on', type: 'DATE', optional: true }],
    }));
    const set = (field: string, value: string | number | Float) => store.write((tx) => {
      const graph = tx.graph('default');
      graph.createNode([graph.labelId('P')], [[graph.keyId('id'), 1], [graph.keyId(field), value]]);
    });
    await expect(set('on', 'yesterday')).rejects.toThrow('Failed to set field [on]: Cannot convert input [yesterday] into type [DATE]');
    await expect(set('id', 300)).rejects.toThrow('Failed to set field [id]: Data size too big');
    await expect(set('nope', 1)).rejects.toThrow('Field [nope] does not exist.');
    await set('on', '2026-11-23');
    await expect(set('id', new Float(1.5))).rejects.toThrow('Cannot convert input [1.5] into type [INT8]');
    await set('id', new Float(7));
    const point = store.reader.acquire();
    const view = point.view('default');
    expect(view.nodeProperty(new NodeValue(Number([...view.scanNodes()].flatMap((ids) => Array.from(ids)).at(-1))), view.catalog.findKey('id')!)).toBe(7);
    store.reader.release(point);
  });
});
