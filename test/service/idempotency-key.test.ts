import { expect, it } from 'vitest';
import { idempotencyKeyOf, OWN_KEY_PREFIX, requestDigest } from '../../src/service/idempotency-key.ts';
import { Float } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';

it("keeps a client's keys apart from the server's own, and from each other", () => {
  const given = ['k', '~k', "'~k", "''~k", "'k", '~', '~~k'];
  const used = given.map((key) => idempotencyKeyOf(key, 'the key'));
  expect(used.filter((key) => key.startsWith(OWN_KEY_PREFIX))).toEqual([]);
  expect(new Set(used).size).toBe(given.length);
  expect(used[0]).toBe('k');
});

it('tells requests apart, but not by the order in which a map was sent', () => {
  const map = (...entries: [string, Value][]) => new Map<string, Value>(entries);
  const digest = (...request: Value[]) => requestDigest(request);
  expect(digest('g', map(['a', 1], ['b', map(['x', 1], ['y', 2])]))).toBe(digest('g', map(['b', map(['y', 2], ['x', 1])], ['a', 1])));
  const others = [
    digest('g', map(['a', 1], ['b', 2])), digest('g', map(['a', 2], ['b', 1])), digest('h', map(['a', 1], ['b', 2])), digest('g', map(['a', 1], ['b', '2'])),
    digest('g', map(['a', 1])), digest('ga', map([' ', 1])), digest('g', 'a'), digest('ga'), digest('g', map(['a', [1]])), digest('g', map(['a', new Float(1.5)])), digest('g', map(['a', null])),
  ];
  expect(new Set(others).size).toBe(others.length);
  expect(others[0]).toMatch(/^[0-9a-f]{32}$/);
});
