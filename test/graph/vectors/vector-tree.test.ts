/** Trees over vectors: after any changes every vector that belongs into a tree is in it once, replicas have the same pages, and searches find nearly all that is nearest. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import type { Random } from '../../../src/base/random.ts';
import { blockKey, COUNTERS } from '../../../src/graph/blocks.ts';
import type { BlockSource } from '../../../src/graph/block-source.ts';
import { INDEX, leaves } from '../../../src/graph/btree.ts';
import type { VectorTree } from '../../../src/graph/catalog.ts';
import { divide } from '../../../src/graph/vectors/divide.ts';
import type { GraphWriter } from '../../../src/graph/view.ts';
import { distanceTo, hasPosition, innerDistanceTo, positionOf } from '../../../src/graph/vectors/positions.ts';
import { fanOf, NO_PARENT, VECTOR, VectorPage } from '../../../src/graph/vectors/vector-page.ts';
import { membersNear } from '../../../src/graph/vectors/vector-search.ts';
import { LEAF_MAX } from '../../../src/graph/vectors/vector-tree.ts';
import { squaredDistance, vectorOf } from '../../../src/value/packed-floats.ts';
import { Float, NodeValue, type Value } from '../../../src/value/value.ts';
import { LocalStore } from '../fixture.ts';

const LENGTH = 10;

const random = seededRandom(99);
const floats = (numbers: ArrayLike<number>): Value[] => Array.from(numbers, (number) => new Float(Math.fround(number)));

/** Around one of some centres, so that there is something to find. */
function clustered(source: Random, centres: readonly number[][], spread = 0.4): number[] {
  return centres[Math.floor(source.next() * centres.length)]!.map((number) => number + (source.next() + source.next() - 1) * spread);
}
const centresOf = (source: Random, count: number, length: number) => Array.from({ length: count }, () => Array.from({ length }, () => source.next() * 2 - 1));
const CENTRES = centresOf(random, 6, LENGTH);

function anyVector(): Value {
  const kind = random.next();
  if (kind < 0.8) return floats(clustered(random, CENTRES));
  if (kind < 0.85) return floats(CENTRES[0]!);
  if (kind < 0.88) return floats(new Array<number>(LENGTH).fill(0));
  if (kind < 0.91) return floats(clustered(random, centresOf(random, 1, LENGTH + 1)));
  if (kind < 0.93) return [...floats(CENTRES[1]!.slice(1)), new Float(Number.NaN)];
  if (kind < 0.95) return Array.from({ length: LENGTH }, () => new Float(1e150));
  return kind < 0.97 ? 'x' : null;
}

/** Whether the tree is what it says, and holds what it must: one that is being built, what is placed below where it is. */
function expectWhole(store: LocalStore, tree: VectorTree): number {
  const view = store.begin().graph('default');
  const source = store.writer.head(view.graphId);
  const members = new Map<number, number>();
  const depths = new Set<number>();
  const walk = (number: number, parent: number, depth: number): void => {
    const page = source.get(VECTOR, number);
    if (page === undefined) throw new Error(`page ${number} is missing`);
    expect(page.parent).toBe(parent);
    expect(page.ids.length).toBeLessThanOrEqual(LEAF_MAX);
    if (parent !== NO_PARENT) expect(page.ids.length).toBeGreaterThan(0);
    if (page.centres !== undefined) {
      expect(page.centres.length).toBe(page.ids.length * tree.dimensions);
      expect(page.centres.every((number) => Number.isFinite(number))).toBe(true);
      for (const child of page.ids) walk(child, number, depth + 1);
      return;
    }
    depths.add(depth);
    for (const id of page.ids) {
      expect(members.has(id)).toBe(false);
      members.set(id, number);
    }
  };
  if (source.get(VECTOR, tree.root) !== undefined) walk(tree.root, NO_PARENT, 0);
  expect(depths.size).toBeLessThanOrEqual(1);
  const places = [...leaves({ page: (number) => source.get(INDEX, number) }, tree.places, undefined, undefined, false)].flatMap(({ keys, ids }) => keys.map((key, i) => [key, ids[i]!]));
  expect(places).toEqual([...members].sort((a, b) => a[0] - b[0]));
  const expected: number[] = [];
  for (const ids of tree.kind === 'vertex' ? view.scanNodes(tree.labelId) : view.scanRelationships(tree.labelId)) {
    for (let i = 0; i < ids.length; i++) {
      const vector = tree.kind === 'vertex' ? view.nodeVector(ids[i]!, tree.keyId) : view.relationshipVector(ids[i]!, tree.keyId);
      const place = tree.kind === 'vertex' ? ids[i]! : view.findRelationship(ids[i]!)!.start;
      if (hasPosition(vector, tree) && (tree.isUnfinished !== true || place < source.get(COUNTERS, 0)!.built.get(tree.id)!)) expected.push(ids[i]!);
    }
  }
  expect([...members.keys()].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
  expect(view.vectorCount(tree)).toBe(expected.length);
  return expected.length;
}

const treesOf = (store: LocalStore) => store.begin().graph('default').catalog.vectorTrees;

async function expectAll(store: LocalStore): Promise<void> {
  for (const tree of treesOf(store)) expectWhole(store, tree);
  expect(await (await store.replica()).dump()).toEqual(await store.dump());
}

const INDEXES = [
  { kind: 'vertex', name: 'direction', label: 'A', field: 'v', dimensions: LENGTH, similarity: 'cosine' },
  { kind: 'vertex', name: 'distance', label: 'B', field: 'v', dimensions: LENGTH, similarity: 'euclidean' },
  { kind: 'edge', name: 'edges', label: 'R', field: 'v', dimensions: LENGTH, similarity: 'cosine' },
] as const;

/** So many random changes, of which the share `grows` makes nodes; `nodes`: ids of those that are there. */
function changeSome(graph: GraphWriter, nodes: number[], count: number, grows: number): void {
  const [a, b, v, r] = [graph.labelId('A'), graph.labelId('B'), graph.keyId('v'), graph.typeId('R')];
  for (let i = 0; i < count; i++) {
    const dice = random.next();
    const at = Math.floor(random.next() * nodes.length);
    const some = new NodeValue(nodes[at] ?? -1);
    const other = nodes[Math.floor(random.next() * nodes.length)]!;
    if (nodes.length < 10 || dice < grows) {
      const vector = anyVector();
      nodes.push(graph.createNode(random.next() < 0.3 ? [a, b] : [random.next() < 0.5 ? a : b], vector === null ? [] : [[v, vector]]).id);
    } else if (dice < 0.7) graph.setNodeProperty(some, v, anyVector());
    else if (dice < 0.75) graph.addLabel(some, random.next() < 0.5 ? a : b);
    else if (dice < 0.8) graph.removeLabel(some, random.next() < 0.5 ? a : b);
    else if (dice < 0.9) graph.createRelationship(r, some.id, other, [[v, floats(clustered(random, CENTRES))]]);
    else {
      graph.deleteNode(some, true);
      nodes.splice(at, 1);
    }
  }
}

describe('a tree over vectors', () => {
  it('holds each vector once through random changes, equally on replicas', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => INDEXES.slice(0, 2).forEach((index) => tx.graph('default').createVectorIndex(index)));
    const nodes: number[] = [];
    for (let round = 0; round < 12; round++) {
      await store.write((tx) => changeSome(tx.graph('default'), nodes, 300, round < 8 ? 0.6 : 0.1));
      if (round === 5) await store.write((tx) => tx.graph('default').createVectorIndex(INDEXES[2]));
      await expectAll(store);
    }
    expect(treesOf(store).map((tree) => expectWhole(store, tree)).every((count) => count > 200)).toBe(true);
    // All of them leave, in another order: what is left is an empty leaf.
    while (nodes.length > 0) {
      await store.write((tx) => {
        for (let i = 0; i < 400 && nodes.length > 0; i++) tx.graph('default').deleteNode(new NodeValue(nodes.splice(Math.floor(random.next() * nodes.length), 1)[0]!), true);
      });
      await expectAll(store);
    }
    const source = store.writer.head(store.begin().graph('default').graphId);
    for (const { root } of treesOf(store)) expect(source.get(VECTOR, root)).toMatchObject({ ids: [], centres: undefined });
  });

  it('is built part by part while others write, equally on replicas', async () => {
    const store = await LocalStore.withGraph();
    store.indexedAtOnceMax = 100;
    const nodes: number[] = [];
    const change = (count: number, grows: number) => store.write((tx) => changeSome(tx.graph('default'), nodes, count, grows));
    await change(2000, 0.6);
    await store.write((tx) => INDEXES.forEach((index) => tx.graph('default').createVectorIndex(index)));
    expect(treesOf(store).map(({ isUnfinished }) => isUnfinished)).toEqual([true, true, true]);
    let parts = 0;
    for (let next = treesOf(store).filter(({ isUnfinished }) => isUnfinished); next.length > 0; next = treesOf(store).filter(({ isUnfinished }) => isUnfinished)) {
      await store.write((tx) => tx.graph('default').buildOn(next[parts % next.length]!));
      await change(10, 0.2);
      if (parts++ % 8 === 0) await expectAll(store);
    }
    expect(parts).toBeGreaterThan(20);
    expect(treesOf(store).some((tree) => 'isUnfinished' in tree)).toBe(false);
    expect(store.writer.head(store.begin().graph('default').graphId).get(COUNTERS, 0)!.built.size).toBe(0);
    await change(200, 0.4);
    await expectAll(store);
    expect(treesOf(store).map((tree) => expectWhole(store, tree)).every((count) => count > 100)).toBe(true);
  });

  it('goes in the middle of being built, with all its pages and how far it was', async () => {
    const store = await LocalStore.withGraph();
    store.indexedAtOnceMax = 100;
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (let i = 0; i < 500; i++) graph.createNode([graph.labelId('A')], [[graph.keyId('v'), floats(clustered(random, CENTRES))]]);
    });
    const before = (await store.dump()).length;
    await store.write((tx) => tx.graph('default').createVectorIndex(INDEXES[0]));
    await store.write((tx) => tx.graph('default').buildOn(treesOf(store)[0]!));
    await expectAll(store);
    await store.write((tx) => tx.graph('default').deleteVectorIndex('direction'));
    expect(treesOf(store)).toEqual([]);
    expect(store.writer.head(1).get(COUNTERS, 0)!.built.size).toBe(0);
    expect((await store.dump()).length).toBe(before);
  });

  it('goes with the last index that goes by it, with all its pages', async () => {
    const store = await LocalStore.withGraph();
    const vectors = Array.from({ length: 500 }, () => floats(clustered(random, CENTRES)));
    await store.write((tx) => {
      const graph = tx.graph('default');
      const vector = { indexType: 'hnsw', dimension: LENGTH, distance: 'ip', m: 16, efConstruction: 100 } as const;
      graph.createLabel({ kind: 'vertex', name: 'A', primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }, { name: 'v', type: 'FLOAT_VECTOR', optional: true, vector }], detachProperty: true });
      for (const [i, one] of vectors.entries()) graph.createNode([graph.labelId('A')], [[graph.keyId('id'), i], [graph.keyId('v'), one]]);
    });
    const pages = async () => (await store.dump()).filter((line) => line.startsWith(blockKey(1, VECTOR.tag, 0).subarray(0, 6).toString('hex'))).length;
    expect(await pages()).toBeGreaterThan(5);
    await store.write((tx) => tx.graph('default').createVectorIndex({ kind: 'vertex', name: 'twin', label: 'A', field: 'v', dimensions: LENGTH, similarity: 'euclidean' }));
    expect(treesOf(store).length).toBe(1);
    await store.write((tx) => {
      const graph = tx.graph('default');
      const schema = graph.catalog.vertexSchema('A')!;
      graph.replaceSchema({ ...schema, fields: schema.fields.map(({ name, type, optional }) => ({ name, type, optional })) });
    });
    expect(treesOf(store).length).toBe(1);
    await expectAll(store);
    await store.write((tx) => tx.graph('default').deleteVectorIndex('twin'));
    expect(treesOf(store)).toEqual([]);
    expect(await pages()).toBe(0);
    await store.write((tx) => tx.graph('default').createVectorIndex({ kind: 'vertex', name: 'again', label: 'A', field: 'v', dimensions: LENGTH, similarity: 'cosine' }));
    await expectAll(store);
    await store.write((tx) => tx.graph('default').deleteLabel('vertex', 'A'));
    expect(treesOf(store)).toEqual([]);
    expect(await pages()).toBe(0);
    expect(await (await store.replica()).dump()).toEqual(await store.dump());
  });

  it.each([['cosine', 24], ['euclidean', 24], ['euclidean', 2], ['cosine', 130]] as const)('finds most of the nearest by %s, of %i numbers', async (similarity, length) => {
    const source = seededRandom(length);
    const centres = centresOf(source, 40, length);
    const store = await LocalStore.withGraph();
    const all = Array.from({ length: 5000 }, () => clustered(source, centres));
    await store.write((tx) => {
      const graph = tx.graph('default');
      graph.createVectorIndex({ kind: 'vertex', name: 'n', label: 'A', field: 'v', dimensions: length, similarity });
      for (const one of all) graph.createNode([graph.labelId('A')], [[graph.keyId('v'), floats(one)]]);
    });
    const [tree] = treesOf(store);
    const view = store.reader.acquire().view('default');
    const positions = all.map((one) => positionOf(vectorOf(floats(one))!, similarity));
    let [found, compared] = [0, 0];
    for (let i = 0; i < 50; i++) {
      const position = positionOf(vectorOf(floats(clustered(source, centres)))!, similarity);
      const near = view.vectorsNear(tree!, { position, isInner: false, compare: 500, find: 10 });
      expect(new Set(near).size).toBe(near.length);
      expect(near.length).toBe(42);
      compared += store.begin().graph('default').vectorsNear(tree!, { position, isInner: false, compare: 500, find: 10 }).length;
      const nearest = [...positions.keys()].sort((a, b) => squaredDistance(positions[a]!, position) - squaredDistance(positions[b]!, position)).slice(0, 10);
      found += nearest.filter((id) => near.includes(id)).length;
    }
    expect(compared / 50).toBeLessThan(560);
    expect(found / 500).toBeGreaterThan(0.97);
    expect(new Set(view.vectorsNear(tree!, { position: positions[0]!, isInner: false, compare: 5000, find: 5000 })).size).toBe(5000);
  });

  it('shares out equal vectors', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => {
      const graph = tx.graph('default');
      graph.createVectorIndex(INDEXES[0]);
      for (let i = 0; i < 3000; i++) graph.createNode([graph.labelId('A')], [[graph.keyId('v'), floats(CENTRES[0]!)]]);
    });
    await expectAll(store);
  });
});

it.each([1, 2, 31, 32, 33, 100])('distances of %i numbers are told as far as they matter', (length) => {
  const source = seededRandom(length);
  const numbers = (count: number) => Array.from({ length: count }, () => source.next() - 0.5);
  const rows = Float32Array.from(numbers(length * 20));
  const position = Float64Array.from(numbers(length));
  for (let row = 0; row < 20; row++) {
    const exact = rows.subarray(row * length, (row + 1) * length).reduce((sum, number, i) => sum + (number - position[i]!) ** 2, 0);
    expect(distanceTo(rows, row * length, position)).toBeCloseTo(exact, 12);
    expect(distanceTo(rows, row * length, position, exact * 1.01)).toBeCloseTo(exact, 12);
    expect(distanceTo(rows, row * length, position, exact * 0.5)).toBeGreaterThan(exact * 0.5);
    expect(innerDistanceTo(rows, row * length, position)).toBeCloseTo(1 - rows.subarray(row * length, (row + 1) * length).reduce((sum, number, i) => sum + number * position[i]!, 0), 12);
  }
});

it.each([8, 256, 2048])('a search looks at as many as it is to, however few pages are below a page: %i numbers', (dimensions) => {
  const fan = Math.ceil(fanOf({ dimensions }) * 0.6);
  const pages = new Map<number, VectorPage>();
  const make = (height: number, parent: number): number => {
    const number = pages.size;
    const page = new VectorPage(parent, [], height === 0 ? undefined : new Float32Array(fan * dimensions));
    pages.set(number, page);
    page.ids = height === 0 ? Array.from({ length: 40 }, (_, i) => number * 40 + i) : Array.from({ length: fan }, () => make(height - 1, number));
    return number;
  };
  // Four levels of pages with few below them, three with many.
  make(fan < 10 ? 4 : 3, NO_PARENT);
  const source = { get: (_kind: unknown, number: number) => pages.get(number) } as unknown as BlockSource;
  const tree: VectorTree = { id: 0, kind: 'vertex', labelId: 0, keyId: 0, dimensions, space: 'euclidean', root: 0, places: 0 };
  for (const compare of [100, 1000, 8000, 15_000]) {
    const found = membersNear(source, tree, { position: new Float64Array(dimensions), isInner: false, compare, find: 1 }, () => undefined);
    expect(found.length).toBe(Math.ceil(compare / 40) * 40);
  }
});

describe('positions are divided', () => {
  it('by nearness, with some in each part', () => {
    const rows = Float32Array.from([0, 0, 10, 10, 0, 1, 10, 11, 1, 0, 11, 10]);
    const { isSecond, first, second } = divide(rows, 2);
    expect(new Set([0, 2, 4].map((row) => isSecond[row])).size).toBe(1);
    expect(new Set([1, 3, 5].map((row) => isSecond[row])).size).toBe(1);
    expect(isSecond[0]).not.toBe(isSecond[1]);
    expect([...first, ...second].map((number) => Math.round(number)).sort((a, b) => a - b)).toEqual([0, 0, 10, 10]);
    for (const count of [2, 3, 65]) expect(divide(new Float32Array(count), 1).isSecond.reduce((sum, one) => sum + one, 0)).toBe(Math.ceil(count / 2));
    // One that is far from all the others does not get a part to itself.
    expect(divide(Float32Array.from({ length: 64 }, (_, i) => (i === 63 ? 1e6 : i / 1e6)), 1).isSecond.filter((one) => one === 1).length).toBeGreaterThanOrEqual(8);
  });
});
