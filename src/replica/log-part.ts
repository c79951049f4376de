/**
 * Committed log entries in a file, for incremental backups.
 *
 *   file     blocks (storage/block-file.ts), magic "LGSE"
 *   block    entries: version varint, kind u8 (0 no change of data, 1 data), record length varint, record (graph/effects.ts) …
 *
 * Versions go up by one from entry to entry. A record carries the time at which it was made.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import { blockHead, blocksIn, fileHead, LAST_BLOCK } from '../storage/block-file.ts';
import type { BlockFileKind } from '../storage/block-file.ts';
import { unpack } from './packed.ts';
import type { LogEntries } from './protocol.ts';

const LOG: BlockFileKind = { magic: 'LGSE', version: 1, what: 'file of log entries' };

export interface ArchivedEntry {
  readonly version: number;
  /** Undefined: an entry that changes no data, such as the first of a new leader. */
  readonly record: Buffer | undefined;
}

/** The bytes of a file with the entries, one block for each `LogEntries`. */
export async function* logBytes(parts: AsyncIterable<LogEntries>): AsyncGenerator<Buffer> {
  yield fileHead(LOG);
  for await (const { first, kinds, data } of parts) {
    const block = new ByteWriter(data.bytes.length + kinds.length * 16);
    for (const [i, record] of unpack(data).entries()) block.varint(first + i).u8(kinds[i]!).bytes(record);
    yield blockHead(block.view());
    yield block.view();
  }
  yield LAST_BLOCK;
}

/** The entries of a file in memory, a block at a time. Throws `Corrupted`, with `name` in the message. */
export async function* logEntriesIn(bytes: Buffer, name: string): AsyncGenerator<ArchivedEntry[]> {
  let next: number | undefined;
  for await (const block of blocksIn(LOG, name, bytes)) {
    const entries: ArchivedEntry[] = [];
    const reader = new ByteReader(block);
    while (!reader.done) {
      const version = reader.varint();
      const kind = reader.u8();
      const record = reader.bytes();
      if (version !== (next ?? version)) throw new DbError('Corrupted', `${name} goes on with version ${version} where ${next} is expected`);
      next = version + 1;
      entries.push({ version, record: kind === 1 ? record : undefined });
    }
    yield entries;
  }
}
