import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { BlockTable } from '../../src/graph/block-table.ts';
import type { Block } from '../../src/graph/blocks.ts';

it('keeps what it was given, of any number, and lets go of about as many as asked', () => {
  const random = seededRandom(3);
  const table = new BlockTable();
  const model = new Map<number, Block>();
  for (let i = 0; i < 20_000; i++) {
    const number = random.next() < 0.8 ? Math.floor(random.next() * 50_000) : 2 ** 26 * Math.floor(1 + random.next() * 900) + Math.floor(random.next() * 5);
    const block = { at: i };
    table.set(number, block);
    model.set(number, block);
  }
  expect(table.size).toBe(model.size);
  for (const [number, block] of model) expect(table.get(number)).toBe(block);
  expect(table.get(50_001)).toBeUndefined();
  const before = table.size;
  table.drop(5000);
  expect(before - table.size).toBeGreaterThanOrEqual(5000);
  expect(before - table.size).toBeLessThan(5100);
  for (const [number, block] of model) expect([undefined, block]).toContain(table.get(number));
  table.drop(Infinity);
  expect(table.size).toBe(0);
});
