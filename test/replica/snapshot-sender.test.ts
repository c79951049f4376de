/** The leader's side of whole states against a transport that only looks: how long it is told to wait between parts, and what it does on a disk with little room. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as setImmediatePromise } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { systemTimers } from '../../src/base/timers.ts';
import { realBulkFiles } from '../../src/replica/bulk-files.ts';
import { DiskFullError, realDisk } from '../../src/replica/log-store-disk.ts';
import type { SnapshotsHost } from '../../src/replica/consensus-snapshots.ts';
import type { SendState, StateOutcome } from '../../src/replica/consensus-transport.ts';
import { SnapshotSender } from '../../src/replica/snapshot-sender.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Waits told for three parts, each of 20 ms of work; the log grows before each where `isWritten`. */
async function pauses(options: Pick<SnapshotsHost, 'busyPercent' | 'bytesPerSecond'>, isWritten: boolean): Promise<number[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-sender-'));
  folders.push(directory);
  const clock = { nowMs: 10_000, busyMs: 0 };
  const view = { role: 'leader', firstIndex: 11, lastIndex: 50, progress: new Map([['b', { state: 'snapshot' }]]) };
  const node = { view, termAt: () => 1, configAt: () => ({ config: {} }), snapshotMoves: () => undefined, snapshotSent: () => undefined };
  const sending = new Promise<SendState>((resolve) => {
    const host = {
      ...options, disk: realDisk(directory), reserveBytes: 32 << 20, bulk: realBulkFiles(directory), timers: systemTimers, nowMs: () => clock.nowMs, busyMs: () => clock.busyMs, random: { next: () => 0.5 }, durableIndex: () => 10, log: () => undefined,
      driver: () => ({ node, lastHeardMs: () => clock.nowMs, wake: () => undefined }),
      transport: {
        sendState: async (_to: string, state: SendState): Promise<StateOutcome> => {
          resolve(state);
          return 'there';
        },
      },
      post: ({ exportId, path }: { exportId: number; path: string }) => {
        writeFileSync(path, 'state');
        setImmediate(() => sender.onExported(exportId, { index: 10, bytes: 5, sha256: 'x' }, undefined));
      },
    } as unknown as SnapshotsHost;
    const sender = new SnapshotSender(host);
    sender.onWanted('b');
  });
  const { pause } = await sending;
  // What came before the first part is nobody's to make up for.
  pause(1);
  return [1, 2, 3].map(() => {
    if (isWritten) view.lastIndex++;
    else clock.nowMs += 1000;
    clock.busyMs += 20;
    return pause(1000);
  });
}

it('rests as long as it worked while clients write, and not where nobody does', async () => {
  expect(await pauses({ busyPercent: 50, bytesPerSecond: 0 }, true)).toEqual([20, 20, 20]);
  expect(await pauses({ busyPercent: 20, bytesPerSecond: 0 }, true)).toEqual([80, 80, 80]);
  expect(await pauses({ busyPercent: 100, bytesPerSecond: 0 }, true)).toEqual([0, 0, 0]);
  expect(await pauses({ busyPercent: 50, bytesPerSecond: 0 }, false)).toEqual([0, 0, 0]);
});

it('keeps to the rate as well, whichever is slower', async () => {
  // 1000 bytes at 10,000 a second are 100 ms; the byte before them is a tenth of one.
  expect((await pauses({ busyPercent: 50, bytesPerSecond: 10_000 }, true)).map(Math.round)).toEqual([20, 100, 200]);
});

/** A leader whose disk has so many bytes free, and a server that needs its state. */
function sendingOn(disk: { free: number; isFullFor?: string }, options: Partial<SnapshotsHost> = {}, group: { config?: unknown; bytesBehind?: () => number } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-sender-'));
  folders.push(directory);
  const seen = { nowMs: 10_000, exports: 0, sending: 0, given: [] as boolean[], lines: [] as string[], end: (_: Error) => undefined as void, arrive: () => undefined as void };
  const progress = { state: 'snapshot', match: 0 };
  const view = { role: 'leader', firstIndex: 11, lastIndex: 50, commitIndex: 50, progress: new Map([['b', progress]]), config: group.config };
  const node = { view, termAt: () => 1, configAt: () => ({ config: {} }), snapshotMoves: () => undefined, snapshotSent: (_: string, ok: boolean) => seen.given.push(ok) };
  const real = realDisk(directory);
  const sender = new SnapshotSender({
    busyPercent: 100, bytesPerSecond: 0, reserveBytes: 32 << 20, bulk: realBulkFiles(directory), timers: systemTimers, nowMs: () => seen.nowMs, busyMs: () => 0, random: { next: () => 0.5 }, durableIndex: () => 10,
    disk: {
      ...real, freeBytes: () => disk.free,
      open: (name: string, create: boolean) => {
        if (create && name.startsWith(disk.isFullFor ?? '-')) throw new DiskFullError('no space left on the device');
        return real.open(name, create);
      },
    },
    log: (_: string, line: string) => seen.lines.push(line), compaction: { keepsEntries: 100 },
    driver: () => ({ node, store: { bytesBehind: group.bytesBehind }, lastHeardMs: () => seen.nowMs, wake: () => undefined }), ...options,
    transport: {
      sendState: (_: string, { pause: mayGoOn }: SendState) => new Promise((resolve, reject) => {
        seen.sending += 1;
        seen.arrive = () => resolve('there');
        seen.end = () => {
          try {
            mayGoOn(1);
          } catch (error) {
            reject(error as Error);
          }
        };
      }),
    },
    post: ({ path }: { path: string }) => {
      seen.exports += 1;
      writeFileSync(path, 'state');
    },
  } as unknown as SnapshotsHost);
  return { sender, seen, view, progress, names: () => readdirSync(directory) };
}

const MB = 2 ** 20;
const DONE = { index: 10, bytes: 5, sha256: 'x' };

it('writes no state to a disk that the log and the store need, and does when there is room', () => {
  const disk = { free: 60 * MB };
  const { sender, seen } = sendingOn(disk);
  sender.onWanted('b');
  for (let i = 0; i < 3; i++) sender.onTick(seen.nowMs);
  expect(seen.exports).toBe(0);
  expect(seen.lines).toEqual([expect.stringContaining('there is no room here')]);
  expect(sender.progress().get('b')?.problem).toMatch(/the disk of the leader has no room .* needs 68 MB free/);
  // Nothing is kept of the log for what does not even begin.
  expect(sender.pinnedAt).toBe(undefined);
  disk.free = 70 * MB;
  sender.onTick(seen.nowMs);
  expect(seen.exports).toBe(1);
});

it('an export that took too much is tried again with more room, or much later', () => {
  const disk = { free: 100 * MB };
  const { sender, seen, names } = sendingOn(disk);
  sender.onWanted('b');
  sender.onExported(1, undefined, 'no more than 60 MB are left', true);
  expect(names()).toEqual([]);
  for (const free of [100, 104]) {
    disk.free = free * MB;
    sender.onTick(seen.nowMs);
  }
  expect(seen.exports).toBe(1);
  disk.free = 106 * MB;
  sender.onTick(seen.nowMs);
  expect(seen.exports).toBe(2);
  sender.onExported(2, undefined, 'no more than 60 MB are left', true);
  sender.onTick(seen.nowMs += 200_000);
  expect(seen.exports).toBe(2);
  sender.onTick(seen.nowMs += 200_000);
  expect(seen.exports).toBe(3);
});

it('a disk that fills up while a state is sent gets the file back, and the log behind it may go', async () => {
  const disk = { free: 1000 * MB };
  const { sender, seen, names } = sendingOn(disk);
  sender.onWanted('b');
  sender.onExported(1, DONE, undefined, false);
  await setImmediatePromise();
  expect([seen.sending, sender.pinnedAt]).toEqual([1, 10]);
  disk.free = 30 * MB;
  sender.makeRoom();
  expect([names(), sender.pinnedAt]).toEqual([[], undefined]);
  seen.end(new Error());
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(seen.lines.at(-1)).toMatch(/did not arrive: .* its space was needed/);
});

it('a disk that is full when the export is to be noted costs the export, and not the server', () => {
  const { sender, seen, names } = sendingOn({ free: 1000 * MB, isFullFor: 'export.json' });
  sender.onWanted('b');
  sender.onExported(1, DONE, undefined, false);
  expect([seen.sending, seen.given, names()]).toEqual([0, [false], []]);
  expect(seen.lines.at(-1)).toMatch(/could not be exported: no space left/);
});

it('the log stays until who got the state has what was written meanwhile, too', async () => {
  const { sender, seen, view, progress } = sendingOn({ free: 1000 * MB });
  sender.onWanted('b');
  sender.onExported(1, DONE, undefined, false);
  await setImmediatePromise();
  // The link is slow: while the state travels, much more is written than the log keeps.
  view.commitIndex = view.lastIndex = 5000;
  seen.arrive();
  await setImmediatePromise();
  progress.state = 'probe';
  sender.onTick(seen.nowMs);
  expect([seen.given, sender.pinnedAt]).toEqual([[true], 10]);
  Object.assign(progress, { state: 'replicate', match: 2000 });
  sender.onTick(seen.nowMs);
  expect(sender.pinnedAt).toBe(2000);
  progress.match = 4900;
  sender.onTick(seen.nowMs);
  expect(sender.pinnedAt).toBe(undefined);
});

it('prefers the state to the log for a server that is new and lacks much, as long as that works', () => {
  const disk = { free: 100 * MB };
  const config = { members: [{ id: 'b', voter: false, witness: false }, { id: 'new', voter: false, witness: false }, { id: 'old', voter: true, witness: false }] };
  const is = { lacks: 65 * MB, state: 1000 * MB };
  const { sender, seen } = sendingOn(disk, { newServerLogBytes: 64 * MB, stateBytes: () => is.state }, { config: { config }, bytesBehind: () => is.lacks });
  expect(sender.prefersState('new', 0)).toBe(true);
  // What is to be committed may wait for its word.
  expect(sender.prefersState('old', 0)).toBe(false);
  expect(sender.prefersState('stranger', 0)).toBe(false);
  is.lacks = 64 * MB;
  expect(sender.prefersState('new', 0)).toBe(false);
  is.lacks = 65 * MB;
  is.state = 1100 * MB;
  expect(sender.prefersState('new', 0)).toBe(false);
  is.state = 1000 * MB;
  // Where it cannot be written out, the log does.
  sender.onWanted('b');
  sender.onExported(1, undefined, 'a bad day', false);
  expect(sender.prefersState('b', 0)).toBe(false);
  // Another one may have better luck.
  expect(sender.prefersState('new', 0)).toBe(true);
  seen.nowMs += 601_000;
  expect(sender.prefersState('b', 0)).toBe(true);
  disk.free = 60 * MB;
  sender.onWanted('b');
  expect(sender.prefersState('new', 0)).toBe(false);
  const never = sendingOn({ free: 100 * MB }, { newServerLogBytes: 0, stateBytes: () => 1 }, { config: { config }, bytesBehind: () => is.lacks });
  expect(never.sender.prefersState('new', 0)).toBe(false);
});
