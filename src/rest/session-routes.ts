/** POST /login, /refresh, /logout: tokens that every server of the group accepts. */
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { askedVersion, bearer, originOf, principalOf } from './reply.ts';

export function sessionRoutes(app: FastifyInstance, service: Service): void {
  app.post('/login', async (request) => {
    const body = (request.body ?? {}) as Record<string, unknown>;
    if (typeof body.user !== 'string' || typeof body.password !== 'string') throw new DbError('InvalidRequest', '`user` or `password` not specified.');
    await service.waitForVersion(askedVersion(request), undefined);
    const login = await service.login(body.user, body.password, originOf(request));
    return { jwt: login.token, default_password: login.defaultPassword, is_admin: login.isAdmin };
  });

  app.post('/refresh', async (request) => {
    const login = await service.refresh(bearer(request));
    return { jwt: login.token, is_admin: login.isAdmin };
  });

  // Tokens are not kept on the server: the client forgets its own. A password change voids all of a user's.
  app.post('/logout', async (request) => {
    const principal = await principalOf(service, request);
    return { is_admin: principal.isAdmin };
  });
}
