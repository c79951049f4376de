/**
 * One statement over Bolt on many connections, each with one request open at a time: what h2load is for HTTP. The client is in C (bolt-load.c,
 * compiled with `cc` when it is first used), so that, as with h2load, it is not the client that is measured.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageWriter } from '../../dist/bolt/chunking.js';
import { BOLT_5 } from '../../dist/bolt/structures.js';
import { percentile } from './load.mjs';

const WARM_UP_MS = 2000;
let program;

function compiled() {
  if (program !== undefined) return program;
  const folder = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  program = join(folder, 'bolt-load');
  execFileSync('cc', ['-O2', '-Wall', '-o', program, fileURLToPath(new URL('bolt-load.c', import.meta.url))], { stdio: 'inherit' });
  return program;
}

function framed(tag, fields) {
  const writer = new MessageWriter();
  writer.write(tag, fields, BOLT_5);
  return Buffer.from(writer.take());
}

/** As `h2load` of load.mjs: requests per second, latencies in milliseconds. Rejects when a request fails. */
export async function boltLoad({ port, user, password, connections, seconds, text, parameters }) {
  const folder = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
  const greeting = join(folder, 'greeting');
  const request = join(folder, 'request');
  writeFileSync(greeting, Buffer.concat([framed(0x01, [new Map([['user_agent', 'bench/1']])]), framed(0x6a, [new Map([['scheme', 'basic'], ['principal', user], ['credentials', password]])])]));
  writeFileSync(request, Buffer.concat([framed(0x10, [text, new Map(Object.entries(parameters)), new Map()]), framed(0x3f, [new Map([['n', -1]])])]));
  const output = await new Promise((resolve, reject) => {
    const child = spawn(compiled(), [port, connections, WARM_UP_MS, seconds * 1000, greeting, request].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (data) => (printed += data));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(printed) : reject(new Error(`the load ended with ${code}`))));
  });
  rmSync(folder, { recursive: true, force: true });
  const latencies = Float64Array.from(output.trim().split('\n'), (line) => Number(line) / 1000).sort();
  return { perSecond: latencies.length / seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), bad: 0, n: latencies.length };
}
