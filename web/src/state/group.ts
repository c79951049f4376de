/** The servers of the group, asked for once a second wherever the page is. */
import { computed, signal } from '@preact/signals';
import { remember, request } from '../api/connection.ts';
import type { Peer } from '../api/types.ts';

export interface Group {
  readonly isGroup: boolean;
  readonly peers: readonly Peer[];
}

export const group = signal<Group | undefined>(undefined);
export const leader = computed(() => group.value?.peers.find((peer) => peer.state === 'MASTER'));

export type Health = 'unknown' | 'single' | 'healthy' | 'degraded' | 'leaderless';
export const health = computed((): Health => {
  const seen = group.value;
  if (seen === undefined) return 'unknown';
  if (leader.value === undefined) return 'leaderless';
  if (!seen.isGroup) return 'single';
  return seen.peers.every((peer) => peer.state === 'MASTER' || peer.state === 'FOLLOW') ? 'healthy' : 'degraded';
});

interface RaftStatus {
  readonly term: number;
  readonly commitIndex: number;
  readonly peers: readonly {
    rpcAddress: string; restAddress: string; boltAddress: string; isWitness: boolean; serverVersion: string; nodeId: string; role: string;
    isVoter: boolean; state: string; appliedIndex: number; lastContactMs: number;
  }[];
}

/** A server that is alone has no list; it is one of one. */
async function alone(): Promise<Group> {
  const { term, commitIndex, peers } = await request<RaftStatus>('/info/raft');
  return {
    isGroup: false,
    peers: peers.map((peer) => ({
      rpc_address: '', rest_address: peer.restAddress, bolt_address: peer.boltAddress, state: peer.state, ha_role: 'REPLICA', role: peer.role,
      voter: peer.isVoter, term, commit_index: commitIndex, applied_index: peer.appliedIndex, lag: Math.max(0, commitIndex - peer.appliedIndex),
      last_contact_ms: Math.round(peer.lastContactMs), version: peer.serverVersion, note: '', node_id: peer.nodeId,
    })),
  };
}

export async function refreshGroup(): Promise<void> {
  const isGroup = group.value?.isGroup ?? (await request<{ db_config: Record<string, unknown> }>('/info', { patience: 3000 })).db_config.enable_ha === true;
  if (!isGroup) {
    group.value = await alone();
    return;
  }
  const peers = await request<Peer[]>('/info/peers', { patience: 3000 });
  remember(peers.map((peer) => peer.rest_address));
  group.value = { isGroup, peers };
}
