/** h2load (Debian's nghttp2-client) as the generator for both sides: in C, so that the client is not what is measured. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function percentile(sorted, share) {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(list) {
  return percentile([...list].sort((a, b) => a - b), 0.5);
}

/** Requests per second and latencies in milliseconds of one run. `connections` × `streams` requests are open at once. */
export async function h2load({ url, bodyFile, headers, connections, streams, seconds, http1 }) {
  const folder = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
  const log = join(folder, 'log');
  const args = [
    ...(http1 ? ['--h1'] : []), '-D', String(seconds), '--warm-up-time', '2', '-c', String(connections), '-m', String(streams), '-t', '1',
    ...headers.flatMap((header) => ['-H', header]), '-d', bodyFile, '--log-file', log, url,
  ];
  const output = await new Promise((resolve, reject) => {
    const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    child.stderr.on('data', (data) => (text += data));
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
  const rows = readFileSync(log, 'utf8').trim().split('\n').map((line) => line.split('\t').map(Number));
  rmSync(folder, { recursive: true, force: true });
  const latencies = Float64Array.from(rows.map((row) => row[2] / 1000)).sort();
  const bad = rows.filter((row) => row[1] !== 200).length;
  const rate = Number(/, ([\d.]+) req\/s/.exec(output)?.[1] ?? NaN);
  return { perSecond: rate, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), bad, n: rows.length };
}

/** Peak resident memory of a process, in MiB. */
export function peakMemory(pid) {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}
