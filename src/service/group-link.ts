/** The group as the service sees it; implemented over the port to the consensus thread. */
import type { GroupStatus, LogEntries, NodeInfo, SnapshotDone } from '../replica/protocol.ts';

export interface GroupLink {
  /** Whether this server leads and accepts writes. */
  readonly isLeader: boolean;
  /** Elected, and not open for writes yet: a matter of milliseconds. */
  readonly isOpening: boolean;
  readonly leader: NodeInfo | undefined;
  readonly term: number;
  status(): Promise<GroupStatus>;
  /** The index a linearizable read must have applied; throws when no leader confirms it in time. */
  readIndex(timeoutMs: number): Promise<number>;
  /**
   * Sends bytes to the leader's main thread and gives its answer. Throws NotLeader when they were surely not handed over,
   * OutcomeUnknown when the connection broke afterwards.
   */
  callLeader(bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Syncs the state store and compacts the log of a server (`host:rpc_port`, or this one); resolves when that is done. */
  snapshot(address: string | undefined, timeoutMs: number): Promise<SnapshotDone>;
  /** Committed entries of this server's log, from `from` up to `to`, as many as `bytesMax` allows, at least one. Throws LogNotKept. */
  logEntries(from: number, to: number, bytesMax: number): Promise<LogEntries>;
  /** Hands leadership to the server at host:rpc_port, or to the best one. Leader only, like the two below. */
  transferLeader(address: string | undefined, timeoutMs: number): Promise<unknown>;
  addPeer(address: string, timeoutMs: number): Promise<unknown>;
  removePeer(address: string, timeoutMs: number): Promise<unknown>;
  /** Resolves when the leader may have changed, or after the time. */
  leaderChange(timeoutMs: number): Promise<void>;
}
