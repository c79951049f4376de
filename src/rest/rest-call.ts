/**
 * One REST request that is answered with a few statements: who asks, which version it has seen, and the rows as JSON.
 *
 * Statements of one request that belong together run in one transaction; the answer carries the version of the last.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Principal } from '../service/api.ts';
import type { Service } from '../service/service.ts';
import type { ResultStream, RunOptions, Session } from '../service/session.ts';
import { requestDigest } from '../service/idempotency-key.ts';
import { runOptions } from './cypher-route.ts';
import { parametersOf } from '../value/json.ts';
import { bearerOf, knownOf } from './reply.ts';

export type Parameters = Readonly<Record<string, unknown>>;

/** What runs statements: the session itself, or a transaction. */
export interface Runner {
  run(text: string, options: RunOptions): Promise<Pick<ResultStream, 'next' | 'version' | 'columns' | 'discard'>>;
}

const FETCH_ROWS = 10_000;

export class RestCall {
  readonly principal: Principal;
  readonly session: Session;
  readonly graph: string | undefined;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #statements = 0;
  /** Set while the statements of one transaction run. */
  #runner: Runner;

  private constructor(service: Service, request: FastifyRequest, reply: FastifyReply, principal: Principal) {
    this.principal = principal;
    this.session = service.session(principal);
    this.#runner = this.session;
    this.#request = request;
    this.#reply = reply;
    this.graph = (request.params as { graph?: string }).graph;
  }

  static async of(service: Service, request: FastifyRequest, reply: FastifyReply): Promise<RestCall> {
    const principal = await bearerOf(service, request);
    knownOf(request).user = principal.user;
    return new RestCall(service, request, reply, principal);
  }

  requireAdmin(message = 'Admin access right required.'): void {
    this.session.service.requireOwnPassword(this.principal);
    if (!this.principal.isAdmin) throw new DbError('Forbidden', message);
  }

  options(parameters: Parameters, encoding = 'json'): RunOptions {
    return { ...runOptions(this.#request), graph: this.graph, parameters: parametersOf(parameters), encoding, firstRows: FETCH_ROWS };
  }

  saw(version: number): void {
    void this.#reply.header('server_version', String(version));
  }

  /** A repeated request runs the same statements in the same order: each has a key of its own, or the second would be answered as the first. */
  #keyOf(key: string | undefined): string | undefined {
    const before = this.#statements++;
    return key === undefined || before === 0 ? key : `${key} ${before}`;
  }

  /** Runs a statement and gives its rows as one JSON array. */
  async json(text: string, parameters: Parameters = {}): Promise<string> {
    const options = this.options(parameters);
    const stream = await this.#runner.run(text, { ...options, idempotencyKey: this.#keyOf(options.idempotencyKey) });
    const parts: string[] = [];
    const bytesMax = this.session.service.options.limits.listBytesMax;
    let bytes = 0;
    for (;;) {
      const part = await stream.next(FETCH_ROWS);
      bytes += part.bytes.length;
      parts.push(Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.length).toString());
      if (bytes <= bytesMax && part.summary !== undefined) break;
      // Answers of these routes are kept whole; what may be larger streams (export).
      if (bytes <= bytesMax) continue;
      stream.discard();
      throw new DbError('RequestTooLarge', `the answer takes more than ${bytesMax} bytes`, { hint: 'ask for less, by POST /cypher perhaps, or raise http_list_max_bytes' });
    }
    this.saw(stream.version);
    // Each row ends with a comma.
    return `[${parts.join('').slice(0, -1)}]`;
  }

  async rows(text: string, parameters: Parameters = {}): Promise<unknown[][]> {
    return JSON.parse(await this.json(text, parameters)) as unknown[][];
  }

  /** The first column. */
  async column(text: string, parameters: Parameters = {}): Promise<unknown[]> {
    return (await this.rows(text, parameters)).map((row) => row[0]);
  }

  /** Rows of a name and a value as an object. */
  async object(text: string, parameters: Parameters = {}): Promise<Record<string, unknown>> {
    return Object.fromEntries(await this.rows(text, parameters) as [string, unknown][]);
  }

  /** The JSON text of the only value of the only row, numbers as they are; undefined without a row. */
  async value(text: string, parameters: Parameters = {}): Promise<string | undefined> {
    const json = await this.json(text, parameters);
    return json === '[]' ? undefined : json.slice(2, -2);
  }

  /**
   * Everything the work runs is one transaction. Its result, which must be plain JSON, is what a repetition under the same
   * idempotency key is answered with; undefined where it was too large to keep.
   */
  async together<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { idempotencyKey, minVersion, versionWaitMs } = this.options({});
    const { method, url, body } = this.#request;
    const digest = idempotencyKey === undefined ? undefined : requestDigest([method, url, parametersOf({ body })]);
    const transaction = await this.session.begin({ mode: 'write', graph: this.graph, idempotencyKey, digest, answersRepetition: true, minVersion, versionWaitMs });
    if (transaction.repeated !== undefined) {
      this.saw(transaction.version);
      return transaction.repeated.length === 0 ? undefined : JSON.parse(Buffer.from(transaction.repeated).toString()) as T;
    }
    this.#runner = transaction;
    try {
      const result = await work();
      const answer = idempotencyKey === undefined || result === undefined ? undefined : new Uint8Array(Buffer.from(JSON.stringify(result)));
      this.saw((await transaction.commit(answer)).version);
      return result;
    } catch (error) {
      await transaction.rollback().catch(() => undefined);
      throw error;
    } finally {
      this.#runner = this.session;
    }
  }

  /** Answers with JSON text. */
  send(json: string): FastifyReply {
    return this.#reply.type('application/json; charset=utf-8').send(json);
  }
}
