import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { Entry, HardState, LogStart, Persist } from '../../src/raft/types.ts';
import { DiskFullError, realDisk } from '../../src/replica/log-store-disk.ts';
import { LogCorruptedError, LogStore } from '../../src/replica/log-store.ts';
import { lockDirectory, newIdentity, readIdentity, writeIdentity } from '../../src/replica/log-store-identity.ts';
import type { Disk } from '../../src/replica/log-store-disk.ts';
import { SimDisk } from '../sim/disk.ts';

const FIRST = 'log-0000000000000001';

function open(disk: Disk, extra: { segmentBytes?: number; cacheBytesMax?: number } = {}): LogStore {
  return new LogStore({ disk, durable: true, allocateBytes: 4096, reserveBytes: 256, monotonicMs: () => 0, ...extra });
}

function entry(index: number, term: number, text = `entry ${index} of ${term}`): Entry {
  return { index, term, kind: 1, data: Buffer.from(text) };
}

function write(parts: Partial<{ hard: HardState; start: LogStart; truncateFrom: number; entries: Entry[] }>): Persist {
  return { seq: 1, hard: parts.hard, start: parts.start, truncateFrom: parts.truncateFrom, entries: parts.entries ?? [] };
}

function texts(store: LogStore): string[] {
  const found: string[] = [];
  for (let index = store.startIndex + 1; index <= store.lastIndex; index++) {
    found.push(Buffer.from(store.entries(index, index, 1)[0]!.data).toString());
  }
  return found;
}

function image(store: LogStore): unknown {
  const { hard, startIndex, lastIndex, terms } = store.recovered;
  return { hard, startIndex, lastIndex, terms, texts: texts(store) };
}

describe('the log store', () => {
  it('gives back after a restart what was saved', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk);
    store.persist(write({ hard: { term: 2, votedFor: 'b' }, entries: [entry(1, 1), entry(2, 2)] }));
    store.persist(write({ truncateFrom: 2, entries: [entry(2, 3), entry(3, 3)], hard: { term: 3, votedFor: undefined } }));
    disk.crash();
    expect(image(open(disk))).toEqual({
      hard: { term: 3, votedFor: undefined }, startIndex: 0, lastIndex: 3, terms: [{ index: 1, term: 1 }, { index: 2, term: 3 }],
      texts: ['entry 1 of 1', 'entry 2 of 3', 'entry 3 of 3'],
    });
  });

  it('cut at any byte of the last write, holds either all of it or none', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk);
    store.persist(write({ hard: { term: 1, votedFor: 'a' }, entries: [entry(1, 1), entry(2, 1)] }));
    const before = image(open(disk));
    const whole = Buffer.from(disk.bytes(FIRST));
    store.persist(write({ hard: { term: 4, votedFor: 'c' }, truncateFrom: 2, entries: [entry(2, 4), entry(3, 4), entry(4, 4)] }));
    const after = Buffer.from(disk.bytes(FIRST));
    const afterImage = image(open(disk));
    let first = 0;
    while (whole[first] === after[first]) first += 1;
    let last = after.length;
    while (after[last - 1] === 0) last -= 1;
    for (let cut = first; cut <= last; cut++) {
      // What did not reach the disk still reads as zeros, or the file ends there.
      for (const short of [false, true]) {
        const torn = Buffer.from(after);
        torn.fill(0, cut);
        const damaged = new SimDisk(seededRandom(1));
        damaged.put(FIRST, short ? torn.subarray(0, cut) : torn);
        const reopened = open(damaged);
        expect(image(reopened), `cut at ${cut}`).toEqual(cut === last ? afterImage : before);
        expect(image(open(damaged)), 'and stays so').toEqual(cut === last ? afterImage : before);
        reopened.persist(write({ entries: [entry(reopened.lastIndex + 1, 9)] }));
        expect(texts(open(damaged)).at(-1)).toBe(`entry ${reopened.lastIndex} of 9`);
      }
    }
  });

  it('never takes a flipped bit for data: it stops when the damage lies before later writes, else it must not vote', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk);
    store.persist(write({ hard: { term: 1, votedFor: 'a' }, entries: [entry(1, 1)] }));
    store.persist(write({ entries: [entry(2, 1), entry(3, 1)] }));
    const middle = lengthOf(disk.bytes(FIRST));
    store.persist(write({ entries: [entry(4, 1)] }));
    const good = Buffer.from(disk.bytes(FIRST));
    const end = lengthOf(good);
    for (let bit = 0; bit < end * 8; bit++) {
      const damaged = new SimDisk(seededRandom(1));
      const bytes = Buffer.from(good);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      damaged.put(FIRST, bytes);
      if (bit >> 3 < middle) {
        expect(() => open(damaged), `bit ${bit}`).toThrow(LogCorruptedError);
        continue;
      }
      const reopened = open(damaged);
      expect(reopened.recovered.suspect, `bit ${bit}`).toBe(true);
      expect(texts(reopened)).toEqual(['entry 1 of 1', 'entry 2 of 1', 'entry 3 of 1']);
    }
  });

  it('tells a flipped bit in the last write from sectors that never arrived, wherever the write lies', () => {
    for (const fill of [0, 190, 213]) {
      const disk = new SimDisk(seededRandom(1));
      const store = open(disk);
      store.persist(write({ hard: { term: 1, votedFor: 'a' }, entries: [entry(1, 1, 'x'.repeat(fill))] }));
      const before = Buffer.from(disk.bytes(FIRST));
      const start = lengthOf(before);
      store.persist(write({ hard: { term: 2, votedFor: 'b' }, entries: [entry(2, 2, 'y'.repeat(600)), entry(3, 2, 'z'), entry(4, 2, '')] }));
      const good = Buffer.from(disk.bytes(FIRST));
      const end = lengthOf(good);
      const reopened = (bytes: Buffer) => {
        const damaged = new SimDisk(seededRandom(1));
        damaged.put(FIRST, bytes);
        return open(damaged).recovered;
      };
      for (let bit = start * 8; bit < end * 8; bit++) {
        const bytes = Buffer.from(good);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(reopened(bytes), `fill ${fill}, bit ${bit - start * 8}`).toMatchObject({ suspect: true, lastIndex: 1 });
      }
      const sectors = Math.ceil(end / 512) - Math.floor(start / 512);
      for (let lost = 1; lost < 2 ** sectors; lost++) {
        const bytes = Buffer.from(good);
        for (let i = 0; i < sectors; i++) {
          const from = (Math.floor(start / 512) + i) * 512;
          if ((lost & (1 << i)) !== 0) before.copy(bytes, from, from, from + 512);
        }
        // One byte in its sector with one bit in it: lost or turned, nobody can tell, so it counts as turned.
        const isAmbiguous = lost === 2 ** (sectors - 1) && end % 512 === 1;
        expect(reopened(bytes), `fill ${fill}, lost sectors ${lost.toString(2)}`).toMatchObject({ suspect: isAmbiguous, lastIndex: 1, hard: { term: 1 } });
      }
    }
  });

  it('reads files of format 1 and goes on in a new one of its own', () => {
    const golden = new URL('../golden/log-format-1/', import.meta.url);
    const disk = new SimDisk(seededRandom(1));
    for (const name of readdirSync(golden)) {
      const bytes = Buffer.from(readFileSync(new URL(name, golden), 'utf8').replaceAll('\n', ''), 'hex');
      disk.put(name.replace('.hex', ''), Buffer.concat([bytes, Buffer.alloc(200)]));
    }
    const before = disk.list();
    const entries = [...Array.from({ length: 11 }, (_, i) => `entry ${i + 1} of 1`), 'entry 12 of 3', 'entry 13 of 3'];
    const store = open(disk);
    expect(store.recovered).toMatchObject({ hard: { term: 4, votedFor: 'b' }, lastIndex: 13, suspect: false });
    expect(texts(store)).toEqual(entries);
    store.persist(write({ truncateFrom: 13, entries: [entry(13, 5), entry(14, 5)] }));
    expect(disk.list()).toHaveLength(before.length + 1);
    const again = open(disk, { cacheBytesMax: 0 });
    expect(texts(again)).toEqual([...entries.slice(0, 12), 'entry 13 of 5', 'entry 14 of 5']);
    expect(again.recovered.terms).toEqual([{ index: 1, term: 1 }, { index: 12, term: 3 }, { index: 13, term: 5 }]);
  });

  it('does not take a damaged only file for a new one', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk, { segmentBytes: 300 });
    for (let i = 1; i <= 12; i++) store.persist(write({ entries: [entry(i, 1)] }));
    store.persist(write({ start: { index: 12, term: 1, config: { members: [] }, reset: false } }));
    store.persist(write({ hard: { term: 9, votedFor: 'a' } }));
    const names = disk.list();
    for (const name of names.slice(0, -1)) disk.remove(name);
    const last = names.at(-1)!;
    const bytes = Buffer.from(disk.bytes(last));
    bytes[20]! ^= 1;
    disk.put(last, bytes);
    expect(() => open(disk)).toThrow(LogCorruptedError);
  });

  it('forgets a write that was never synced, wholly or not at all', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const disk = new SimDisk(random);
      const store = open(disk, { segmentBytes: 1500 });
      const saved: string[] = [];
      try {
        for (let i = 1; i <= 20; i++) {
          if (i === 12) disk.cutPowerAfter(Math.floor(random.next() * 12));
          const batch = [entry(store.lastIndex + 1, 1, `${i}${'x'.repeat(Math.floor(random.next() * 700))}`), entry(store.lastIndex + 2, 1, `${i}y`)];
          store.persist(write({ entries: batch }));
          saved.push(...batch.map(({ data }) => Buffer.from(data).toString()));
        }
      } catch (error) {
        expect((error as Error).name).toBe('PowerCut');
      }
      disk.crash();
      const found = texts(open(disk));
      expect(found.slice(0, saved.length), `seed ${seed}`).toEqual(saved);
      expect([0, 2]).toContain(found.length - saved.length);
    }
  });

  it('drops whole files when the log is compacted, and opens again with what is left', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk, { segmentBytes: 2000, cacheBytesMax: 300 });
    for (let i = 1; i <= 200; i++) store.persist(write({ entries: [entry(i, 1 + Math.floor(i / 50))] }));
    const files = store.segmentCount;
    store.persist(write({ start: { index: 150, term: 4, config: { members: [] }, reset: false } }));
    expect(store.segmentCount).toBeLessThanOrEqual(files / 2);
    disk.crash();
    const reopened = open(disk, { segmentBytes: 2000 });
    expect(reopened.recovered).toMatchObject({ startIndex: 150, startTerm: 4, lastIndex: 200 });
    expect(reopened.recovered.terms).toEqual([{ index: 151, term: 4 }, { index: 200, term: 5 }]);
    expect(texts(reopened)).toEqual(Array.from({ length: 50 }, (_, i) => `entry ${151 + i} of ${1 + Math.floor((151 + i) / 50)}`));
    expect(() => store.entries(150, 150, 1)).toThrow(/not in/);
  });

  it('knows how much lies behind an entry', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk, { segmentBytes: 2000 });
    for (let i = 1; i <= 200; i++) store.persist(write({ entries: [entry(i, 1)] }));
    expect(store.segmentCount).toBeGreaterThan(3);
    const behind = [0, 1, 60, 120, 199, 200, 300].map((index) => store.bytesBehind(index));
    expect(behind).toEqual([...behind].sort((a, b) => b - a));
    expect(new Set(behind.slice(0, 5)).size).toBe(5);
    expect(behind.slice(-2)).toEqual([0, 0]);
    // Entries are about as long as each other, and what else is written is little.
    expect(behind[2]! / behind[0]!).toBeCloseTo(0.7, 1);
    expect(behind[3]! / behind[0]!).toBeCloseTo(0.4, 1);
    const whole = behind[0]!;
    store.persist(write({ start: { index: 100, term: 1, config: { members: [] }, reset: false } }));
    expect(store.bytesBehind(0)).toBeLessThan(whole * 0.9);
    // The record that says so is a little more.
    expect(store.bytesBehind(120) - behind[3]!).toBeLessThan(100);
    const left = store.bytesBehind(120);
    disk.crash();
    expect(open(disk, { segmentBytes: 2000 }).bytesBehind(120)).toBe(left);
  });

  it('is whole wherever the power goes while it drops files, whichever of the names come back', () => {
    let cuts = 0;
    for (let seed = 0; seed < 300; seed++) {
      const disk = new SimDisk(seededRandom(seed));
      const store = open(disk, { segmentBytes: 300 });
      for (let i = 1; i <= 60; i++) store.persist(write({ entries: [entry(i, 1)] }));
      disk.cutPowerAfter(seed % 20);
      try {
        store.persist(write({ start: { index: 50, term: 1, config: { members: [] }, reset: false } }));
      } catch {
        cuts += 1;
      }
      disk.cutPowerAfter(-1);
      disk.crash();
      const found = texts(open(disk, { segmentBytes: 300 }));
      expect(found.slice(-10)).toEqual(Array.from({ length: 10 }, (_, i) => `entry ${51 + i} of 1`));
    }
    expect(cuts).toBeGreaterThan(100);
  });

  it('begins behind a snapshot when that replaces the log', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk);
    store.persist(write({ entries: [entry(1, 1), entry(2, 1)] }));
    store.persist(write({ start: { index: 70, term: 6, config: { members: [] }, reset: true }, entries: [entry(71, 6)] }));
    disk.crash();
    expect(image(open(disk))).toMatchObject({ startIndex: 70, lastIndex: 71, terms: [{ index: 71, term: 6 }], texts: ['entry 71 of 6'] });
  });

  it('reads old entries from the files and bounds every answer by bytes, one entry at least', () => {
    const store = open(new SimDisk(seededRandom(1)), { cacheBytesMax: 500, segmentBytes: 3000 });
    for (let i = 1; i <= 300; i++) store.persist(write({ entries: [entry(i, 1)] }));
    for (const from of [1, 57, 299]) {
      expect(store.entries(from, 300, 1).map(({ index }) => index)).toEqual([from]);
      const some = store.entries(from, 300, 400);
      expect(some.map(({ index }) => index)).toEqual(some.map((_, i) => from + i));
      expect(some.length).toBeLessThan(15);
    }
  });

  it('says that the disk is full, loses nothing, and goes on when there is space', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk);
    store.persist(write({ entries: [entry(1, 1)] }));
    disk.isFull = true;
    const big = write({ entries: [entry(2, 1, 'x'.repeat(10_000))] });
    expect(() => store.persist(big)).toThrow(DiskFullError);
    // A vote still fits into the reserve.
    store.persist(write({ hard: { term: 5, votedFor: 'c' } }));
    disk.isFull = false;
    store.persist(big);
    expect(open(disk).recovered).toMatchObject({ lastIndex: 2, hard: { term: 5, votedFor: 'c' } });
  });

  it('is not used again after a failed sync', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk);
    disk.cutPowerAfter(1);
    expect(() => store.persist(write({ entries: [entry(1, 1)] }))).toThrow();
    expect(() => store.persist(write({ entries: [entry(1, 1)] }))).toThrow(/not used after a failure/);
  });
});

function lengthOf(bytes: Buffer): number {
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  return end;
}

describe('on a real disk', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'log-store-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('saves and opens again', () => {
    const store = open(realDisk(join(directory, 'ha')));
    store.persist(write({ hard: { term: 3, votedFor: 'a' }, entries: [entry(1, 2), entry(2, 3)] }));
    store.close();
    expect(texts(open(realDisk(join(directory, 'ha'))))).toEqual(['entry 1 of 2', 'entry 2 of 3']);
  });

  it('keeps its identity, and is one process only', () => {
    const disk = realDisk(directory);
    expect(readIdentity(disk)).toBeUndefined();
    const identity = { ...newIdentity(false), clusterId: 'c', bootSeq: 4, membership: 'MEMBER' as const };
    writeIdentity(disk, identity);
    expect(readIdentity(disk)).toEqual(identity);
    const unlock = lockDirectory(disk, directory);
    expect(() => lockDirectory(disk, directory)).toThrow(/in use/);
    unlock();
    lockDirectory(disk, directory)();
  });

  it('takes over the lock of a server that was killed', () => {
    const disk = realDisk(directory);
    const file = disk.open('LOCK', true);
    file.write(0, Buffer.from('1 999999999999'));
    file.close();
    lockDirectory(disk, directory)();
  });
});

/** A disk whose `failAt`-th write or sync (from 0) fails as a broken device does, after `written` bytes of it; all later ones work. */
function brokenDisk(disk: Disk, kind: 'write' | 'sync', failAt: number): Disk {
  let count = 0;
  const fails = () => count++ === failAt;
  const fail = () => {
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  };
  return {
    list: () => disk.list(), remove: (name) => disk.remove(name), rename: (from, to) => disk.rename(from, to),
    syncDirectory: () => disk.syncDirectory(), freeBytes: () => disk.freeBytes(),
    open(name, create) {
      const file = disk.open(name, create);
      return {
        get size() {
          return file.size;
        },
        write(position, bytes) {
          if (kind === 'write' && fails()) {
            file.write(position, bytes.subarray(0, Math.floor(bytes.length / 2)));
            fail();
          }
          file.write(position, bytes);
        },
        sync() {
          if (kind === 'sync' && fails()) fail();
          file.sync();
        },
        read: (position, length) => file.read(position, length), truncate: (size) => file.truncate(size), close: () => file.close(),
      };
    },
  };
}

describe('a device that fails once', () => {
  it('ends the store at that write or sync, wherever it is, and what was saved before is there after a restart', () => {
    for (const kind of ['write', 'sync'] as const) {
      let failures = 0;
      for (let failAt = 0; failAt < 60; failAt++) {
        const disk = new SimDisk(seededRandom(failAt));
        const saved: string[] = [];
        let store: LogStore | undefined;
        let attempted: string | undefined;
        try {
          store = open(brokenDisk(disk, kind, failAt), { segmentBytes: 1200 });
          for (let i = 1; i <= 20; i++) {
            attempted = `${i}${'x'.repeat(i * 20)}`;
            store.persist(write({ entries: [entry(i, 1, attempted)], ...(i % 7 === 0 ? { hard: { term: i, votedFor: 'a' } } : {}) }));
            saved.push(attempted);
          }
        } catch (error) {
          failures += 1;
          expect((error as Error).message, `${kind} ${failAt}`).toBe('EIO: i/o error');
          // The device works again; nothing is tried on the same file all the same: what the cache lost would be taken for saved.
          if (store !== undefined) expect(() => store!.persist(write({ entries: [entry(saved.length + 1, 1)] })), `${kind} ${failAt}`).toThrow(/not used after a failure/);
        }
        disk.crash();
        const found = texts(open(disk, { segmentBytes: 1200 }));
        expect(found.slice(0, saved.length), `${kind} ${failAt}`).toEqual(saved);
        expect(found.length, `${kind} ${failAt}`).toBeLessThanOrEqual(saved.length + 1);
        if (found.length > saved.length) expect(found.at(-1)).toBe(attempted);
      }
      expect(failures, kind).toBeGreaterThan(15);
    }
  });
});

describe('damage in a log of several files', () => {
  it('is found wherever a bit flips, a file is cut or one is missing: nothing false is read and nothing promised is passed over', () => {
    const disk = new SimDisk(seededRandom(1));
    const store = open(disk, { segmentBytes: 500 });
    for (let i = 1; i <= 24; i++) store.persist(write({ entries: [entry(i, 1, `${i}${'x'.repeat(40)}`)] }));
    const good = texts(store);
    const names = disk.list();
    expect(names.length).toBeGreaterThan(2);
    const copy = (): SimDisk => {
      const one = new SimDisk(seededRandom(1));
      for (const name of names) one.put(name, Buffer.from(disk.bytes(name)));
      return one;
    };
    for (const name of names.slice(0, -1)) {
      const bytes = disk.bytes(name);
      const end = lengthOf(bytes);
      for (let at = 0; at < end; at++) {
        const flipped = copy();
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1 << (at % 8);
        flipped.put(name, changed);
        expect(() => open(flipped, { segmentBytes: 500 }), `${name} byte ${at}`).toThrow(LogCorruptedError);
        const cut = copy();
        cut.put(name, Buffer.from(bytes.subarray(0, at)));
        expect(() => open(cut, { segmentBytes: 500 }), `${name} cut at ${at}`).toThrow(LogCorruptedError);
      }
      if (name === names[0]) continue;
      const missing = copy();
      missing.remove(name);
      expect(() => open(missing, { segmentBytes: 500 }), `${name} missing`).toThrow(/is missing/);
    }
    expect(texts(open(copy(), { segmentBytes: 500 }))).toEqual(good);
  });
});
