import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { checkLinearizable } from './linearizable.ts';
import type { Model, Operation } from './linearizable.ts';
import { bank, counter, listAppend, register } from './models.ts';
import type { BankIn, BankOut, CounterIn, ListIn, RegisterIn, RegisterOut } from './models.ts';

type Row<In, Out> = [client: number, called: number, returned: number | undefined, input: In, output?: Out];

function verdict<State, In, Out>(model: Model<State, In, Out>, rows: readonly Row<In, Out>[]): boolean | 'unknown' {
  return checkLinearizable(model, rows.map(([client, called, returned, input, output]) => ({ client, called, returned, input, output }))).ok;
}

const write = (value: number, key = 'k'): RegisterIn => ({ kind: 'write', key, value });
const read = (key = 'k'): { readonly kind: 'read'; readonly key: string } => ({ kind: 'read', key });
const add = (by: number): CounterIn => ({ kind: 'add', key: 'k', by });
const append = (value: number): ListIn => ({ kind: 'append', key: 'k', value });
const transfer = (from: number, to: number, amount: number): BankIn => ({ kind: 'transfer', from, to, amount });

describe('registers', () => {
  const cases: readonly (readonly [string, boolean, readonly Row<RegisterIn, RegisterOut>[]])[] = [
    ['a read after a write sees it', true, [[1, 0, 1, write(5)], [2, 2, 3, read(), 5]]],
    ['a stale read', false, [[1, 0, 1, write(5)], [1, 2, 3, write(6)], [2, 4, 5, read(), 5]]],
    ['a concurrent read may see either', true, [[1, 0, 1, write(5)], [1, 2, 9, write(6)], [2, 3, 4, read(), 5], [2, 5, 6, read(), 6]]],
    ['but never back again', false, [[1, 0, 1, write(5)], [1, 2, 9, write(6)], [2, 3, 4, read(), 6], [2, 5, 6, read(), 5]]],
    ['a write without an answer may take effect late', true, [[1, 0, 1, write(5)], [1, 2, undefined, write(6)], [2, 3, 4, read(), 5], [2, 8, 9, read(), 6]]],
    ['or never', true, [[1, 0, 1, write(5)], [1, 2, undefined, write(6)], [2, 8, 9, read(), 5]]],
    ['but not before it began', false, [[2, 0, 1, read(), 6], [1, 2, undefined, write(6)]]],
    ['nor twice', false, [[1, 0, undefined, write(6)], [2, 1, 2, read(), 6], [3, 3, 4, write(7)], [2, 5, 6, read(), 6]]],
    ['a value nobody wrote', false, [[1, 0, 1, write(5)], [2, 2, 3, read(), 9]]],
    ['a lost acknowledged write', false, [[1, 0, 1, write(5)], [2, 2, 3, read(), null]]],
    ['two cas from the same value', false, [[1, 0, 5, { kind: 'cas', key: 'k', from: null, to: 1 }, true], [2, 0, 5, { kind: 'cas', key: 'k', from: null, to: 2 }, true]]],
    ['one of two cas', true, [[1, 0, 5, { kind: 'cas', key: 'k', from: null, to: 1 }, true], [2, 0, 5, { kind: 'cas', key: 'k', from: null, to: 2 }, false]]],
    ['keys do not touch each other', true, [[1, 0, 1, write(5, 'a')], [2, 2, 3, read('b'), null]]],
  ];
  it.each(cases)('%s: %s', (_name, expected, rows) => expect(verdict(register, rows)).toBe(expected));
});

describe('counters, lists and banks', () => {
  it('find an increment that was lost, and one counted twice', () => {
    expect(verdict(counter, [[1, 0, 1, add(1), 1], [2, 2, 3, add(1), 2], [3, 4, 5, read(), 2]])).toBe(true);
    expect(verdict(counter, [[1, 0, 1, add(1), 1], [2, 2, 3, add(1), 1]])).toBe(false);
    expect(verdict(counter, [[1, 0, undefined, add(1)], [2, 2, 3, read(), 2]])).toBe(false);
  });

  it('find appends in two orders', () => {
    expect(verdict<readonly number[], ListIn, readonly number[]>(listAppend, [[1, 0, 5, append(1)], [2, 0, 5, append(2)], [3, 6, 7, read(), [2, 1]]])).toBe(true);
    expect(verdict<readonly number[], ListIn, readonly number[]>(listAppend, [[1, 0, 5, append(1)], [2, 0, 5, append(2)], [3, 6, 7, read(), [2, 1]], [3, 8, 9, read(), [1, 2]]])).toBe(false);
    expect(verdict<readonly number[], ListIn, readonly number[]>(listAppend, [[1, 0, 1, append(1)], [2, 2, 3, append(2)], [3, 6, 7, read(), [2, 1]]])).toBe(false);
  });

  it('find half a transfer, and money spent twice', () => {
    const model = bank([10, 0, 0]);
    const check = (rows: readonly Row<BankIn, BankOut>[]) => verdict(model, rows);
    expect(check([[1, 0, 5, transfer(0, 1, 4), true], [2, 1, 2, { kind: 'read' }, [10, 0, 0]], [2, 3, 4, { kind: 'read' }, [6, 4, 0]]])).toBe(true);
    expect(check([[1, 0, 5, transfer(0, 1, 4), true], [2, 1, 2, { kind: 'read' }, [6, 0, 0]]])).toBe(false);
    expect(check([[1, 0, 5, transfer(0, 1, 8), true], [2, 0, 5, transfer(0, 2, 8), true]])).toBe(false);
    expect(check([[1, 0, 5, transfer(0, 1, 8), true], [2, 0, 5, transfer(0, 2, 8), false]])).toBe(true);
  });
});

/** A register that takes effect at a moment within each operation: linearizable by construction. */
function made(seed: number, count: number): Operation<RegisterIn, RegisterOut>[] {
  const random = seededRandom(seed);
  const free = [0, 0, 0, 0, 0];
  const todo = Array.from({ length: count }, () => {
    const client = Math.floor(random.next() * free.length);
    const called = free[client]! + random.next();
    const effect = called + random.next() * 3;
    const returned = effect + random.next() * 3;
    free[client] = returned;
    return { client, called, effect, returned: random.next() < 0.1 ? undefined : returned, isRead: random.next() < 0.5, value: Math.floor(random.next() * 5) };
  });
  let state: number | null = null;
  return todo.sort((a, b) => a.effect - b.effect).map(({ client, called, returned, isRead, value }) => {
    if (!isRead) state = value;
    return { client, called, returned, input: isRead ? read() : write(value), output: isRead ? state : null };
  });
}

/** Tries every order: slow and plainly right. */
function bruteForce(rest: readonly Operation<RegisterIn, RegisterOut>[], state: number | null): boolean {
  if (rest.every((one) => one.returned === undefined)) return true;
  const first = Math.min(...rest.map((one) => one.returned ?? Number.POSITIVE_INFINITY));
  return rest.some((one) => {
    if (one.called > first) return false;
    const next = register.step(state, one.input, one.returned === undefined ? undefined : one.output);
    return next !== undefined && bruteForce(rest.filter((other) => other !== one), next);
  });
}

describe('the search', () => {
  it('accepts long histories that had an order', () => {
    for (let seed = 1; seed <= 20; seed++) expect(checkLinearizable(register, made(seed, 400)).ok).toBe(true);
  });

  it('agrees with trying everything, on histories with one answer changed', () => {
    const seen = { true: 0, false: 0 };
    for (let seed = 1; seed <= 400; seed++) {
      const history = made(seed, 7).map((one, i) => (i === seed % 7 && one.input.kind === 'read' ? { ...one, output: seed % 5 } : one));
      const expected = bruteForce(history, null);
      seen[expected ? 'true' : 'false'] += 1;
      expect(checkLinearizable(register, history).ok, `seed ${seed}`).toBe(expected);
    }
    expect(seen.true).toBeGreaterThan(50);
    expect(seen.false).toBeGreaterThan(20);
  });

  it('says that it does not know rather than guess', () => {
    expect(checkLinearizable(register, made(3, 50), 5).ok).toBe('unknown');
  });

  it('names the place where no order goes on', () => {
    const result = checkLinearizable(register, [
      { client: 1, called: 0, returned: 1, input: write(5), output: null }, { client: 2, called: 2, returned: 3, input: read(), output: 9 },
    ]);
    expect(result).toMatchObject({ ok: false, part: 'k', longest: [{ input: write(5) }], stuckAt: [{ output: 9 }] });
  });
});
