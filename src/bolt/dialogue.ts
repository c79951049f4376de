/**
 * What a client may say when, and what it is answered: the protocol behind the bytes. One message is handled at a time, in
 * order; only a RESET acts at once, by interrupting what runs.
 *
 *   NEGOTIATION     → HELLO → AUTHENTICATION (from 5.1 on: LOGON →) READY
 *   READY           → RUN → STREAMING → PULL, DISCARD … → READY        → BEGIN → TX_READY     → LOGOFF → AUTHENTICATION
 *   TX_READY        → RUN → TX_STREAMING → PULL, DISCARD … → TX_READY  → COMMIT, ROLLBACK → READY
 *   any of these    → an error → FAILED, where all but RESET and GOODBYE is ignored
 *   any of these    → a RESET arrives → INTERRUPTED, where all before it is ignored → READY
 *   DEFUNCT         after GOODBYE, a failed login, a message that has no place: the connection closes
 */
import { asDbError, DbError } from '../base/errors.ts';
import { DEFAULT_GRAPH } from '../auth/first-start.ts';
import type { RunOptions } from '../service/session.ts';
import type { CypherMap, Value } from '../value/value.ts';
import { authenticate } from './authenticate.ts';
import { bookmark } from './bookmarks.ts';
import type { Door, OpenTransaction, Results, Work } from './door.ts';
import { failureMetadata } from './failure.ts';
import { atLeast } from './handshake.ts';
import type { Version } from './handshake.ts';
import { INTERRUPTED, Interruption } from './interruption.ts';
import { mapFrom, summaryMetadata } from './metadata.ts';
import { FETCH_ROWS_MIN, OpenResult } from './open-result.ts';
import { notificationFilter, readExtra, readRequest, requestKind } from './requests.ts';
import type { BoltRequest, NotificationFilter, RequestKind, StatementExtra } from './requests.ts';
import { asksForRouting, routingArguments, routingResults } from './routing-call.ts';
import { routingTable } from './routing.ts';
import { BOLT_4, BOLT_4_UTC, BOLT_5, unpackMessage } from './structures.ts';
import type { Dialect } from './structures.ts';

export type State =
  | 'NEGOTIATION' | 'AUTHENTICATION' | 'READY' | 'STREAMING' | 'TX_READY' | 'TX_STREAMING' | 'FAILED' | 'INTERRUPTED' | 'DEFUNCT';

const ALLOWED: Readonly<Record<State, readonly RequestKind[]>> = {
  NEGOTIATION: ['HELLO'],
  AUTHENTICATION: ['LOGON'],
  READY: ['RUN', 'BEGIN', 'ROUTE', 'LOGOFF', 'TELEMETRY'],
  STREAMING: ['PULL', 'DISCARD'],
  TX_READY: ['RUN', 'COMMIT', 'ROLLBACK', 'TELEMETRY'],
  // To end a transaction before its results are pulled is not in the specification, but harmless.
  TX_STREAMING: ['RUN', 'PULL', 'DISCARD', 'COMMIT', 'ROLLBACK'],
  FAILED: [],
  INTERRUPTED: [],
  DEFUNCT: [],
};

const SUCCESS = 0x70;
const IGNORED = 0x7e;
const FAILURE = 0x7f;

/** Results that one transaction may have open. */
const OPEN_RESULTS_MAX = 1000;

/** Where answers go. */
export interface Output {
  message(tag: number, fields: readonly Value[], dialect: Dialect): void;
  records(bytes: Uint8Array): void;
  /** Undefined while there is room; else resolves when the client has taken what was sent. */
  drained(): Promise<void> | undefined;
  /** Sends what is there and closes. */
  end(): void;
}

export interface Client {
  readonly id: string;
  readonly address: string;
  readonly version: Version;
}

interface Transaction {
  readonly work: OpenTransaction;
  readonly extra: StatementExtra;
  readonly graph: string;
  readonly deadlineMs: number;
}

const ALL_NOTIFICATIONS: NotificationFilter = { severity: 'INFORMATION', disabled: [] };

export class Dialogue {
  readonly #door: Door;
  readonly #client: Client;
  readonly #out: Output;
  readonly #onAuthenticated: () => void;
  #state: State = 'NEGOTIATION';
  #dialect: Dialect;
  #encoding: string;
  #filter: NotificationFilter = ALL_NOTIFICATIONS;
  #routes = false;
  #work: Work | undefined;
  #transaction: Transaction | undefined;
  readonly #results = new Map<number, OpenResult>();
  #nextQid = 0;
  /** RESETs that have arrived and are not handled yet. */
  #resets = 0;
  readonly #interruption = new Interruption(() => this.#resets > 0 || this.#state === 'DEFUNCT');
  #task: string | undefined;
  readonly #onTask = (id: string): void => {
    this.#task = id;
  };
  /** What the statement under way asked for, for the metadata and codes of its end. */
  #current: StatementExtra | undefined;
  #currentGraph = DEFAULT_GRAPH;
  /** What is under way may be committed though its answer is lost. */
  #mayCommit = false;

  constructor(door: Door, client: Client, out: Output, onAuthenticated: () => void) {
    this.#door = door;
    this.#client = client;
    this.#out = out;
    this.#onAuthenticated = onAuthenticated;
    this.#dialect = client.version.major >= 5 ? BOLT_5 : BOLT_4;
    this.#encoding = client.version.major >= 5 ? 'bolt5' : 'bolt4';
  }

  get state(): State {
    return this.#resets > 0 && this.#work !== undefined ? 'INTERRUPTED' : this.#state;
  }

  /** Nothing is open that the client would miss. */
  get isIdle(): boolean {
    return this.#state !== 'STREAMING' && this.#state !== 'TX_READY' && this.#state !== 'TX_STREAMING';
  }

  /** A RESET has arrived behind what runs. */
  interrupt(): void {
    this.#resets++;
    this.#stopRunning();
  }

  /** The client has left. */
  close(): void {
    this.#state = 'DEFUNCT';
    this.#stopRunning();
    this.#dropAll();
  }

  /** Answers one message. Never throws. */
  async handle(bytes: Buffer): Promise<void> {
    try {
      const kind = requestKind(bytes);
      if (kind === 'GOODBYE') return this.#leave();
      if (kind === 'RESET') return this.#reset();
      if (this.state === 'FAILED' || this.state === 'INTERRUPTED') return this.#send(IGNORED, {});
      const request = readRequest(unpackMessage(bytes));
      if (!ALLOWED[this.#state].includes(request.kind)) {
        throw new DbError('InvalidRequest', `${request.kind} is not allowed in the state ${this.#state}`, { facts: { fatal: 1 } });
      }
      await this.#answer(request);
    } catch (error) {
      if (this.#state === 'DEFUNCT') return;
      if (error === INTERRUPTED) this.#send(IGNORED, {});
      else this.#fail(error);
    }
  }

  // -------------------------------------------------------------- one message

  #answer(request: BoltRequest): Promise<void> | void {
    this.#mayCommit = request.kind === 'COMMIT' || (this.#transaction === undefined && ['RUN', 'PULL', 'DISCARD'].includes(request.kind));
    switch (request.kind) {
      case 'HELLO': return this.#hello(request.extra);
      case 'LOGON': return this.#logon(request.extra);
      case 'LOGOFF': return this.#logoff();
      case 'RUN': return this.#run(request.text, request.parameters, request.extra);
      case 'PULL': return this.#pull(this.#resultOf(request.qid), request.rows);
      case 'DISCARD': return this.#discard(this.#resultOf(request.qid), request.rows);
      case 'BEGIN': return this.#begin(request.extra);
      case 'COMMIT': return this.#commit();
      case 'ROLLBACK': return this.#rollback();
      case 'ROUTE': return this.#route(request.context, request.db);
      // TELEMETRY: taken and forgotten.
      default: return this.#send(SUCCESS, {});
    }
  }

  async #hello(extra: CypherMap): Promise<void> {
    const { version, id } = this.#client;
    this.#routes = extra.get('routing') instanceof Map;
    this.#filter = { ...ALL_NOTIFICATIONS, ...notificationFilter(extra) };
    const patches = extra.get('patch_bolt');
    const utc = version.major === 4 && version.minor >= 3 && Array.isArray(patches) && patches.includes('utc');
    if (utc) {
      this.#dialect = BOLT_4_UTC;
      this.#encoding = 'bolt4-utc';
    }
    if (!atLeast(version, 5, 1)) await this.#become(extra);
    else this.#state = 'AUTHENTICATION';
    this.#send(SUCCESS, {
      server: `Neo4j/5.26.0-lgraph-${this.#door.options.serverVersion}`, connection_id: id,
      hints: atLeast(version, 4, 3) ? mapFrom({ 'connection.recv_timeout_seconds': RECEIVE_TIMEOUT_SECONDS, 'telemetry.enabled': false }) : undefined,
      patch_bolt: utc ? ['utc'] : undefined,
    });
  }

  async #logon(auth: CypherMap): Promise<void> {
    await this.#become(auth);
    this.#send(SUCCESS, {});
  }

  async #become(auth: CypherMap): Promise<void> {
    const principal = await authenticate(this.#door, auth, { protocol: 'bolt', address: this.#client.address });
    if (this.#state === 'DEFUNCT') return;
    this.#work = this.#door.session(principal);
    this.#state = 'READY';
    this.#onAuthenticated();
  }

  #logoff(): void {
    this.#work = undefined;
    this.#state = 'AUTHENTICATION';
    this.#send(SUCCESS, {});
  }

  #leave(): void {
    this.#state = 'DEFUNCT';
    this.#dropAll();
    this.#out.end();
  }

  #reset(): void {
    this.#resets = Math.max(0, this.#resets - 1);
    this.#dropAll();
    if (this.#work !== undefined) this.#state = 'READY';
    this.#send(SUCCESS, {});
  }

  async #route(context: CypherMap, db: string | undefined): Promise<void> {
    const status = await this.#interruption.wait(this.#door.status());
    this.#send(SUCCESS, { rt: routingTable(status, context, db ?? DEFAULT_GRAPH) });
  }

  // -------------------------------------------------------------- statements

  async #run(text: string, parameters: CypherMap, map: CypherMap): Promise<void> {
    const started = performance.now();
    const transaction = this.#transaction;
    const extra = readExtra(map);
    if (this.#results.size >= OPEN_RESULTS_MAX) throw new DbError('InvalidRequest', `${OPEN_RESULTS_MAX} results are open in this transaction`);
    this.#current = transaction?.extra ?? extra;
    this.#currentGraph = transaction?.graph ?? extra.graph ?? DEFAULT_GRAPH;
    // Name by name: to copy all of `extra` and add to it costs as much as the rest of this method.
    const { minVersion, readMode, idempotencyKey, readOnly } = extra;
    const options: RunOptions = {
      graph: this.#currentGraph, parameters, encoding: this.#encoding, firstRows: FETCH_ROWS_MIN,
      timeoutMs: transaction === undefined ? extra.timeoutMs : timeLeft(transaction),
      minVersion, readMode, idempotencyKey, readOnly, traceparent: this.#current.traceparent, onTask: this.#onTask,
    };
    const results = await this.#interruption.wait(this.#start(text, options), dropLate);
    const result = new OpenResult(this.#nextQid++, results);
    this.#results.set(result.qid, result);
    this.#state = transaction === undefined ? 'STREAMING' : 'TX_STREAMING';
    this.#send(SUCCESS, {
      fields: [...results.columns], t_first: Math.round(performance.now() - started), qid: transaction === undefined ? undefined : result.qid,
    });
  }

  #start(text: string, options: RunOptions): Promise<Results> {
    if (asksForRouting(text)) return this.#routing(options);
    return this.#transaction === undefined ? this.#work!.run(text, options) : this.#transaction.work.run(text, options);
  }

  async #routing({ parameters, minVersion }: RunOptions): Promise<Results> {
    const { context, db } = routingArguments(parameters ?? new Map());
    return routingResults(routingTable(await this.#door.status(), context, db ?? DEFAULT_GRAPH), this.#encoding, minVersion ?? 0);
  }

  #resultOf(qid: number): OpenResult {
    const result = this.#results.get(qid === -1 || this.#transaction === undefined ? this.#nextQid - 1 : qid);
    if (result === undefined) throw new DbError('InvalidRequest', `there is no open result ${qid}`);
    return result;
  }

  async #pull(result: OpenResult, rows: number): Promise<void> {
    const started = performance.now();
    for (let left = rows; ;) {
      const fetching = result.fetch(left);
      if (fetching !== undefined) await this.#interruption.wait(fetching);
      const { bytes, count } = result.take(left);
      left -= count;
      if (count > 0) this.#out.records(bytes);
      if (result.isDone) return this.#finish(result, started);
      if (left === 0) return this.#send(SUCCESS, { has_more: true });
      const drained = this.#out.drained();
      if (drained !== undefined) await this.#interruption.wait(drained);
    }
  }

  async #discard(result: OpenResult, rows: number): Promise<void> {
    const started = performance.now();
    for (let left = rows; ;) {
      // A read may be stopped where it is; what a write made is told in its summary.
      if (left === Infinity && !result.isFetched && result.results.type === 'r') {
        result.discard();
        return this.#finish(result, started);
      }
      const fetching = result.fetch(left);
      if (fetching !== undefined) await this.#interruption.wait(fetching);
      left -= result.take(left).count;
      if (result.isDone) return this.#finish(result, started);
      if (left === 0) return this.#send(SUCCESS, { has_more: true });
    }
  }

  /** The last SUCCESS of a result. */
  #finish(result: OpenResult, started: number): void {
    const { results, hasRows, isFetched } = result;
    this.#results.delete(result.qid);
    const inTransaction = this.#transaction !== undefined;
    if (this.#results.size === 0) this.#state = inTransaction ? 'TX_READY' : 'READY';
    const facts = {
      version: this.#client.version, filter: { ...this.#filter, ...this.#current?.notifications }, hasColumns: results.columns.length > 0, hasRows,
    };
    this.#send(SUCCESS, {
      type: results.type, t_last: Math.round(performance.now() - started), db: this.#currentGraph,
      bookmark: inTransaction ? undefined : bookmark(results.version),
      ...(isFetched ? summaryMetadata(result.summary, facts) : {}),
    });
  }

  // -------------------------------------------------------------- transactions

  async #begin(map: CypherMap): Promise<void> {
    const extra = readExtra(map);
    this.#current = extra;
    const work = extra.readOnly
      ? await this.#interruption.wait(this.#work!.begin({ ...extra, mode: 'read' }), (late) => void late.rollback().catch(() => undefined))
      : this.#work!.beginDeferred({ ...extra, mode: 'write' });
    const deadlineMs = extra.timeoutMs === undefined || extra.timeoutMs === 0 ? Infinity : performance.now() + extra.timeoutMs;
    this.#transaction = { work, extra, deadlineMs, graph: extra.graph ?? DEFAULT_GRAPH };
    this.#state = 'TX_READY';
    this.#send(SUCCESS, {});
  }

  async #commit(): Promise<void> {
    const transaction = this.#transaction!;
    timeLeft(transaction);
    this.#dropResults();
    const { version } = await this.#interruption.wait(transaction.work.commit());
    this.#transaction = undefined;
    this.#state = 'READY';
    this.#send(SUCCESS, { bookmark: bookmark(version) });
  }

  async #rollback(): Promise<void> {
    const { work } = this.#transaction!;
    this.#dropResults();
    await this.#interruption.wait(work.rollback());
    this.#transaction = undefined;
    this.#state = 'READY';
    this.#send(SUCCESS, {});
  }

  // -------------------------------------------------------------- ends

  #stopRunning(): void {
    if (!this.#interruption.isWaiting) return;
    if (this.#task !== undefined) this.#kill(this.#task);
    this.#interruption.interrupt();
  }

  #kill(task: string): void {
    try {
      this.#door.options.tasks.kill(task);
    } catch {
      // It has ended meanwhile.
    }
  }

  #dropResults(): void {
    for (const result of this.#results.values()) result.discard();
    this.#results.clear();
  }

  #dropAll(): void {
    this.#dropResults();
    // Nobody waits for it, and a transaction that cannot be reached ends by itself.
    this.#transaction?.work.rollback().catch(() => undefined);
    this.#transaction = undefined;
    this.#task = undefined;
  }

  #fail(error: unknown): void {
    const failure = asDbError(error);
    const repeatable = !this.#mayCommit || this.#current?.idempotencyKey !== undefined;
    const isFatal = this.#work === undefined || failure.facts.fatal !== undefined;
    this.#dropAll();
    this.#state = isFatal ? 'DEFUNCT' : 'FAILED';
    const metadata = failureMetadata(failure, { version: this.#client.version, routes: this.#routes, repeatable });
    this.#out.message(FAILURE, [metadata], this.#dialect);
    if (isFatal) this.#out.end();
  }

  #send(tag: number, fields: Readonly<Record<string, Value | undefined>>): void {
    if (this.#state === 'DEFUNCT') return;
    this.#out.message(tag, tag === IGNORED ? [] : [mapFrom(fields)], this.#dialect);
  }
}

function dropLate(late: Results): void {
  late.discard();
}

/** Clients give up on a server that is silent for so long while they wait; see `keepAlive`. */
export const RECEIVE_TIMEOUT_SECONDS = 120;

/** Milliseconds a transaction has left, for its next statement; 0 is no limit. */
function timeLeft(transaction: Transaction): number | undefined {
  if (transaction.deadlineMs === Infinity) return transaction.extra.timeoutMs;
  const left = Math.ceil(transaction.deadlineMs - performance.now());
  if (left > 0) return left;
  throw new DbError('Timeout', `the transaction ran longer than its ${transaction.extra.timeoutMs} ms`, { hint: 'raise its timeout, or do less in one transaction' });
}
