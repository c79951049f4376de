/** GET /info and its parts, /info/peers, /info/leader, /info/ha_state: the server and its group, in TuGraph's forms. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import { cpuInfo, dataSpace, diskRateInfo, memoryInfo } from '../service/host-info.ts';
import { peerRows } from '../service/peer-rows.ts';
import type { Service } from '../service/service.ts';
import { principalOf } from './reply.ts';

export function infoRoutes(app: FastifyInstance, service: Service, enableHa: boolean): void {
  const authenticated = (request: FastifyRequest) => principalOf(service, request);
  const needHa = () => {
    if (!enableHa) throw new DbError('InvalidRequest', 'HA mode is not enabled.', { hint: 'start the server with --enable_ha true' });
  };
  const space = () => {
    const { freeBytes, totalBytes } = dataSpace(service.configList);
    return { disk_total: totalBytes, disk_avail: freeBytes, unit: 'B' };
  };

  app.get('/info/peers', async (request) => {
    needHa();
    // A server that still waits for its group knows no users, and has nothing to hide but what it waits for.
    if (!service.isBlank) await authenticated(request);
    return peerRows(await service.groupStatus());
  });

  app.get('/info/leader', async (request) => {
    await authenticated(request);
    needHa();
    const { leader } = service.options.group;
    if (leader === undefined) throw new DbError('NoLeader', 'the group has no leader at the moment');
    return { rest_address: leader.restAddress, rpc_address: leader.rpcAddress };
  });

  app.get('/info/ha_state', async (request) => {
    await authenticated(request);
    if (!enableHa) return JSON.stringify('NO_HA');
    const status = await service.status();
    return JSON.stringify(status.role === 'leader' ? 'MASTER' : 'FOLLOW');
  });

  /** Everything consensus says of itself, counters included: for people who measure. */
  app.get('/info/raft', async (request) => {
    await authenticated(request);
    return service.status();
  });

  app.get('/info', async (request) => {
    await authenticated(request);
    return {
      node: '/node', relationship: '/relationship', lgraph_version: service.options.serverVersion, git_branch: '', git_commit: '', web_commit: '',
      cpp_id: '', cpp_version: '', python_version: '', up_time: Math.floor(service.upSeconds),
      cpu: cpuInfo(), memory: memoryInfo(), disk: diskRateInfo(), db_space: space(), db_config: Object.fromEntries(service.configList),
    };
  });
  app.get('/info/cpu', async (request) => (await authenticated(request), cpuInfo()));
  app.get('/info/memory', async (request) => (await authenticated(request), memoryInfo()));
  app.get('/info/disk', async (request) => (await authenticated(request), diskRateInfo()));
  app.get('/info/db_space', async (request) => (await authenticated(request), space()));
  app.get('/info/db_config', async (request) => (await authenticated(request), Object.fromEntries(service.configList)));
  app.get('/info/statistics', async (request) => {
    await authenticated(request);
    const { tasks } = service.options;
    return { 'requests/second': tasks.started / Math.max(1, service.upSeconds), running_tasks: tasks.size, total_requests: tasks.started };
  });
}
