/**
 * Runs writes in the writer thread of the leader: single statements as transactions of their own, and the statements of
 * interactive transactions. A result is kept until it is pulled, and given only when its transaction is committed.
 */
import { randomInt } from 'node:crypto';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { asDbError, DbError } from '../base/errors.ts';
import { emptyStats } from '../cypher/context.ts';
import { executeInTransactions, prepare, surroundingsOf } from '../cypher/engine.ts';
import { CATALOG } from '../graph/blocks.ts';
import type { SystemState } from '../graph/system.ts';
import type { Unfinished } from '../graph/index-places.ts';
import type { Transaction } from '../graph/transaction.ts';
import type { InteractiveTransaction } from '../replica/interactive.ts';
import type { Transactor } from '../replica/transactor.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
import type { BeginReply, BeginRequest, CommitRequest, PullRequest, RowsPart, RunReply, RunRequest } from './api.ts';
import { checkAccess, hasLostRights } from './access.ts';
import { OWN_KEY_PREFIX, requestDigest } from './idempotency-key.ts';
import { parametersOf } from './parameters.ts';
import { StatementRunner, stateAt, stateIn } from './statement-runner.ts';
import type { HostOptions } from './statement-runner.ts';
import { IndexBuilder } from './index-builder.ts';
import { hashOf, StatementLog } from './statement-log.ts';
import { RunningStatement } from './statement.ts';

/** Cheap to ask; `prepare` says what it really is. */
const IN_TRANSACTIONS = /\bIN\b[^{}]*\bTRANSACTIONS\b/i;

export interface WriteHostOptions extends HostOptions {
  /** For how long a transaction is open: a clock that is set right must neither end it nor keep it. */
  readonly monotonicMs: () => number;
  /** Encoded bytes one result may take while it waits to be pulled. */
  readonly resultBytesMax: number;
  readonly transactionIdleMs: number;
  readonly transactionTotalMs: number;
  readonly transactionsMax: number;
  /** An index that is built in parts is held up. */
  readonly onBuildProblem: (message: string) => void;
}

/** A whole result, encoded: parts of some hundred KB, so that one message never is huge. */
interface BufferedResult {
  readonly parts: RowsPart[];
  readonly columns: readonly string[];
  readonly type: RunReply['type'];
}

interface OpenTransaction {
  readonly interactive: InteractiveTransaction;
  readonly log: StatementLog;
  readonly user: string;
  readonly startedMs: number;
  usedMs: number;
}

export class WriteHost {
  readonly #transactor: Transactor;
  readonly #options: WriteHostOptions;
  readonly #statements: StatementRunner;
  readonly #builder: IndexBuilder;
  readonly #results = new Map<number, RowsPart[]>();
  readonly #transactions = new Map<number, OpenTransaction>();
  /** From a point of its own: a number given out by one leader must not be that of another client's transaction or result at the next. */
  readonly #first = randomInt(2 ** 47);
  #next = this.#first;

  constructor(transactor: Transactor, options: WriteHostOptions) {
    this.#transactor = transactor;
    this.#options = options;
    this.#statements = new StatementRunner(options);
    this.#builder = new IndexBuilder(transactor, options);
  }

  /** To be called when this server begins to lead. */
  lead(): void {
    this.#builder.start();
  }

  async run(request: RunRequest): Promise<RunReply> {
    if (request.transaction !== undefined) return this.#runInside(request, request.transaction);
    if (IN_TRANSACTIONS.test(request.text)) {
      const reply = await this.#runInTransactions(request);
      if (reply !== undefined) return reply;
    }
    let unfinished: readonly Unfinished[] = [];
    const whyOver = this.#timer(request);
    const { version, result, repeated } = await this.#transactor.write((transaction) => {
      transaction.awaitsBuilds = true;
      const buffered = this.#execute(request, transaction);
      ({ unfinished } = transaction);
      return { result: buffered, answer: () => encodeAnswer(buffered, unfinished) };
    }, { idempotencyKey: scopedKey(request.user, request.idempotencyKey), digest: digestOf(request), minVersion: request.minVersion, answersAtCommit: true });
    if (repeated !== undefined) return this.#repeatedReply(repeated, version, whyOver);
    await this.#built(unfinished, whyOver);
    return this.#reply(result!, version, request.firstRows);
  }

  /** Why the statement is to end, whose time begins now: that is over, or somebody has killed it. */
  #timer({ timeoutMs, killSlot }: Pick<RunRequest, 'timeoutMs' | 'killSlot'>): () => DbError | undefined {
    const { monotonicMs, killFlags } = this.#options;
    const end = timeoutMs > 0 ? monotonicMs() + timeoutMs : Infinity;
    return () => (killSlot >= 0 && Atomics.load(killFlags, killSlot) === 1 ? new DbError('Killed', 'Task is killed.')
      : monotonicMs() > end ? new DbError('Timeout', `the statement ran longer than its ${timeoutMs} ms, and its index was not built by then: it is dropped`, { hint: 'raise its timeout' }) : undefined);
  }

  /**
   * Waits until indexes are built that were made. A unique one holds then, or the error says why it does not, and it is gone; where the statement has to end
   * before, it goes, too. Another one is built all the same, and its statement is answered.
   */
  async #built(made: readonly Unfinished[], whyOver: () => DbError | undefined = () => undefined): Promise<void> {
    for (;;) {
      const left = await this.#builder.finished(made, () => whyOver() !== undefined);
      const unique = left.filter(({ isUnique }) => isUnique);
      if (unique.length === 0) return;
      if (!this.#transactor.leading) {
        throw new DbError('OutcomeUnknown', 'the leader changed while the unique index was built: the next one builds on, and drops it where a value is there twice', { hint: 'SHOW INDEXES says whether it is there, and how far it is' });
      }
      const over = whyOver();
      if (over !== undefined && await this.#abandon(unique)) throw over;
    }
  }

  /** Whether one of the indexes was not whole. */
  async #abandon(indexes: readonly Unfinished[]): Promise<boolean> {
    try {
      const { result } = await this.#transactor.write((transaction) => {
        let isOne = false;
        for (const { graph, index } of indexes) {
          const name = transaction.system.graphs.find(({ id }) => id === graph)?.name;
          if (name !== undefined && transaction.graph(name).abandonIndex(index)) isOne = true;
        }
        return { result: isOne };
      });
      return result!;
    } catch (error) {
      // What this error says of its write does not hold for the statement: that has begun the index.
      throw new DbError('OutcomeUnknown', `the unique index is being built, and could not be dropped where its statement ended: ${asDbError(error).message}`, { cause: error });
    }
  }

  /** CALL { } IN TRANSACTIONS: each batch is a write of its own. Undefined: the text only looked like it. */
  async #runInTransactions(request: RunRequest): Promise<RunReply | undefined> {
    await this.#transactor.reachWritten(request.minVersion);
    const { reader } = this.#transactor;
    const points = [reader.acquire()];
    const [point] = points as [ReadPoint];
    try {
      const given = point.view(request.graph);
      const query = prepare(request.text, { catalog: given.catalog, procedures: this.#options.procedures });
      if (!query.inTransactions || query.mode === 'explain') return undefined;
      const view = query.graph === undefined ? given : point.view(query.graph);
      checkAccess(point.system, request.user, view.graphName, query.access);
      await this.#beginOnce(request);
      const control = this.#statements.control(request);
      const read = this.#statements.context(request, view, control, stateAt(point, this.#options.wallMs()));
      let last = point.version;
      let behind = read.view;
      const made: Unfinished[] = [];
      const whyOver = this.#timer(request);
      const execution = await executeInTransactions(query, {
        read,
        after: () => {
          const now = reader.acquire();
          points.push(now);
          const after = this.#statements.context(request, now.view(view.graphName), control, stateAt(now, this.#options.wallMs()));
          behind = after.view;
          return after;
        },
        write: async (work) => {
          const { version, result } = await this.#transactor.write((transaction) => {
            // Rights may be taken away while it runs.
            checkAccess(transaction.system, request.user, view.graphName, query.access);
            const done = work(this.#statements.context(request, transaction.graph(view.graphName), control, stateIn(transaction)));
            made.push(...transaction.unfinished);
            return { result: done };
          });
          last = version;
          return result!;
        },
      });
      const running = new RunningStatement({ query, execution, view: behind, encoder: this.#statements.encoder(request), control, summaryRow: request.summaryRow, surroundings: surroundingsOf(read) });
      const parts = this.#collect(running);
      await this.#built(made, whyOver);
      return this.#reply({ parts, columns: running.columns, type: query.summary }, last, request.firstRows);
    } finally {
      for (const each of points) reader.release(each);
    }
  }

  /** A key makes a repetition an error here: which batches were committed is not kept, and doing them twice would be wrong. */
  async #beginOnce(request: RunRequest): Promise<void> {
    const key = scopedKey(request.user, request.idempotencyKey);
    if (key === undefined) return;
    const { repeated } = await this.#transactor.write(() => ({ result: undefined, answer: () => new Uint8Array() }), { idempotencyKey: key, digest: digestOf(request) });
    if (repeated === undefined) return;
    throw new DbError('OutcomeUnknown', 'this statement was begun before under the same key; how many of its batches were committed is not known', {
      hint: 'look at the data; make the batches repeatable (MERGE), then run it under a new key',
    });
  }

  #runInside(request: RunRequest, id: number): RunReply {
    const open = this.#open(id);
    open.usedMs = this.#options.monotonicMs();
    const { interactive, log } = open;
    const startedMs = performance.now();
    try {
      interactive.transaction.awaitsBuilds = true;
      const buffered = this.#execute(request, interactive.transaction);
      interactive.transaction.checkStatement();
      log.add(request, buffered, performance.now() - startedMs);
      return this.#reply(buffered, interactive.version, request.firstRows);
    } catch (error) {
      log.giveUp();
      throw error;
    }
  }

  #execute(request: RunRequest, transaction: Transaction): BufferedResult {
    const { running, type } = this.#statements.start(request, (graph) => transaction.graph(graph), stateIn(transaction));
    return { parts: this.#collect(running), columns: running.columns, type };
  }

  #collect(running: RunningStatement): RowsPart[] {
    const parts: RowsPart[] = [];
    let bytes = 0;
    for (;;) {
      // Small parts, so that a client's PULL of a few rows does not get far more than it asked for.
      const part = running.pull(parts.length === 0 ? 1000 : 4096, 0);
      parts.push(part);
      bytes += part.bytes.length;
      if (bytes > this.#options.resultBytesMax) {
        throw new DbError('MemoryLimit', `the result of a write takes more than ${this.#options.resultBytesMax} bytes`, { hint: 'return less from the write, or read in a second statement' });
      }
      if (part.summary !== undefined) return parts;
    }
  }

  #reply(result: BufferedResult, version: number, firstRows: number): RunReply {
    const { parts } = result;
    const last = parts.at(-1)!;
    if (last.summary !== undefined) {
      const { stats, plan, mode, notifications, elapsedMs, repeated } = last.summary;
      parts[parts.length - 1] = { bytes: last.bytes, count: last.count, kinds: last.kinds, summary: { version, stats, plan, mode, notifications, elapsedMs, repeated } };
    }
    const fits = parts[0]!.count <= firstRows;
    const first: RowsPart = fits ? parts.shift()! : { bytes: new Uint8Array(), count: 0, summary: undefined };
    let execution = 0;
    if (parts.length > 0) {
      execution = this.#next++;
      this.#results.set(execution, parts);
    }
    return { bytes: first.bytes, count: first.count, kinds: first.kinds, summary: first.summary, columns: result.columns, version, execution, type: result.type };
  }

  async #repeatedReply(answer: Uint8Array, version: number, whyOver: () => DbError | undefined): Promise<RunReply> {
    const { columns, type, part, made } = decodeAnswer(answer);
    await this.#built(made, whyOver);
    const lost = made.find(({ graph, index, isUnique }) => isUnique && this.#transactor.state.head(graph).get(CATALOG, 0)?.data.indexes.some(({ id }) => id === index) !== true);
    if (lost !== undefined) throw new DbError('ConstraintValidation', 'the unique index is not there: a value was there twice when it was built, or it was dropped since', { hint: 'run the statement again under a new key to see which' });
    return {
      columns, type, version, execution: 0, bytes: part.bytes, count: part.count,
      summary: { version, stats: emptyStats(), plan: undefined, mode: 'run', notifications: [], elapsedMs: 0, repeated: true },
    };
  }

  /** The next kept part, whole. */
  pull(request: PullRequest): RowsPart {
    const parts = this.#results.get(request.execution);
    const part = parts?.shift();
    if (part === undefined) throw new DbError('InvalidRequest', `there is no open result ${request.execution}`);
    if (parts!.length === 0) this.#results.delete(request.execution);
    return part;
  }

  discard(execution: number): void {
    this.#results.delete(execution);
  }

  // -------------------------------------------------------------- interactive transactions

  async begin(request: BeginRequest): Promise<BeginReply> {
    await this.#transactor.reachWritten(request.minVersion);
    const key = scopedKey(request.user, request.idempotencyKey);
    const repeated = key === undefined ? undefined : await this.#transactor.findOutcome(key, request.digest);
    if (repeated !== undefined) return { transaction: 0, version: this.#transactor.toldVersion, repeated };
    this.#expire();
    if (this.#transactions.size >= this.#options.transactionsMax) {
      throw new DbError('Busy', `${this.#transactions.size} transactions are open, no more are allowed`, { hint: 'close transactions, or raise max_open_transactions' });
    }
    const interactive = this.#transactor.begin();
    const id = this.#next++;
    const now = this.#options.monotonicMs();
    this.#transactions.set(id, { interactive, log: new StatementLog(), user: request.user, startedMs: now, usedMs: now });
    return { transaction: id, version: interactive.version };
  }

  #open(id: number): OpenTransaction {
    this.#expire();
    const open = this.#transactions.get(id);
    if (open === undefined) {
      if (id < this.#first || id >= this.#next) throw lostWithItsLeader();
      throw new DbError('TransactionNotFound', `there is no open transaction ${id}: it was ended, or was idle for longer than allowed`);
    }
    return open;
  }

  async commit({ transaction: id, user, idempotencyKey, digest, answer }: CommitRequest): Promise<{ version: number }> {
    const key = scopedKey(user, idempotencyKey);
    const open = this.#transactions.get(id);
    if (open === undefined && key !== undefined) return this.#commitAgain(key, digest);
    if (open === undefined) return { version: (this.#open(id), 0) };
    this.#transactions.delete(id);
    let version: number;
    try {
      // A repetition of the commit could not say what became of it.
      if (key !== undefined) open.interactive.transaction.buildBegun();
      const isOutdated = (begun: SystemState, now: SystemState) => hasLostRights(begun, now, open.user);
      version = await this.#transactor.commit(open.interactive, { idempotencyKey: key, digest, answer, isOutdated, answersAtCommit: true });
    } catch (error) {
      open.interactive.close();
      if (asDbError(error).code !== 'Conflict' || !open.log.isRepeatable) throw error;
      return await this.#commitByRepeating(open, error, { idempotencyKey: key, digest, answer });
    }
    await this.#built(open.interactive.transaction.unfinished);
    return { version };
  }

  /** Does on the newest state what the transaction did; where every answer is the one that the client has, it is committed. */
  async #commitByRepeating({ interactive, log }: OpenTransaction, stale: unknown, { idempotencyKey, digest, answer }: Pick<CommitRequest, 'idempotencyKey' | 'digest' | 'answer'>): Promise<{ version: number }> {
    let unfinished: readonly Unfinished[] = [];
    const { version } = await this.#transactor.write((transaction) => {
      transaction.awaitsBuilds = true;
      ({ unfinished } = transaction);
      for (const { request, answer: known } of log.statements) {
        let again: BufferedResult;
        try {
          again = this.#execute(request, transaction);
          transaction.checkStatement();
        } catch {
          // On the newest state it would have failed: the client is to see that when it runs it again.
          throw stale;
        }
        if (hashOf(again) !== known) throw stale;
      }
      if (idempotencyKey !== undefined) transaction.buildBegun();
      return { result: undefined, ...(answer === undefined ? {} : { answer: () => answer }) };
    }, { idempotencyKey, digest, again: interactive, answersAtCommit: true });
    await this.#built(unfinished);
    return { version };
  }

  /** A commit whose transaction is not here: another leader may have made it, or it is lost with that leader. */
  async #commitAgain(key: string, digest: string | undefined): Promise<{ version: number }> {
    if (await this.#transactor.findOutcome(key, digest) !== undefined) return { version: this.#transactor.toldVersion };
    throw lostWithItsLeader();
  }

  rollback(id: number): void {
    const open = this.#transactions.get(id);
    this.#transactions.delete(id);
    open?.interactive.close();
  }

  #expire(): void {
    const now = this.#options.monotonicMs();
    for (const [id, open] of this.#transactions) {
      const idle = now - open.usedMs > this.#options.transactionIdleMs;
      if (idle || now - open.startedMs > this.#options.transactionTotalMs) this.rollback(id);
    }
  }
}

/** Nothing of the transaction was made; drivers run it again by themselves. */
function lostWithItsLeader(): DbError {
  return new DbError('Conflict', 'the leader changed before the transaction was committed; it was not made', { hint: 'run the transaction again' });
}

/** Keys are a user's own: nobody gets another's answer by guessing its key. */
function scopedKey(user: string, key: string | undefined): string | undefined {
  return key === undefined ? undefined : `${user}\n${key}`;
}

/** What tells a statement under a client's key from another one; undefined where it has none, or the server's own. */
function digestOf(request: RunRequest): string | undefined {
  const { idempotencyKey: key, graph, text, encoding } = request;
  return key === undefined || key.startsWith(OWN_KEY_PREFIX) ? undefined : requestDigest([graph, text, encoding, parametersOf(request)]);
}

/** What is kept of an answer for its repetition: columns, type and the first part's rows, and the indexes that it waits for. */
function encodeAnswer(result: BufferedResult, made: readonly Unfinished[]): Uint8Array {
  if (result.parts.length !== 1) return new Uint8Array();
  const writer = new ByteWriter();
  writer.string(result.type).varint(result.columns.length);
  for (const column of result.columns) writer.string(column);
  writer.varint(result.parts[0]!.count).bytes(result.parts[0]!.bytes);
  for (const { graph, index, isUnique } of made) writer.varint(graph).varint(index).u8(isUnique ? 1 : 0);
  return new Uint8Array(writer.view());
}

function decodeAnswer(answer: Uint8Array): { columns: string[]; type: RunReply['type']; part: { bytes: Uint8Array; count: number }; made: Unfinished[] } {
  if (answer.length === 0) return { columns: [], type: 'w', part: { bytes: new Uint8Array(), count: 0 }, made: [] };
  const reader = new ByteReader(answer);
  const type = reader.string() as RunReply['type'];
  const columns: string[] = [];
  for (let left = reader.varint(); left > 0; left--) columns.push(reader.string());
  const count = reader.varint();
  const part = { count, bytes: new Uint8Array(reader.bytes()) };
  const made: Unfinished[] = [];
  while (!reader.done) made.push({ graph: reader.varint(), index: reader.varint(), isUnique: reader.u8() === 1 });
  return { columns, type, part, made };
}
