/** A store with indexes that are being built: validated, repaired, built on, written down. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { catalogParts } from '../../src/data/catalog-parts.ts';
import { withStore } from '../../src/data/open-store.ts';
import { repairIndexes } from '../../src/data/repair-indexes.ts';
import { blockKey } from '../../src/graph/blocks.ts';
import { INDEX } from '../../src/graph/btree.ts';
import { unfinishedIndexes } from '../../src/graph/index-builds.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { Transaction } from '../../src/graph/transaction.ts';
import type { GraphTransaction } from '../../src/graph/transaction.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { imported, problemsOf } from './tools.ts';

let directory: string;
let db: string;
let left = 0;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-unfinished-'));
  mkdirSync(join(directory, 'scratch'));
  db = await imported({ schema: [{ label: 'Doc', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }] }], files: [] }, directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs each as a transaction of a leader. */
const write = (...steps: ((graph: GraphTransaction) => void)[]) => withStore(db, async (engine) => {
  const writer = new StateWriter(engine, new VersionClocks(), 2 ** 24);
  for (const step of steps) {
    const tx = new Transaction({
      base: (graph) => writer.head(graph), baseVersion: writer.version, timeMs: 0, indexedAtOnceMax: 100,
      ids: { vertex: (_, floor) => floor, edge: (_, floor) => floor },
    });
    tx.awaitsBuilds = true;
    step(tx.graph('default'));
    await writer.write([{ index: writer.version + 1, staged: writer.stage(tx.changes), timeMs: 0 }], { sync: false });
    left = unfinishedIndexes(tx.graph('default').catalog.data).length;
  }
});

function fill(graph: GraphTransaction): void {
  const [label, type] = [graph.labelId('T'), graph.typeId('S')];
  const [n, t] = [graph.keyId('n'), graph.keyId('t')];
  const nodes = Array.from({ length: 2000 }, (_, i) => graph.createNode([label], [[n, i], [t, `word${i % 7} of text ${i}`]]));
  for (const [i, { id }] of nodes.entries()) graph.createRelationship(type, id, nodes[(i * 3) % 2000]!.id, [[n, i % 11], [t, `word${i % 5} beside ${i}`]]);
}

const buildOn = (graph: GraphTransaction): void => {
  for (const index of unfinishedIndexes(graph.catalog.data)) expect(graph.buildOn(index)).toBeUndefined();
};

const repair = () => withStore(db, async (engine, reader) => {
  const point = reader.acquire();
  await repairIndexes(engine, point, join(directory, 'scratch'));
  reader.release(point);
});

it('holds what it has to as far as they are built, also when they are made anew, and can be built on then', async () => {
  await write(fill);
  await write(
    (graph) => graph.createConstraint({ type: 'unique', kind: 'vertex', label: 'T', fields: ['n'], name: 'once' }),
    (graph) => graph.createIndex({ kind: 'vertex', label: 'T', fields: ['t', 'n'], unique: false }),
    (graph) => graph.createIndex({ kind: 'edge', label: 'S', fields: ['n'], unique: false, pairUnique: true }),
    (graph) => graph.createText({ kind: 'vertex', name: 'words', labels: ['T'], fields: ['t'], analyzer: 'standard' }),
    (graph) => graph.createText({ kind: 'edge', name: 'beside', labels: ['S'], fields: ['t'], analyzer: 'standard' }),
    ...new Array<typeof buildOn>(3).fill(buildOn),
  );
  expect(left).toBe(5);
  expect(await problemsOf(db)).toEqual([]);
  await repair();
  expect(await problemsOf(db)).toEqual([]);
  await write(...new Array<typeof buildOn>(3).fill(buildOn));
  expect(left).toBe(5);
  expect(await problemsOf(db)).toEqual([]);
  // What is missing is told of these as well.
  await withStore(db, async (engine, reader) => {
    const point = reader.acquire();
    const { data, texts } = point.view('default').catalog;
    reader.release(point);
    for (const { root } of [...data.indexes.filter(({ isUnfinished }) => isUnfinished), ...texts]) await engine.batch([{ type: 'del', key: blockKey(1, INDEX.tag, root) }], { sync: true });
  });
  expect((await problemsOf(db)).length).toBeGreaterThanOrEqual(5);
  await repair();
  expect(await problemsOf(db)).toEqual([]);
  for (let round = 0; round < 100 && left > 0; round++) await write(buildOn);
  expect(left).toBe(0);
  expect(await problemsOf(db)).toEqual([]);
});

it('is written down without what need not hold yet', async () => {
  const names = () => withStore(db, (_engine, reader) => {
    const point = reader.acquire();
    const { indexes, texts, constraints } = catalogParts(point.view('default').catalog);
    reader.release(point);
    return Promise.resolve([...indexes.map(({ index }) => index.name), ...texts.map(({ name }) => name), ...constraints.map(({ name }) => name)]);
  });
  await write(
    fill,
    (graph) => graph.createConstraint({ type: 'unique', kind: 'vertex', label: 'T', fields: ['n'], name: 'once' }),
    (graph) => graph.createIndex({ kind: 'edge', label: 'S', fields: ['n'], unique: true, name: 'once, too' }),
    (graph) => graph.createIndex({ kind: 'vertex', label: 'T', fields: ['t'], unique: false, name: 'any' }),
    (graph) => graph.createText({ kind: 'vertex', name: 'words', labels: ['T'], fields: ['t'], analyzer: 'standard' }),
  );
  expect(left).toBe(4);
  expect(await names()).toEqual(['any', 'words']);
});
