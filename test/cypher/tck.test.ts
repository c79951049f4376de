import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalStore } from '../graph/fixture.ts';
import { hasFeatures, readScenarios } from './tck/features.ts';
import { runScenario } from './tck/run-scenario.ts';

/** Scenarios that passed last time, as a number: it only grows. `UPDATE=1` writes it. */
const RATCHET = resolve(import.meta.dirname, 'tck/ratchet.json');

describe.skipIf(!hasFeatures)('openCypher TCK, strict errors (skipped where the shared folder is absent)', () => {
  it('passes as many scenarios as before', async () => {
    const store = await LocalStore.withGraph();
    const failures: string[] = [];
    let passed = 0;
    for (const scenario of readScenarios()) {
      if (scenario.tags.includes('@ignore')) continue;
      let problem: string | undefined;
      try {
        problem = runScenario(scenario, store.begin().graph('default'));
      } catch (error) {
        problem = error instanceof Error ? error.stack : String(error);
      }
      if (problem === undefined) passed++;
      else failures.push(`${scenario.file}:${scenario.line} ${scenario.name}\n    ${problem}`);
    }
    if (process.env.TCK_FAILURES !== undefined) writeFileSync(process.env.TCK_FAILURES, failures.join('\n'));
    const total = passed + failures.length;
    if (process.env.UPDATE === '1') writeFileSync(RATCHET, `${JSON.stringify({ passed, total })}\n`);
    const ratchet = JSON.parse(readFileSync(RATCHET, 'utf8')) as { passed: number; total: number };
    expect(failures.length === 0 || passed >= ratchet.passed, failures.slice(0, 20).join('\n')).toBe(true);
    expect({ passed, total }).toEqual(ratchet);
  }, 300_000);
});
