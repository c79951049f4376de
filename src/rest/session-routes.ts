/** POST /login, /refresh, /logout: tokens that every server of the group accepts. */
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { RestCall } from './rest-call.ts';
import { askedVersion, bearer, originOf } from './reply.ts';

export function sessionRoutes(app: FastifyInstance, service: Service): void {
  app.post('/login', async (request) => {
    const body = (request.body ?? {}) as Record<string, unknown>;
    if (typeof body.user !== 'string' || typeof body.password !== 'string') throw new DbError('InvalidRequest', '`user` or `password` not specified.');
    await service.waitForVersion(askedVersion(request));
    const login = await service.login(body.user, body.password, originOf(request));
    return { jwt: login.token, default_password: login.defaultPassword, is_admin: login.isAdmin };
  });

  app.post('/refresh', async (request) => {
    const login = await service.refresh(bearer(request), originOf(request));
    return { jwt: login.token, is_admin: login.isAdmin };
  });

  // Tokens are not kept on the server: the client forgets its own. `{"all": true}` voids all of the user's, on every server.
  app.post('/logout', async (request, reply) => {
    const { all } = (request.body ?? {}) as { all?: unknown };
    if (all !== undefined && typeof all !== 'boolean') throw new DbError('InvalidRequest', '`all` must be true or false.');
    const { principal, session } = await RestCall.of(service, request, reply);
    if (all === true) {
      const stream = await session.run('CALL dbms.security.logoutUser($user)', { parameters: new Map([['user', principal.user]]), encoding: 'json', firstRows: 1 });
      stream.discard();
    }
    service.events.note('logout', principal.user, originOf(request), all === true ? 'all' : '');
    return { is_admin: principal.isAdmin };
  });
}
