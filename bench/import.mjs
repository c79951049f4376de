#!/usr/bin/env node
/**
 * How many vertices and edges per second does lgraph_import load, offline and into a running server, beside Ladybug's COPY of the same CSV files in the same run?
 *
 *   npm run build && node bench/import.mjs --kit DIR --data DIR [--online_data DIR] [--rounds 3] [--only offline,ladybug,online] [--work DIR] [--lock FILE] [--json file]
 *
 * --kit: a working copy of the LDBC kit (its lib/, its node_modules); --data: what its generate.mjs made; `generate.mjs --persons 70000` makes 10 million elements.
 * --online_data: another, smaller set for the online leg. LDBC_NODE names another node for Ladybug, whose binary wants a newer libstdc++ than Debian 12 has.
 *
 * All read the same files (bench/lib/snb-csv.mjs), a file for each label and for each type and pair of labels, and keep one index: the primary key of each label.
 * A leg is one process from its start to its end, so with everything on disk that it writes by then; seconds are wall time. Offline builds a new data directory, Ladybug
 * (at its defaults: all cores) a new database. Online: a standalone server that was just started; peak memory is the server's, and beside it the importer's.
 * Processor time is what the process (online: importer and server) used; on a machine that does other things as well it is the steadier figure.
 * Legs alternate, each round in the other direction. --lock: a file that every leg locks (flock) for its time, where a machine is shared.
 */
import { execSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { median, peakMemory } from './lib/load.mjs';
import { DELIMITER, importConfig, ladybugStatements, loadKit, writeCsv } from './lib/snb-csv.mjs';

const LOOK_EVERY_MS = 100;
const TICKS_PER_SECOND = 100;
const PASSWORD = '73@TuGraph';

const { values } = parseArgs({
  options: {
    kit: { type: 'string' }, data: { type: 'string' }, online_data: { type: 'string' }, rounds: { type: 'string', default: '3' }, only: { type: 'string', default: 'offline,ladybug,online' },
    work: { type: 'string' }, lock: { type: 'string' }, json: { type: 'string' },
  },
});
if (values.kit === undefined || values.data === undefined) throw new Error('--kit DIR: a working copy of the LDBC kit; --data DIR: a data set that its generate.mjs made');
const modules = process.env.LDBC_NODE_MODULES ?? join(resolve(values.kit), 'node_modules');
const importer = fileURLToPath(new URL('../bin/lgraph_import', import.meta.url));
if (values.work !== undefined) mkdirSync(values.work, { recursive: true });
const folder = mkdtempSync(join(values.work ?? tmpdir(), 'lgraph-import-'));
const kit = await loadKit(values.kit);
const legs = { offline, ladybug, online };
const rows = [];
try {
  const sets = { offline: await prepare('data', values.data) };
  sets.ladybug = sets.offline;
  sets.online = values.online_data === undefined ? sets.offline : await prepare('online-data', values.online_data);
  const names = values.only.split(',');
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const release = await lock();
      const load = loadavg()[0];
      const result = await legs[name](sets[name]).finally(release);
      const { vertices, edges } = sets[name];
      if (result.vertices !== vertices || result.edges !== edges) throw new Error(`${name} has ${result.vertices} vertices and ${result.edges} edges, the files have ${vertices} and ${edges}`);
      const row = { round, target: name, elements: vertices + edges, perSecond: (vertices + edges) / result.seconds, perCpuSecond: (vertices + edges) / result.cpuSeconds, load, ...result };
      rows.push(row);
      console.log(`round ${round + 1} ${name.padEnd(7)} ${(row.elements / 1e6).toFixed(2)} million in ${row.seconds.toFixed(1)} s: ${row.perSecond.toFixed(0).padStart(7)}/s  ${row.cpuSeconds.toFixed(1)} s of processor time  peak ${memoryText(row)}  ${row.storeMiB} MiB on disk  (load ${load.toFixed(1)} before)`);
    }
  }
  report(names);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The files of a data set, with what the loaders need to read them. */
async function prepare(name, data) {
  const own = join(folder, name);
  const files = await writeCsv(kit, resolve(data), own);
  const config = join(own, 'import.json');
  const statements = join(own, 'statements.json');
  writeFileSync(config, JSON.stringify(importConfig(files)));
  writeFileSync(statements, JSON.stringify(ladybugStatements(kit, files)));
  const count = (kind) => files.reduce((sum, file) => sum + (file.kind === kind ? file.rows : 0), 0);
  return { config, statements, vertices: count('vertex'), edges: count('edge'), csvMiB: sizeMiB(own) };
}

async function offline({ config }) {
  const directory = join(folder, 'db');
  const { output, ...measured } = await timed(process.execPath, ['--max-semi-space-size=64', importer, '-c', config, '-d', directory, '--delimiter', DELIMITER]);
  const result = { ...measured, ...imported(output), storeMiB: sizeMiB(directory) };
  rmSync(directory, { recursive: true, force: true });
  return result;
}

async function ladybug({ statements }) {
  const database = join(folder, 'ladybug.lb');
  const script = fileURLToPath(new URL('./lib/ladybug-run.mjs', import.meta.url));
  const { output, ...measured } = await timed(process.env.LDBC_NODE ?? process.execPath, [script, statements, database, modules]);
  const result = { ...measured, ...JSON.parse(output), storeMiB: sizeMiB(database) };
  rmSync(database, { recursive: true, force: true });
  return result;
}

async function online({ config }) {
  const directory = join(folder, 'server');
  const group = await LocalGroup.create({ size: 1, directory, basePort: 24_700, standalone: true });
  try {
    const [server] = group.servers;
    group.startAll();
    await group.ready(60_000);
    const before = cpuSeconds(server.child.pid);
    const { output, peakMiB: importerMiB, ...measured } = await timed(process.execPath, ['--max-semi-space-size=64', importer, '--online', 'true', '--url', `http://${server.restAddress}`, '-u', 'admin', '-p', PASSWORD, '-c', config, '--delimiter', DELIMITER]);
    const cpu = measured.cpuSeconds + cpuSeconds(server.child.pid) - before;
    return { ...measured, ...imported(output), cpuSeconds: cpu, peakMiB: Math.round(peakMemory(server.child.pid)), importerMiB, storeMiB: sizeMiB(directory) };
  } finally {
    await group.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

function imported(output) {
  const [, vertices, edges] = /^imported (\d+) vertices and (\d+) edges/.exec(output).map(Number);
  return { vertices, edges };
}

/** Seconds of processor time of a process, user and system. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** A process from start to end: its seconds, its processor time, its peak memory and what it printed. */
async function timed(command, args) {
  const from = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  let peakMiB = 0;
  let cpu = 0;
  const look = () => {
    try {
      peakMiB = peakMemory(child.pid);
      cpu = cpuSeconds(child.pid);
    } catch {
      // It has ended; what was seen last stands.
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${output}`);
  return { seconds: (performance.now() - from) / 1000, cpuSeconds: cpu, peakMiB: Math.round(peakMiB), output };
}

/** Waits for the lock; what it gives lets it go. */
async function lock() {
  if (values.lock === undefined) return () => undefined;
  const child = spawn('flock', [values.lock, 'sh', '-c', 'echo held; read end'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await once(child, 'close');
  };
}

function sizeMiB(path) {
  const bytes = (one) => {
    const stat = statSync(one);
    return stat.isDirectory() ? readdirSync(one).reduce((sum, name) => sum + bytes(join(one, name)), 0) : stat.size;
  };
  return Math.round(bytes(path) / 2 ** 20);
}

function memoryText({ peakMiB, importerMiB }) {
  return importerMiB === undefined ? `${peakMiB} MiB` : `${peakMiB} MiB (and ${importerMiB} MiB of the importer)`;
}

function report(names) {
  const of = (target, key) => median(rows.filter((row) => row.target === target).map((row) => row[key]));
  console.log('\n| | elements | elements/s | elements/s of processor time | peak MiB |\n|---|---|---|---|---|');
  for (const name of names) console.log(`| ${name} | ${of(name, 'elements')} | ${of(name, 'perSecond').toFixed(0)} | ${of(name, 'perCpuSecond').toFixed(0)} | ${of(name, 'peakMiB')} |`);
  if (names.includes('ladybug')) for (const name of names.filter((each) => each !== 'ladybug')) console.log(`${name} : ladybug ${(of(name, 'perSecond') / of('ladybug', 'perSecond')).toFixed(2)}`);
  if (values.json === undefined) return;
  const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
  const machine = `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine, node: process.version, commit, rounds: Number(values.rounds), rows }, null, 1)}\n`);
}
