/** The pages of an index go with it: whatever is dropped, the store holds what it would hold if the index had never been. */
import { expect, it } from 'vitest';
import type { GraphTransaction, Transaction } from '../../src/graph/transaction.ts';
import { LocalStore } from './fixture.ts';

const VERTICES = 800;

async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    const [label, type] = [graph.labelId('L'), graph.typeId('T')];
    const [a, b] = [graph.keyId('a'), graph.keyId('b')];
    for (let i = 0; i < VERTICES; i++) {
      const { id } = graph.createNode([label], [[a, i], [b, `text ${i % 100}`]]);
      graph.createRelationship(type, id, id, [[a, i]]);
    }
  });
  return store;
}

const keys = async (store: LocalStore) => (await store.dump()).map((line) => line.split(' ')[0]!);

const KINDS: readonly (readonly [string, (graph: GraphTransaction) => void, (graph: GraphTransaction) => void])[] = [
  ['an index', (graph) => graph.createIndex({ kind: 'vertex', label: 'L', fields: ['a'], unique: false }), (graph) => graph.deleteIndex({ kind: 'vertex', label: 'L', fields: ['a'] })],
  ['an index over two fields', (graph) => graph.createIndex({ kind: 'vertex', label: 'L', fields: ['a', 'b'], unique: true }), (graph) => graph.deleteIndex({ kind: 'vertex', label: 'L', fields: ['a', 'b'] })],
  ['an index of edges', (graph) => graph.createIndex({ kind: 'edge', label: 'T', fields: ['a'], unique: false }), (graph) => graph.deleteIndex({ kind: 'edge', label: 'T', fields: ['a'] })],
  ['a constraint', (graph) => graph.createConstraint({ name: 'c', type: 'unique', kind: 'vertex', label: 'L', fields: ['a'] }), (graph) => graph.deleteConstraint('c')],
];

it.each(KINDS)('of %s', async (_, make, drop) => {
  const store = await filled();
  const before = await keys(store);
  const run = (work: (graph: GraphTransaction) => void) => store.write((tx: Transaction) => work(tx.graph('default')));
  await run(make);
  expect((await keys(store)).length).toBeGreaterThan(before.length + 5);
  await run(drop);
  expect(await keys(store)).toEqual(before);
  // Made and dropped in one transaction, too.
  await run((graph) => {
    make(graph);
    drop(graph);
  });
  expect(await keys(store)).toEqual(before);
  await run(make);
  expect(await (await store.replica()).dump()).toEqual(await store.dump());
});

it('of a label that is deleted', async () => {
  const store = await LocalStore.withGraph();
  const schema = { kind: 'vertex' as const, name: 'P', primary: 'id', fields: [{ name: 'id', type: 'INT64' as const, optional: false }, { name: 'n', type: 'INT64' as const, optional: true }] };
  await store.write((tx) => {
    const graph = tx.graph('default');
    graph.createLabel(schema);
    graph.createIndex({ kind: 'vertex', label: 'P', fields: ['n'], unique: false });
  });
  const declared = await keys(store);
  await store.write((tx) => {
    const graph = tx.graph('default');
    graph.deleteLabel('vertex', 'P');
  });
  // The roots of the primary index and of the other.
  expect((await keys(store)).length).toBe(declared.length - 2);
  expect(await (await store.replica()).dump()).toEqual(await store.dump());
});
