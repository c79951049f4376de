/**
 * Files of checksummed blocks: whole states between servers (replica/state-file.ts) and the parts of backups.
 *
 *   file     magic, 4 bytes; version u32; then blocks, then an empty block
 *   block    | bytes u32 | crc u32 | content |      little-endian
 *
 * The empty block at the end tells a complete file from one that was cut short.
 */
import { crc32 } from 'node:zlib';
import { DbError } from '../base/errors.ts';

/** What a kind of file begins with. */
export interface BlockFileKind {
  /** Four letters. */
  readonly magic: string;
  readonly version: number;
  /** For errors: `… is not a <what> of a version …`. */
  readonly what: string;
}

export function fileHead({ magic, version }: BlockFileKind): Buffer {
  const head = Buffer.alloc(8);
  head.write(magic, 'latin1');
  head.writeUInt32LE(version, 4);
  return head;
}

/** What goes before a block's content. */
export function blockHead(content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(content.length, 0);
  head.writeUInt32LE(crc32(content), 4);
  return head;
}

export const LAST_BLOCK = blockHead(new Uint8Array(0));

/** The blocks, the empty one left out. `read` gives exactly so many bytes or throws. Throws `Corrupted` with `name` in the message. */
export async function* blocksOf(kind: BlockFileKind, name: string, read: (length: number) => Promise<Buffer>): AsyncGenerator<Buffer> {
  const head = await read(8);
  if (head.toString('latin1', 0, 4) !== kind.magic || head.readUInt32LE(4) > kind.version) {
    throw new DbError('Corrupted', `${name} is not a ${kind.what} of a version that this server knows`);
  }
  for (;;) {
    const block = await read(8);
    const content = await read(block.readUInt32LE(0));
    if (crc32(content) !== block.readUInt32LE(4)) throw new DbError('Corrupted', `${name} fails its checksum`);
    if (content.length === 0) return;
    yield content;
  }
}

/** The same of a file in memory; what follows the last block is refused. */
export async function* blocksIn(kind: BlockFileKind, name: string, bytes: Buffer): AsyncGenerator<Buffer> {
  let at = 0;
  yield* blocksOf(kind, name, async (length) => {
    if (at + length > bytes.length) throw new DbError('Corrupted', `${name} is cut short`);
    return bytes.subarray(at, at += length);
  });
  if (at !== bytes.length) throw new DbError('Corrupted', `${name} goes on behind its end`);
}
