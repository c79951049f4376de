import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('the demo finds everything as it should be', () => {
  const demo = fileURLToPath(new URL('../../dist/cli/demo.js', import.meta.url));
  const run = spawnSync(process.execPath, [demo, '--once'], { encoding: 'utf8', timeout: 150_000 });
  expect(run.stdout + run.stderr).toContain('everything is as it should be');
  expect(run.status).toBe(0);
}, 180_000);
