/**
 * Runs seeds from the command line:
 *
 *   npm run sim -- --seed 7 --steps 100000 [--trace] [--mutant name]
 *   npm run sim -- --seeds 1..2000 --steps 5000
 *   npm run sim -- --seeds 1..2000 --states 0.3                 leaders send states where the log would do, so often
 *   npm run sim -- --whole --seeds 1..200 --steps 10000     whole servers: formation, identity, addresses
 */
import { simulate } from './cluster.ts';
import { simulateWhole } from './whole/world.ts';

const args = process.argv.slice(2);
const value = (name: string): string | undefined => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : args[at + 1];
};
const steps = Number(value('steps') ?? 5000);
const [from, to] = (value('seeds') ?? `${value('seed') ?? 1}..${value('seed') ?? 1}`).split('..').map(Number) as [number, number];
const mutant = value('mutant');
const states = Number(value('states') ?? 0);
const isTraced = args.includes('--trace');
const isWhole = args.includes('--whole');
const traceLines = Number(value('trace-lines') ?? 5000);
const limitMs = Number(value('seconds') ?? 1e9) * 1000;
const began = performance.now();
const total: Record<string, number> = {};
let failed = 0;
let ran = 0;
process.on('unhandledRejection', (error) => {
  console.log(`seed ${from + ran - 1}: nobody caught ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});
for (let seed = from; seed <= to && performance.now() - began < limitMs; seed++) {
  ran += 1;
  const tail: string[] = [];
  try {
    const run = isWhole ? simulateWhole : simulate;
    const result = await run({
      seed, steps, statesPreferred: states, ...(mutant === undefined ? {} : { mutants: new Set([mutant]) }),
      ...(isTraced ? { trace: (line: string) => { tail.push(line); if (tail.length > traceLines) tail.shift(); } } : {}),
    });
    for (const [name, count] of Object.entries(result)) total[name] = (total[name] ?? 0) + count;
  } catch (error) {
    failed += 1;
    for (const line of tail) console.log(line);
    const text = error instanceof Error && error.name === 'Violation' ? error.message : error instanceof Error ? error.stack : String(error);
    console.log(`seed ${seed}: ${text}`);
    console.log(`  replay: npm run sim --${isWhole ? ' --whole' : ''} --seed ${seed} --steps ${steps}${states === 0 ? '' : ` --states ${states}`}${mutant === undefined ? '' : ` --mutant ${mutant}`} --trace`);
    if (mutant !== undefined) break;
  }
}
console.log(`${ran} seeds, ${failed} failed, ${Math.round(performance.now() - began)} ms; ${JSON.stringify(total)}`);
process.exitCode = failed > 0 ? 1 : 0;
