/**
 * The disk as the log store sees it: few synchronous calls, so that the simulator can be a disk that loses, tears and fails.
 *
 * Synchronous on purpose: asynchronous file calls share one pool of threads with everything else in the process, and a
 * sync behind 64 busy jobs took seconds where `fdatasync` in the consensus thread takes a fraction of a millisecond.
 */
import {
  closeSync, existsSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readSync, readdirSync, renameSync,
  statSync, unlinkSync, writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { diskSpace } from '../base/disk-space.ts';

export interface DiskFile {
  readonly size: number;
  write(position: number, bytes: Uint8Array): void;
  /** Reads up to `length` bytes; fewer at the end of the file. */
  read(position: number, length: number): Buffer;
  truncate(size: number): void;
  /** Contents (and size) are on stable storage. */
  sync(): void;
  close(): void;
}

/** One directory. */
export interface Disk {
  list(): string[];
  open(name: string, create: boolean): DiskFile;
  remove(name: string): void;
  rename(from: string, to: string): void;
  /** Names that were created, renamed or removed stay so after a power cut. */
  syncDirectory(): void;
  freeBytes(): number;
}

/** Free bytes where `other` is; undefined where that is the disk of `directory`, or nowhere. */
export function freeBytesElsewhere(directory: string, other: string | undefined): (() => number) | undefined {
  return other === undefined || statSync(directory).dev === statSync(other).dev ? undefined : () => diskSpace(other).freeBytes;
}

/** Bytes of the state store below the directory; 0 where there is none. Undefined without a directory. */
export function bytesOfStore(directory: string | undefined): (() => number) | undefined {
  if (directory === undefined) return undefined;
  const store = join(directory, 'store');
  return () => {
    let bytes = 0;
    // Files come and go while they are looked at.
    for (const name of existsSync(store) ? readdirSync(store) : []) bytes += statSync(join(store, name), { throwIfNoEntry: false })?.size ?? 0;
    return bytes;
  };
}

/** Bytes of a file; undefined where there is none. */
export function sizeOf(disk: Disk, name: string): number | undefined {
  if (!disk.list().includes(name)) return undefined;
  const file = disk.open(name, false);
  const { size } = file;
  file.close();
  return size;
}

/** A small file that is there whole or not at all. */
export function writeSmall(disk: Disk, name: string, text: string): void {
  const file = disk.open(`${name}.new`, true);
  file.write(0, Buffer.from(text));
  file.sync();
  file.close();
  disk.rename(`${name}.new`, name);
  disk.syncDirectory();
}

export function readSmall(disk: Disk, name: string): string | undefined {
  if (!disk.list().includes(name)) return undefined;
  const file = disk.open(name, false);
  const text = file.read(0, file.size).toString();
  file.close();
  return text;
}

export function removeIfThere(disk: Disk, name: string): void {
  if (disk.list().includes(name)) disk.remove(name);
}

/** Nothing was lost and the same write may be tried again. Every other failure of a write or sync is final. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError';
}

function translate(error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') throw new DiskFullError('no space left on the device', { cause: error });
  throw error;
}

class RealFile implements DiskFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get size(): number {
    return fstatSync(this.#fd).size;
  }

  write(position: number, bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
    } catch (error) {
      translate(error);
    }
  }

  read(position: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#fd, buffer, done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return buffer.subarray(0, done);
  }

  truncate(size: number): void {
    ftruncateSync(this.#fd, size);
  }

  sync(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A real directory, made (durably) if it is missing. */
export function realDisk(directory: string): Disk {
  makeDirectory(directory);
  return {
    list: () => readdirSync(directory).sort(),
    open(name, create) {
      try {
        return new RealFile(openSync(join(directory, name), create ? 'w+' : 'r+', 0o640));
      } catch (error) {
        return translate(error);
      }
    },
    remove: (name) => unlinkSync(join(directory, name)),
    rename: (from, to) => renameSync(join(directory, from), join(directory, to)),
    syncDirectory: () => syncDirectory(directory),
    freeBytes: () => diskSpace(directory).freeBytes,
  };
}

function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  syncDirectory(dirname(directory));
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
