import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameEncoder, decodeFrame } from '../../src/raft/codec.ts';
import { makeConfig } from '../../src/raft/config.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { Entry, EntryKind } from '../../src/raft/types.ts';

const number = fc.integer({ min: 0, max: 2 ** 48 });
const maybe = fc.option(number, { nil: undefined });
const config = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 5 })
  .map((ids) => makeConfig(ids.map((id, i) => ({ id, voter: i % 2 === 0, witness: i === 4, info: `{"n":"${i}"}` }))));

const append = fc.record({
  term: number, prevIndex: number, prevTerm: number, commit: number,
  parts: fc.array(fc.tuple(number, fc.integer({ min: 0, max: 2 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 5 }),
}).map(({ parts, ...rest }): Message => ({
  kind: 'append', ...rest,
  entries: parts.map(([term, kind, data], i): Entry => ({ index: rest.prevIndex + 1 + i, term, kind: kind as EntryKind, data: Buffer.from(data) })),
}));

const message: fc.Arbitrary<Message> = fc.oneof(
  append,
  fc.record({
    kind: fc.constantFrom('vote' as const, 'preVote' as const), term: number, lastIndex: number, lastTerm: number, transfer: fc.boolean(), configIndex: number,
  }),
  fc.record({ kind: fc.constantFrom('voteReply' as const, 'preVoteReply' as const), term: number, granted: fc.boolean() }),
  fc.record({ kind: fc.constant('notMember' as const), term: number, configIndex: number }),
  fc.record({ kind: fc.constant('appendReply' as const), term: number, ok: fc.boolean(), index: number, hintIndex: number, hintTerm: number }),
  fc.record({ kind: fc.constant('heartbeat' as const), term: number, commit: number, leaderCommit: number, round: number, witnessMay: number }),
  fc.record({ kind: fc.constant('heartbeatReply' as const), term: number, round: number, applied: number, first: number }),
  fc.record({ kind: fc.constant('commit' as const), term: number, commit: number }),
  fc.record({ kind: fc.constant('timeoutNow' as const), term: number, lastIndex: number }),
  fc.record({ kind: fc.constant('readRequest' as const), term: number, readId: number }),
  fc.record({ kind: fc.constant('readReply' as const), term: number, readId: number, index: maybe }),
  fc.record({ kind: fc.constant('installSnapshot' as const), term: number, index: number, snapshotTerm: number, config }),
  fc.record({ kind: fc.constant('snapshotReply' as const), term: number, index: maybe }),
);

describe('frames', () => {
  it('give back the messages that went in, in order', () => {
    const encoder = new FrameEncoder();
    fc.assert(fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
      expect(decodeFrame(encoder.encode(messages))).toEqual(messages);
    }));
  });

  it('lay out the entries for several peers once', () => {
    const entries: Entry[] = [{ index: 8, term: 2, kind: 1, data: Buffer.from('x') }];
    const encoder = new FrameEncoder();
    for (const prevTerm of [1, 2]) {
      const sent: Message = { kind: 'append', term: 2, prevIndex: 7, prevTerm, commit: 3, entries };
      expect(decodeFrame(encoder.encode([sent]))).toEqual([sent]);
    }
  });

  it('that are cut short or damaged are refused, or are other messages, and never crash the decoder in another way', () => {
    const encoder = new FrameEncoder();
    fc.assert(fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat({ max: 255 }), (messages, where, byte) => {
      const frame = encoder.encode(messages);
      const damaged = Buffer.from(frame);
      damaged[where % damaged.length] = byte;
      for (const bytes of [damaged, frame.subarray(0, where % frame.length)]) {
        try {
          decodeFrame(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }));
  });

  // The numbers and the order of fields are a promise to servers of other versions: change them only with the protocol's version.
  it('keep their layout', () => {
    const frame = new FrameEncoder().encode([
      { kind: 'heartbeat', term: 300, commit: 1, leaderCommit: 2, round: 3, witnessMay: 4 },
      { kind: 'append', term: 1, prevIndex: 2, prevTerm: 3, commit: 4, entries: [{ index: 3, term: 1, kind: 1, data: Buffer.from('ab') }] },
    ]);
    expect(frame.toString('hex')).toBe('08ac0201020304' + '060102030401' + '0101026162');
  });
});
