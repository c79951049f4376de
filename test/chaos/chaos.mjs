#!/usr/bin/env node
/**
 * Chaos on real processes: a group of servers, each on a host of its own (hosts.mjs), under clients (workload.mjs) and faults
 * (faults.mjs); everything that was promised is checked, after each fault and at the end.
 *
 *   npm run chaos -- --minutes 10 --seed 1 [--shape three|witness|five] [--faults kill,isolate] [--keep]
 *                    [--from-build DIR]      start with the build of another checkout, and upgrade server by server under load
 *
 * The seed draws the faults and what clients do; real time does the rest, so a seed is a recipe and not a replay. Needs root
 * and Linux with iproute2, nftables and e2fsprogs; `faketime` for clock jumps. Ends with a table, and with exit code 1 if
 * anything was not as promised.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SELF = fileURLToPath(import.meta.url);
if (process.env.CHAOS_INSIDE !== '1') {
  // Networks, mounts and names of the run are in namespaces of its own: nothing is left behind, whatever happens.
  const { status } = spawnSync('unshare', ['--net', '--mount', '--fork', process.execPath, SELF, ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, CHAOS_INSIDE: '1' } });
  process.exit(status ?? 1);
}

const { Host, makeSwitch, sh } = await import('./hosts.mjs');
const { drawFault, FAULTS, WEIGHTS } = await import('./faults.mjs');
const { Administrator, checkEnd, Client, prepare, Truth } = await import('./workload.mjs');
const { eventually, probe, RestClient } = await import('../../dist/cli/rest-client.js');

const SHAPES = { three: [0, 0, 0], witness: [0, 0, 1], five: [0, 0, 0, 1, 1] };
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, shape: { type: 'string', default: 'three' }, clients: { type: 'string', default: '8' },
    faults: { type: 'string' }, keep: { type: 'boolean' }, quiet: { type: 'boolean' }, build: { type: 'string', default: resolve(SELF, '../../..') }, 'from-build': { type: 'string' },
  },
});
const shape = SHAPES[values.shape];
if (shape === undefined) throw new Error(`--shape is one of ${Object.keys(SHAPES).join(', ')}, not ${values.shape}`);
const ELECTION_MS = 500;
/** What the group has after the last fault is healed: 2 election timeouts and a second. A server that has to start first takes longer. */
const AVAILABLE_MS = 2 * ELECTION_MS + 1000;

/** mulberry32: small, and the same everywhere. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Chaos {
  constructor(directory, random) {
    this.random = random;
    this.directory = directory;
    this.problems = [];
    this.counts = {};
    this.recoveries = [];
    const flags = ['--ha_node_offline_ms', '20000', '--ha_node_remove_ms', '60000', '--ha_log_keeps_entries', '2000', '--store_sync_interval_ms', '500'];
    this.hosts = shape.map((witness, i) => new Host(i + 1, directory, { diskMb: 400, isWitness: witness === 1, flags, build: values.build }));
    this.spare = new Host(9, directory, { diskMb: 400, flags, build: values.build });
    this.conf = this.hosts.map((host) => host.rpc).join(',');
    this.truth = new Truth((text) => this.problem(text));
    this.dataHosts = this.hosts.filter((host) => !host.isWitness);
  }

  problem(text) {
    this.problems.push(text);
    console.error(`  PROBLEM (${new Date().toISOString()}): ${text}`);
  }

  start(host) {
    host.start(this.conf);
  }

  async findLeader() {
    for (const host of this.hosts) if (host.isRunning && (await probe(host.rest, '/writable'))?.status === 200) return host;
    return undefined;
  }

  async untilReady(host, ms = 60_000) {
    await eventually(`${host.name} ready`, ms, async () => {
      if (!host.isRunning) throw new Error(`${host.name} ended by itself (${JSON.stringify(host.lastExit)}):\n${host.lastLog()}`);
      return (await probe(host.rest, '/readyz'))?.status === 200;
    });
  }

  async transfer() {
    const leader = await this.findLeader();
    if (leader !== undefined) await this.admin.post(leader.rest, '/group/transfer_leader', {}).catch(() => undefined);
  }

  async untilAllCaughtUp() {
    await eventually('all caught up', 60_000, async () => {
      const leader = await this.findLeader();
      if (leader === undefined) return false;
      const peers = await this.admin.get(leader.rest, '/info/peers').catch(() => []);
      const voters = peers.filter((peer) => peer.voter);
      return voters.length === this.hosts.length && voters.every((peer) => peer.lag < 500 && peer.state !== 'OFFLINE');
    });
  }

  /** From the heal of a fault, or from when a majority of the processes that it ended listens again, to the first acknowledged write. */
  async measureRecovery(name) {
    await eventually(`a majority listens after ${name}`, 60_000, async () => {
      const answers = await Promise.all(this.hosts.map((host) => probe(host.rest, '/livez')));
      return answers.filter((answer) => answer?.status === 200).length * 2 > this.hosts.length;
    });
    const began = performance.now();
    const probing = this.admin.sibling();
    await eventually(`a write after ${name}`, 60_000, async () => {
      const host = this.dataHosts[Math.floor(this.random() * this.dataHosts.length)];
      return probing.cypher(host.rest, 'MATCH (c:Probe) SET c.n = coalesce(c.n, 0) + 1', { timeoutMs: 3000 }).then(() => true, () => false);
    });
    this.recoveries.push({ name, ms: performance.now() - began });
  }

  async run(name) {
    const began = performance.now();
    const what = await FAULTS[name](this);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    const heldMs = Math.round(performance.now() - began);
    await this.measureRecovery(name);
    for (const host of this.hosts) await this.untilReady(host);
    await sleep(this.random() * 2000);
    if (values.quiet !== true) {
      const { acknowledged, inDoubt, reads } = this.truth.totals;
      console.log(`${name} (${what}), ${heldMs} ms; writable after ${Math.round(this.recoveries.at(-1).ms)} ms; acknowledged ${acknowledged}, in doubt ${inDoubt}, reads ${reads}, problems ${this.problems.length}`);
    }
  }

  async checkReplicas() {
    await eventually('equal checksums', 60_000, async () => {
      const sums = await Promise.all(this.dataHosts.map(async (host) => (await this.admin.cypher(host.rest, 'CALL dbms.ha.checksum()')).rows[0].join(' ')));
      const versions = new Set(sums.map((sum) => sum.split(' ')[0]));
      if (versions.size === 1 && new Set(sums).size > 1) throw new Error(`checksums differ at one version: ${sums.join(' | ')}`);
      return new Set(sums).size === 1;
    });
  }

  /** What each server says of itself: the first thing one wants to know of a failure. */
  async describe() {
    for (const host of this.hosts) {
      const ready = await probe(host.rest, '/readyz');
      const status = await this.admin?.get(host.rest, '/info/raft').catch((error) => ({ error: error.message }));
      const { role, term, leaderId, commitIndex, lastIndex, appliedIndex, nodeId, counters, error } = status ?? {};
      console.error(`${host.name}: ${host.isRunning ? 'runs' : `ended ${JSON.stringify(host.lastExit)}`} ${JSON.stringify({ nodeId, role, term, leaderId, commitIndex, lastIndex, appliedIndex, counters, error })}\n${ready?.text ?? 'does not answer'}`);
    }
  }

  report() {
    const byName = {};
    for (const { name, ms } of this.recoveries) (byName[name] ??= []).push(ms);
    const line = (label, ...cells) => console.log(label.padEnd(16) + cells.map((cell) => String(cell).padStart(12)).join(''));
    line('fault', 'times', 'median ms', 'worst ms', `> ${AVAILABLE_MS} ms`);
    for (const [name, all] of Object.entries(byName)) {
      all.sort((a, b) => a - b);
      line(name, all.length, Math.round(all[all.length >> 1]), Math.round(all.at(-1)), all.filter((ms) => ms > AVAILABLE_MS).length);
    }
    console.log(JSON.stringify({ seed: Number(values.seed), shape: values.shape, faults: this.recoveries.length, ...this.truth.totals, problems: this.problems.length }));
  }
}

const directory = mkdtempSync(join(tmpdir(), 'lgraph-chaos-'));
const seed = Number(values.seed);
const chaos = new Chaos(directory, generator(seed));
const weights = values.faults === undefined ? WEIGHTS : Object.fromEntries(values.faults.split(',').map((name) => {
  if (FAULTS[name] === undefined) throw new Error(`no fault is called ${name}: they are ${Object.keys(FAULTS).join(', ')}`);
  return [name, WEIGHTS[name]];
}));
let running = true;
try {
  sh('mount', '--make-rprivate', '/');
  makeSwitch();
  for (const host of [...chaos.hosts, chaos.spare]) host.setUp();
  for (const host of chaos.hosts) host.start(chaos.conf, [], values['from-build'] ?? values.build);
  for (const host of chaos.hosts) await chaos.untilReady(host);
  const first = chaos.dataHosts[0];
  chaos.admin = await RestClient.login(first.rest, 'admin', '73@TuGraph');
  await prepare(chaos.admin, first.rest);
  await chaos.admin.cypher(first.rest, 'CREATE (:Probe {n: 0})');
  // A client knows that the group is prepared: a server that lost its last half second in a power cut may show a client without a version the time before.
  const informed = () => Object.assign(chaos.admin.sibling(), { version: chaos.admin.version });
  const make = (Kind, number) => new Kind({ number, rest: informed(), hosts: chaos.dataHosts, truth: chaos.truth, random: generator(seed * 1000 + number) });
  const clients = [...Array.from({ length: Number(values.clients) }, (_, i) => make(Client, i)), make(Administrator, 101)];
  const work = Promise.all(clients.map((client) => client.run(() => running)));
  work.catch((error) => chaos.problem(error.stack ?? String(error)));
  if (values['from-build'] !== undefined) {
    await sleep(5000);
    await chaos.run('rollingRestart');
    console.log(`upgraded from ${values['from-build']} under load`);
  }
  const until = performance.now() + Number(values.minutes) * 60_000;
  while (performance.now() < until && chaos.problems.length === 0) await chaos.run(drawFault(chaos.random, weights));
  running = false;
  await work;
  for (const host of chaos.hosts) host.setClock(0);
  await chaos.untilAllCaughtUp();
  await checkEnd(chaos.truth, chaos.admin, (await chaos.findLeader()).rest);
  await chaos.checkReplicas();
} catch (error) {
  chaos.problem(error.stack ?? String(error));
  await chaos.describe();
} finally {
  running = false;
  for (const host of [...chaos.hosts, chaos.spare]) await host.tearDown().catch((error) => console.error(String(error)));
}
chaos.report();
if (chaos.problems.length > 0) {
  console.error(`${chaos.problems.length} problems; logs and disks in ${directory}`);
  process.exit(1);
}
if (values.keep !== true) rmSync(directory, { recursive: true, force: true });
process.exit(0);
