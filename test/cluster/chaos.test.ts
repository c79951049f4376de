/** A short chaos run (test/chaos/chaos.mjs); long ones are `npm run chaos`. Needs root, iproute2, nftables and e2fsprogs. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const has = (command: string) => spawnSync('which', [command]).status === 0;
const canRun = process.platform === 'linux' && process.getuid?.() === 0 && ['ip', 'nft', 'mkfs.ext4', 'unshare', 'mount'].every(has);

it.skipIf(!canRun)('half a minute of chaos on two servers with data and a witness keeps every promise (needs root, iproute2, nftables, e2fsprogs)', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/chaos/chaos.mjs', '--minutes', '0.5', '--seed', '7', '--shape', 'witness', '--quiet'], { timeout: 280_000 });
  const { faults, acknowledged, problems } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { faults: number; acknowledged: number; problems: number };
  expect(problems).toBe(0);
  expect(faults).toBeGreaterThan(1);
  expect(acknowledged).toBeGreaterThan(20);
}, 300_000);
