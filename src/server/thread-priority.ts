/**
 * The operating system's priority of the calling thread, where it can be set (Linux: a thread has a nice value of its own,
 * addressed by its task id). Long reads step back so that heartbeats and writes get a processor at once, also on a machine
 * whose cores are all busy with queries.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** `nice` from -20 (first) to 19 (last); below 0 needs a privilege and is left alone without it. */
export function setThreadPriority(nice: number): void {
  try {
    const task = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isSafeInteger(task) && task > 0) setPriority(task, nice);
  } catch {
    // Another system, or no privilege: the default priority is right, only less so.
  }
}
