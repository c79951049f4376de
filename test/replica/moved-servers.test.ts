/**
 * Servers whose address changes while their disks stay: one at a time, to where another was before, and all at once.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts, LocalGroup, until } from './local-group.ts';
import type { LocalServer } from './local-group.ts';

describe('servers that move', () => {
  let group: LocalGroup;
  let servers: LocalServer[];
  let ports: number[];

  beforeEach(async () => {
    group = new LocalGroup();
    ports = await freePorts(3);
    servers = await Promise.all([0, 1, 2].map(async (index) => group.start(await group.options(index, ports))));
    await group.leader(servers);
    await until('all to have all', () => servers.every(({ appliedIndex }) => appliedIndex === Math.max(...servers.map((server) => server.appliedIndex))));
  });

  afterEach(() => group.end());

  /** The server with the disk of `index` at the port that `at` has for it; `known` is what its configuration lists. */
  async function restart(index: number, at: readonly number[], known: readonly number[] = at): Promise<LocalServer> {
    const initialAddresses = known.map((port) => `127.0.0.1:${port}`);
    servers[index] = await group.start(await group.options(index, at, { appliedIndex: servers[index]!.appliedIndex, initialAddresses }));
    return servers[index];
  }

  const addresses = async (server: LocalServer) => (await server.status()).peers.map(({ rpcAddress, nodeId }) => `${rpcAddress} ${nodeId}`).sort();
  const wanted = (at: readonly number[]) => servers.map(({ nodeId }, index) => `127.0.0.1:${at[index]} ${nodeId}`).sort();

  it('to where another one was before: that one is not taken for wiped while it is down', async () => {
    const leader = await group.leader(servers);
    const [one, other] = [0, 1, 2].filter((index) => servers[index] !== leader) as [number, number];
    const swapped = [...ports];
    [swapped[one], swapped[other]] = [ports[other]!, ports[one]!];
    const ids = servers.map(({ nodeId }) => nodeId);
    await Promise.all([one, other].map((index) => group.stop(servers[index]!)));
    await restart(one, swapped);
    const first = await group.leader(servers.filter((_, index) => index !== other));
    await until('the first to be known at its new place', async () => (await addresses(first)).includes(`127.0.0.1:${swapped[one]} ${ids[one]}`));
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    expect((await first.status()).peers.filter(({ isVoter }) => isVoter)).toHaveLength(3);
    expect((await first.status()).peers.find(({ nodeId }) => nodeId === ids[other])?.note).toMatch(/answers there now/);
    await restart(other, swapped);
    await until('both in place', async () => (await addresses(first)).join() === wanted(swapped).join());
    expect(servers.map(({ nodeId }) => nodeId)).toEqual(ids);
    expect(servers.some(({ wantsRejoin }) => wantsRejoin)).toBe(false);
  });

  it('to where one was that is gone for good: that one is removed by its node id, and not the one that lives there now', async () => {
    const leader = await group.leader(servers);
    const [one, gone] = [0, 1, 2].filter((index) => servers[index] !== leader) as [number, number];
    const id = servers[gone]!.nodeId;
    const at = ports.map((port, index) => (index === one ? ports[gone]! : port));
    await Promise.all([one, gone].map((index) => group.stop(servers[index]!)));
    await restart(one, at);
    const left = servers.filter((_, index) => index !== gone);
    const first = await group.leader(left);
    const address = `127.0.0.1:${ports[gone]}`;
    await until('it to be known at its new place', async () => (await addresses(first)).includes(`${address} ${servers[one]!.nodeId}`));
    await expect(first.ask({ kind: 'removePeer', address, timeoutMs: 2000 })).rejects.toThrow(new RegExp(`2 servers are listed at ${address}: .*${id} \\(`));
    expect((await first.status()).peers.filter(({ isVoter }) => isVoter)).toHaveLength(3);
    await first.ask({ kind: 'removePeer', address: id, timeoutMs: 2000 });
    expect((await first.status()).peers.filter(({ isVoter }) => isVoter).map(({ nodeId }) => nodeId).sort()).toEqual(left.map(({ nodeId }) => nodeId).sort());
  });

  it('all at once, and one of them is told where: they find each other', async () => {
    const moved = await freePorts(3);
    await Promise.all(servers.map((server) => group.stop(server)));
    await Promise.all([1, 2].map((index) => restart(index, moved, ports)));
    await restart(0, moved);
    await group.leader(servers);
    await until('all in place', async () => (await Promise.all(servers.map(addresses))).every((list) => list.join() === wanted(moved).join()));
  });

  it('all at once, and nobody is told where: they say what to do', async () => {
    const moved = await freePorts(3);
    await Promise.all(servers.map((server) => group.stop(server)));
    await Promise.all([0, 1, 2].map((index) => restart(index, moved, ports)));
    await until('the leader to be missed', async () => /a majority of voters/.test((await servers[0]!.status()).waitingFor ?? ''));
    expect((await servers[0]!.status()).waitingFor).toContain(`no contact with ${[ports[1], ports[2]].map((port) => `127.0.0.1:${port}`).sort().join(', ')} (servers that have moved are found if ha_conf of one of them lists their new addresses)`);
  });

  it('to where nobody reaches it: the old address stays, and both sides say what is wrong', async () => {
    const leader = await group.leader(servers);
    const index = servers.findIndex((server) => server !== leader);
    const [dead] = await freePorts(1);
    await group.stop(servers[index]!);
    const at = ports.map((port, i) => (i === index ? dead! : port));
    const options = await group.options(index, at, { appliedIndex: servers[index]!.appliedIndex });
    const lost = await group.start({ ...options, rpcPort: ports[index]! });
    await until('the leader to say it', () => leader.logs.some((line) => line.includes(`says that it is 127.0.0.1:${dead} now, and is not known so: 127.0.0.1:${dead} does not answer`)));
    await until('the server to say it', async () => /, which answers: it has to reach this server at/.test((await lost.status()).waitingFor ?? ''));
    expect((await leader.status()).peers.map(({ isVoter }) => isVoter)).toEqual([true, true, true]);
  });
});
