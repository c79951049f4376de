import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { LocalStore } from './fixture.ts';

describe('the system state and the catalogs of now', () => {
  it('are those of the newest version after every write, whatever the cache knew before', async () => {
    const store = await LocalStore.withGraph();
    const random = seededRandom(7);
    for (let i = 0; i < 300; i++) {
      const kind = random.next();
      await store.write((tx) => {
        if (kind < 0.2) tx.changeSystem({ kind: 'createGraph', name: `g${i}`, description: '', maxSizeGB: 1, strict: i % 2 === 0 });
        else if (kind < 0.3) tx.changeSystem({ kind: 'setSetting', name: 'slow_query_ms', value: i });
        else if (kind < 0.6) tx.graph('default').labelId(`L${i}`);
        else tx.graph('default').createNode([], []);
      });
      // Not looked at after each: the cache is to be several versions behind, too.
      if (random.next() < 0.4) continue;
      const point = store.reader.acquire();
      expect(store.reader.system).toEqual(point.system);
      for (const { name } of point.system.graphs.slice(-3)) expect(store.reader.catalog(name).data).toEqual(point.view(name).catalog.data);
      expect(store.reader.catalog('default')).toBe(point.view('default').catalog);
      store.reader.release(point);
    }
    expect(() => store.reader.catalog('nowhere')).toThrow('No such graph: nowhere');
  });

  it('open no version while nothing has changed them', async () => {
    const store = await LocalStore.withGraph();
    expect(store.reader.catalog('default').data.labels).toEqual([]);
    let opened = 0;
    const snapshot = store.engine.snapshot.bind(store.engine);
    store.engine.snapshot = () => (opened++, snapshot());
    for (let i = 0; i < 5; i++) {
      await store.write((tx) => tx.graph('default').createNode([], []));
      expect(store.reader.system.graphs).toHaveLength(1);
      expect(store.reader.catalog('default').data.labels).toEqual([]);
    }
    expect(opened).toBe(0);
    await store.write((tx) => tx.graph('default').labelId('New'));
    expect(store.reader.catalog('default').data.labels).toEqual(['New']);
    expect(opened).toBe(1);
  });

  it('do not show what is staged and not published yet', async () => {
    const store = await LocalStore.withGraph();
    expect(store.reader.catalog('default').data.labels).toEqual([]);
    const tx = store.begin();
    tx.graph('default').labelId('Staged');
    tx.checkStatement();
    const staged = store.writer.stage(tx.changes);
    expect(store.reader.catalog('default').data.labels).toEqual([]);
    await store.writer.write([{ index: store.writer.version + 1, staged, timeMs: 0 }], { sync: false });
    expect(store.reader.catalog('default').data.labels).toEqual(['Staged']);
  });
});
