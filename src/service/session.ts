/** One client's work: statements on their own, and transactions. Protocols hold one per request or connection. */
import { randomUUID } from 'node:crypto';
import { asDbError, DbError } from '../base/errors.ts';
import { prepare } from '../cypher/engine.ts';
import type { PreparedQuery } from '../cypher/engine.ts';
import type { SystemState } from '../graph/system.ts';
import type { CypherMap } from '../value/value.ts';
import { DeferredTransaction } from './deferred-transaction.ts';
import { portable } from './parameters.ts';
import type { BeginReply, GroupFacts, LocalRequest, Principal, QuerySummary, RowsPart, RunReply, RunRequest } from './api.ts';
import { DEFAULT_GRAPH } from '../auth/first-start.ts';
import { hasLostRights, rightsLost } from './access.ts';
import { OWN_KEY_PREFIX } from './idempotency-key.ts';
import type { Executor } from './executors.ts';
import type { ReadMode } from './read-index.ts';
import type { Service } from './service.ts';
import type { StatementKind } from './statement-watch.ts';
import type { Task } from './tasks.ts';

/** What a client may say of a statement and of a transaction alike. */
interface WorkOptions {
  readonly graph?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Serve only from a state at least this new (the client's data version or bookmark). */
  readonly minVersion?: number | undefined;
  /** How long to wait for that version. */
  readonly versionWaitMs?: number | undefined;
  readonly readMode?: ReadMode | undefined;
  readonly idempotencyKey?: string | undefined;
}

export interface RunOptions extends WorkOptions {
  readonly parameters?: CypherMap | undefined;
  readonly encoding: string;
  readonly firstRows: number;
  /** Refuse a statement that writes (a read transaction, a read-only endpoint). */
  readonly readOnly?: boolean | undefined;
  readonly summaryRow?: boolean | undefined;
  /** Told the statement's task id before it runs, so that the client can have it killed. */
  readonly onTask?: ((taskId: string) => void) | undefined;
  /** W3C trace context of the client, for the logs. */
  readonly traceparent?: string | undefined;
}

/** A result being pulled. `next` until a part has a summary, or `discard`. */
export class ResultStream {
  readonly columns: readonly string[];
  readonly type: RunReply['type'];
  #version: number;
  #first: RowsPart | undefined;
  readonly #execution: number;
  readonly #executor: Executor;
  readonly #onEnd: (error?: unknown) => void;
  #ended = false;
  summary: QuerySummary | undefined;

  constructor(reply: RunReply, executor: Executor, onEnd: (error?: unknown) => void) {
    this.columns = reply.columns;
    this.type = reply.type;
    this.#version = reply.version;
    this.#first = reply;
    this.#execution = reply.execution;
    this.#executor = executor;
    this.#onEnd = onEnd;
  }

  get version(): number {
    return this.#version;
  }

  /** About `rows` more rows (a kept part may hold more); with the summary when they are the last. At once, where they are here. */
  next(rows: number): RowsPart | Promise<RowsPart> {
    const part = this.#first;
    this.#first = undefined;
    return part === undefined || (part.count === 0 && part.summary === undefined) ? this.#pull(rows) : this.#taken(part);
  }

  async #pull(rows: number): Promise<RowsPart> {
    try {
      return this.#taken(await this.#executor.pull({ execution: this.#execution, rows }));
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  #taken(part: RowsPart): RowsPart {
    if (part.summary !== undefined) {
      this.summary = part.summary;
      this.#version = Math.max(this.#version, part.summary.version);
      this.#end();
    }
    return part;
  }

  discard(): void {
    if (this.#ended) return;
    if (this.#execution !== 0) this.#executor.discard(this.#execution);
    this.#end();
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(error);
  }
}

export class Session {
  readonly service: Service;
  readonly principal: Principal;

  constructor(service: Service, principal: Principal) {
    this.service = service;
    this.principal = principal;
  }

  /** Parses and classifies a statement against this server's newest catalog. */
  prepare(text: string, graph: string): PreparedQuery {
    const { reader, procedures } = this.service.options;
    this.service.checkStanding(reader.system, this.principal, text);
    return prepare(text, { catalog: reader.catalog(graph), procedures });
  }

  run(text: string, options: RunOptions): Promise<ResultStream> {
    return this.statement(text, graphOf(options.graph), options, (graph) => {
      const query = this.prepareHereOrLater(text, graph);
      if (options.readOnly === true && changesData(query)) {
        throw new DbError('AccessMode', 'this statement writes, but a read was asked for', { hint: 'use a write transaction' });
      }
      return query;
    }, (request, end, query) => (changesData(query) ? this.#write(request, end) : this.#read(request, options, end)));
  }

  /** One statement from its arrival to its last row or its error: watched, and, once it is understood, a task that can be killed. */
  async statement(
    text: string, graph: string, options: RunOptions, understand: (graph: string) => PreparedQuery | undefined,
    work: (request: LocalRequest, end: (error?: unknown) => void, query: PreparedQuery | undefined) => Promise<ResultStream>,
  ): Promise<ResultStream> {
    const { watch: watches, options: { tasks } } = this.service;
    const watch = watches.begin(this.principal, text, graph, options);
    let task: Task | undefined;
    const end = (error?: unknown): void => {
      if (task !== undefined) tasks.end(task);
      watch.end(error);
    };
    try {
      const query = understand(graph);
      watch.kind = kindOf(query);
      task = tasks.start(text, this.principal.user, query?.graph ?? graph);
      options.onTask?.(task.id);
      const group = MAY_ASK_ABOUT_GROUP.test(text) ? await this.service.groupFacts() : undefined;
      return await work(this.#request(text, graph, options, task, group), end, query);
    } catch (error) {
      end(error);
      throw error;
    }
  }

  /** Whether the statement needs the leader. */
  writes(text: string, graph: string | undefined): boolean {
    return changesData(this.prepare(text, graphOf(graph)));
  }

  /** A write transaction that costs the leader nothing until it writes. */
  beginDeferred(options: BeginOptions): DeferredTransaction {
    return new DeferredTransaction(this, options, this.service.eagerTexts);
  }

  /** A graph this server does not know yet may exist at the version the client has seen: then the read finds out. */
  private prepareHereOrLater(text: string, graph: string): PreparedQuery | undefined {
    try {
      return this.prepare(text, graph);
    } catch (error) {
      if (asDbError(error).code === 'GraphNotFound') return this.prepare(text, DEFAULT_GRAPH);
      throw error;
    }
  }

  #request(text: string, graph: string, options: RunOptions, task: Task, group: GroupFacts | undefined): LocalRequest {
    return {
      graph, text, parameters: options.parameters ?? NO_PARAMETERS, encoding: options.encoding, firstRows: options.firstRows,
      user: this.principal.user, tokenIssuedMs: this.principal.tokenIssuedMs, timeoutMs: options.timeoutMs ?? this.service.live.statement_timeout_ms, killSlot: task.slot,
      minVersion: options.minVersion ?? 0, idempotencyKey: options.idempotencyKey, summaryRow: options.summaryRow === true, group,
    };
  }

  // -------------------------------------------------------------- reads

  async #read(request: LocalRequest, options: RunOptions, end: (error?: unknown) => void): Promise<ResultStream> {
    const { service } = this;
    const { reader: state } = service.options;
    const seen = Math.max(request.minVersion, state.answeredVersion);
    const version = options.readMode === undefined ? seen : Math.max(seen, await service.readIndexes.versionFor(options.readMode));
    if (version > state.publishedVersion) await service.waitForVersion(version, { waitMs: options.versionWaitMs, timeoutMs: request.timeoutMs, killSlot: request.killSlot });
    const { inline } = service.options;
    const reply = inline.tryRun(request, this);
    if (reply !== undefined) return new ResultStream(reply, inline, end);
    const reader = service.chooseReader();
    if (reader === undefined) throw new DbError('Internal', 'there is no reader thread');
    return new ResultStream(await reader.run(portable(request)), reader, end);
  }

  // -------------------------------------------------------------- writes

  async #write(given: LocalRequest, end: (error?: unknown) => void): Promise<ResultStream> {
    const request = portable(given);
    // Forwarded, a broken connection would leave the outcome open; under a key of our own it can be asked for again.
    let keyed: RunRequest | undefined;
    const underOneKey = (): RunRequest => keyed ??= { ...request, idempotencyKey: request.idempotencyKey ?? `${OWN_KEY_PREFIX}${randomUUID()}` };
    // Once it was sent under that key, every later try is under it too, also when this server has become the leader.
    let underKey = request.idempotencyKey !== undefined;
    return this.onLeader(async (executor) => {
      underKey ||= executor !== this.service.options.writer;
      return new ResultStream(await executor.run(underKey ? underOneKey() : request), executor, end);
    }, () => underKey);
  }

  /**
   * Does something on the leader, here or over there. What was surely not done because leadership is moving is tried again
   * until the time for waiting is up. An unknown outcome is tried again only where `repeatable` says that a key makes that
   * safe; else it is the client's to judge. Once something was tried under a key, all later tries are under it too.
   */
  async onLeader<T>(work: (executor: Executor) => Promise<T>, repeatable: () => boolean = () => false): Promise<T> {
    const { group, writer, leader, limits, clock, redirectWrites } = this.service.options;
    let deadline = clock.monotonicMs() + limits.leaderWaitMs;
    const fullUntil = clock.monotonicMs() + Math.min(limits.leaderWaitMs, FULL_DISK_WAIT_MS);
    // An attempt whose outcome is open stays so, however surely the later ones were not made.
    let inDoubt: DbError | undefined;
    // Of a group whose disks are all full the lead may be on its way round: that is not what ails it.
    let full: DbError | undefined;
    for (;;) {
      const executor = group.isLeader ? writer : leader;
      try {
        if (executor === leader && group.leader !== undefined && redirectWrites) throw this.#redirect();
        if (executor === writer || group.leader !== undefined) return await work(executor);
      } catch (thrown) {
        const error = asDbError(thrown);
        const isOpen = error.code === 'OutcomeUnknown';
        // It may have run, or its server have been silent, for longer than a write waits for a leader: that begins now.
        if (isOpen && inDoubt === undefined) deadline = clock.monotonicMs() + limits.leaderWaitMs;
        const until = isOpen ? (repeatable() ? deadline : 0) : error.code === 'ReadOnlyDisk' ? fullUntil : isSurelyNotDone(error, executor === leader) ? deadline : 0;
        if (isOpen) inDoubt = error;
        if (error.code === 'ReadOnlyDisk') full = error;
        if (clock.monotonicMs() >= until) throw until === 0 ? error : inDoubt ?? full ?? this.#explained(error);
      }
      const rest = deadline - clock.monotonicMs();
      if (rest <= 0) throw inDoubt ?? full ?? this.#noLeader();
      await group.leaderChange(Math.min(rest, 50));
    }
  }

  /** A leader that lacks what the client has seen to the end: nobody here has it, and the answer is that of a read. */
  #explained(error: DbError): DbError {
    return error.code === 'VersionNotReached' ? this.service.versionNotReached(Number(error.facts.asked_version)) : error;
  }

  #redirect(): DbError {
    const { leader } = this.service.options.group;
    return new DbError('NotLeader', 'Request can only be served in leader node.', {
      facts: { location: leader?.restAddress ?? '', bolt_location: leader?.boltAddress ?? '', redirect: 1 },
      hint: `the leader is ${leader?.restAddress ?? 'unknown'}`,
    });
  }

  #noLeader(): DbError {
    return new DbError('NoLeader', 'the group has no leader at the moment; the write was not made', {
      hint: 'try again shortly; GET /info/peers shows the group',
    });
  }

  // -------------------------------------------------------------- transactions

  async begin(options: BeginOptions): Promise<SessionTransaction> {
    const { service } = this;
    const begunIn = service.options.reader.system;
    const request = { user: this.principal.user, timeoutMs: options.timeoutMs ?? 0, minVersion: options.minVersion ?? 0, killSlot: -1 };
    if (options.mode === 'read') {
      const version = Math.max(request.minVersion, service.options.reader.answeredVersion, await service.readIndexes.versionFor(options.readMode));
      await service.waitForVersion(version, { waitMs: options.versionWaitMs });
      const reader = service.chooseReader();
      if (reader === undefined) throw new DbError('Internal', 'there is no reader thread');
      const transaction = service.nextReadTransaction();
      const beginning = reader.begin({ ...request, transaction });
      if (options.runsAtOnce === true) return new SessionTransaction(this, reader, { transaction, version, beginning }, options, begunIn);
      return new SessionTransaction(this, reader, await beginning, options, begunIn);
    }
    const keyed = options.answersRepetition === true ? { ...request, idempotencyKey: options.idempotencyKey, digest: options.digest } : request;
    return this.onLeader(async (executor) => new SessionTransaction(this, executor, await executor.begin(keyed), options, begunIn));
  }
}

export interface BeginOptions extends WorkOptions {
  readonly mode: 'read' | 'write';
  /** Where it was done before under the same key, nothing is begun, and `repeated` is what it was answered with. Otherwise a repetition is noticed when it commits. */
  readonly answersRepetition?: boolean | undefined;
  /** Of the whole request, where it is known from the start: see `requestDigest`. */
  readonly digest?: string | undefined;
  /** Of a read: its first statement follows at once, and need not wait until it has begun. */
  readonly runsAtOnce?: boolean | undefined;
}

/** An open transaction, wherever it runs. */
export class SessionTransaction {
  readonly #session: Session;
  readonly #executor: Executor;
  readonly #id: number;
  readonly #options: BeginOptions;
  /** What users and roles were when it began: its snapshot is at least so new. */
  readonly #begunIn: SystemState;
  #version: number;
  #open = true;
  /** Its answer is not here yet, or not looked at. */
  #beginning: Promise<BeginReply> | undefined;
  /** Set: there is nothing to do, it was done before under the same key and answered with this. */
  readonly repeated: Uint8Array | undefined;

  constructor(session: Session, executor: Executor, begun: BeginReply & { readonly beginning?: Promise<BeginReply> }, options: BeginOptions, begunIn: SystemState) {
    this.#session = session;
    this.#begunIn = begunIn;
    this.#executor = executor;
    this.#id = begun.transaction;
    this.#version = begun.version;
    this.repeated = begun.repeated;
    this.#beginning = begun.beginning;
    // Whoever looks at it later hears of the error.
    this.#beginning?.catch(() => undefined);
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  run(text: string, options: RunOptions): Promise<ResultStream> {
    return this.#session.statement(text, graphOf(options.graph ?? this.#options.graph), options, (graph) => {
      const query = this.#session.prepare(text, graph);
      // The statement runs on the state of its transaction, whose rights are those of then.
      if (hasLostRights(this.#begunIn, this.#session.service.options.reader.system, this.#session.principal.user)) throw rightsLost();
      if (this.#options.mode === 'read' && isWrite(query)) {
        throw new DbError('AccessMode', 'Writing in read access mode not allowed. this statement writes, but the transaction was begun for reading', { hint: 'use a write transaction' });
      }
      return query;
    }, async (request, end) => new ResultStream(await this.#executor.run(portable(request, this.#id)).catch((error) => this.#orOfBeginning(error)), this.#executor, end));
  }

  /** A statement of a transaction that could not begin fails for that reason. */
  async #orOfBeginning(error: unknown): Promise<never> {
    await this.#begun();
    throw error;
  }

  async #begun(): Promise<void> {
    const beginning = this.#beginning;
    if (beginning === undefined) return;
    this.#version = (await beginning).version;
    this.#beginning = undefined;
  }

  /** `answer`: for a repetition under the same key. */
  async commit(answer?: Uint8Array): Promise<{ version: number }> {
    const { service, principal } = this.#session;
    service.checkPresence(service.options.reader.system, principal);
    this.#open = false;
    if (this.#options.mode === 'read') {
      await this.#begun();
      this.#endRead();
      return { version: this.#version };
    }
    const { options } = service;
    const { user } = principal;
    if (this.#executor !== options.leader) {
      return this.#committed(await this.#executor.commit({ transaction: this.#id, user, idempotencyKey: this.#options.idempotencyKey, digest: this.#options.digest, answer }));
    }
    // Over there: a connection that breaks now is asked for again under a key, at whoever leads then.
    const request = { transaction: this.#id, user, idempotencyKey: this.#options.idempotencyKey ?? `${OWN_KEY_PREFIX}${randomUUID()}`, digest: this.#options.digest, answer };
    return this.#committed(await this.#session.onLeader((executor) => executor.commit(request), () => true));
  }

  #committed(done: { readonly version: number }): { version: number } {
    this.#version = done.version;
    return done;
  }

  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.#options.mode === 'read') this.#endRead();
    else await this.#executor.rollback(this.#id);
  }

  /** Nothing that a read has to say at its end is worth waiting for. */
  #endRead(): void {
    this.#executor.rollback(this.#id).catch(() => undefined);
  }
}

/** A leader with a full disk hands over: another one takes the write soon, or nobody does. */
const FULL_DISK_WAIT_MS = 1000;
const NO_PARAMETERS: CypherMap = new Map();
const MAY_ASK_ABOUT_GROUP = /dbms|db\.(?:bolt|monitor|flushDB)|SHOW|TERMINATE/i;
/** A statement that is to run in every thread that reads. */

function graphOf(name: string | undefined): string {
  return name === undefined || name === '' ? DEFAULT_GRAPH : name;
}

/** Whether the statement needs the leader. One that is not understood yet is read: then the reader says what is wrong. */
function changesData(query: PreparedQuery | undefined): boolean {
  return query !== undefined && isWrite(query) && query.mode !== 'explain';
}

function isWrite(query: PreparedQuery): boolean {
  return query.access === 'write' || query.access === 'schema' || (query.access === 'dbms' && query.summary !== 'r');
}

function kindOf(query: PreparedQuery | undefined): StatementKind {
  if (query === undefined) return 'read';
  return query.access === 'dbms' ? 'procedure' : query.access;
}

/** Errors that say the write was not made and another leader may make it. A leader elsewhere that stops is followed by one, or was when it could not hand over; here, stopping is what this server does. */
function isSurelyNotDone(error: unknown, wasElsewhere: boolean): boolean {
  const { code, facts } = asDbError(error);
  if (code === 'ShuttingDown') return wasElsewhere && facts.not_made === 1;
  return (code === 'NotLeader' && facts.redirect === undefined) || code === 'NoLeader' || code === 'VersionNotReached';
}
