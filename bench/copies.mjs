#!/usr/bin/env node
/**
 * Do backups and exports hold up other requests? A server with a graph is asked `RETURN 1` all the time: alone, while it is exported, while
 * it is backed up by lgraph_backup, and while it backs itself up, which a server does in its first second: its own start is in that row's lateness.
 *
 *   npm run build && node bench/copies.mjs [--vertices 100000]
 *
 * Shown: processor time of the main thread (Linux), which does not depend on what else the machine does; how late its event loop was by its
 * own count (/metrics, worst second); what the client saw.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';

const { values } = parseArgs({ options: { vertices: { type: 'string', default: '100000' } } });
const BATCH = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'lgraph-copies-'));
const scheduled = join(folder, 'scheduled');
const group = await LocalGroup.create({ size: 1, standalone: true, directory: folder, basePort: 24_400, flags: ['--backup_dir', scheduled, '--backup_interval_s', '100000', '--backup_server', 'nobody:1'] });
const [server] = group.servers;
const tool = (name, args) => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../bin/${name}`, import.meta.url)), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))));
});

/** Processor seconds of the server's main thread; ticks are of 10 ms. */
function mainSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measured(name, { child: { pid } }, work) {
  const client = await RestClient.login(server.restAddress, 'admin', '73@TuGraph');
  let isOver = false;
  const took = [];
  let [p99, max] = [0, 0];
  const watching = (async () => {
    while (!isOver) {
      const text = await (await fetch(`http://${server.restAddress}/metrics`)).text();
      const of = (stat) => Number(new RegExp(`lgraph_event_loop_delay_seconds\\{thread="main",stat="${stat}"\\} (\\S+)`).exec(text)[1]) * 1000;
      p99 = Math.max(p99, of('p99'));
      max = Math.max(max, of('max'));
      await sleep(500);
    }
  })();
  const asking = (async () => {
    while (!isOver) {
      const begun = performance.now();
      await client.cypher(server.restAddress, 'RETURN 1');
      took.push(performance.now() - begun);
      await sleep(20);
    }
  })();
  const begun = performance.now();
  const before = mainSeconds(pid);
  await work();
  const seconds = (performance.now() - begun) / 1000;
  const used = mainSeconds(pid) - before;
  isOver = true;
  await Promise.all([watching, asking]);
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))].toFixed(1);
  console.log(`${name.padEnd(22)} ${seconds.toFixed(1).padStart(5)} s  main thread: ${used.toFixed(1)} s of processor, late p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(1)} ms;  RETURN 1: ${took.length} times, median ${at(0.5)}, p99 ${at(0.99)}, at most ${at(1)} ms`);
}

try {
  group.startAll();
  await group.ready(60_000);
  const client = await RestClient.login(server.restAddress, 'admin', '73@TuGraph');
  for (let done = 0; done < Number(values.vertices); done += BATCH) {
    await client.cypher(server.restAddress, `UNWIND range(${done}, ${done + BATCH - 1}, 2) AS i CREATE (:P {id: i, text: 'some text of some length ' + i})-[:next {at: i}]->(:P {id: i + 1, text: 'another text ' + i})`);
  }
  await sleep(3000);
  const login = ['-u', 'admin', '-p', '73@TuGraph'];
  await measured('nothing else', server, () => sleep(5000));
  await measured('lgraph_export', server, () => tool('lgraph_export', ['--online', 'true', '-r', `http://${server.restAddress}`, ...login, '-f', 'json', '-e', join(folder, 'export')]));
  await measured('lgraph_backup', server, () => tool('lgraph_backup', ['--command', 'create', '-r', `http://${server.restAddress}`, ...login, '-b', join(folder, 'backup'), '--type', 'full']));
  await group.stopAll();
  const again = await LocalGroup.create({ size: 1, standalone: true, directory: folder, basePort: server.ports.rest, flags: ['--backup_dir', scheduled, '--backup_interval_s', '100000', '--backup_server', server.rpcAddress] });
  again.startAll();
  await again.ready(60_000);
  await measured('its own backup', again.servers[0], async () => {
    while (!existsSync(scheduled) || !readdirSync(scheduled).some((name) => existsSync(join(scheduled, name, 'manifest.json')))) await sleep(50);
  });
  await again.stopAll();
} finally {
  await group.stopAll('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
