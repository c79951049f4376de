/** The thread's side of thread-starter.ts. */
import { parentPort } from 'node:worker_threads';
import { useMemory } from '../base/heap-watch.ts';
import { ProcessMemory } from '../base/process-memory.ts';
import { reportThreadStats } from './thread-stats.ts';
import type { StatsSlot } from './thread-stats.ts';

/** The first message to a thread. */
export interface ThreadStart {
  readonly data: unknown;
  readonly stats: StatsSlot;
}

export interface ThreadMessage extends ThreadStart {
  /** What the process may take. */
  readonly memory: { readonly budgetBytes: number; readonly isOwn: boolean };
}

/** What this thread is to work with, which comes when it has loaded its code. From then on it reports how it is. */
export function threadData<T>(): Promise<T> {
  return new Promise((resolve) => {
    parentPort!.once('message', ({ data, stats, memory }: ThreadMessage) => {
      useMemory(new ProcessMemory(memory.budgetBytes, memory.isOwn));
      reportThreadStats(stats);
      resolve(data as T);
    });
  });
}
