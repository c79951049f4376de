/**
 * A disk that forgets: what is not synced is lost, kept or torn by sectors when the power goes.
 */
import type { Random } from '../../src/base/random.ts';
import type { Disk, DiskFile } from '../../src/replica/log-store-disk.ts';
import { DiskFullError } from '../../src/replica/log-store-disk.ts';

/** The machine died in the middle of a disk operation. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/** The kernel could not write: what was not synced may be gone, whatever a later sync says. */
export class SyncFailed extends Error {
  override readonly name = 'SyncFailed';
}

type Change = { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer } | { readonly kind: 'truncate'; readonly size: number };

const SECTOR = 512;

class Inode {
  durable: Buffer = Buffer.alloc(0);
  live: Buffer = Buffer.alloc(0);
  pending: Change[] = [];

  apply(image: Buffer, change: Change): Buffer {
    if (change.kind === 'truncate') {
      const next = Buffer.alloc(change.size);
      image.copy(next, 0, 0, Math.min(change.size, image.length));
      return next;
    }
    const end = change.at + change.bytes.length;
    const next = end > image.length ? Buffer.alloc(end) : image;
    if (next !== image) image.copy(next);
    change.bytes.copy(next, change.at);
    return next;
  }
}

export class SimDisk implements Disk {
  readonly #random: Random;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #cutAfter = -1;
  #isCutDone: boolean | undefined;
  operations = 0;
  isFull = false;
  failsNextSync = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The power goes at the `count`-th operation from now, which is done or not (absent: by chance). */
  cutPowerAfter(count: number, isDone?: boolean): void {
    this.#cutAfter = count;
    this.#isCutDone = isDone;
  }

  #step(work: () => void): void {
    this.operations += 1;
    if (this.#cutAfter < 0) {
      work();
      return;
    }
    this.#cutAfter -= 1;
    if (this.#cutAfter >= 0) {
      work();
      return;
    }
    if (this.#isCutDone ?? this.#random.next() < 0.5) work();
    throw new PowerCut('the power went');
  }

  /** What is left when the machine comes back. */
  crash(): void {
    this.#cutAfter = -1;
    const mode = this.#random.next();
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const live = this.#names.get(name);
      const durable = this.#durableNames.get(name);
      if (live === durable) continue;
      // A name that was not synced is old or new.
      if (mode < 0.4 || (mode < 0.7 && this.#random.next() < 0.5)) continue;
      if (live === undefined) this.#durableNames.delete(name);
      else this.#durableNames.set(name, live);
    }
    for (const inode of new Set(this.#durableNames.values())) this.#crashFile(inode, this.#random.next());
    this.#names = new Map(this.#durableNames);
  }

  #crashFile(inode: Inode, mode: number): void {
    let image: Buffer = Buffer.from(inode.durable);
    for (const change of inode.pending) {
      if (mode < 0.3) break;
      if (mode > 0.7) image = inode.apply(image, change);
      else if (change.kind === 'truncate') {
        if (this.#random.next() < 0.5) image = inode.apply(image, change);
      } else image = this.#tear(inode, image, change);
    }
    inode.durable = image;
    inode.live = Buffer.from(image);
    inode.pending = [];
  }

  /** Each sector of the write arrived or did not; the file is as long as its last sector that arrived. */
  #tear(inode: Inode, image: Buffer, change: { readonly at: number; readonly bytes: Buffer }): Buffer {
    let next = image;
    let at = change.at;
    const end = change.at + change.bytes.length;
    while (at < end) {
      const stop = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
      if (this.#random.next() < 0.5) {
        next = inode.apply(next, { kind: 'write', at, bytes: change.bytes.subarray(at - change.at, stop - change.at) });
      }
      at = stop;
    }
    return next;
  }

  /** The same machine a second time: both have what was written, and what was not synced yet. */
  copy(): SimDisk {
    const copy = new SimDisk(this.#random);
    const inodes = new Map<Inode, Inode>();
    const copied = (inode: Inode): Inode => {
      const known = inodes.get(inode);
      if (known !== undefined) return known;
      const twin = new Inode();
      twin.durable = Buffer.from(inode.durable);
      twin.live = Buffer.from(inode.live);
      twin.pending = [...inode.pending];
      inodes.set(inode, twin);
      return twin;
    };
    copy.#names = new Map([...this.#names].map(([name, inode]) => [name, copied(inode)]));
    copy.#durableNames = new Map([...this.#durableNames].map(([name, inode]) => [name, copied(inode)]));
    return copy;
  }

  list(): string[] {
    return [...this.#names.keys()].sort();
  }

  open(name: string, create: boolean): DiskFile {
    if (create) this.#step(() => this.#names.set(name, new Inode()));
    const inode = this.#names.get(name);
    if (inode === undefined) throw new Error(`no file ${name}`);
    return this.#file(inode);
  }

  #file(inode: Inode): DiskFile {
    const change = (what: Change) => this.#step(() => {
      inode.pending.push(what);
      inode.live = inode.apply(inode.live, what);
    });
    return {
      get size() {
        return inode.live.length;
      },
      write: (at, bytes) => {
        if (this.isFull && at + bytes.length > inode.live.length) throw new DiskFullError('the simulated disk is full');
        change({ kind: 'write', at, bytes: Buffer.from(bytes) });
      },
      read: (at, length) => Buffer.from(inode.live.subarray(at, at + length)),
      truncate: (size) => change({ kind: 'truncate', size }),
      sync: () => this.#step(() => {
        if (this.failsNextSync) {
          this.failsNextSync = false;
          throw new SyncFailed('input/output error');
        }
        for (const pending of inode.pending) inode.durable = inode.apply(inode.durable, pending);
        inode.pending = [];
      }),
      close: () => undefined,
    };
  }

  remove(name: string): void {
    this.#step(() => this.#names.delete(name));
  }

  rename(from: string, to: string): void {
    this.#step(() => {
      const inode = this.#names.get(from);
      if (inode === undefined) throw new Error(`no file ${from}`);
      this.#names.set(to, inode);
      this.#names.delete(from);
    });
  }

  syncDirectory(): void {
    this.#step(() => {
      this.#durableNames = new Map(this.#names);
    });
  }

  freeBytes(): number {
    return this.isFull ? 0 : 1 << 30;
  }

  /** Bit rot: one bit of what lies on the platter, or nothing when there are no bytes. */
  flipBit(): boolean {
    const files = [...this.#names.values()].filter((inode) => inode.live.length > 0);
    const inode = files[Math.floor(this.#random.next() * files.length)];
    if (inode === undefined) return false;
    const at = Math.floor(this.#random.next() * inode.live.length);
    const mask = 1 << Math.floor(this.#random.next() * 8);
    inode.live[at] = inode.live[at]! ^ mask;
    inode.durable = Buffer.from(inode.live);
    return true;
  }

  /** Tests: the bytes of a file, to damage. */
  bytes(name: string): Buffer {
    return this.#names.get(name)!.live;
  }

  /** Tests: replaces a file, durably. */
  put(name: string, bytes: Buffer): void {
    const inode = new Inode();
    inode.live = Buffer.from(bytes);
    inode.durable = Buffer.from(bytes);
    this.#names.set(name, inode);
    this.#durableNames.set(name, inode);
  }
}
