import { expect, test } from 'vitest';
import { Checksum, RecentChecksums } from '../../src/graph/checksum.ts';

test('the checksums of the last versions are known, as they were then, and no others', () => {
  const recent = new RecentChecksums(4);
  const checksum = new Checksum();
  const texts = new Map<number, string>();
  for (const version of [3, 4, 5, 6, 7, 9]) {
    checksum.add(Buffer.from(`key ${version}`), Buffer.from('value'));
    recent.set(version, checksum);
    texts.set(version, checksum.toString());
  }
  // 9 takes the place of 5; there never was an 8.
  for (const version of [4, 6, 7, 9]) expect(recent.get(version), `version ${version}`).toBe(texts.get(version));
  for (const version of [0, 3, 5, 8, 10]) expect(recent.get(version), `version ${version}`).toBeUndefined();
  expect(Checksum.parse(texts.get(9)!).toString()).toBe(texts.get(9));
});
