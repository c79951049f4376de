/**
 * `npm run fuzz:codecs -- --inputs 1000000 --target packstream|all --seed 1`: damaged bytes for every decoder that reads from the network or
 * from disk, in this process (fuzz.ts). Ends with 1 where one did anything but decode or refuse.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({ options: { inputs: { type: 'string', default: '200000' }, target: { type: 'string', default: 'all' }, seed: { type: 'string', default: '1' } } });
const all = await targets();
const chosen = all.filter(({ name }) => values.target === 'all' || name === values.target);
if (chosen.length === 0) {
  process.stderr.write(`--target is all or one of ${all.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
for (const target of chosen) {
  const began = performance.now();
  const { inputs, accepted, kinds, failures, slowestMs } = await fuzz(target, { inputs: Number(values.inputs), seed: Number(values.seed) });
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(`${target.name.padEnd(16)} ${inputs} inputs, ${accepted} accepted, ${kinds} kinds of outcome, ${Math.round(inputs / seconds)} inputs/s, slowest ${Math.round(slowestMs)} ms, ${failures.length} failures\n`);
  for (const { reason, input } of failures) process.stdout.write(`FAILED ${target.name}: ${reason}\n  input (base64): ${input.slice(0, 2000)}\n`);
  if (failures.length > 0) process.exitCode = 1;
}
