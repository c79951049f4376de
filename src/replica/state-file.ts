/**
 * The whole state in one file, for a server whose log begins too late for it.
 *
 *   file     magic "LGST", version u32, then blocks, then an empty block
 *   block    | bytes u32 | crc u32 | pairs: key length varint, key, value length varint, value … |
 *
 * Written from one engine snapshot, so that it is the state at exactly one version. The empty block at the end tells a complete
 * file from one that was cut short. The SHA-256 of the file is its name between servers: a transfer that goes on where it
 * stopped is of the same file, and what was put together from several transfers is proved whole before it is used.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { Engine, EngineSnapshot, WriteOp } from '../storage/engine.ts';

const MAGIC = Buffer.from('LGST');
const VERSION = 1;
const BLOCK_BYTES = 1 << 20;
const SYNC_BYTES = 8 << 20;

/** Facts about a written file; `sha256` as 64 hex digits. */
export interface StateFile {
  readonly pairs: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes everything in `snapshot` to `path`, synced. The caller knows which version the snapshot is. */
export async function exportState(engine: Engine, snapshot: EngineSnapshot, path: string): Promise<StateFile> {
  const file = await open(path, 'w', 0o640);
  try {
    const out = new HashedFile(file);
    const head = Buffer.alloc(8);
    MAGIC.copy(head);
    head.writeUInt32LE(VERSION, 4);
    await out.append(head);
    let pairs = 0;
    const block = new ByteWriter(BLOCK_BYTES * 2);
    for await (const batch of engine.entries({}, { snapshot, size: 1000 })) {
      for (const [key, value] of batch) {
        block.bytes(key).bytes(value);
        pairs += 1;
        if (block.length < BLOCK_BYTES) continue;
        await out.block(block.view());
        block.reset();
      }
    }
    if (block.length > 0) await out.block(block.view());
    await out.block(Buffer.alloc(0));
    await file.sync();
    return { pairs, bytes: out.bytes, sha256: out.digest() };
  } finally {
    await file.close();
  }
}

class HashedFile {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  bytes = 0;
  #synced = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes);
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    // A little at a time: a gigabyte of dirty pages at once would hold up the syncs of the log.
    if (this.bytes - this.#synced < SYNC_BYTES) return;
    await this.#file.datasync();
    this.#synced = this.bytes;
  }

  async block(bytes: Buffer): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(bytes.length, 0);
    head.writeUInt32LE(crc32(bytes), 4);
    await this.append(head);
    await this.append(bytes);
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
  const read = async (length: number): Promise<Buffer> => {
    const bytes = await readExactly(file, length, path);
    hash.update(bytes);
    return bytes;
  };
  try {
    const head = await read(8);
    if (!head.subarray(0, 4).equals(MAGIC) || head.readUInt32LE(4) > VERSION) {
      throw new DbError('Corrupted', `${path} is not a state file of a version that this server knows`);
    }
    for (;;) {
      const block = await read(8);
      const bytes = await read(block.readUInt32LE(0));
      if (crc32(bytes) !== block.readUInt32LE(4)) throw new DbError('Corrupted', `${path} fails its checksum`);
      const operations: WriteOp[] = [];
      const reader = new ByteReader(bytes);
      while (!reader.done) operations.push({ type: 'put', key: reader.bytes(), value: reader.bytes() });
      const isLast = bytes.length === 0;
      if (isLast && sha256 !== undefined && hash.digest('hex') !== sha256) {
        throw new DbError('Corrupted', `${path} fails its checksum as a whole`);
      }
      await engine.batch(operations, { sync: isLast });
      if (isLast) return;
    }
  } finally {
    await file.close();
  }
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
