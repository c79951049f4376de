/** `npm run oracle -- --queries 100000 --seed 1`: random queries against the naive evaluator, until that many are done or ten differ. */
import { parseArgs } from 'node:util';
import { compareMany } from './compare.ts';

const { values } = parseArgs({ options: { queries: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } } });
const queries = Number(values.queries);
const PART = 1000;
let differences = 0;
const started = performance.now();
for (let done = 0; done < queries && differences < 10; done += PART) {
  const seed = Number(values.seed) + done / PART;
  await compareMany(seed, Math.min(PART, queries - done), (text) => {
    differences++;
    process.stdout.write(`${text}\n\n`);
  });
  if ((done / PART) % 10 === 9) process.stdout.write(`${done + PART} queries, ${differences} differences, ${Math.round((performance.now() - started) / 1000)} s\n`);
}
process.stdout.write(differences === 0 ? `${queries} queries, all the same\n` : `${differences} differences\n`);
process.exitCode = differences === 0 ? 0 : 1;
