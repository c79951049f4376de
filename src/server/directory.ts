/** The data directory: created, checked, and held by one process at a time through a pid file. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DbError } from '../base/errors.ts';
import { refuseUnfinishedBeside } from '../data/staging.ts';

export const PID_FILE = 'lgraph.pid';
/** Where REST is reached from this machine, for health checks. */
export const ADDRESS_FILE = 'lgraph.address';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The pid in the directory's pid file, if that process lives and is one of ours. */
export function runningPid(directory: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(join(directory, PID_FILE), 'utf8').trim());
  } catch {
    return undefined; // No pid file: nothing runs here.
  }
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid || !isAlive(pid)) return undefined;
  try {
    // A pid is soon given to something else after a crash: only another node process can be a server.
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return command.includes('node') || command.includes('lgraph') ? pid : undefined;
  } catch {
    return pid; // No /proc here: believe the file.
  }
}

/** Takes the directory for this process; returns how to give it back. */
export function takeDirectory(directory: string, address: string): () => void {
  refuseUnfinishedBeside(directory);
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new DbError('InvalidConfig', `cannot create the data directory ${directory}: ${(error as Error).message}`, { hint: 'set --directory to a folder that can be written' });
  }
  const other = runningPid(directory);
  if (other !== undefined) {
    throw new DbError('InvalidConfig', `another server (process ${other}) runs on the data directory ${directory}`, { hint: 'stop it with -d stop, or choose another --directory' });
  }
  writeFileSync(join(directory, ADDRESS_FILE), `${address}\n`);
  const path = join(directory, PID_FILE);
  const temporary = `${path}.${process.pid}`;
  const file = openSync(temporary, 'w');
  writeSync(file, `${process.pid}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
  return () => {
    try {
      if (Number(readFileSync(path, 'utf8').trim()) === process.pid) unlinkSync(path);
    } catch {
      // Gone already: nothing to give back.
    }
  };
}
