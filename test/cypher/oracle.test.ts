/** A few thousand random queries against the naive evaluator; `npm run oracle -- --queries 100000` tries more. */
import { expect, it } from 'vitest';
import { compareGuarded, compareMany } from './oracle/compare.ts';

it('gives what the naive evaluator gives, with and without indexes', async () => {
  const differences: string[] = [];
  // 700008: an index range whose bound is of the row, run once for all rows. 800029: COLLECT met what a later CREATE made of its own rows.
  for (const [seed, queries] of [[1, 1000], [15, 1000], [700_008, 680], [800_029, 360]] as const) await compareMany(seed, queries, (text) => differences.push(text));
  expect(differences).toEqual([]);
}, 180_000);

it('gives the same where several threads run parts of it', async () => {
  const differences: string[] = [];
  await compareMany(31, 1500, (text) => differences.push(text), true);
  expect(differences).toEqual([]);
}, 180_000);

it('gives a user from whom fields are kept what a graph without them gives', async () => {
  const differences: string[] = [];
  const { answered, refused } = await compareGuarded(2, 1000, (text) => differences.push(text));
  expect(differences).toEqual([]);
  expect(answered).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(10);
}, 180_000);
