/**
 * `GET /metrics`: this server's numbers in the Prometheus text format. Everything is counted elsewhere in plain fields; the
 * families are made of them anew for each scrape, so nothing is paid between scrapes.
 *
 * No names of users or graphs and no text of a statement is in here: the page is open unless `metrics_token` is set.
 */
import { statfs } from 'node:fs/promises';
import { Registry } from 'prom-client';
import { LATENCY_BOUNDS_MS } from '../base/histogram.ts';
import type { Buckets } from '../base/histogram.ts';
import type { GroupStatus } from '../replica/protocol.ts';
import type { Service } from '../service/service.ts';
import type { ScheduleState } from './scheduled-backups.ts';
import type { ThreadStatsTable } from './thread-stats.ts';

export interface MetricsParts {
  readonly service: Service;
  readonly threads: ThreadStatsTable;
  readonly directory: string;
  /** Open client connections by protocol. */
  readonly connections: () => Readonly<Record<string, number>>;
  readonly rpcCalls: () => { readonly running: number; readonly ended: readonly { readonly method: string; readonly code: string; readonly count: number }[] };
  /** Decoded graph data in memory, by thread, in bytes. */
  readonly cacheBytes: () => Promise<Readonly<Record<string, number>>>;
  readonly memoryLeftBytes: () => number;
  /** Bytes of files below a folder of the data directory, by what they are. */
  readonly storeBytes: () => Promise<Readonly<Record<string, number>>>;
  /** How often a reader thread took part in a read of another one. */
  readonly readsHelped: () => number;
  readonly securityCounts: () => Readonly<Record<string, number>>;
  /** Of the backups this server makes by itself; undefined: it makes none. */
  readonly backups: ScheduleState | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Type = 'gauge' | 'counter' | 'histogram';

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** The families of one scrape. */
class Page {
  readonly #registry = new Registry();

  #add(type: Type, name: string, help: string, values: readonly Sample[]): void {
    if (values.length === 0) return;
    const family = { name, help, type, aggregator: 'sum', values };
    // prom-client renders whatever has a name and `get`; its types know only its own classes.
    this.#registry.registerMetric({ name, get: () => Promise.resolve(family) } as never);
  }

  gauge(name: string, help: string, value: number | readonly Sample[]): void {
    this.#add('gauge', name, help, typeof value === 'number' ? [{ labels: {}, value }] : value);
  }

  counter(name: string, help: string, value: number | readonly Sample[]): void {
    this.#add('counter', name, help, typeof value === 'number' ? [{ labels: {}, value }] : value);
  }

  /** In seconds, as Prometheus wants durations. */
  histogram(name: string, help: string, of: readonly { readonly labels: Labels; readonly buckets: Buckets }[]): void {
    const samples: Sample[] = [];
    for (const { labels, buckets } of of) {
      let total = 0;
      for (const [i, count] of buckets.counts.entries()) {
        total += count;
        const le = i < LATENCY_BOUNDS_MS.length ? String(LATENCY_BOUNDS_MS[i]! / 1000) : '+Inf';
        samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: total });
      }
      samples.push({ metricName: `${name}_sum`, labels, value: buckets.sumMs / 1000 }, { metricName: `${name}_count`, labels, value: total });
    }
    this.#add('histogram', name, help, samples);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

const byLabel = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));

export async function metricsText(parts: MetricsParts): Promise<string> {
  const { service } = parts;
  // A server that still starts, or stops, has numbers too.
  const status = await service.status().catch(() => undefined);
  const page = new Page();
  page.gauge('lgraph_info', 'The server, as labels.', [{ labels: { version: service.options.serverVersion, node: process.version, role: status?.role ?? 'unknown' }, value: 1 }]);
  page.gauge('lgraph_up_seconds', 'Time since the server started.', service.upSeconds);
  page.gauge('lgraph_data_version', 'Version of the data that reads see.', service.version);
  if (status !== undefined) raft(page, status, service);
  statements(page, service);
  await resources(page, parts);
  if (parts.backups !== undefined) backups(page, parts.backups);
  threads(page, parts.threads);
  return page.text();
}

const ROLES: readonly GroupStatus['role'][] = ['leader', 'follower', 'candidate', 'learner', 'forming'];

function raft(page: Page, status: GroupStatus, service: Service): void {
  const { counters } = status;
  page.gauge('lgraph_raft_role', '1 for the role this server has, 0 for the others.', ROLES.map((role) => ({ labels: { role }, value: role === status.role ? 1 : 0 })));
  page.gauge('lgraph_raft_has_leader', '1 if this server knows a leader.', service.options.group.leader === undefined ? 0 : 1);
  page.gauge('lgraph_raft_term', 'Current term.', status.term);
  page.gauge('lgraph_raft_commit_index', 'Highest log index known to be committed.', status.commitIndex);
  page.gauge('lgraph_raft_applied_index', 'Highest log index applied to the state.', status.appliedIndex);
  page.gauge('lgraph_raft_last_index', 'Last index of the log.', status.lastIndex);
  page.gauge('lgraph_raft_first_index', 'First index the log still has.', status.firstIndex);
  page.gauge('lgraph_raft_log_bytes', 'Size of the log on disk.', counters.logBytes ?? 0);
  page.gauge('lgraph_raft_log_segments', 'Files of the log.', counters.logSegments ?? 0);
  page.gauge('lgraph_raft_open_proposals', 'Writes that wait for a majority.', counters.openProposals ?? 0);
  page.gauge('lgraph_raft_disk_full', '1 while the log takes no entries for want of space.', counters.isDiskFull ?? 0);
  for (const [name, help, field] of [
    ['elections', 'Votes asked for by this server.', 'elections'], ['leaderships', 'Times this server became leader.', 'leaderships'],
    ['leader_changes', 'Times the known leader or the term changed.', 'leaderChanges'], ['appends_sent', 'Append messages sent.', 'appendsSent'],
    ['appends_received', 'Append messages received.', 'appendsReceived'], ['messages_sent', 'Messages sent.', 'messagesSent'],
    ['messages_received', 'Messages received.', 'messagesReceived'], ['stalls', 'Timers of the consensus thread that were late.', 'stalls'],
    ['log_syncs', 'Syncs of the log.', 'syncs'], ['log_bytes_written', 'Bytes written to the log.', 'bytesWritten'], ['log_entries_written', 'Entries written to the log.', 'entriesWritten'],
  ] as const) page.counter(`lgraph_raft_${name}_total`, help, counters[field] ?? 0);
  if (status.timings !== undefined) {
    page.histogram('lgraph_raft_append_seconds', 'Appending to the log: write and sync.', [{ labels: {}, buckets: status.timings.append }]);
    page.histogram('lgraph_raft_fsync_seconds', 'Syncing the log.', [{ labels: {}, buckets: status.timings.sync }]);
  }
  // Only a leader knows how far the others are.
  const others = status.peers.filter((peer) => !peer.isSelf);
  const perPeer = (value: (peer: GroupStatus['peers'][number]) => number) => others.map((peer) => ({ labels: { peer: peer.rpcAddress }, value: value(peer) }));
  if (status.role === 'leader') {
    page.gauge('lgraph_raft_peer_lag_entries', 'Committed entries that the peer has not applied.', perPeer((peer) => Math.max(0, status.commitIndex - peer.appliedIndex)));
    page.gauge('lgraph_raft_peer_match_index', 'Highest index known to be on the disk of the peer.', perPeer((peer) => peer.matchIndex));
  }
  page.gauge('lgraph_raft_peer_last_contact_seconds', 'Time since the peer was heard; -1: never.', perPeer((peer) => (peer.lastContactMs < 0 ? -1 : peer.lastContactMs / 1000)));
  page.gauge('lgraph_raft_peer_voter', '1 if the server has a vote.', status.peers.map((peer) => ({ labels: { peer: peer.rpcAddress }, value: peer.isVoter ? 1 : 0 })));
  const moving = status.peers.flatMap(({ rpcAddress, snapshot }) => (snapshot === undefined ? [] : [{ peer: rpcAddress, ...snapshot }]));
  page.gauge('lgraph_snapshot_bytes', 'Bytes of the whole state that have arrived at a server that gets it.', moving.map(({ peer, phase, bytes }) => ({ labels: { peer, phase }, value: bytes })));
  page.gauge('lgraph_snapshot_bytes_all', 'Size of the whole state that is sent.', moving.map(({ peer, phase, bytesTotal }) => ({ labels: { peer, phase }, value: bytesTotal })));
}

function statements(page: Page, service: Service): void {
  const { watch, options } = service;
  page.histogram('lgraph_statement_seconds', 'Statements, from their arrival until their last row was taken.',
    watch.latencies.map(({ protocol, kind, buckets }) => ({ labels: { protocol, kind }, buckets })));
  page.counter('lgraph_statement_errors_total', 'Statements that failed, by the code of the error.', watch.errors.map(({ protocol, code, count }) => ({ labels: { protocol, code }, value: count })));
  page.gauge('lgraph_statements_running', 'Statements that run or wait.', options.tasks.size);
  page.counter('lgraph_statements_started_total', 'Statements started.', options.tasks.started);
}

async function resources(page: Page, parts: MetricsParts): Promise<void> {
  page.counter('lgraph_reads_helped_total', 'Times a reader thread with nothing to do took part in a long read of another one.', parts.readsHelped());
  page.gauge('lgraph_connections', 'Open client connections.', byLabel('protocol', parts.connections()));
  const { running, ended } = parts.rpcCalls();
  page.gauge('lgraph_rpc_calls_running', 'Calls of gRPC clients that are being answered.', running);
  page.counter('lgraph_rpc_calls_total', 'Calls of gRPC clients that were answered, by the code of gRPC they ended with.', ended.map(({ method, code, count }) => ({ labels: { method, code }, value: count })));
  page.counter('lgraph_security_events_total', 'Logins and refusals.', byLabel('event', parts.securityCounts()));
  page.gauge('lgraph_cache_bytes', 'Decoded graph data in memory.', byLabel('thread', await parts.cacheBytes()));
  page.gauge('lgraph_store_bytes', 'Files of this server.', byLabel('part', await parts.storeBytes()));
  const disk = await statfs(parts.directory).catch(() => undefined);
  if (disk !== undefined) {
    page.gauge('lgraph_disk_free_bytes', 'Space left where the data is.', disk.bavail * disk.bsize);
    page.gauge('lgraph_disk_bytes', 'Size of the file system where the data is.', disk.blocks * disk.bsize);
  }
  const { user, system } = process.cpuUsage();
  page.counter('process_cpu_seconds_total', 'Processor time of all threads.', (user + system) / 1e6);
  page.gauge('process_resident_memory_bytes', 'Memory of the process.', process.memoryUsage.rss());
  page.gauge('lgraph_memory_left_bytes', 'What the process may still take (memory_mb).', parts.memoryLeftBytes());
  page.gauge('process_start_time_seconds', 'When the process started, since 1970.', Date.now() / 1000 - process.uptime());
}

function backups(page: Page, state: ScheduleState): void {
  page.gauge('lgraph_backup_running', '1 while this server makes a backup by itself.', state.isRunning ? 1 : 0);
  page.gauge('lgraph_backup_last_ok', '0 if the last one failed.', state.isLastBad ? 0 : 1);
  page.gauge('lgraph_backup_last_success_timestamp_seconds', 'When the last one ended well, since 1970; 0: none since the start.', state.lastEndMs / 1000);
  page.gauge('lgraph_backup_last_duration_seconds', 'How long it took.', state.lastTookMs / 1000);
  page.gauge('lgraph_backup_last_version', 'The version it holds.', state.lastVersion);
  page.gauge('lgraph_backup_last_bytes', 'Its size.', state.lastBytes);
  page.counter('lgraph_backup_failures_total', 'Backups that failed.', state.failures);
}

function threads(page: Page, table: ThreadStatsTable): void {
  const { all } = table;
  const of = (value: (stats: (typeof all)[number]['stats']) => number, more: Labels = {}) => all.map(({ thread, stats }) => ({ labels: { thread, ...more }, value: value(stats) }));
  page.gauge('lgraph_event_loop_delay_seconds', 'How late the event loop of a thread was, within the last second.', [
    ...of((stats) => stats.delayMeanMs / 1000, { stat: 'mean' }), ...of((stats) => stats.delayP99Ms / 1000, { stat: 'p99' }), ...of((stats) => stats.delayMaxMs / 1000, { stat: 'max' }),
  ]);
  page.gauge('lgraph_heap_bytes', 'Heap of a thread.', of((stats) => stats.heapBytes));
}
