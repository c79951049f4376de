/** The log when its disk or folder fails: nobody who has something to say gets an error for it. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkServer } from '../../src/server/check.ts';
import { loadConfig } from '../../src/server/config.ts';
import { openLog } from '../../src/server/log.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-log-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const KB = 1 / 1024;

it('loses lines that cannot be written, goes on, and says how many', () => {
  const folder = join(directory, 'log');
  const log = openLog({ log_dir: folder, log_file_size: KB, max_n_log_files: 3, verbose: 1 });
  log.info('x'.repeat(2000));
  renameSync(folder, `${folder}.gone`);
  writeFileSync(folder, 'no folder any more');
  for (let i = 0; i < 5; i++) log.info(`lost ${i}`);
  rmSync(folder);
  mkdirSync(folder);
  log.info('here again');
  const text = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('');
  const lines = text.trimEnd().split('\n').map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(lines).toEqual(['5 lines of this log could not be written', 'here again']);
});

it('begins a new file where somebody has removed the one it writes to, with its folder', () => {
  const folder = join(directory, 'log');
  const log = openLog({ log_dir: folder, log_file_size: 1, max_n_log_files: 3, verbose: 1 });
  const text = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('');
  log.info('first');
  rmSync(folder, { recursive: true });
  log.info('second');
  expect(text()).toContain('second');
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  log.info('third');
  expect(text()).toContain('third');
});

it('keeps the newest files, and the one it writes to, also when the clock was set back', () => {
  const folder = join(directory, 'log');
  mkdirSync(join(folder, 'lgraph_20200101_000000.log'), { recursive: true });
  const future = Array.from({ length: 12 }, (_, n) => `lgraph_29990101_000000${n === 0 ? '' : `_${n}`}.log`);
  for (const name of future) writeFileSync(join(folder, name), '');
  const options = { log_dir: folder, log_file_size: 1, max_n_log_files: 3, verbose: 1 };
  // A folder of that name cannot be removed as a file can: no reason not to start.
  openLog(options).info('here');
  rmSync(join(folder, 'lgraph_20200101_000000.log'), { recursive: true });
  for (const name of readdirSync(folder)) if (!future.includes(name)) rmSync(join(folder, name));
  openLog(options).info('there');
  const names = readdirSync(folder);
  expect(names.filter((name) => future.includes(name)).sort()).toEqual(['lgraph_29990101_000000_10.log', 'lgraph_29990101_000000_11.log']);
  expect(names.filter((name) => !future.includes(name)).map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([expect.stringContaining('there')]);
});

it('does not start where log_dir cannot be, and --check says so', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => openLog({ log_dir: join(file, 'log'), log_file_size: 1, max_n_log_files: 3, verbose: 1 })).toThrow(/log_dir: .* cannot be used/);
  const { config } = loadConfig([
    '--directory', join(directory, 'db'), '--port', '0', '--bolt_port', '0', '--log_dir', join(file, 'log'), '--query_spill_dir', join(file, 'spill'), '--enable_audit_log', 'true',
    '--audit_log_dir', join(file, 'audit'),
  ], {});
  const bad = (await checkServer(config)).filter(({ ok }) => ok === false);
  expect(bad.map(({ name }) => name)).toEqual(['log_dir', 'query_spill_dir', 'audit_log_dir']);
  expect(bad[0]!.text).toContain('is no folder');
});

it('serves while standard output takes nothing', async () => {
  const port = 17_910;
  const full = openSync('/dev/full', 'w');
  const server = spawn(process.execPath, [
    resolve(import.meta.dirname, '../../bin/lgraph_server'), '--directory', join(directory, 'db'), '--host', '127.0.0.1', '--port', String(port), '--bolt_port', '0', '--slow_query_ms', '1',
  ], { stdio: ['ignore', full, 'pipe'] });
  const ended = new Promise<number | null>((done) => server.once('exit', done));
  let complaints = '';
  server.stderr!.on('data', (part: Buffer) => (complaints += part.toString()));
  closeSync(full);
  try {
    const ask = async (path: string, body?: object, token = ''): Promise<Response | undefined> => fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    }).catch(() => undefined);
    for (let i = 0; i < 150 && server.exitCode === null && (await ask('/readyz'))?.status !== 200; i++) await new Promise((done) => setTimeout(done, 100));
    const { jwt } = await (await ask('/login', { user: 'admin', password: '73@TuGraph' }))!.json() as { jwt: string };
    for (let i = 0; i < 3; i++) {
      const answer = await ask('/cypher', { script: 'UNWIND range(1, 100000) AS x CREATE (n:N {x: x}) WITH n LIMIT 1 RETURN count(n)' }, jwt);
      expect([answer?.status, complaints]).toEqual([200, '']);
    }
  } finally {
    server.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
}, 60_000);
