import { serialize, deserialize } from 'node:v8';
import { expect, it } from 'vitest';
import { answerForwarded, leaderExecutor } from '../../src/server/forwarding.ts';
import type { RunRequest } from '../../src/service/api.ts';
import type { Executor } from '../../src/service/executors.ts';
import type { GroupLink } from '../../src/service/group-link.ts';
import type { TaskRegistry } from '../../src/service/tasks.ts';

/** A server that has just been elected: what it says of itself changes when it is told to. */
class Elected {
  isLeader = false;
  isOpening = true;
  counters: Record<string, number> = {};
  status(): Promise<unknown> {
    return Promise.resolve({ counters: this.counters });
  }
  #wake: (() => void) | undefined;
  leaderChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  becomes(isLeader: boolean): void {
    this.isLeader = isLeader;
    this.isOpening = false;
    this.#wake?.();
  }
}

function asked(group: Elected): Promise<unknown> {
  const writer = { pull: () => Promise.resolve('the rows') } as unknown as Executor;
  const answer = answerForwarded(writer, group as unknown as GroupLink, {} as TaskRegistry);
  return answer(new Uint8Array(serialize({ method: 'pull', argument: {} }))).then((bytes) => deserialize(bytes) as unknown);
}

it('holds a forwarded request while it is about to take writes, and refuses it at once where it does not lead', async () => {
  const opening = new Elected();
  let isAnswered = false;
  const answer = asked(opening).finally(() => (isAnswered = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isAnswered).toBe(false);
  opening.becomes(true);
  expect(await answer).toEqual({ ok: 'the rows' });

  const deposed = new Elected();
  const refused = asked(deposed);
  deposed.becomes(false);
  expect(await refused).toMatchObject({ error: { code: 'NotLeader' } });
});

it.each(['isDiskFull', 'isStoreFull'])('says of a leader that has no room for any write that its disk is full (%s)', async (counter) => {
  const elected = new Elected();
  elected.counters = { [counter]: 1 };
  expect(await asked(elected)).toMatchObject({ error: { code: 'ReadOnlyDisk' } });
});

/** A group whose leader answers nothing. */
class Silent {
  leader: { rpcAddress: string } | undefined = { rpcAddress: 'a:1' };
  calls = 0;
  callLeader(): Promise<Uint8Array> {
    this.calls++;
    return new Promise(() => undefined);
  }
  leaderChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, timeoutMs));
  }
}

it('gives up a write to a leader that has been replaced and is silent, where the write can be asked for again', async () => {
  const group = new Silent();
  const executor = leaderExecutor(group as unknown as GroupLink);
  const run = (idempotencyKey: string | undefined): { ended: unknown } => {
    const state: { ended: unknown } = { ended: undefined };
    executor.run({ timeoutMs: 0, idempotencyKey } as RunRequest).then((ok) => (state.ended = ok), (error: unknown) => (state.ended = error));
    return state;
  };
  const [keyed, plain] = [run('k'), run(undefined)];
  group.leader = undefined; // Nobody knows one yet: the old one may come back.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(keyed.ended).toBeUndefined();
  group.leader = { rpcAddress: 'b:1' };
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(keyed.ended).toMatchObject({ code: 'OutcomeUnknown', message: 'a:1 does not lead any more and has not answered' });
  expect(plain.ended).toBeUndefined();
  expect(group.calls).toBe(2);
});
