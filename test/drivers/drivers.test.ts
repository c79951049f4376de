/**
 * The same scenarios with each driver that is here (`npm run drivers`), against one group of three: docs/drivers.md has the list.
 * The JavaScript releases come with the development dependencies; Python needs the package `neo4j`, of LGRAPH_PYTHON or python3.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { useGroup } from '../cluster/use-group.ts';

const here = (file: string): string => join(import.meta.dirname, file);
const python = process.env.LGRAPH_PYTHON ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'import neo4j']).status === 0;
const javascript = (name: string) => ({ name, command: process.execPath, args: [here('scenarios.mjs'), name], isHere: true });
const DRIVERS = [javascript('neo4j-driver'), javascript('neo4j-driver-5'), javascript('neo4j-driver-4'), { name: 'Python', command: python, args: [here('scenarios.py')], isHere: hasPython }];

const used = useGroup({ basePort: 19_300 });

interface Line {
  readonly announce?: string;
  readonly scenario?: string;
  readonly ok?: boolean;
  readonly detail?: unknown;
}

for (const { name, command, args, isHere } of DRIVERS) {
  describe.skipIf(!isHere)(`${name}${isHere ? '' : ': skipped, the driver is not installed'}`, () => {
    it('does all scenarios', async () => {
      // A follower is the way in: the leader is going to be killed.
      const leader = await used.group.leader();
      const entry = used.group.servers.find((server) => server !== leader)!;
      const child = spawn(command, [...args, entry.boltUri.replace('bolt:', 'neo4j:')], { stdio: ['ignore', 'pipe', 'pipe'] });
      let errors = '';
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      const seen: Line[] = [];
      let killed: Promise<unknown> | undefined;
      for await (const text of createInterface({ input: child.stdout })) {
        const line = JSON.parse(text) as Line;
        if (line.announce === undefined) seen.push(line);
        else {
          const now = await used.group.leader();
          killed = used.group.stop(now, 'SIGKILL').then(() => {
            used.group.start(now);
            return used.group.readyOne(now, 60_000);
          });
        }
      }
      await killed;
      if (process.env.LGRAPH_DRIVERS_REPORT !== undefined) console.log(JSON.stringify(seen[0]));
      expect(seen.filter(({ ok }) => ok !== true)).toEqual([]);
      expect(seen.map(({ scenario }) => scenario), errors).toHaveLength(15);
      expect(killed).toBeDefined();
    }, 120_000);
  });
}
