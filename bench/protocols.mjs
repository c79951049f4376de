#!/usr/bin/env node
/**
 * What does a request cost over each protocol? Throughput, latency, and CPU time of server and client, beside FalkorDB in the same run.
 *
 *   npm run build && node bench/protocols.mjs [--falkor 6399] [--falkor-bolt 7699] [--rounds 5] [--slice 1500] [--only bolt,rest] [--prof DIR] [--json file]
 *
 * `RETURN 1`, a point read by key and 1,000 rows of three columns, with 1 and with 16 connections: ours over Bolt (neo4j-driver), REST (HTTP that is kept alive)
 * and gRPC (@grpc/grpc-js), FalkorDB over RESP and over its Bolt (neo4j-driver). Each client is a process of its own, so that its work is not the server's. The user
 * starts FalkorDB (with BOLT_PORT for its Bolt); what cannot be reached is said and left out. `--prof`: a CPU profile of our server goes there.
 */
import { execSync, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';
import { median } from './lib/load.mjs';
import { RespClient } from './lib/resp-client.mjs';

const { values } = parseArgs({
  options: {
    falkor: { type: 'string' }, 'falkor-bolt': { type: 'string' }, rounds: { type: 'string', default: '5' }, slice: { type: 'string', default: '1500' },
    only: { type: 'string' }, prof: { type: 'string' }, json: { type: 'string' },
  },
});
const USER = { user: 'admin', password: '73@TuGraph' };
const PERSONS = 10_000;
const GRAPH = 'lgraphprotocols';
const REQUESTS = {
  'RETURN 1': { text: 'RETURN 1', rows: 1 },
  'point read': { text: 'MATCH (p:Person {id: $id}) RETURN p.id, p.name, p.city', rows: 1, keys: PERSONS },
  '1,000 rows': { text: 'MATCH (p:Person) RETURN p.id, p.name, p.city LIMIT 1000', rows: 1000 },
};
const CONNECTIONS = [1, 16];
/** Of /proc/PID/stat; USER_HZ is 100 on every Linux that runs Node. */
const TICK_MS = 10;
/** A peer that says nothing for so long is left out. */
const SILENCE_MS = 20_000;

function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

class ClientProcess {
  #child = fork(fileURLToPath(new URL('./lib/protocol-client.mjs', import.meta.url)));

  static async open(name, pid, open) {
    const client = new ClientProcess();
    Object.assign(client, { name, pid });
    await client.ask({ open });
    return client;
  }

  ask(message) {
    return new Promise((resolve, reject) => {
      this.#child.once('message', ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
      this.#child.send(message);
    });
  }

  async slice(request, connections, ms) {
    const before = cpuMs(this.pid);
    const result = await within(ms + SILENCE_MS, this.ask({ ...request, connections, ms }));
    return { ...result, serverCpuMs: cpuMs(this.pid) - before };
  }

  close() {
    this.#child.disconnect();
  }
}

const wants = (name) => values.only === undefined || values.only.split(',').includes(name);
const insert = 'UNWIND range(0, 9999) AS i CREATE (:Person {id: i, name: \'Person \' + toString(i), city: \'City \' + toString(i % 100)})';

async function ours(group) {
  group.startAll();
  await group.ready(60_000);
  const [server] = group.servers;
  const rest = await RestClient.login(server.restAddress, USER.user, USER.password);
  await rest.cypher(server.restAddress, 'CREATE INDEX FOR (p:Person) ON (p.id)');
  await rest.cypher(server.restAddress, insert);
  const { jwt: token } = await (await fetch(`http://${server.restAddress}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(USER) })).json();
  const { pid } = server.child;
  const ways = { bolt: { way: 'bolt', port: server.ports.bolt, ...USER }, rest: { way: 'rest', port: server.ports.rest, token }, grpc: { way: 'grpc', port: server.ports.rpc, token } };
  return Promise.all(Object.entries(ways).filter(([name]) => wants(name)).map(([name, open]) => ClientProcess.open(`lgraph ${name}`, pid, open)));
}

async function falkor() {
  if (values.falkor === undefined) {
    console.log('FalkorDB is not named (--falkor PORT): ours alone\n');
    return [];
  }
  const client = await RespClient.connect(Number(values.falkor));
  await client.command('GRAPH.DELETE', GRAPH).catch(() => undefined);
  await client.command('GRAPH.QUERY', GRAPH, 'CREATE INDEX FOR (p:Person) ON (p.id)');
  await client.command('GRAPH.QUERY', GRAPH, insert);
  const pid = Number(/process_id:(\d+)/.exec((await client.command('INFO', 'server')).toString())[1]);
  client.close();
  const found = [await ClientProcess.open('falkordb resp', pid, { way: 'resp', port: Number(values.falkor), graph: GRAPH })];
  if (values['falkor-bolt'] === undefined) return found;
  try {
    found.push(await within(SILENCE_MS, ClientProcess.open('falkordb bolt', pid, { way: 'bolt', port: Number(values['falkor-bolt']), user: '', password: '', database: GRAPH })));
  } catch (error) {
    console.log(`FalkorDB's Bolt is left out: ${error.message}\n`);
  }
  return found;
}

function within(ms, work) {
  return Promise.race([work, new Promise((_, reject) => setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms).unref())]);
}

const folder = mkdtempSync(join(tmpdir(), 'lgraph-protocols-'));
const group = await LocalGroup.create({
  size: 1, directory: folder, basePort: 24_600, standalone: true, flags: ['--enable_rpc', 'true'], ...(values.prof === undefined ? {} : { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${values.prof}`] }),
});
const rows = [];
try {
  const clients = [...await ours(group), ...await falkor()];
  const dropped = new Set();
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const [what, request] of Object.entries(REQUESTS)) {
      for (const connections of CONNECTIONS) {
        for (const client of round % 2 === 0 ? clients : [...clients].reverse()) {
          if (dropped.has(client.name)) continue;
          try {
            const result = await client.slice(request, connections, Number(values.slice));
            // The first round only warms up.
            if (round >= 0) rows.push({ round, what, connections, target: client.name, ...result });
          } catch (error) {
            console.log(`${client.name} is left out, as it cannot do "${what}": ${error.message}`);
            dropped.add(client.name);
          }
        }
      }
    }
  }
  console.log('| request | connections | client | per second | p50 / p99 ms | server CPU, µs | client CPU, µs | / RESP |\n|---|---|---|---|---|---|---|---|');
  for (const what of Object.keys(REQUESTS)) {
    for (const connections of CONNECTIONS) {
      const of = (target, value) => median(rows.filter((row) => row.what === what && row.connections === connections && row.target === target).map(value));
      const peer = of('falkordb resp', (row) => row.perSecond);
      for (const { name } of clients) {
        if (dropped.has(name)) continue;
        const perSecond = of(name, (row) => row.perSecond);
        const ratio = Number.isFinite(peer) ? (perSecond / peer).toFixed(2) : '–';
        console.log(`| ${what} | ${connections} | ${name} | ${perSecond.toFixed(0)} | ${of(name, (row) => row.p50).toFixed(2)} / ${of(name, (row) => row.p99).toFixed(2)} `
          + `| ${of(name, (row) => row.serverCpuMs / row.count * 1000).toFixed(0)} | ${of(name, (row) => row.clientCpuMs / row.count * 1000).toFixed(0)} | ${ratio} |`);
      }
    }
  }
  console.log(`\nload of the machine, one-minute average at the end: ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`);
  if (values.json !== undefined) {
    const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
    writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit, load: loadavg()[0], rows }, null, 1)}\n`);
  }
  clients.forEach((client) => client.close());
} finally {
  // A profile is written when a process ends by itself.
  await group.stopAll(values.prof === undefined ? 'SIGKILL' : 'SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
