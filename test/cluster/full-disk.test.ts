/** A server whose disk is full serves reads, refuses writes with a clear error, and goes on by itself when there is space (needs root). */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import type { LocalServer } from '../../src/cli/local-group.ts';
import { eventually, probe, RestClient } from '../../src/cli/rest-client.ts';

/** Until nothing more fits. */
function fill(disk: string): void {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=1M'], { stdio: 'ignore' });
  } catch {
    // "No space left" is what was wanted.
  }
}

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

it.skipIf(!isRoot)('a full disk is a pause, not an end (needs root)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-full-'));
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', disk]);
  const group = await LocalGroup.create({ size: 1, standalone: true, directory: disk, basePort: 24_100 });
  const server = group.servers[0]!;
  try {
    const child = group.start(server);
    await group.ready();
    const client = await RestClient.login(server.restAddress, 'admin', '73@TuGraph');
    const write = () => client.cypher(server.restAddress, 'CREATE (:N {pad: $pad})', { parameters: { pad: 'x'.repeat(2000) } });
    await write();
    fill(disk);
    const error = await eventually('a refusal', 30_000, () => write().then(() => undefined, (thrown: { code?: string; status?: number }) => (thrown.code === 'ReadOnlyDisk' ? thrown : undefined)));
    expect(error.status).toBe(507);
    const read = await client.cypher(server.restAddress, 'MATCH (n:N) RETURN count(n) > 0');
    expect(read.rows).toEqual([[true]]);
    // Full again while it opens its store: that is waited out too.
    rmSync(join(disk, 'ballast'));
    await eventually('it begins anew', 30_000, () => Promise.resolve(readFileSync(join(server.directory, 'log'), 'utf8').includes('consensus stopped') || undefined));
    fill(disk);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(child.exitCode).toBe(null);
    rmSync(join(disk, 'ballast'));
    await eventually('writes again', 30_000, () => write().then(() => true, () => undefined));
    expect(child.exitCode).toBe(null);
    expect(server.child?.pid).toBe(child.pid);
  } finally {
    await group.stopAll('SIGKILL');
    execFileSync('umount', ['-l', disk]);
    rmSync(directory, { recursive: true, force: true });
  }
}, 120_000);

it.skipIf(!isRoot)('a group whose disks are all full does not pass the lead round, and goes on when there is space (needs root)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-full-'));
  const group = await LocalGroup.create({ size: 3, directory, basePort: 24_130 });
  const disks = group.servers.map((server) => join(server.directory, 'data'));
  try {
    for (const disk of disks) {
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk]);
    }
    group.startAll();
    await group.ready(60_000);
    const [server] = group.servers as [typeof group.servers[0]];
    const client = await RestClient.login(server!.restAddress, 'admin', '73@TuGraph');
    const write = () => client.cypher(server!.restAddress, 'CREATE (:N {pad: $pad})', { parameters: { pad: 'x'.repeat(2000) } });
    const place = async () => (await client.cypher(server!.restAddress, 'CALL dbms.listServers() YIELD term, commit_index RETURN term, commit_index')).rows[0] as [number, number];
    await write();
    const [termBefore, indexBefore] = await place();
    for (const disk of disks) fill(disk);
    for (let i = 0; i < 3; i++) await write().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 8000));
    await eventually('the reason', 30_000, () => write().then(() => undefined, (thrown: { code?: string }) => (thrown.code === 'ReadOnlyDisk' ? true : undefined)));
    const [term, index] = await place();
    expect(term - termBefore).toBeLessThan(20);
    expect(index - indexBefore).toBeLessThan(30);
    for (const disk of disks) rmSync(join(disk, 'ballast'));
    await eventually('writes again', 60_000, () => write().then(() => true, () => undefined));
  } finally {
    await group.stopAll('SIGKILL');
    for (const disk of disks) execFileSync('umount', ['-l', disk]);
    rmSync(directory, { recursive: true, force: true });
  }
}, 180_000);

it.skipIf(!isRoot)('a server that finds the disk of its log full when it starts waits for space, and says so (needs root)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-full-'));
  const disk = join(directory, 'log-disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk]);
  const group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 24_160, flags: ['--ha_log_dir', join(disk, 'log')] });
  const server = group.servers[0]!;
  try {
    for (const isNew of [true, false]) {
      if (isNew) mkdirSync(join(disk, 'log'));
      fill(disk);
      const child = group.start(server);
      await eventually('it says what it waits for', 30_000, async () => (await probe(server.restAddress, '/readyz'))?.text.includes('waiting for space on the disk of its log'));
      expect(child.exitCode).toBe(null);
      rmSync(join(disk, 'ballast'));
      await group.readyOne(server);
      const client = await RestClient.login(server.restAddress, 'admin', '73@TuGraph');
      await client.cypher(server.restAddress, 'CREATE (:N)');
      expect((await client.cypher(server.restAddress, 'MATCH (n:N) RETURN count(n)')).rows).toEqual([[isNew ? 1 : 2]]);
      await group.stop(server, isNew ? 'SIGTERM' : 'SIGKILL');
    }
  } finally {
    await group.stopAll('SIGKILL');
    execFileSync('umount', ['-l', disk]);
    rmSync(directory, { recursive: true, force: true });
  }
}, 120_000);

it.skipIf(!isRoot)('a leader without room for a whole state goes on taking writes, says what it lacks, and sends the state when there is room (needs root)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-full-'));
  const group = await LocalGroup.create({ size: 2, directory, basePort: 24_190, flags: ['--ha_log_keeps_entries', '100', '--ha_log_segment_mb', '1'] });
  const [leader, joining] = group.servers as [LocalServer, LocalServer];
  const disk = join(leader.directory, 'data');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', disk]);
  const resize = (bytes: number) => execFileSync('mount', ['-o', `remount,size=${bytes}`, disk]);
  try {
    group.start(leader, ['--ha_conf', leader.rpcAddress]);
    await group.readyOne(leader);
    const client = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
    const write = () => client.cypher(leader.restAddress, 'CREATE (:Small)');
    for (let i = 0; i < 24; i++) {
      const parts = Array.from({ length: 20 }, () => randomBytes(37_500).toString('base64'));
      await client.cypher(leader.restAddress, 'UNWIND $parts AS text CREATE (:Big {text: text})', { parameters: { $parts: parts } });
    }
    for (let i = 0; i < 300; i += 50) await Promise.all(Array.from({ length: 50 }, write));
    await client.post(leader.restAddress, '/group/snapshot', {});
    const { blocks, bavail, bsize } = statfsSync(disk);
    resize((blocks - bavail) * bsize + 75 * 2 ** 20);
    group.start(joining);
    const noteOf = async () => (await client.get(leader.restAddress, '/info/peers') as { rpc_address: string; note: string }[]).find((one) => one.rpc_address === joining.rpcAddress)?.note;
    await eventually('it says what it lacks', 30_000, async () => /no room to write the state/.test(await noteOf() ?? ''));
    for (let i = 0; i < 20; i++) {
      await write();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(readdirSync(join(disk, 'ha')).filter((name) => name.startsWith('export'))).toEqual([]);
    resize(400 * 2 ** 20);
    const here = await eventually('the state', 30_000, () => client.sibling().cypher(joining.restAddress, 'MATCH (n:Big) RETURN count(n)').catch(() => undefined));
    expect(here.rows).toEqual([[480]]);
  } finally {
    await group.stopAll('SIGKILL');
    execFileSync('umount', ['-l', disk]);
    rmSync(directory, { recursive: true, force: true });
  }
}, 120_000);
