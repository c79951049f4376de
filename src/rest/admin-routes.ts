/** Tasks, live options, and the parts of TuGraph's REST API that this server does not have, refused clearly. */
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, integerField } from '../value/bodies.ts';
import { RestCall } from './rest-call.ts';

export function adminRoutes(app: FastifyInstance, service: Service): void {
  const { tasks } = service.options;

  app.get('/task', async (request, reply) => {
    const call = await RestCall.of(service, request, reply);
    call.requireAdmin();
    return call.column('CALL dbms.task.listTasks()');
  });
  app.delete('/task/:id', async (request, reply) => {
    const call = await RestCall.of(service, request, reply);
    call.requireAdmin();
    const { id } = request.params as { id: string };
    if (!/^\d+_\d+$/.test(id)) throw new DbError('InvalidRequest', 'Failed to parse task id.', { hint: 'GET /task lists the ids' });
    if (!tasks.list().some((task) => task.taskId === id)) throw new DbError('InvalidRequest', 'No such task.');
    tasks.kill(id);
    return reply.send();
  });

  app.put('/config', async (request, reply) => {
    const call = await RestCall.of(service, request, reply);
    call.requireAdmin();
    await call.rows('CALL dbms.config.update($updates)', { updates: bodyOf(request.body) });
    return reply.send();
  });

  app.post('/get_token_time', async (request, reply) => {
    await RestCall.of(service, request, reply);
    return { refresh_time: service.live.token_life_s, expire_time: service.live.token_refresh_s };
  });
  app.post('/update_token_time', async (request, reply) => {
    const call = await RestCall.of(service, request, reply);
    call.requireAdmin();
    const body = bodyOf(request.body);
    await call.rows('CALL dbms.config.update($updates)', { updates: { token_life_s: integerField(body, 'refresh_time'), token_refresh_s: integerField(body, 'expire_time') } });
    return reply.send();
  });
  app.get('/info/log', async (request, reply) => {
    await RestCall.of(service, request, reply);
    throw new DbError('InvalidRequest', 'LOG is disabled.');
  });

  // Every server keeps its metadata by itself: there is nothing to do.
  app.post('/misc/sync_meta', async (request, reply) => {
    (await RestCall.of(service, request, reply)).requireAdmin();
    return reply.send();
  });

  const refusePlugins = async () => {
    throw new DbError('NotSupported', 'C++ and Python procedures are not supported.', { hint: 'use Cypher; CALL dbms.procedures() lists what can be called' });
  };
  for (const root of ['/db/:graph', '/graph/:graph']) {
    for (const kind of ['cpp_plugin', 'python_plugin']) {
      app.route({ method: ['GET', 'POST', 'DELETE'], url: `${root}/${kind}`, handler: refusePlugins });
      app.route({ method: ['GET', 'POST', 'DELETE'], url: `${root}/${kind}/:name`, handler: refusePlugins });
    }
  }
}
