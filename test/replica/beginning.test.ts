/** A power cut at every disk operation while a group is decided: what is decided afterwards is the same in log, identity and announcement. */
import { expect, it } from 'vitest';
import { systemIds, systemRandom } from '../../src/base/random.ts';
import { systemTimers } from '../../src/base/timers.ts';
import { decodeConfig } from '../../src/raft/config.ts';
import { Beginning } from '../../src/replica/consensus-start.ts';
import type { PeerCall } from '../../src/replica/consensus-transport.ts';
import { noTransport } from '../../src/replica/consensus-transport.ts';
import type { Formed, JoinRequest, ProbeAnswer } from '../../src/replica/formation.ts';
import { newIdentity, readIdentity, writeIdentity } from '../../src/replica/log-store-identity.ts';
import { LogStore } from '../../src/replica/log-store.ts';
import type { ConsensusOptions, NodeInfo } from '../../src/replica/protocol.ts';
import { SimDisk } from '../sim/disk.ts';

const LIST = ['a:1', 'b:1', 'c:1'];
const info = (rpcAddress: string): NodeInfo => ({ rpcAddress, restAddress: '', boltAddress: '', isWitness: false, serverVersion: '' });
const options = {
  enabled: true, logDirectory: '/log', info: info('a:1'), initialAddresses: LIST, formOnMajority: true, joinGroupSeconds: 0, appliedIndex: 0, bootstrapRole: 0,
} as unknown as ConsensusOptions;
const b = newIdentity(false);
const c = newIdentity(false);

/** One start of a:1, while `up` answer. Resolves with what it announced, or undefined where the power went. */
async function start(disk: SimDisk, up: Readonly<Record<string, typeof b>>): Promise<Formed | undefined> {
  let announced: Formed | undefined;
  const call = (address: string, { op, body }: PeerCall): Promise<unknown> => {
    const identity = up[address];
    if (identity === undefined) return Promise.reject(new Error('no answer'));
    if (op === 'probe') return Promise.resolve({ identity, info: info(address), addresses: LIST, appliedIndex: 0, stateChecksum: '', leaderAddress: undefined, formed: undefined, bootstrapRole: 0, lastTerm: 0, lastIndex: 0 } satisfies ProbeAnswer);
    if (op === 'commit') announced = body as Formed;
    return Promise.resolve({ nodeId: identity.nodeId });
  };
  let now = 0;
  try {
    return await new Promise<Formed | undefined>((resolve, reject) => {
      const beginning = new Beginning({
        options, disk, transport: { ...noTransport, call }, nowMs: () => now++, timers: { ...systemTimers, after: (_ms, work) => systemTimers.after(0, work) },
        newId: systemIds, openStore: () => new LogStore({ disk, durable: true, monotonicMs: () => 0 }), waitFor: () => undefined, log: () => undefined,
        onMember: () => setImmediate(() => resolve(announced ?? beginning.identity.formed)), onFailed: () => resolve(undefined),
      });
      beginning.start().catch(reject);
    });
  } catch {
    return undefined;
  }
}

function firstConfig(disk: SimDisk): string[] {
  const store = new LogStore({ disk, durable: true, monotonicMs: () => 0 });
  const [entry] = store.entries(1, 1, 1 << 20);
  store.close();
  return decodeConfig(entry!.data).members.map((member) => member.id);
}

it('decides one group, whatever an attempt that was cut off has left behind', async () => {
  let cuts = 0;
  for (let operation = 0; ; operation += 1) {
    const disk = new SimDisk(systemRandom);
    disk.cutPowerAfter(operation);
    const first = await start(disk, { 'b:1': b });
    disk.cutPowerAfter(-1);
    disk.crash();
    // Whoever had decided goes on with that; who had not may find more servers now.
    const second = await start(disk, { 'b:1': b, 'c:1': c });
    expect(second, `a cut at operation ${operation}`).toBeDefined();
    expect(firstConfig(disk), `a cut at operation ${operation}`).toEqual(second!.config.members.map((member) => member.id));
    if (first !== undefined) {
      expect(second!.config).toEqual(first.config);
      break;
    }
    cuts += 1;
  }
  expect(cuts).toBeGreaterThan(15);
});

/** One start of a:1, which was removed and holds 5 entries of term 3. Resolves with what it said when it asked to join. */
async function rejoin(disk: SimDisk): Promise<JoinRequest | undefined> {
  const member = { ...b, membership: 'MEMBER' as const, clusterId: 'group' };
  let asked: JoinRequest | undefined;
  const call = (address: string, { op, body }: PeerCall): Promise<unknown> => {
    if (address !== 'b:1') return Promise.reject(new Error('no answer'));
    if (op === 'probe') return Promise.resolve({ identity: member, info: info(address), addresses: LIST, appliedIndex: 9, stateChecksum: '', leaderAddress: address, formed: undefined, bootstrapRole: 0, lastTerm: 4, lastIndex: 9 } satisfies ProbeAnswer);
    asked = body as JoinRequest;
    return Promise.resolve({ clusterId: 'group', start: { index: 5, term: 3, config: { members: [] } } });
  };
  try {
    return await new Promise<JoinRequest | undefined>((resolve, reject) => {
      const beginning = new Beginning({
        options: { ...options, appliedIndex: 5 }, disk, transport: { ...noTransport, call }, nowMs: () => 0, timers: systemTimers,
        newId: systemIds, openStore: () => new LogStore({ disk, durable: true, monotonicMs: () => 0 }), waitFor: () => undefined, log: () => undefined,
        onMember: () => resolve(asked), onFailed: () => resolve(undefined),
      });
      beginning.boot().then(() => beginning.start()).catch(reject);
    });
  } catch {
    return undefined;
  }
}

it('a removed server knows the term of its data until it has joined, whenever the power goes', async () => {
  let cuts = 0;
  for (let operation = 0; ; operation += 1) {
    const disk = new SimDisk(systemRandom);
    writeIdentity(disk, { ...newIdentity(false), membership: 'REMOVED', clusterId: 'group' });
    const store = new LogStore({ disk, durable: true, monotonicMs: () => 0 });
    store.persist({ seq: 1, hard: { term: 3, votedFor: undefined }, truncateFrom: undefined, entries: [], start: { index: 5, term: 3, config: { members: [] }, reset: true } });
    store.close();
    disk.cutPowerAfter(operation);
    const first = await rejoin(disk);
    disk.cutPowerAfter(-1);
    disk.crash();
    if (readIdentity(disk)?.membership === 'MEMBER') {
      expect(first?.appliedTerm ?? 3).toBe(3);
      break;
    }
    expect((await rejoin(disk))?.appliedTerm, `a cut at operation ${operation}`).toBe(3);
    cuts += 1;
  }
  expect(cuts).toBeGreaterThan(10);
});
