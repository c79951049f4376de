#!/usr/bin/env node
/**
 * How long nobody can write when a leader dies, beside etcd; and what clients notice when one is replaced on purpose.
 *
 *   npm run build && node bench/failover.mjs [--rounds 20] [--transfers 20] [--clients 8] [--json FILE] [--only lgraph|etcd]
 *
 * Both are three servers on loopback with default settings. A round: the leader is killed with SIGKILL, and every 20 ms a write goes to
 * one of the two others in turn (REST; etcd's JSON gateway), until the first that was sent after the kill is acknowledged. Rounds of
 * the two alternate. Transfers: clients write through all three servers, each its next when the last is answered, while leadership
 * moves; given are the longest time a client waited for one write, and every answer that was an error. Needs etcd (Debian:
 * etcd-server).
 */
import { execSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';
import { Etcd } from './lib/etcd.mjs';
import { median, percentile } from './lib/load.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, transfers: { type: 'string', default: '20' }, clients: { type: 'string', default: '8' }, json: { type: 'string' }, only: { type: 'string' } },
});
const PROBE_EVERY_MS = 20;
const folder = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
const startLoad = loadavg()[0];
const group = await LocalGroup.create({ size: 3, directory: join(folder, 'lgraph'), basePort: 24_600 });
const etcd = new Etcd(join(folder, 'etcd'));
const result = {};
try {
  const targets = [values.only === 'etcd' ? undefined : await ours(), values.only === 'lgraph' ? undefined : await theirs()].filter(Boolean);
  await sleep(3000);
  for (const target of targets) result[target.name] = { ms: [] };
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const target of targets) {
      const ms = await target.failover();
      result[target.name].ms.push(ms);
      console.log(`round ${round} ${target.name.padEnd(7)} ${ms.toFixed(0).padStart(5)} ms`);
      await sleep(1000);
    }
  }
  for (const { name } of targets) Object.assign(result[name], summary(result[name].ms));
  for (const { name } of targets) console.log(`${name}: SIGKILL to the first acknowledged write: median ${result[name].median.toFixed(0)} ms, longest ${result[name].max.toFixed(0)} ms`);
  if (targets.length === 2) console.log(`ratio of the medians: ${(result.lgraph.median / result.etcd.median).toFixed(2)}`);
  if (values.only !== 'etcd' && Number(values.transfers) > 0) {
    result.transfer = await transfers();
    const { pauses, errors, writes } = result.transfer;
    console.log(`planned transfer: ${writes} writes, ${errors.length} errors; longest pause of a client: median ${median(pauses).toFixed(0)} ms, longest ${Math.max(...pauses).toFixed(0)} ms${errors.length > 0 ? `; ${errors[0]}` : ''}`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...surroundings(), options: values, ...result }, null, 1)}\n`);
} finally {
  await Promise.all([group.stopAll('SIGKILL'), etcd.stop()]);
  rmSync(folder, { recursive: true, force: true });
}

async function ours() {
  group.startAll();
  await group.ready(120_000);
  const leader = await group.leader();
  const client = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
  return {
    name: 'lgraph',
    failover: async () => {
      const leader = await group.leader();
      const others = group.servers.filter((server) => server !== leader);
      const ms = await untilWritten(() => leader.child.kill('SIGKILL'), (n) => client.sibling().cypher(others[n % 2].restAddress, 'CREATE (:Item)', { timeoutMs: 10_000 }));
      while (leader.child !== undefined) await sleep(10);
      group.start(leader);
      await group.readyOne(leader, 120_000);
      return ms;
    },
  };
}

async function theirs() {
  etcd.start();
  await etcd.leader();
  const initial = etcd.members.map((member) => `${member.name}=http://127.0.0.1:${member.peer}`).join(',');
  const body = JSON.stringify({ key: Buffer.from('k').toString('base64'), value: Buffer.from('v').toString('base64') });
  const put = async (member) => {
    const answer = await fetch(`http://127.0.0.1:${member.client}/v3/kv/put`, { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return {
    name: 'etcd',
    failover: async () => {
      const leader = await etcd.leader();
      const others = etcd.members.filter((member) => member !== leader);
      const ended = new Promise((resolve) => leader.child.once('exit', resolve));
      const ms = await untilWritten(() => leader.child.kill('SIGKILL'), (n) => put(others[n % 2]));
      await ended;
      etcd.startOne(leader, initial);
      for (;;) {
        if (await put(leader).then(() => true, () => false)) return ms;
        await sleep(50);
      }
    },
  };
}

/** Milliseconds from the kill to the first acknowledgement of a write that was sent after it. */
async function untilWritten(kill, write) {
  const began = performance.now();
  kill();
  let took;
  for (let n = 0; took === undefined; n++) {
    write(n).then(() => (took ??= performance.now() - began), () => undefined);
    await sleep(PROBE_EVERY_MS);
  }
  return took;
}

async function transfers() {
  const leader = await group.leader();
  const admin = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
  const errors = [];
  let writes = 0;
  let longest = 0;
  let isOver = false;
  const running = Array.from({ length: Number(values.clients) }, async (_, i) => {
    const client = admin.sibling();
    const address = group.servers[i % 3].restAddress;
    while (!isOver) {
      const began = performance.now();
      await client.cypher(address, 'CREATE (:Item)', { timeoutMs: 20_000 }).then(() => writes++, (error) => errors.push(`${error.code} ${error.message}`));
      longest = Math.max(longest, performance.now() - began);
    }
  });
  const pauses = [];
  const normal = [];
  await sleep(2000);
  for (let i = 0; i < Number(values.transfers); i++) {
    // The longest wait with nothing going on, for the same time, is what a pause is to be compared with.
    longest = 0;
    await sleep(1000);
    normal.push(longest);
    longest = 0;
    const now = await group.leader();
    // On a busy machine the followers may not have been heard within the last moment: the order is given again.
    for (let n = 0; !(await admin.post(now.restAddress, '/group/transfer_leader', {}).then(() => true, () => false)) && n < 20; n++) await sleep(100);
    await sleep(1000);
    pauses.push(longest);
  }
  isOver = true;
  await Promise.all(running);
  return { pauses, longestWithoutTransfer: normal, errors, writes };
}

function summary(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return { median: percentile(sorted, 0.5), p90: percentile(sorted, 0.9), max: sorted.at(-1) };
}

function surroundings() {
  return {
    when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit: execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim(),
    loadAverageBefore: startLoad, note: startLoad > 1 ? 'the machine was busy with other work: both sides are slower than on an idle one' : undefined,
  };
}
