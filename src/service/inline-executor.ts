/** The reads that run on the main thread itself, as an executor like the others. */
import type { Clock } from '../base/clock.ts';
import type { BeginRequest, CommitRequest, LocalRequest, PullRequest, RowsPart, RunReply, RunRequest } from './api.ts';
import type { Executor } from './executors.ts';
import type { ReadHost } from './read-host.ts';
import { InlineBudgetSpent } from './statement.ts';

const TEXTS_MAX = 1000;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 60_000;
/** By how much each run moves what a statement usually takes. */
const STEP = 1.15;
/** After so many runs that is believed of what is too long here. */
const RUNS_MIN = 4;
/** And of what is not, after so many: till then code is being compiled, and what runs here seldom stays slow here. */
const WARM_RUNS_MIN = 64;
/** Of those that readers take each so-manieth is run here all the same, to learn whether it still takes as long. */
const TRIED_EACH = 16;
/** Whoever has read so lately reads at the same time. */
const CROWD_MS = 20;
/** While others read too, a statement that takes more than this share of the time allowed goes to a reader: this thread serves them all. */
const CROWDED_SHARE = 0.2;
/** Readers with so many requests each have enough to do, and this thread helps. */
const READERS_BUSY_AT = 8;

/** What is known of a statement by its text. */
interface Known {
  /** What it usually takes here: about the median, because a few runs take very long, when the machine is busy or memory is cleaned up. */
  usualMs: number;
  runs: number;
  /** Given to readers since it was last run here. */
  given: number;
  /** Not tried here before then: it was too long. */
  untilMs: number;
  pauseMs: number;
}

export class InlineExecutor implements Executor {
  readonly #host: ReadHost;
  readonly #budget: { readonly rows: number; readonly ms: number };
  /** Requests that the reader with the fewest has; Infinity: there is no reader. */
  readonly #readersLoad: () => number;
  readonly #clock: Clock;
  /**
   * Statements that proved too long here go to a reader at once. But maybe only the machine was busy, or the data has changed, so each is tried again,
   * after a pause that doubles.
   */
  readonly #known = new Map<string, Known>();
  #last: object | undefined;
  #lastMs = 0;
  /** When somebody else than the last has read. */
  #beforeMs = 0;

  constructor(host: ReadHost, budget: { readonly rows: number; readonly ms: number }, readersLoad: () => number, clock: Clock) {
    this.#host = host;
    this.#budget = budget;
    this.#readersLoad = readersLoad;
    this.#clock = clock;
  }

  /** The whole result, when the statement is short and its rows fit the first part; else undefined. `reader`: whoever asks, one at a time. */
  tryRun(request: LocalRequest, reader: object): RunReply | undefined {
    const startedMs = this.#clock.monotonicMs();
    const isCrowded = this.#isCrowded(reader, startedMs);
    const known = this.#knownOf(request.text);
    if (startedMs < known.untilMs || (isCrowded && this.#isForReaders(known))) return undefined;
    known.given = 0;
    try {
      const reply = this.#host.run(request, this.#budget);
      if (reply.execution === 0) {
        this.#learn(known, this.#clock.monotonicMs() - startedMs);
        return reply;
      }
      this.#host.discard(reply.execution);
    } catch (error) {
      if (!(error instanceof InlineBudgetSpent)) throw error;
    }
    this.#pause(known);
    return undefined;
  }

  #knownOf(text: string): Known {
    let known = this.#known.get(text);
    if (known === undefined) {
      if (this.#known.size >= TEXTS_MAX) this.#known.clear();
      this.#known.set(text, known = { usualMs: 0, runs: 0, given: 0, untilMs: 0, pauseMs: 0 });
    }
    return known;
  }

  #isCrowded(reader: object, nowMs: number): boolean {
    if (reader !== this.#last) {
      this.#beforeMs = this.#lastMs;
      this.#last = reader;
    }
    this.#lastMs = nowMs;
    return this.#beforeMs > 0 && nowMs - this.#beforeMs < CROWD_MS;
  }

  #isForReaders(known: Known): boolean {
    if (known.runs < WARM_RUNS_MIN || known.usualMs < this.#budget.ms * CROWDED_SHARE) return false;
    return this.#readersLoad() < READERS_BUSY_AT && ++known.given < TRIED_EACH;
  }

  /** Rows that are touched are counted roughly: what is within them and over the time again and again is too long as well. */
  #learn(known: Known, tookMs: number): void {
    // Of the first runs the shortest counts: in the others code was being compiled.
    if (known.runs < RUNS_MIN) known.usualMs = known.runs === 0 ? tookMs : Math.min(known.usualMs, tookMs);
    else known.usualMs = tookMs > known.usualMs ? known.usualMs * STEP : known.usualMs / STEP;
    known.runs++;
    if (known.runs < RUNS_MIN) return;
    if (known.usualMs > this.#budget.ms) this.#pause(known);
    else known.pauseMs = 0;
  }

  #pause(known: Known): void {
    known.pauseMs = known.pauseMs === 0 ? PAUSE_MS_MIN : Math.min(known.pauseMs * 2, PAUSE_MS_MAX);
    known.untilMs = this.#clock.monotonicMs() + known.pauseMs;
    known.runs = 0;
  }

  async run(request: RunRequest): Promise<RunReply> {
    return this.#host.run(request);
  }
  async pull(request: PullRequest): Promise<RowsPart> {
    return this.#host.pull(request);
  }
  discard(execution: number): void {
    this.#host.discard(execution);
  }
  async begin(request: BeginRequest): Promise<{ transaction: number; version: number }> {
    return this.#host.begin(request);
  }
  async commit(request: CommitRequest): Promise<{ version: number }> {
    return this.#host.end(request.transaction);
  }
  async rollback(transaction: number): Promise<void> {
    this.#host.end(transaction);
  }
}
