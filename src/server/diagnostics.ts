/** What SIGQUIT writes to the log: what this server does at the moment, for somebody who wonders why it does not. */
import type { GroupStatus } from '../replica/protocol.ts';
import type { Service } from '../service/service.ts';
import type { ThreadStatsTable } from './thread-stats.ts';

export interface DiagnosticsParts {
  readonly service: Service | undefined;
  readonly threads: ThreadStatsTable;
  readonly connections: Readonly<Record<string, number>>;
  /** Calls that wait for an answer of each thread. */
  readonly waiting: Readonly<Record<string, number>>;
  /** Undefined: consensus did not answer in time. */
  readonly status: GroupStatus | undefined;
}

const TASKS_MAX = 100;

export function diagnostics({ service, threads, connections, waiting, status }: DiagnosticsParts): Record<string, unknown> {
  const { rss, heapTotal, external, arrayBuffers } = process.memoryUsage();
  const tasks = service?.options.tasks.list() ?? [];
  return {
    up_seconds: service?.upSeconds, version: service?.version, connections, waiting,
    memory: { rss, heapTotal, external, arrayBuffers },
    threads: Object.fromEntries(threads.all.map(({ thread, stats }) => [thread, stats])),
    raft: status === undefined ? 'no answer' : status,
    live_options: service?.live,
    running: [...tasks].sort((a, b) => b.elapsedMs - a.elapsedMs).slice(0, TASKS_MAX), running_count: tasks.length,
    resources: countOf(process.getActiveResourcesInfo()),
  };
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
