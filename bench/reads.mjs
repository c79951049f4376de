#!/usr/bin/env node
/**
 * How fast are the reads that applications do most, beside FalkorDB in the same run?
 *
 *   npm run build && node bench/reads.mjs [--falkor 6399] [--rounds 5] [--slice 1500] [--json file]
 *
 * 10,000 persons with 20 friends each; a person by its key, and the friends of one person, with 1 and with 16 connections. Ours over Bolt, FalkorDB over
 * RESP, both through clients that only count. One server each; FalkorDB is started by the user (`--falkor PORT`), without it only ours is measured.
 */
import { execSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';
import { BoltClient } from './lib/bolt-client.mjs';
import { median, peakMemory, percentile } from './lib/load.mjs';
import { RespClient } from './lib/resp-client.mjs';

const { values } = parseArgs({ options: { falkor: { type: 'string' }, rounds: { type: 'string', default: '5' }, slice: { type: 'string', default: '1500' }, json: { type: 'string' } } });
const PERSONS = 10_000;
const FRIENDS = 20;
const QUERIES = {
  'point read': 'MATCH (p:Person {id: $id}) RETURN p.id, p.name, p.city',
  'one hop': 'MATCH (p:Person {id: $id})-[:KNOWS]->(f) RETURN f.id, f.name',
};
const folder = mkdtempSync(join(tmpdir(), 'lgraph-reads-'));
const group = await LocalGroup.create({ size: 1, directory: folder, basePort: 24_500, standalone: true });
const rows = [];

const persons = Array.from({ length: PERSONS }, (_, id) => ({ id, name: `Person ${id}`, city: `City ${id % 100}` }));
const friendships = persons.flatMap(({ id }) => Array.from({ length: FRIENDS }, (_, i) => ({ a: id, b: (id * 7 + i * 131 + 1) % PERSONS })));
const batches = (list) => Array.from({ length: Math.ceil(list.length / 5000) }, (_, i) => list.slice(i * 5000, (i + 1) * 5000));

async function ours() {
  const [server] = group.servers;
  group.startAll();
  await group.ready(60_000);
  const rest = await RestClient.login(server.restAddress, 'admin', '73@TuGraph');
  await rest.cypher(server.restAddress, 'CREATE INDEX FOR (p:Person) ON (p.id)');
  for (const rows of batches(persons)) await rest.cypher(server.restAddress, 'UNWIND $rows AS r CREATE (:Person {id: r.id, name: r.name, city: r.city})', { parameters: { rows } });
  for (const rows of batches(friendships)) await rest.cypher(server.restAddress, 'UNWIND $rows AS r MATCH (a:Person {id: r.a}), (b:Person {id: r.b}) CREATE (a)-[:KNOWS]->(b)', { parameters: { rows } });
  const clients = await Promise.all(Array.from({ length: 16 }, () => BoltClient.connect(server.ports.bolt, 'admin', '73@TuGraph')));
  return { name: 'lgraph', memory: () => peakMemory(server.child.pid), run: (i, text, id) => clients[i].run(text, new Map([['id', id]])), close: () => clients.forEach((client) => client.close()) };
}

async function falkor(port) {
  const clients = await Promise.all(Array.from({ length: 16 }, () => RespClient.connect(port)));
  const query = (client, text) => client.command('GRAPH.QUERY', 'lgraphbench', text, '--compact');
  await clients[0].command('GRAPH.DELETE', 'lgraphbench').catch(() => undefined);
  await query(clients[0], 'CREATE INDEX FOR (p:Person) ON (p.id)');
  const cypher = (rows) => `[${rows.map((row) => `{${Object.entries(row).map(([key, value]) => `${key}:${typeof value === 'string' ? `"${value}"` : value}`).join(',')}}`).join(',')}]`;
  for (const rows of batches(persons)) await query(clients[0], `UNWIND ${cypher(rows)} AS r CREATE (:Person {id: r.id, name: r.name, city: r.city})`);
  for (const rows of batches(friendships)) await query(clients[0], `UNWIND ${cypher(rows)} AS r MATCH (a:Person {id: r.a}), (b:Person {id: r.b}) CREATE (a)-[:KNOWS]->(b)`);
  const info = (await clients[0].command('INFO', 'server')).toString();
  const pid = Number(/process_id:(\d+)/.exec(info)[1]);
  return { name: 'falkordb', memory: () => peakMemory(pid), run: (i, text, id) => query(clients[i], `CYPHER id=${id} ${text}`), close: () => clients.forEach((client) => client.close()) };
}

async function slice(target, text, connections, ms) {
  const latencies = [];
  const end = performance.now() + ms;
  await Promise.all(Array.from({ length: connections }, async (_, i) => {
    for (let n = i * 1000; performance.now() < end; n++) {
      const started = performance.now();
      await target.run(i, text, (n * 37) % PERSONS);
      latencies.push(performance.now() - started);
    }
  }));
  latencies.sort((a, b) => a - b);
  return { perSecond: latencies.length / (ms / 1000), p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

try {
  const targets = [await ours(), ...(values.falkor === undefined ? [] : [await falkor(Number(values.falkor))])];
  for (const target of targets) for (const text of Object.values(QUERIES)) await slice(target, text, 16, 2000);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [what, text] of Object.entries(QUERIES)) {
      for (const connections of [1, 16]) {
        for (const target of round % 2 === 0 ? targets : [...targets].reverse()) {
          rows.push({ round, what, connections, target: target.name, ...await slice(target, text, connections, Number(values.slice)) });
        }
      }
    }
  }
  const names = targets.map((target) => target.name);
  console.log(`| read | connections | ${names.map((name) => `${name} /s | p50 / p99 ms`).join(' | ')} | ratio |\n|---|---|${names.map(() => '---|---|').join('')}---|`);
  for (const what of Object.keys(QUERIES)) {
    for (const connections of [1, 16]) {
      const of = (target, key) => median(rows.filter((row) => row.what === what && row.connections === connections && row.target === target).map((row) => row[key]));
      const cells = names.map((name) => `${of(name, 'perSecond').toFixed(0)} | ${of(name, 'p50').toFixed(2)} / ${of(name, 'p99').toFixed(2)}`);
      console.log(`| ${what} | ${connections} | ${cells.join(' | ')} | ${names.length < 2 ? '–' : (of('lgraph', 'perSecond') / of('falkordb', 'perSecond')).toFixed(2)} |`);
    }
  }
  const memory = Object.fromEntries(targets.map((target) => [target.name, Math.round(target.memory())]));
  console.log(`\npeak memory, MiB: ${JSON.stringify(memory)}`);
  if (values.json !== undefined) {
    const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
    writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit, rows, memory }, null, 1)}\n`);
  }
  targets.forEach((target) => target.close());
} finally {
  await group.stopAll('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
