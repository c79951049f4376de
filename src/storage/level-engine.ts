/**
 * The engine on LevelDB (`classic-level`). One database per process, opened by every thread with `multithreading`, which
 * shares the one handle; only the writer thread writes.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { DeleteCompaction } from './delete-compaction.ts';
import type { BatchInProgress, Engine, EngineSnapshot, KeyRange, WriteOp } from './engine.ts';

/** The hook that abstract-level's own `batch` ends in. */
const NATIVE_BATCH = '_batch';
/** The hook that abstract-level's own `getSync` ends in. */
const NATIVE_GET = '_getSync';
/** The hook that makes a chained batch, and those of the batch. */
const NATIVE_CHAINED = '_chainedBatch';

/** Memory a batch may have to be used again. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

interface NativeBatch {
  _put(key: Uint8Array, value: Uint8Array): void;
  _del(key: Uint8Array): void;
  _clear(): void;
  close(): Promise<void>;
  _write(options: { readonly sync: boolean }): Promise<void>;
}

interface ReadOptions {
  readonly keyEncoding: 'view';
  readonly valueEncoding: 'view';
  readonly snapshot?: LevelSnapshot;
}

const READ: ReadOptions = { keyEncoding: 'view', valueEncoding: 'view' };

type Database = ClassicLevel<Uint8Array, Uint8Array> & {
  [NATIVE_CHAINED](): NativeBatch;
  [NATIVE_GET](key: Uint8Array, options: ReadOptions): Uint8Array | undefined;
  [NATIVE_BATCH](operations: readonly WriteOp[], options: { readonly sync: boolean }): Promise<void>;
};
type LevelSnapshot = ReturnType<ClassicLevel<Uint8Array, Uint8Array>['snapshot']>;

/** Kept with its options: they are the same for each of the thousands of reads. */
class OpenSnapshot implements EngineSnapshot {
  readonly level: LevelSnapshot;
  readonly read: ReadOptions;
  constructor(level: LevelSnapshot) {
    this.level = level;
    this.read = { ...READ, snapshot: level };
  }
  close(): Promise<void> {
    return this.level.close();
  }
}

export interface LevelEngineOptions {
  readonly location: string;
  /** LevelDB's own block cache. */
  readonly cacheBytes: number;
  /** Bytes of the memory table before it is written out as a sorted file. */
  readonly writeBufferBytes: number;
  /** Of the one thread that writes: deletes after which their room is given back, where they are a good part of the store. Absent or 0: never. */
  readonly compactDeletes?: number;
}

export async function openLevelEngine(options: LevelEngineOptions): Promise<Engine> {
  const database = new ClassicLevel(options.location, {
    keyEncoding: 'view', valueEncoding: 'view', multithreading: true,
    cacheSize: options.cacheBytes, writeBufferSize: options.writeBufferBytes,
  }) as unknown as Database;
  refuseHeadless(options.location);
  try {
    await database.open();
  } catch (error) {
    if (isDiskFull(error)) throw diskFull(options.location, error);
    throw new DbError('Corrupted', `the data directory ${options.location} does not open: ${deepest(error)}`, {
      cause: error,
      hint: 'is another server running on this directory? Otherwise restore it from another member or a backup',
    });
  }
  return new LevelEngine(database, options.location, options.compactDeletes ?? 0);
}

/** LevelDB takes a folder without CURRENT for one to begin a store in, and removes the files of the one that it was. A store that was being made when the power went has the first MANIFEST at most. */
function refuseHeadless(location: string): void {
  if (!existsSync(location) || existsSync(join(location, 'CURRENT'))) return;
  const left = readdirSync(location).filter((name) => /^(?:MANIFEST-(?!000001$)\d+|\d+\.(?:ldb|sst|log))$/.test(name) && statSync(join(location, name)).size > 0);
  if (left.length === 0) return;
  throw new DbError('Corrupted', `the data directory ${location} has no file CURRENT, but ${left.length} files of a store, such as ${left[0]}`, { hint: 'restore it from another member or a backup' });
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

/** What LevelDB says of a file that is cut short or changed, as an error of ours; any other error as it is. */
function asDamage(location: string, error: unknown): unknown {
  const text = deepest(error);
  if (!/^(?:Corruption|IO error): /.test(text)) return error;
  return new DbError('Corrupted', `the state store ${location} cannot be read: ${text}`, { cause: error, hint: 'restore this server from another member or a backup' });
}

class LevelEngine implements Engine {
  readonly #database: Database;
  readonly #location: string;
  readonly #idle: NativeBatch[] = [];
  readonly #compaction: DeleteCompaction;

  constructor(database: Database, location: string, compactDeletes: number) {
    this.#database = database;
    this.#location = location;
    this.#compaction = new DeleteCompaction(database, compactDeletes);
  }

  getSync(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    // Straight to the store: to look at encodings that are the same for all and to copy options costs half of a read from its cache.
    const database = this.#database;
    assert(database.status === 'open', 'the store is open');
    try {
      if (snapshot === undefined) return database[NATIVE_GET](key, READ);
      const { level, read } = snapshot as OpenSnapshot;
      // Throws for a closed one, which the native side would not notice.
      level.ref();
      try {
        return database[NATIVE_GET](key, read);
      } finally {
        level.unref();
      }
    } catch (error) {
      throw asDamage(this.#location, error);
    }
  }

  snapshot(): EngineSnapshot {
    return new OpenSnapshot(this.#database.snapshot());
  }

  async batch(operations: readonly WriteOp[], options: { readonly sync: boolean }): Promise<void> {
    // Straight to the store: keys and values are bytes already, and the general entry costs a third of a small write.
    try {
      await this.#database[NATIVE_BATCH](operations, { sync: options.sync });
    } catch (error) {
      throw isDiskFull(error) ? diskFull(this.#location, error) : error;
    }
    this.#compaction.note(operations.reduce((sum, { type }) => sum + (type === 'del' ? 1 : 0), 0));
  }

  beginBatch(): BatchInProgress {
    // Cleared ones are used again: native memory is otherwise only given back when the collector finds the object.
    const batch = this.#idle.pop() ?? this.#database[NATIVE_CHAINED]();
    let bytes = 0;
    let deletes = 0;
    return {
      put: (key, value) => {
        bytes += key.length + value.length;
        batch._put(key, value);
      },
      del: (key) => {
        deletes++;
        batch._del(key);
      },
      write: async (options) => {
        try {
          await batch._write(options);
        } catch (error) {
          throw isDiskFull(error) ? diskFull(this.#location, error) : error;
        }
        this.#compaction.note(deletes);
        // A cleared one keeps its memory.
        if (bytes > KEPT_BYTES_MAX) return batch.close();
        batch._clear();
        this.#idle.push(batch);
      },
    };
  }

  async *entries(range: KeyRange, options: { readonly snapshot?: EngineSnapshot; readonly size?: number } = {}): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    const iterator = this.#database.iterator({
      ...range, ...(options.snapshot === undefined ? {} : { snapshot: (options.snapshot as OpenSnapshot).level }), highWaterMarkBytes: 256 * 1024,
    });
    try {
      for (;;) {
        const batch = await iterator.nextv(options.size ?? 1024).catch((error: unknown) => {
          throw asDamage(this.#location, error);
        });
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
    await this.#compaction.close();
    await this.#database.close();
  }
}
