/**
 * A write transaction that is a read transaction until it writes.
 *
 * Drivers open a write transaction for everything that is not said to be a read, and most of these only read. So statements
 * run here, in a reader thread and streamed, until the first that writes; a transaction without one never bothers
 * the leader, its writer thread, or the log.
 *
 * With the first write the transaction is begun on the leader, and what was read before is read again there, unseen by the
 * client: if the same rows come back, all reads are now tracked by the leader's transaction, whose commit checks them, and it
 * is as if it had begun there. If other rows come back, or they are too many to compare, the answer is Conflict, which clients
 * retry; the statement is remembered and from then on begins on the leader at once, so that a retry is not in vain.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { DbError } from '../base/errors.ts';
import type { QuerySummary, RowsPart, RunReply } from './api.ts';
import type { BeginOptions, ResultStream, RunOptions, Session, SessionTransaction } from './session.ts';

/** Bytes of earlier reads that the first write reads again, and of open ones that it holds. */
const REPLAY_BYTES_MAX = 4 * 1024 * 1024;
const TEXTS_MAX = 1000;
const PULL_ROWS = 1000;

/** What gives another answer each time: not to be compared. */
const CHANGING = /\b(rand|randomuuid|timestamp|date|datetime|time|localtime|localdatetime)\s*(\.\s*\w+\s*)?\(/i;

/** Statements whose reads could not be read again: their transactions begin on the leader. */
export class EagerTexts {
  readonly #texts = new Set<string>();

  has(text: string): boolean {
    return this.#texts.has(text) || CHANGING.test(text);
  }

  add(text: string): void {
    if (this.#texts.size >= TEXTS_MAX) this.#texts.clear();
    this.#texts.add(text);
  }
}

/** What the transactions need of results; `ResultStream` has it. */
export type DeferredResults = Pick<ResultStream, 'columns' | 'type' | 'version' | 'summary' | 'next' | 'discard'>;

export class DeferredTransaction {
  readonly #session: Session;
  readonly #options: BeginOptions;
  readonly #eager: EagerTexts;
  #reading: SessionTransaction | undefined;
  #writing: SessionTransaction | undefined;
  readonly #reads: TrackedRead[] = [];
  #isOver = false;

  constructor(session: Session, options: BeginOptions, eager: EagerTexts) {
    this.#session = session;
    this.#options = options;
    this.#eager = eager;
  }

  async run(text: string, options: RunOptions): Promise<DeferredResults> {
    if (this.#isOver) throw new DbError('TransactionTerminated', 'the transaction has ended');
    if (this.#writing !== undefined) return this.#writing.run(text, options);
    if (this.#session.writes(text, options.graph ?? this.#options.graph) || this.#eager.has(text)) {
      const writing = await this.#startWriting();
      return writing.run(text, options);
    }
    this.#reading ??= await this.#begun('read');
    const read = new TrackedRead(text, options, await this.#reading.run(text, options));
    this.#reads.push(read);
    return read;
  }

  async #startWriting(): Promise<SessionTransaction> {
    const writing = await this.#begun('write');
    this.#writing = writing;
    for (const read of this.#reads) {
      if (await read.settle(REPLAY_BYTES_MAX) && await read.isSame(writing)) continue;
      this.#eager.add(read.text);
      await this.rollback();
      throw new DbError('Conflict', 'what this transaction has read cannot be confirmed for its first write', { hint: 'run the transaction again' });
    }
    return writing;
  }

  async #begun(mode: 'read' | 'write'): Promise<SessionTransaction> {
    if (this.#isOver) throw new DbError('TransactionTerminated', 'the transaction has ended');
    const begun = await this.#session.begin({ ...this.#options, mode, runsAtOnce: true });
    if (!this.#isOver) return begun;
    // Rolled back while it began.
    await begun.rollback();
    throw new DbError('TransactionTerminated', 'the transaction has ended');
  }

  async commit(): Promise<{ readonly version: number }> {
    if (this.#isOver) throw new DbError('TransactionTerminated', 'the transaction has ended');
    this.#isOver = true;
    const { version } = await (this.#writing ?? this.#reading)?.commit() ?? { version: Math.max(this.#options.minVersion ?? 0, this.#session.service.version) };
    if (this.#writing !== undefined) await this.#reading?.rollback();
    return { version };
  }

  async rollback(): Promise<void> {
    this.#isOver = true;
    await Promise.all([this.#reading?.rollback(), this.#writing?.rollback()]);
  }
}

/** A read whose rows are counted and hashed as they pass to the client. */
class TrackedRead implements DeferredResults {
  readonly text: string;
  readonly #options: RunOptions;
  readonly #results: ResultStream;
  readonly #hash: Hash = createHash('sha1');
  /** Rows that were pulled for the comparison and not yet by the client. */
  readonly #held: RowsPart[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(text: string, options: RunOptions, results: ResultStream) {
    this.text = text;
    this.#options = options;
    this.#results = results;
  }

  get columns(): readonly string[] {
    return this.#results.columns;
  }
  get type(): RunReply['type'] {
    return this.#results.type;
  }
  get version(): number {
    return this.#results.version;
  }
  get summary(): QuerySummary | undefined {
    return this.#results.summary;
  }

  async next(rows: number): Promise<RowsPart> {
    return this.#held.shift() ?? this.#pull(rows);
  }

  async #pull(rows: number): Promise<RowsPart> {
    const part = await this.#results.next(rows);
    this.#bytes += part.bytes.length;
    if (this.#bytes <= REPLAY_BYTES_MAX) this.#hash.update(part.bytes);
    this.#isOver = part.summary !== undefined;
    return part;
  }

  discard(): void {
    // What the client did not look at cannot matter to it: the comparison ends here too.
    this.#isOver = true;
    this.#held.length = 0;
    this.#results.discard();
  }

  /** Pulls the rest, so that it is known what there is to compare; false when that is too much. */
  async settle(bytesMax: number): Promise<boolean> {
    while (!this.#isOver && this.#bytes <= bytesMax) this.#held.push(await this.#pull(PULL_ROWS));
    return this.#bytes <= bytesMax;
  }

  /** Whether the transaction reads the same. */
  async isSame(writing: SessionTransaction): Promise<boolean> {
    const again = await writing.run(this.text, { ...this.#options, onTask: undefined });
    const hash = createHash('sha1');
    let left = this.#bytes;
    for (;;) {
      const part = await again.next(PULL_ROWS);
      hash.update(part.bytes.subarray(0, left));
      left -= Math.min(left, part.bytes.length);
      if (part.summary !== undefined) break;
      if (left === 0) {
        again.discard();
        break;
      }
    }
    return left === 0 && hash.digest().equals(this.#hash.digest());
  }
}
