#!/usr/bin/env node
/**
 * A server whose host name gets another address while it is down: it comes back under its name, and the group finds it.
 *
 *   npm run build && node test/chaos/host-names.mjs
 *
 * Needs root and Linux: it works with an /etc/hosts of its own, in a mount namespace that it makes for itself.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);
if (process.env.CHAOS_INSIDE !== '1') {
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', process.execPath, SELF], { stdio: 'inherit', env: { ...process.env, CHAOS_INSIDE: '1' } });
  process.exit(status ?? 1);
}

const { eventually, probe, RestClient } = await import('../../dist/cli/rest-client.js');
const LAUNCHER = fileURLToPath(new URL('../../bin/lgraph_server', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lgraph-names-'));
const hosts = (third) => writeFileSync(join(directory, 'hosts'), `127.0.0.1 localhost\n127.0.1.1 a.lgraph\n127.0.1.2 b.lgraph\n${third} c.lgraph\n`);
hosts('127.0.1.3');
execFileSync('mount', ['--bind', join(directory, 'hosts'), '/etc/hosts']);

const names = ['a', 'b', 'c'];
const [rest, bolt, rpc] = [29_070, 29_087, 29_090];
const running = {};
const start = (name) => {
  const log = openSync(join(directory, `${name}.log`), 'a');
  running[name] = spawn(process.execPath, [
    LAUNCHER, '--directory', join(directory, name), '--host', `${name}.lgraph`, '--port', String(rest), '--bolt_port', String(bolt), '--rpc_port', String(rpc),
    '--enable_ha', 'true', '--ha_conf', names.map((one) => `${one}.lgraph:${rpc}`).join(','),
  ], { stdio: ['ignore', log, log] });
};
const ready = (name) => eventually(`${name} ready`, 60_000, async () => (await probe(`${name}.lgraph:${rest}`, '/readyz'))?.status === 200);
let failed = true;
try {
  names.forEach(start);
  for (const name of names) await ready(name);
  const client = await RestClient.login(`a.lgraph:${rest}`, 'admin', '73@TuGraph');
  await client.cypher(`a.lgraph:${rest}`, 'CREATE (:N)');
  const { c } = running;
  c.kill('SIGTERM');
  await new Promise((resolve) => c.once('exit', resolve));
  hosts('127.0.2.7');
  start('c');
  await ready('c');
  const peers = await client.get(`a.lgraph:${rest}`, '/info/peers');
  if (peers.length !== 3 || peers.some((peer) => peer.state === 'OFFLINE')) throw new Error(`not all three are there: ${JSON.stringify(peers)}`);
  const { rows } = await client.cypher(`127.0.2.7:${rest}`, 'MATCH (n:N) RETURN count(n)');
  if (rows[0][0] !== 1) throw new Error(`the server at its new address has ${rows[0][0]} vertices`);
  console.log('found at its new address');
  failed = false;
} finally {
  for (const child of Object.values(running)) child.kill('SIGKILL');
  if (!failed) rmSync(directory, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
