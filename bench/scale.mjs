#!/usr/bin/env node
/**
 * Do point reads and one-hop reads cost the same on a graph of ten times the size? Two servers in one run, in alternating slices.
 *
 *   npm run build && node bench/scale.mjs --kit DIR [--small 10000] [--large 100000] [--rounds 7] [--slice 1500] [--flags='--cache_mb 1024'] [--json file]
 *
 * DIR is a working copy of the LDBC kit, as for bench/ldbc.mjs, whose stores below DIR/work are used too: made and loaded over Bolt where they are not there (100,000 persons: 1.7 million
 * vertices and 12.7 million edges, half an hour). Both servers run at their defaults, or with the flags given, and are warmed by db.warmup().
 * --sample (400) persons, and as many messages, are drawn from all of the graph, those of the larger one with as many friends: answers of one size, spread over ten times the memory.
 * The client only counts (lib/bolt-client.mjs).
 * Ends with small / large for each read and number of connections: the median over rounds of the ratio of both slices' medians (one connection) and rates (16 connections).
 */
import { execSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';
import { BoltClient } from './lib/bolt-client.mjs';
import { median, peakMemory, percentile } from './lib/load.mjs';

const { values } = parseArgs({
  options: { kit: { type: 'string' }, small: { type: 'string', default: '10000' }, large: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '7' }, slice: { type: 'string', default: '1500' }, json: { type: 'string' }, flags: { type: 'string', default: '' }, sample: { type: 'string', default: '400' } },
});
if (values.kit === undefined) throw new Error('--kit DIR: a working copy of the LDBC kit');
const kit = resolve(values.kit);
const PASSWORD = '73@TuGraph';
const CONNECTIONS = 16;
const SAMPLE = Number(values.sample);
/** What is asked with an id of a person or a message. The LDBC short reads are those that look at a vertex and what is next to it. */
const READS = {
  'point read': { of: 'persons', text: 'MATCH (p:Person {id: $id}) RETURN p.firstName, p.lastName, p.birthday, p.locationIP, p.browserUsed' },
  'point read of a message': { of: 'messages', text: 'MATCH (m:Message {id: $id}) RETURN m.creationDate, m.content, m.length' },
  'one hop': { of: 'persons', text: 'MATCH (p:Person {id: $id})-[k:KNOWS]-(f:Person) RETURN f.id AS id, f.firstName, f.lastName, k.creationDate ORDER BY id' },
  'one hop, count': { of: 'persons', text: 'MATCH (p:Person {id: $id})-[:KNOWS]-(f) RETURN count(f)' },
  'creator of a message': { of: 'messages', text: 'MATCH (m:Message {id: $id})-[:HAS_CREATOR]->(p:Person) RETURN p.id, p.firstName, p.lastName' },
};

const run = (args) => new Promise((done, failed) => {
  spawn(process.execPath, ['--max-old-space-size=8000', ...args], { cwd: kit, stdio: 'inherit' }).on('exit', (code) => (code === 0 ? done() : failed(new Error(`${args[0]} ended with ${code}`))));
});

/** A server with the graph of so many persons. */
async function open(persons, basePort) {
  const data = join('work', `snb-${persons}`);
  if (!existsSync(join(kit, data))) await run(['generate.mjs', '--persons', persons, '--seed', '1', '--out', data]);
  const directory = join(kit, 'work', `lgraph-${persons}`);
  mkdirSync(directory, { recursive: true });
  const group = await LocalGroup.create({ size: 1, directory, basePort, standalone: true, flags: values.flags.split(' ').filter(Boolean) });
  const [server] = group.servers;
  group.startAll();
  await group.ready(120_000);
  const rest = await RestClient.login(server.restAddress, 'admin', PASSWORD);
  const rows = async (text) => (await rest.cypher(server.restAddress, text, { timeoutMs: 600_000 })).rows;
  if ((await rows('MATCH (n) RETURN count(n)'))[0][0] === 0) await run(['load.mjs', '--uri', server.boltUri, '--user', 'admin', '--password', PASSWORD, '--data', data]);
  await rows('CALL db.warmup()');
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => BoltClient.connect(server.ports.bolt, 'admin', PASSWORD)));
  return { persons, group, server, clients, elements: [(await rows('MATCH (n) RETURN count(n)'))[0][0], (await rows('MATCH ()-[r]->() RETURN count(r)'))[0][0]] };
}

function grouped(list, key) {
  const groups = new Map();
  for (const each of list) {
    if (!groups.has(key(each))) groups.set(key(each), []);
    groups.get(key(each)).push(each);
  }
  return groups;
}

/** Ids that the reads ask for: persons with friends and messages, drawn from all. With `like`, persons who have as many friends as those drawn there: the answers are to be of one size. */
async function draw(target, like) {
  const { loadGraph, rng } = await import(pathToFileURL(join(kit, 'lib', 'params.mjs')).href);
  const graph = await loadGraph(join(kit, 'work', `snb-${target.persons}`));
  const random = rng(11);
  const oneOf = (list) => list[Math.floor(random() * list.length)];
  const degree = (id) => graph.adj.get(id).length;
  const withFriends = [...graph.persons.keys()].filter((id) => degree(id) > 0);
  const byDegree = grouped(withFriends, degree);
  const degrees = [...byDegree.keys()];
  const nearest = (wanted) => degrees.reduce((best, each) => (Math.abs(each - wanted) < Math.abs(best - wanted) ? each : best));
  const persons = like === undefined ? Array.from({ length: SAMPLE }, () => oneOf(withFriends)) : like.degrees.map((wanted) => oneOf(byDegree.get(byDegree.has(wanted) ? wanted : nearest(wanted))));
  target.degrees = persons.map(degree);
  target.friends = target.degrees.reduce((sum, each) => sum + each, 0) / persons.length;
  const messages = [...graph.msgs.keys()];
  target.ids = { persons, messages: Array.from({ length: SAMPLE }, () => oneOf(messages)) };
}

async function slice(target, { of, text }, connections, ms) {
  const ids = target.ids[of];
  target.next ??= 0;
  const latencies = [];
  const started = performance.now();
  await Promise.all(target.clients.slice(0, connections).map(async (client) => {
    while (performance.now() - started < ms) {
      const id = ids[target.next++ % ids.length];
      const before = performance.now();
      await client.run(text, new Map([['id', id]]));
      latencies.push(performance.now() - before);
    }
  }));
  const seconds = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), perSecond: latencies.length / seconds };
}

const targets = [];
try {
  targets.push(await open(values.small, 24_500), await open(values.large, 24_600));
  await draw(targets[0]);
  await draw(targets[1], targets[0]);
  for (const target of targets) console.log(`${target.persons} persons: ${target.elements[0]} vertices, ${target.elements[1]} edges; ${target.friends.toFixed(1)} friends of a drawn person`);
  for (const target of targets) for (const read of Object.values(READS)) await slice(target, read, CONNECTIONS, 2000);
  const rows = [];
  for (const [name, read] of Object.entries(READS)) {
    for (const connections of [1, CONNECTIONS]) {
      const slices = targets.map(() => []);
      for (let round = 0; round < Number(values.rounds); round++) {
        for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) slices[i].push(await slice(targets[i], read, connections, Number(values.slice)));
      }
      const ratio = median(slices[0].map((small, i) => (connections === 1 ? slices[1][i].p50 / small.p50 : small.perSecond / slices[1][i].perSecond)));
      const [small, large] = slices.map((each) => ({ p50: median(each.map(({ p50 }) => p50)), p99: median(each.map(({ p99 }) => p99)), perSecond: median(each.map(({ perSecond }) => perSecond)) }));
      rows.push({ name, connections, ratio, small, large });
      const text = ({ p50, p99, perSecond }) => `${p50.toFixed(3)} ms (p99 ${p99.toFixed(2)}), ${perSecond.toFixed(0)}/s`;
      console.log(`${name.padEnd(24)} ${String(connections).padStart(2)}: ${text(small)} | ${text(large)} | large costs ${ratio.toFixed(2)} x`);
    }
  }
  const memory = targets.map(({ server }) => Math.round(peakMemory(server.child.pid)));
  console.log(`peak memory of the servers: ${memory.join(' and ')} MiB`);
  if (values.json !== undefined) {
    const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
    const about = targets.map(({ persons, elements, friends }, i) => ({ persons, vertices: elements[0], edges: elements[1], friends, peakMiB: memory[i] }));
    writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB`, node: process.version, commit, flags: values.flags, sample: SAMPLE, targets: about, rows }, null, 1)}\n`);
  }
} finally {
  for (const { clients, group } of targets) {
    for (const client of clients) client.close();
    await group.stopAll('SIGTERM');
  }
}
