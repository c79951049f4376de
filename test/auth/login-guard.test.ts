import { expect, it } from 'vitest';
import { LoginGuard } from '../../src/auth/login-guard.ts';
import { asDbError } from '../../src/base/errors.ts';

function bench(limits = { failuresMax: 3, addressFailuresMax: 10, lockMs: 1000 }) {
  const state = { nowMs: 0, checks: 0 };
  const guard = new LoginGuard(() => state.nowMs, () => limits);
  const attempt = (user: string, password: string, address = 'here') => guard.attempt(user, address, async () => {
    state.checks++;
    await new Promise(setImmediate);
    return password === 'right';
  }).catch((error: unknown) => asDbError(error).code);
  return { state, attempt };
}

it('locks a user at an address, not the user elsewhere and not others there; the lock ends', async () => {
  const { state, attempt } = bench();
  for (let i = 0; i < 3; i++) expect(await attempt('ada', 'wrong')).toBe(false);
  expect(await attempt('ada', 'right')).toBe('TooManyLogins');
  expect(state.checks).toBe(3);
  expect(await attempt('ada', 'right', 'there')).toBe(true);
  expect(await attempt('bob', 'right')).toBe(true);
  state.nowMs = 1001;
  expect(await attempt('ada', 'right')).toBe(true);
  expect(await attempt('ada', 'wrong')).toBe(false);
});

it('takes a thousand guesses sent at once one after the other: three are looked at', async () => {
  const { state, attempt } = bench();
  const answers = await Promise.all(Array.from({ length: 500 }, () => attempt('ada', 'wrong')));
  expect(state.checks).toBe(3);
  expect(answers.filter((answer) => answer === 'TooManyLogins')).toHaveLength(497);
});

it('lets many connections with the right password in at once', async () => {
  const { attempt } = bench();
  expect(new Set(await Promise.all(Array.from({ length: 500 }, () => attempt('ada', 'right'))))).toEqual(new Set([true]));
});

it('locks an address that tries many users', async () => {
  const { attempt } = bench();
  for (let i = 0; i < 10; i++) expect(await attempt(`user${i}`, 'wrong')).toBe(false);
  expect(await attempt('somebody', 'right')).toBe('TooManyLogins');
  expect(await attempt('somebody', 'right', 'there')).toBe(true);
});

it('is not made to forget a lock by a flood of invented names', async () => {
  const { attempt } = bench({ failuresMax: 3, addressFailuresMax: 1e9, lockMs: 1000 });
  for (let i = 0; i < 9000; i++) await attempt(`invented${i}`, 'wrong', 'flood');
  for (let i = 0; i < 3; i++) await attempt('ada', 'wrong');
  for (let i = 0; i < 5000; i++) await attempt(`more${i}`, 'wrong', 'flood');
  expect(await attempt('ada', 'right')).toBe('TooManyLogins');
});

it('tells users apart whose names hold what separates them', async () => {
  const { attempt } = bench();
  for (let i = 0; i < 3; i++) await attempt('a@b', 'wrong', 'c');
  expect(await attempt('a', 'right', 'b@c')).toBe(true);
});

it('does not count a check that failed by itself as a wrong password', async () => {
  const guard = new LoginGuard(() => 0, () => ({ failuresMax: 1, addressFailuresMax: 1, lockMs: 1000 }));
  await expect(guard.attempt('ada', 'here', () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
  expect(await guard.attempt('ada', 'here', () => Promise.resolve(true))).toBe(true);
});
