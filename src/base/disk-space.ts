/** How much room a disk has. */
import { statfsSync } from 'node:fs';

/** Times the reserve (`disk_reserve_mb`): so much must be free for what takes much room at once, as the opening of a store or a state written to a file. */
export const ROOMY = 2;

/** Bytes of the file system that a folder is on; `freeBytes`: what whoever runs this may still write. */
export function diskSpace(directory: string): { readonly freeBytes: number; readonly totalBytes: number } {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** For people: one decimal while they are few, rounded otherwise. */
export function megabytesText(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
