/** `disk_reserve_mb` reaches what it limits: here it is more than the disk has. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { RestClient } from '../../src/cli/rest-client.ts';
import { checkServer } from '../../src/server/check.ts';
import { loadConfig } from '../../src/server/config.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-reserve-'));
const RESERVE = ['--disk_reserve_mb', '1048576'];

afterAll(() => rmSync(directory, { recursive: true }));

it('takes no writes where less than the reserve is free, serves reads, and takes them again', async () => {
  const group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 21_880 });
  const [server] = group.servers;
  const { restAddress } = server!;
  const write = (client: RestClient) => client.cypher(restAddress, 'CREATE (:N)');
  try {
    group.startAll();
    await group.ready();
    const client = await RestClient.login(restAddress, 'admin', '73@TuGraph');
    await write(client);
    await group.stopAll('SIGTERM');
    group.start(server!, RESERVE);
    await expect.poll(() => write(client).then(() => 'done', (error: { code?: string }) => error.code), { timeout: 30_000 }).toBe('ReadOnlyDisk');
    expect((await client.cypher(restAddress, 'MATCH (n:N) RETURN count(n) >= 1')).rows).toEqual([[true]]);
    await group.stopAll('SIGTERM');
    group.startAll();
    await group.ready();
    await write(client);
  } finally {
    await group.stopAll('SIGKILL');
  }
}, 120_000);

it('is what --check looks at', async () => {
  const folder = join(directory, 'fresh');
  const line = async (...flags: string[]) => (await checkServer(loadConfig(['--directory', folder, '--host', '127.0.0.1', ...flags], {}).config)).find(({ name }) => name === 'directory');
  expect(await line()).toMatchObject({ ok: true });
  expect(await line(...RESERVE)).toMatchObject({ ok: false });
});
