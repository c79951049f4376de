#!/usr/bin/env node
/**
 * Carries out deploy/Dockerfile without a container engine: each stage in a clean Debian root of its own (debootstrap), with the node
 * of this machine in the place of the base image's. Then starts three servers from the result, as the image's user and with
 * its environment, checks health and a write, and stops them. Needs root, Debian's debootstrap, and access to its mirror.
 *
 *   node deploy/rehearse.mjs [--keep]
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// In a mount namespace of its own: a run that fails leaves nothing mounted, and what is removed below is only what was made here.
if (process.env.REHEARSE_INSIDE === undefined) {
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit', env: { ...process.env, REHEARSE_INSIDE: '1' },
  });
  process.exit(status ?? 1);
}
const top = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const work = mkdtempSync(join(tmpdir(), 'lgraph-image-'));
// The image's user must be able to walk to its root.
chmodSync(work, 0o755);
/** By its path: the environment of a stage has another PATH. */
const CHROOT = '/usr/sbin/chroot';
const sh = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'] }).toString();

/** What node:20-bookworm-slim is: Debian's base, node and npm below /usr/local, a user called node. */
function baseImage() {
  const root = join(work, 'base');
  sh('debootstrap', '--variant=minbase', 'bookworm', root);
  const node = realpathSync(process.execPath);
  const npm = resolve(realpathSync(execFileSync('which', ['npm']).toString().trim()), '../..');
  mkdirSync(join(root, 'usr/local/lib/node_modules'), { recursive: true });
  cpSync(node, join(root, 'usr/local/bin/node'));
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
  sh('ln', '-s', '../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  sh('chroot', root, 'useradd', '--create-home', '--uid', '1000', 'node');
  // How this machine reaches its registry.
  for (const file of ['/etc/resolv.conf', '/etc/hosts']) if (existsSync(file)) cpSync(file, join(root, file), { dereference: true });
  writeFileSync(join(root, 'etc/npmrc-of-this-machine'), execFileSync('npm', ['config', 'get', 'registry']).toString().trim());
  sh('cp', '-r', '/etc/ssl', join(root, 'etc'));
  if (existsSync('/usr/share/ca-certificates')) sh('cp', '-r', '/usr/share/ca-certificates', join(root, 'usr/share/'));
  return root;
}

/** Instructions with their continued lines joined. */
function instructions() {
  const text = readFileSync(join(top, 'deploy/Dockerfile'), 'utf8').replaceAll(/\\\n/g, ' ');
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')).map((line) => /^(\w+)\s+(.*)$/.exec(line).slice(1));
}

const stages = new Map();
let stage;
const base = baseImage();
for (const [word, rest] of instructions()) {
  console.log(`${word} ${rest}`);
  if (word === 'FROM') {
    const name = / AS (\S+)/i.exec(rest)?.[1] ?? 'final';
    const root = join(work, name);
    sh('cp', '-a', base, root);
    const certificates = existsSync(join(root, 'etc/ssl/certs/ca-certificates.crt')) ? { NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' } : {};
    stage = { root, directory: '/', environment: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/root', npm_config_registry: readFileSync(join(base, 'etc/npmrc-of-this-machine'), 'utf8'), ...certificates }, user: 'root' };
    stages.set(name, stage);
  } else if (word === 'WORKDIR') {
    stage.directory = rest;
    mkdirSync(join(stage.root, rest), { recursive: true });
  } else if (word === 'ENV') {
    for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.environment[name] = value;
  } else if (word === 'COPY') {
    const parts = rest.split(/\s+/);
    const from = parts[0].startsWith('--from=') ? stages.get(parts.shift().slice('--from='.length)).root : top;
    const to = parts.pop();
    const target = join(stage.root, isAbsolute(to) ? to : join(stage.directory, to));
    for (const part of parts) {
      const source = join(from, part);
      cpSync(source, parts.length > 1 || to.endsWith('/') ? join(target, part.split('/').at(-1)) : target, { recursive: true, verbatimSymlinks: true });
    }
  } else if (word === 'RUN') {
    execFileSync(CHROOT, [stage.root, '/bin/sh', '-c', `cd ${stage.directory} && ${rest}`], { env: stage.environment, stdio: ['ignore', 'inherit', 'inherit'] });
  } else if (word === 'USER') stage.user = rest;
  else if (word === 'HEALTHCHECK') stage.health = JSON.parse(/CMD (\[.*\])/.exec(rest)[1]);
  else if (word === 'CMD') stage.command = JSON.parse(rest);
  else if (!['VOLUME', 'EXPOSE', 'STOPSIGNAL'].includes(word)) throw new Error(`what ${word} does is not known here`);
}

const image = stages.get('final');
sh('mount', '--bind', '/proc', join(image.root, 'proc'));
const inImage = (command, environment = {}) => spawn(CHROOT, ['--userspec', image.user, image.root, ...command], { env: { ...image.environment, ...environment }, stdio: ['ignore', 'inherit', 'inherit'] });
const ended = (child) => new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
const servers = [1, 2, 3].map((i) => ({ rest: 28_070 + i, bolt: 28_080 + i, rpc: 28_090 + i, data: `/data/${i}` }));
const conf = servers.map(({ rpc }) => `127.0.0.1:${rpc}`).join(',');
let problem;
try {
  for (const server of servers) {
    server.child = inImage([
      'env', `LGRAPH_DIRECTORY=${server.data}`, ...image.command, '--host', '127.0.0.1', '--port', String(server.rest), '--bolt_port', String(server.bolt),
      '--rpc_port', String(server.rpc), '--enable_ha', 'true', '--ha_conf', conf,
    ]);
  }
  const deadline = Date.now() + 90_000;
  for (const server of servers) {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${server.rest}/readyz`).catch(() => undefined);
      if (answer?.status === 200) break;
      if (Date.now() > deadline) throw new Error(`the server on port ${server.rest} is not ready`);
      await sleep(200);
    }
    const health = await ended(inImage(image.health, { LGRAPH_DIRECTORY: server.data }));
    if (health !== 0) throw new Error(`HEALTHCHECK says ${health}`);
  }
  const post = async (path, body, token) => (await fetch(`http://127.0.0.1:${servers[0].rest}${path}`, {
    method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  })).json();
  const { jwt } = await post('/login', { user: 'admin', password: '73@TuGraph' });
  const { result } = await post('/cypher', { graph: 'default', script: "CREATE (n:City {name: 'Kyoto'}) RETURN n.name" }, jwt);
  if (result?.[0]?.[0] !== 'Kyoto') throw new Error(`a write answered ${JSON.stringify(result)}`);
  const codes = servers.map(({ child }) => ended(child));
  for (const { child } of servers) child.kill('SIGTERM');
  for (const code of await Promise.all(codes)) if (code !== 0) throw new Error(`a server ended with ${code}`);
  if (await ended(inImage(image.health, { LGRAPH_DIRECTORY: servers[0].data })) === 0) throw new Error('HEALTHCHECK is content with a server that has ended');
} catch (error) {
  problem = error;
} finally {
  for (const { child } of servers) if (child?.exitCode === null) child.kill('SIGKILL');
  sh('umount', join(image.root, 'proc'));
}
if (problem === undefined) console.log('the image builds, three servers of it form a group, answer, are healthy, and stop');
if (!process.argv.includes('--keep')) rmSync(work, { recursive: true, force: true });
if (problem !== undefined) throw problem;
