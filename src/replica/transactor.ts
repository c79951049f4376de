/**
 * The transactor: runs write transactions on the leader's head, has them replicated, and applies what the group has
 * committed, in log order, on every server. It is the writer thread's core, and the only user of `StateWriter`.
 *
 * A transaction runs to its end in one go (everything under it is synchronous), so the head needs no locks. Its effects are
 * staged over the head at once and proposed with all others of the same tick; the caller hears of it when the entry is
 * committed *and* written here, or before that if it changed nothing but data (decision 028). When leadership goes, the staged
 * changes are dropped and what the group committed after all arrives like any other entry.
 */
import { DbError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { assert } from '../base/assert.ts';
import { IdWindow } from '../base/id-window.ts';
import { applyEffects } from '../graph/effects.ts';
import type { StateReader } from '../graph/state-reader.ts';
import { CATALOG } from '../graph/blocks.ts';
import type { EntryToWrite, Staged, StateWriter } from '../graph/state-writer.ts';
import { OUTCOME, outcomeNumber, SYSTEM_GRAPH } from '../graph/system.ts';
import type { SystemState } from '../graph/system.ts';
import { Transaction } from '../graph/transaction.ts';
import type { IdAllocator } from '../graph/transaction.ts';
import { ChangeSet } from '../graph/write-buffer.ts';
import { EarlyAnswers } from './early-answers.ts';
import type { EarlyAnswersOptions } from './early-answers.ts';
import { InteractiveTransaction } from './interactive.ts';
import { answerTo, keptAnswer } from './kept-answer.ts';
import { pack, unpack } from './packed.ts';
import { mayPropose } from './record-size.ts';
import type { ConsensusToWriter, WriterToConsensus } from './protocol.ts';

/** The writer's end of the port to the consensus thread. */
export interface ConsensusPort {
  post(message: WriterToConsensus, transfer: readonly ArrayBuffer[]): void;
}

export interface TransactorOptions {
  readonly writer: StateWriter;
  /** Snapshots for interactive transactions. */
  readonly reader: StateReader;
  readonly port: ConsensusPort;
  readonly clock: Clock;
  /** Bytes proposed and not yet committed, at most; beyond it writes are refused with `Busy`. */
  readonly uncommittedBytesMax: number;
  /** A single transaction's effects, at most. */
  readonly entryBytesMax: number;
  /** An index over more elements than these is built in parts: by whoever calls (service/index-builder.ts). Absent: none is. */
  readonly indexedAtOnceMax?: number;
  /** Blocks an interactive transaction may read. */
  readonly blocksReadMax?: number;
  /** How often the state store is synced, so that the log behind it can go. */
  readonly syncIntervalMs: number;
  /** When clients may be told before the state store has their writes (absent: always). */
  readonly early?: Omit<EarlyAnswersOptions, 'clock'>;
  /** A failure to apply: replicas must not drift, so the process has to stop. */
  readonly onFatal: (error: unknown) => void;
  /** Nothing can be written to the state store: this transactor ends here, and a new one goes on when there is space. */
  readonly onDiskFull?: (error: DbError) => void;
  readonly onRole?: (leading: boolean, term: number) => void;
  /** The outcome of a request with that key will be remembered. */
  readonly onOutcome?: (key: string, atMs: number) => void;
}

export interface WriteOptions {
  /** What the client has seen: done only where at least that is applied. */
  readonly minVersion?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Which request that is, as 32 hexadecimal digits: another one under the same key is refused. Undefined: not known. */
  readonly digest?: string | undefined;
  /** It resolves once it is committed, if it changed nothing but data; what is written here then may be older than `StateReader.answeredVersion`. */
  readonly answersAtCommit?: boolean | undefined;
  /** An interactive transaction's answer to a repetition. */
  readonly answer?: Uint8Array | undefined;
  /** The work is what that transaction did, done again: at its time, with its ids, under the same leadership or not at all. */
  readonly again?: InteractiveTransaction | undefined;
  /** Whether what an interactive transaction did at the system state it began in is not to be committed at that of now. */
  readonly isOutdated?: ((begun: SystemState, now: SystemState) => boolean) | undefined;
}

export interface Written<T> {
  /** The version of this write. */
  readonly version: number;
  readonly result: T | undefined;
  /** Set when the request had been done before: its answer then (empty if it was too large to keep). */
  readonly repeated?: Uint8Array;
}

/** What the caller does inside a transaction; `answer` is kept for repetitions when the request has a key. */
export type Work<T> = (transaction: Transaction) => { readonly result: T; readonly answer?: () => Uint8Array };

/** A leader applies what it committed within milliseconds; a deposed one hears of it within an election timeout or two. */
const REACH_MS = 1000;
const NO_ANSWER = new Uint8Array();
const APPLY_ENTRIES_MAX = 1024;
/** Far less than the consensus thread delivers ahead. */
const TELL_BYTES = 1 << 20;
const TELL_MS = 10;

interface Pending {
  readonly epoch: number;
  readonly bytes: number;
  readonly timeMs: number;
  readonly answersAtCommit: boolean;
  staged: Staged | undefined;
  resolve(version: number): void;
  reject(error: DbError): void;
}

interface CommittedEntry {
  readonly index: number;
  readonly id: number;
  readonly data: Uint8Array | undefined;
}

type Task =
  | { readonly kind: 'entries'; readonly entries: readonly CommittedEntry[] }
  | { readonly kind: 'following' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'leading'; readonly term: number; readonly readyIndex: number; readonly epoch: number };

export class Transactor {
  readonly #options: TransactorOptions;
  readonly #writer: StateWriter;
  readonly #pending = new IdWindow<Pending>();
  readonly #tasks: Task[] = [];
  readonly #ids = new SharedIds();
  readonly #early: EarlyAnswers;
  #outgoing: { id: number; record: Uint8Array }[] = [];
  #epoch = 1;
  #term = 0;
  #open = false;
  #becoming: { term: number; readyIndex: number } | undefined;
  #uncommittedBytes = 0;
  /** The last entry that this thread was told is committed, and the last one whose client was told before it was written. */
  #committed = 0;
  #answered = 0;
  #busy = false;
  #lastSyncMs = 0;
  /** Bytes of entries that were applied since the consensus thread was told, and when it will be. */
  #untoldBytes = 0;
  #tellTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Set for good: LevelDB takes no writes after a failed one until it is opened again. */
  #diskFull: DbError | undefined;
  readonly #repeats = new Map<string, Promise<unknown>>();

  constructor(options: TransactorOptions) {
    this.#options = options;
    this.#writer = options.writer;
    this.#early = new EarlyAnswers({ clock: options.clock, ...options.early });
    this.#lastSyncMs = options.clock.monotonicMs();
  }

  /** Whether writes are accepted here now. */
  get leading(): boolean {
    return this.#open;
  }

  /** Snapshots of what is committed here. */
  get reader(): StateReader {
    return this.#options.reader;
  }

  get state(): StateWriter {
    return this.#writer;
  }

  /** As new as anything that a client was told of here. */
  get toldVersion(): number {
    return Math.max(this.#writer.version, this.#answered);
  }

  // -------------------------------------------------------------- writes

  /** Runs the work as one transaction and resolves when it is committed and applied here, or as `answersAtCommit` says. */
  async write<T>(work: Work<T>, options: WriteOptions = {}): Promise<Written<T>> {
    this.#checkOpen();
    await this.reach(options.minVersion ?? 0);
    const key = options.idempotencyKey;
    while (this.#repeats.has(key ?? '')) await this.#settled(key!);
    // From here to the proposal nothing is waited for: of two requests with one key that come in together, one finds the other.
    this.#checkOpen();
    const repeated = key === undefined ? undefined : this.#answerOf(key, options.digest);
    if (repeated !== undefined) return { version: this.toldVersion, result: undefined, repeated };
    const { done, result } = this.#run(work, options);
    if (key !== undefined) this.#noteRepeat(key, done);
    return { version: await done, result };
  }

  /** A function of its own: what a transaction is made of must not be kept by one that waits for the group. */
  #run<T>(work: Work<T>, { again, idempotencyKey: key, digest, answersAtCommit }: WriteOptions): { readonly done: Promise<number>; readonly result: T } {
    if (again !== undefined && again.epoch !== this.#epoch) throw conflict();
    const transaction = new Transaction({
      base: (graph) => this.#writer.head(graph), baseVersion: this.#writer.version,
      timeMs: again?.transaction.timeMs ?? Math.floor(this.#options.clock.wallMs()), ids: again?.idsAgain() ?? this.#ids,
      effectBytesMax: this.#options.entryBytesMax, indexedAtOnceMax: this.#options.indexedAtOnceMax,
    });
    const { result, answer } = work(transaction);
    transaction.checkCommit();
    if (key !== undefined) this.#remember(transaction, key, keptAnswer(answer?.() ?? NO_ANSWER, digest));
    return { done: this.#propose(transaction.changes, transaction.effects.finish(), transaction.timeMs, answersAtCommit), result };
  }

  /**
   * What a client has seen elsewhere, the leader has too, or will have in a moment. A server that does not was deposed and has not
   * heard of it yet: what it would answer, errors included, is of the past.
   */
  async reach(version: number): Promise<void> {
    // All that a leader has proposed is in its head.
    if (!this.#open || version > this.#committed) await this.reachWritten(version);
  }

  /** As `reach`, for whoever looks at what is written: that has then whatever a client was told of. */
  async reachWritten(least: number): Promise<void> {
    const version = Math.max(least, this.#answered);
    if (version <= this.#writer.version || await this.#options.reader.reached(version, REACH_MS)) return;
    throw new DbError('VersionNotReached', `this server has version ${this.#writer.version} and the client has seen ${version}: another server leads`, { facts: { asked_version: version } });
  }

  begin(): InteractiveTransaction {
    this.#checkOpen();
    return new InteractiveTransaction(this.#options.reader, {
      epoch: this.#epoch, timeMs: Math.floor(this.#options.clock.wallMs()), ids: this.#ids, effectBytesMax: this.#options.entryBytesMax, indexedAtOnceMax: this.#options.indexedAtOnceMax, blocksReadMax: this.#options.blocksReadMax,
    });
  }

  /** Validates an interactive transaction against the head and commits it; resolves with its version. */
  async commit(interactive: InteractiveTransaction, options: WriteOptions = {}): Promise<number> {
    try {
      this.#checkOpen();
      const { transaction } = interactive;
      transaction.checkCommit();
      const key = options.idempotencyKey;
      while (this.#repeats.has(key ?? '')) await this.#settled(key!);
      this.#checkOpen();
      if (key !== undefined && this.#answerOf(key, options.digest) !== undefined) return this.toldVersion;
      if (interactive.epoch !== this.#epoch || interactive.conflicts(this.#writer, options.isOutdated)) throw conflict();
      if (key !== undefined) this.#remember(transaction, key, keptAnswer(options.answer ?? NO_ANSWER, options.digest));
      const record = transaction.effects.finish();
      const changes = new ChangeSet((graph) => this.#writer.head(graph));
      applyEffects(changes, record, 0);
      const done = this.#propose(changes, record, transaction.timeMs, options.answersAtCommit);
      if (key !== undefined) this.#noteRepeat(key, done);
      return await done;
    } finally {
      interactive.close();
    }
  }

  #checkOpen(): void {
    if (this.#stopped) throw new DbError('ShuttingDown', 'this server is shutting down; the write was not made', { facts: { not_made: 1 } });
    if (this.#diskFull !== undefined) throw this.#diskFull;
    if (!this.#open) throw new DbError('NotLeader', 'this server is not the leader');
    if (this.#uncommittedBytes > this.#options.uncommittedBytesMax) {
      throw new DbError('Busy', `${this.#uncommittedBytes} bytes of writes wait for the group's majority`, { hint: 'try again shortly; is a follower slow or down?' });
    }
  }

  /**
   * The stored answer of the request with that key, on the leader: undefined means that it was not done and, since whatever an
   * earlier leader left uncommitted is gone for good, that it never will be.
   */
  async findOutcome(key: string, digest?: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    while (this.#repeats.has(key)) await this.#settled(key);
    return this.#answerOf(key, digest);
  }

  /** The request with that key that is under way has ended; its failure is its own caller's to report, here it means "not done yet". */
  async #settled(key: string): Promise<void> {
    await this.#repeats.get(key)?.catch(() => undefined);
  }

  #answerOf(key: string, digest: string | undefined): Uint8Array | undefined {
    const block = this.#writer.head(SYSTEM_GRAPH).get(OUTCOME, outcomeNumber(key));
    const known = block?.outcomes.find((one) => one.key === key);
    return known === undefined ? undefined : answerTo(digest, known.answer);
  }

  #noteRepeat(key: string, done: Promise<unknown>): void {
    this.#repeats.set(key, done);
    const forget = () => {
      if (this.#repeats.get(key) === done) this.#repeats.delete(key);
    };
    done.then(forget, forget);
  }

  #remember(transaction: Transaction, key: string, kept: Uint8Array): void {
    transaction.rememberOutcome(key, kept);
    this.#options.onOutcome?.(key, transaction.timeMs);
  }

  #propose(changes: ChangeSet, record: Uint8Array, timeMs: number, mayAnswer = false): Promise<number> {
    mayPropose(record.length, this.#options.entryBytesMax);
    const staged = this.#writer.stage(changes);
    this.#uncommittedBytes += record.length;
    if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
    const answersAtCommit = mayAnswer && isOfDataAlone(changes);
    return new Promise<number>((resolve, reject) => {
      const id = this.#pending.add({ epoch: this.#epoch, bytes: record.length, timeMs, answersAtCommit, staged, resolve, reject });
      this.#outgoing.push({ id, record });
    });
  }

  /** Sends everything proposed in this tick as one message. */
  #flush(): void {
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return;
    this.#outgoing = [];
    const data = pack(outgoing.map((one) => one.record));
    this.#options.port.post(
      { kind: 'propose', term: this.#term, epoch: this.#epoch, ids: outgoing.map((one) => one.id), data },
      [data.bytes.buffer as ArrayBuffer],
    );
  }

  // -------------------------------------------------------------- from the consensus thread

  receive(message: ConsensusToWriter): void {
    switch (message.kind) {
      case 'committed': {
        const data = unpack(message.data);
        const entries = message.terms.map((_, i) => ({ index: message.first + i, id: message.ids[i]!, data: message.kinds[i] === 1 ? data[i] : undefined }));
        this.#committed = entries.at(-1)!.index;
        this.#early.committed(bytesOf(entries));
        this.#tasks.push({ kind: 'entries', entries });
        // The answers leave with the immediates of this turn of the event loop: what there is to write is begun behind them.
        if (this.#answer(entries)) return void setImmediate(() => setImmediate(() => void this.#work()));
        break;
      }
      case 'leading':
        if (this.#open && message.term !== this.#term) {
          this.#close();
          this.#tasks.push({ kind: 'following' });
        }
        this.#tasks.push({ kind: 'leading', term: message.term, readyIndex: message.readyIndex, epoch: this.#epoch });
        break;
      case 'following':
        this.#close();
        this.#tasks.push({ kind: 'following' });
        break;
      case 'rejected':
        this.#rejected(message.ids, message.reason);
        break;
      case 'sync':
        this.#tasks.push({ kind: 'sync' });
        break;
    }
    if (!this.#busy) this.#maybeOpen();
    void this.#work();
  }

  /** No more writes; proposals not yet sent are surely not applied. */
  #close(): void {
    const wasOpen = this.#open;
    this.#open = false;
    this.#becoming = undefined;
    this.#epoch++;
    this.#rejected(this.#outgoing.map((one) => one.id), 'not-leader');
    this.#outgoing = [];
    if (wasOpen) this.#options.onRole?.(false, this.#term);
  }

  #rejected(ids: readonly number[], reason: Extract<ConsensusToWriter, { kind: 'rejected' }>['reason']): void {
    let current = false;
    for (const id of ids) {
      const pending = this.#take(id);
      if (pending === undefined) continue;
      current ||= pending.epoch === this.#epoch;
      pending.reject(rejection(reason));
    }
    // What was proposed after a rejected entry was built on it: start over from what is committed, with a new epoch.
    if (current && this.#open) {
      const term = this.#term;
      this.#close();
      this.#tasks.push({ kind: 'following' }, { kind: 'leading', term, readyIndex: 0, epoch: this.#epoch });
    }
  }

  /** Resolves what need not wait until it is written. Gives whether there is any. */
  #answer(entries: readonly CommittedEntry[]): boolean {
    if (this.#diskFull !== undefined || !this.#early.allowed) return false;
    const before = this.#answered;
    for (const { id, index } of entries) {
      const pending = id === 0 ? undefined : this.#pending.get(id);
      if (pending?.answersAtCommit !== true) continue;
      this.#answered = index;
      pending.resolve(index);
    }
    if (this.#answered === before) return false;
    // Who was resolved goes on after this.
    this.#writer.noteAnswered(this.#answered);
    return true;
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.take(id);
    if (pending === undefined) return undefined;
    this.#uncommittedBytes -= pending.bytes;
    return pending;
  }

  /** Nobody will hear of the open proposals here. */
  #leaveOpen(): void {
    for (const [id] of this.#pending) this.#take(id)!.reject(rejection('unknown'));
  }

  // -------------------------------------------------------------- applying

  async #work(): Promise<void> {
    if (this.#busy || this.#diskFull !== undefined) return;
    this.#busy = true;
    try {
      for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
        if (task.kind === 'entries') await this.#apply(this.#more(task.entries));
        else if (task.kind === 'following') this.#dropHead();
        else if (task.kind === 'sync') await this.#sync();
        // Leadership that was lost again while this waited in the queue is not taken up.
        else if (!this.#open && task.epoch === this.#epoch) this.#becoming = { term: task.term, readyIndex: task.readyIndex };
        this.#maybeOpen();
      }
    } catch (error) {
      if (error instanceof DbError && error.code === 'ReadOnlyDisk' && this.#options.onDiskFull !== undefined) {
        this.#diskFull = error;
        // What was answered is committed, but cannot be read here for now: who has seen its version waits, and nobody else is held up.
        this.#writer.noteAnswered(0);
        this.#leaveOpen();
        this.#options.onDiskFull(error);
      } else {
        this.#stopped = true;
        this.#options.onFatal(error);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** With the entries of the tasks behind it, up to a batch's size. */
  #more(entries: readonly CommittedEntry[]): readonly CommittedEntry[] {
    let all = entries;
    while (all.length < APPLY_ENTRIES_MAX) {
      const next = this.#tasks[0];
      if (next?.kind !== 'entries') break;
      this.#tasks.shift();
      all = [...all, ...next.entries];
    }
    return all;
  }

  #dropHead(): void {
    this.#writer.dropStaged();
    this.#ids.reset();
    for (const [, pending] of this.#pending) pending.staged = undefined;
  }

  /** Opens for writes once this leadership's no-op is applied and no proposal of an earlier epoch is unresolved. */
  #maybeOpen(): void {
    const becoming = this.#becoming;
    if (becoming === undefined || this.#writer.version < becoming.readyIndex) return;
    for (const [, pending] of this.#pending) if (pending.epoch < this.#epoch) return;
    this.#dropHead();
    this.#becoming = undefined;
    this.#term = becoming.term;
    this.#open = true;
    this.#options.onRole?.(true, becoming.term);
  }

  async #apply(entries: readonly CommittedEntry[]): Promise<void> {
    const toWrite: EntryToWrite[] = [];
    const done: { pending: Pending; index: number }[] = [];
    for (const entry of entries) {
      if (entry.index <= this.#writer.version) continue;
      const pending = entry.id === 0 ? undefined : this.#take(entry.id);
      if (pending !== undefined) done.push({ pending, index: entry.index });
      toWrite.push(this.#toWrite(entry, pending));
    }
    if (toWrite.length === 0) return this.#early.written(bytesOf(entries));
    const now = this.#options.clock.monotonicMs();
    const sync = now - this.#lastSyncMs > this.#options.syncIntervalMs;
    if (sync) this.#lastSyncMs = now;
    try {
      await this.#writer.write(toWrite, { sync });
    } catch (error) {
      // Committed, but not here: the client is not told what it could not read back.
      for (const { pending } of done) pending.reject(rejection('unknown'));
      throw error;
    }
    for (const { pending, index } of done) pending.resolve(index);
    const bytes = bytesOf(entries);
    this.#early.written(bytes);
    this.#untoldBytes += bytes;
    if (sync || this.#untoldBytes > TELL_BYTES) this.#tellApplied();
    else this.#tellTimer ??= setTimeout(() => this.#tellApplied(), TELL_MS).unref();
  }

  /** Nobody waits for it: it bounds what may be delivered, lets the log go, and is shown. So it need not wake a thread for each write. */
  #tellApplied(): void {
    clearTimeout(this.#tellTimer);
    this.#tellTimer = undefined;
    this.#untoldBytes = 0;
    this.#options.port.post({ kind: 'applied', index: this.#writer.version, durable: this.#writer.durableVersion }, []);
  }

  async #sync(): Promise<void> {
    if (this.#writer.durableVersion < this.#writer.version) await this.#writer.sync();
    this.#lastSyncMs = this.#options.clock.monotonicMs();
    this.#tellApplied();
  }

  #toWrite(entry: CommittedEntry, pending: Pending | undefined): EntryToWrite {
    if (pending?.staged !== undefined) return { index: entry.index, staged: pending.staged, timeMs: pending.timeMs };
    if (entry.data === undefined) return { index: entry.index, staged: undefined, timeMs: 0 };
    const { staged, timeMs } = this.#writer.stageRecord(entry.data, entry.index);
    return { index: entry.index, staged, timeMs };
  }

  /** Refuses new writes, lets what is under way end, and syncs the state store. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    const deadline = this.#options.clock.monotonicMs() + timeoutMs;
    while ((this.#busy || this.#pending.size > 0) && this.#options.clock.monotonicMs() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#leaveOpen();
    if (!this.#busy && this.#diskFull === undefined) await this.#writer.sync();
  }

  /** Answers every open proposal when the consensus thread is gone. */
  abandon(): void {
    this.#stopped = true;
    clearTimeout(this.#tellTimer);
    this.#leaveOpen();
  }
}

function bytesOf(entries: readonly CommittedEntry[]): number {
  return entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

/** Whether neither users nor graphs nor schema are changed: those are looked at where they are written. Outcomes are looked at in the head. */
function isOfDataAlone(changes: ChangeSet): boolean {
  for (const [graph, buffer] of changes.graphs) {
    if (graph === SYSTEM_GRAPH ? !buffer.changesOnly(OUTCOME) : buffer.changes(CATALOG)) return false;
  }
  return true;
}

/** Ids above everything the head has, so that open transactions and the head never give one twice. */
class SharedIds implements IdAllocator {
  readonly #vertices = new Map<number, number>();
  readonly #edges = new Map<number, number>();

  vertex(graph: number, floor: number): number {
    return take(this.#vertices, graph, floor);
  }
  edge(graph: number, floor: number): number {
    return take(this.#edges, graph, floor);
  }
  reset(): void {
    this.#vertices.clear();
    this.#edges.clear();
  }
}

function take(next: Map<number, number>, graph: number, floor: number): number {
  const id = Math.max(floor, next.get(graph) ?? 0);
  assert(id < 2 ** 40, 'ids fit in 40 bits');
  next.set(graph, id + 1);
  return id;
}

function conflict(): DbError {
  return new DbError('Conflict', 'something this transaction has read was changed by another before it could commit', { hint: 'run the transaction again' });
}

function rejection(reason: Extract<ConsensusToWriter, { kind: 'rejected' }>['reason']): DbError {
  switch (reason) {
    case 'not-leader':
      return new DbError('NotLeader', 'this server is no longer the leader; the write was not made');
    case 'lost':
      return new DbError('NotLeader', 'leadership changed before the write reached a majority; it was not made');
    case 'busy':
      return new DbError('Busy', 'too many writes wait for the group; this one was not made', { hint: 'try again shortly' });
    case 'disk-full':
      return new DbError('ReadOnlyDisk', "the leader's disk is full; the write was not made", { hint: 'free space in the data directory; writes resume by themselves' });
    case 'unknown':
      return new DbError('OutcomeUnknown', 'leadership was lost while the write was under way: it may or may not have been made', {
        hint: 'read back before you repeat it, or send an Idempotency-Key with the request',
      });
  }
}
