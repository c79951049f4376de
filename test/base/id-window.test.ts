import { expect, test } from 'vitest';
import { IdWindow } from '../../src/base/id-window.ts';
import { seededRandom } from '../../src/base/random.ts';

test('a window holds what a map would, in whatever order values are taken', () => {
  const random = seededRandom(7);
  const below = (n: number): number => Math.floor(random.next() * n);
  for (let round = 0; round < 12; round++) {
    const window = new IdWindow<string>();
    const known = new Map<number, string>();
    let given = 0;
    const open = 1 + below(200);
    for (let step = 0; step < 1000; step++) {
      if (known.size < open && below(2) === 0) {
        const value = `value ${given}`;
        const id = window.add(value);
        expect(id).toBe(++given);
        known.set(id, value);
      } else {
        // Mostly one of the oldest; now and then any, or one that is gone.
        const ids = [...known.keys()];
        const id = below(10) === 0 ? below(given + 2) : ids[below(Math.min(ids.length, 5))] ?? 0;
        expect(window.get(id)).toBe(known.get(id));
        expect(window.take(id)).toBe(known.get(id));
        known.delete(id);
      }
      expect(window.size).toBe(known.size);
    }
    expect([...window]).toEqual([...known]);
    for (const [id] of window) window.take(id);
    expect([...window]).toEqual([]);
    expect(window.size).toBe(0);
  }
});

test('a value that stays does not make room for all that come after it', () => {
  const window = new IdWindow<object>();
  const stays = [window.add({}), window.add({}), window.add({})];
  for (let i = 0; i < 1_000_000; i++) window.take(window.add({}));
  expect(window.size).toBe(3);
  for (const id of stays) expect(window.take(id)).toBeDefined();
  expect(window.size).toBe(0);
});
