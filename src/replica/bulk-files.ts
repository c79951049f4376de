/**
 * Large files beside the log (whole states), read and written without holding up the thread that the log is written by: unlike Disk
 * (log-store-disk.ts) all of it is asynchronous. In the same directory; names are made durable through the Disk.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export interface Appending {
  append(bytes: Uint8Array): Promise<void>;
  /** What was appended is on stable storage. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Reading {
  /** Fills `part` from `position` on; the bytes that were there. */
  read(part: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface BulkFiles {
  /** For those who open it themselves: another thread. */
  path(name: string): string;
  /** Made if it is missing. */
  append(name: string): Promise<Appending>;
  read(name: string): Promise<Reading>;
}

export function realBulkFiles(directory: string): BulkFiles {
  return {
    path: (name) => join(directory, name),
    async append(name) {
      const file = await open(join(directory, name), 'a', 0o640);
      return {
        append: (bytes) => writeAll(file, bytes),
        // Contents and size, like the log's.
        sync: () => file.datasync(),
        close: () => file.close(),
      };
    },
    async read(name) {
      const file = await open(join(directory, name), 'r');
      return {
        read: async (part, position) => (await file.read(part, 0, part.length, position)).bytesRead,
        close: () => file.close(),
      };
    },
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten;
}
