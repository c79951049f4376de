import { expect, it } from 'vitest';
import { KeyTable } from '../../src/data/key-table.ts';
import type { Value } from '../../src/value/value.ts';

it('finds what was added, and nothing else, while it grows', () => {
  const table = new KeyTable();
  const known = new Map<Value, number>();
  const keys: Value[] = [];
  for (let i = 0; i < 5000; i++) keys.push(i * 7, -i - 1, i * 0x100000000 + 5, Number.MAX_SAFE_INTEGER - i, `text ${i}`, i % 2 === 0);
  keys.forEach((key, id) => {
    const isNew = !known.has(key);
    if (isNew) known.set(key, id);
    expect(table.add(key, id)).toBe(isNew);
  });
  for (const [key, id] of known) expect(table.find(key)).toBe(id);
  expect(table.size).toBe(known.size);
  for (const key of [1, 7 * 5000, -5001, 0x100000000, 'text', '', 3 * 0x100000000 + 6]) expect(table.find(key)).toBe(-1);
});

it('has no key with the number 0 for a free slot', () => {
  const table = new KeyTable();
  expect(table.find(0)).toBe(-1);
  expect(table.add(0, 0)).toBe(true);
  expect(table.add(0, 1)).toBe(false);
  expect(table.find(0)).toBe(0);
});
