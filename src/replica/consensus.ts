/**
 * Runs consensus on one server: who it is (consensus-start.ts), log, transport, then the driver with its two ports.
 *
 * Runs in a thread of its own in production and, unchanged, inside a test.
 */
import { RaftNode } from '../raft/node.ts';
import { memberOf } from '../raft/config.ts';
import { PROTOCOL_VERSION } from '../raft/codec.ts';
import { systemIds } from '../base/random.ts';
import { pause, systemTimers } from '../base/timers.ts';
import { leaseMsFor } from '../raft/lease.ts';
import type { Clock } from '../base/clock.ts';
import type { NewId, Random } from '../base/random.ts';
import type { Timers } from '../base/timers.ts';
import type { NodeView } from '../raft/node.ts';
import type { Mutants } from '../raft/state.ts';
import type { Config, NodeId, Recovered } from '../raft/types.ts';
import { realBulkFiles } from './bulk-files.ts';
import type { BulkFiles } from './bulk-files.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import { ConsensusGroup } from './consensus-group.ts';
import type { Gone } from './consensus-group.ts';
import { MainSide } from './consensus-main.ts';
import { decodeInfo, groupRole, groupStatus, LARGE_PACKETS } from './consensus-status.ts';
import { Snapshots } from './consensus-snapshots.ts';
import { LeaderSearch } from './leader-search.ts';
import type { CompactionOptions } from './log-compaction.ts';
import { beginLogBehindState } from './snapshot-receiver.ts';
import { WriterSide } from './consensus-writer.ts';
import { Beginning } from './consensus-start.ts';
import { Calls } from './consensus-calls.ts';
import { bytesOfStore, DiskFullError, freeBytesElsewhere, realDisk } from './log-store-disk.ts';
import { lockDirectory, lockIfSpace } from './log-store-identity.ts';
import { LogStore } from './log-store.ts';
import type { LogSizes } from './log-store.ts';
import { isAlone, missingData, notAlone, StartRefused, whoIsAhead } from './start-checks.ts';
import type { Disk } from './log-store-disk.ts';
import type { RemovalOptions } from './consensus-removal.ts';
import type { StopOutcome } from './consensus-main.ts';
import type { Identity } from './log-store-identity.ts';
import type { Hello, Transport } from './consensus-transport.ts';
import type { Port } from './ports.ts';
import type { ConsensusOptions, ConsensusToMain, ConsensusToWriter, GroupStatus, MainToConsensus, NodeInfo, WriterToConsensus } from './protocol.ts';

export interface ConsensusParts {
  readonly options: ConsensusOptions;
  readonly writerPort: Port<WriterToConsensus, ConsensusToWriter>;
  readonly mainPort: Port<MainToConsensus, ConsensusToMain>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: this process's own timers and names, and the files of `logDirectory`, locked. The simulator brings others. */
  readonly timers?: Timers;
  readonly newId?: NewId;
  readonly disk?: Disk;
  readonly bulk?: BulkFiles;
  readonly logSizes?: LogSizes;
  readonly mutants?: Mutants;
  /** How long this thread has worked so far, in milliseconds; absent: not known, and nothing rests for it. */
  readonly busyMs?: () => number;
}

/** Each tick wakes the thread, of an idle server too: no more than the timers need. */
const TICKS_PER_HEARTBEAT = 2;
/** How far two clocks may drift apart within one lease; on hosts with worse clocks leases stay off. */
const LEASE_DRIFT_MS = 100;
const WINDOW_MESSAGES = 4;
const BATCH_BYTES = 1 << 20;
const KEEPS_LEAD_MS = 2000;
const KEEPS_LEAD_MAX_MS = 60_000;
const SPACE_CHECK_MS = 1000;
const ORPHAN_MS = 3000;
/** A removal that comes later than this has another reason: the one that was announced failed. */
const DISMISSED_MS = 60_000;
const RESERVE_BYTES = 32 << 20;
const LOG_KEEPS_ENTRIES = 100_000;
const WITNESS_CACHE_BYTES = 1 << 20;
const AHEAD_BYTES = 16 << 20;
/** A write whose leader lost the lead is in doubt for so many election timeouts before its client is told so. */
const DOUBT_ELECTIONS = 10;
const PINS_LOG_BYTES = 4 * 2 ** 30;

export class Consensus {
  readonly #parts: ConsensusParts;
  readonly #options: ConsensusOptions;
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #main: MainSide;
  readonly #snapshots: Snapshots;
  readonly #calls: Calls;
  readonly #search: LeaderSearch;
  readonly #heard = new Map<NodeId, NodeInfo>();
  readonly #starts = new Map<NodeId, { readonly bootSeq: number; readonly startId: string | undefined }>();
  readonly #startId: string;
  readonly #connected = new Set<NodeId>();
  readonly #beginning: Beginning;
  #driver: ConsensusDriver | undefined;
  #writer: WriterSide | undefined;
  #group: ConsensusGroup | undefined;
  #waitingFor: string | undefined;
  #unlock: (() => void) | undefined;
  #isStopped = false;
  /** When an operator sent this server away: it does not come back from that by itself. */
  #dismissedMs = Number.NEGATIVE_INFINITY;
  #isStoreFull = false;
  /** From then on the lead is offered to others again, and how long it is kept after that. */
  #offersLeadMs = 0;
  #keepsLeadMs = KEEPS_LEAD_MS;
  #spaceCheckedMs = 0;
  #orphanSinceMs = 0;
  #stoodBackTold = 0;

  constructor(parts: ConsensusParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#timers = parts.timers ?? systemTimers;
    const newId = parts.newId ?? systemIds;
    this.#startId = newId(16);
    this.#disk = parts.disk ?? realDisk(parts.options.logDirectory);
    this.#unlock = parts.disk === undefined ? lockIfSpace(this.#disk, parts.options.logDirectory) : () => undefined;
    this.#beginning = new Beginning({
      options: parts.options, disk: this.#disk, transport: parts.transport, nowMs: () => parts.clock.monotonicMs(), timers: this.#timers, newId,
      mutants: parts.mutants, openStore: () => this.#openStore(),
      waitFor: (what) => (this.#waitingFor = what), onMember: () => this.#run(), onFailed: (message) => this.#fatal(message),
      log: (level, message, fields) => this.#log(level, message, fields),
    });
    this.#snapshots = new Snapshots({
      disk: this.#disk, reserveBytes: parts.options.diskReserveBytes ?? RESERVE_BYTES, storeFreeBytes: freeBytesElsewhere(parts.options.logDirectory, parts.options.storeDirectory), stateBytes: bytesOfStore(parts.options.storeDirectory), newServerLogBytes: parts.options.newServerLogBytes ?? 0, bulk: parts.bulk ?? realBulkFiles(parts.options.logDirectory), timers: this.#timers, transport: parts.transport, compaction: compactionOptions(parts.options),
      bytesPerSecond: parts.options.snapshotBytesPerSecond ?? 0, busyPercent: parts.options.snapshotBusyPercent ?? 100, busyMs: parts.busyMs ?? (() => 0),
      random: parts.random, nowMs: () => parts.clock.monotonicMs(), wallMs: () => parts.clock.wallMs(), mutants: parts.mutants,
      driver: () => this.#driver, appliedIndex: () => this.#writer?.appliedIndex ?? 0, durableIndex: () => this.#writer?.durableIndex ?? 0,
      syncState: () => this.#writer?.syncState(),
      post: (message) => this.#main.post(message), log: (level, message, fields) => this.#log(level, message, fields),
    });
    this.#search = new LeaderSearch({
      transport: parts.transport, afterMs: Math.max(ORPHAN_MS, parts.options.electionTimeoutMs * 4), clusterId: () => this.#identity.clusterId,
      addresses: () => this.#knownAddresses(), onFound: () => this.#setPeers(),
    });
    this.#calls = new Calls({
      options: parts.options, beginning: this.#beginning, driver: () => this.#driver, group: () => this.#group, appliedIndex: () => this.#writer?.appliedIndex,
      compactNow: (timeoutMs) => this.#snapshots.compactNow(timeoutMs), transport: parts.transport,
      transferLeader: (address, timeoutMs) => this.#main.transferLeader(address, timeoutMs),
      status: () => this.#status(), onDismissed: () => (this.#dismissedMs = parts.clock.monotonicMs()),
    });
    this.#main = new MainSide(parts.mainPort, {
      nodeId: this.nodeId, transport: parts.transport, heartbeatMs: parts.options.heartbeatMs,
      nowMs: () => parts.clock.monotonicMs(), driver: () => this.#driver, group: () => this.#group,
      onStoreFull: () => this.#onStoreFull(), onExported: (...done) => this.#snapshots.onExported(...done),
      onStateRefused: (index) => this.#snapshots.onRefused(index), snapshot: (address, timeoutMs) => this.#calls.snapshot(address, timeoutMs), status: () => this.#status(), stop: (timeoutMs, leave) => this.stop(timeoutMs, leave),
    });
  }

  get nodeId(): NodeId {
    return this.#identity.nodeId;
  }

  get #identity(): Identity {
    return this.#beginning.identity;
  }

  /** What the simulator looks at: who this server is, and how its core stands once it is a member. */
  get seen(): { readonly identity: Identity; readonly view: NodeView | undefined } {
    return { identity: this.#identity, view: this.#driver?.node.view };
  }

  async start(): Promise<void> {
    const { options } = this;
    const { mainPort, writerPort, transport } = this.#parts;
    mainPort.on('message', (message: MainToConsensus) => this.#main.onMessage(message));
    await this.#beginning.withSpace(() => (this.#unlock ??= lockDirectory(this.#disk, options.logDirectory)));
    await this.#beginning.boot();
    // Until a group exists the writer has nothing to say but what it has applied; later messages find it.
    writerPort.on('message', (message: WriterToConsensus) => this.#onWriter(message));
    await transport.start({
      hello: (to) => this.#hello(to),
      refuse: (hello) => this.#refuse(hello),
      onPeerUp: (hello) => this.#onPeerUp(hello),
      onPeerDown: (id) => {
        this.#connected.delete(id);
        this.#setPeers();
      },
      onPeerLost: (id) => this.#driver?.node.unreachable(id),
      onMessages: (hello, messages) => {
        if (!this.#isSuperseded(hello)) this.#driver?.receive(hello.fromId, messages);
      },
      onState: (_from, header) => (options.stateTransfer === true && !options.info.isWitness ? this.#snapshots.onState(header) : { refused: 'this server holds no state' }),
      onRequest: (from, bytes, answer) => this.#main.onRequest(from, bytes, answer),
      onCall: (call) => this.#calls.answer(call),
      log: (level, message, fields) => this.#log(level, message, fields),
    });
    await this.#beginning.start();
    this.#main.post({ kind: 'begun' });
  }

  get options(): ConsensusOptions {
    return this.#options;
  }

  #openStore(): LogStore {
    return new LogStore({
      disk: this.#disk, durable: this.#options.durable, monotonicMs: () => this.#parts.clock.monotonicMs(),
      ...(this.#options.logSegmentBytes === undefined ? {} : { segmentBytes: this.#options.logSegmentBytes }),
      // A witness reads its log only for somebody who lags.
      ...(this.#options.info.isWitness ? { cacheBytesMax: WITNESS_CACHE_BYTES } : {}),
      ...this.#parts.logSizes,
    });
  }

  /** From here on this server is a member. */
  #run(): void {
    const { options } = this;
    const { clock, random, transport } = this.#parts;
    let store = this.#openStore();
    if (beginLogBehindState(this.#disk, options.appliedIndex, store)) {
      store.close();
      store = this.#openStore();
    }
    if (options.appliedIndex > store.lastIndex) store = this.#restartBehindState(store);
    const misfit = (options.enabled ? undefined : notAlone(store.recovered, this.#identity)) ?? missingData(store.recovered, options);
    if (misfit !== undefined) throw new StartRefused(misfit);
    const tickMs = Math.max(1, options.heartbeatMs / TICKS_PER_HEARTBEAT);
    const node = new RaftNode({
      id: this.#identity.nodeId, heartbeatTicks: TICKS_PER_HEARTBEAT, electionTicks: Math.round(options.electionTimeoutMs / tickMs),
      batchBytesMax: BATCH_BYTES, windowMessages: WINDOW_MESSAGES, windowBytes: options.maxInflightBytes,
      uncommittedBytesMax: options.maxUncommittedBytes, pendingReadsMax: 100_000, witnessMayLead: options.witnessMayLead ?? false,
      random: () => random.next(), readIdBase: this.#identity.bootSeq * 2 ** 32,
      mutants: this.#parts.mutants ?? new Set(), electionMs: options.electionTimeoutMs, prefersState: (peer, match) => this.#snapshots.prefersState(peer, match), leaseMs: options.leaseReads ? leaseMsFor(options.electionTimeoutMs, LEASE_DRIFT_MS) : 0, commitNoticeMs: options.commitNoticeMs ?? 0,
    }, store, this.#judged(store.recovered), options.appliedIndex);
    const driver: ConsensusDriver = new ConsensusDriver({
      node, store, transport, clock, timers: this.#timers, options: { tickMs, stallMs: Math.max(3 * tickMs, options.heartbeatMs) },
      events: {
        onCommit: (index) => this.#writer!.onCommit(index),
        onRole: (view) => this.#onRole(view),
        onRead: (id, index) => this.#main.onRead(id, index),
        onReadFailed: (id) => this.#main.onReadFailed(id),
        onTransferEnded: (_to, ok) => this.#main.onTransferEnded(ok),
        onSnapshotWanted: (peer) => this.#onSnapshotWanted(peer),
        onSnapshotOffered: (offer) => this.#onSnapshotOffered(offer),
        onRemoved: (configIndex) => this.#onRemoved(configIndex),
        onConfig: (view) => {
          this.#setPeers();
          this.#tellMain(view);
        },
        onTick: (nowMs) => {
          this.#main.onTick(nowMs);
          this.#writer?.onTick(nowMs);
          this.#group?.onTick(nowMs);
          this.#watchSpace(nowMs);
          this.#watchLearner(nowMs);
          this.#search.onTick(nowMs, driver.node.view);
          if (options.info.isWitness || options.stateTransfer === true) this.#snapshots.onTick(nowMs);
        },
        onDiskFull: (isFull) => this.#onDiskFull(isFull),
        onFatal: (message) => this.#fatal(message),
      },
    });
    this.#driver = driver;
    const { writerPort } = this.#parts;
    this.#writer = new WriterSide(writerPort, driver, { maxEntryBytes: options.maxEntryBytes, aheadBytesMax: AHEAD_BYTES, isWitness: options.info.isWitness, doubtMs: DOUBT_ELECTIONS * options.electionTimeoutMs }, options.appliedIndex);
    this.#group = new ConsensusGroup({
      nodeId: this.#identity.nodeId, clusterId: this.#identity.clusterId, driver, transport, electionTimeoutMs: options.electionTimeoutMs,
      removal: removalOptions(options), infoOf: (id) => (id === this.nodeId ? options.info : this.#connected.has(id) ? this.#heard.get(id) : undefined),
      nowMs: () => clock.monotonicMs(), log: (level, message, fields) => this.#log(level, message, fields),
    });
    this.#waitingFor = undefined;
    const voters = node.view.config.config.members.filter((member) => member.voter);
    const isOnlyVoter = voters.length === 1 && voters[0]!.id === node.id;
    const others = this.#knownAddresses();
    const mayBeCopy = isOnlyVoter && others.length > 0;
    if (mayBeCopy) node.hold();
    driver.start();
    this.#snapshots.askToInstall();
    if (mayBeCopy) void this.#leadUnlessCopy(node, others);
    // A group of one has nobody to wait for.
    else if (isOnlyVoter) node.campaign();
  }

  /** The only voter leads without asking anybody. Where its group has grown since, these files are an older copy, and the others know. */
  async #leadUnlessCopy(node: RaftNode, others: readonly string[]): Promise<void> {
    const ahead = await whoIsAhead(this.#parts.transport, others, {
      nodeId: this.nodeId, clusterId: this.#identity.clusterId, lastIndex: node.view.lastIndex,
    });
    if (this.#isStopped) return;
    node.release(ahead !== undefined);
    if (ahead !== undefined) {
      this.#log('error', `${ahead} knows more of this group than this server, which was its only voter: its directory is an older copy. It does not vote until the leader has brought it up to date`);
      return;
    }
    node.campaign();
    this.#driver!.wake();
  }

  /** What to do about a log whose last record is damaged: it may hold a write that was acknowledged. */
  #judged(recovered: Recovered): Recovered {
    if (!recovered.suspect) return recovered;
    if (isAlone(recovered, this.nodeId)) {
      // Nobody else can have it: waiting would be for ever.
      this.#log('error', 'the last record of the log was damaged and is dropped: a write acknowledged just before the crash may be missing');
      return { ...recovered, suspect: false };
    }
    this.#log('warn', 'the last record of the log is damaged: this server does not vote until a leader has brought it up to date');
    return recovered;
  }

  /** The state store survived what the log did not: possible with `durable` off. Only a group of one may go on from there. */
  #restartBehindState(store: LogStore): LogStore {
    const { config } = store.recovered.configs.at(-1)!;
    const { appliedIndex } = this.#options;
    if (!isAlone(store.recovered, this.nodeId)) {
      throw new Error(`the data is at version ${appliedIndex}, but the log ends at ${store.lastIndex}: `
        + 'wipe this server and let it join again');
    }
    this.#log('warn', 'the log ends before the data: it is started anew behind it', { appliedIndex, lastIndex: store.lastIndex });
    const term = store.recovered.hard.term;
    store.persist({
      seq: 1, hard: undefined, truncateFrom: undefined, entries: [], start: { index: appliedIndex, term, config, reset: true },
    });
    store.close();
    return this.#openStore();
  }

  // ---- events ----

  #onWriter(message: WriterToConsensus): void {
    if (this.#writer !== undefined) this.#writer.onMessage(message);
    else if (message.kind === 'propose') this.#parts.writerPort.postMessage({ kind: 'rejected', ids: message.ids, reason: 'not-leader' });
  }

  #onRole(view: NodeView): void {
    this.#writer?.onRole(view);
    this.#main.onRole(view);
    this.#tellMain(view);
    if (view.stoodBackTerm > this.#stoodBackTold) {
      this.#stoodBackTold = view.stoodBackTerm;
      this.#log('error', `this server led and committed nothing for long, because a majority took its heartbeats and not its entries: it lets others lead. ${LARGE_PACKETS}`);
    }
    if (this.#isStoreFull && view.isReady) this.#offerLead(this.#parts.clock.monotonicMs());
  }

  /** Also after a change of configuration: a new server knows its leader's addresses only from there. */
  #tellMain(view: NodeView): void {
    const leader = view.config.config.members.find((member) => member.id === view.leader);
    const info = leader === undefined ? undefined : this.#heard.get(leader.id) ?? decodeInfo(leader);
    this.#main.post({ kind: 'role', role: groupRole(view, this.nodeId), term: view.term, leaderId: view.leader, leader: info });
  }

  /**
   * Streams to all members, and to whoever opened one to us: a server that has just been let in hears from the leader before
   * it has seen any configuration, and one that was removed must be told.
   */
  #setPeers(): void {
    if (this.#driver === undefined) return;
    const peers = new Map<NodeId, string>();
    for (const member of this.#driver.node.view.config.config.members) peers.set(member.id, decodeInfo(member).rpcAddress);
    // While nobody leads: where a member answered.
    for (const [id, info] of this.#search.found) if (peers.has(id)) peers.set(id, info.rpcAddress);
    // What a server says about itself now is newer than what the configuration says.
    for (const id of this.#connected) peers.set(id, this.#heard.get(id)!.rpcAddress);
    peers.delete(this.nodeId);
    this.#parts.transport.setPeers([...peers].map(([id, address]) => ({ id, address })));
  }

  #onRemoved(configIndex: number): void {
    if (this.#identity.membership !== 'MEMBER') return;
    try {
      this.#beginning.saveIdentity({ ...this.#identity, membership: 'REMOVED' });
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      // What cannot be noted yet is no news yet.
      if (!this.#isStopped) this.#timers.after(SPACE_CHECK_MS, () => this.#onRemoved(configIndex));
      return;
    }
    this.#log('warn', 'this server was removed from the group', { configIndex });
    if (this.#isStopped) return;
    if (this.#parts.clock.monotonicMs() - this.#dismissedMs < DISMISSED_MS) {
      this.#waitingFor = 'an operator: this server was removed from the group; restart it to join again';
      return;
    }
    this.#waitingFor = 'the group to take this server in again: it was removed for its silence';
    this.#main.post({ kind: 'rejoin' });
  }

  /** A witness has no state to send or take: it only learns where its log may begin. */
  #onSnapshotWanted(peer: NodeId): void {
    const { node } = this.#driver!;
    const { view } = node;
    const member = view.config.config.members.find((one) => one.id === peer);
    if (member?.witness !== true) {
      if (this.#options.stateTransfer === true) this.#snapshots.onWanted(peer);
      else this.#log('warn', 'a peer needs entries that are not in the log any more', { peer });
      return;
    }
    const index = view.firstIndex - 1;
    this.#parts.transport.send(peer, [{
      kind: 'installSnapshot', term: view.term, index, snapshotTerm: node.termAt(index)!, config: node.configAt(index).config,
    }]);
  }

  #onSnapshotOffered(offer: { readonly index: number; readonly term: number; readonly config: Config }): void {
    if (!this.#options.info.isWitness) return;
    if (this.#driver!.node.installed(offer.index, offer.term, offer.config)) this.#writer!.onInstalled(offer.index);
    this.#driver!.wake();
  }

  /** A learner that nobody leads may have been let go without a word. */
  #watchLearner(nowMs: number): void {
    const { view } = this.#driver!.node;
    const isOrphan = view.leader === undefined && memberOf(view.config.config, this.nodeId)?.voter !== true;
    if (!isOrphan || this.#identity.membership !== 'MEMBER') {
      this.#orphanSinceMs = nowMs;
      return;
    }
    if (nowMs - this.#orphanSinceMs < Math.max(ORPHAN_MS, this.#options.electionTimeoutMs * 4)) return;
    this.#orphanSinceMs = nowMs;
    this.#group!.isForgotten(this.#knownAddresses()).then((isForgotten) => {
      if (isForgotten && !this.#isStopped) this.#onRemoved(view.config.index);
    }).catch((error: unknown) => this.#fatal(`this server was let go, and cannot note it: ${error instanceof Error ? error.message : String(error)}`));
  }

  /** Where others may be: as they say themselves, as the configuration of the group says, and as this server's own says. */
  #knownAddresses(): string[] {
    const members = this.#driver!.node.view.config.config.members.map((member) => decodeInfo(member).rpcAddress);
    const heard = [...this.#connected].map((id) => this.#heard.get(id)!.rpcAddress);
    return [...new Set([...heard, ...members, ...this.#options.initialAddresses])].filter((address) => address !== this.#options.info.rpcAddress);
  }

  #watchSpace(nowMs: number): void {
    if (nowMs - this.#spaceCheckedMs < SPACE_CHECK_MS) return;
    this.#spaceCheckedMs = nowMs;
    if (this.#isStoreFull) this.#offerLead(nowMs);
    const driver = this.#driver!;
    const isLow = this.#disk.freeBytes() < (this.#options.diskReserveBytes ?? RESERVE_BYTES);
    if (isLow === driver.isSpaceLow) return;
    driver.isSpaceLow = isLow;
    if (isLow) {
      this.#log('error', 'hardly any space is left for the log: this server accepts no writes until there is', { directory: this.#options.logDirectory });
      this.#handOver();
    } else this.#log('info', 'there is space for the log again');
  }

  /** Until this server is started again, it applies nothing: whoever can should lead instead. */
  #onStoreFull(): void {
    this.#isStoreFull = true;
    this.#offerLead(this.#parts.clock.monotonicMs());
  }

  /** Where the stores of all are full the lead would go round without end, and each new leader's first entry would take of the space that the logs still have. */
  #offerLead(nowMs: number): void {
    if (nowMs < this.#offersLeadMs || this.#driver?.node.view.role !== 'leader') return;
    this.#offersLeadMs = nowMs + this.#keepsLeadMs;
    this.#keepsLeadMs = Math.min(this.#keepsLeadMs * 2, KEEPS_LEAD_MAX_MS);
    this.#handOver();
  }

  #handOver(): void {
    if (this.#driver?.node.view.role !== 'leader') return;
    this.#driver.node.transfer(undefined);
    this.#driver.wake();
  }

  #onDiskFull(isFull: boolean): void {
    if (!isFull) {
      this.#log('info', 'there is space for the log again');
      return;
    }
    this.#log('error', 'no space left for the log: this server accepts no writes until there is', { directory: this.#options.logDirectory });
    this.#handOver();
  }

  #fatal(message: string): void {
    this.#main.post({ kind: 'fatal', message });
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#main.post(fields === undefined ? { kind: 'log', level, message } : { kind: 'log', level, message, fields });
  }

  // ---- peers ----

  #hello(to: NodeId): Hello {
    const { clusterId, nodeId, bootSeq } = this.#identity;
    const acknowledged = this.#driver?.node.promisedBy(to);
    const answered = this.#driver?.node.answeredBy(to);
    return { clusterId, fromId: nodeId, toId: to, bootSeq, startId: this.#startId, version: PROTOCOL_VERSION, info: this.#options.info, acknowledged, answered };
  }

  /** A stranger changes nothing here, not even a term. */
  #refuse(hello: Hello): string | undefined {
    const { clusterId, nodeId, membership } = this.#identity;
    if (membership !== 'MEMBER') return `this server belongs to no group`;
    if (hello.clusterId !== clusterId) return `this is a member of the group ${clusterId}, not of ${hello.clusterId}`;
    if (hello.toId !== nodeId) return `this is ${nodeId}, not ${hello.toId}`;
    if (hello.fromId === nodeId) return `two servers have the identity ${nodeId}: one directory is a copy of the other`;
    if (hello.version > PROTOCOL_VERSION) return `protocol ${hello.version} is newer than ${PROTOCOL_VERSION}`;
    const known = this.#starts.get(hello.fromId)?.bootSeq ?? 0;
    if (hello.bootSeq < known) return `${hello.fromId} was here with a later start (${known}): its directory is a copy or was rolled back; wipe the directory and start it again, or stop it if the original runs`;
    return undefined;
  }

  /** What comes late from an earlier start of a peer, or from a copy of its directory: what it acknowledged may be gone. */
  #isSuperseded({ fromId, bootSeq, startId }: Hello): boolean {
    const current = this.#starts.get(fromId);
    return current !== undefined && (current.bootSeq !== bootSeq || current.startId !== startId);
  }

  #onPeerUp(hello: Hello): void {
    this.#heard.set(hello.fromId, hello.info);
    this.#connected.add(hello.fromId);
    const known = this.#starts.get(hello.fromId);
    this.#starts.set(hello.fromId, { bootSeq: hello.bootSeq, startId: hello.startId });
    if (known !== undefined && (known.bootSeq !== hello.bootSeq || known.startId !== hello.startId)) this.#driver?.node.peerRestarted(hello.fromId);
    const term = this.#driver?.node.view.term;
    if (hello.answered !== undefined && this.#driver?.node.remindedOfAnswer(hello.fromId, hello.answered) === true) {
      this.#log('error', `this server answered ${hello.info.rpcAddress} in term ${hello.answered.term}, and its own files end in term ${term}: its directory is an older copy, `
        + 'or its disk lost synced writes. It does not vote until the leader has brought it up to date');
    }
    if (hello.acknowledged !== undefined && this.#driver?.node.remindedOf(hello.acknowledged) === true) {
      this.#log('error', `this server acknowledged entry ${hello.acknowledged.index} to ${hello.info.rpcAddress}, and its log ends at ${this.#driver.node.view.lastIndex}: `
        + 'its directory is an older copy, or its disk lost synced writes. It does not vote until the leader has brought it up to date');
    }
    this.#setPeers();
    this.#driver?.wake();
  }

  #status(): GroupStatus {
    return groupStatus({
      enabled: this.#options.enabled, identity: this.#identity, info: this.#options.info, driver: this.#driver, writer: this.#writer,
      waitingFor: this.#waitingFor, leaderElsewhere: this.#search.leaderAddress, nowMs: this.#parts.clock.monotonicMs(), offlineMs: this.#options.electionTimeoutMs * 2,
      heard: this.#heard, connected: this.#connected, notes: this.#group?.notes ?? new Map<NodeId, string>(), gone: this.#group?.gone ?? new Map<NodeId, Gone>(),
      isStoreFull: this.#isStoreFull, snapshots: this.#snapshots.progress(this.nodeId),
    });
  }

  // ---- stop ----

  /** Leaves the group if told to, hands leadership over if somebody can take it, then closes everything. */
  async stop(timeoutMs: number, leave = false): Promise<StopOutcome> {
    if (this.#isStopped) return { left: false, reason: 'it is stopping already' };
    this.#isStopped = true;
    this.#beginning.stop();
    const driver = this.#driver;
    let outcome: StopOutcome = { left: false, reason: 'it was not told to' };
    if (driver !== undefined) {
      const deadlineMs = this.#parts.clock.monotonicMs() + timeoutMs;
      if (driver.node.transfer(undefined) === undefined) await this.#untilNotLeading(driver, timeoutMs);
      if (leave) outcome = await this.#leave(Math.max(0, deadlineMs - this.#parts.clock.monotonicMs()));
      driver.stop();
      this.#writer?.close();
      driver.store.close();
    }
    await this.#parts.transport.stop();
    this.#unlock?.();
    return outcome;
  }

  async #leave(timeoutMs: number): Promise<StopOutcome> {
    const deadlineMs = this.#parts.clock.monotonicMs() + timeoutMs;
    let reason: string | undefined = 'there was no time left';
    // The new leader may not have committed anything yet: it is asked again until the time is over.
    while (this.#parts.clock.monotonicMs() < deadlineMs) {
      reason = await this.#group!.leave(Math.max(1, deadlineMs - this.#parts.clock.monotonicMs()));
      if (reason === undefined || reason.startsWith('it is')) break;
      await pause(this.#timers, 50);
    }
    if (reason !== undefined) {
      this.#log('warn', `this server stops without having left the group: ${reason}`);
      return { left: false, reason };
    }
    this.#beginning.saveIdentity({ ...this.#identity, membership: 'REMOVED' });
    return { left: true, reason: '' };
  }

  async #untilNotLeading(driver: ConsensusDriver, timeoutMs: number): Promise<void> {
    driver.wake();
    const { clock } = this.#parts;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    while (driver.node.view.role === 'leader' && driver.node.view.isTransferring && clock.monotonicMs() < deadlineMs) {
      await pause(this.#timers, 5);
    }
  }
}

function removalOptions(options: ConsensusOptions): RemovalOptions | undefined {
  if (options.nodeOfflineMs === undefined) return undefined;
  return {
    offlineMs: options.nodeOfflineMs, removeMs: options.nodeRemoveMs ?? options.nodeOfflineMs * 2,
    minVoters: options.autoRemoveMinVoters ?? 2, electionTimeoutMs: options.electionTimeoutMs,
  };
}

function compactionOptions(options: ConsensusOptions): CompactionOptions {
  return {
    keepsEntries: options.logKeepsEntries ?? LOG_KEEPS_ENTRIES, intervalSeconds: options.snapshotIntervalSeconds ?? 0, firstTime: options.snapshotFirstTime ?? '',
    pinsLogBytes: options.snapshotPinsLogBytes ?? PINS_LOG_BYTES, isWitness: options.info.isWitness,
  };
}
