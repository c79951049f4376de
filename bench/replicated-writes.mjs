#!/usr/bin/env node
/**
 * How many writes per second does a group of three commit, beside a three-server etcd on the same machine in the same run?
 *
 *   npm run build && node bench/replicated-writes.mjs [--rounds 3] [--seconds 8] [--warm 20] [--clients 1,16,128,512] [--only lgraph,bolt,etcd] [--json file]
 *
 * Ours: single-vertex creates with a 256-byte property to the leader, one connection per client: `lgraph` by POST /cypher (HTTP/1.1, h2load),
 * `bolt` by RUN and PULL as the Neo4j drivers send them (bench/lib/bolt-load.c, compiled with `cc`).
 * etcd: Put of a 256-byte value to the leader (gRPC over HTTP/2, h2load, one connection per client too; `--shared`: up to 8 connections with many
 * streams each, which is what one multiplexing client would do). All with an fsync before the answer, in alternating slices. Needs etcd and h2load
 * (Debian: etcd-server, nghttp2-client).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { boltLoad } from './lib/bolt-load.mjs';
import { Etcd, putBody } from './lib/etcd.mjs';
import { h2load, median, peakMemory } from './lib/load.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '8' }, warm: { type: 'string', default: '20' }, clients: { type: 'string', default: '1,16,128,512' }, json: { type: 'string' }, only: { type: 'string' }, shared: { type: 'boolean' } },
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
  const targets = await startTargets(values.only?.split(',') ?? ['lgraph', 'bolt', 'etcd']);
  // Warm all: JavaScript is compiled as it runs, on processors that all share, and all fill their first files.
  for (const target of targets) for (const clients of [1, 128]) await target.run(clients, Number(values.warm) / 2);
  await sleep(1000);
  for (let round = 0; round < rounds; round++) {
    for (const clients of levels) {
      for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
        const result = await target.run(clients, seconds);
        rows.push({ round, target: target.name, clients, ...result });
        console.log(`round ${round + 1} ${target.name.padEnd(7)} ${String(clients).padStart(4)} clients: ${result.perSecond.toFixed(0).padStart(6)}/s  p50 ${result.p50.toFixed(2)} ms  p99 ${result.p99.toFixed(2)} ms${result.bad > 0 ? `  ${result.bad} NOT 200` : ''}`);
        await sleep(500);
      }
    }
  }
  report(targets);
} finally {
  await Promise.all([group.stopAll('SIGKILL'), etcd.stop()]);
  rmSync(folder, { recursive: true, force: true });
}

async function startTargets(names) {
  const isOurs = names.includes('lgraph') || names.includes('bolt');
  if (isOurs) group.startAll();
  if (names.includes('etcd')) etcd.start();
  if (isOurs) await group.ready(60_000);
  const targets = { lgraph: oursTarget, bolt: boltTarget, etcd: etcdTarget };
  return await Promise.all(names.map((name) => targets[name]()));
}

async function boltTarget() {
  return {
    name: 'bolt', memory: () => group.servers.map((server) => Math.round(peakMemory(server.child.pid))),
    run: async (clients, seconds) => boltLoad({
      port: Number(new URL((await group.leader()).boltUri).port), user: 'admin', password: '73@TuGraph', connections: clients, seconds, text: 'CREATE (:Item {value: $value})', parameters: { value },
    }),
  };
}

async function oursTarget() {
  const leader = await group.leader();
  const login = await fetch(`http://${leader.restAddress}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: 'admin', password: '73@TuGraph' }) });
  const { jwt } = await login.json();
  const bodyFile = join(folder, 'body.json');
  writeFileSync(bodyFile, JSON.stringify({ script: 'CREATE (:Item {value: $value})', parameters: { $value: value } }));
  return {
    name: 'lgraph', memory: () => group.servers.map((server) => Math.round(peakMemory(server.child.pid))),
    run: async (clients, seconds) => h2load({
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
    run: async (clients, seconds) => {
      const connections = values.shared ? Math.min(8, clients) : clients;
      return h2load({
        url: `http://127.0.0.1:${(await etcd.leader()).client}/etcdserverpb.KV/Put`, bodyFile, connections, streams: clients / connections, seconds, http1: false,
        headers: ['content-type: application/grpc', 'te: trailers'],
      });
    },
  };
}

function report(targets) {
  const of = (target, clients, key) => median(rows.filter((row) => row.target === target && row.clients === clients).map((row) => row[key]));
  // Of each round, and then the median: what the machine does otherwise changes from round to round.
  const ratio = (name, clients, key) => median(rows.filter((row) => row.target === name && row.clients === clients)
    .map((row) => row[key] / rows.find((other) => other.target === 'etcd' && other.clients === clients && other.round === row.round)[key]));
  const cell = (name, clients) => `${of(name, clients, 'perSecond').toFixed(0)} | ${of(name, clients, 'p50').toFixed(2)} / ${of(name, clients, 'p99').toFixed(2)}`;
  const names = targets.map((target) => target.name);
  const ours = names.filter((name) => name !== 'etcd');
  const ratios = names.includes('etcd') ? ours : [];
  console.log(`\n| clients | ${names.map((name) => `${name} /s | p50 / p99 ms`).join(' | ')} | ${ratios.map((name) => `${name} : etcd /s | p50`).join(' | ')} |\n|${'---|'.repeat(1 + names.length * 2 + ratios.length * 2)}`);
  for (const clients of levels) {
    const shares = ratios.map((name) => `${ratio(name, clients, 'perSecond').toFixed(2)} | ${ratio(name, clients, 'p50').toFixed(2)}`);
    console.log(`| ${clients} | ${names.map((name) => cell(name, clients)).join(' | ')} | ${shares.join(' | ')} |`);
  }
  const memory = Object.fromEntries(targets.map((target) => [target.name, target.memory()]));
  console.log(`\npeak memory of the servers, MiB: ${JSON.stringify(memory)}`);
  if (values.json === undefined) return;
  const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
  writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit, rounds, seconds, rows, memory }, null, 1)}\n`);
}
