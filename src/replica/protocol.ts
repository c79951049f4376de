/**
 * The messages between the consensus thread and the two that use it: `writer` (proposes and applies) and `main`
 * (clients, status, forwarding). Each side owns one end of a MessagePort; a message is plain structured-cloneable data.
 *
 * Binary data travels as one ArrayBuffer of its own per message (`bytes`, transferred) with the lengths of its parts,
 * because cloning a Buffer view would copy the whole pool slab under it.
 */

import type { Buckets } from '../base/histogram.ts';

/** Parts of a message's binary data, laid out one after the other in `bytes`. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
}

/** writer → consensus */
export type WriterToConsensus =
  /**
   * Propose entries, in order, as leader of `term` (as told by `leading`). Entries of one message stay together. Each
   * proposal id (unique in this process) is resolved exactly once, by `committed` or by `rejected`.
   *
   * Each proposal builds on the ones before it. So once a proposal of an epoch is rejected, every later one of the same
   * epoch must be rejected too; the writer then starts over from the committed state with the next epoch.
   */
  | { readonly kind: 'propose'; readonly term: number; readonly epoch: number; readonly ids: readonly number[]; readonly data: Packed }
  /** Everything up to `index` is applied; up to `durable` it would survive a power cut (the log may be compacted to there). */
  | { readonly kind: 'applied'; readonly index: number; readonly durable: number };

/** consensus → writer */
export type ConsensusToWriter =
  /**
   * This server leads `term`. The writer first applies everything up to `readyIndex` (this term's no-op; its `committed`
   * came or is coming on this port), then may propose.
   */
  | { readonly kind: 'leading'; readonly term: number; readonly readyIndex: number }
  /** This server does not (or no longer) lead. The speculative head is to be dropped; open proposals stay open. */
  | { readonly kind: 'following'; readonly term: number }
  /**
   * Committed entries `first`, `first`+1, …, in order, none skipped, none repeated. `ids[i]` is the proposal id of an entry
   * that this process proposed, else 0. `kinds[i]`: 0 no-op or configuration (nothing to apply, the index still
   * counts), 1 data. `data` has one part per entry (empty for kind 0).
   */
  | {
    readonly kind: 'committed'; readonly first: number; readonly terms: readonly number[];
    readonly ids: readonly number[]; readonly kinds: readonly number[]; readonly data: Packed;
  }
  /**
   * Proposals that ended otherwise. `not-leader`, `busy`, `disk-full`: surely never applied. `lost`: overwritten by another leader, surely
   * never applied. `unknown`: this server cannot find out (shutting down, or compacted away by a snapshot install).
   */
  | { readonly kind: 'rejected'; readonly ids: readonly number[]; readonly reason: 'not-leader' | 'busy' | 'disk-full' | 'lost' | 'unknown' }
  /** Sync the state store, then say `applied` again. */
  | { readonly kind: 'sync' };

/** What a server tells the others about itself; travels in the stream's hello and in heartbeats. */
export interface NodeInfo {
  /** `host:rpc_port` as advertised: the server's name in `ha_conf`. */
  readonly rpcAddress: string;
  readonly restAddress: string;
  readonly boltAddress: string;
  readonly isWitness: boolean;
  readonly serverVersion: string;
}

/** One server of the group as this one sees it; `GET /info/peers`, `dbms.listServers()` and the rest are made from it. */
export interface PeerStatus extends NodeInfo {
  readonly nodeId: string;
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner' | 'unknown';
  /** TuGraph's words: MASTER, FOLLOW, OFFLINE, LOADING_SNAPSHOT, REPLAYING_LOG, UNINITIALIZED. */
  readonly state: string;
  readonly isVoter: boolean;
  readonly isSelf: boolean;
  /** Highest log index known to be on that server's disk, and applied there. */
  readonly matchIndex: number;
  readonly appliedIndex: number;
  /** Milliseconds since the last message from it; 0 for oneself, -1 never. */
  readonly lastContactMs: number;
  readonly note?: string;
  /** While its state is LOADING_SNAPSHOT. */
  readonly snapshot?: SnapshotProgress;
}

export interface GroupStatus {
  readonly enabled: boolean;
  readonly clusterId: string;
  readonly nodeId: string;
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner' | 'forming';
  readonly term: number;
  readonly leaderId: string | undefined;
  readonly commitIndex: number;
  /** As far as this server knows the group is committed: more than its own log may have. */
  readonly groupCommit: number;
  readonly lastIndex: number;
  readonly firstIndex: number;
  readonly appliedIndex: number;
  /** What this server waits for, while it does: shown by /readyz and in the log. */
  readonly waitingFor: string | undefined;
  readonly peers: readonly PeerStatus[];
  /** Counters and timings for /metrics and the benchmarks. */
  readonly counters: Readonly<Record<string, number>>;
  /** How long the log took: to append (write and sync), and to sync alone. */
  readonly timings?: { readonly append: Buckets; readonly sync: Buckets };
}

/**
 * main → consensus. What `reply.ok` holds: status → GroupStatus, readIndex → the index (number), transferLeader →
 * `{ leaderId }`, addPeer and removePeer → `{ nodeId, index }`, logEntries → LogEntries, stop → `{ left, reason }` (the last message on the port).
 */
export type MainToConsensus =
  | { readonly kind: 'status'; readonly id: number }
  /** Confirm leadership and answer with the commit index a linearizable read must wait for (asks the leader if not leading). */
  | { readonly kind: 'readIndex'; readonly id: number; readonly timeoutMs: number }
  /** Bytes for the main thread of another server (`to` = node id, or 'leader'); answered once by `peerReply`. */
  | { readonly kind: 'peerRequest'; readonly id: number; readonly to: string; readonly bytes: Uint8Array; readonly timeoutMs: number }
  /** The answer to an incoming `peerCall`. */
  | { readonly kind: 'peerAnswer'; readonly callId: number; readonly bytes: Uint8Array }
  /** The answer to `exportState`: the file is complete and synced; or why there is none (`isOutOfSpace`: the rest of the disk is for others). */
  | { readonly kind: 'stateExported'; readonly exportId: number; readonly state: ExportedState | undefined; readonly error?: string; readonly isOutOfSpace?: boolean }
  /** The file of `installState` is not what it should be: it is of no use and is to be asked for again. */
  | { readonly kind: 'stateRefused'; readonly index: number }
  /** Sync the state store and compact the log of a server of the group (`address`, or this one); `reply.ok` is a SnapshotDone. */
  | { readonly kind: 'snapshot'; readonly id: number; readonly address: string | undefined; readonly timeoutMs: number }
  /** Committed entries from `from` up to `to`, as many as `bytesMax` allows, at least one; fails with LogNotKept where the log begins later. */
  | { readonly kind: 'logEntries'; readonly id: number; readonly from: number; readonly to: number; readonly bytesMax: number }
  /** No space is left for the state store: this server cannot apply what is committed, and should not lead. */
  | { readonly kind: 'storeFull' }
  | { readonly kind: 'transferLeader'; readonly id: number; readonly address: string | undefined; readonly timeoutMs: number }
  | { readonly kind: 'addPeer'; readonly id: number; readonly address: string; readonly timeoutMs: number }
  /** `address`: that of the server, or its node id. */
  | { readonly kind: 'removePeer'; readonly id: number; readonly address: string; readonly timeoutMs: number }
  /**
   * Leave leadership (transfer if possible) and stop: flush, close streams, exit the thread. `leave`: leave the group for good
   * first, if it stays able to work; the reply says whether it did (`{ left, reason }`).
   */
  | { readonly kind: 'stop'; readonly id: number; readonly timeoutMs: number; readonly leave?: boolean };

/** consensus → main */
export type ConsensusToMain =
  | { readonly kind: 'reply'; readonly id: number; readonly ok: unknown }
  | { readonly kind: 'replyError'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'peerReply'; readonly id: number; readonly bytes: Uint8Array }
  /** A request from another server's main thread. */
  | { readonly kind: 'peerCall'; readonly callId: number; readonly from: string; readonly bytes: Uint8Array }
  /** Sent on every change of role, term or leader. */
  | { readonly kind: 'role'; readonly role: GroupStatus['role']; readonly term: number; readonly leaderId: string | undefined; readonly leader: NodeInfo | undefined }
  | { readonly kind: 'log'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly message: string; readonly fields?: Readonly<Record<string, unknown>> }
  /** Write the whole state, at one version, to a new file `path` (state-file.ts); answered by `stateExported`. */
  | { readonly kind: 'exportState'; readonly exportId: number; readonly path: string }
  /**
   * The log that this server would need is gone. `path` holds the state at `index`: close the state store, replace it by a new one
   * filled from that file (complete before it takes the old one's place), and start the process's parts again with
   * `appliedIndex` = `index`. Sent again after a restart until that has happened.
   */
  | { readonly kind: 'installState'; readonly path: string; readonly index: number; readonly sha256: string }
  /** This server was removed for its silence: its parts are to be started again, so that it joins as a new server. */
  | { readonly kind: 'rejoin' }
  /** Its directory and its options fit each other and the other servers: what would be refused has been. */
  | { readonly kind: 'begun' }
  /**
   * The node cannot go on (failed fsync, corrupted log, identity conflict): the process must stop with this line. `isRefusal`: it
   * never began, because what it was told does not fit what it found.
   */
  | { readonly kind: 'fatal'; readonly message: string; readonly isRefusal?: boolean };

/** A file with the state at `index` (state-file.ts); `sha256` of all of it, as 64 hex digits. */
export interface ExportedState {
  readonly index: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A server's answer to a demanded snapshot: its state is durable up to `durableIndex`, its log now begins at `firstIndex`. */
export interface SnapshotDone {
  readonly rpcAddress: string;
  readonly durableIndex: number;
  readonly firstIndex: number;
  /** Log entries that were dropped. */
  readonly dropped: number;
}

/** Committed log entries `first`, `first`+1, …; `kinds` and `data` as in `committed`. */
export interface LogEntries {
  readonly first: number;
  readonly kinds: readonly number[];
  readonly data: Packed;
}

/** How far the whole state is on its way to a server. */
export interface SnapshotProgress {
  readonly phase: 'exporting' | 'sending' | 'installing';
  readonly bytes: number;
  readonly bytesTotal: number;
  /** At the speed so far; undefined: not known yet. */
  readonly secondsLeft: number | undefined;
  /** What keeps it from going on at the moment. */
  readonly problem?: string | undefined;
}

/** What the consensus thread is started with. */
export interface ConsensusOptions {
  readonly enabled: boolean;
  /** `<directory>/ha` by default: segment files, hard state, node.json. */
  readonly logDirectory: string;
  /** Where the state store is, perhaps on another disk. */
  readonly storeDirectory?: string;
  /** With less than this free on the log's disk it takes no entries; states for other servers leave twice as much (default 32 MB). */
  readonly diskReserveBytes?: number;
  readonly listenHost: string;
  readonly rpcPort: number;
  readonly info: NodeInfo;
  /** Addresses of `ha_conf`, as written. */
  readonly initialAddresses: readonly string[];
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** False: no fsync before acknowledging (labelled unsafe). */
  readonly durable: boolean;
  readonly secret: string | undefined;
  readonly formOnMajority: boolean;
  readonly joinGroupSeconds: number;
  /** Index up to which the state store already holds everything: `committed` starts behind it. */
  readonly appliedIndex: number;
  /** Checksum of that state: servers that form a group out of data must hold the same. */
  readonly stateChecksum?: string;
  readonly maxInflightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly maxEntryBytes: number;
  readonly leaseReads: boolean;
  /** So long may followers learn late what is committed, while writes flow (default 0: at once). */
  readonly commitNoticeMs?: number;
  /** A member silent for so long is removed from the group, if the rest stays safe (default: never). */
  readonly nodeOfflineMs?: number;
  /** A removed member is shown as OFFLINE until it has been silent for so long; a learner that vanished is dropped then. */
  readonly nodeRemoveMs?: number;
  /** Fewest voters that automatic removal leaves (default 2). */
  readonly autoRemoveMinVoters?: number;
  /** 0: form or join by `initialAddresses`. 1: form a group of this server and its data. 2: join the group of `initialAddresses`. */
  readonly bootstrapRole?: 0 | 1 | 2;
  /** The main thread handles `exportState` and `installState`, so the log may be dropped behind the state (default false). */
  readonly stateTransfer?: boolean;
  /** Entries that stay in the log behind the state, for followers that lag (default 100,000). */
  readonly logKeepsEntries?: number;
  /** A server new to the group that lacks more bytes of the log is given the state instead (default 0: never, as long as the log has them). */
  readonly newServerLogBytes?: number;
  /** Seconds between timed compactions of the log (default 0: by size only). */
  readonly snapshotIntervalSeconds?: number;
  /** HH:MM:SS, local time, of the first one; empty: some moment (default). */
  readonly snapshotFirstTime?: string;
  /** Largest message between two servers. */
  readonly maxMessageBytes?: number;
  /** Entries from so many bytes on travel compressed, where that pays (default 0: never). */
  readonly compressBytesMin?: number;
  /** Bytes of whole states sent in a second, to all servers together (default 0: no limit). */
  readonly snapshotBytesPerSecond?: number;
  /** Of its time, what the consensus thread works at most on sending whole states while clients write. */
  readonly snapshotBusyPercent?: number;
  /** Log bytes that are kept for a transfer under way; beyond it the transfer begins anew with a newer state (default 4 GiB). */
  readonly snapshotPinsLogBytes?: number;
  /** One file of the log. */
  readonly logSegmentBytes?: number;
  /** A witness may lead for a moment, to hand the group to a server with data (default false). */
  readonly witnessMayLead?: boolean;
}
