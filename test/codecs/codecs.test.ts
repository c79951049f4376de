/** Some thousand damaged inputs for each decoder; `npm run fuzz:codecs -- --inputs 1000000` goes on. */
import { expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

const INPUTS = 1000;

it.each(await targets())('$name decodes or refuses', async (target) => {
  const { failures, accepted, kinds } = await fuzz(target, { inputs: INPUTS, seed: 1 });
  expect(failures).toEqual([]);
  // Every well-formed input was taken.
  expect(accepted).toBeGreaterThanOrEqual(target.seeds.length);
  expect(kinds).toBeGreaterThan(0);
}, 60_000);
