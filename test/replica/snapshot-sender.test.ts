/** The leader's side of whole states against a transport that only looks: how long it is told to wait between parts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { systemTimers } from '../../src/base/timers.ts';
import { realBulkFiles } from '../../src/replica/bulk-files.ts';
import { realDisk } from '../../src/replica/log-store-disk.ts';
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
      ...options, disk: realDisk(directory), bulk: realBulkFiles(directory), timers: systemTimers, nowMs: () => clock.nowMs, busyMs: () => clock.busyMs, random: { next: () => 0.5 }, durableIndex: () => 10, log: () => undefined,
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
