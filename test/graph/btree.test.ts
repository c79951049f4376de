/** The index tree against a sorted list: entries come and go by seed; pages that are not needed any more are not there any more. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { insertEntry, leaves, removeEntry, seekEqual } from '../../src/graph/btree.ts';
import type { PageStore } from '../../src/graph/btree.ts';
import { TreeFiller } from '../../src/graph/btree-fill.ts';
import { INDEX, IndexPage } from '../../src/graph/btree.ts';
import { Dice } from '../dice.ts';

const ROOT = 0;

class Pages implements PageStore {
  readonly pages = new Map<number, IndexPage>();
  #next = 1;
  page(number: number): IndexPage | undefined {
    return this.pages.get(number);
  }
  /** A copy, as a transaction has it: nobody may go on with what he read before. */
  change(number: number): IndexPage | undefined {
    const page = this.pages.get(number);
    if (page === undefined) return undefined;
    const copy = INDEX.copy(page);
    this.pages.set(number, copy);
    return copy;
  }
  put(number: number, page: IndexPage): void {
    this.pages.set(number, page);
  }
  remove(number: number): void {
    expect(this.pages.delete(number)).toBe(true);
  }
  allocate(): number {
    return this.#next++;
  }
}

interface Entry {
  readonly key: string | number;
  readonly id: number;
}

const compare = (a: Entry, b: Entry): number => (a.key === b.key ? a.id - b.id : a.key < b.key ? -1 : 1);

/** Reachable pages, and that bounds and depths are right on the way. */
function walk(pages: Pages, number: number, seen: Set<number>, depth: number, depths: Set<number>): void {
  seen.add(number);
  const page = pages.page(number);
  if (page?.children === undefined) {
    depths.add(depth);
    return;
  }
  expect(page.children.length).toBe(page.keys.length + 1);
  for (const child of page.children) walk(pages, child, seen, depth + 1, depths);
}

function check(pages: Pages, model: readonly Entry[]): void {
  const found: Entry[] = [];
  for (const leaf of leaves(pages, ROOT, undefined, undefined, false)) for (const [i, key] of leaf.keys.entries()) found.push({ key: key as string, id: leaf.ids[i]! });
  expect(found).toEqual(model);
  const seen = new Set<number>();
  const depths = new Set<number>();
  walk(pages, ROOT, seen, 0, depths);
  expect([...pages.pages.keys()].filter((number) => !seen.has(number))).toEqual([]);
  expect(depths.size).toBeLessThanOrEqual(1);
  // Of two neighbours at most one is small: half of them have a third of a page.
  expect(pages.pages.size).toBeLessThanOrEqual(2 + model.length / 20);
}

function built(entries: readonly Entry[], compact: boolean): Pages {
  const pages = new Pages();
  const tree = new TreeFiller({ root: ROOT, allocate: () => pages.allocate(), put: (number, page) => pages.put(number, page), compact });
  for (const { key, id } of entries) tree.add(key, id);
  tree.finish();
  return pages;
}

describe('the index tree', () => {
  it.each([1, 2, 3, 4, 5, 6])('holds what a sorted list holds, and no page too many (seed %i)', (seed) => {
    const dice = new Dice(seededRandom(seed));
    const isText = seed % 2 === 0;
    const keyOf = (n: number) => (isText ? `key ${String(n).padStart(6, '0')}` : n);
    let model: Entry[] = Array.from({ length: 30_000 }, (_, id) => ({ key: keyOf(Math.floor(id / (seed % 3 + 1))), id }));
    const pages = built(model, isText);
    check(pages, model);
    for (let round = 0; round < 8; round++) {
      const from = dice.below(model.length);
      // A range, every other one, or all but a few; then some come back.
      const goes = [(_: Entry, i: number) => i >= from, () => dice.chance(0.9), (_: Entry, i: number) => i % 2 === 0, () => dice.chance(0.999), () => true][round < 7 ? dice.below(4) : 4]!;
      const gone = model.filter(goes);
      if (dice.chance(0.5)) gone.reverse();
      for (const { key, id } of gone) removeEntry(pages, ROOT, key, id);
      const away = new Set(gone);
      model = model.filter((entry) => !away.has(entry));
      check(pages, model);
      if (round === 7) break;
      for (let n = 0; n < 3000; n++) {
        const entry = { key: keyOf(dice.below(5000)), id: 100_000 + round * 10_000 + n };
        insertEntry(pages, ROOT, entry.key, entry.id);
        model.push(entry);
      }
      model.sort(compare);
      const { key } = dice.pick(model);
      expect(seekEqual(pages, ROOT, key)).toEqual(model.filter((entry) => entry.key === key).map(({ id }) => id));
    }
    expect([...pages.pages.keys()]).toEqual([ROOT]);
    expect(pages.page(ROOT)).toMatchObject({ keys: [], children: undefined, compact: isText });
  });
});

it('goes on below an inner page that was left with one child, and no key', () => {
  const pages = new Pages();
  const [inner, leaf, other] = [pages.allocate(), pages.allocate(), pages.allocate()];
  pages.put(ROOT, new IndexPage(['m'], [0], [inner, other], false));
  pages.put(inner, new IndexPage([], [], [leaf], false));
  pages.put(leaf, new IndexPage(['b'], [1], undefined, false));
  pages.put(other, new IndexPage(['x'], [2], undefined, false));
  insertEntry(pages, ROOT, 'c', 3);
  insertEntry(pages, ROOT, 'y', 4);
  expect(seekEqual(pages, ROOT, 'b')).toEqual([1]);
  removeEntry(pages, ROOT, 'b', 1);
  expect(pages.page(leaf)!.keys).toEqual(['c']);
  expect(seekEqual(pages, ROOT, 'y')).toEqual([4]);
});
