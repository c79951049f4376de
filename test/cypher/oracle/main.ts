/**
 * `npm run oracle -- --queries 100000 --seed 1`: random queries against the naive evaluator, until that many are done or ten differ; with
 * `--guarded` as users from whom fields are kept.
 */
import { parseArgs } from 'node:util';
import { compareGuarded, compareMany } from './compare.ts';

const { values } = parseArgs({ options: { queries: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' }, guarded: { type: 'boolean', default: false } } });
const compare = values.guarded ? compareGuarded : compareMany;
const queries = Number(values.queries);
const PART = 1000;
let differences = 0;
const started = performance.now();
for (let done = 0; done < queries && differences < 10; done += PART) {
  const seed = Number(values.seed) + done / PART;
  await compare(seed, Math.min(PART, queries - done), (text) => {
    differences++;
    process.stdout.write(`${text}\n\n`);
  });
  if ((done / PART) % 10 === 9) process.stdout.write(`${done + PART} queries, ${differences} differences, ${Math.round((performance.now() - started) / 1000)} s\n`);
}
process.stdout.write(differences === 0 ? `${queries} queries, all the same\n` : `${differences} differences\n`);
process.exitCode = differences === 0 ? 0 : 1;
