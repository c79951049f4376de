import { expect, it } from 'vitest';
import { catalogParts } from '../../src/data/catalog-parts.ts';
import { LocalStore } from './fixture.ts';

async function ruled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    graph.createConstraint({ name: 'named', type: 'exists', kind: 'vertex', label: 'L', fields: ['name'] });
    graph.createIndex({ kind: 'vertex', label: 'L', fields: ['name'], unique: false });
  });
  return store;
}

it('lets a later statement of the transaction set what a constraint requires', async () => {
  const tx = (await ruled()).begin();
  const graph = tx.graph('default');
  const node = graph.createNode([graph.labelId('L')], []);
  tx.checkStatement();
  expect(() => tx.checkCommit()).toThrow('the constraint named requires the property name on every L');
  graph.setNodeProperty(node, graph.keyId('name'), 'a');
  tx.checkCommit();
  graph.setNodeProperty(node, graph.keyId('name'), null);
  tx.checkStatement();
  expect(() => tx.checkCommit()).toThrow('requires the property name');
  graph.deleteNode(node, false);
  tx.checkCommit();
});

it('exports an index over a property that a constraint without an index requires', async () => {
  const { catalog } = (await ruled()).begin().graph('default');
  expect(catalogParts(catalog).indexes.map(({ index }) => index.name)).toEqual(['L_name']);
});
