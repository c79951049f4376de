/**
 * The ordered key-value engine under the graph store. Keys and values are bytes; keys order bytewise.
 *
 * Point reads are synchronous (a traversal cannot wait), writes are atomic batches. Two implementations: LevelDB
 * (level-engine.ts) and memory (memory-engine.ts), held to one contract by test/storage/engine.contract.ts.
 */

export type WriteOp =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** A frozen view of the engine. Must be closed: an open one keeps old data on disk. */
export interface EngineSnapshot {
  close(): Promise<void>;
}

export interface KeyRange {
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
}

/** A batch that is filled step by step, for millions of small blocks: half the cost of a list of operations. */
export interface BatchInProgress {
  /** Copies both; so does `del`. */
  put(key: Uint8Array, value: Uint8Array): void;
  del(key: Uint8Array): void;
  /** Once; the object must not be used afterwards. */
  write(options: { readonly sync: boolean }): Promise<void>;
}

export interface Engine {
  /** The value, or undefined; of the snapshot's moment where one is given. */
  getSync(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined;
  snapshot(): EngineSnapshot;
  /** All or nothing. With `sync` it survives a power cut once the promise resolves; without, a killed process. */
  batch(operations: readonly WriteOp[], options: { readonly sync: boolean }): Promise<void>;
  beginBatch(): BatchInProgress;
  /** Entries in key order, in arrays of at most `size`. */
  entries(range: KeyRange, options?: { readonly snapshot?: EngineSnapshot; readonly size?: number }): AsyncGenerator<[Uint8Array, Uint8Array][]>;
  /** Approximate bytes on disk. */
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}
