/** Damaged queries; `npm run fuzz:cypher -- --queries 1000000` tries more. */
import { expect, it } from 'vitest';
import { fuzz } from './oracle/fuzz.ts';

it('answers or refuses damaged queries, in time and without a crash', async () => {
  const failures: string[] = [];
  const { answered, refused } = await fuzz(1, 3000, (text, why) => failures.push(`${text}\n${why}`));
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(30);
  expect(refused).toBeGreaterThan(1000);
});
