/**
 * Hosts for chaos runs: each a network namespace with an address of its own on one bridge, a small disk of its own (an ext4
 * image on a loop device), and a clock of its own (libfaketime). Needs root and Linux; everything is inside namespaces that the
 * run made for itself (chaos.mjs), so nothing of it is seen outside and all of it goes with the run.
 *
 * Power cut: the process is killed and the image is copied as it is then. What the file system had not written to its device is not
 * in the copy, which is what a power cut leaves; the copy takes the old image's place.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const NET = '10.99.0';
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

export function sh(command, ...args) {
  return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

/** The bridge all hosts hang on; this process has an address on it too, as the clients' side. */
export function makeSwitch() {
  // Names of network namespaces are files: ours are seen by nobody else.
  mkdirSync('/run/netns', { recursive: true });
  sh('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns');
  sh('ip', 'link', 'set', 'lo', 'up');
  sh('ip', 'link', 'add', 'br0', 'type', 'bridge');
  sh('ip', 'link', 'set', 'br0', 'up');
  sh('ip', 'addr', 'add', `${NET}.254/24`, 'dev', 'br0');
}

export class Host {
  constructor(number, directory, options) {
    this.number = number;
    this.name = `h${number}`;
    this.address = `${NET}.${number}`;
    this.rest = `${this.address}:7070`;
    this.rpc = `${this.address}:9090`;
    this.bolt = `bolt://${this.address}:7687`;
    this.directory = directory;
    this.options = options;
    this.image = join(directory, `${this.name}.img`);
    this.mount = join(directory, this.name);
    this.logFile = join(directory, `${this.name}.log`);
    this.clockFile = join(directory, `${this.name}.clock`);
    this.rules = new Map();
    this.child = undefined;
    this.isWitness = options.isWitness === true;
  }

  setUp() {
    const veth = `v${this.number}`;
    sh('ip', 'netns', 'add', this.name);
    sh('ip', 'link', 'add', veth, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.name);
    sh('ip', 'link', 'set', veth, 'master', 'br0', 'up');
    sh('ip', '-n', this.name, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0');
    sh('ip', '-n', this.name, 'link', 'set', 'eth0', 'up');
    sh('ip', '-n', this.name, 'link', 'set', 'lo', 'up');
    sh('truncate', '-s', `${this.options.diskMb}M`, this.image);
    sh('mkfs.ext4', '-q', '-O', '^has_journal', '-O', 'has_journal', this.image);
    mkdirSync(this.mount, { recursive: true });
    this.mountDisk();
    writeFileSync(this.clockFile, '+0\n');
  }

  mountDisk() {
    sh('mount', '-o', 'loop', this.image, this.mount);
  }

  get isRunning() {
    return this.child !== undefined;
  }

  start(conf, more = [], build = this.options.build) {
    if (this.child !== undefined) return;
    const log = openSync(this.logFile, 'a');
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LGRAPH_')));
    if (existsSync(FAKETIME)) {
      Object.assign(environment, { LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: this.clockFile, FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' });
    }
    const flags = [
      '--directory', join(this.mount, 'data'), '--host', this.address, '--enable_ha', 'true', '--ha_conf', conf, '--cache_mb', '64',
      ...(this.isWitness ? ['--ha_is_witness', 'true', '--ha_enable_witness_to_leader', 'true'] : []), ...this.options.flags, ...more,
    ];
    this.child = spawn('ip', ['netns', 'exec', this.name, process.execPath, '--max-semi-space-size=64', join(build, 'bin/lgraph_server'), ...flags], { stdio: ['ignore', log, log], env: environment });
    closeSync(log);
    const { child } = this;
    child.once('exit', (code, signal) => {
      if (this.child !== child) return;
      this.child = undefined;
      this.lastExit = { code, signal };
    });
  }

  async signal(signal) {
    const { child } = this;
    if (child === undefined) return undefined;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      child.kill(signal);
      return undefined;
    }
    const ended = new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
    });
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 25_000);
    const code = await ended;
    clearTimeout(timer);
    return code;
  }

  async powerCut() {
    await this.signal('SIGKILL');
    sh('cp', '--sparse=always', this.image, `${this.image}.cut`);
    await this.unmount();
    renameSync(`${this.image}.cut`, this.image);
    this.mountDisk();
  }

  async unmount() {
    for (let i = 0; i < 50; i++) {
      try {
        sh('umount', this.mount);
        return;
      } catch {
        await sleep(100); // A killed process may still hold a file for a moment.
      }
    }
    sh('umount', '-l', this.mount);
  }

  wipe() {
    rmSync(join(this.mount, 'data'), { recursive: true, force: true });
  }

  fillDisk() {
    try {
      sh('fallocate', '-l', '4G', join(this.mount, 'ballast'));
    } catch {
      // It cannot have that much: all there is, then.
      try {
        sh('dd', 'if=/dev/zero', `of=${join(this.mount, 'ballast')}`, 'bs=1M');
      } catch {
        // "No space left" is what was wanted.
      }
    }
  }

  emptyDisk() {
    rmSync(join(this.mount, 'ballast'), { force: true });
  }

  setClock(seconds) {
    writeFileSync(this.clockFile, `${seconds >= 0 ? '+' : ''}${seconds}\n`);
  }

  /** Drops what comes from these hosts (`percent` of it), until `heal`. */
  dropFrom(hosts, percent = 100) {
    const rules = hosts.map((host) => `ip saddr ${host.address} ${percent >= 100 ? '' : `numgen random mod 100 < ${percent} `}drop\n`).join('');
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: `table inet chaos\ndelete table inet chaos\ntable inet chaos {\nchain in {\ntype filter hook input priority 0;\n${rules}}\n}\n` });
  }

  healNetwork() {
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: 'table inet chaos\ndelete table inet chaos\n' });
  }

  lastLog(lines = 15) {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '';
  }

  async tearDown() {
    this.child?.kill('SIGCONT');
    await this.signal('SIGKILL');
    await this.unmount();
    sh('ip', 'netns', 'del', this.name);
  }
}
