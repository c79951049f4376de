import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../../src/base/bytes.ts';
import { compareKeys, INDEX, IndexPage } from '../../../src/graph/btree.ts';

it('compact pages are read as they were written, in less room than plain ones', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '中', '😀', '😁', '\ue000') });
  fc.assert(fc.property(fc.array(fc.tuple(key, fc.integer({ min: 0, max: 2 ** 53 - 1 })), { maxLength: 40 }), fc.boolean(), (entries, isInner) => {
    const sorted = [...new Map(entries.map((entry) => [entry.join(' '), entry])).values()].sort((a, b) => compareKeys(a[0], b[0]) || a[1] - b[1]);
    const page = new IndexPage(sorted.map(([one]) => one), sorted.map(([, id]) => id), isInner ? [7, ...sorted.map((_, i) => i)] : undefined, true);
    const writer = new ByteWriter();
    INDEX.encode(page, writer);
    const reader = new ByteReader(writer.finish());
    expect(INDEX.decode(reader)).toEqual(page);
    expect(reader.done).toBe(true);
  }));
  const words = Array.from({ length: 128 }, (_, i) => `Aword${Math.floor(i / 4)}`).sort();
  const bytes = (compact: boolean) => {
    const writer = new ByteWriter();
    INDEX.encode(new IndexPage(words, words.map((_, i) => i * 2 ** 30), undefined, compact), writer);
    return writer.length;
  };
  expect(bytes(true)).toBeLessThan(bytes(false) * 0.7);
});
