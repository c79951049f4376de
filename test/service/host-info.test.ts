import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dataSpace } from '../../src/service/host-info.ts';

it('tells of the disk that the data is on, wherever the process was started', () => {
  const shared = '/dev/shm';
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-host-'));
  const sizeAt = (path: string) => Number(statfsSync(path).blocks) * Number(statfsSync(path).bsize);
  try {
    expect(dataSpace([['port', 7070], ['directory', directory]]).totalBytes).toBe(sizeAt(directory));
    expect(dataSpace([['directory', shared]]).totalBytes).toBe(sizeAt(shared));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
