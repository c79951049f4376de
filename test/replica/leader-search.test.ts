/** Who leads is asked where it can be known, also of a leader that others name; strangers are not taken for members. */
import { expect, it } from 'vitest';
import type { NodeView } from '../../src/raft/node.ts';
import { noTransport } from '../../src/replica/consensus-transport.ts';
import { LeaderSearch } from '../../src/replica/leader-search.ts';
import { newIdentity } from '../../src/replica/log-store-identity.ts';

const AFTER_MS = 1000;
const headless = { leader: undefined } as NodeView;
const led = { leader: 'x' } as NodeView;

it('finds members where they answer, and the leader where they say it is', async () => {
  const member = (nodeId: string, clusterId: string, rpcAddress: string, leaderAddress?: string) => ({
    identity: { ...newIdentity(false), membership: 'MEMBER', nodeId, clusterId }, info: { rpcAddress }, leaderAddress,
  });
  const there: Readonly<Record<string, unknown>> = {
    'b:1': member('b', 'ours', 'b:1', 'c:2'), 'c:2': member('c', 'ours', 'c:2', 'c:2'), 'd:1': member('d', 'theirs', 'd:1'),
  };
  const asked: string[] = [];
  let found = 0;
  const search = new LeaderSearch({
    transport: { ...noTransport, call: (address) => (asked.push(address), address in there ? Promise.resolve(there[address]) : Promise.reject(new Error('gone'))) },
    afterMs: AFTER_MS, clusterId: () => 'ours', addresses: () => ['b:1', 'c:1', 'd:1'], onFound: () => (found += 1),
  });
  search.onTick(0, led);
  search.onTick(AFTER_MS - 1, headless);
  expect(asked).toEqual([]);
  search.onTick(AFTER_MS, headless);
  await expect.poll(() => found).toBe(1);
  expect(asked).toEqual(['b:1', 'c:1', 'd:1', 'c:2']);
  expect([...search.found].map(([id, { rpcAddress }]) => `${id} ${rpcAddress}`)).toEqual(['b b:1', 'c c:2']);
  search.onTick(AFTER_MS + 1, led);
  expect(search.found.size).toBe(0);
});
