/**
 * One server: its threads and ports, wired, started and stopped in order.
 *
 *   start   writer thread (opens the store) → reader threads → consensus thread → HTTP, gRPC, Bolt. The ports are open while the
 *           group still forms, so that /livez, /readyz and /info/peers can say what it waits for.
 *   stop    no new requests → running ones end → leadership handed over → threads → store
 */
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort, Worker } from 'node:worker_threads';
import { Channel } from '../base/channel.ts';
import type { PortLike } from '../base/channel.ts';
import { certificateConcerns } from '../base/certificate-concerns.ts';
import { CertificateWatch } from '../base/certificates.ts';
import { systemClock } from '../base/clock.ts';
import { expectCache } from '../base/heap-watch.ts';
import { asDbError, DbError } from '../base/errors.ts';
import { systemRandom } from '../base/random.ts';
import { BoltServer } from '../bolt/bolt-server.ts';
import { BlockCache } from '../graph/block-source.ts';
import { StateReader } from '../graph/state-reader.ts';
import { ReaderLoads } from '../service/reader-crew.ts';
import { BOOTSTRAP_ROLES } from '../replica/start-checks.ts';
import type { ConsensusOptions } from '../replica/protocol.ts';
import { addressOf } from '../rpc/client-call.ts';
import { answerRelayed } from '../rpc/client-relay.ts';
import { ClientServer } from '../rpc/client-server.ts';
import { ClientService } from '../rpc/client-service.ts';
import { insecure } from '../rpc/raft-channel.ts';
import { clientTls } from '../rpc/peer-tls.ts';
import { RestServer } from '../rest/rest-server.ts';
import { CallingExecutor, readerExecutor, threadExecutor } from '../service/executors.ts';
import type { LoadedExecutor } from '../service/executors.ts';
import { InlineExecutor } from '../service/inline-executor.ts';
import { allProcedures } from './procedures.ts';
import { ReadHost } from '../service/read-host.ts';
import { addressRefused, Service } from '../service/service.ts';
import { plainAddress, traceIdOf } from '../service/origin.ts';
import { withoutSecrets } from '../base/redact.ts';
import type { WatchedStatement } from '../service/statement-watch.ts';
import { LIVE_OPTIONS } from '../service/live-config.ts';
import type { LiveName, LiveValues } from '../service/live-config.ts';
import { TaskRegistry } from '../service/tasks.ts';
import { VersionClocks } from '../storage/clocks.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { MemoryEngine } from '../storage/memory-engine.ts';
import { addressesOf, addressList, bearerOf } from './addresses.ts';
import { ThreadCopies } from './copies.ts';
import { ConsensusLink } from './consensus-link.ts';
import { allEncoders } from './encoders.ts';
import { answerForwarded, leaderExecutor, leaderStatus } from './forwarding.ts';
import { folderBytes } from './disk-space.ts';
import { AuditLog } from './audit-log.ts';
import { diagnostics } from './diagnostics.ts';
import { Upkeep } from './upkeep.ts';
import { discardLocalData } from './discard-data.ts';
import type { Log } from './log.ts';
import type { Config } from './options.ts';
import type { DerivedPages } from '../graph/warm-up.ts';
import { realFolder, settleStore, STORE } from './store-switch.ts';
import type { FreshState } from './state-transfer.ts';
import { blockCacheBytes, isWitness, writeBufferBytes } from './memory-plan.ts';
import type { ThreadName, ThreadStarter } from './thread-starter.ts';
import { portsBetween } from './threads.ts';
import type { ConsensusThreadData, ConsensusThreadMessage, CopyThreadData, ReaderThreadData, StatementThreadData, StoreOptions, WriterThreadData } from './threads.ts';
import { ScheduledBackups } from './scheduled-backups.ts';
import { openStorage } from '../data/backup/open-storage.ts';
import { PACKAGE_VERSION } from './package-version.ts';
import { reportThreadStats, ThreadStatsTable } from './thread-stats.ts';
import { csvFiles } from '../service/csv-files.ts';
import { prepareSpillFolder, spillFiles } from '../service/spill-files.ts';

const KB = 1024;
const MB = 1024 * KB;
/** It reads nearly everything once. */
const COPY_CACHE_BYTES = 16 * MB;
const INSTALL_AGAIN_MS = 5000;

export interface ServerEvents {
  /** It cannot go on, or (`isRefusal`) should not have been started like this. */
  fatal(message: string, isRefusal: boolean): void;
  /** A new store is ready beside the one in use: this server is to be stopped, the store replaced (store-switch.ts), and made anew. */
  newState(): void;
  /** The state store takes no writes until it is opened again with space on its disk: to be stopped and made anew then. */
  diskFull(message: string): void;
  /** Removed for its silence: to be stopped and made anew, so that it joins again. */
  rejoin(): void;
}

export class LgraphServer {
  readonly #config: Config;
  readonly #log: Log;
  readonly #threads: ThreadStarter;
  readonly #events: ServerEvents;
  readonly #clocks = new VersionClocks();
  /** Bytes that statements of all threads have in temporary files. */
  readonly #spilled = new SharedArrayBuffer(8);
  readonly #tasks: TaskRegistry;
  readonly #workers: Worker[] = [];
  readonly #threadStats: ThreadStatsTable;
  readonly #endStats: () => void;
  #engine: Engine | undefined;
  #reader: StateReader | undefined;
  #writer: Channel | undefined;
  #writerThread: Worker | undefined;
  #readers: Channel[] = [];
  readonly #readerLoads: ReaderLoads;
  #link: ConsensusLink | undefined;
  #rest: RestServer | undefined;
  #bolt: BoltServer | undefined;
  #rpc: ClientService | undefined;
  #rpcServer: ClientServer | undefined;
  #rpcTls: ReturnType<typeof clientTls> | undefined;
  /** Calls of gRPC clients that came to the consensus thread. */
  #rpcCalls: MessagePort | undefined;
  #certificates: CertificateWatch | undefined;
  #audit: AuditLog | undefined;
  #upkeep: Upkeep | undefined;
  #copies: ThreadCopies | undefined;
  #schedule: ScheduledBackups | undefined;
  #consensus: Worker | undefined;
  #stopping = false;
  #isInstalling = false;
  /** As it was told last, without its numbers. */
  #installProblem = '';
  service: Service | undefined;

  constructor(config: Config, log: Log, threads: ThreadStarter, events: ServerEvents) {
    this.#config = config;
    this.#threads = threads;
    this.#log = log;
    this.#events = events;
    this.#tasks = new TaskRegistry(config.max_running_statements);
    this.#readerLoads = new ReaderLoads(config.reader_threads);
    this.#threadStats = new ThreadStatsTable(4 + config.reader_threads);
    this.#endStats = reportThreadStats(this.#threadStats.add('main'));
  }

  get #store(): StoreOptions {
    return { location: join(this.#config.directory, STORE), cacheBytes: this.#config.store_cache_mb * MB, writeBufferBytes: writeBufferBytes(this.#threads.memory.budgetBytes) };
  }

  get #blockCacheBytes(): number {
    return blockCacheBytes(this.#config);
  }

  async start(): Promise<void> {
    this.#certificates = this.#watchCertificates();
    if (this.#isWitness) {
      await this.#startWitness();
      return;
    }
    prepareSpillFolder(this.#config.query_spill_dir);
    settleStore(realFolder(this.#config.directory));
    await discardLocalData(this.#config, addressesOf(this.#config).rpc, (line) => this.#log.warn(line));
    const { port1: writerSide, port2: consensusWriterSide } = new MessageChannel();
    const { port1: mainSide, port2: consensusMainSide } = new MessageChannel();
    const version = await this.#startWriter(writerSide);
    await this.#startReaders();
    this.#engine = await openLevelEngine(this.#store);
    this.#reader = new StateReader(this.#engine, this.#clocks, new BlockCache(this.#blockCacheBytes));
    expectCache(this.#blockCacheBytes, this.#reader.cache);
    const point = this.#reader.acquire();
    this.#startConsensus(mainSide, consensusMainSide, consensusWriterSide, version, point.checksum);
    this.#reader.release(point);
    this.service = this.#makeService();
    await this.#openPorts(this.service);
  }

  /** Consensus has found nothing that this server is to be refused for; where that takes another look at the others, or space on the disk, it waits. */
  get begun(): Promise<void> {
    return this.#link!.begun;
  }

  #watchCertificates(): CertificateWatch | undefined {
    const config = this.#config;
    if (!config.ssl_auth) return undefined;
    return new CertificateWatch({ cert: config.server_cert, key: config.server_key, ca: config.server_ca }, {
      intervalMs: config.tls_reload_s * 1000,
      onChange: (certificates) => {
        this.#rest?.useCertificates(certificates);
        this.#bolt?.useCertificates(certificates);
        this.#rpcTls?.use(certificates);
        this.#log.info('new certificates are in use for new connections');
      },
      onProblem: (message) => this.#log.error(message),
      concerns: (certificates) => certificateConcerns(certificates, bearerOf(config), systemClock.wallMs()),
      onConcern: (message) => this.#log.warn(`server_cert ${config.server_cert}: ${message}`),
    });
  }

  /** Looks at the certificate files now. */
  reloadCertificates(): void {
    this.#certificates?.reload();
    this.#consensus?.postMessage({ kind: 'reloadCertificates' } satisfies ConsensusThreadMessage);
  }

  get #isWitness(): boolean {
    return isWitness(this.#config);
  }

  /** A witness has no state: no store, and none of the threads that work on one. */
  async #startWitness(): Promise<void> {
    const { port1: writerSide, port2: consensusWriterSide } = new MessageChannel();
    const { port1: mainSide, port2: consensusMainSide } = new MessageChannel();
    writerSide.close();
    this.#engine = new MemoryEngine();
    this.#reader = new StateReader(this.#engine, this.#clocks, new BlockCache(MB));
    this.#startConsensus(mainSide, consensusMainSide, consensusWriterSide, 0, '');
    this.service = this.#makeService();
    await this.#openPorts(this.service);
  }

  // -------------------------------------------------------------- threads

  #worker(name: ThreadName, data: object, transferList: MessagePort[]): Worker {
    const worker = this.#threads.start(name, { data, stats: this.#threadStats.add(name.replace('-thread', '')) }, transferList);
    worker.on('error', (error) => this.#fatal(`the ${name} failed: ${error.message}`));
    worker.on('exit', () => {
      if (!this.#stopping) this.#fatal(`the ${name} ended unexpectedly`);
    });
    this.#workers.push(worker);
    return worker;
  }

  #fatal(message: string, isRefusal = false): void {
    if (this.#stopping) return;
    this.#events.fatal(message, isRefusal);
  }

  get #statementOptions(): StatementThreadData {
    const config = this.#config;
    return {
      fullText: { enabled: config.enable_fulltext_index, analyzer: config.fulltext_analyzer }, timeZone: TIME_ZONE, csvDirectory: config.load_csv_dir, csvLimits: { unpackedBytesMax: config.load_csv_unpacked_mb * MB, recordCharsMax: config.load_csv_record_chars, backslashQuotes: config.load_csv_backslash_quotes }, graphsMax: config.max_graphs, limits: { memoryBytes: config.query_memory_mb * MB, parallelRows: config.parallel_read_rows === 0 ? Infinity : config.parallel_read_rows, vectorSearchEffort: config.vector_search_effort / 100 },
      spill: { directory: config.query_spill_dir, statementBytesMax: config.query_spill_mb * MB, totalBytesMax: config.query_spill_total_mb * MB, used: this.#spilled },
    };
  }

  #startWriter(consensusPort: MessagePort): Promise<number> {
    const config = this.#config;
    const { port1, port2 } = new MessageChannel();
    const data: WriterThreadData = {
      store: this.#store, clocks: this.#clocks.buffer, killFlags: this.#tasks.buffer, blockCacheBytes: this.#blockCacheBytes,
      mainPort: port2, consensusPort, ...this.#statementOptions, adminPassword: config.admin_password === '' ? undefined : config.admin_password,
      uncommittedBytesMax: config.ha_max_uncommitted_bytes, entryBytesMax: config.max_entry_bytes, blocksReadMax: config.max_transaction_reads, compactDeletes: config.store_compact_deletes, syncIntervalMs: config.store_sync_interval_ms, commitAnswerFreeBytes: config.commit_answer_free_mb * MB, commitAnswerUnwrittenBytes: config.commit_answer_unwritten_kb * KB,
      resultBytesMax: config.max_result_bytes, transactionIdleMs: config.transaction_idle_ms, transactionTotalMs: config.transaction_total_ms,
      transactionsMax: config.max_open_transactions, idempotencyKeptMs: config.idempotency_kept_s * 1000,
    };
    const worker = this.#worker('writer-thread', data, [port2, consensusPort]);
    this.#writerThread = worker;
    return new Promise((resolve, reject) => {
      worker.once('error', reject);
      this.#writer = new Channel(port1 as unknown as PortLike, {
        ready: (version: number) => resolve(version),
        role: (leading: boolean) => this.#link?.setOpen(leading),
        fatal: (message: string) => this.#fatal(message),
        warn: (message: string) => this.#log.warn(message),
        diskFull: (message: string) => {
          this.#link?.reportStoreFull();
          this.#events.diskFull(message);
        },
      });
    });
  }

  async #startReaders(): Promise<void> {
    const ports = portsBetween(this.#config.reader_threads);
    for (let i = 0; i < this.#config.reader_threads; i++) {
      const { port1, port2 } = new MessageChannel();
      const data: ReaderThreadData = {
        store: this.#store, clocks: this.#clocks.buffer, killFlags: this.#tasks.buffer, blockCacheBytes: this.#blockCacheBytes,
        mainPort: port2, readsAhead: this.#config.read_ahead && i === 0, diskReserveBytes: this.#config.disk_reserve_mb * MB, own: i, loads: this.#readerLoads.buffer, crewPorts: ports[i]!, ...this.#statementOptions,
      };
      this.#worker('reader-thread', data, [port2, ...ports[i]!.filter((port) => port !== undefined)]);
      this.#readers.push(new Channel(port1 as unknown as PortLike, { made: (pages: DerivedPages) => this.#adopt(pages, i) }));
    }
  }

  #startCopies(): PortLike {
    const { port1, port2 } = new MessageChannel();
    const { backup_idle_s: idleSeconds, backups_max: heldMax } = this.#config;
    const data: CopyThreadData = { store: this.#store, clocks: this.#clocks.buffer, blockCacheBytes: COPY_CACHE_BYTES, mainPort: port2, idleMs: idleSeconds * 1000, heldMax };
    this.#worker('copy-thread', data, [port2]);
    return port1 as unknown as PortLike;
  }

  /** What one reader has derived from the graph serves all threads. */
  #adopt(pages: DerivedPages, from: number): void {
    this.#reader?.cache.adopt(pages, this.#clocks);
    for (const [i, reader] of this.#readers.entries()) if (i !== from) void reader.call('adopt', pages).catch(() => undefined);
  }

  #startConsensus(mainSide: MessagePort, consensusMainSide: MessagePort, writerPort: MessagePort, appliedIndex: number, stateChecksum: string): void {
    const log = this.#log;
    this.#link = new ConsensusLink(mainSide, {
      log: (level, message, fields) => log[level]({ ...fields }, message),
      fatal: (message, isRefusal) => this.#fatal(message, isRefusal),
      rejoin: () => this.#events.rejoin(),
      exportState: (path) => this.#readers[0]!.call('exportState', path),
      installState: (state) => void this.#install(state),
      call: (bytes) => this.#answerCall(bytes),
    });
    const options = this.#consensusOptions(appliedIndex, stateChecksum);
    const { ssl_auth: tls, ha_tls: groupTls, server_cert: cert, server_key: key, server_ca: ca, tls_reload_s: reloadSeconds } = this.#config;
    const { port1: rpcCalls, port2: clientPort } = new MessageChannel();
    this.#rpcCalls = rpcCalls;
    const data: ConsensusThreadData = {
      options, writerPort, mainPort: consensusMainSide, clientPort, tls: tls && groupTls && options.enabled ? { files: { cert, key, ca }, reloadMs: reloadSeconds * 1000 } : undefined,
    };
    this.#consensus = this.#worker('consensus-thread', data, [writerPort, consensusMainSide, clientPort]);
  }

  /** Fills a new store while the old one still serves reads; then everything is started again on it. */
  async #install({ path, index, sha256 }: FreshState): Promise<void> {
    if (this.#isInstalling) return;
    this.#isInstalling = true;
    try {
      await this.#readers.at(-1)!.call('fillFreshStore', { directory: this.#config.directory, state: { path, index, sha256 } });
      this.#log.info(`a state at version ${index} came from the leader; starting again with it`);
      this.#events.newState();
    } catch (error) {
      const { code, message } = asDbError(error);
      const told = message.replaceAll(/\d+/g, '');
      if (told !== this.#installProblem) this.#log.error(`the state from the leader is not installed yet: ${message}`);
      this.#installProblem = told;
      this.#isInstalling = false;
      // Bad for good: thrown away, and asked for again. Anything else (a full disk) may pass.
      if (code === 'Corrupted') this.#link!.refuseState(index);
      else if (!this.#stopping) setTimeout(() => void this.#install({ path, index, sha256 }), INSTALL_AGAIN_MS).unref();
    }
  }

  #consensusOptions(appliedIndex: number, stateChecksum: string): ConsensusOptions {
    const config = this.#config;
    const addresses = addressesOf(config);
    return {
      enabled: config.enable_ha, logDirectory: config.ha_log_dir, storeDirectory: config.directory, diskReserveBytes: config.disk_reserve_mb * MB, listenHost: config.host, rpcPort: config.rpc_port,
      info: { rpcAddress: addresses.rpc, restAddress: addresses.rest, boltAddress: addresses.bolt, isWitness: config.ha_is_witness, serverVersion: PACKAGE_VERSION },
      initialAddresses: addressList(config.ha_conf),
      electionTimeoutMs: config.ha_election_timeout_ms, heartbeatMs: config.ha_raft_heartbeat_ms, durable: config.durable,
      secret: config.ha_secret === '' ? undefined : config.ha_secret, formOnMajority: config.ha_form_on_majority,
      joinGroupSeconds: config.ha_node_join_group_s, appliedIndex, stateChecksum, maxInflightBytes: config.ha_max_inflight_bytes,
      maxUncommittedBytes: config.ha_max_uncommitted_bytes, maxEntryBytes: config.max_entry_bytes, leaseReads: config.ha_lease_reads, commitNoticeMs: config.ha_commit_notice_ms,
      stateTransfer: true, logKeepsEntries: config.ha_log_keeps_entries, snapshotIntervalSeconds: config.ha_snapshot_interval_s,
      snapshotFirstTime: config.ha_first_snapshot_start_time, snapshotBytesPerSecond: config.ha_snapshot_rate_mb_s * 1e6, snapshotBusyPercent: config.ha_snapshot_busy_percent,
      snapshotPinsLogBytes: config.ha_snapshot_pins_log_mb * MB, newServerLogBytes: config.ha_new_server_log_mb * MB, logSegmentBytes: config.ha_log_segment_mb * MB, maxMessageBytes: config.ha_max_message_bytes, compressBytesMin: config.ha_compress_min_bytes,
      nodeOfflineMs: config.ha_node_offline_ms, nodeRemoveMs: config.ha_node_remove_ms, autoRemoveMinVoters: config.ha_auto_remove_min_voters,
      bootstrapRole: BOOTSTRAP_ROLES[config.ha_bootstrap_role]!, witnessMayLead: config.ha_enable_witness_to_leader,
    };
  }

  #writerExecutor(): LoadedExecutor {
    return this.#writer === undefined ? new CallingExecutor(() => Promise.reject(new DbError('NotLeader', 'a witness runs no statements'))) : threadExecutor(this.#writer);
  }

  #answerCall(bytes: Uint8Array): Promise<Uint8Array> {
    return answerForwarded(this.#writerExecutor(), this.#link!, this.#tasks)(bytes);
  }

  // -------------------------------------------------------------- service and ports

  #makeService(): Service {
    const config = this.#config;
    const procedures = allProcedures();
    const host = new ReadHost(this.#reader!, {
      procedures, encoders: allEncoders(), killFlags: new Int32Array(this.#tasks.buffer), random: systemRandom,
      wallMs: () => systemClock.wallMs(), timeZone: TIME_ZONE, csv: csvFiles(config.load_csv_dir, this.#statementOptions.csvLimits), spill: spillFiles(this.#statementOptions.spill),
      limits: this.#statementOptions.limits, fullText: this.#statementOptions.fullText,
    });
    const readers = this.#readers.map((channel, i) => readerExecutor(channel, this.#readerLoads, i));
    const readersLoad = (): number => readers.reduce((least, { load }) => Math.min(least, load), Infinity);
    return new Service({
      reader: this.#reader!, inline: new InlineExecutor(host, { rows: config.inline_read_rows, ms: config.inline_read_ms }, readersLoad, systemClock), readers,
      writer: this.#writerExecutor(), leader: leaderExecutor(this.#link!), group: this.#link!, leaderStatus: () => leaderStatus(this.#link!), tasks: this.#tasks, procedures,
      copies: this.#copies = new ThreadCopies({ group: this.#link!, isWitness: this.#isWitness, start: () => this.#startCopies(), onNote: (line) => this.#log.info(`backup: ${line}`) }),
      limits: {
        versionWaitMs: config.version_wait_ms, leaderWaitMs: config.leader_wait_ms, boundedStalenessMs: config.bounded_staleness_ms,
        loginAddressFailuresMax: config.login_address_failures_max, listBytesMax: config.http_list_max_bytes,
      },
      live: Object.fromEntries(LIVE_NAMES.map((name) => [name, config[name]])) as unknown as LiveValues, ownAddresses: [config.host, config.advertised_host].filter((one) => one !== ''),
      forcePasswordChange: config.force_password_change,
      clock: systemClock, redirectWrites: config.ha_redirect_writes, disableAuth: config.disable_auth, isWitness: this.#isWitness, serverVersion: PACKAGE_VERSION,
      config: listedConfig(config),
    });
  }

  async #openPorts(service: Service): Promise<void> {
    const config = this.#config;
    this.#watchStatements(service);
    this.#scheduleBackups();
    this.#rest = new RestServer(service, {
      host: config.host, port: config.port, bodyBytesMax: config.max_request_bytes, resultBytesMax: config.max_result_bytes, corsOrigins: config.http_cors_origins, gzipBytesMin: config.http_gzip_min_bytes, enableHa: config.enable_ha, webFolder: config.web,
      connectionsMax: config.max_connections, requestTimeoutMs: config.http_request_timeout_ms, auditLog: this.#audit, tls: this.#certificates?.current, ...(config.enable_metrics ? { metrics: { text: () => this.#metrics(service), token: config.metrics_token } } : {}),
    });
    await this.#rest.start();
    this.#log.info(`Listening for REST on port ${config.port}`);
    await this.#openRpc(service);
    if (config.bolt_port === 0) return;
    this.#bolt = new BoltServer(service, {
      host: config.host, port: config.bolt_port, messageBytesMax: config.bolt_message_max_bytes,
      authTimeoutMs: config.bolt_auth_timeout_ms, writeTimeoutMs: config.bolt_write_timeout_ms, connectionsMax: config.max_connections, log: (message) => this.#log.debug(message),
      mayConnect: (address) => {
        const may = service.mayConnect(address);
        if (!may) service.events.note('refused', '', { protocol: 'bolt', address: plainAddress(address) }, 'connection', addressRefused(address));
        return may;
      },
      tls: config.bolt_tls === 'off' ? undefined : this.#certificates?.current, tlsRequired: config.bolt_tls === 'required',
    });
    await this.#bolt.start();
    this.#rest.giveWebSockets(service, (request, socket, head) => this.#bolt!.upgrade(request, socket, head));
    this.#log.info(`Listening for Bolt on port ${config.bolt_port}`);
  }

  #scheduleBackups(): void {
    const { backup_dir: place, backup_interval_s: seconds, backup_full_every: fullEvery, backup_keep: keep, backup_server: named, backup_s3_part_mb: partMb, backup_s3_parallel: parallel } = this.#config;
    if (place === '' || this.#isWitness) return;
    const isOurs = () => (named === '' ? this.#link!.isLeader : named === addressesOf(this.#config).rpc);
    const upload = { partBytes: partMb * MB, parallel };
    const round = () => this.#copies!.round(place, { intervalMs: seconds * 1000, fullEvery, keep, upload });
    // Opened here as well: what is wrong with the place is said at the start.
    this.#schedule = new ScheduledBackups({ place: openStorage(place).place, round, isOurs, log: this.#log, nowMs: () => systemClock.wallMs() });
  }

  /** In a group the consensus thread has the port already; its calls of clients come over `#rpcCalls`. */
  async #openRpc(service: Service): Promise<void> {
    const config = this.#config;
    this.#rpc = new ClientService(service, { requestBytesMax: config.max_request_bytes, callsMax: config.max_connections, transactionIdleMs: config.transaction_idle_ms, transactionsMax: config.max_open_transactions });
    if (config.enable_ha) {
      answerRelayed(this.#rpcCalls!, this.#rpc.serve);
      return;
    }
    if (!config.enable_rpc) return;
    this.#rpcTls = this.#certificates === undefined ? undefined : clientTls(this.#certificates.current);
    this.#rpcServer = new ClientServer(this.#rpc.serve, {
      host: config.host, port: config.rpc_port, messageBytesMax: config.max_request_bytes + MB, credentials: this.#rpcTls?.server ?? insecure.server,
      mayAsk: (peer) => service.mayConnect(addressOf(peer)),
    });
    await this.#rpcServer.start();
    this.#log.info(`Listening for gRPC on port ${config.rpc_port}`);
  }

  /** Audit log, slow statements, and what follows the options that change while this server runs. */
  #watchStatements(service: Service): void {
    const config = this.#config;
    const audit = new AuditLog({
      directory: config.audit_log_dir, fileBytesMax: config.audit_log_file_mb * MB, server: addressesOf(config).rpc, nowMs: () => systemClock.wallMs(),
      isOn: () => service.live.enable_audit_log, expireHours: () => service.live.audit_log_expire, onProblem: (message) => this.#log.error(message),
    });
    this.#audit = audit;
    service.watch.listen((statement, tookMs, error) => {
      audit.statement(statement, tookMs, error);
      const slowMs = service.live.slow_query_ms;
      if (slowMs > 0 && tookMs >= slowMs) this.#log.warn(slowFacts(statement, tookMs, error?.code), 'slow statement');
    });
    service.events.listen((event) => {
      audit.event(event);
      if (event.error !== undefined) this.#log.info({ event: event.kind, user: event.user, address: event.origin.address, protocol: event.origin.protocol, code: event.error.code }, 'refused');
    });
    this.#upkeep = new Upkeep({
      log: this.#log, verbose: () => service.live.verbose, factoryPasswords: () => service.factoryPasswords, allowedHosts: () => service.allowedHosts,
      members: async () => [...addressList(config.ha_conf), ...(await service.status()).peers.map((peer) => peer.rpcAddress)],
      allowOnRpc: (addresses) => this.#consensus?.postMessage({ kind: 'allow', addresses } satisfies ConsensusThreadMessage),
    });
  }

  /** Writes to the log what this server is doing. */
  async diagnose(): Promise<void> {
    const waiting = Object.fromEntries([['writer', this.#writer], ...this.#readers.map((reader, i) => [`reader ${i + 1}`, reader])].map(([name, channel]) => [name, (channel as Channel | undefined)?.inFlight ?? 0]));
    const facts = diagnostics({
      service: this.service, threads: this.#threadStats, waiting, status: await within(this.service?.status(), ANSWER_MS),
      connections: { rest: this.#rest?.connectionCount ?? 0, bolt: this.#bolt?.connectionCount ?? 0 },
    });
    this.#log.error({ diagnostics: facts }, 'Received signal SIGQUIT: what this server is doing');
  }

  async #metrics(service: Service): Promise<string> {
    // Loaded when it is asked for, as a start has no time for it.
    const { metricsText } = await import('./metrics.ts');
    return metricsText({
      service, threads: this.#threadStats, directory: this.#config.directory,
      connections: () => ({ rest: this.#rest?.connectionCount ?? 0, bolt: this.#bolt?.connectionCount ?? 0 }),
      rpcCalls: () => ({ running: this.#rpc?.callCount ?? 0, ended: this.#rpc?.endedCalls ?? [] }),
      cacheBytes: () => this.#cacheBytes(), memoryLeftBytes: () => this.#threads.memory.leftBytes, readsHelped: () => this.#readerLoads.helped, storeBytes: () => this.#storeBytes(),
      securityCounts: () => service.events.counts, backups: this.#schedule?.state,
    });
  }

  /** A thread that is too busy to answer at once is left out, rather than a scrape held up. */
  async #cacheBytes(): Promise<Record<string, number>> {
    const bytes: Record<string, number> = { main: this.#reader?.cache.bytes ?? 0 };
    const ask = async (name: string, channel: Channel | undefined) => {
      const answer = await within(channel?.call<number>('cacheBytes', undefined), ANSWER_MS);
      if (answer !== undefined) bytes[name] = answer;
    };
    await Promise.all([ask('writer', this.#writer), ...this.#readers.map((reader, i) => ask(i === 0 ? 'reader' : `reader ${i + 1}`, reader))]);
    return bytes;
  }

  async #storeBytes(): Promise<Record<string, number>> {
    const [state, log] = await Promise.all([folderBytes(this.#store.location), folderBytes(this.#config.ha_log_dir)]);
    return { state, log };
  }

  // -------------------------------------------------------------- stop

  /**
   * Ends the threads that only read, also one that does not stop by itself. LevelDB's cache belongs to the handle that opened the store, the
   * writer's, and goes with it: whoever still read then would bring the process down.
   */
  async endReaders(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#workers.filter((worker) => worker !== this.#writerThread && worker !== this.#consensus).map((worker) => worker.terminate()));
  }

  /**
   * Ends gracefully within the time: running requests end, leadership is handed over, everything is on disk. `leave`: this
   * server also leaves its group for good, if the rest can go on without it.
   */
  async stop(leave: boolean): Promise<void> {
    const deadline = systemClock.monotonicMs() + this.#config.shutdown_timeout_s * 1000;
    const rest = () => Math.max(100, deadline - systemClock.monotonicMs());
    this.#stopping = true;
    // What looks at the state now and then must not meet a closed store.
    this.#upkeep?.stop();
    this.#schedule?.stop();
    await Promise.allSettled([this.#rest?.drain(), this.#bolt?.drain(), this.#rpc?.drain()]);
    while (this.#tasks.size + (this.#bolt?.loginsUnderWay ?? 0) > 0 && rest() > 2000) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#tasks.killAll();
    if (this.#config.enable_ha && this.#link?.isLeader === true) {
      await this.#link.transferLeader(undefined, Math.min(3000, rest())).catch((error: Error) => this.#log.warn(`leadership was not handed over: ${error.message}`));
    }
    await within(this.#rpc?.stop(), rest());
    await within(this.#writer?.call('drain', Math.min(2000, rest())), rest());
    await within(this.#link?.stop(rest(), leave).then((left) => this.#log.info(left)), rest());
    await Promise.allSettled([this.#rest?.stop(), this.#bolt?.stop(), this.#rpcServer?.stop()]);
    await Promise.allSettled([...this.#readers.map((channel) => within(channel.call('stop', undefined), rest())), within(this.#copies?.stop(), rest())]);
    await this.endReaders();
    await this.#reader?.close();
    await this.#engine?.close();
    await within(this.#writer?.call('stop', undefined), rest());
    this.#link?.close();
    this.#rpcCalls?.close();
    await Promise.allSettled(this.#workers.map((worker) => worker.terminate()));
    this.#endStats();
    this.#certificates?.stop();
    this.#audit?.close();
  }
}

/** The result, or nothing after the time: stopping goes on whatever one part does. */
async function within<T>(work: Promise<T> | undefined, timeoutMs: number): Promise<T | undefined> {
  if (work === undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  const result = await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
  return result;
}

function slowFacts(statement: WatchedStatement, tookMs: number, code: string | undefined): object {
  const { text, parameters, graph, user, kind, origin, traceparent } = statement;
  return {
    ms: Math.round(tookMs), statement: withoutSecrets(text, parameters).slice(0, SLOW_TEXT_MAX), graph, user, kind, protocol: origin.protocol, address: origin.address,
    ...(code === undefined ? {} : { code }), ...(traceparent === undefined ? {} : { trace_id: traceIdOf(traceparent) }),
  };
}

const SLOW_TEXT_MAX = 4096;
const LIVE_NAMES = Object.keys(LIVE_OPTIONS) as LiveName[];
const TIME_ZONE = 'Z';
/** How long /metrics waits for a thread. */
const ANSWER_MS = 250;

/** What `dbms.config.list()` shows, under TuGraph's names; the browser's two are what its web page needs. */
function listedConfig(config: Config): [string, string | number | boolean][] {
  const ha: [string, string | number | boolean][] = config.enable_ha
    ? ([
      'ha_conf', 'ha_log_dir', 'ha_election_timeout_ms', 'ha_snapshot_interval_s', 'ha_heartbeat_interval_ms', 'ha_node_offline_ms',
      'ha_node_remove_ms', 'ha_node_join_group_s', 'ha_bootstrap_role', 'ha_is_witness',
    ] as const).map((name) => [name, config[name]])
    : [];
  return [
    ['bind_host', config.host], ['port', config.port], ['rpc_port', config.rpc_port], ['bolt_port', config.bolt_port], ['enable_ha', config.enable_ha],
    ['enable_rpc', config.enable_rpc || config.enable_ha], ['durable', config.durable], ['disable_auth', config.disable_auth], ['enable_ssl', config.ssl_auth],
    ['enable_backup_log', false], ['enable_fulltext_index', config.enable_fulltext_index], ['fulltext_analyzer', config.fulltext_analyzer], ['optimistic_txn', true],
    ['subprocess_max_idle_seconds', 0], ['thread_limit', config.reader_threads],
    ['browser.credential_timeout', Math.min(3600, config.token_life_s === 0 ? 3600 : config.token_life_s)], ['browser.retain_connection_credentials', true],
    ...LIVE_NAMES.map((name): [string, number | boolean] => [name, config[name]]), ...ha,
  ];
}
