import { describe, expect, it } from 'vitest';
import { BlockCache } from '../../src/graph/block-source.ts';
import { ReadAhead } from '../../src/graph/read-ahead.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';
import { NodeValue, RelationshipValue } from '../../src/value/value.ts';
import { LocalStore } from './fixture.ts';

const NODES = 3000;

class CountingEngine extends MemoryEngine {
  reads = 0;
  override getSync(...args: Parameters<MemoryEngine['getSync']>): Uint8Array | undefined {
    this.reads++;
    return super.getSync(...args);
  }
}

/** A ring of nodes, read ahead by one thread for another. */
async function ring(hasNotes = true) {
  const engine = new CountingEngine();
  const store = await LocalStore.withGraph('default', engine);
  await store.write((tx) => {
    const graph = tx.graph('default');
    const ids = Array.from({ length: NODES }, (_, i) => graph.createNode([graph.labelId('A')], [[graph.keyId('n'), i]]).id);
    for (const id of ids) graph.createRelationship(graph.typeId('R'), id, ids[(id + 1) % NODES]!, hasNotes ? [[graph.keyId('w'), id]] : [[graph.keyId('s'), 'text']]);
  });
  const other = new StateReader(engine, store.clocks, new BlockCache(64 * 1024 * 1024));
  store.reader.cache.onMade = (pages) => other.cache.adopt(structuredClone(pages), store.clocks);
  const ahead = new ReadAhead(store.reader, store.clocks);
  return { engine, store, other, ahead };
}

function pass(ahead: ReadAhead): { read: number; steps: number } {
  const steps = ahead.pass();
  for (let count = 0; ; count++) {
    const step = steps.next();
    if (step.done === true) return { read: step.value, steps: count };
  }
}

/** Sums of all numbers, of all neighbours' places and of what is noted at their relationships. */
const sums = (reader: StateReader): [number, number, number] => reader.at((point) => {
  const view = point.view('default');
  const [key, noted, type] = [view.catalog.findKey('n')!, view.catalog.findKey('w')!, view.catalog.findType('R')!];
  let [numbers, neighbours, notes] = [0, 0, 0];
  for (let id = 0; id < NODES; id++) {
    if (!view.hasLabel(new NodeValue(id), view.catalog.findLabel('A')!)) continue;
    numbers += view.nodeProperty(new NodeValue(id), key) as number;
    for (const each of view.adjacency(id, 'out', [type])) for (let i = each.from; i < each.to; i++) {
      neighbours += each.neighbours[i]!;
      notes += view.relationshipProperty(new RelationshipValue(each.edges[i]!, type, id, each.neighbours[i]!), noted) as number;
    }
  }
  return [numbers, neighbours, notes];
});
const TOTAL = NODES * (NODES - 1) / 2;

describe('reading ahead', () => {
  it('spares other threads the reads of a store', async () => {
    const { engine, other, ahead } = await ring();
    expect(pass(ahead).read).toBe(6);
    engine.reads = 0;
    expect(sums(other)).toEqual([TOTAL, TOTAL, TOTAL]);
    // The version, the system and the catalog.
    expect(engine.reads).toBeLessThan(10);
  });

  it('does not read again what db.warmup has read, in its thread or in another', async () => {
    const { store, other, ahead } = await ring();
    store.reader.at((point) => point.view('default').warmUp(() => undefined));
    expect(pass(ahead).read).toBe(0);
    expect(pass(new ReadAhead(other, store.clocks)).read).toBe(0);
  });

  it('takes many small steps', async () => {
    const { ahead } = await ring();
    expect(pass(ahead).steps).toBe(18);
  });

  it('looks at a few relationships where none has a number', async () => {
    const reads = async (hasNotes: boolean): Promise<number> => {
      const { engine, ahead } = await ring(hasNotes);
      engine.reads = 0;
      pass(ahead);
      return engine.reads;
    };
    // One look, and then all of a page; of one of which nothing is made, eight looks.
    expect(await reads(true) - await reads(false)).toBe(3 * (1 + 1024 - 8));
  });

  it('reads again what has changed much, and only that', async () => {
    const { engine, store, other, ahead } = await ring();
    pass(ahead);
    expect(pass(ahead).read).toBe(0);
    await store.write((tx) => void tx.graph('default').setNodeProperty(new NodeValue(5), tx.graph('default').keyId('n'), 1005));
    expect(pass(ahead).read).toBe(0);
    expect(sums(other)).toEqual([TOTAL + 1000, TOTAL, TOTAL]);
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (let id = 1024; id < 1424; id++) graph.setNodeProperty(new NodeValue(id), graph.keyId('n'), id + 1);
    });
    expect(pass(ahead).read).toBe(1);
    engine.reads = 0;
    expect(sums(other)).toEqual([TOTAL + 1400, TOTAL, TOTAL]);
    expect(engine.reads).toBeLessThan(12);
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (let id = 1024; id < 1424; id++) graph.setRelationshipProperty(graph.findRelationship(id)!, graph.keyId('w'), id + 1);
    });
    expect(pass(ahead).read).toBe(1);
    engine.reads = 0;
    expect(sums(other)).toEqual([TOTAL + 1400, TOTAL, TOTAL + 400]);
    expect(engine.reads).toBeLessThan(12);
  });

  it('ends where there is no more room', async () => {
    const { store } = await ring();
    const small = new StateReader(store.engine, store.clocks, new BlockCache(60_000));
    const ahead = new ReadAhead(small, store.clocks);
    expect(pass(ahead).read).toBeLessThan(3);
    expect(ahead.hasRoom).toBe(false);
  });

  it('goes on with the other graphs when one is dropped', async () => {
    const { store, ahead } = await ring();
    await store.write((tx) => tx.changeSystem({ kind: 'createGraph', name: 'second', description: '', maxSizeGB: 1, strict: false }));
    await store.write((tx) => {
      const graph = tx.graph('second');
      for (let i = 0; i < 10; i++) graph.createNode([graph.labelId('B')], []);
    });
    // Ids go on in this store: the second graph begins with two pages of nothing.
    expect(pass(ahead).read).toBe(9);
    await store.write((tx) => tx.changeSystem({ kind: 'deleteGraph', name: 'second' }));
    expect(pass(ahead).read).toBe(0);
  });
});
