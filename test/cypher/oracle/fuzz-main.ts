/** `npm run fuzz:cypher -- --queries 1000000 --seed 1`: damaged queries; ends with 1 if any crashed or hung. */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({ options: { queries: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } } });
const queries = Number(values.queries);
const PART = 5000;
let failures = 0;
let answered = 0;
const heapMb = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  return Math.round(process.memoryUsage().heapUsed / 1024 / 1024);
};
for (let done = 0; done < queries && failures < 20; done += PART) {
  const result = await fuzz(Number(values.seed) + done / PART, Math.min(PART, queries - done), (text, why) => {
    failures++;
    process.stdout.write(`${JSON.stringify(text)}\n  ${why}\n`);
  });
  answered += result.answered;
  if ((done / PART) % 10 === 9) process.stdout.write(`${done + PART} queries, ${answered} answered, ${failures} failures, heap ${heapMb()} MB\n`);
}
process.stdout.write(`${queries} queries, ${answered} answered, ${failures} failures, heap ${heapMb()} MB\n`);
process.exitCode = failures === 0 ? 0 : 1;
