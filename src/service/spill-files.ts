/**
 * Temporary files of statements that hold more than they may: in one configured folder, readable for the server only.
 *
 * A file is taken out of the folder as soon as it is open, so that its space is free again when it is closed or when the process ends,
 * however it ends. What a crash between the two leaves behind goes at the next start. The bytes of all threads are counted together.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DbError } from '../base/errors.ts';
import type { SpillFile, SpillStore } from '../cypher/engine.ts';

export interface SpillOptions {
  /** Empty: statements do not spill. */
  readonly directory: string;
  readonly statementBytesMax: number;
  readonly totalBytesMax: number;
  /** 8 bytes: what all threads have on disk. */
  readonly used: SharedArrayBuffer;
}

const PREFIX = 'lgraph-spill-';
let files = 0;

/** Makes the folder, or empties it of what an earlier run left. Throws `InvalidConfig` where it cannot be written to. */
export function prepareSpillFolder(directory: string): void {
  if (directory === '') return;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) if (name.startsWith(PREFIX)) rmSync(join(directory, name), { force: true });
    closeSync(openHidden(directory));
  } catch (error) {
    throw new DbError('InvalidConfig', `query_spill_dir: ${directory} cannot be used: ${(error as Error).message}`, {
      cause: error, hint: 'name a folder that the server may write to, or leave it empty',
    });
  }
}

export function spillFiles(options: SpillOptions): SpillStore | undefined {
  if (options.directory === '') return undefined;
  const used = new BigInt64Array(options.used);
  return { statementBytesMax: options.statementBytesMax, open: () => new HiddenFile(options, used) };
}

class HiddenFile implements SpillFile {
  readonly #options: SpillOptions;
  readonly #used: BigInt64Array;
  readonly #descriptor: number;
  #length = 0;
  #closed = false;

  constructor(options: SpillOptions, used: BigInt64Array) {
    this.#options = options;
    this.#used = used;
    this.#descriptor = guarded(options.directory, () => openHidden(options.directory));
  }

  append(bytes: Uint8Array): number {
    const { directory, totalBytesMax } = this.#options;
    const at = this.#length;
    const total = Atomics.add(this.#used, 0, BigInt(bytes.length)) + BigInt(bytes.length);
    this.#length += bytes.length;
    if (total > BigInt(totalBytesMax)) {
      throw new DbError('MemoryLimit', `all statements together have more than ${Math.round(totalBytesMax / 1024 / 1024)} MB in temporary files`, {
        hint: 'try again when others have ended, or raise query_spill_total_mb',
      });
    }
    guarded(directory, () => {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#descriptor, bytes, done, bytes.length - done, at + done);
    });
    return at;
  }

  read(at: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(length);
    guarded(this.#options.directory, () => {
      for (let done = 0; done < length;) {
        const got = readSync(this.#descriptor, bytes, done, length - done, at + done);
        if (got === 0) throw new Error(`the file ends at byte ${at + done} of ${this.#length}`);
        done += got;
      }
    });
    return bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    Atomics.sub(this.#used, 0, BigInt(this.#length));
    closeSync(this.#descriptor);
  }
}

function openHidden(directory: string): number {
  const path = join(directory, `${PREFIX}${process.pid}-${process.hrtime.bigint()}-${files++}`);
  // Exclusive: never through a link that somebody else put there.
  const descriptor = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
  } catch (error) {
    // Another server that starts in the same folder may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      closeSync(descriptor);
      throw error;
    }
  }
  return descriptor;
}

function guarded<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new DbError('ReadOnlyDisk', `no space is left for temporary files in ${directory}`, { cause: error, hint: 'free space there (query_spill_dir), or return and group less at once' });
    }
    throw new DbError('Internal', `a temporary file in ${directory} failed: ${(error as Error).message}`, { cause: error });
  }
}
