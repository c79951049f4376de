/**
 * One server's picture of the group, for `GET /info/peers`, `dbms.listServers()`, metrics and /readyz.
 */
import { megabytesText } from '../base/disk-space.ts';
import { memberOf } from '../raft/config.ts';
import { takesNoEntries } from '../raft/replication.ts';
import type { NodeView } from '../raft/node.ts';
import type { Member, NodeId } from '../raft/types.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { Gone } from './consensus-group.ts';
import type { WriterSide } from './consensus-writer.ts';
import type { Identity } from './log-store-identity.ts';
import type { GroupStatus, NodeInfo, PeerStatus, SnapshotProgress } from './protocol.ts';

/** What an operator can do about a peer of which raft knows that it takes no entries. */
export const LARGE_PACKETS = 'See whether large packets get through between the servers (MTU, firewall)';
export const NO_ENTRIES = `heartbeats reach it, entries do not. ${LARGE_PACKETS}`;

/** One text for one content, whatever the order in which the fields came. `replaces`: whose place it takes, see `replacedBy`. */
export function encodeInfo({ rpcAddress, restAddress, boltAddress, isWitness, serverVersion }: NodeInfo, replaces: readonly NodeId[] = []): string {
  return JSON.stringify({ rpcAddress, restAddress, boltAddress, isWitness, serverVersion, ...(replaces.length === 0 ? {} : { replaces }) });
}

/** Whose address this server had when it was let in: these were wiped. One that only moved to where another was before replaces nobody. */
export function replacedBy(member: Member): readonly NodeId[] {
  return (JSON.parse(member.info) as { readonly replaces?: readonly NodeId[] }).replaces ?? [];
}

export function decodeInfo(member: Member): NodeInfo {
  const parsed = JSON.parse(member.info) as Partial<NodeInfo>;
  return {
    rpcAddress: parsed.rpcAddress ?? '', restAddress: parsed.restAddress ?? '', boltAddress: parsed.boltAddress ?? '',
    isWitness: member.witness, serverVersion: parsed.serverVersion ?? '',
  };
}

export function groupRole(view: NodeView, id: NodeId): GroupStatus['role'] {
  if (view.role === 'leader') return 'leader';
  if (view.role !== 'follower') return 'candidate';
  return memberOf(view.config.config, id)?.voter === true ? 'follower' : 'learner';
}

export interface StatusParts {
  readonly enabled: boolean;
  readonly identity: Identity;
  readonly info: NodeInfo;
  readonly driver: ConsensusDriver | undefined;
  readonly writer: WriterSide | undefined;
  readonly waitingFor: string | undefined;
  /** Where a leader answers that this server does not hear from. */
  readonly leaderElsewhere: string | undefined;
  readonly nowMs: number;
  readonly offlineMs: number;
  /** What peers said when they connected: fresher than the configuration. */
  readonly heard: ReadonlyMap<NodeId, NodeInfo>;
  /** Peers with an open connection to us: all that a follower knows about another follower. */
  readonly connected: ReadonlySet<NodeId>;
  readonly notes: ReadonlyMap<NodeId, string>;
  /** Removed for their silence, and not yet forgotten. */
  readonly gone: ReadonlyMap<NodeId, Gone>;
  readonly isStoreFull: boolean;
  /** Whole states under way to a peer, or to this server. */
  readonly snapshots: ReadonlyMap<NodeId, SnapshotProgress>;
}

export function groupStatus(parts: StatusParts): GroupStatus {
  const { driver, identity } = parts;
  const base = { enabled: parts.enabled, clusterId: identity.clusterId, nodeId: identity.nodeId, waitingFor: parts.waitingFor };
  if (driver === undefined || parts.writer === undefined) {
    return {
      ...base, role: 'forming', term: 0, leaderId: undefined, commitIndex: 0, groupCommit: 0, lastIndex: 0, firstIndex: 0, appliedIndex: 0,
      peers: [selfWhileForming(parts)], counters: {},
    };
  }
  const view = driver.node.view;
  // One whose removal is under way may be a member still.
  const gone = [...parts.gone.values()].filter(({ member }) => memberOf(view.config.config, member.id) === undefined);
  const waitingFor = parts.waitingFor ?? (view.leader === undefined ? whatIsMissing(parts, view) : firstState(parts, view));
  return {
    ...base, waitingFor, role: groupRole(view, identity.nodeId), term: view.term, leaderId: view.leader, commitIndex: view.commitIndex, groupCommit: view.groupCommit,
    lastIndex: view.lastIndex, firstIndex: view.firstIndex, appliedIndex: parts.writer.appliedIndex,
    peers: [...view.config.config.members.map((member) => peerStatus(parts, view, member)), ...gone.map((one) => goneStatus(parts, one))],
    counters: counters(parts, view), timings: { append: driver.appendTimes.buckets, sync: driver.store.syncTimes.buckets },
  };
}

/** A new server does not even know its group before it has its state. */
function firstState(parts: StatusParts, view: NodeView): string | undefined {
  const snapshot = memberOf(view.config.config, parts.identity.nodeId) === undefined ? parts.snapshots.get(parts.identity.nodeId) : undefined;
  return snapshot === undefined ? undefined : `the state of the group: ${snapshotNote(snapshot)}`;
}

function whatIsMissing(parts: StatusParts, view: NodeView): string {
  if (parts.leaderElsewhere !== undefined) return `the leader at ${parts.leaderElsewhere}, which answers: it has to reach this server at ${parts.info.rpcAddress} (host, rpc_port)`;
  const silent = view.config.config.members
    .filter((member) => member.voter && member.id !== parts.identity.nodeId && contactMs(parts, member.id, parts.offlineMs) >= parts.offlineMs)
    .map((member) => decodeInfo(member).rpcAddress);
  if (silent.length === 0) return 'an election';
  const { members } = view.config.config;
  const voters = members.filter((member) => member.voter);
  if ((voters.length - silent.length) * 2 <= voters.length) return `a majority of voters; no contact with ${silent.sort().join(', ')} (servers that have moved are found if ha_conf of one of them lists their new addresses)`;
  // A majority is here and elects nobody for long: what it lacks is with those who are away, and perhaps with a witness that may not lead.
  const isWitnessed = voters.some((member) => member.witness);
  return `an election; no contact with ${silent.join(', ')}${isWitnessed ? '. Where only a witness has the newest entries it needs ha_enable_witness_to_leader, or one of these servers' : ''}`;
}

function contactMs(parts: StatusParts, id: NodeId, never: number): number {
  const heard = parts.driver?.lastHeardMs(id);
  if (parts.driver?.node.view.role !== 'leader' && parts.connected.has(id)) return 0;
  return heard === undefined ? never : Math.round(parts.nowMs - heard);
}

function selfWhileForming(parts: StatusParts): PeerStatus {
  return {
    ...parts.info, nodeId: parts.identity.nodeId, role: 'unknown', state: 'UNINITIALIZED', isVoter: false, isSelf: true,
    matchIndex: 0, appliedIndex: 0, lastContactMs: 0, ...(parts.waitingFor === undefined ? {} : { note: `waiting for ${parts.waitingFor}` }),
  };
}

function peerStatus(parts: StatusParts, view: NodeView, member: Member): PeerStatus {
  const isSelf = member.id === parts.identity.nodeId;
  const progress = view.progress.get(member.id);
  const isLeader = view.leader === member.id;
  const lastContactMs = isSelf ? 0 : contactMs(parts, member.id, -1);
  const isOffline = !isSelf && (lastContactMs < 0 || lastContactMs >= parts.offlineMs);
  const role = isLeader ? 'leader' : isSelf ? groupRole(view, member.id) as PeerStatus['role'] : !member.voter ? 'learner' : 'follower';
  const isInSnapshot = progress?.state === 'snapshot';
  const snapshot = isSelf || isInSnapshot ? parts.snapshots.get(member.id) : undefined;
  const known = isOffline ? movedNote(parts, view, member) : takesNoEntries(progress, view.lastIndex) ? NO_ENTRIES : undefined;
  const note = snapshot === undefined ? known ?? parts.notes.get(member.id) : snapshotNote(snapshot);
  return {
    ...(isSelf ? parts.info : parts.heard.get(member.id) ?? decodeInfo(member)), isWitness: member.witness,
    nodeId: member.id, role: isOffline ? 'unknown' : role, isVoter: member.voter, isSelf,
    state: tugraphState({ isLeader, isOffline, isVoter: member.voter, isInSnapshot: isInSnapshot || snapshot !== undefined }),
    matchIndex: isSelf ? view.durableIndex : progress?.match ?? 0,
    appliedIndex: isSelf ? parts.writer!.appliedIndex : progress?.applied ?? 0,
    lastContactMs, ...(note === undefined ? {} : { note }), ...(snapshot === undefined ? {} : { snapshot }),
  };
}

/** Somebody else has its address: it will not come back there. */
function movedNote(parts: StatusParts, view: NodeView, member: Member): string | undefined {
  const { rpcAddress } = decodeInfo(member);
  const isThere = ({ id }: Member) => (id === parts.identity.nodeId ? parts.info : parts.connected.has(id) ? parts.heard.get(id) : undefined)?.rpcAddress === rpcAddress;
  const now = view.config.config.members.find((other) => other.id !== member.id && isThere(other));
  if (now === undefined) return undefined;
  return replacedBy(now).includes(member.id) ? 'wiped: its successor takes its place when it votes' : `${now.id} answers there now: it is known again when it starts at a new address`;
}

function snapshotNote({ phase, bytes, bytesTotal, secondsLeft, problem }: SnapshotProgress): string {
  if (phase === 'exporting') return problem ?? 'the state is being written to a file for it';
  if (phase === 'installing') return `installing the state of ${megabytesText(bytesTotal)}`;
  const share = bytesTotal === 0 ? 100 : Math.floor((bytes / bytesTotal) * 100);
  return `${share} % of the state, ${megabytesText(bytes)} of ${megabytesText(bytesTotal)}${problem !== undefined ? `; held up: ${problem}` : secondsLeft === undefined ? '' : `, ${secondsLeft} s left`}`;
}

function goneStatus(parts: StatusParts, { member, lastHeardMs }: Gone): PeerStatus {
  return {
    ...decodeInfo(member), isWitness: member.witness, nodeId: member.id, role: 'unknown', isVoter: false, isSelf: false, state: 'OFFLINE',
    matchIndex: 0, appliedIndex: 0, lastContactMs: Math.round(parts.nowMs - lastHeardMs), note: 'removed from the group for its silence',
  };
}

function tugraphState(facts: { isLeader: boolean; isOffline: boolean; isVoter: boolean; isInSnapshot: boolean }): string {
  if (facts.isOffline) return 'OFFLINE';
  if (facts.isLeader) return 'MASTER';
  if (facts.isInSnapshot) return 'LOADING_SNAPSHOT';
  return facts.isVoter ? 'FOLLOW' : 'REPLAYING_LOG';
}

function counters(parts: StatusParts, view: NodeView): Record<string, number> {
  const { store } = parts.driver!;
  return {
    ...parts.driver!.counters, ...parts.writer!.counters, ...store.counters,
    openProposals: parts.writer!.openCount, durableIndex: view.durableIndex, stateDurableIndex: parts.writer!.durableIndex,
    logSegments: store.segmentCount, logBytes: store.size, configIndex: view.config.index, isDiskFull: parts.driver!.isDiskFull ? 1 : 0, isStoreFull: parts.isStoreFull ? 1 : 0,
  };
}
