/** Where backups are kept: files under names with slashes. A folder here; s3-storage.ts for the other kind. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DbError } from '../../base/errors.ts';

export interface BackupStorage {
  /** For people. */
  readonly place: string;
  /** Names of all files; those of one folder if `folder` is given. */
  list(folder?: string): Promise<string[]>;
  /** Undefined: there is no such file. */
  read(name: string): Promise<Buffer | undefined>;
  /** When it returns, the file is there for good, whole; an earlier one of the name is replaced at once. Throws ReadOnlyDisk. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Nothing happens where there is no such file. */
  remove(name: string): Promise<void>;
  /** Keeps others from changing anything here until the answer is called; throws Busy with whoever does. */
  lock(): Promise<() => void>;
}

const LOCK = '.lock';
const PARTIAL = '.partial';
/** Whoever works touches the lock more often. */
const LOCK_STALE_MS = 600_000;
const TOUCH_MS = 60_000;

export class FolderStorage implements BackupStorage {
  readonly place: string;

  constructor(folder: string) {
    this.place = resolve(folder);
  }

  async list(folder?: string): Promise<string[]> {
    const names: string[] = [];
    const walk = (below: string) => {
      const path = join(this.place, below);
      if (!existsSync(path)) return;
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const name = below === '' ? entry.name : `${below}/${entry.name}`;
        if (entry.isDirectory()) walk(name);
        else if (name !== LOCK) names.push(name);
      }
    };
    walk(folder ?? '');
    return names.sort();
  }

  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.place, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.place, name);
    const partial = `${path}${PARTIAL}`;
    try {
      const isNew = mkdirSync(dirname(path), { recursive: true }) !== undefined;
      const file = await open(partial, 'w', 0o640);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, path);
      await syncFolder(dirname(path));
      if (isNew) await syncFolder(this.place);
    } catch (error) {
      await rm(partial, { force: true });
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      throw new DbError('ReadOnlyDisk', `${this.place} has no space for ${name} (${bytes.length} bytes): ${message}`, { hint: 'what was written is kept: make space and run the same command again, it goes on from there', cause: error });
    }
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.place, name), { force: true });
    const folder = dirname(name);
    if (folder === '.') return;
    try {
      rmdirSync(join(this.place, folder));
    } catch {
      // Not empty yet, or gone already.
    }
    await syncFolder(this.place).catch(() => undefined);
  }

  async lock(): Promise<() => void> {
    mkdirSync(this.place, { recursive: true });
    const path = join(this.place, LOCK);
    const self = JSON.stringify({ host: hostname(), pids: pidSpace(), pid: process.pid });
    for (let attempt = 0; ; attempt++) {
      try {
        writeFileSync(path, self, { flag: 'wx' });
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const owner = ownerOf(path);
        if (owner !== undefined || attempt > 5) throw new DbError('Busy', `another backup works on ${this.place}${owner === undefined ? '' : ` (${owner})`}`, { hint: 'wait until it is over' });
        rmSync(path, { force: true });
      }
    }
    const timer = setInterval(() => touch(path), TOUCH_MS).unref();
    return () => {
      clearInterval(timer);
      rmSync(path, { force: true });
    };
  }
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // The next touch is in time.
  }
}

/**
 * Who holds the lock; undefined: nobody who lives. A number alone proves nothing: after a crash it is soon another process, and in a
 * container it is the same one at every start. So whoever lives is also heard of.
 */
function ownerOf(path: string): string | undefined {
  try {
    const { host, pids, pid } = JSON.parse(readFileSync(path, 'utf8')) as { host: string; pids?: string; pid: number };
    const isHeardOf = Date.now() - statSync(path).mtimeMs < LOCK_STALE_MS;
    const isAlive = isHeardOf && (host !== hostname() || pids !== pidSpace() || isRunning(pid));
    return isAlive ? `process ${pid} on ${host}` : undefined;
  } catch {
    return undefined; // Gone meanwhile, or cut short by a crash.
  }
}

/** Containers on one machine may share its name, but count processes each for itself. */
function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // Not Linux.
  }
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
