/** The receiving side of whole states on a disk with little room, and what crashes leave on it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { realBulkFiles } from '../../src/replica/bulk-files.ts';
import type { SnapshotsHost } from '../../src/replica/consensus-snapshots.ts';
import type { StateHeader, StateSink } from '../../src/replica/consensus-transport.ts';
import { DiskFullError, realDisk } from '../../src/replica/log-store-disk.ts';
import { SnapshotReceiver } from '../../src/replica/snapshot-receiver.ts';

const STATE = Buffer.alloc(1000, 'state');
let directory: string;
let lines: string[];
let posted: string[];
let clock: { nowMs: number };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-receiver-'));
  lines = [];
  posted = [];
  clock = { nowMs: 1000 };
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A disk of so many bytes, of which only the files of states take some. */
function diskOf(bytes: () => number, isFullFor: (name: string) => boolean = () => false) {
  const disk = realDisk(directory);
  return {
    ...disk,
    open(name: string, create: boolean) {
      if (create && isFullFor(name)) throw new DiskFullError('no space left on the device');
      return disk.open(name, create);
    },
    freeBytes() {
      const used = ['incoming.part', 'pending.state'].filter((name) => disk.list().includes(name)).map((name) => {
        const file = disk.open(name, false);
        const { size } = file;
        file.close();
        return size;
      });
      return bytes() - used.reduce((sum, one) => sum + one, 0);
    },
  };
}

function receiverOn(disk: SnapshotsHost['disk'], storeFreeBytes?: () => number): SnapshotReceiver {
  return new SnapshotReceiver({
    disk, storeFreeBytes, bulk: realBulkFiles(directory), nowMs: () => clock.nowMs, driver: () => ({ node: { view: { commitIndex: 5 } } }),
    log: (_: string, line: string) => lines.push(line), post: ({ kind }: { kind: string }) => posted.push(kind),
  } as unknown as SnapshotsHost);
}

const headerOf = (state: Buffer, index: number): StateHeader => ({ sha256: createHash('sha256').update(state).digest('hex'), index, term: 1, config: { members: [] }, bytes: state.length });

async function take(receiver: SnapshotReceiver, header: StateHeader, state: Buffer): Promise<StateSink> {
  const sink = receiver.onState(header);
  if (!('write' in sink)) throw new Error(sink.refused);
  await sink.write(state.subarray(sink.offset));
  return sink;
}

it('what arrived of a state that nobody sends any more makes room for the one that is sent', async () => {
  const receiver = receiverOn(diskOf(() => 2500));
  const sink = await take(receiver, headerOf(STATE, 10), STATE.subarray(0, 900));
  await sink.abort();
  const newer = Buffer.alloc(1000, 'newer');
  await (await take(receiver, headerOf(newer, 20), newer)).end();
  expect(posted).toEqual(['installState']);
});

it('says once, and while it lasts, that its disk has too little room, and goes on when it has', async () => {
  let bytes = 2000;
  const receiver = receiverOn(diskOf(() => bytes));
  const header = headerOf(STATE, 10);
  for (let i = 0; i < 3; i++) expect(receiver.onState(header)).toEqual({ refused: 'its disk has 0.0 MB left, and 0.0 MB are needed to take the state' });
  expect(lines).toEqual([expect.stringMatching(/^this server cannot take the state of the group: its disk has/)]);
  expect(receiver.progress()).toMatchObject({ phase: 'sending', bytes: 0, bytesTotal: 1000, problem: expect.stringContaining('its disk has') as string });
  clock.nowMs += 10_000;
  expect(receiver.progress()).toBe(undefined);
  bytes = 2500;
  await (await take(receiver, header, STATE)).end();
  expect(posted).toEqual(['installState']);
});

it('a state that is complete and could not be noted is not sent again, nor does it take the room of the next', async () => {
  let isFull = false;
  const disk = diskOf(() => 2500, (name) => isFull && name === 'pending.json.new');
  const receiver = receiverOn(disk);
  const header = headerOf(STATE, 10);
  const sink = await take(receiver, header, STATE);
  isFull = true;
  await expect(sink.end()).rejects.toThrow('no space left');
  await sink.abort();
  isFull = false;
  const again = receiver.onState(header) as StateSink;
  expect(again.offset).toBe(1000);
  await again.end();
  expect(posted).toEqual(['installState']);
});

it('a file that a crash left without its note goes', () => {
  writeFileSync(join(directory, 'pending.state'), STATE);
  receiverOn(diskOf(() => 2500)).onTick();
  expect(readdirSync(directory)).toEqual([]);
});

it('asks of the disk of the log for the file only, where the store is on another', async () => {
  let ofStore = 1000;
  const receiver = receiverOn(diskOf(() => 1100), () => ofStore);
  expect(receiver.onState(headerOf(STATE, 10))).toMatchObject({ refused: expect.stringMatching(/^the disk of its data has .* needed to take the state$/) as string });
  ofStore = 1200;
  await (await take(receiver, headerOf(STATE, 10), STATE)).end();
  expect(receiverOn(diskOf(() => 900), () => 5000).onState(headerOf(Buffer.alloc(1000, 'newer'), 20))).toMatchObject({ refused: expect.anything() as unknown });
});
