import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalGroup, freePorts, until } from './local-group.ts';
import type { LocalServer } from './local-group.ts';

let group: LocalGroup;
beforeEach(() => {
  group = new LocalGroup();
});
afterEach(() => group.end());

async function three(): Promise<{ servers: LocalServer[]; ports: number[] }> {
  const ports = await freePorts(3);
  const servers = await Promise.all(ports.map(async (_, i) => group.start(await group.options(i, ports))));
  return { servers, ports };
}

const equal = (servers: readonly LocalServer[]) => until('equal state', () => servers.every((server) => server.applied.join() === servers[0]!.applied.join()));

describe('a group of one', () => {
  it('forms by itself, commits, and goes on after a restart', async () => {
    const options = await group.options(0, [1], { enabled: false });
    const server = await group.start(options);
    await until('leadership', () => server.isReady);
    const id = server.propose('a=1');
    await until('the commit', () => server.outcomes.get(id) === 'committed');
    expect((await server.status()).role).toBe('leader');
    await group.stop(server);
    const again = await group.start(options);
    await until('leadership', () => again.isReady);
    expect(again.applied).toEqual(['a=1']);
  });

  it('goes on without a damaged last record, and says so', async () => {
    const options = await group.options(0, [1], { enabled: false });
    const server = await group.start(options);
    await until('leadership', () => server.isReady);
    const ids = ['a', 'b'].map((text) => server.propose(text));
    await until('the commits', () => ids.every((id) => server.outcomes.get(id) === 'committed'));
    await group.stop(server);
    const path = join(options.logDirectory, 'log-0000000000000001');
    const bytes = readFileSync(path);
    let end = bytes.length;
    while (bytes[end - 1] === 0) end -= 1;
    bytes[end - 1]! ^= 0xff;
    writeFileSync(path, bytes);
    const again = await group.start(options);
    await until('leadership', () => again.isReady);
    expect(again.logs.join()).toContain('may be missing');
  });

  it('serves a linearizable read at its commit index', async () => {
    const server = await group.start(await group.options(0, [1], { enabled: false }));
    await until('leadership', () => server.isReady);
    expect(await server.ask({ kind: 'readIndex', timeoutMs: 1000 })).toBe(server.appliedIndex);
  });
});

describe('three servers over the network', () => {
  it('form a group, commit on all, and confirm reads asked of any', async () => {
    const { servers } = await three();
    const leader = await group.leader(servers);
    const ids = Array.from({ length: 100 }, (_, i) => leader.propose(`k${i}`));
    await until('commits', () => ids.every((id) => leader.outcomes.get(id) === 'committed'));
    const indexes = await Promise.all(servers.map((server) => server.ask<number>({ kind: 'readIndex', timeoutMs: 3000 })));
    expect(Math.min(...indexes)).toBeGreaterThanOrEqual(leader.appliedIndex);
    await equal(servers);
    const status = await leader.status();
    expect(status.peers.map((peer) => peer.state).sort()).toEqual(['FOLLOW', 'FOLLOW', 'MASTER']);
    expect(status.counters.fsyncs ?? status.counters.syncs).toBeGreaterThan(0);
  });

  it('a list that is not complete waits, and says for whom', async () => {
    const ports = await freePorts(3);
    const server = await group.start(await group.options(0, ports));
    await until('the reason', async () => (await server.status()).waitingFor?.includes(`127.0.0.1:${ports[1]}`) === true);
    expect((await server.status()).role).toBe('forming');
    expect(server.logs.join()).toContain('waiting for all listed servers');
  });

  it('carry on when the leader goes, and take it back', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    leader.propose('before');
    await equal(servers);
    await group.stop(leader);
    const rest = servers.filter((server) => server !== leader);
    const next = await group.leader(rest);
    const id = next.propose('after');
    await until('the commit', () => next.outcomes.get(id) === 'committed');
    const back = await group.start(await group.options(servers.indexOf(leader), ports));
    await until('catching up', () => back.applied.includes('after'));
    expect(back.applied).toEqual(['before', 'after']);
  });

  it('hand leadership over when told to', async () => {
    const { servers } = await three();
    const leader = await group.leader(servers);
    const target = servers.find((server) => server !== leader)!;
    const answer = await leader.ask({ kind: 'transferLeader', address: (await target.status()).peers.find((peer) => peer.isSelf)!.rpcAddress, timeoutMs: 5000 });
    expect(answer).toEqual({ leaderId: target.nodeId });
    await until('the new leader', () => target.isReady);
  });

  it('carry requests between main threads, to the leader by its role', async () => {
    const { servers } = await three();
    const leader = await group.leader(servers);
    leader.answer = (bytes) => Buffer.concat([Buffer.from('leader got '), bytes]);
    const follower = servers.find((server) => server !== leader)!;
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, i) => follower.ask<Uint8Array>({
      kind: 'peerRequest', to: 'leader', bytes: new Uint8Array(Buffer.from(`${i}`)), timeoutMs: 2000,
    })));
    expect(answers.map((bytes) => Buffer.from(bytes).toString())).toEqual(answers.map((_, i) => `leader got ${i}`));
  });

  it('take in a fourth server, which votes once it has caught up, and let one go', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    leader.propose('old');
    const [port] = await freePorts(1);
    const all = [...ports, port!];
    const fourth = await group.start(await group.options(3, all));
    await until('its vote', async () => (await leader.status()).peers.find((peer) => peer.nodeId === fourth.nodeId)?.isVoter === true);
    await until('catching up', () => fourth.applied.includes('old'));
    await leader.ask({ kind: 'removePeer', address: `127.0.0.1:${ports[servers.findIndex((server) => server !== leader)]}`, timeoutMs: 5000 });
    const removed = servers.find((server) => server !== leader)!;
    await until('it to know', () => removed.logs.some((line) => line.includes('was removed')));
    expect((await leader.status()).peers).toHaveLength(3);
  });

  it('a server with a wiped disk joins again under a new identity', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    const id = leader.propose('kept');
    await until('the commit', () => leader.outcomes.get(id) === 'committed');
    const lost = servers.findIndex((server) => server !== leader);
    await group.stop(servers[lost]!);
    const options = await group.options(lost, ports);
    rmSync(options.logDirectory, { recursive: true });
    const fresh = await group.start(options);
    await until('its vote', async () => (await leader.status()).peers.some((peer) => peer.nodeId === fresh.nodeId && peer.isVoter));
    expect(fresh.nodeId).not.toBe(servers[lost]!.nodeId);
    await until('its data', () => fresh.applied.includes('kept'));
    await until('the old identity to go', async () => (await leader.status()).peers.length === 3);
  });

  it('two wiped ones of three never form an empty group over the data of the third, and say what to do', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    const id = leader.propose('kept');
    await until('the commit', () => servers.every((server) => server.applied.includes('kept')) && leader.outcomes.get(id) === 'committed');
    await Promise.all(servers.map((server) => group.stop(server)));
    for (const index of [1, 2]) rmSync((await group.options(index, ports)).logDirectory, { recursive: true });
    const [kept, ...wiped] = await Promise.all([0, 1, 2].map(async (index) => group.start(await group.options(index, ports))));
    await until('both to wait', async () => (await Promise.all(wiped.map((server) => server.status()))).every(({ waitingFor }) => waitingFor !== undefined));
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    for (const server of wiped) {
      const { role, waitingFor } = await server.status();
      expect(role).toBe('forming');
      expect(waitingFor).toMatch(/recover/);
    }
    expect((await kept!.status()).role).not.toBe('leader');
    expect(kept!.fatal).toBeUndefined();
  });

  it('a wiped one of two servers with data comes back beside a witness', async () => {
    const ports = await freePorts(3);
    const witness = (index: number) => ({ info: { rpcAddress: `127.0.0.1:${ports[index]}`, restAddress: '', boltAddress: '', isWitness: index === 2, serverVersion: 'test' } });
    const servers = await Promise.all([0, 1, 2].map(async (index) => group.start(await group.options(index, ports, witness(index)))));
    const leader = await group.leader(servers.slice(0, 2));
    const id = leader.propose('kept');
    await until('the commit', () => leader.outcomes.get(id) === 'committed');
    const lost = servers.findIndex((server) => server !== leader);
    await group.stop(servers[lost]!);
    const options = await group.options(lost, ports, witness(lost));
    rmSync(options.logDirectory, { recursive: true });
    const fresh = await group.start(options);
    await until('its vote, and the end of the old one', async () => {
      const { peers } = await leader.status();
      return peers.length === 3 && peers.some((peer) => peer.nodeId === fresh.nodeId && peer.isVoter);
    });
    await until('its data', () => fresh.applied.includes('kept'));
  });

  it('refuse a stranger with another secret', async () => {
    const { servers, ports } = await three();
    await group.leader(servers);
    const [port] = await freePorts(1);
    const stranger = await group.start(await group.options(3, [...ports, port!], { secret: 'other' }));
    await until('waiting', async () => (await stranger.status()).waitingFor !== undefined);
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    expect((await stranger.status()).role).toBe('forming');
  });

  it('keep node.json and the log where they were told to', async () => {
    const server = await group.start(await group.options(0, [1], { enabled: false }));
    await until('leadership', () => server.isReady);
    const directory = join(group.directory, 'ha0');
    expect(JSON.parse(readFileSync(join(directory, 'node.json'), 'utf8'))).toMatchObject({ nodeId: server.nodeId, membership: 'MEMBER', bootSeq: 1 });
    expect(existsSync(join(directory, 'log-0000000000000001'))).toBe(true);
  });

  it('leave the group one by one, and come back as new servers that keep their data', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    const id = leader.propose('kept');
    await until('the commit', () => leader.outcomes.get(id) === 'committed');
    await equal(servers);
    expect(await leader.ask({ kind: 'stop', timeoutMs: 3000, leave: true })).toEqual({ left: true, reason: '' });
    group.running.delete(leader);
    const rest = servers.filter((server) => server !== leader);
    const next = await group.leader(rest);
    await until('two members', async () => (await next.status()).peers.length === 2);
    const other = rest.find((server) => server !== next)!;
    expect(await other.ask({ kind: 'stop', timeoutMs: 3000, leave: true })).toEqual({ left: true, reason: '' });
    group.running.delete(other);
    expect(await next.ask({ kind: 'stop', timeoutMs: 1000, leave: true })).toMatchObject({ left: false, reason: 'it is the last voter' });
    group.running.delete(next);

    const again = await Promise.all(servers.map(async (server, i) => group.start(await group.options(i, ports, { appliedIndex: server.appliedIndex }))));
    const back = again[servers.indexOf(next)]!;
    await until('three voters', async () => (await back.status()).peers.filter((peer) => peer.isVoter).length === 3);
    const more = back.propose('more');
    await until('the commit', () => back.outcomes.get(more) === 'committed');
    await until('all have it', () => again.every((server) => server.applied.includes('more')));
    expect(again[servers.indexOf(leader)]!.nodeId).not.toBe(leader.nodeId);
    expect(again.map((server) => server.applied.filter((text) => text === 'kept').length)).toEqual([0, 0, 0]);
  });

  it('remove a member that is silent for too long, and keep two', async () => {
    const ports = await freePorts(3);
    const servers = await Promise.all(ports.map(async (_, i) => group.start(await group.options(i, ports, { nodeOfflineMs: 1000 }))));
    const leader = await group.leader(servers);
    const [first, second] = servers.filter((server) => server !== leader);
    await group.stop(first!);
    await until('the removal', async () => (await leader.status()).peers.length === 2);
    await group.stop(second!);
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    expect((await leader.status()).peers.length).toBe(2);
  });

  it('know a server under its new address after it moved', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    const moving = servers.findIndex((server) => server !== leader);
    await group.stop(servers[moving]!);
    const [port] = await freePorts(1);
    const moved = await group.start(await group.options(moving, ports.map((old, i) => (i === moving ? port! : old))));
    expect(moved.nodeId).toBe(servers[moving]!.nodeId);
    await until('the new address', async () => (await leader.status()).peers.some((peer) => peer.rpcAddress === `127.0.0.1:${port}`));
    const id = leader.propose('after the move');
    await until('the commit', () => leader.outcomes.get(id) === 'committed');
    await until('the entry', () => moved.applied.includes('after the move'));
    expect((await leader.status()).peers).toHaveLength(3);
  });

  it('drop old entries, and give a new server the whole state instead', async () => {
    const ports = await freePorts(4);
    const extra = { stateTransfer: true, logKeepsEntries: 50, initialAddresses: ports.slice(0, 3).map((port) => `127.0.0.1:${port}`) };
    const servers = await Promise.all([0, 1, 2].map(async (i) => group.start(await group.options(i, ports, extra))));
    const leader = await group.leader(servers);
    const ids = Array.from({ length: 500 }, (_, i) => leader.propose(`k${i}`));
    await until('commits', () => ids.every((id) => leader.outcomes.get(id) === 'committed'));
    await until('compaction', async () => (await Promise.all(servers.map(async (server) => server.status()))).every((status) => status.firstIndex > 300));
    const late = await group.start(await group.options(3, ports, extra));
    await until('the state', () => late.toInstall !== undefined);
    expect(late.toInstall!.applied).toEqual(leader.applied);
    // Main replaces the store and starts again; a crash before that asks again.
    await group.stop(late);
    const crashed = await group.start(await group.options(3, ports, extra));
    await until('the state', () => crashed.toInstall !== undefined);
    await group.stop(crashed);
    const installed = await group.start(await group.options(3, ports, { ...extra, appliedIndex: late.toInstall!.index }));
    await until('its vote', async () => (await leader.status()).peers.some((peer) => peer.nodeId === installed.nodeId && peer.isVoter));
    const more = leader.propose('more');
    await until('the commit', () => leader.outcomes.get(more) === 'committed');
    await until('the entry', () => installed.applied.includes('more'));
    expect(installed.applied).toEqual(['more']);
    expect(installed.toInstall).toBeUndefined();
  });

  it('take one back with its data whose place in the log is gone: it gets the whole state', async () => {
    const ports = await freePorts(3);
    const extra = { stateTransfer: true, logKeepsEntries: 50, nodeOfflineMs: 800 };
    const servers = await Promise.all([0, 1, 2].map(async (i) => group.start(await group.options(i, ports, extra))));
    const leader = await group.leader(servers);
    const first = leader.propose('first');
    await until('the commit', () => leader.outcomes.get(first) === 'committed');
    const lost = servers.findIndex((server) => server !== leader);
    await until('its state', () => servers[lost]!.applied.includes('first'));
    await group.stop(servers[lost]!);
    await until('the removal', async () => !(await leader.status()).peers.some((peer) => peer.isVoter && peer.nodeId === servers[lost]!.nodeId));
    const ids = Array.from({ length: 500 }, (_, i) => leader.propose(`k${i}`));
    await until('commits', () => ids.every((id) => leader.outcomes.get(id) === 'committed'));
    await until('compaction', async () => (await leader.status()).firstIndex > 300);
    // It learns of its removal, and is started again by its process under a new identity.
    const options = await group.options(lost, ports, { ...extra, appliedIndex: servers[lost]!.appliedIndex });
    const told = await group.start(options);
    await until('word of its removal', () => told.wantsRejoin);
    await group.stop(told);
    const back = await group.start(options);
    await until('the whole state', () => back.toInstall !== undefined);
    expect(back.toInstall!.applied).toEqual(leader.applied);
    expect(back.nodeId).not.toBe(servers[lost]!.nodeId);
  });

  it('name the servers there are when one is to be removed that is not', async () => {
    const { servers, ports } = await three();
    const leader = await group.leader(servers);
    await expect(leader.ask({ kind: 'removePeer', address: '127.0.0.1:1', timeoutMs: 1000 })).rejects.toThrow('no server of the group has the address 127.0.0.1:1');
    const again = await leader.ask<{ leaderId: string }>({ kind: 'transferLeader', address: `127.0.0.1:${ports[servers.indexOf(leader)]}`, timeoutMs: 1000 });
    expect(again).toEqual({ leaderId: leader.nodeId });
  });

  it('need only one of two data servers beside a witness, which holds no data and never stays leader', async () => {
    const ports = await freePorts(3);
    const options = await Promise.all(ports.map(async (_, i) => group.options(i, ports, { witnessMayLead: true })));
    const witnessOptions = { ...options[2]!, info: { ...options[2]!.info, isWitness: true } };
    const data = await Promise.all([group.start(options[0]!), group.start(options[1]!)]);
    const witness = await group.start(witnessOptions);
    const leader = await group.leader(data);
    const other = data.find((server) => server !== leader)!;
    const first = leader.propose('first');
    await until('the commit', () => leader.outcomes.get(first) === 'committed');
    await until('equal state', () => other.applied.length === 1);
    await group.stop(other);
    // Committed by the leader and the witness alone; then only the other server and the witness are left.
    const alone = leader.propose('alone');
    await until('the commit', () => leader.outcomes.get(alone) === 'committed');
    expect(witness.applied).toEqual([]);
    await group.stop(leader);
    const back = await group.start({ ...options[data.indexOf(other)]!, appliedIndex: other.appliedIndex });
    await until('leadership', () => back.isReady);
    await until('the entry', () => back.applied.includes('alone'));
    await until('the witness to follow', () => witness.role === 'follower');
  });

  it('grow from one server that was started with role 1 by others with role 2', async () => {
    const ports = await freePorts(3);
    const first = await group.start(await group.options(0, ports, { bootstrapRole: 1, appliedIndex: 0 }));
    await until('leadership', () => first.isReady);
    first.propose('seed');
    const rest = await Promise.all([1, 2].map(async (i) => group.start(await group.options(i, ports, { bootstrapRole: 2 }))));
    await until('three voters', async () => (await first.status()).peers.filter((peer) => peer.isVoter).length === 3);
    await until('its data', () => rest.every((server) => server.applied.includes('seed')));
    const [port] = await freePorts(1);
    const late = await group.options(3, [...ports, port!], { bootstrapRole: 1 });
    await expect(group.start(late)).rejects.toThrow(/belongs to the group/);
  });

  it('an older copy of the first server, from when it was alone, does not lead beside the group that it became', async () => {
    const ports = await freePorts(3);
    const options = await group.options(0, ports, { bootstrapRole: 1, appliedIndex: 0 });
    const first = await group.start(options);
    await until('leadership', () => first.isReady);
    first.propose('seed');
    await until('the entry', () => first.applied.includes('seed'));
    await group.stop(first);
    const copy = join(group.directory, 'copy');
    cpSync(options.logDirectory, copy, { recursive: true });
    const again = await group.start({ ...options, bootstrapRole: 0 });
    const rest = await Promise.all([1, 2].map(async (i) => group.start(await group.options(i, ports, { bootstrapRole: 2 }))));
    await until('three voters', async () => (await again.status()).peers.filter((peer) => peer.isVoter).length === 3);
    await group.stop(again);
    await until('another leader', () => rest.some((server) => server.isReady));
    const leader = rest.find((server) => server.isReady)!;
    leader.propose('later');
    await until('the later entry', () => rest.every((server) => server.applied.includes('later')));
    const back = await group.start({ ...options, logDirectory: copy, bootstrapRole: 0 });
    let hasLed = false;
    await until('the later entry there', () => {
      hasLed ||= back.role === 'leader';
      return back.applied.includes('later');
    });
    expect(hasLed).toBe(false);
    expect(leader.isReady).toBe(true);
  });
});
