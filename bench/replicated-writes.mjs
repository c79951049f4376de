#!/usr/bin/env node
/**
 * How many writes per second does a group of three commit, beside a three-server etcd on the same machine in the same run?
 *
 *   npm run build && node bench/replicated-writes.mjs [--rounds 3] [--seconds 8] [--clients 1,16,128,512] [--json file]
 *
 * Ours: single-vertex creates with a 256-byte property, POST /cypher to the leader (HTTP/1.1, one connection per client). etcd: Put of
 * a 256-byte value to the leader (gRPC over HTTP/2, one connection per client too; `--shared`: up to 8 connections with many streams each, which
 * is what one multiplexing client would do). Both by h2load, both with an fsync before the answer, in alternating slices. Needs etcd and h2load (Debian: etcd-server, nghttp2-client).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { Etcd, putBody } from './lib/etcd.mjs';
import { h2load, median, peakMemory } from './lib/load.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '8' }, clients: { type: 'string', default: '1,16,128,512' }, json: { type: 'string' }, only: { type: 'string' }, shared: { type: 'boolean' } },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const levels = values.clients.split(',').map(Number);
const folder = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
const value = 'x'.repeat(256);

const group = await LocalGroup.create({ size: 3, directory: join(folder, 'lgraph'), basePort: 24_100 });
const etcd = new Etcd(join(folder, 'etcd'));
const rows = [];
try {
  if (values.only !== 'etcd') group.startAll();
  if (values.only !== 'lgraph') etcd.start();
  const ours = values.only === 'etcd' ? undefined : await oursTarget();
  const theirs = values.only === 'lgraph' ? undefined : await etcdTarget();
  // Warm both: JavaScript is compiled as it runs, and both fill their first files.
  for (const target of [ours, theirs].filter(Boolean)) await target.run(64);
  await sleep(1000);
  for (let round = 0; round < rounds; round++) {
    for (const clients of levels) {
      const order = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
      for (const target of order.filter(Boolean)) {
        const result = await target.run(clients);
        rows.push({ round, target: target.name, clients, ...result });
        console.log(`round ${round + 1} ${target.name.padEnd(7)} ${String(clients).padStart(4)} clients: ${result.perSecond.toFixed(0).padStart(6)}/s  p50 ${result.p50.toFixed(2)} ms  p99 ${result.p99.toFixed(2)} ms${result.bad > 0 ? `  ${result.bad} NOT 200` : ''}`);
        await sleep(500);
      }
    }
  }
  report(ours, theirs);
} finally {
  await Promise.all([group.stopAll('SIGKILL'), etcd.stop()]);
  rmSync(folder, { recursive: true, force: true });
}

async function oursTarget() {
  await group.ready(60_000);
  const leader = await group.leader();
  const login = await fetch(`http://${leader.restAddress}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: 'admin', password: '73@TuGraph' }) });
  const { jwt } = await login.json();
  const bodyFile = join(folder, 'body.json');
  writeFileSync(bodyFile, JSON.stringify({ script: 'CREATE (:Item {value: $value})', parameters: { $value: value } }));
  return {
    name: 'lgraph', memory: () => group.servers.map((server) => Math.round(peakMemory(server.child.pid))),
    run: async (clients) => h2load({
      url: `http://${(await group.leader()).restAddress}/cypher`, bodyFile, connections: clients, streams: 1, seconds, http1: true,
      headers: ['content-type: application/json', `authorization: Bearer ${jwt}`],
    }),
  };
}

async function etcdTarget() {
  await etcd.leader();
  const bodyFile = join(folder, 'put.bin');
  writeFileSync(bodyFile, putBody('bench/0000000001', value));
  return {
    name: 'etcd', memory: () => etcd.members.map((member) => Math.round(peakMemory(member.child.pid))),
    run: async (clients) => {
      const connections = values.shared ? Math.min(8, clients) : clients;
      return h2load({
        url: `http://127.0.0.1:${(await etcd.leader()).client}/etcdserverpb.KV/Put`, bodyFile, connections, streams: clients / connections, seconds, http1: false,
        headers: ['content-type: application/grpc', 'te: trailers'],
      });
    },
  };
}

function report(ours, theirs) {
  const of = (target, clients, key) => median(rows.filter((row) => row.target === target && row.clients === clients).map((row) => row[key]));
  console.log('\n| clients | lgraph /s | etcd /s | ratio | lgraph p50 / p99 ms | etcd p50 / p99 ms |\n|---|---|---|---|---|---|');
  for (const clients of levels) {
    const [a, b] = [of('lgraph', clients, 'perSecond'), of('etcd', clients, 'perSecond')];
    console.log(`| ${clients} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(a / b).toFixed(2)} | ${of('lgraph', clients, 'p50').toFixed(2)} / ${of('lgraph', clients, 'p99').toFixed(2)} | ${of('etcd', clients, 'p50').toFixed(2)} / ${of('etcd', clients, 'p99').toFixed(2)} |`);
  }
  const memory = { lgraph: ours?.memory(), etcd: theirs?.memory() };
  console.log(`\npeak memory of the servers, MiB: ${JSON.stringify(memory)}`);
  if (values.json === undefined) return;
  const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
  writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit, rounds, seconds, rows, memory }, null, 1)}\n`);
}
