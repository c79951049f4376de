/** /user and /role: TuGraph's REST names for the security procedures. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Service } from '../service/service.ts';
import { bodyOf, optionalText, textField, textsOf } from '../value/bodies.ts';
import { RestCall } from './rest-call.ts';

type Handler = (call: RestCall, name: string, request: FastifyRequest) => Promise<unknown>;

export function userRoutes(app: FastifyInstance, service: Service): void {
  const on = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, work: Handler) => {
    app.route({
      method, url,
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const call = await RestCall.of(service, request, reply);
        const { name } = request.params as { name?: string };
        // Success without payload is an empty body.
        return await work(call, name ?? '', request) ?? reply.send();
      },
    });
  };
  const change = (url: string, work: Handler) => {
    for (const method of ['POST', 'PUT'] as const) {
      on(method, url, async (call, name, request) => {
        await work(call, name, request);
      });
    }
  };

  on('GET', '/user', (call) => call.object('CALL dbms.security.listUsers()'));
  on('GET', '/user/:name', async (call, name) => (await call.column('CALL dbms.security.getUserInfo($name)', { name }))[0]);
  on('GET', '/user/:name/graph', async (call, name) => (await call.column('CALL dbms.security.getUserPermissions($name)', { name }))[0]);
  on('POST', '/user', async (call, _name, request) => {
    const body = bodyOf(request.body);
    const user = textField(body, 'user');
    const parameters = { user, password: textField(body, 'password'), description: optionalText(body, 'description') ?? '' };
    await call.together(async () => {
      await call.rows('CALL dbms.security.createUser($user, $password)', parameters);
      if (parameters.description !== '') await call.rows('CALL dbms.security.setUserDesc($user, $description)', parameters);
    });
  });
  on('DELETE', '/user/:name', async (call, name) => void await call.rows('CALL dbms.security.deleteUser($name)', { name }));
  change('/user/:name/disable', (call, name) => call.rows('CALL dbms.security.disableUser($name, true)', { name }));
  change('/user/:name/enable', (call, name) => call.rows('CALL dbms.security.disableUser($name, false)', { name }));
  change('/user/:name/description', (call, name, request) => (
    call.rows('CALL dbms.security.setUserDesc($name, $description)', { name, description: textField(bodyOf(request.body), 'description') })));
  change('/user/:name/role', (call, name, request) => (
    call.rows('CALL dbms.security.rebuildUserRoles($name, $roles)', { name, roles: textsOf(request.body, 'roles') })));
  change('/user/:name/password', (call, name, request) => {
    const body = bodyOf(request.body);
    const parameters = { name, old: optionalText(body, 'current_password') ?? '', fresh: textField(body, 'new_password') };
    return name === call.principal.user
      ? call.rows('CALL dbms.security.changePassword($old, $fresh)', parameters)
      : call.rows('CALL dbms.security.changeUserPassword($name, $fresh)', parameters);
  });

  change('/user/:name/logout', (call, name) => call.rows('CALL dbms.security.logoutUser($name)', { name }));

  on('GET', '/role', (call) => call.object('CALL dbms.security.listRoles()'));
  on('GET', '/role/:name', async (call, name) => (await call.column('CALL dbms.security.getRoleInfo($name)', { name }))[0]);
  on('POST', '/role', async (call, _name, request) => {
    const body = bodyOf(request.body);
    await call.rows('CALL dbms.security.createRole($role, $description)', { role: textField(body, 'role'), description: textField(body, 'description') });
  });
  on('DELETE', '/role/:name', async (call, name) => void await call.rows('CALL dbms.security.deleteRole($name)', { name }));
  change('/role/:name/disable', (call, name) => call.rows('CALL dbms.security.disableRole($name, true)', { name }));
  change('/role/:name/enable', (call, name) => call.rows('CALL dbms.security.disableRole($name, false)', { name }));
  change('/role/:name/description', (call, name, request) => (
    call.rows('CALL dbms.security.modRoleDesc($name, $description)', { name, description: textField(bodyOf(request.body), 'description') })));
  change('/role/:name/permissions', (call, name, request) => (
    call.rows('CALL dbms.security.rebuildRoleAccessLevel($name, $permissions)', { name, permissions: bodyOf(request.body) })));
}
