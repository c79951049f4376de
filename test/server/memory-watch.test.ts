/** What is set for a whole process, in processes of their own that are started as the launcher starts a server. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const built = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);

/** Runs the script with the memory watched; what it puts into `seen` comes back, with what was logged. */
function run(flags: readonly string[], takenMb: number, script: string): { readonly logged: readonly string[]; readonly seen: Readonly<Record<string, number>> } {
  const whole = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { Worker } from 'node:worker_threads';
    import { ProcessMemory } from ${built('base/process-memory.js')};
    import { loadConfig } from ${built('server/config.js')};
    import { memoryOf } from ${built('server/memory-plan.js')};
    import { watchMemory } from ${built('server/memory-watch.js')};
    const { config } = loadConfig(${JSON.stringify(flags)}, {});
    const logged = [];
    const seen = {};
    const files = { status: () => 'RssAnon: ${takenMb * 1024} kB\\n', machine: () => undefined };
    watchMemory(config, new ProcessMemory(memoryOf(config).budgetBytes, true, files), { warn: (line) => logged.push(line) });
    ${CHURN}
    ${script}
    process.stdout.write(JSON.stringify({ logged, seen }));
    process.exit();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--max-semi-space-size=64', '--input-type=module', '-e', whole], { encoding: 'utf8', timeout: 60_000 });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as ReturnType<typeof run>;
}

/** Rows of which each lives for a while, so that a nursery grows as far as it may, and some reach the old generation. */
const CHURN = `
  const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 2 ** 20;
  const churn = (rows, kept) => { const ring = []; for (let i = 0; i < rows; i++) ring[i % kept] = { i, text: 'row ' + i }; return ring; };`;
const NURSERIES = `
  for (let i = 0; i < 20; i++) { churn(200000, 100000); await new Promise((resolve) => setTimeout(resolve, 5)); }
  seen.main = young();
  const code = ${JSON.stringify("import { parentPort } from 'node:worker_threads'; import { getHeapSpaceStatistics } from 'node:v8';")} + ${JSON.stringify(CHURN)} + 'churn(4000000, 100000); parentPort.postMessage(young());';
  seen.worker = await new Promise((resolve) => new Worker(code, { eval: true }).on('message', resolve));`;

it('keeps nurseries small in every thread where memory is little, and lets them have what the launcher gives where there is plenty', () => {
  const small = run(['--memory_mb', '512'], 100, NURSERIES);
  expect(small.seen.main).toBeLessThanOrEqual(32);
  expect(small.seen.worker).toBeLessThanOrEqual(16);
  const ample = run(['--memory_mb', '8192'], 100, NURSERIES);
  expect(ample.seen.main).toBeGreaterThanOrEqual(64);
  expect(ample.seen.worker).toBeGreaterThanOrEqual(64);
}, 90_000);

it('says when sizes are more than there is, and when memory is short', () => {
  const wait = 'await new Promise((resolve) => setTimeout(resolve, 2500));';
  expect(run(['--memory_mb', '1024', '--cache_mb', '900'], 100, wait).logged).toEqual([expect.stringContaining('cache_mb (900)')]);
  expect(run(['--memory_mb', '1024'], 1000, wait).logged).toEqual([expect.stringContaining('memory is short: this server takes 1000 of 1024 MB, and 24 MB are left')]);
}, 30_000);
