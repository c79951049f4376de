/**
 * The nouns of the consensus core: entries, hard state, configurations, and what a restart starts from.
 */

/** A server's identity: 64 random bits in hexadecimal, one for each data directory. The core only compares them. */
export type NodeId = string;

/** A leader's first entry of its term (§8): committing it commits everything before it. */
export const ENTRY_NOOP = 0;
export const ENTRY_DATA = 1;
/** A whole configuration (not a difference), effective as soon as it is appended (§4.1 of the thesis). */
export const ENTRY_CONFIG = 2;
export type EntryKind = typeof ENTRY_NOOP | typeof ENTRY_DATA | typeof ENTRY_CONFIG;

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What one entry costs in memory and in a message, apart from its data. */
export const ENTRY_OVERHEAD_BYTES = 24;

export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

/** Must be on disk before anybody hears of it (Figure 2: "persistent state on all servers"). */
export interface HardState {
  readonly term: number;
  readonly votedFor: NodeId | undefined;
}

export interface Member {
  readonly id: NodeId;
  /** A learner (false) receives entries and counts nowhere. */
  readonly voter: boolean;
  /** Keeps the log, has no state machine. */
  readonly witness: boolean;
  /** Addresses and the like: the core carries it and never looks inside. */
  readonly info: string;
}

/** Members sorted by id, so that every server iterates in the same order. */
export interface Config {
  readonly members: readonly Member[];
}

export interface ConfigAt {
  readonly index: number;
  readonly config: Config;
}

/** From `index` on (up to the next run) entries have this term. */
export interface TermRun {
  readonly index: number;
  readonly term: number;
}

/** Reads entries that have been persisted. Always answers at least one entry, then as many as fit in `bytesMax`. */
export interface LogReader {
  entries(from: number, to: number, bytesMax: number): readonly Entry[];
}

/** What the log store found on disk. */
export interface Recovered {
  readonly hard: HardState;
  /** The log begins behind this index (a snapshot or compaction point; 0 when nothing was dropped). */
  readonly startIndex: number;
  readonly startTerm: number;
  readonly lastIndex: number;
  /** Terms of entries `startIndex + 1` to `lastIndex`. */
  readonly terms: readonly TermRun[];
  /** The configuration at `startIndex` first, then each one in the log. */
  readonly configs: readonly ConfigAt[];
  /** The last record on disk was damaged: an acknowledged entry may be missing, so this server must not vote yet. */
  readonly suspect: boolean;
}

export const EMPTY: Recovered = {
  hard: { term: 0, votedFor: undefined }, startIndex: 0, startTerm: 0, lastIndex: 0, terms: [],
  configs: [{ index: 0, config: { members: [] } }], suspect: false,
};

/** One atomic, synced write: all of it is on disk, or none of it. Done in this order: start, truncate, append. */
export interface Persist {
  readonly seq: number;
  readonly hard: HardState | undefined;
  /** Drop what is there and begin behind this index: a snapshot was installed, or the log compacted. */
  readonly start: LogStart | undefined;
  /** Remove this entry and everything behind it. */
  readonly truncateFrom: number | undefined;
  readonly entries: readonly Entry[];
}

export interface LogStart {
  readonly index: number;
  readonly term: number;
  readonly config: Config;
  /** False: keep the entries behind `index` (compaction). True: they conflict with the snapshot and go too. */
  readonly reset: boolean;
}
