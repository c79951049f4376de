/** Trees over vectors in a store that is imported: made, whole, told about when they are damaged, made anew. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { withStore } from '../../src/data/open-store.ts';
import { repairIndexes } from '../../src/data/repair-indexes.ts';
import { blockKey, COUNTERS } from '../../src/graph/blocks.ts';
import type { Block, BlockKind } from '../../src/graph/blocks.ts';
import { INDEX } from '../../src/graph/btree.ts';
import type { VectorTree } from '../../src/graph/catalog.ts';
import { unfinishedIndexes } from '../../src/graph/index-builds.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { Transaction } from '../../src/graph/transaction.ts';
import type { GraphTransaction } from '../../src/graph/transaction.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { positionOf } from '../../src/graph/vectors/positions.ts';
import { VECTOR } from '../../src/graph/vectors/vector-page.ts';
import { imported, problemsOf } from './tools.ts';

const LENGTH = 9;
const COUNT = 2000;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-vectors-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const CONFIG = {
  schema: [
    { label: 'Doc', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }, { name: 'v', type: 'FLOAT_VECTOR', optional: true }] },
    { label: 'like', type: 'EDGE', constraints: [['Doc', 'Doc']], properties: [{ name: 'v', type: 'FLOAT_VECTOR', optional: true }] },
  ],
  vector_indexes: [
    { type: 'VERTEX', label: 'Doc', field: 'v', index_type: 'hnsw', dimension: LENGTH, distance_type: 'l2' },
    { type: 'EDGE', name: 'likes', label: 'like', field: 'v', dimensions: LENGTH, similarity: 'cosine' },
  ],
  files: [
    { path: 'docs.csv', format: 'CSV', label: 'Doc', columns: ['id', 'v'] },
    { path: 'likes.csv', format: 'CSV', label: 'like', SRC_ID: 'Doc', DST_ID: 'Doc', columns: ['SRC_ID', 'DST_ID', 'v'] },
  ],
};

async function filled(): Promise<string> {
  const random = seededRandom(3);
  const vector = (i: number) => (i % 10 === 0 ? '' : `"${Array.from({ length: LENGTH }, () => Math.fround(random.next() - 0.5)).join(',')}"`);
  writeFileSync(join(directory, 'docs.csv'), Array.from({ length: COUNT }, (_, i) => `${i},${vector(i)}`).join('\n'));
  writeFileSync(join(directory, 'likes.csv'), Array.from({ length: COUNT }, (_, i) => `${i},${(i * 3) % COUNT},${vector(i)}`).join('\n'));
  return imported(CONFIG, directory);
}

/** Whether each tree finds every vector where it stands. */
const expectFindable = (db: string) => withStore(db, async (_, reader) => {
  const point = reader.acquire();
  const view = point.view('default');
  expect(view.catalog.vectorTrees.map(({ kind, space }) => [kind, space])).toEqual([['vertex', 'euclidean'], ['edge', 'cosine']]);
  for (const tree of view.catalog.vectorTrees) {
    expect(view.vectorCount(tree)).toBe(COUNT * 0.9);
    let missed = 0;
    for (let id = 0; id < COUNT; id++) {
      const vector = tree.kind === 'vertex' ? view.nodeVector(id, tree.keyId) : view.relationshipVector(id, tree.keyId);
      if (vector !== undefined && vector.numbers.length > 0 && !view.vectorsNear(tree, { position: positionOf(vector, tree.space), isInner: false, compare: 100, find: 1 }).includes(id)) missed++;
    }
    expect(missed).toBeLessThan(COUNT / 20);
  }
  reader.release(point);
  return Promise.resolve();
});

async function damage<B extends Block>(db: string, kind: BlockKind<B>, number: (tree: VectorTree) => number, change: (block: B) => B | void): Promise<void> {
  await withStore(db, async (engine, reader) => {
    const point = reader.acquire();
    const key = blockKey(1, kind.tag, number(point.view('default').catalog.vectorTrees[0]!));
    reader.release(point);
    const block = kind.decode(new ByteReader(engine.getSync(key)!));
    const writer = new ByteWriter();
    kind.encode(change(block) ?? block, writer);
    await engine.batch([{ type: 'put', key, value: writer.finish() }], { sync: true });
  });
}

it('are made by an offline import', async () => {
  const db = await filled();
  expect(await problemsOf(db)).toEqual([]);
  await expectFindable(db);
});

it('are told about when damaged, and made anew', async () => {
  const db = await filled();
  let below = 0;
  await damage(db, VECTOR, ({ root }) => root, (page) => void ([below] = page.ids as [number]));
  const root = ({ root: number }: VectorTree) => number;
  const child = () => below;
  const counted = (by: number) => damage(db, COUNTERS, () => 0, ({ vectors }) => void vectors.set([...vectors.keys()][0]!, [...vectors.values()][0]! + by));
  const texts: string[] = [];
  const noted = async () => texts.push(...await problemsOf(db));
  await counted(1);
  await noted();
  await counted(-1);
  await damage(db, VECTOR, child, (page) => void (page.parent += 1));
  await noted();
  await damage(db, VECTOR, child, (page) => void (page.parent -= 1));
  await damage(db, INDEX, ({ places }) => places, (page) => void (page.children === undefined ? page.ids.pop() : page.children.pop()));
  await noted();
  await damage(db, VECTOR, root, (page) => void ([page.ids, page.centres] = [page.ids.slice(1), page.centres!.slice(LENGTH)]));
  await noted();
  await damage(db, VECTOR, root, (page) => void (page.ids[0] = 99_999));
  await noted();
  expect(texts.map((text) => text.replace(/\d+/g, '#')).filter((text, i, all) => all.indexOf(text) === i)).toEqual(expect.arrayContaining([
    'the number of vectors of the tree over Doc.v by euclidean is kept as #, counted were #',
    'the tree over Doc.v by euclidean: page # has # above it, it is below #',
    'the tree over Doc.v by euclidean: where its vectors are is not what it says',
    'the tree over Doc.v by euclidean: # vectors, but there are #',
    'the tree over Doc.v by euclidean: page # is missing',
  ]));
  mkdirSync(join(directory, 'scratch'));
  await withStore(db, async (engine, reader) => {
    const point = reader.acquire();
    expect(await repairIndexes(engine, point, join(directory, 'scratch'))).toBe(3);
    reader.release(point);
  });
  expect(await problemsOf(db)).toEqual([]);
  await expectFindable(db);
});

it('are whole as far as they are built, also when they are made anew, and can be built on then', async () => {
  const db = await filled();
  /** Runs each as a transaction of a leader. */
  const write = (...steps: ((graph: GraphTransaction) => void)[]) => withStore(db, async (engine) => {
    const writer = new StateWriter(engine, new VersionClocks(), 2 ** 24);
    for (const step of steps) {
      const tx = new Transaction({
        base: (graph) => writer.head(graph), baseVersion: writer.version, timeMs: 0, indexedAtOnceMax: 100, ids: { vertex: (_, floor) => floor, edge: (_, floor) => floor },
      });
      step(tx.graph('default'));
      await writer.write([{ index: writer.version + 1, staged: writer.stage(tx.changes), timeMs: 0 }], { sync: false });
    }
  });
  let left = 0;
  const buildOn = (graph: GraphTransaction): void => {
    const [tree] = unfinishedIndexes(graph.catalog.data);
    if (tree !== undefined) graph.buildOn(tree);
    left = unfinishedIndexes(graph.catalog.data).length;
  };
  const some = new Array<typeof buildOn>(10).fill(buildOn);
  await write((graph) => graph.createVectorIndex({ kind: 'vertex', name: 'docs', label: 'Doc', field: 'v', dimensions: LENGTH, similarity: 'cosine' }), ...some);
  expect(left).toBe(1);
  expect(await problemsOf(db)).toEqual([]);
  mkdirSync(join(directory, 'scratch'));
  await withStore(db, async (engine, reader) => {
    const point = reader.acquire();
    await repairIndexes(engine, point, join(directory, 'scratch'));
    reader.release(point);
  });
  expect(await problemsOf(db)).toEqual([]);
  await write(...some);
  expect(left).toBe(1);
  expect(await problemsOf(db)).toEqual([]);
  for (let round = 0; round < 20 && left > 0; round++) await write(...some);
  expect(left).toBe(0);
  expect(await problemsOf(db)).toEqual([]);
});
