import { expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import type { Executor } from '../../src/service/executors.ts';
import type { Principal } from '../../src/service/api.ts';
import type { Service } from '../../src/service/service.ts';
import { Session } from '../../src/service/session.ts';

/** A follower's session; each try takes `tryMs` and is answered with the next of `answers`. */
function onLeader(answers: (string | DbError)[], tryMs: number, isRepeatable: boolean): { result: Promise<unknown>; tries: () => number } {
  let now = 0;
  let tries = 0;
  const leader = {} as Executor;
  const options = {
    leader, writer: {}, redirectWrites: false, limits: { leaderWaitMs: 5000 }, clock: { monotonicMs: () => now },
    group: {
      isLeader: false, leader: { rpcAddress: 'a:1' },
      leaderChange: (ms: number) => {
        now += ms;
        return Promise.resolve();
      },
    },
  };
  const session = new Session({ options } as unknown as Service, {} as Principal);
  const result = session.onLeader(() => {
    tries++;
    now += tryMs;
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    return typeof answer === 'string' ? Promise.resolve(answer) : Promise.reject(answer);
  }, () => isRepeatable);
  return { result, tries: () => tries };
}

const unknown = () => new DbError('OutcomeUnknown', 'the connection broke: no sign of life');

it('asks again under its key what a leader took longer over than a write waits for one, before it fell silent', async () => {
  const { result, tries } = onLeader([unknown(), 'done'], 7000, true);
  expect(await result).toBe('done');
  expect(tries()).toBe(2);
});

it('ends such a write all the same, and asks nothing again that has no key', async () => {
  const silent = onLeader([unknown()], 1000, true);
  await expect(silent.result).rejects.toMatchObject({ code: 'OutcomeUnknown' });
  expect(silent.tries()).toBeLessThan(10);
  const keyless = onLeader([unknown(), 'done'], 1000, false);
  await expect(keyless.result).rejects.toMatchObject({ code: 'OutcomeUnknown' });
  expect(keyless.tries()).toBe(1);
});

it('goes to the next leader where the one it asked stops, and surely has not made the write', async () => {
  const stopping = (facts: Record<string, number>) => new DbError('ShuttingDown', 'this server is shutting down; the write was not made', { facts });
  const { result, tries } = onLeader([stopping({ not_made: 1 }), 'done'], 100, false);
  expect(await result).toBe('done');
  expect(tries()).toBe(2);
  // Nobody leads for as long as a write waits: that is the answer.
  await expect(onLeader([stopping({ not_made: 1 })], 100, false).result).rejects.toMatchObject({ code: 'ShuttingDown' });
  const open = onLeader([stopping({}), 'done'], 100, false);
  await expect(open.result).rejects.toMatchObject({ code: 'ShuttingDown' });
  expect(open.tries()).toBe(1);
});
