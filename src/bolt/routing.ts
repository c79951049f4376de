/**
 * The routing table: who takes writes, who reads, who may be asked again.
 *
 *   WRITE  the leader; while there is none this server, which waits for the next one and forwards to it
 *   READ   the other servers, the leader only if it is alone: its time is better spent on writes
 *   ROUTE  all
 *
 * A server without a group names the address the client itself used, which is right behind port mappings too.
 */
import { DbError } from '../base/errors.ts';
import type { GroupStatus } from '../replica/protocol.ts';
import type { CypherMap } from '../value/value.ts';
import { mapFrom } from './metadata.ts';

/** Short, so that clients learn of a new leader or server soon; asking costs little. */
const TTL_SECONDS = 10;

export function routingTable(status: GroupStatus, context: CypherMap, db: string): CypherMap {
  const { write, read, route } = status.enabled ? groupRoles(status) : aloneRoles(status, context);
  const servers = ([['WRITE', write], ['READ', read], ['ROUTE', route]] as const)
    .map(([role, addresses]) => mapFrom({ role, addresses: [...addresses] }));
  return mapFrom({ ttl: TTL_SECONDS, db, servers });
}

interface Roles {
  readonly write: readonly string[];
  readonly read: readonly string[];
  readonly route: readonly string[];
}

function aloneRoles(status: GroupStatus, context: CypherMap): Roles {
  const used = context.get('address');
  const own = status.peers.find((peer) => peer.isSelf)?.boltAddress ?? '';
  const address = typeof used === 'string' && used !== '' ? used : own;
  if (address === '') throw new DbError('Internal', 'this server does not know its own Bolt address');
  return { write: [address], read: [address], route: [address] };
}

function groupRoles(status: GroupStatus): Roles {
  const reachable = status.peers.filter((peer) => peer.boltAddress !== '' && !peer.isWitness && (peer.isSelf || peer.state !== 'OFFLINE'));
  const self = reachable.filter((peer) => peer.isSelf);
  const leader = reachable.filter((peer) => peer.nodeId === status.leaderId);
  const others = reachable.filter((peer) => peer.nodeId !== status.leaderId && (peer.state === 'FOLLOW' || peer.isSelf));
  const addresses = (peers: typeof reachable) => peers.map((peer) => peer.boltAddress);
  return {
    write: addresses(leader.length > 0 ? leader : self),
    read: addresses(others.length > 0 ? others : leader.length > 0 ? leader : self),
    route: addresses(reachable),
  };
}
