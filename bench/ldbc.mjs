#!/usr/bin/env node
/**
 * LDBC SNB reads and writes over the Neo4j driver, beside FalkorDB (and Ladybug where it loads) in the same run, in alternating slices.
 *
 *   npm run build && node bench/ldbc.mjs --kit DIR [--persons 10000] [--rounds 3] [--slice 1000] [--ops IC2,IC9] [--falkor 6399] [--ladybug] [--ceiling] [--load] [--json file]
 *
 * DIR is a working copy of the LDBC kit (generate.mjs, bench.mjs, its node_modules); the kit's README says how to set it up and how to start
 * FalkorDB. LDBC_NODE names another node for the kit's clients: Ladybug's binary wants a newer libstdc++ than Debian 12 has.
 * Ours is one standalone server in a directory below DIR/work, kept between runs, loaded where it is empty, and warmed by db.warmup().
 * --ceiling measures the driver as well, before a server that takes no time (lib/replay.mjs): no server that it speaks to can be faster.
 * Ends with the geometric mean of the ratios of throughput, for 1 and for 16 connections.
 */
import { execSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';
import { median, peakMemory } from './lib/load.mjs';

const { values } = parseArgs({
  options: {
    kit: { type: 'string' }, persons: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '3' }, slice: { type: 'string', default: '1000' },
    ops: { type: 'string' }, falkor: { type: 'string', default: '6399' }, ladybug: { type: 'boolean' }, ceiling: { type: 'boolean' }, load: { type: 'boolean' }, json: { type: 'string' },
  },
});
if (values.kit === undefined) throw new Error('--kit DIR: a working copy of the LDBC kit');
const kit = resolve(values.kit);
const data = join('work', `snb-${values.persons}`);
const run = (args) => new Promise((done, failed) => {
  const child = spawn(process.env.LDBC_NODE ?? process.execPath, args, { cwd: kit, stdio: 'inherit', env: { ...process.env, LDBC_NODE_MODULES: process.env.LDBC_NODE_MODULES ?? join(kit, 'node_modules') } });
  child.on('exit', (code) => (code === 0 ? done() : failed(new Error(`${args[0]} ended with ${code}`))));
});

if (!existsSync(join(kit, data))) await run(['generate.mjs', '--persons', values.persons, '--seed', '1', '--out', data]);
const folder = join(kit, 'work', `lgraph-${values.persons}`);
mkdirSync(folder, { recursive: true });
const CEILING_PORT = 24_590;
let replay;
const group = await LocalGroup.create({ size: 1, directory: folder, basePort: 24_500, standalone: true });
try {
  const [server] = group.servers;
  group.startAll();
  await group.ready(120_000);
  const rest = await RestClient.login(server.restAddress, 'admin', '73@TuGraph');
  const isEmpty = (await rest.cypher(server.restAddress, 'MATCH (n) RETURN count(n)')).rows[0][0] === 0;
  if (!isEmpty) await rest.cypher(server.restAddress, 'CALL db.warmup()', { timeoutMs: 600_000 });
  const out = join(tmpdir(), `ldbc-${process.pid}.json`);
  const targets = [`ours=bolt,uri=${server.boltUri},user=admin,password=73@TuGraph`, `falkordb=falkordb,port=${values.falkor},graph=bench`, ...(values.ladybug ? ['ladybug=ladybug,path=work/bench.lb,bulk'] : [])];
  if (values.ceiling) {
    const [, port] = /:(\d+)$/.exec(server.boltUri);
    replay = spawn(process.execPath, [fileURLToPath(new URL('lib/replay.mjs', import.meta.url)), String(CEILING_PORT), port], { stdio: 'inherit' });
    targets.splice(1, 0, `ceiling=bolt,uri=bolt://127.0.0.1:${CEILING_PORT},user=admin,password=73@TuGraph`);
  }
  const load = [...(isEmpty ? ['ours'] : []), ...(values.load ? ['falkordb', ...(values.ladybug ? ['ladybug'] : [])] : [])];
  await run(['bench.mjs', '--data', data, '--json', out, '--rounds', values.rounds, '--slice', values.slice, ...targets.flatMap((target) => ['--target', target]),
    ...(load.length > 0 ? ['--load', load.join(',')] : []), ...(values.ops === undefined ? [] : ['--ops', values.ops])]);
  const result = JSON.parse(readFileSync(out, 'utf8'));
  report(result);
  console.log(`peak memory of lgraph_server: ${Math.round(peakMemory(server.child.pid))} MiB`);
  if (values.json !== undefined) {
    const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
    writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit, ...result }, null, 1)}\n`);
  }
} finally {
  replay?.kill();
  await group.stopAll('SIGKILL');
}

/** Geometric means of ours / the better peer, from the median of each slice's rate. */
function report({ ops }) {
  const ratios = { 1: [], 16: [] };
  /** What a server that takes no time would reach with this driver. */
  const ceilings = { 1: [], 16: [] };
  for (const [name, op] of Object.entries(ops)) {
    for (const concurrency of [1, 16]) {
      const rate = (target) => median(op.targets[target]?.conc[concurrency]?.perRound ?? []);
      const peers = ['falkordb', 'ladybug'].map(rate).filter((each) => each > 0);
      const ours = rate('ours');
      if (ours > 0 && peers.length > 0) ratios[concurrency].push({ name, ratio: ours / Math.max(...peers) });
      const ceiling = rate('ceiling');
      if (ceiling > 0 && peers.length > 0) ceilings[concurrency].push(Math.max(ceiling, ours) / Math.max(...peers));
    }
  }
  for (const [concurrency, list] of Object.entries(ratios)) {
    if (list.length === 0) continue;
    const mean = Math.exp(list.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / list.length);
    const worst = [...list].sort((a, b) => a.ratio - b.ratio).slice(0, 3).map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(', ');
    console.log(`${concurrency} connections: geometric mean of ours / the better peer ${mean.toFixed(2)} over ${list.length} operations; least: ${worst}`);
    const most = ceilings[concurrency];
    if (most.length > 0) console.log(`${concurrency} connections: a server that takes no time reaches ${Math.exp(most.reduce((sum, ratio) => sum + Math.log(ratio), 0) / most.length).toFixed(2)}`);
  }
}
