/**
 * The whole state in one file, for a server whose log begins too late for it; or a part of it, for a backup.
 *
 *   file     blocks (storage/block-file.ts), magic "LGST"
 *   block    pairs: key length varint, key, value length varint, value …
 *
 * Written from one engine snapshot, so that it is the state at exactly one version. The SHA-256 of the file is its name between
 * servers: a transfer that goes on where it stopped is of the same file, and what was put together from several transfers is
 * proved whole before it is used.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import { blockHead, blocksIn, blocksOf, fileHead, LAST_BLOCK } from '../storage/block-file.ts';
import type { BlockFileKind } from '../storage/block-file.ts';
import type { Engine, EngineSnapshot, WriteOp } from '../storage/engine.ts';

const STATE: BlockFileKind = { magic: 'LGST', version: 1, what: 'state file' };
const BLOCK_BYTES = 1 << 20;
const SYNC_BYTES = 8 << 20;

/** Facts about a written file; `sha256` as 64 hex digits. */
export interface StateFile {
  readonly pairs: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What is in a file that is being made; filled while it is. */
export interface StateTally {
  pairs: number;
  /** The last pair's. */
  key: Uint8Array | undefined;
}

/** The bytes of a file with the pairs, in key order; one that exceeds `bytesMax` ends there. Each piece is valid until the next is taken. */
export async function* stateBytes(batches: AsyncIterable<readonly [Uint8Array, Uint8Array][]>, tally: StateTally, bytesMax = Infinity): AsyncGenerator<Buffer> {
  yield fileHead(STATE);
  const block = new ByteWriter(BLOCK_BYTES * 2);
  let bytes = 0;
  for await (const batch of batches) {
    for (const [key, value] of batch) {
      block.bytes(key).bytes(value);
      tally.pairs += 1;
      tally.key = key;
      if (block.length < BLOCK_BYTES) continue;
      yield blockHead(block.view());
      yield block.view();
      bytes += block.length;
      block.reset();
      if (bytes >= bytesMax) break;
    }
    if (bytes >= bytesMax) break;
  }
  if (block.length > 0) {
    yield blockHead(block.view());
    yield block.view();
  }
  yield LAST_BLOCK;
}

/** Writes everything in `snapshot` to `path`, synced. The caller knows which version the snapshot is; `mayGoOn`, asked now and then, ends it by throwing. */
export async function exportState(engine: Engine, snapshot: EngineSnapshot, path: string, mayGoOn: () => void = () => undefined): Promise<StateFile> {
  const file = await open(path, 'w', 0o640);
  try {
    const out = new HashedFile(file, mayGoOn);
    const tally: StateTally = { pairs: 0, key: undefined };
    for await (const bytes of stateBytes(engine.entries({}, { snapshot, size: 1000 }), tally)) await out.append(bytes);
    await file.sync();
    return { pairs: tally.pairs, bytes: out.bytes, sha256: out.digest() };
  } finally {
    await file.close();
  }
}

class HashedFile {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  bytes = 0;
  #synced = 0;
  readonly #mayGoOn: () => void;

  constructor(file: FileHandle, mayGoOn: () => void) {
    this.#file = file;
    this.#mayGoOn = mayGoOn;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes);
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    // A little at a time: a gigabyte of dirty pages at once would hold up the syncs of the log.
    if (this.bytes - this.#synced < SYNC_BYTES) return;
    await this.#file.datasync();
    this.#synced = this.bytes;
    this.#mayGoOn();
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/**
 * Fills an empty engine from the file; the last batch is synced. Throws `Corrupted` when a part or (`sha256` given) the whole is
 * not what was written: the engine is of no use then.
 */
export async function importState(path: string, engine: Engine, sha256?: string): Promise<void> {
  const file = await open(path, 'r');
  const hash = createHash('sha256');
  try {
    const blocks = blocksOf(STATE, path, async (length) => {
      const bytes = await readExactly(file, length, path);
      hash.update(bytes);
      return bytes;
    });
    for await (const block of blocks) {
      const batch = engine.beginBatch();
      for (const reader = new ByteReader(block); !reader.done;) batch.put(reader.bytes(), reader.bytes());
      await batch.write({ sync: false });
    }
    if (sha256 !== undefined && hash.digest('hex') !== sha256) throw new DbError('Corrupted', `${path} fails its checksum as a whole`);
    await engine.batch([], { sync: true });
  } finally {
    await file.close();
  }
}

export type Put = Extract<WriteOp, { readonly type: 'put' }>;

/** The pairs of a file in memory, a block at a time. Throws `Corrupted`, with `name` in the message. */
export async function* statePairs(bytes: Buffer, name: string): AsyncGenerator<Put[]> {
  for await (const block of blocksIn(STATE, name, bytes)) yield putsOf(block);
}

function putsOf(block: Buffer): Put[] {
  const puts: Put[] = [];
  const reader = new ByteReader(block);
  while (!reader.done) puts.push({ type: 'put', key: reader.bytes(), value: reader.bytes() });
  return puts;
}

async function readExactly(file: FileHandle, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done);
    if (bytesRead === 0) throw new DbError('Corrupted', `${path} is cut short`);
    done += bytesRead;
  }
  return buffer;
}
