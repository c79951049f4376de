/** Space on disks: how much is used, and waiting for more where one was full. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskSpace, ROOMY } from '../base/disk-space.ts';
import type { Config } from './options.ts';

const MB = 1 << 20;
const LOOK_MS = 500;

/** LevelDB needs room for a memory table and for the files of a merge before it is worth opening. */
export function opensWithBytes(config: Config): number {
  return config.disk_reserve_mb * MB * ROOMY;
}

export async function untilSpace(config: Config): Promise<void> {
  while (diskSpace(config.directory).freeBytes < opensWithBytes(config)) await sleep(LOOK_MS);
}

/** Bytes of the files of a folder; 0 while there is none. */
export async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).then((found) => (found.isFile() ? found.size : 0), () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
