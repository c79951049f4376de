#!/usr/bin/env node
/**
 * Do long queries on every server delay heartbeats? Runs a full-scan query of about ten seconds on each server of a group at once and
 * shows elections and the longest gap between two heartbeats, as sent by the leader and as received by the others.
 *
 *   npm run build && node bench/heartbeat-gap.mjs [--seconds 10] [--per-server 2]
 *
 * Exit code 1 if there was an election, or a gap above the heartbeat interval + 50 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, 'per-server': { type: 'string', default: '1' } } });
const HEARTBEAT_MS = 50;
const folder = mkdtempSync(join(tmpdir(), 'lgraph-gap-'));
const group = await LocalGroup.create({ size: 3, directory: folder, basePort: 24_300 });
try {
  group.startAll();
  await group.ready(60_000);
  const client = await RestClient.login(group.servers[0].restAddress, 'admin', '73@TuGraph');
  await client.cypher(group.servers[0].restAddress, 'UNWIND range(1, 20000) AS i CREATE (:Scan {i: i})');
  const all = async () => Promise.all(group.servers.map((server) => client.get(server.restAddress, '/info/raft')));
  await sleep(3000);
  const before = await all();
  const deadline = Date.now() + Number(values.seconds) * 1000;
  let queries = 0;
  let longest = 0;
  await Promise.all(group.servers.flatMap((server) => Array.from({ length: Number(values['per-server']) }, async () => {
    while (Date.now() < deadline) {
      const started = Date.now();
      // A scan of all pairs of a part of the vertices: one statement that keeps its reader thread busy to the end.
      await client.cypher(server.restAddress, 'MATCH (a:Scan), (b:Scan) WHERE a.i < 1500 AND a.i + b.i = 20001 RETURN count(*)', { timeoutMs: 120_000 });
      queries++;
      longest = Math.max(longest, Date.now() - started);
    }
  })));
  const after = await all();
  const terms = new Set([...before, ...after].map((status) => status.term));
  let worst = 0;
  after.forEach((status, i) => {
    // The counters hold the longest gap since the start; what was there before the load is the group's forming.
    const key = status.role === 'leader' ? 'heartbeatSentGapMsMax' : 'heartbeatReceivedGapMsMax';
    const grown = status.counters[key] > before[i].counters[key];
    if (grown) worst = Math.max(worst, status.counters[key]);
    console.log(`${group.servers[i].name} ${status.role.padEnd(8)} longest heartbeat gap ${status.role === 'leader' ? 'sent' : 'received'}: ${status.counters[key].toFixed(0)} ms${grown ? '' : ' (before the load)'}, stalls ${status.counters.stalls - before[i].counters.stalls}`);
  });
  console.log(`${queries} queries, the longest ${longest} ms; terms ${[...terms].join(', ')}; worst gap under load ${worst.toFixed(0)} ms, allowed ${HEARTBEAT_MS + 50} ms`);
  process.exitCode = terms.size === 1 && worst <= HEARTBEAT_MS + 50 ? 0 : 1;
} finally {
  await group.stopAll('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
