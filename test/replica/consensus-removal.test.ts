import { describe, expect, it } from 'vitest';
import { makeConfig } from '../../src/raft/config.ts';
import type { NodeView } from '../../src/raft/node.ts';
import { Progress } from '../../src/raft/progress.ts';
import { AwakeClock, chooseRemoval } from '../../src/replica/consensus-removal.ts';

const OPTIONS = { offlineMs: 10_000, removeMs: 20_000, minVoters: 2, electionTimeoutMs: 500 };

function choose(parts: { heard: Record<string, number>; witnesses?: string[]; learners?: string[]; nowMs?: number; leadingSinceMs?: number; lastRemovalMs?: number; isReady?: boolean; minVoters?: number; dropped?: number; behind?: string }) {
  const nowMs = parts.nowMs ?? 100_000;
  const config = makeConfig(['self', ...Object.keys(parts.heard)].map((id) => ({
    id, voter: parts.learners?.includes(id) !== true, witness: parts.witnesses?.includes(id) === true, info: '',
  })));
  const progress = new Map(Object.keys(parts.heard).map((id) => {
    const one = new Progress(101);
    one.match = id === parts.behind ? 50 : 100;
    one.first = parts.witnesses?.includes(id) === true ? (parts.dropped ?? 0) + 1 : 1;
    return [id, one];
  }));
  const view = {
    isReady: parts.isReady ?? true, isTransferring: false, commitIndex: 100, durableIndex: 100, config: { index: 5, config }, progress,
  } as unknown as NodeView;
  return chooseRemoval({ ...OPTIONS, minVoters: parts.minVoters ?? 2 }, {
    nowMs, selfId: 'self', view, leadingSinceMs: parts.leadingSinceMs ?? 0, lastRemovalMs: parts.lastRemovalMs ?? -1e9,
    lastHeardMs: (id) => parts.heard[id],
  });
}

describe('automatic removal', () => {
  it('removes one voter that has been silent for too long', () => {
    expect(choose({ heard: { b: 99_900, c: 80_000 } }).remove).toBe('c');
    expect(choose({ heard: { b: 99_900, c: 95_000 } }).remove).toBeUndefined();
  });

  it('counts silence from the start of this leadership', () => {
    expect(choose({ heard: { b: 99_900, c: 80_000 }, leadingSinceMs: 95_000 }).remove).toBeUndefined();
  });

  it.each([
    ['not in contact with a majority', { heard: { b: 60_000, c: 80_000 } }],
    ['fewer than 3', { heard: { b: 99_900, c: 80_000 }, minVoters: 3 }],
    ['was removed just now', { heard: { b: 99_900, c: 80_000 }, lastRemovalMs: 95_000 }],
    ['another change is not finished', { heard: { b: 99_900, c: 80_000 }, isReady: false }],
    ['too many witnesses', { heard: { b: 99_900, c: 80_000 }, witnesses: ['b'] }],
  ])('keeps it and says why: %s', (why, parts) => {
    const { remove, kept } = choose(parts);
    expect(remove).toBeUndefined();
    expect([...kept.values()].join()).toContain(why);
  });

  it('keeps a voter whose log covers for what a witness has dropped', () => {
    const parts = { heard: { a: 99_900, c: 80_000, w: 99_900 }, witnesses: ['w'], dropped: 90 };
    expect(choose(parts).remove).toBe('c');
    // Without c, entries 51 to 90 would be on one server with data only.
    expect(choose({ ...parts, behind: 'a' }).kept.get('c')).toContain('a witness may have dropped entries up to 90');
  });

  it('drops a learner that vanished, after the longer time', () => {
    expect(choose({ heard: { b: 99_900, c: 99_900, d: 85_000 }, learners: ['d'] }).remove).toBeUndefined();
    expect(choose({ heard: { b: 99_900, c: 99_900, d: 79_000 }, learners: ['d'] }).remove).toBe('d');
  });

  it('counts no silence while the leader itself was away, and is not put off for ever by a leader that is late again and again', () => {
    const clock = new AwakeClock(250);
    clock.tick(1000);
    clock.tick(1100);
    expect([clock.heard('b', 1050), clock.nowMs]).toEqual([100, 100]);
    // Ten minutes asleep.
    clock.tick(601_100);
    expect(clock.nowMs - clock.heard('b', 1050)).toBe(250);
    for (let ms = 601_200; ms <= 611_100; ms += 100) clock.tick(ms);
    expect(clock.nowMs - clock.heard('b', 1050)).toBe(10_250);
    expect(clock.nowMs - clock.heard('b', 611_000)).toBe(0);
    // Every other tick comes late.
    for (let ms = 611_800; ms <= 621_000; ms += 800) {
      clock.tick(ms);
      clock.tick(ms + 100);
    }
    expect(clock.nowMs - clock.heard('b', 611_000)).toBeGreaterThan(4000);
  });
});
