/** A few hundred damaged conversations with each port of a real server; `npm run fuzz:ports -- --inputs 1000000` goes on. */
import { expect, it } from 'vitest';
import { fuzzPort, PORTS } from './run.ts';

const INPUTS = 150;

it.each(PORTS)('%s outlives damaged conversations, and tells strangers nothing', async (port) => {
  const totals = await fuzzPort({ port, inputs: INPUTS, seed: 1, from: 0, brokenFrames: false, basePort: 30_700 + PORTS.indexOf(port) * 20, connections: 12, onBatch: () => undefined });
  expect(totals.inputs).toBeGreaterThanOrEqual(INPUTS);
  // Most of it was understood well enough to be answered.
  expect(totals.answered).toBeGreaterThan(totals.inputs / 3);
}, 120_000);
