/** A three-server etcd on loopback (Debian's etcd-server), the peer of replicated writes. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export class Etcd {
  constructor(directory, options = {}) {
    this.heartbeat = options.heartbeatMs ?? 100;
    this.election = options.electionMs ?? 1000;
    this.members = [0, 1, 2].map((i) => ({ name: `n${i}`, client: 23790 + i, peer: 23800 + i, directory: join(directory, `n${i}`) }));
  }

  start() {
    const initial = this.members.map((member) => `${member.name}=http://127.0.0.1:${member.peer}`).join(',');
    for (const member of this.members) this.startOne(member, initial);
  }

  startOne(member, initial) {
    mkdirSync(member.directory, { recursive: true, mode: 0o700 });
    const log = openSync(`${member.directory}.log`, 'a');
    const url = (port) => `http://127.0.0.1:${port}`;
    member.child = spawn('etcd', [
      '--name', member.name, '--data-dir', member.directory, '--listen-client-urls', url(member.client), '--advertise-client-urls', url(member.client),
      '--listen-peer-urls', url(member.peer), '--initial-advertise-peer-urls', url(member.peer), '--initial-cluster', initial, '--initial-cluster-token', 'bench',
      '--heartbeat-interval', String(this.heartbeat), '--election-timeout', String(this.election), '--quota-backend-bytes', String(6 * 2 ** 30), '--log-level', 'error',
    ], { stdio: ['ignore', log, log] });
    closeSync(log);
  }

  /** The member that leads, by its metrics page. */
  async leader() {
    for (let i = 0; i < 300; i++) {
      for (const member of this.members) {
        try {
          const text = await (await fetch(`http://127.0.0.1:${member.client}/metrics`, { signal: AbortSignal.timeout(1000) })).text();
          if (/^etcd_server_is_leader 1$/m.test(text)) return member;
        } catch {
          // Not up yet.
        }
      }
      await sleep(100);
    }
    throw new Error('etcd has no leader');
  }

  async stop() {
    await Promise.all(this.members.map((member) => new Promise((resolve) => {
      if (member.child === undefined || member.child.exitCode !== null) return resolve();
      member.child.once('exit', resolve);
      member.child.kill('SIGKILL');
    })));
  }
}

/** gRPC body of etcdserverpb.PutRequest{key = 1, value = 2}, as in etcd's rpc.proto. */
export function putBody(key, value) {
  const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, n >> 7]);
  const message = Buffer.concat([Buffer.from([0x0a, ...varint(key.length)]), Buffer.from(key), Buffer.from([0x12, ...varint(value.length)]), Buffer.from(value)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
