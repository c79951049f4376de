/** /readyz after a start: not before this server has what its group had by then, and asked for once. */
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { healthRoutes } from '../../src/rest/health-routes.ts';
import type { Service } from '../../src/service/service.ts';

it('is ready once the version that a leader has confirmed is here, and stays so', async () => {
  let [version, asked] = [7, 0];
  let leader: { rpcAddress: string } | undefined;
  let confirmed: number | undefined;
  let groupCommit = 7;
  const service = {
    get version() { return version; },
    status: () => Promise.resolve({ waitingFor: undefined, commitIndex: version, groupCommit, appliedIndex: version, term: 1 }),
    read: () => 0,
    options: {
      isWitness: false,
      group: {
        get leader() { return leader; },
        readIndex: () => {
          asked++;
          return confirmed === undefined ? Promise.reject(new Error('no majority')) : Promise.resolve(confirmed);
        },
      },
    },
  } as unknown as Service;
  const app = Fastify();
  healthRoutes(app, service);
  const ready = async () => {
    const { statusCode, body } = await app.inject('/readyz');
    return [statusCode, /caught_up (.*)/.exec(body)![1]];
  };
  expect(await ready()).toEqual([503, 'no leader has confirmed how far the group is']);
  expect(asked).toBe(0);
  leader = { rpcAddress: 'a:1' };
  expect(await ready()).toEqual([503, 'no leader has confirmed how far the group is']);
  confirmed = 9;
  // All that this server knows of is applied, and yet it is behind.
  expect(await ready()).toEqual([503, 'version 7, and the group had 9 when this server came back']);
  confirmed = 20;
  version = 9;
  expect(await ready()).toEqual([200, 'ok']);
  version = 8;
  expect(await ready()).toEqual([200, 'ok']);
  expect(asked).toBe(2);
  // Entries that a follower has not got yet count as well.
  groupCommit = 40;
  expect((await app.inject('/readyz')).body).toContain('applied ok version 8, 32 behind');
  groupCommit = 20_008;
  expect((await app.inject('/readyz')).body).toContain('[-]applied behind version 8, 20000 behind');
  await app.close();
});
