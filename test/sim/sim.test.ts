import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulate } from './cluster.ts';

describe('the simulated cluster', () => {
  it('keeps every invariant over 300 seeds', { timeout: 120_000 }, () => {
    const total = { acknowledged: 0, crashes: 0, leaderships: 0, configChanges: 0, snapshots: 0, reads: 0, leaseReads: 0, localReads: 0, syncErrors: 0, diskFull: 0, wiped: 0, clockJumps: 0, slowNodes: 0, oneWayCuts: 0,
      pairCuts: 0, diskStalls: 0, kindDrops: 0, clogs: 0, overflowed: 0, quorumEnds: 0, quietEnds: 0 };
    for (let seed = 1; seed <= 300; seed++) {
      const result = run(seed, 5000);
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += result[name];
    }
    // A simulation in which nothing happens proves nothing.
    expect(total.acknowledged).toBeGreaterThan(10_000);
    expect(total.reads).toBeGreaterThan(3000);
    expect(total.crashes).toBeGreaterThan(500);
    expect(total.leaderships).toBeGreaterThan(400);
    expect(total.configChanges).toBeGreaterThan(100);
    expect(total.snapshots).toBeGreaterThan(50);
    expect(total.leaseReads).toBeGreaterThan(500);
    expect(total.localReads).toBeGreaterThan(500);
    for (const name of ['syncErrors', 'diskFull', 'wiped', 'clockJumps', 'slowNodes', 'oneWayCuts', 'pairCuts', 'diskStalls', 'kindDrops', 'clogs', 'overflowed', 'quorumEnds', 'quietEnds'] as const) expect(total[name], name).toBeGreaterThan(5);
  });

  it('keeps them where leaders send states though the log would do', { timeout: 120_000 }, () => {
    const [plain, preferring] = [0, 0.4].map((statesPreferred) => {
      let snapshots = 0;
      for (let seed = 1001; seed <= 1080; seed++) snapshots += run(seed, 5000, statesPreferred).snapshots;
      return snapshots;
    }) as [number, number];
    expect(preferring).toBeGreaterThan(plain * 2);
  });

  it('keeps them for every seed that once failed', () => {
    const lines = readFileSync(resolve(import.meta.dirname, 'seeds.txt'), 'utf8').split('\n').filter((line) => /^\d/.test(line));
    for (const line of lines) {
      const [seed, steps] = line.split(' ').map(Number) as [number, number];
      run(seed, steps);
    }
  });

  it('replays a seed exactly', () => {
    const trace = () => {
      const lines: string[] = [];
      simulate({ seed: 77, steps: 3000, trace: (line) => lines.push(line) });
      return lines.join('\n');
    };
    expect(trace()).toBe(trace());
  });
});

function run(seed: number, steps: number, statesPreferred = 0): ReturnType<typeof simulate> {
  try {
    return simulate({ seed, steps, statesPreferred });
  } catch (error) {
    if (error instanceof Error) error.message = `seed ${seed}, ${steps} steps: ${error.message}`;
    throw error;
  }
}

/** Deliberate bugs, and the seed from where the search begins (the first that found it when this was written). */
const MUTANTS: readonly (readonly [name: string, from: number])[] = [
  ['step-down-clears-vote', 13], ['vote-unsaved', 1], ['votes-twice', 14], ['ignores-log-in-votes', 2], ['minority-elects', 2],
  ['heartbeat-full-commit', 1], ['counts-unsaved', 2], ['minority-commits', 2], ['commits-old-term', 3], ['skips-prev-check', 1],
  ['truncates-always', 4], ['never-truncates', 2], ['ack-unsaved', 1], ['reads-before-own-commit', 3], ['reads-unconfirmed', 525],
  ['changes-overlap', 178], ['no-sync', 1], ['forgets-vote', 28], ['reads-before-apply', 3], ['witness-forgets', 115], ['lease-too-long', 545],
  ['local-reads-go-back', 3], ['overtaken-stay-open', 250],
];

describe('a simulator that can be trusted', () => {
  it.each(MUTANTS)('finds the bug %s', { timeout: 60_000 }, (name, from) => {
    const mutants = new Set([name]);
    let found = '';
    for (let seed = from; seed < from + 1000 && found === ''; seed++) {
      try {
        simulate({ seed, steps: 5000, mutants });
      } catch (error) {
        found = (error as Error).message;
      }
    }
    expect(found).not.toBe('');
  });
});
