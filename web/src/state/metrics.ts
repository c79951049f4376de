/** Samples of every server while the page is open: what /info says, and /metrics where the server has it. */
import { signal } from '@preact/signals';
import { request } from '../api/connection.ts';
import type { ServerInfo } from '../api/types.ts';
import { group } from './group.ts';

export const SAMPLE_MS = 2000;
const SAMPLES_MAX = 900;

interface Totals {
  readonly requests: number;
  readonly commits: number;
  readonly atMs: number;
}

/** Values by name and server, one per moment; null where a server did not answer. */
export type Series = Map<string, Map<string, (number | null)[]>>;

export const moments: number[] = [];
export const series: Series = new Map();
/** Grows with each sample. */
export const samples = signal(0);
/** Names that /metrics has; none where there is no such page. */
export const exported = signal<readonly string[]>([]);
const last = new Map<string, Totals>();
let hasMetrics: boolean | undefined;

function put(name: string, server: string, value: number | null): void {
  const byServer = series.get(name) ?? new Map<string, (number | null)[]>();
  series.set(name, byServer);
  const values = byServer.get(server) ?? [];
  byServer.set(server, values);
  while (values.length < moments.length - 1) values.push(null);
  values.push(value);
}

/** The text form of Prometheus: `name{labels} value`, comments apart. Series of one name and server are summed. */
export function readExposition(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})? ([^ ]+)/.exec(line);
    if (match === null || /_bucket$/.test(match[1]!)) continue;
    const value = Number(match[2]);
    if (Number.isFinite(value)) values.set(match[1]!, (values.get(match[1]!) ?? 0) + value);
  }
  return values;
}

async function sampleServer(server: string): Promise<void> {
  const [info, statistics, raft] = await Promise.all([
    request<ServerInfo>('/info', { at: server }), request<{ running_tasks: number; total_requests: number }>('/info/statistics', { at: server }),
    request<{ commitIndex: number }>('/info/raft', { at: server }),
  ]);
  const now: Totals = { requests: statistics.total_requests, commits: raft.commitIndex, atMs: performance.now() };
  const before = last.get(server);
  last.set(server, now);
  const rate = (count: (totals: Totals) => number): number | null => (before === undefined || count(now) < count(before) ? null : ((count(now) - count(before)) / (now.atMs - before.atMs)) * 1000);
  put('throughput', server, rate((totals) => totals.requests));
  put('commits', server, rate((totals) => totals.commits));
  put('memory', server, info.memory.self / 1024);
  put('cpu', server, info.cpu.self);
  put('running', server, statistics.running_tasks);
  put('lag', server, group.value?.peers.find((peer) => peer.rest_address === server)?.lag ?? null);
  if (hasMetrics === false) return;
  for (const [name, value] of await metricsOf(server)) put(name, server, value);
}

async function metricsOf(server: string): Promise<Map<string, number>> {
  try {
    const values = readExposition(await request<string>('/metrics', { at: server }));
    hasMetrics = true;
    if (values.size !== exported.value.length) exported.value = [...values.keys()].sort();
    return values;
  } catch {
    hasMetrics ??= false;
    return new Map();
  }
}

export async function sample(): Promise<void> {
  const servers = (group.value?.peers ?? []).filter((peer) => peer.ha_role !== 'WITNESS' && peer.state !== 'OFFLINE').map((peer) => peer.rest_address);
  if (servers.length === 0) return;
  moments.push(Date.now() / 1000);
  await Promise.all(servers.map((server) => sampleServer(server).catch(() => last.delete(server))));
  for (const byServer of series.values()) for (const values of byServer.values()) while (values.length < moments.length) values.push(null);
  if (moments.length > SAMPLES_MAX) {
    moments.shift();
    for (const byServer of series.values()) for (const values of byServer.values()) values.shift();
  }
  samples.value++;
}
