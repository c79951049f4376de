/**
 * The servers of the group as rows: the one form behind `GET /info/peers`, `dbms.listServers()`, `dbms.ha.clusterInfo()` and
 * `lgraph_peer status`. TuGraph's four fields come first.
 */
import type { GroupStatus, PeerStatus, SnapshotProgress } from '../replica/protocol.ts';

/** How far the whole state is that a server gets. */
export interface SnapshotRow {
  readonly phase: string;
  readonly bytes: number;
  readonly bytes_total: number;
  readonly percent: number;
  readonly seconds_left: number | null;
}

export interface PeerRow {
  readonly rpc_address: string;
  readonly rest_address: string;
  readonly state: string;
  readonly ha_role: 'WITNESS' | 'REPLICA';
  readonly bolt_address: string;
  readonly role: PeerStatus['role'];
  readonly voter: boolean;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly lag: number;
  readonly last_contact_ms: number;
  readonly version: string;
  readonly note: string;
  readonly node_id: string;
  readonly snapshot?: SnapshotRow;
}

/** The leader first, then by address: the order of every list of servers. */
export function sortedPeers(peers: readonly PeerStatus[]): PeerStatus[] {
  return [...peers].sort((a, b) => Number(b.role === 'leader') - Number(a.role === 'leader') || (a.rpcAddress < b.rpcAddress ? -1 : 1));
}

/** TuGraph's four fields of a server. */
export function peerFacts(peer: PeerStatus): Pick<PeerRow, 'rpc_address' | 'rest_address' | 'state' | 'ha_role'> {
  return { rpc_address: peer.rpcAddress, rest_address: peer.restAddress, state: peer.state, ha_role: peer.isWitness ? 'WITNESS' : 'REPLICA' };
}

export function peerRows({ peers, term, commitIndex }: Pick<GroupStatus, 'peers' | 'term' | 'commitIndex'>): PeerRow[] {
  return sortedPeers(peers).map((peer) => ({
    ...peerFacts(peer), bolt_address: peer.boltAddress, role: peer.role, voter: peer.isVoter, term, commit_index: commitIndex, applied_index: peer.appliedIndex,
    lag: Math.max(0, commitIndex - peer.appliedIndex), last_contact_ms: Math.round(peer.lastContactMs), version: peer.serverVersion, note: peer.note ?? '',
    node_id: peer.nodeId, ...(peer.snapshot === undefined ? {} : { snapshot: snapshotFacts(peer.snapshot) }),
  }));
}

function snapshotFacts({ phase, bytes, bytesTotal, secondsLeft }: SnapshotProgress): SnapshotRow {
  return { phase, bytes, bytes_total: bytesTotal, percent: bytesTotal === 0 ? 0 : Math.floor((bytes / bytesTotal) * 100), seconds_left: secondsLeft ?? null };
}
