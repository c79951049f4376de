import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { RestCall } from '../../src/rest/rest-call.ts';
import type { Service } from '../../src/service/service.ts';

it('gives each statement of a request a key of its own, the same ones when the request is repeated', async () => {
  const request = { headers: { authorization: 'Bearer t', 'idempotency-key': 'k' }, params: {}, ip: '' } as unknown as FastifyRequest;
  const keysOf = async () => {
    const keys: (string | undefined)[] = [];
    const run = (_text: string, { idempotencyKey }: { idempotencyKey?: string }) => {
      keys.push(idempotencyKey);
      return Promise.resolve({ version: 1, next: () => Promise.resolve({ bytes: new Uint8Array(), count: 0, summary: {} }) });
    };
    const service = { options: { disableAuth: false }, authenticate: () => Promise.resolve({ user: 'admin' }), session: () => ({ run, service: { options: { limits: { listBytesMax: 1000 } } } }) } as unknown as Service;
    const call = await RestCall.of(service, request, { header: () => undefined } as unknown as FastifyReply);
    for (const text of ['CREATE (a)', 'CREATE (b)', 'CREATE (c)']) await call.json(text);
    return keys;
  };
  const first = await keysOf();
  expect(new Set(first).size).toBe(3);
  expect(first[0]).toBe('k');
  expect(await keysOf()).toEqual(first);
});
