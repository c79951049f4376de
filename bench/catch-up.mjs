#!/usr/bin/env node
/**
 * How fast a new server gets the whole state, and what that costs the others.
 *
 *   npm run build && node bench/catch-up.mjs [--mb 1000] [--rate 0] [--clients 16] [--seconds 10] [--json FILE]
 *
 * A group of three gets `mb` MB of data; a fourth joins and must take the state as a file. Writers (16 clients, each its next write
 * when the last is acknowledged) run all the time: the rate before the transfer and after it, in equal slices, is the normal one;
 * the one during it is given as a share of that. Needs about 6 × `mb` of disk.
 */
import { execSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { eventually, RestClient } from '../dist/cli/rest-client.js';
import { Writers } from './lib/writers.mjs';

const { values } = parseArgs({
  options: { mb: { type: 'string', default: '1000' }, rate: { type: 'string', default: '0' }, clients: { type: 'string', default: '16' }, seconds: { type: 'string', default: '10' }, json: { type: 'string' } },
});
const seconds = Number(values.seconds);
const folder = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
const group = await LocalGroup.create({ size: 4, directory: folder, basePort: 24_300, flags: ['--ha_log_keeps_entries', '100', '--ha_snapshot_rate_mb_s', values.rate] });
const [newcomer, ...members] = [...group.servers].reverse();
const conf = members.map((server) => server.rpcAddress).join(',');
const startLoad = loadavg()[0];
let writers;
try {
  for (const server of members) group.start(server, ['--ha_conf', conf]);
  await group.ready(120_000);
  const leader = await group.leader();
  const client = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
  await fill(client, leader, Number(values.mb));
  writers = new Writers(leader.restAddress, client, Number(values.clients));
  await sleep(3000);
  const before = await writers.rate(seconds);
  console.log(`writes before: ${before.toFixed(0)}/s`);

  const busyBefore = cpuMs(leader.child.pid);
  const startedMs = performance.now();
  group.start(newcomer, ['--ha_conf', conf]);
  const counted = writers.count;
  const phases = { exporting: undefined, sending: undefined, installing: undefined };
  const marks = [{ phase: 'starting', atMs: startedMs, count: counted }];
  let bytes = 0;
  await eventually('the new server has caught up', 1_800_000, async () => {
    const peers = await client.get(leader.restAddress, '/info/peers').catch(() => []);
    const mine = peers.find((peer) => peer.rpc_address === newcomer.rpcAddress);
    if (mine?.snapshot !== undefined) {
      if (phases[mine.snapshot.phase] === undefined) marks.push({ phase: mine.snapshot.phase, atMs: performance.now(), count: writers.count });
      phases[mine.snapshot.phase] ??= performance.now();
      bytes = Math.max(bytes, mine.snapshot.bytes_total);
    }
    return bytes > 0 && mine?.snapshot === undefined && mine.lag < 5000;
  });
  const took = (performance.now() - startedMs) / 1000;
  marks.push({ phase: 'following', atMs: performance.now(), count: writers.count });
  const byPhase = Object.fromEntries(marks.slice(0, -1).map(({ phase, atMs, count }, i) => {
    const inSeconds = (marks[i + 1].atMs - atMs) / 1000;
    return [phase, { seconds: inSeconds, writesPerSecond: (marks[i + 1].count - count) / inSeconds }];
  }));
  const during = (writers.count - counted) / took;
  const busy = (cpuMs(leader.child.pid) - busyBefore) / 10 / took;
  await sleep(2000);
  const after = await writers.rate(seconds);
  const sent = /"sent":(\d+),"seconds":([\d.]+)/.exec(readFileSync(join(leader.directory, 'log'), 'utf8'));
  const normal = (before + after) / 2;
  const result = {
    stateMB: bytes / 1e6, secondsInAll: took, transferMBPerSecond: (bytes / 1e6) / (((phases.installing ?? performance.now()) - (phases.sending ?? startedMs)) / 1000),
    overallMBPerSecond: bytes / 1e6 / took, sentMB: sent === null ? undefined : Number(sent[1]) / 1e6,
    writesBefore: before, writesDuring: during, writesAfter: after, share: during / normal, byPhase, leaderCpuPercent: busy, errors: writers.errors,
  };
  console.log(`state ${result.stateMB.toFixed(0)} MB: sent at ${result.transferMBPerSecond.toFixed(0)} MB/s; from the start of the process to following ${took.toFixed(1)} s (${result.overallMBPerSecond.toFixed(0)} MB/s)`);
  console.log(`writes: ${before.toFixed(0)}/s before, ${during.toFixed(0)}/s during, ${after.toFixed(0)}/s after: ${(100 * result.share).toFixed(0)} % of normal; errors ${writers.errors}`);
  for (const [phase, { seconds: took, writesPerSecond }] of Object.entries(byPhase)) console.log(`  ${phase.padEnd(10)} ${took.toFixed(1).padStart(6)} s  ${writesPerSecond.toFixed(0).padStart(5)} writes/s, ${(100 * writesPerSecond / normal).toFixed(0)} %`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...surroundings(), options: values, result }, null, 1)}\n`);
} finally {
  await writers?.stop();
  await group.stopAll('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

/** Data that does not compress, then enough small entries that the log does not hold it any more. */
async function fill(client, leader, mb) {
  for (let done = 0; done < mb;) {
    const batch = Array.from({ length: 4 }, () => Array.from({ length: 100 }, () => randomBytes(7_500).toString('base64')));
    await Promise.all(batch.map((parts) => client.cypher(leader.restAddress, 'UNWIND $parts AS text CREATE (:Blob {text: text})', { parameters: { $parts: parts }, timeoutMs: 120_000 })));
    done += 4;
  }
  for (let i = 0; i < 500; i += 50) await Promise.all(Array.from({ length: 50 }, () => client.cypher(leader.restAddress, 'CREATE (:Small)')));
  for (const server of members) await client.post(leader.restAddress, '/group/snapshot', { peer: server.rpcAddress }, 120_000);
}

/** User and system time of a process (Linux counts in 10 ms). */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function surroundings() {
  return {
    when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit: execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim(),
    loadAverageBefore: startLoad, note: startLoad > 1 ? 'the machine was busy with other work: rates are lower than on an idle one' : undefined,
  };
}
