/** `--check` says what a start would: what is in the directory fits the options, or not. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeInfo } from '../../src/replica/consensus-status.ts';
import { realDisk } from '../../src/replica/log-store-disk.ts';
import { newIdentity, writeIdentity } from '../../src/replica/log-store-identity.ts';
import type { Identity } from '../../src/replica/log-store-identity.ts';
import { LogStore } from '../../src/replica/log-store.ts';
import { checkServer } from '../../src/server/check.ts';
import { loadConfig } from '../../src/server/config.ts';

let directory: string;
let logDirectory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-check-'));
  logDirectory = join(directory, 'ha');
  mkdirSync(logDirectory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The folder of the log as such a server leaves it. */
function leave(identity: Partial<Identity>, others = 0, startIndex = 0): void {
  const disk = realDisk(logDirectory);
  const known = { ...newIdentity(identity.isWitness ?? false), clusterId: 'c', ...identity };
  writeIdentity(disk, known);
  if (known.membership !== 'MEMBER') return;
  const store = new LogStore({ disk, durable: true, monotonicMs: () => performance.now() });
  const members = Array.from({ length: others + 1 }, (_, i) => ({
    id: i === 0 ? known.nodeId : `other${i}`, voter: true, witness: false,
    info: encodeInfo({ rpcAddress: `127.0.0.1:${i}`, restAddress: '', boltAddress: '', isWitness: false, serverVersion: '' }),
  }));
  store.persist({ seq: 1, hard: undefined, truncateFrom: undefined, entries: [], start: { index: startIndex, term: 1, config: { members }, reset: true } });
  store.close();
}

/** What is said of the log. */
async function check(...flags: string[]): Promise<string> {
  const { config } = loadConfig(['--directory', directory, '--host', '127.0.0.1', ...flags], {});
  const [line] = (await checkServer(config)).filter(({ name }) => name === 'log');
  return `${line?.ok} ${line?.text}`;
}

const GROUP = ['--enable_ha', 'true', '--ha_conf', '127.0.0.1:9090,127.0.0.1:9091'];

it('refuses what a start refuses, and changes nothing', async () => {
  leave({ membership: 'MEMBER', isWitness: true }, 2);
  const before = readFileSync(join(logDirectory, 'node.json'), 'utf8');
  expect(await check(...GROUP)).toMatch(/^false this directory belongs to a witness; its role cannot change/);
  expect(await check(...GROUP, '--ha_is_witness', '1')).toMatch(/^true entries/);
  expect(await check(...GROUP, '--ha_is_witness', '1', '--ha_bootstrap_role', '1')).toMatch(/^false Can not bootstrap on witness node/);
  leave({ membership: 'MEMBER' }, 2);
  expect(await check(...GROUP, '--ha_is_witness', '1')).toMatch(/^false this directory belongs to a server with data/);
  expect(await check(...GROUP, '--ha_bootstrap_role', '1')).toMatch(/^false this server belongs to the group c already/);
  expect(await check(...GROUP)).toMatch(/^true entries/);
  expect(await check()).toMatch(/^false this directory belongs to a server of the group 127\.0\.0\.1:0, 127\.0\.0\.1:1, 127\.0\.0\.1:2: start it with --enable_ha true/);
  expect(JSON.parse(readFileSync(join(logDirectory, 'node.json'), 'utf8'))).toMatchObject({ bootSeq: (JSON.parse(before) as Identity).bootSeq });
});

it('sees that the log, or who it belongs to, is gone', async () => {
  leave({ membership: 'MEMBER' });
  expect(await check()).toMatch(/^true entries/);
  for (const name of readdirSync(logDirectory)) if (name.startsWith('log-')) rmSync(join(logDirectory, name));
  expect(await check()).toMatch(/^false the log in .* is gone, but this server is a member of the group c/);
  leave({ membership: 'MEMBER' });
  rmSync(join(logDirectory, 'node.json'));
  expect(await check()).toMatch(/^false there is a log but no node\.json beside it/);
});

it('sees that the data is gone, or older than what the log begins with', async () => {
  leave({ membership: 'MEMBER' }, 0, 149);
  expect(await check()).toMatch(/^false the data is at version 0, but the log begins behind version 149/);
  leave({ membership: 'MEMBER', isWitness: true }, 2, 149);
  expect(await check(...GROUP, '--ha_is_witness', '1')).toMatch(/^true entries/);
});

it('sees what a tool has not finished', async () => {
  mkdirSync(join(directory, 'repairing'));
  const { config } = loadConfig(['--directory', directory, '--host', '127.0.0.1'], {});
  expect((await checkServer(config)).find(({ name }) => name === 'directory')).toMatchObject({ ok: false, text: expect.stringContaining('has not finished') as string });
});
