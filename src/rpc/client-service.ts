/**
 * The methods of proto/lgraph.proto, each a translation to and from the service; and the standard health service.
 *
 *   Run   header → parts of rows, as the executing thread encoded them → summary; the next part is fetched while the last is sent
 */
import { status as grpcStatus } from '@grpc/grpc-js';
import { DbError } from '../base/errors.ts';
import { DONE_BEFORE, dataImport, schemaImport, utf8Text } from '../data/text-import.ts';
import type { Principal, QuerySummary } from '../service/api.ts';
import type { Origin } from '../service/origin.ts';
import { traceparentOf } from '../service/origin.ts';
import type { Service } from '../service/service.ts';
import { addressRefused } from '../service/service.ts';
import type { ResultStream, RunOptions } from '../service/session.ts';
import type { Message } from './client-values.ts';
import type { CallStatus, ClientCall } from './client-call.ts';
import { CLIENT_SERVICE, HEALTH_SERVICE, pathOf, serviceOf } from './client-proto.ts';
import { keyOf, runOptionsOf, readModeOf, timeOf } from './client-options.ts';
import { ImportStatements } from './client-import.ts';
import { ClientTransactions } from './client-transactions.ts';
import { wrong } from './client-values.ts';
import { ProtoWriter } from './proto-writer.ts';
import { OK, statusOf } from './status.ts';

export interface ClientServiceOptions {
  /** Bytes of one request at most. */
  readonly requestBytesMax: number;
  /** Calls at once. */
  readonly callsMax: number;
  readonly transactionIdleMs: number;
  readonly transactionsMax: number;
}

interface Method {
  read(bytes: Uint8Array): Message;
  write(answer: object): Uint8Array;
  answer(request: Message, call: ClientCall, principal: Principal | undefined): Promise<object | undefined>;
  /** Nobody needs to be logged in. */
  readonly isOpen: boolean;
}

const FETCH_ROWS = 10_000;
/** Fields of `RunReply`. */
const ROWS = 2;
/** How often a health watch looks. */
const WATCH_MS = 1000;

export class ClientService {
  readonly #service: Service;
  readonly #options: ClientServiceOptions;
  readonly #methods = new Map<string, Method>();
  readonly #transactions: ClientTransactions;
  /** Answered calls by method and by how they ended. */
  readonly #counts = new Map<string, Map<string, number>>();
  #isDraining = false;
  #open = 0;

  constructor(service: Service, options: ClientServiceOptions) {
    this.#service = service;
    this.#options = options;
    this.#transactions = new ClientTransactions(options.transactionIdleMs, options.transactionsMax);
    this.#define(CLIENT_SERVICE, 'Login', (request, call) => this.#login(request, call), true);
    this.#define(CLIENT_SERVICE, 'Run', (request, call, who) => this.#run(request, call, who!));
    this.#define(CLIENT_SERVICE, 'Begin', (request, _, who) => this.#begin(request, who!));
    this.#define(CLIENT_SERVICE, 'Commit', (request, _, who) => this.#transactions.use(String(request.transaction), who!, { isLast: true }, (work) => work.commit()));
    this.#define(CLIENT_SERVICE, 'Rollback', (request, _, who) => this.#transactions.use(String(request.transaction), who!, { isLast: true }, async (work) => {
      await work.rollback();
      return {};
    }));
    this.#define(CLIENT_SERVICE, 'ImportSchema', (request, _, who) => this.#importSchema(request, who!));
    this.#define(CLIENT_SERVICE, 'ImportData', (request, _, who) => {
      const body = { ...request, data: utf8Text(request.data as Buffer), delimiter: request.delimiter === '' ? undefined : request.delimiter };
      return this.#importData(request, who!, body);
    });
    this.#define(CLIENT_SERVICE, 'Version', async (_, __, who) => {
      this.#service.requireOwnPassword(who!);
      return { data_version: this.#service.version, server_version: this.#service.options.serverVersion };
    });
    this.#define(CLIENT_SERVICE, 'Group', (_, __, who) => this.#group(who!));
    this.#define(HEALTH_SERVICE, 'Check', async (request) => ({ status: await this.#health(String(request.service), true) }), true);
    this.#define(HEALTH_SERVICE, 'Watch', (request, call) => this.#watch(String(request.service), call), true);
  }

  #define(service: string, name: string, answer: Method['answer'], isOpen = false): void {
    const codecs = () => serviceOf(service)[name]!;
    this.#methods.set(pathOf(service, name), {
      read: (bytes) => codecs().requestDeserialize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) as Message, write: (answered) => codecs().responseSerialize(answered), answer, isOpen,
    });
  }

  /** Calls that are being answered. */
  get callCount(): number {
    return this.#open;
  }

  /** Calls that were answered since the start: how many of each method (`Lgraph/Run`) ended with each code of gRPC. */
  get endedCalls(): { readonly method: string; readonly code: string; readonly count: number }[] {
    return [...this.#counts].flatMap(([method, codes]) => [...codes].map(([code, count]) => ({ method, code, count })));
  }

  /** From now on every new call is refused, and health says so. */
  async drain(): Promise<void> {
    this.#isDraining = true;
  }

  async stop(): Promise<void> {
    await this.drain();
    await this.#transactions.rollbackAll();
  }

  readonly serve = (call: ClientCall): void => {
    if (this.#open >= this.#options.callsMax) {
      this.#end(call, statusOf(new DbError('Busy', `${this.#open} calls are open, no more are allowed`, { hint: 'raise max_connections, or call less at once' })));
      return;
    }
    this.#open++;
    const { group } = this.#service.options;
    void this.#answer(call)
      .then(() => this.#end(call, OK), (error: unknown) => this.#end(call, statusOf(error, () => group.leader?.rpcAddress)))
      .finally(() => this.#open--);
  };

  #end(call: ClientCall, ended: CallStatus): void {
    const method = call.path.slice(call.path.lastIndexOf('.') + 1);
    const code = grpcStatus[call.isGone ? grpcStatus.CANCELLED : ended.code]!;
    const codes = this.#counts.get(method) ?? new Map<string, number>();
    this.#counts.set(method, codes.set(code, (codes.get(code) ?? 0) + 1));
    call.end(ended);
  }

  async #answer(call: ClientCall): Promise<void> {
    const { events } = this.#service;
    const origin: Origin = { protocol: 'rpc', address: call.address, traceparent: traceparentOf(call.metadata.traceparent) };
    if (!this.#service.mayConnect(call.address)) {
      const error = addressRefused(call.address);
      events.note('refused', '', origin, call.path, error);
      throw error;
    }
    const method = this.#methods.get(call.path)!;
    if (this.#isDraining && !call.path.startsWith(`/${HEALTH_SERVICE}/`)) throw new DbError('ShuttingDown', 'this server is shutting down', { hint: 'use another server of the group' });
    if (call.request.length > this.#options.requestBytesMax) throw new DbError('RequestTooLarge', `a request of ${call.request.length} bytes`, { hint: 'split it, or raise max_request_bytes' });
    const seen = () => Number(read(method, call.request).min_version ?? 0);
    const principal = method.isOpen ? undefined : await this.#service.authenticate(this.#service.options.disableAuth ? '' : bearer(call), origin, seen);
    const answer = await method.answer(read(method, call.request), call, principal);
    if (answer !== undefined) await call.send(method.write(answer));
  }

  // -------------------------------------------------------------- statements

  async #login({ user, password }: Message, call: ClientCall): Promise<object> {
    const { token, isAdmin, defaultPassword } = await this.#service.login(String(user), String(password), { protocol: 'rpc', address: call.address, traceparent: traceparentOf(call.metadata.traceparent) });
    const lifeSeconds = this.#service.live.token_life_s;
    return { token, expires_unix_ms: lifeSeconds === 0 ? 0 : this.#service.options.clock.wallMs() + lifeSeconds * 1000, is_admin: isAdmin, default_password: defaultPassword };
  }

  async #run(request: Message, call: ClientCall, principal: Principal): Promise<undefined> {
    if (String(request.statement).trim() === '') throw wrong('`statement` is empty');
    const { tasks } = this.#service.options;
    const options: RunOptions = {
      ...runOptionsOf(request), firstRows: FETCH_ROWS,
      onTask: (id) => call.onGone(() => {
        if (tasks.list().some(({ taskId }) => taskId === id)) tasks.kill(id);
      }),
    };
    const text = String(request.statement);
    const name = String(request.transaction);
    if (name === '') await this.#stream(await this.#service.session(principal).run(text, options), call);
    else {
      await this.#transactions.use(name, principal, {}, async (transaction, leftMs) => {
        const timeoutMs = leftMs === Infinity ? options.timeoutMs : Math.min(leftMs, options.timeoutMs ?? Infinity);
        await this.#stream(await transaction.run(text, { ...options, timeoutMs }), call);
      });
    }
    return undefined;
  }

  async #stream(results: Pick<ResultStream, 'columns' | 'type' | 'next' | 'discard' | 'version'>, call: ClientCall): Promise<void> {
    const { write } = this.#methods.get(call.path)!;
    let sending = call.send(write({ header: { columns: results.columns, type: results.type } }));
    let rows = 0;
    for (;;) {
      const part = await results.next(FETCH_ROWS);
      await sending;
      if (call.isGone) {
        results.discard();
        throw new DbError('Killed', 'the client has left');
      }
      rows += part.count;
      if (part.count > 0) sending = call.send(rowsReply(part.bytes));
      if (part.summary === undefined) continue;
      await sending;
      await call.send(write({ summary: { ...summaryMessage(part.summary), version: Math.max(results.version, part.summary.version), rows } }));
      return;
    }
  }

  async #begin(request: Message, principal: Principal): Promise<object> {
    this.#transactions.requireRoom();
    const session = this.#service.session(principal);
    this.#service.requireOwnPassword(principal);
    const timeoutMs = timeOf(request.timeout_ms, 'timeout_ms') ?? 0;
    const options = { graph: String(request.graph), minVersion: timeOf(request.min_version, 'min_version'), readMode: readModeOf(request), timeoutMs };
    const work = request.read_only === true ? await session.begin({ ...options, mode: 'read' }) : session.beginDeferred({ ...options, mode: 'write' });
    return { transaction: this.#transactions.add(work, principal, timeoutMs) };
  }

  async #importSchema(request: Message, principal: Principal): Promise<object> {
    const work = schemaImport(request);
    const { result, version } = await this.#importer(request, principal).together(work, String(request.description));
    return { log: result ?? DONE_BEFORE, imported: 0, rejected: [], version };
  }

  async #importData(request: Message, principal: Principal, body: Message): Promise<object> {
    const work = dataImport(body, { detail: true });
    const importer = this.#importer(request, principal);
    const result = await work((text, parameters) => importer.alone(text, parameters));
    return { ...result ?? { log: DONE_BEFORE, imported: 0, rejected: [] }, version: importer.version };
  }

  #importer(request: Message, principal: Principal): ImportStatements {
    return new ImportStatements(this.#service.session(principal), String(request.graph), keyOf(request) ?? '');
  }

  // -------------------------------------------------------------- the server

  async #group(principal: Principal): Promise<object> {
    this.#service.requireOwnPassword(principal);
    const { peers, term } = await this.#service.groupStatus();
    const servers = peers.map((peer) => ({
      rpc_address: peer.rpcAddress, rest_address: peer.restAddress, bolt_address: peer.boltAddress, role: peer.role, state: peer.state,
      is_witness: peer.isWitness, is_self: peer.isSelf, server_version: peer.serverVersion,
    }));
    const { leader, isLeader } = this.#service.options.group;
    return { term, is_leader: isLeader, servers, leader: leader === undefined ? null : servers.find(({ rpc_address: address }) => address === leader.rpcAddress) ?? { rpc_address: leader.rpcAddress, rest_address: leader.restAddress, bolt_address: leader.boltAddress, role: 'leader' } };
  }

  async #health(name: string, mustExist: boolean): Promise<string> {
    if (name !== '' && name !== CLIENT_SERVICE && name !== HEALTH_SERVICE) {
      if (mustExist) throw new DbError('NotFound', `there is no service ${name}`);
      return 'SERVICE_UNKNOWN';
    }
    if (this.#isDraining || this.#service.isBlank) return 'NOT_SERVING';
    const { waitingFor } = await this.#service.status();
    return waitingFor === undefined && this.#service.options.group.leader !== undefined ? 'SERVING' : 'NOT_SERVING';
  }

  async #watch(name: string, call: ClientCall): Promise<undefined> {
    const { write } = this.#methods.get(call.path)!;
    let told = '';
    let wake: (() => void) | undefined;
    call.onGone(() => wake?.());
    while (!call.isGone) {
      const status = await this.#health(name, false);
      if (status !== told) await call.send(write({ status }));
      told = status;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, WATCH_MS).unref();
      });
    }
    return undefined;
  }
}

function bearer({ metadata }: ClientCall): string {
  const match = /^Bearer\s+(\S+)$/i.exec(metadata.authorization ?? '');
  if (match === null) throw new DbError('Unauthorized', 'no token in the metadata of the call', { hint: 'Login gives one; send it as authorization: Bearer …' });
  return match[1]!;
}

function read(method: Method, bytes: Uint8Array): Message {
  try {
    return method.read(bytes);
  } catch (error) {
    throw wrong(`the request is not the message it should be: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `RunReply` with rows: what the encoder made is the `Rows` inside. */
function rowsReply(rows: Uint8Array): Uint8Array {
  const writer = new ProtoWriter(rows.length + 16);
  writer.bytes(ROWS, rows);
  return writer.view();
}

function summaryMessage({ stats, plan, mode, elapsedMs, repeated, notifications }: QuerySummary): object {
  return {
    statistics: Object.fromEntries(Object.entries(stats).map(([name, value]) => [snake(name), value])),
    plan: plan === undefined ? null : planMessage(plan), mode, elapsed_ms: elapsedMs, repeated, notifications,
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function planMessage({ operator, details, identifiers, estimatedRows, rows, timeMs, dbHits, children }: NonNullable<QuerySummary['plan']>): object {
  return { operator, details, identifiers, estimated_rows: estimatedRows, rows: rows ?? 0, time_ms: timeMs ?? 0, db_hits: dbHits ?? 0, children: children.map(planMessage) };
}
