/**
 * What the parts of the planner share while one statement is planned.
 */
import type { Projection } from '../ast.ts';
import type { ExecLimits } from '../context.ts';
import type { ProcedureHost } from '../procedures.ts';
import type { Statistics } from './statistics.ts';

/** Hops of `*` where no limit is given. */
export const HOPS_MAX = 1_000_000;

export class PlannerContext {
  readonly stats: Statistics;
  readonly procedures: ProcedureHost;
  readonly limits: ExecLimits;
  /** Nodes that `USING START ON`, `USING INDEX` or `USING SCAN` name, in the MATCH being planned. */
  startHints: ReadonlySet<string> = new Set();
  /** Whether what follows the MATCH being planned looks only at which rows there are, not at how many. */
  distinctEnds = false;
  /** The projection being planned belongs to the statement itself: its plan begins with a single row. */
  beginsWithOneRow = false;
  /** What each `*` stands for. */
  readonly stars: ReadonlyMap<Projection, readonly string[]>;
  readonly #mentions: ReadonlyMap<string, number> | undefined;
  #fresh = 0;

  /** `mentions`: how often each name occurs in the statement; undefined if all count as used. */
  constructor(
    stats: Statistics, procedures: ProcedureHost, limits: ExecLimits, mentions: ReadonlyMap<string, number> | undefined,
    stars: ReadonlyMap<Projection, readonly string[]>,
  ) {
    this.stars = stars;
    this.stats = stats;
    this.procedures = procedures;
    this.limits = limits;
    this.#mentions = mentions;
  }

  fresh(what: string): string {
    return ` ${what}${this.#fresh++}`;
  }

  /** Whether anything but its one pattern mentions the variable. */
  isUsed(name: string): boolean {
    if (name.startsWith(' ')) return false;
    return this.#mentions === undefined || (this.#mentions.get(name) ?? 0) > 1;
  }
}
