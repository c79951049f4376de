import { expect, it } from 'vitest';
import { WriterSide } from '../../src/replica/consensus-writer.ts';
import type { WriterHost } from '../../src/replica/consensus-writer.ts';
import { pack } from '../../src/replica/packed.ts';
import type { ConsensusToWriter } from '../../src/replica/protocol.ts';
import type { NodeView } from '../../src/raft/node.ts';
import { ENTRY_DATA } from '../../src/raft/types.ts';

const BYTES = new Uint8Array([1, 2, 3]);

/** A leader of term 2 with the proposals 7 and 8 open, at the places 5 and 6. */
function leading(): { side: WriterSide; told: ConsensusToWriter[]; role: (role: string, term: number) => void } {
  const told: ConsensusToWriter[] = [];
  const entry = (index: number) => ({ index, term: 2, kind: ENTRY_DATA, data: BYTES });
  const host = {
    isDiskFull: false, wake: () => undefined,
    node: { propose: () => ({ first: 5, term: 2 }), appliedTo: () => undefined, view: { isTransferring: false } },
    store: { entries: (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => entry(from + i)) },
  } as unknown as WriterHost;
  const side = new WriterSide({ postMessage: (message) => void told.push(message) }, host, { maxEntryBytes: 1000, aheadBytesMax: 1000, doubtMs: 5000 }, 4);
  const role = (name: string, term: number) => side.onRole({ role: name, isReady: name === 'leader', term, readyIndex: 4 } as NodeView);
  role('leader', 2);
  side.onMessage({ kind: 'propose', term: 2, epoch: 1, ids: [7, 8], data: pack([BYTES, BYTES]) });
  told.length = 0;
  return { side, told, role };
}

it('tells who waits that the outcome is unknown, where a leader stays cut off from the group', () => {
  const { side, told, role } = leading();
  side.onTick(60_000); // As long as it leads, it may still commit them.
  role('candidate', 2);
  told.length = 0;
  side.onTick(100_000);
  side.onTick(104_999);
  expect(told).toEqual([]);
  side.onTick(105_000);
  expect(told).toEqual([{ kind: 'rejected', ids: [7, 8], reason: 'unknown' }]);
  // Another server had them, and has committed them: they are applied, and nobody is told twice.
  side.onCommit(6);
  expect(told.slice(1)).toMatchObject([{ kind: 'committed', first: 5, ids: [0, 0] }]);
});

it('settles them for good where the group is found again in time, also if the lead was lost twice', () => {
  const { side, told, role } = leading();
  role('candidate', 2);
  side.onTick(1000);
  role('leader', 3);
  side.onTick(5000);
  role('follower', 4);
  told.length = 0;
  side.onTick(6500);
  expect(told).toEqual([]);
  side.onCommit(6);
  expect(told).toMatchObject([{ kind: 'committed', first: 5, ids: [7, 8] }]);
});
