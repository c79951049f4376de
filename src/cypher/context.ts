/**
 * What a statement is given when it runs, and what it gives back: the types between the engine and its callers.
 */
import type { Surroundings } from '../base/allowance.ts';
import type { Random } from '../base/random.ts';
import type { GraphView } from '../graph/view.ts';
import type { Value } from '../value/value.ts';
import type { ProcedureHost } from './procedures.ts';

export interface ExecLimits {
  /** Most hops of an unbounded variable-length pattern. */
  readonly hopsMax?: number;
  /** Most items one list may get from `range()` and the like. */
  readonly listItemsMax?: number;
  /** Factor on how many vectors a search by an index compares; 0: all of them. Absent: 1. */
  readonly vectorSearchEffort?: number;
  /** What the operators of one statement may hold: rows to sort, groups, collected lists. */
  readonly memoryBytes?: number;
  /** Instead of PARALLEL_ROWS. */
  readonly parallelRows?: number;
}

/** From so many rows on, by the estimates, an aggregation over a scan asks idle threads for help: about ten milliseconds of one thread. */
export const PARALLEL_ROWS = 100_000;

/** Threads that may have nothing to do. */
export interface Helpers {
  readonly areIdle: boolean;
  /** Asks those that are idle, at most so many, to take parts of this statement's work. Their numbers on the board are their places in the list. */
  ask(work: SharedPlan, most: number): readonly Helper[];
}

/** Work that threads share: see exec/parallel.ts. */
export interface SharedPlan {
  readonly board: SharedArrayBuffer;
  /** What the part of the plan is that they run, to be sure that it is the same. */
  readonly plan: string;
  /** What each of so many may hold. */
  memoryBytes(count: number): number;
}

export interface Helper {
  /** What it has found, once the board says that it has ended; undefined: nothing that is of use. */
  result(): unknown;
  /** It is not asked any more. */
  release(): void;
}

export interface FullTextSettings {
  readonly enabled: boolean;
  readonly analyzer: string;
}

export interface GraphFacts {
  readonly name: string;
  readonly description: string;
  readonly strict: boolean;
}

/** One record of a CSV file: a list of texts, or a map by the header's names. */
export interface CsvSource {
  /** `place.line`: where the record that was taken last ends, counted from 1. */
  open(url: string, options: { readonly headers: boolean; readonly fieldTerminator: string }, place?: { line: number }): Iterable<Value>;
}

/** A temporary file of one operator. It is gone once it is closed, and with the process. */
export interface SpillFile {
  /** Returns where the bytes begin. Throws `ReadOnlyDisk` where no space is left, `MemoryLimit` where all statements together take too much. */
  append(bytes: Uint8Array): number;
  read(at: number, length: number): Uint8Array;
  close(): void;
}

/** Where statements put what they may not hold in memory. */
export interface SpillStore {
  readonly statementBytesMax: number;
  open(): SpillFile;
}

export interface ExecContext {
  /** A `GraphWriter` where the statement updates. */
  readonly view: GraphView;
  readonly parameters: ReadonlyMap<string, Value>;
  readonly procedures: ProcedureHost;
  /** Called at each batch and inside long loops with the rows made since; throws on deadline, kill or memory budget. */
  checkpoint(rows: number): void;
  /** The statement's clock, in milliseconds since 1970. */
  readonly wallMs: number;
  /** When the transaction began; the statement's own time where absent. */
  readonly transactionMs?: number;
  readonly random: Random;
  readonly timeZone: string;
  readonly limits: ExecLimits;
  /** Where LOAD CSV reads from; absent: the clause is refused. */
  readonly csv?: CsvSource | undefined;
  /** Full-text indexes: whether this server offers them, and the analyzer of those that name none. Absent: yes, `standard`. */
  readonly fullText?: FullTextSettings | undefined;
  /** Whether the user may read a field of a label or type; absent: every one. What searches in contents asks it. */
  readonly mayRead?: ((kind: 'vertex' | 'edge', label: string, field: string) => boolean) | undefined;
  /** Absent: a statement that would hold more than `limits.memoryBytes` ends with MemoryLimit. */
  readonly spill?: SpillStore | undefined;
  /** The graphs that the user may see, for graph.names(). */
  readonly graphs?: (() => readonly GraphFacts[]) | undefined;
  /** Absent: the statement is not divided. */
  readonly helpers?: Helpers | undefined;
  /** For the procedure host; the engine does not look at it. */
  readonly session?: unknown;
}

/** What code inside values asks on behalf of the statement. */
export function surroundingsOf({ checkpoint, limits }: Pick<ExecContext, 'checkpoint' | 'limits'>): Surroundings {
  return { checkpoint: () => checkpoint(0), valueBytesMax: limits.memoryBytes ?? Infinity };
}

export interface QueryStats {
  nodesCreated: number;
  nodesDeleted: number;
  relationshipsCreated: number;
  relationshipsDeleted: number;
  propertiesSet: number;
  labelsAdded: number;
  labelsRemoved: number;
  indexesAdded: number;
  indexesRemoved: number;
  constraintsAdded: number;
  constraintsRemoved: number;
  /** TuGraph's `<SUMMARY>` text of the last updating clause, '' where nothing updates. */
  summary: string;
}

/** An operator of a plan, as data for EXPLAIN and PROFILE. */
export interface PlanDescription {
  readonly operator: string;
  readonly details: string;
  readonly identifiers: readonly string[];
  readonly estimatedRows: number;
  /** PROFILE only. */
  readonly rows?: number;
  readonly timeMs?: number;
  /** Reads and changes of the graph, as exec/counted-view.ts counts them. */
  readonly dbHits?: number;
  readonly children: readonly PlanDescription[];
}

export interface Notification {
  readonly code: string;
  readonly title: string;
  readonly description: string;
  readonly severity: 'WARNING' | 'INFORMATION';
  readonly position?: { readonly line: number; readonly column: number; readonly offset: number };
}

export interface Execution {
  readonly columns: readonly string[];
  /** Pulls the result in batches; once it ends `stats` are final. May be taken once. */
  rows(): Generator<Value[][]>;
  readonly stats: QueryStats;
  /** EXPLAIN and PROFILE; a profile is complete once `rows()` ended. */
  readonly plan: PlanDescription | undefined;
  readonly notifications: readonly Notification[];
}

export function emptyStats(): QueryStats {
  return {
    nodesCreated: 0, nodesDeleted: 0, relationshipsCreated: 0, relationshipsDeleted: 0, propertiesSet: 0,
    labelsAdded: 0, labelsRemoved: 0, indexesAdded: 0, indexesRemoved: 0, constraintsAdded: 0, constraintsRemoved: 0,
    summary: '',
  };
}
