import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AuditLog } from '../../src/server/audit-log.ts';
import type { AuditLogOptions } from '../../src/server/audit-log.ts';

let root: string;
const made: AuditLog[] = [];
const state = { nowMs: Date.UTC(2026, 0, 1), problems: [] as string[], hours: 0, isOn: true };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lgraph-audit-'));
  Object.assign(state, { nowMs: Date.UTC(2026, 0, 1), problems: [], hours: 0, isOn: true });
});
afterEach(() => {
  for (const log of made.splice(0)) log.close();
  rmSync(root, { recursive: true });
});

function open(options: Partial<AuditLogOptions> = {}): AuditLog {
  const log = new AuditLog({
    directory: join(root, 'audit'), fileBytesMax: 1e6, server: 'a:1', isOn: () => state.isOn, expireHours: () => state.hours,
    nowMs: () => state.nowMs, onProblem: (message) => state.problems.push(message), ...options,
  });
  made.push(log);
  return log;
}

const origin = { protocol: 'rest', address: '10.0.0.1' } as const;
const event = (content: string, user = 'ada') => ({ kind: 'request' as const, user, origin, content, error: undefined });
const ALL = { fromMs: 0, toMs: Infinity, equal: {}, text: '', limit: 100 };
const files = () => readdirSync(join(root, 'audit')).sort();

it('finds by time, field and text, the newest first', async () => {
  const log = open();
  for (let i = 0; i < 10; i++) {
    state.nowMs += 1000;
    log.event(event(`thing ${i}`, i % 2 === 0 ? 'ada' : 'bob'));
  }
  expect((await log.search(ALL)).map((entry) => entry.content)).toEqual(Array.from({ length: 10 }, (_, i) => `thing ${9 - i}`));
  expect((await log.search({ ...ALL, equal: { user: 'bob' }, limit: 2 })).map((entry) => entry.content)).toEqual(['thing 9', 'thing 7']);
  expect((await log.search({ ...ALL, text: 'THING 3' })).map((entry) => entry.content)).toEqual(['thing 3']);
  expect(await log.search({ ...ALL, fromMs: state.nowMs - 1500 })).toHaveLength(2);
  expect(await log.search({ ...ALL, toMs: Date.UTC(2026, 0, 1) + 2500 })).toHaveLength(2);
});

it('writes files only its owner reads, rotates them by size, and searches over all', async () => {
  const log = open({ fileBytesMax: 500 });
  for (let i = 0; i < 30; i++) log.event(event(`thing ${i}`));
  expect(files().length).toBeGreaterThan(5);
  for (const name of files()) expect(statSync(join(root, 'audit', name)).mode & 0o077).toBe(0);
  expect((await log.search(ALL)).map((entry) => entry.content)).toEqual(Array.from({ length: 30 }, (_, i) => `thing ${29 - i}`));
});

it('removes what is older than allowed, never the file in use or anything else', () => {
  const log = open();
  log.event(event('a'));
  const old = join(root, 'audit', 'audit_20250101_000000.log');
  const other = join(root, 'audit', 'notes.log');
  for (const path of [old, other]) {
    writeFileSync(path, '');
    utimesSync(path, 0, 0);
  }
  log.clean();
  expect(files()).toContain('audit_20250101_000000.log');
  state.hours = 1;
  log.clean();
  expect(files()).toEqual(['audit_20260101_000000.log', 'notes.log']);
});

it('outlives a line that a crash has torn, and one that is no JSON', async () => {
  const log = open();
  log.event(event('before'));
  appendFileSync(join(root, 'audit', files()[0]!), '{"time":"2026\nnonsense\n');
  log.event(event('after'));
  expect((await log.search(ALL)).map((entry) => entry.content)).toEqual(['after', 'before']);
});

it('tells once that it cannot write, and goes on when it can', async () => {
  const blocked = join(root, 'blocked');
  writeFileSync(blocked, '');
  const log = open({ directory: join(blocked, 'audit') });
  log.event(event('a'));
  log.event(event('b'));
  expect(state.problems).toHaveLength(1);
  rmSync(blocked);
  log.event(event('c'));
  expect((await log.search(ALL)).map((entry) => entry.content)).toEqual(['c']);
});

it('writes nothing while it is off, and cuts what is long', async () => {
  const log = open();
  state.isOn = false;
  log.event(event('a'));
  state.isOn = true;
  log.event(event(`${'x'.repeat(10_000)}`));
  const [entry] = await log.search(ALL);
  expect(entry!.content.length).toBe(4097);
  expect(await log.search(ALL)).toHaveLength(1);
});

it('begins a new file when somebody has removed the one it writes to', async () => {
  const log = open();
  log.event(event('before'));
  rmSync(join(root, 'audit'), { recursive: true });
  state.nowMs += 1000;
  log.event(event('after'));
  expect((await log.search(ALL)).map(({ content }) => content)).toEqual(['after']);
  expect(state.problems).toEqual([]);
});

it('goes on, and says once, that an old file cannot be removed', async () => {
  const log = open({ fileBytesMax: 1 });
  mkdirSync(join(root, 'audit', 'audit_20200101_000000.log'), { recursive: true });
  utimesSync(join(root, 'audit', 'audit_20200101_000000.log'), 1, 1);
  state.hours = 1;
  for (let i = 0; i < 3; i++) log.event(event(`thing ${i}`));
  log.clean();
  expect(state.problems).toEqual([expect.stringContaining('old files of the audit log cannot be removed')]);
  expect(files()).toHaveLength(4);
});
