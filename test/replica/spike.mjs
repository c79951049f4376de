/**
 * Three processes, each with the consensus thread from dist/: elect, replicate, survive kill -9 of the leader.
 *
 *   node test/replica/spike.mjs [seconds=5] [open=512] [bytes=256]
 *
 * The writer here applies by counting. Prints committed entries per second and the time from kill to the next commit.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';

const [, , secondsText = '5', openText = '512', bytesText = '256', role, index] = process.argv;
const PORTS = [19191, 19192, 19193];

if (role === 'node') node(Number(index));
else await parent();

function node(i) {
  const directory = process.env.SPIKE_DIR;
  const address = `127.0.0.1:${PORTS[i]}`;
  const writer = new MessageChannel();
  const main = new MessageChannel();
  const options = {
    enabled: true, logDirectory: join(directory, `ha${i}`), listenHost: '127.0.0.1', rpcPort: PORTS[i],
    info: { rpcAddress: address, restAddress: '', boltAddress: '', isWitness: false, serverVersion: 'spike' },
    initialAddresses: PORTS.map((port) => `127.0.0.1:${port}`), electionTimeoutMs: 500, heartbeatMs: 50, durable: process.env.SPIKE_DURABLE !== '0',
    secret: 'spike', formOnMajority: false, joinGroupSeconds: 10, appliedIndex: 0, maxInflightBytes: 8 << 20,
    maxUncommittedBytes: 64 << 20, maxEntryBytes: 16 << 20, leaseReads: false,
  };
  const worker = new Worker(new URL('../../dist/server/consensus-thread.js', import.meta.url), {
    workerData: { options, writerPort: writer.port1, mainPort: main.port1 }, transferList: [writer.port1, main.port1],
  });
  worker.on('error', (error) => { console.error(i, error); process.exit(1); });
  let term;
  let nextId = 1;
  let open = 0;
  let committed = 0;
  let ready = Infinity;
  let applied = 0;
  const openMax = Number(openText);
  const size = Number(bytesText);
  const latencies = [];
  const started = new Map();
  function propose() {
    if (term === undefined || applied < ready) return;
    const count = openMax - open;
    if (count <= 0) return;
    const ids = Array.from({ length: count }, () => nextId++);
    const bytes = new Uint8Array(count * size);
    open += count;
    const now = performance.now();
    for (const id of ids) started.set(id, now);
    writer.port2.postMessage({ kind: 'propose', term, ids, data: { bytes, lengths: ids.map(() => size) } }, [bytes.buffer]);
  }
  writer.port2.on('message', (message) => {
    if (message.kind === 'leading') { term = message.term; ready = message.readyIndex; }
    if (message.kind === 'following') term = undefined;
    if (message.kind === 'rejected') open -= message.ids.length;
    if (message.kind === 'committed') {
      if (message.first !== applied + 1) throw new Error(`gap: ${message.first} after ${applied}`);
      applied = message.first + message.ids.length - 1;
      const now = performance.now();
      for (const id of message.ids) if (id !== 0) { open -= 1; committed += 1; latencies.push(now - started.get(id)); started.delete(id); }
      writer.port2.postMessage({ kind: 'applied', index: applied, durable: applied });
      process.send({ kind: 'applied', index: applied });
    }
    propose();
  });
  main.port2.on('message', (message) => {
    if (message.kind === 'log' && process.env.SPIKE_LOG) console.error(i, message.level, message.message, message.fields ?? '');
    if (message.kind === 'fatal') { console.error(i, 'FATAL', message.message); process.exit(1); }
    if (message.kind === 'role') process.send({ kind: 'role', role: message.role, term: message.term });
    if (message.kind === 'reply') {
      latencies.sort((a, b) => a - b);
      process.send({ kind: 'status', status: message.ok, committed, p50: latencies[latencies.length >> 1], p99: latencies[Math.floor(latencies.length * 0.99)] });
    }
  });
  process.on('message', () => main.port2.postMessage({ kind: 'status', id: 1 }));
}

async function parent() {
  const directory = mkdtempSync(join(process.env.SPIKE_TMP ?? tmpdir(), 'spike-'));
  const children = [];
  const state = PORTS.map(() => ({ role: '', applied: 0, status: undefined }));
  const start = (i) => {
    const child = fork(new URL(import.meta.url), [secondsText, openText, bytesText, 'node', String(i)], { env: { ...process.env, SPIKE_DIR: directory } });
    children[i] = child;
    child.on('message', (message) => {
      if (message.kind === 'role') state[i].role = message.role;
      if (message.kind === 'applied') state[i].applied = message.index;
      if (message.kind === 'status') state[i].status = message;
    });
  };
  const until = async (what, test, limitMs = 15000) => {
    const began = performance.now();
    while (!test()) {
      if (performance.now() - began > limitMs) throw new Error(`timed out: ${what}; ${JSON.stringify(state.map(({ role, applied }) => ({ role, applied })))}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return performance.now() - began;
  };
  const best = () => Math.max(...state.map((s) => s.applied));
  try {
    PORTS.forEach((_, i) => start(i));
    console.log('first commit after', Math.round(await until('first commit', () => best() > 2)), 'ms');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const from = best();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, Number(secondsText) * 1000));
    const rate = (best() - from) / ((performance.now() - began) / 1000);
    for (const child of children) child.send('status');
    await until('status', () => state.every((s) => s.status !== undefined));
    const leader = state.findIndex((s) => s.role === 'leader');
    const { status, p50, p99 } = state[leader].status;
    const c = status.counters;
    console.log(`committed ${Math.round(rate)} entries/s; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; entries per fsync ${(c.entriesWritten / c.syncs).toFixed(1)}, fsync mean ${(c.syncMsTotal / c.syncs).toFixed(2)} ms, max ${c.syncMsMax.toFixed(1)} ms`);
    for (const s of state) {
      const k = s.status.status.counters;
      console.log(s.role, `elections ${k.elections} leaderships ${k.leaderships} turns ${k.turns} appends ${k.appendsSent}/${k.appendsReceived} stalls ${k.stalls} (max ${k.stallMsMax.toFixed(0)} ms) heartbeat gap sent ${k.heartbeatSentGapMsMax.toFixed(0)} received ${k.heartbeatReceivedGapMsMax.toFixed(0)} ms`);
    }
    const before = best();
    children[leader].kill('SIGKILL');
    state[leader].applied = 0;
    state[leader].role = 'dead';
    const gap = await until('commit after kill', () => state.some((s, i) => i !== leader && s.role === 'leader' && s.applied > before + 10));
    console.log('kill -9 of the leader: next commits after', Math.round(gap), 'ms');
    start(leader);
    const caught = await until('catch-up', () => state[leader].applied > 0 && best() - state[leader].applied < 5000, 30000);
    console.log('restarted server caught up after', Math.round(caught), 'ms; applied', state.map((s) => s.applied).join(' '));
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 200));
    rmSync(directory, { recursive: true, force: true });
  }
}
