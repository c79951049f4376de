/** A group of real servers for the tests of one file: started before them, killed after them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';

export interface UsedGroup {
  readonly group: LocalGroup;
  readonly directory: string;
}

export function useGroup(options: { readonly basePort: number; readonly size?: number; readonly flags?: readonly string[] }): UsedGroup {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-group-'));
  let group: LocalGroup | undefined;
  beforeAll(async () => {
    group = await LocalGroup.create({ size: 3, directory, ...options });
    group.startAll();
    await group.ready(60_000);
  }, 90_000);
  afterAll(async () => {
    await group?.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    directory,
    get group() {
      if (group === undefined) throw new Error('the group is started before the tests, not before that');
      return group;
    },
  };
}
