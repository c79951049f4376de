/**
 * Forgets remembered outcomes when their time is up: the leader proposes it, so every replica forgets the same.
 *
 * What is remembered is only known by reading all of it once, when this server becomes leader. From then on its age is measured by a
 * monotonic clock: what was promised to be kept must not go because a calendar is ahead of that of the last leader, or is set right.
 */
import { ByteReader } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { asDbError } from '../base/errors.ts';
import { blockKey } from '../graph/blocks.ts';
import { OUTCOME, outcomeNumber, SYSTEM_GRAPH } from '../graph/system.ts';
import type { Engine } from '../storage/engine.ts';
import type { Transactor } from './transactor.ts';

const FORGOTTEN_AT_ONCE = 10_000;
/** What earlier leaders have remembered stays at least so long, or for all its time if that is less: their clocks may have been behind. */
const HELD_MS = 600_000;

export class OutcomeKeeper {
  readonly #engine: Engine;
  readonly #transactor: Transactor;
  readonly #clock: Clock;
  readonly #keptMs: (key: string) => number;
  /** Block number → when it may go, in monotonic time. */
  readonly #due = new Map<number, number>();

  constructor(engine: Engine, transactor: Transactor, clock: Clock, options: { readonly keptMs: (key: string) => number }) {
    this.#engine = engine;
    this.#transactor = transactor;
    this.#clock = clock;
    this.#keptMs = options.keptMs;
  }

  note(key: string, atMs: number): void {
    const number = outcomeNumber(key);
    const keptMs = this.#keptMs(key);
    const restMs = Math.min(keptMs, Math.max(atMs + keptMs - this.#clock.wallMs(), Math.min(keptMs, HELD_MS)));
    this.#due.set(number, Math.max(this.#due.get(number) ?? 0, this.#clock.monotonicMs() + restMs));
  }

  /** Reads what earlier leaders have remembered. */
  async load(): Promise<void> {
    this.#due.clear();
    const range = { gte: blockKey(SYSTEM_GRAPH, OUTCOME.tag, 0), lt: blockKey(SYSTEM_GRAPH, OUTCOME.tag + 1, 0) };
    for await (const batch of this.#engine.entries(range)) {
      for (const [, bytes] of batch) {
        for (const { key, atMs } of OUTCOME.decode(new ByteReader(bytes)).outcomes) this.note(key, atMs);
      }
    }
  }

  async forgetOld(): Promise<void> {
    if (!this.#transactor.leading || this.#due.size === 0) return;
    const now = this.#clock.monotonicMs();
    const old: number[] = [];
    for (const [block, due] of this.#due) {
      if (due <= now) old.push(block);
      if (old.length >= FORGOTTEN_AT_ONCE) break;
    }
    if (old.length === 0) return;
    try {
      await this.#transactor.write((transaction) => {
        transaction.forgetOutcomes(old);
        return { result: undefined };
      });
      for (const block of old) this.#due.delete(block);
    } catch (error) {
      // Another leader, or a busy moment: the next round (there or here) does it.
      asDbError(error);
    }
  }
}
