/** Groups at unusual addresses: IPv6, host names that move. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { RestClient } from '../../src/cli/rest-client.ts';

const hasIpv6 = await new Promise<boolean>((resolve) => {
  const server = createServer().once('error', () => resolve(false));
  server.listen(0, '::1', () => server.close(() => resolve(true)));
});
const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

it.skipIf(!hasIpv6)('a group of IPv6 addresses', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-ipv6-'));
  const group = await LocalGroup.create({ size: 3, directory, basePort: 24_000, host: '::1' });
  try {
    group.startAll();
    await group.ready(60_000);
    const client = await RestClient.login(group.servers[0]!.restAddress, 'admin', '73@TuGraph');
    await client.cypher(group.servers[1]!.restAddress, 'CREATE (:N)');
    expect((await client.cypher(group.servers[2]!.restAddress, 'MATCH (n:N) RETURN count(n)')).rows).toEqual([[1]]);
    const rows = (await client.cypher(group.servers[0]!.restAddress, 'CALL dbms.listServers() YIELD bolt_address RETURN bolt_address')).rows;
    expect(rows.flat().sort()).toEqual(group.servers.map((server) => server.boltUri.replace('bolt://', '')).sort());
  } finally {
    await group.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}, 90_000);

it.skipIf(!isRoot)('a host name that gets another address (needs root)', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/chaos/host-names.mjs'], { timeout: 150_000 });
  expect(stdout).toContain('found at its new address');
}, 160_000);
