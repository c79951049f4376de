import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { BITMAP, BitmapBlock, PAGE_IDS } from '../../src/graph/bitmaps.ts';

const random = seededRandom(11);
const below = (n: number): number => Math.floor(random.next() * n);

/** Any bits, or stretches of them, so that there are whole words of ones and of zeros, too. */
function change(block: BitmapBlock, known: Set<number>): void {
  const [first, count, on] = [below(PAGE_IDS), below(3) === 0 ? below(700) : 1, below(3) > 0];
  for (let bit = first; bit < Math.min(first + count, PAGE_IDS); bit++) {
    block.set(bit, on);
    if (on) known.add(bit);
    else known.delete(bit);
  }
}

function check(block: BitmapBlock, known: ReadonlySet<number>): void {
  const ids = [...known].sort((a, b) => a - b);
  expect(block.ids(8192)).toEqual(ids.map((id) => id + 8192));
  expect(block.empty).toBe(ids.length === 0);
  for (const bit of [0, 31, 32, 1023, 1024, 4095, ...ids.slice(0, 20)]) expect(block.has(bit)).toBe(known.has(bit));
  const writer = new ByteWriter();
  BITMAP.encode(block, writer);
  expect(BITMAP.decode(new ByteReader(writer.finish())).ids(0)).toEqual(ids);
}

test('a bitmap holds what was set, and is read back as it was written', () => {
  for (const changes of [0, 1, 5, 40, 2000]) {
    const block = new BitmapBlock();
    const known = new Set<number>();
    for (let i = 0; i < changes; i++) change(block, known);
    check(block, known);
  }
});

test('a copy and what it was made from do not see each other\'s changes, whichever is changed, and copies of copies neither', () => {
  const all = [{ block: new BitmapBlock(), known: new Set<number>() }];
  for (let i = 0; i < 300; i++) {
    const one = all[below(all.length)]!;
    if (below(10) === 0) all.push({ block: BITMAP.copy(one.block), known: new Set(one.known) });
    else change(one.block, one.known);
  }
  expect(all.length).toBeGreaterThan(10);
  for (const { block, known } of all) check(block, known);
  check(new BitmapBlock(), new Set());
});
