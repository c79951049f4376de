/**
 * The engine on LevelDB (`classic-level`). One database per process, opened by every thread with `multithreading`, which
 * shares the one handle; only the writer thread writes.
 */
import { ClassicLevel } from 'classic-level';
import { DbError } from '../base/errors.ts';
import type { BatchInProgress, Engine, EngineSnapshot, KeyRange, WriteOp } from './engine.ts';

/** The hook that abstract-level's own `batch` ends in. */
const NATIVE_BATCH = '_batch';
/** The hook that makes a chained batch, and those of the batch. */
const NATIVE_CHAINED = '_chainedBatch';

interface NativeBatch {
  _put(key: Uint8Array, value: Uint8Array): void;
  _del(key: Uint8Array): void;
  _clear(): void;
  _write(options: { readonly sync: boolean }): Promise<void>;
}

type Database = ClassicLevel<Uint8Array, Uint8Array> & {
  [NATIVE_CHAINED](): NativeBatch;
  [NATIVE_BATCH](operations: readonly WriteOp[], options: { readonly sync: boolean }): Promise<void>;
};
type LevelSnapshot = ReturnType<Database['snapshot']>;

export interface LevelEngineOptions {
  readonly location: string;
  /** LevelDB's own block cache. */
  readonly cacheBytes: number;
  /** Bytes of the memory table before it is written out as a sorted file. */
  readonly writeBufferBytes: number;
}

export async function openLevelEngine(options: LevelEngineOptions): Promise<Engine> {
  const database = new ClassicLevel(options.location, {
    keyEncoding: 'view', valueEncoding: 'view', multithreading: true,
    cacheSize: options.cacheBytes, writeBufferSize: options.writeBufferBytes,
  }) as unknown as Database;
  try {
    await database.open();
  } catch (error) {
    if (isDiskFull(error)) throw diskFull(options.location, error);
    throw new DbError('Corrupted', `the data directory ${options.location} does not open: ${deepest(error)}`, {
      cause: error,
      hint: 'is another server running on this directory? Otherwise restore it from another member or a backup',
    });
  }
  return new LevelEngine(database, options.location);
}

/** `classic-level` wraps LevelDB's own message. */
function deepest(error: unknown): string {
  let text = String(error);
  for (let at = error; at instanceof Error; at = at.cause) text = at.message;
  return text;
}

function isDiskFull(error: unknown): boolean {
  return /No space left on device|ENOSPC/.test(deepest(error));
}

function diskFull(location: string, cause: unknown): DbError {
  return new DbError('ReadOnlyDisk', `no space is left for the state store ${location}`, { cause, hint: 'free space there; writes resume by themselves' });
}

class LevelEngine implements Engine {
  readonly #database: Database;
  readonly #location: string;
  readonly #idle: NativeBatch[] = [];

  constructor(database: Database, location: string) {
    this.#database = database;
    this.#location = location;
  }

  getSync(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    return snapshot === undefined
      ? this.#database.getSync(key)
      : this.#database.getSync(key, { snapshot: snapshot as LevelSnapshot });
  }

  snapshot(): EngineSnapshot {
    return this.#database.snapshot();
  }

  async batch(operations: readonly WriteOp[], options: { readonly sync: boolean }): Promise<void> {
    // Straight to the store: keys and values are bytes already, and the general entry costs a third of a small write.
    try {
      await this.#database[NATIVE_BATCH](operations, { sync: options.sync });
    } catch (error) {
      throw isDiskFull(error) ? diskFull(this.#location, error) : error;
    }
  }

  beginBatch(): BatchInProgress {
    // Cleared ones are used again: native memory is otherwise only given back when the collector finds the object.
    const batch = this.#idle.pop() ?? this.#database[NATIVE_CHAINED]();
    return {
      put: (key, value) => batch._put(key, value),
      del: (key) => batch._del(key),
      write: async (options) => {
        try {
          await batch._write(options);
        } catch (error) {
          throw isDiskFull(error) ? diskFull(this.#location, error) : error;
        }
        batch._clear();
        this.#idle.push(batch);
      },
    };
  }

  async *entries(range: KeyRange, options: { readonly snapshot?: EngineSnapshot; readonly size?: number } = {}): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    const iterator = this.#database.iterator({
      ...range, ...(options.snapshot === undefined ? {} : { snapshot: options.snapshot as LevelSnapshot }), highWaterMarkBytes: 256 * 1024,
    });
    try {
      for (;;) {
        const batch = await iterator.nextv(options.size ?? 1024);
        if (batch.length === 0) return;
        yield batch;
      }
    } finally {
      await iterator.close();
    }
  }

  async sizeBytes(): Promise<number> {
    return this.#database.approximateSize(new Uint8Array([0]), new Uint8Array([255]));
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
