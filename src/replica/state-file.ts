/**
 * The whole state in one file, for a server whose log begins too late for it.
 *
 *   file     magic "LGST", version u32, then blocks, then an empty block
 *   block    | bytes u32 | crc u32 | pairs: key length varint, key, value length varint, value … |
 *
 * Written from one engine snapshot, so that it is the state at exactly one version. The empty block at the end tells a complete
 * file from one that was cut short.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { Engine, EngineSnapshot, WriteOp } from '../storage/engine.ts';

const MAGIC = Buffer.from('LGST');
const VERSION = 1;
const BLOCK_BYTES = 1 << 20;

/** Writes everything in `snapshot` to `path`, synced. The caller knows which version the snapshot is. */
export async function exportState(engine: Engine, snapshot: EngineSnapshot, path: string): Promise<{ readonly pairs: number; readonly bytes: number }> {
  const file = await open(path, 'w', 0o640);
  try {
    const head = Buffer.alloc(8);
    MAGIC.copy(head);
    head.writeUInt32LE(VERSION, 4);
    let bytes = await append(file, head);
    let pairs = 0;
    const block = new ByteWriter(BLOCK_BYTES * 2);
    for await (const batch of engine.entries({}, { snapshot, size: 1000 })) {
      for (const [key, value] of batch) {
        block.bytes(key).bytes(value);
        pairs += 1;
        if (block.length < BLOCK_BYTES) continue;
        bytes += await appendBlock(file, block.view());
        block.reset();
      }
    }
    if (block.length > 0) bytes += await appendBlock(file, block.view());
    bytes += await appendBlock(file, Buffer.alloc(0));
    await file.sync();
    return { pairs, bytes };
  } finally {
    await file.close();
  }
}

async function append(file: FileHandle, bytes: Uint8Array): Promise<number> {
  await file.write(bytes);
  return bytes.length;
}

async function appendBlock(file: FileHandle, bytes: Buffer): Promise<number> {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(bytes.length, 0);
  head.writeUInt32LE(crc32(bytes), 4);
  return await append(file, head) + await append(file, Buffer.from(bytes));
}

/** Fills an empty engine from the file; the last batch is synced. Throws `Corrupted` before it is complete. */
export async function importState(path: string, engine: Engine): Promise<void> {
  const file = await open(path, 'r');
  try {
    const head = await readExactly(file, 8, path);
    if (!head.subarray(0, 4).equals(MAGIC) || head.readUInt32LE(4) > VERSION) {
      throw new DbError('Corrupted', `${path} is not a state file of a version that this server knows`);
    }
    for (;;) {
      const block = await readExactly(file, 8, path);
      const bytes = await readExactly(file, block.readUInt32LE(0), path);
      if (crc32(bytes) !== block.readUInt32LE(4)) throw new DbError('Corrupted', `${path} fails its checksum`);
      const operations: WriteOp[] = [];
      const reader = new ByteReader(bytes);
      while (!reader.done) operations.push({ type: 'put', key: reader.bytes(), value: reader.bytes() });
      await engine.batch(operations, { sync: bytes.length === 0 });
      if (bytes.length === 0) return;
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
