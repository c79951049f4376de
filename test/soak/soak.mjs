/**
 * A group of three under a steady mixed load for hours: `npm run soak -- --minutes 120`.
 *
 * The load has a fixed rate and a graph of bounded size, so whatever grows, leaks: every minute the resident memory of each server, the bytes of its
 * log and of its store, and the latencies of each kind of request are written down. The first third is for warming up; the second and the last
 * are compared in the table at the end. Exit code 0: no request failed, the replicas are equal and neither memory nor disk grew by more than a fifth.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import neo4j from 'neo4j-driver';
import { LocalGroup } from '../../dist/cli/local-group.js';
import { eventually, RestClient } from '../../dist/cli/rest-client.js';
import { median, percentile } from '../../bench/lib/load.mjs';
import { directoryBytes, residentMb } from './samples.mjs';
import { WORKLOADS } from './workloads.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '120' }, rate: { type: 'string', default: '100' }, people: { type: 'string', default: '20000' }, json: { type: 'string' } },
});
const minutes = Number(values.minutes);
const people = Number(values.people);
const totalRate = Number(values.rate);
if (!(minutes > 0) || !(totalRate > 0) || !Number.isInteger(people)) {
  console.error('usage: soak.mjs [--minutes N] [--rate REQUESTS_PER_SECOND] [--people N] [--json FILE]');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'lgraph-soak-'));
const group = await LocalGroup.create({ size: 3, directory: folder, basePort: 25_300, flags: ['--ha_log_keeps_entries', '20000'] });
const latencies = new Map();
const failures = [];
const samples = [];
const counts = {};
let running = true;
let exitCode = 1;

/** Starts requests of one kind at its rate, whatever the earlier ones do, but never more than 64 at once. */
async function drive({ name, share, once }, context) {
  const intervalMs = 1000 / (totalRate * share);
  let inFlight = 0;
  counts[name] = 0;
  latencies.set(name, []);
  for (let due = performance.now(); running; due += intervalMs) {
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    if (inFlight >= 64) continue;
    inFlight++;
    const started = performance.now();
    once(context).then(() => counts[name]++, (error) => failures.push(`${name}: ${error.code ?? ''} ${error.message}`)).finally(() => {
      inFlight--;
      latencies.get(name).push(performance.now() - started);
    });
  }
}

function sample(minute) {
  const ms = {};
  for (const [name, list] of latencies) {
    const sorted = list.sort((a, b) => a - b);
    ms[name] = { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
    list.length = 0;
  }
  const servers = group.servers.map((server) => {
    const data = join(server.directory, 'data');
    return { rss_mb: residentMb(server.child.pid), log_mb: directoryBytes(join(data, 'ha')) / 2 ** 20, store_mb: directoryBytes(join(data, 'store')) / 2 ** 20 };
  });
  samples.push({ minute, load: loadavg()[0], servers, ms });
}

/** Medians of the second and the last third, side by side. */
function compare() {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const parts = [samples.slice(third, 2 * third), samples.slice(-third)];
  const rows = [];
  const row = (name, get) => rows.push([name, ...parts.map((part) => median(part.map(get)))]);
  group.servers.forEach(({ name }, i) => {
    for (const key of ['rss_mb', 'log_mb', 'store_mb']) row(`${name} ${key}`, (one) => one.servers[i][key]);
  });
  for (const kind of latencies.keys()) for (const key of ['p50', 'p99']) row(`${kind} ${key} ms`, (one) => one.ms[kind][key]);
  return rows;
}

try {
  group.startAll();
  await group.ready(60_000);
  const leader = await group.leader();
  const rest = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
  const driver = neo4j.driver(leader.boltUri.replace('bolt:', 'neo4j:'), neo4j.auth.basic('admin', '73@TuGraph'), {
    resolver: () => group.servers.map((server) => server.boltUri.replace('bolt://', '')), disableLosslessIntegers: true,
  });
  const context = { driver, rest, restAddresses: group.servers.map((server) => server.restAddress), people, serial: 0 };
  for (const workload of WORKLOADS) await workload.prepare?.(context);
  const load = WORKLOADS.map((workload) => drive(workload, context));
  const startMs = performance.now();
  for (let minute = 1; minute <= minutes; minute++) {
    await sleep(startMs + minute * 60_000 - performance.now());
    sample(minute);
    console.log(JSON.stringify({ ...samples.at(-1), failed: failures.length }));
  }
  running = false;
  await Promise.all(load);
  await sleep(2000);
  const checksum = await eventually('equal replicas', 60_000, () => equalChecksums(rest));
  await driver.close();
  const rows = compare();
  console.table(Object.fromEntries(rows.map(([name, before, after]) => [name, { 'second third': round(before), 'last third': round(after), ratio: round(after / before) }])));
  for (const failure of failures.slice(0, 20)) console.log(failure);
  // The log goes in files of 64 MB: below three of them its size says nothing.
  const grown = rows.filter(([name, before, after]) => name.endsWith('_mb') && after > before * 1.2 + 8 && !(name.endsWith('log_mb') && after < 192));
  for (const [name, before, after] of grown) console.log(`${name} grew from ${round(before)} to ${round(after)}`);
  const result = { date: new Date().toISOString(), cpus: cpus().length, minutes, rate: totalRate, people, counts, failed: failures.length, checksum, samples };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result)}\n`);
  console.log(JSON.stringify({ minutes, counts, failed: failures.length, checksum }));
  exitCode = failures.length === 0 && grown.length === 0 ? 0 : 1;
} finally {
  running = false;
  await group.stopAll('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.exit(exitCode);

function round(value) {
  return Math.round(value * 100) / 100;
}

/** The version and checksum that all replicas have, once they have the same. */
async function equalChecksums(rest) {
  const answers = await Promise.all(group.servers.map(async (server) => (await rest.cypher(server.restAddress, 'CALL dbms.ha.checksum()')).rows[0].join(' ')));
  return new Set(answers).size === 1 ? answers[0] : undefined;
}
