/** What tools say to words that make no sense, and to paths that the system refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../data/tools.ts';

let directory: string;
let config: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-usage-'));
  writeFileSync(config = join(directory, 'import.json'), '{"schema": []}');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each([['package_bytes', '0', 1], ['package_bytes', 'many', 1], ['packages_at_once', '0', 1], ['skip_packages', '-1', 0], ['retry_s', '-1', 0]] as const)('lgraph_import --%s %s is wrong usage', async (name, value, least) => {
  expect(await run('lgraph_import', ['--online', 'true', '-c', config, `--${name}=${value}`])).toMatchObject({ code: 255, err: expect.stringContaining(`--${name} is a number that is at least ${least}`) as string });
});

it('tells what the system says of a path, without a stack', async () => {
  const answers = await Promise.all([
    run('lgraph_import', ['-c', config, '-d', join(config, 'db')]),
    run('lgraph_backup', ['--command', 'create', '-b', join(config, 'backups'), '--url', 'http://127.0.0.1:1']),
    run('lgraph_warmup', ['--url', 'http://127.0.0.1:1']),
  ]);
  for (const { code, err } of answers) {
    expect([code, err]).toEqual([1, expect.not.stringMatching(/^ {4}at /m)]);
    expect(err).toMatch(/ENOTDIR|fetch failed: /);
  }
});
