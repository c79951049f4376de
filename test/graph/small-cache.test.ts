import { afterEach, expect, it, vi } from 'vitest';
import { BlockCache } from '../../src/graph/block-source.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BlockTable } from '../../src/graph/block-table.ts';
import { PageTable } from '../../src/graph/page-table.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { NodeValue } from '../../src/value/value.ts';
import { LocalStore } from './fixture.ts';

const VERTICES = 60_000;
const BUDGET = 400_000;
const SUM = Array.from({ length: VERTICES }, (_, i) => i + (i % 7)).reduce((a, b) => a + b);

afterEach(() => {
  vi.restoreAllMocks();
});

async function filled(): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  for (let from = 0; from < VERTICES; from += 10_000) {
    await store.write((tx) => {
      const writer = tx.graph('default');
      const [label, n, m] = [writer.labelId('L'), writer.keyId('n'), writer.keyId('m')];
      for (let i = 0; i < 10_000; i++) writer.createNode([label], [[n, from + i], [m, (from + i) % 7]]);
    });
  }
  return store;
}

/** Reads both properties of every vertex in one view; gives the most bytes that were ever counted meanwhile. */
function readAll(view: GraphView, cache: BlockCache): number {
  const [n, m] = [view.catalog.findKey('n')!, view.catalog.findKey('m')!];
  let most = 0;
  let sum = 0;
  for (let id = 0; id < VERTICES; id++) {
    sum += view.nodeProperty(new NodeValue(id), n) as number;
    sum += view.nodeProperty(new NodeValue(id), m) as number;
    most = Math.max(most, cache.bytes);
  }
  expect(sum).toBe(SUM);
  return most;
}

it('reads what is many times the budget of the cache again and again, each time as steadily', async () => {
  const store = await filled();
  const cache = new BlockCache(BUDGET);
  const reader = new StateReader(store.engine, store.clocks, cache);
  const drop = vi.spyOn(BlockTable.prototype, 'drop');
  for (let round = 0; round < 3; round++) {
    drop.mockClear();
    await reader.at((point) => expect(readAll(point.view('default'), cache)).toBeLessThanOrEqual(BUDGET * 1.1));
    // An eviction takes a tenth of the blocks of each kind: were there one for each block that is read, nothing would be kept at all.
    expect(drop.mock.calls.length).toBeLessThan(VERTICES / 20);
  }
  await reader.close();
});

it('goes on when one long read derived more than the whole budget', async () => {
  const store = await filled();
  const cache = new BlockCache(BUDGET);
  const reader = new StateReader(store.engine, store.clocks, cache);
  const point = reader.acquire();
  readAll(point.view('default'), cache);
  reader.release(point);
  reader.release(reader.acquire());
  expect(cache.bytes).toBeLessThanOrEqual(BUDGET);
  await reader.close();
});

it('keeps some of what a scan reads that is more than there is room for', async () => {
  const store = await filled();
  const cache = new BlockCache(BUDGET);
  const reader = new StateReader(store.engine, store.clocks, cache);
  const looks = vi.spyOn(store.engine, 'getSync');
  const counts: number[] = [];
  for (let round = 0; round < 6; round++) {
    looks.mockClear();
    await reader.at((point) => readAll(point.view('default'), cache));
    counts.push(looks.mock.calls.length);
  }
  // Two columns of all vertices are 0.96 MB, what is derived may take 0.2: a fifth of the blocks need not be read again.
  expect(counts.at(-1)).toBeLessThan(VERTICES * 0.9);
  await reader.close();
});

it('counts pages exactly, whatever becomes of them', () => {
  const random = seededRandom(7);
  const table = new PageTable<{ readonly id: number }>(4);
  const model = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const [row, number, bytes] = [1 + 2 * Math.floor(random.next() * 4), Math.floor(random.next() * 300), Math.floor(random.next() * 1000)];
    const key = `${row} ${number}`;
    const action = random.next();
    if (action < 0.5) {
      table.set(row, number, { id: i }, bytes);
      model.set(key, bytes);
    } else if (action < 0.6 && model.has(key)) {
      table.drop(row, number);
      model.delete(key);
    } else if (action < 0.8 && model.has(key)) {
      table.grow(row, number, bytes);
      model.set(key, model.get(key)! + bytes);
    } else if (action > 0.99) {
      const wanted = table.bytes / 3;
      table.evict(wanted);
      for (const one of model.keys()) {
        const [r, n] = one.split(' ').map(Number);
        if (table.get(r!, n!) === undefined) model.delete(one);
      }
    }
    expect(table.bytes).toBe([...model.values()].reduce((a, b) => a + b, 0));
  }
  table.evict(table.bytes / 2);
  const left = table.bytes;
  expect(left).toBeGreaterThan(0);
  table.evict(Infinity);
  expect(table.bytes).toBe(0);
});

it('halves what it may keep as often as it is told that memory is short, keeps to it, and gets it back', async () => {
  const store = await filled();
  const cache = new BlockCache(64 * 2 ** 20);
  const reader = new StateReader(store.engine, store.clocks, cache);
  const readOnce = () => {
    const point = reader.acquire();
    readAll(point.view('default'), cache);
    reader.release(point);
  };
  readOnce();
  expect(cache.bytes).toBeGreaterThan(8 * 2 ** 20);
  for (const budget of [32, 16, 8, 4, 4]) {
    cache.makeRoom();
    expect(cache.budgetBytes).toBe(budget * 2 ** 20);
    expect(cache.bytes).toBeLessThanOrEqual(cache.budgetBytes);
  }
  readOnce();
  expect(cache.bytes).toBeLessThanOrEqual(cache.budgetBytes);
  for (const budget of [8, 16, 32, 64, 64]) {
    cache.relax();
    expect(cache.budgetBytes).toBe(budget * 2 ** 20);
  }
  // One that is small from the start stays as it is.
  const small = new BlockCache(2 ** 20);
  small.makeRoom();
  expect(small.budgetBytes).toBe(2 ** 20);
  await reader.close();
});
