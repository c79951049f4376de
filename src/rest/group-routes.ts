/**
 * What an admin does to the group: POST /group/transfer_leader, /group/add_peer, /group/remove_peer, on the leader only;
 * POST /group/snapshot on any server, about any server.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { principalOf } from './reply.ts';

const TIMEOUT_MS = 15_000;
/** A large state takes a while to sync. */
const SNAPSHOT_TIMEOUT_MS = 60_000;

export function groupRoutes(app: FastifyInstance, service: Service): void {
  const { group } = service.options;

  const askedAnywhere = async (request: FastifyRequest): Promise<string | undefined> => {
    const principal = await principalOf(service, request);
    if (!principal.isAdmin) throw new DbError('Forbidden', 'Admin access right required.');
    const { peer } = (request.body ?? {}) as { peer?: unknown };
    if (peer !== undefined && typeof peer !== 'string') throw new DbError('InvalidRequest', '`peer` is the address host:rpc_port of a server');
    return peer;
  };

  const asked = async (request: FastifyRequest): Promise<string | undefined> => {
    const peer = await askedAnywhere(request);
    if (!group.isLeader) {
      throw new DbError('NotLeader', 'Request can only be served in leader node.', { facts: { location: group.leader?.restAddress ?? '', redirect: 1 } });
    }
    return peer;
  };

  app.post('/group/snapshot', async (request) => {
    const peer = await askedAnywhere(request);
    const { rpcAddress, durableIndex, firstIndex, dropped } = await group.snapshot(peer, SNAPSHOT_TIMEOUT_MS);
    return { rpc_address: rpcAddress, durable_index: durableIndex, first_index: firstIndex, dropped };
  });

  app.post('/group/transfer_leader', async (request) => group.transferLeader(await asked(request), TIMEOUT_MS));

  const change = (path: string, work: (peer: string) => Promise<unknown>) => {
    app.post(path, async (request) => {
      const peer = await asked(request);
      if (peer === undefined) throw new DbError('InvalidRequest', '`peer` not specified.');
      return work(peer);
    });
  };
  change('/group/add_peer', (peer) => group.addPeer(peer, TIMEOUT_MS));
  change('/group/remove_peer', (peer) => group.removePeer(peer, TIMEOUT_MS));
}
