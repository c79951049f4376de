/** What a server says that it waits for. */
import { expect, it } from 'vitest';
import { groupStatus } from '../../src/replica/consensus-status.ts';
import type { StatusParts } from '../../src/replica/consensus-status.ts';
import type { SnapshotProgress } from '../../src/replica/protocol.ts';

interface Stand {
  readonly members: readonly string[];
  readonly witness?: string;
  readonly heard?: readonly string[];
  readonly leader?: string;
  readonly snapshot?: SnapshotProgress;
}

/** Of the server `a`. */
function waitsFor({ members, witness, heard = [], leader, snapshot }: Stand): string | undefined {
  const config = { config: { members: members.map((id) => ({ id, voter: true, witness: id === witness, info: JSON.stringify({ rpcAddress: id }) })) } };
  const view = { role: 'follower', term: 2, leader, config, progress: new Map(), commitIndex: 0, groupCommit: 0, lastIndex: 0, firstIndex: 1, durableIndex: 0 };
  return groupStatus({
    enabled: true, identity: { nodeId: 'a', clusterId: 'c' }, info: { rpcAddress: 'a' }, waitingFor: undefined, nowMs: 10_000, offlineMs: 1000,
    driver: { node: { view }, lastHeardMs: (id: string) => (heard.includes(id) ? 9900 : undefined), counters: {}, appendTimes: {}, store: { counters: {}, syncTimes: {} } },
    writer: { appliedIndex: 0, counters: {} }, heard: new Map(), connected: new Set(heard), notes: new Map(), gone: new Map(),
    snapshots: new Map(snapshot === undefined ? [] : [['a', snapshot]]),
  } as unknown as StatusParts).waitingFor;
}

it('names the servers without which there is no majority', () => {
  expect(waitsFor({ members: ['a', 'b', 'c'] })).toBe('a majority of voters; no contact with b, c (servers that have moved are found if ha_conf of one of them lists their new addresses)');
  expect(waitsFor({ members: ['a', 'b'] })).toBe('a majority of voters; no contact with b (servers that have moved are found if ha_conf of one of them lists their new addresses)');
  expect(waitsFor({ members: ['a', 'b', 'c'], heard: ['b', 'c'] })).toBe('an election');
  expect(waitsFor({ members: ['a', 'b', 'c'], leader: 'b' })).toBe(undefined);
});

it('does not call for a majority that is there: what nobody may lead without is with a server that is away, or with the witness', () => {
  expect(waitsFor({ members: ['a', 'b', 'c'], heard: ['c'] })).toBe('an election; no contact with b');
  expect(waitsFor({ members: ['a', 'b', 'w'], witness: 'w', heard: ['w'] })).toMatch(/^an election; no contact with b. Where only a witness has the newest entries it needs ha_enable_witness_to_leader/);
});

it('a new server waits for the state of its group, and says what holds that up', () => {
  const snapshot = { phase: 'sending', bytes: 4e6, bytesTotal: 8e6, secondsLeft: undefined } as const;
  expect(waitsFor({ members: [], leader: 'b', snapshot })).toBe('the state of the group: 50 % of the state, 4.0 MB of 8.0 MB');
  expect(waitsFor({ members: [], leader: 'b', snapshot: { ...snapshot, problem: 'its disk is small' } })).toMatch(/; held up: its disk is small$/);
});
