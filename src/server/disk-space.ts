/** Waiting for space on a disk that was full. */
import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** LevelDB needs room for a memory table and for the files of a merge before it is worth opening. */
const ENOUGH_BYTES = 64 << 20;
const LOOK_MS = 500;

export async function untilSpace(directory: string): Promise<void> {
  for (;;) {
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize >= ENOUGH_BYTES) return;
    await sleep(LOOK_MS);
  }
}
