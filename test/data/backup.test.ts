/** Backups of a server under load, what is restored from them at many versions, and everything that can go wrong on the way. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { RestSource } from '../../src/cli/backup-source.ts';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';
import { chooseChain } from '../../src/data/backup/chain.ts';
import { createBackup } from '../../src/data/backup/create.ts';
import type { BackupType } from '../../src/data/backup/create.ts';
import { readCatalog } from '../../src/data/backup/manifest.ts';
import type { Manifest } from '../../src/data/backup/manifest.ts';
import { pruneBackups } from '../../src/data/backup/prune.ts';
import { buildState } from '../../src/data/backup/restore.ts';
import { S3Storage, s3Options } from '../../src/data/backup/s3-storage.ts';
import type { BackupSource } from '../../src/data/backup/source.ts';
import { FolderStorage, sha256 } from '../../src/data/backup/storage.ts';
import type { BackupStorage } from '../../src/data/backup/storage.ts';
import { verifyBackups } from '../../src/data/backup/verify.ts';
import { backupRound } from '../../src/server/backup-round.ts';
import type { BackupPoints } from '../../src/service/backup-points.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';
import { run, start } from './tools.ts';

const SEED = 20260131;
const PART_BYTES = 1 << 20;
let directory: string;
let group: LocalGroup;
let client: RestClient;
let address: string;
let source: RestSource;
let storage: FolderStorage;
/** Checksum and time by version, as the server said while it was written to. */
const known = new Map<number, { readonly checksum: string; readonly atMs: number }>();
const notes: string[] = [];

const create = (type: BackupType, from: BackupSource = source, to: BackupStorage = storage, partBytes = PART_BYTES) =>
  createBackup(from, to, { type, fullIfNeeded: false, partBytes, onPart: () => undefined, onNote: (line) => void notes.push(line) });

async function restored(target: { id?: string; version?: number; timeMs?: number }, from: BackupStorage = storage) {
  const chain = chooseChain(await readCatalog(from), target);
  return buildState(from, chain, target, new MemoryEngine(), { onPart: () => undefined });
}

async function problems(of: BackupStorage): Promise<string[]> {
  const found: string[] = [];
  await verifyBackups(of, { id: undefined, deepIn: undefined, onPart: () => undefined, onProblem: ({ message }) => void found.push(message) });
  return found;
}

async function note(): Promise<void> {
  const [version, checksum] = (await client.cypher(address, 'CALL dbms.ha.checksum()')).rows[0] as [number, string];
  known.set(version, { checksum, atMs: Date.now() });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-backup-'));
  storage = new FolderStorage(join(directory, 'backups'));
  group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 24_500 });
  group.startAll();
  await group.ready(60_000);
  address = group.servers[0]!.restAddress;
  client = await RestClient.login(address, 'admin', '73@TuGraph');
  source = new RestSource({ addresses: [address], user: 'admin', password: '73@TuGraph', retryMs: 20_000 });
  await client.cypher(address, 'UNWIND range(1, 20000) AS i CREATE (:P {id: i, text: \'text \' + i})-[:K]->(:Q {i: i})');
}, 90_000);
afterAll(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('backups of a server that is written to', () => {
  it('hold exactly one version each, and every version in between', async () => {
    let isOver = false;
    const writers = [0, 1, 2].map(async (who) => {
      const writer = client.sibling();
      for (let i = 0; !isOver; i++) await writer.cypher(address, `CREATE (:W {who: ${who}, i: ${i}})-[:NEXT]->(:W) WITH 1 AS x MATCH (n:W {who: ${who}, i: ${i - 3}}) DETACH DELETE n`);
    });
    const reader = (async () => {
      while (!isOver) await note();
    })();
    const [full] = await create('full');
    const made: Manifest[] = [];
    for (let round = 0; round < 3; round++) {
      const seen = known.size;
      await eventually('more versions', 30_000, async () => known.size > seen + 10);
      made.push(...await create('incremental'));
    }
    isOver = true;
    await Promise.all([...writers, reader]);
    expect(made.map(({ base }) => base)).toEqual([full!.id, made[0]!.id, made[1]!.id]);
    expect(full!.parts.length).toBeGreaterThan(1);

    expect(await restored({ id: full!.id })).toMatchObject({ version: full!.version, checksum: full!.checksum });
    expect(await restored({})).toMatchObject({ version: made[2]!.version, checksum: made[2]!.checksum });
    const versions = [...known.keys()].filter((version) => version > full!.version && version <= made[2]!.version);
    expect(versions.length).toBeGreaterThan(20);
    for (let i = 0, at = SEED; i < 20; i++) {
      at = (at * 16807) % 2147483647;
      const version = versions.splice(at % versions.length, 1)[0]!;
      expect(await restored({ version }), `version ${version}, seed ${SEED}`).toMatchObject({ version, checksum: known.get(version)!.checksum });
    }
  }, 120_000);

  it('bring back a moment: the last change not later than it', async () => {
    const [version, { atMs }] = [...known].at(-1)!;
    await new Promise((resolve) => setTimeout(resolve, 5));
    await client.cypher(address, 'CREATE (:Later)');
    const [last] = await create('incremental');
    expect((await restored({ timeMs: atMs })).version).toBeGreaterThanOrEqual(version);
    expect((await restored({ timeMs: atMs })).version).toBeLessThan(last!.version);
    await expect(restored({ timeMs: Date.now() + 60_000 })).rejects.toThrow(/no backup here holds the moment/);
    await expect(restored({ version: 1 })).rejects.toThrow(/no backup here holds version 1: they go from version \d+/);
    expect(await create('incremental')).toEqual([]);
  }, 60_000);

  it('are restored by the tool to a directory that a server starts on, and never over data', async () => {
    const target = join(directory, 'restored');
    const args = ['--command', 'restore', '-b', storage.place, '-d', target];
    expect(await run('lgraph_backup', args)).toMatchObject({ code: 0, err: '' });
    expect(existsSync(`${target}.restoring`)).toBe(false);
    expect(await run('lgraph_backup', args)).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') as string });
    const other = await LocalGroup.create({ size: 1, standalone: true, directory: join(directory, 'other'), basePort: 24_530 });
    const [server] = other.servers;
    cpSync(target, join(server!.directory, 'data'), { recursive: true });
    other.startAll();
    try {
      await other.ready(60_000);
      const again = await RestClient.login(server!.restAddress, 'admin', '73@TuGraph');
      const count = 'MATCH (n) RETURN count(n)';
      expect((await again.cypher(server!.restAddress, count)).rows).toEqual((await client.cypher(address, count)).rows);
      // Another group: its first backup is a full one.
      await expect(create('incremental', new RestSource({ addresses: [server!.restAddress], user: 'admin', password: '73@TuGraph', retryMs: 10_000 }))).rejects.toMatchObject({ code: 'LogNotKept' });
    } finally {
      await other.stopAll('SIGKILL');
    }
  }, 120_000);
});

describe('a restore that is killed', () => {
  it('leaves no directory at any moment, keeps a server from beginning without the data, and gives the same state when it is called again', async () => {
    // In the middle of what the incremental backups hold.
    const version = [...known.keys()].sort((a, b) => a - b)[Math.floor(known.size / 2)]!;
    const target = join(directory, 'moment');
    const staging = `${target}.restoring`;
    const args = ['--command', 'restore', '-b', storage.place, '-d', target, '--to_version', String(version)];
    const wanted = expect.stringContaining(`restored version ${version}, `) as string;
    const whole = start('lgraph_backup', args);
    await eventually('the restore has begun', 30_000, async () => existsSync(staging) || whole.child.exitCode !== null);
    const begun = performance.now();
    const reference = await whole.outcome;
    const tookMs = performance.now() - begun;
    expect(reference).toMatchObject({ code: 0, err: '', out: wanted });
    expect(reference.out).toContain(`checksum ${known.get(version)!.checksum}`);
    let killed = 0;
    // Sooner each time that it was done before: the machine may have been busier when the first one was timed.
    for (let round = 0, random = SEED; round < 4 || (killed === 0 && round < 16); round++) {
      rmSync(target, { recursive: true, force: true });
      const { child, outcome } = start('lgraph_backup', args);
      await eventually('the restore has begun', 30_000, async () => existsSync(staging) || child.exitCode !== null);
      random = (random * 16807) % 2147483647;
      await sleep((random / 2147483647) * tookMs * 0.9 * (killed === 0 ? 0.7 ** round : 1));
      child.kill('SIGKILL');
      if ((await outcome).code === 0) continue;
      if (!existsSync(staging)) continue;
      killed++;
      expect(existsSync(target), `round ${round}, seed ${SEED}`).toBe(false);
      // On the half, and in place of the whole.
      if (killed === 1) {
        for (const path of [staging, target]) {
          const server = await run('lgraph_server', ['--directory', path, '--host', '127.0.0.1', '--port', '0', '-d', 'run']);
          expect(server.code).not.toBe(0);
          expect(server.err + server.out).toMatch(/lgraph_backup --command restore(, which)? has not finished/);
        }
        expect(await run('lgraph_validate', ['-d', staging])).toMatchObject({ code: 1, err: expect.stringContaining('has not finished') as string });
        expect(existsSync(target)).toBe(false);
      }
      const again = await run('lgraph_backup', args);
      expect(again).toMatchObject({ code: 0, err: '', out: reference.out });
      expect(existsSync(staging)).toBe(false);
      expect(await run('lgraph_validate', ['-d', target])).toMatchObject({ code: 0 });
    }
    expect(killed).toBeGreaterThan(0);
  }, 120_000);
});

describe('damage is named', () => {
  const damaged = (name: string): FolderStorage => {
    const copy = join(directory, name);
    cpSync(storage.place, copy, { recursive: true });
    return new FolderStorage(copy);
  };
  const folder = (of: FolderStorage, end: string) => readdirSync(of.place).find((id) => id.endsWith(end))!;

  it('a turned bit, a part that is gone, a manifest cut short or changed, a base that is gone', async () => {
    expect(await problems(storage)).toEqual([]);
    const bit = damaged('bit');
    const part = join(bit.place, folder(bit, 'full'), 'state-000001');
    const bytes = readFileSync(part);
    bytes[1000]! ^= 1;
    writeFileSync(part, bytes);
    expect(await problems(bit)).toEqual([expect.stringMatching(/full\/state-000001 fails its SHA-256/)]);
    await expect(restored({}, bit)).rejects.toThrow(/full\/state-000001 fails its SHA-256/);
    rmSync(part);
    await expect(restored({}, bit)).rejects.toThrow(/full\/state-000001 is missing/);
    const cut = damaged('cut');
    const manifest = join(cut.place, folder(cut, 'full'), 'manifest.json');
    const text = readFileSync(manifest, 'utf8');
    truncateSync(manifest, 100);
    expect((await problems(cut)).join()).toMatch(/full\/manifest.json is truncated or is no JSON \(100 bytes\)/);
    await expect(restored({}, cut)).rejects.toThrow(/manifest.json is truncated/);
    writeFileSync(manifest, text.replace(/"version": (\d+)/, '"version": 1$1'));
    await expect(restored({}, cut)).rejects.toThrow(/manifest.json fails its checksum/);
    rmSync(join(cut.place, folder(cut, 'full')), { recursive: true });
    await expect(restored({}, cut)).rejects.toThrow(/goes on from .*-full, which is missing/);
  }, 60_000);
});

describe('a backup that is interrupted', () => {
  it('goes on behind its last part when the tool is killed, and begins anew when the server was', async () => {
    const place = new FolderStorage(join(directory, 'killed'));
    const { child, outcome } = start('lgraph_backup', ['--command', 'create', '-b', place.place, '--url', address, '--part_mb', '0.1']);
    await eventually('some parts', 60_000, async () => child.exitCode !== null || (await place.list()).filter((name) => /state-\d+$/.test(name)).length >= 2);
    child.kill('SIGKILL');
    expect((await outcome).code).not.toBe(0);
    expect((await readCatalog(place)).backups).toEqual([]);
    // Whatever was half written: the version is still held, so the version of the backup is that of its beginning.
    await client.cypher(address, 'CREATE (:AfterTheKill)');
    const begun = Number(/-v(\d+)-/.exec((await readCatalog(place)).unfinished[0]!)![1]);
    const [full] = await create('auto', source, place);
    expect(notes.at(-1)).toMatch(/^going on with .* behind \d+ parts$/);
    expect(full!.version).toBe(begun);
    expect(await restored({}, place)).toMatchObject({ version: begun, checksum: full!.checksum });

    const second = new FolderStorage(join(directory, 'killed2'));
    let parts = 0;
    const failing: BackupSource = {
      newest: () => source.newest(), begin: () => source.begin(), log: (...args) => source.log(...args), end: (token) => source.end(token),
      state: async (token, after, bytesMax) => {
        if (++parts === 2) {
          await group.stop(group.servers[0]!, 'SIGKILL');
          group.start(group.servers[0]!);
        }
        return source.state(token, after, bytesMax);
      },
    };
    const [anew] = await create('auto', failing, second);
    expect(notes.at(-1)).toMatch(/cannot be gone on with/);
    expect(await restored({}, second)).toMatchObject({ version: anew!.version, checksum: anew!.checksum });
    expect((await readCatalog(second)).unfinished).toEqual([]);
  }, 120_000);

  it('an incremental one, killed again and again, goes on behind its last part, and what was there before can be restored meanwhile', async () => {
    const place = new FolderStorage(join(directory, 'killed3'));
    const [full] = await create('full', source, place);
    for (let i = 0; i < 150; i++) await client.cypher(address, `UNWIND range(1, 200) AS i CREATE (:Later {i: i, round: ${i}, text: 'text ' + i})`);
    const partsOf = async () => (await place.list()).filter((name) => /-incr\/log-\d+$/.test(name)).length;
    let kills = 0;
    for (let parts = await partsOf(); kills < 4; kills++) {
      const { child, outcome } = start('lgraph_backup', ['--command', 'create', '--type', 'incremental', '-b', place.place, '--url', address, '--part_mb', '0.01']);
      // Looked at more often than `eventually` does: all parts are there within half a second.
      while (child.exitCode === null && await partsOf() <= parts + 3) await sleep(1);
      child.kill('SIGKILL');
      if ((await outcome).code === 0) break;
      expect(await partsOf(), 'none is lost').toBeGreaterThan(parts);
      parts = await partsOf();
      expect((await readCatalog(place)).backups.map(({ id }) => id)).toEqual([full!.id]);
      expect(await restored({}, place)).toMatchObject({ version: full!.version, checksum: full!.checksum });
    }
    expect(kills).toBe(4);
    await client.cypher(address, 'CREATE (:AfterTheKills)');
    const began = Number(/-v(\d+)-/.exec((await readCatalog(place)).unfinished[0]!)![1]);
    const [incremental] = await create('incremental', source, place);
    expect(notes.at(-1)).toMatch(/^going on with .*-incr behind \d+ parts$/);
    expect(incremental).toMatchObject({ version: began, base: full!.id });
    expect(await restored({}, place)).toMatchObject({ version: began, checksum: incremental!.checksum });
    expect(await problems(place)).toEqual([]);
  }, 120_000);

  it('says that the log does not reach back, and makes a full one if it may', async () => {
    const place = new FolderStorage(join(directory, 'gap'));
    await create('full', source, place);
    await client.cypher(address, 'CREATE (:N)');
    const short: BackupSource = {
      newest: () => source.newest(), begin: () => source.begin(), state: (...args) => source.state(...args), end: (token) => source.end(token),
      log: () => Promise.reject(new DbError('LogNotKept', 'the log of this server begins at version 1000')),
    };
    await expect(create('incremental', short, place)).rejects.toMatchObject({ code: 'LogNotKept', hint: expect.stringContaining('full backup') as string });
    expect((await create('auto', short, place)).map(({ kind }) => kind)).toEqual(['full']);
    expect(notes.join('\n')).toContain('cannot be restored');
    // Nothing of the first full backup's chain is broken by what replaces it.
    expect((await pruneBackups(place, { keepFull: 1, keepDays: 1 }, Date.now())).length).toBe(0);
    expect((await pruneBackups(place, { keepFull: 1, keepDays: undefined }, Date.now())).length).toBe(1);
    expect(await problems(place)).toEqual([]);
    await restored({}, place);
  }, 60_000);

  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  it.skipIf(!isRoot)('by a full disk goes on when there is space (needs root)', async () => {
    const disk = join(directory, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk]);
    try {
      const place = new FolderStorage(disk);
      await expect(create('full', source, place, 100_000)).rejects.toMatchObject({ code: 'ReadOnlyDisk', message: expect.stringContaining(disk) as string });
      expect((await readCatalog(place)).backups).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=100m', disk]);
      const [full] = await create('full', source, place, PART_BYTES);
      expect(await restored({}, place)).toMatchObject({ checksum: full!.checksum });
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  }, 60_000);
});

describe('a place that is not for one group alone', () => {
  /** The same server as if it were another group. */
  const ofGroup = (clusterId: string): BackupSource => ({
    newest: async () => ({ ...await source.newest(), clusterId }),
    begin: async () => ({ ...await source.begin(), clusterId }),
    state: (token, after, bytesMax) => source.state(token, after, bytesMax),
    log: (from, to, bytesMax) => source.log(from, to, bytesMax),
    end: (token) => source.end(token),
  });
  const killedAt = (from: BackupSource): BackupSource => ({ ...from, newest: () => from.newest(), begin: () => from.begin(), state: () => Promise.reject(new Error('killed')), end: (token) => from.end(token) });

  /** As a server has it at hand, in pieces. */
  const pointsOf = (from: BackupSource) => ({
    newest: () => from.newest(),
    begin: async () => {
      const { token: name, ...point } = await from.begin();
      return { name, ...point };
    },
    state: async function* state(...args: Parameters<BackupSource['state']>) {
      yield await from.state(...args);
    },
    log: async (...args: Parameters<BackupSource['log']>) => [await from.log(...args)],
    end: (name: string) => void from.end(name),
  }) as unknown as BackupPoints;

  it('keeps whatever else lies there, and says what was renamed', async () => {
    const folder = join(directory, 'mixed');
    mkdirSync(join(folder, 'photos', '2024'), { recursive: true });
    for (const name of ['photos/2024/a.jpg', 'photos/manifest.json', 'note.txt']) writeFileSync(join(folder, name), 'x');
    const place = new FolderStorage(folder);
    await expect(create('full', killedAt(source), place)).rejects.toThrow('killed');
    const [full] = await create('full', source, place);
    expect((await readCatalog(place)).unfinished).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual([full!.id, 'note.txt', 'photos']);
    expect(readdirSync(join(folder, 'photos', '2024'))).toEqual(['a.jpg']);
    expect(await problems(place)).toEqual([]);
    cpSync(join(folder, full!.id), join(folder, full!.id.replace(/^./, '1')), { recursive: true });
    expect(await problems(place)).toEqual([expect.stringContaining(`is that of ${full!.id}`)]);
  });

  it('goes on with what its own group was making, and counts its own backups only', async () => {
    const place = new FolderStorage(join(directory, 'shared'));
    const [a, b] = [ofGroup('a'), ofGroup('b')];
    await expect(create('full', killedAt(a), place)).rejects.toThrow('killed');
    const { unfinished } = await readCatalog(place);
    const [ofB] = await create('auto', b, place);
    expect(ofB).toMatchObject({ kind: 'full', cluster_id: 'b' });
    expect((await readCatalog(place)).unfinished).toEqual(unfinished);
    expect(await create('auto', a, place)).toMatchObject([{ id: unfinished[0], cluster_id: 'a' }]);
    await create('full', b, place);
    await create('full', b, place);
    expect((await pruneBackups(place, { keepFull: 1, keepDays: undefined }, Date.now())).map(({ cluster_id: id }) => id)).toEqual(['b', 'b']);
    expect((await readCatalog(place)).backups.map(({ cluster_id: id }) => id).sort()).toEqual(['a', 'b']);
    await create('full', b, place);
    expect(await pruneBackups(place, { keepFull: 1, keepDays: undefined, clusterId: 'a' }, Date.now())).toEqual([]);
    // A schedule waits neither for another group's backups nor for the moment that a wrong clock wrote.
    const round = (from: BackupSource, nowMs = Date.now()) => backupRound(pointsOf(from), place, { intervalMs: 3_600_000, fullEvery: 3, keep: 1, upload: { partBytes: 1, parallel: 1 } }, () => nowMs, () => undefined);
    expect((await round(b)).made).toBe(undefined);
    expect((await round(b, Date.now() - 86_400_000)).made).not.toBe(undefined);
    expect((await round(ofGroup('c'))).made).not.toBe(undefined);
    expect(new Set((await readCatalog(place)).backups.map(({ cluster_id: id }) => id))).toEqual(new Set(['a', 'b', 'c']));
  });

  it('is not held by whoever has not been heard of, even under the number of a process that lives', async () => {
    const place = new FolderStorage(join(directory, 'held'));
    const unlock = await place.lock();
    await expect(place.lock()).rejects.toMatchObject({ code: 'Busy' });
    const long = new Date(Date.now() - 3_600_000);
    utimesSync(join(place.place, '.lock'), long, long);
    (await place.lock())();
    unlock();
  });
});

it('keeps backups in storage that speaks S3', async () => {
  const objects = new Map<string, Buffer>();
  const bad: string[] = [];
  const s3 = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const body = Buffer.concat(chunks);
      const url = new URL(request.url!, 'http://s3');
      const key = decodeURIComponent(url.pathname.replace(/^\/bucket\//, ''));
      if (!/^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/us-east-1\/s3\/aws4_request, SignedHeaders=.*, Signature=[0-9a-f]{64}$/.test(request.headers.authorization ?? '')) bad.push(`${request.method} ${request.url}`);
      if (request.method === 'PUT' && request.headers['x-amz-content-sha256'] !== sha256(body)) bad.push(`PUT ${key}: sha256`);
      if (request.method === 'PUT') objects.set(key, body);
      if (request.method === 'DELETE') objects.delete(key);
      if (url.searchParams.get('list-type') === '2') {
        // Pages of two.
        const keys = [...objects.keys()].filter((one) => one.startsWith(url.searchParams.get('prefix')!)).sort();
        const from = Number(url.searchParams.get('continuation-token') ?? 0);
        const next = from + 2 < keys.length ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : '';
        response.end(`<ListBucketResult>${keys.slice(from, from + 2).map((one) => `<Contents><Key>${one}</Key></Contents>`).join('')}${next}</ListBucketResult>`);
      } else if (request.method === 'GET' && !objects.has(key)) response.writeHead(404).end();
      else response.end(request.method === 'GET' ? objects.get(key) : undefined);
    });
  });
  await new Promise<void>((resolve) => s3.listen(0, '127.0.0.1', resolve));
  try {
    const place = new S3Storage(s3Options('s3://bucket/some/prefix', { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'SECRET' }, { endpoint: `http://127.0.0.1:${(s3.address() as AddressInfo).port}` }));
    await create('auto', source, place);
    await client.cypher(address, 'CREATE (:InS3)');
    const [last] = await create('auto', source, place);
    expect(last!.kind).toBe('incremental');
    expect(await restored({}, place)).toMatchObject({ version: last!.version, checksum: last!.checksum });
    expect([...objects.keys()].every((key) => key.startsWith('some/prefix/'))).toBe(true);
    objects.delete(`some/prefix/${last!.id}/log-000001`);
    expect(await problems(place)).toEqual([expect.stringMatching(/log-000001 is missing/)]);
    expect(bad).toEqual([]);
  } finally {
    s3.close();
  }
}, 60_000);

it('are made by the server itself, and the older ones go', async () => {
  const place = new FolderStorage(join(directory, 'scheduled'));
  const flags = ['--backup_dir', place.place, '--backup_interval_s', '1', '--backup_full_every', '1', '--backup_keep', '1'];
  const own = await LocalGroup.create({ size: 1, standalone: true, directory: join(directory, 'own'), basePort: 24_560, flags });
  own.startAll();
  try {
    await own.ready(60_000);
    const at = own.servers[0]!.restAddress;
    const writer = await RestClient.login(at, 'admin', '73@TuGraph');
    const fulls = new Set<string>();
    await eventually('three full backups, of which one stays', 60_000, async () => {
      await writer.cypher(at, 'CREATE (:N)');
      const { backups } = await readCatalog(place).catch(() => ({ backups: [] }));
      const now = backups.filter(({ kind }) => kind === 'full');
      for (const { id } of now) fulls.add(id);
      return fulls.size >= 3 && now.length === 1;
    });
    const metrics = await (await fetch(`http://${at}/metrics`)).text();
    expect(metrics).toMatch(/^lgraph_backup_last_ok 1$/m);
    expect(Number(/^lgraph_backup_last_version (\d+)$/m.exec(metrics)![1])).toBeGreaterThan(1);
  } finally {
    await own.stopAll();
  }
  expect(await problems(place)).toEqual([]);
  const newest = await restored({}, place);
  expect(newest.version).toBeGreaterThan(1);
}, 120_000);
