/**
 * Rows as complete RECORD messages, chunk headers included, packed in the thread that made them: the thread with the
 * sockets only passes the bytes on.
 *
 *   | chunk length u16 | B1 71 | list of values | 00 00 |
 *
 * One encoder for each way in which versions of Bolt write values; a connection names its own when it runs a statement.
 */
import type { ByteWriter } from '../base/bytes.ts';
import type { RowEncoder } from '../service/api.ts';
import { HEADER, frameMessage } from './chunking.ts';
import { PackWriter } from './packstream.ts';
import { BOLT_4, BOLT_4_UTC, BOLT_5, packValue } from './structures.ts';
import type { Dialect } from './structures.ts';

export const RECORD = 0x71;

/** A row that needed more than this was an exception: its buffer is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

function encoder(name: string, dialect: Dialect): RowEncoder {
  let pack = new PackWriter(4096);
  return {
    name,
    encode(row, writer: ByteWriter) {
      pack.truncate(0);
      const start = pack.skip(HEADER);
      pack.structureHeader(1, RECORD);
      pack.listHeader(row.length);
      for (const value of row) packValue(pack, value, dialect, 1);
      frameMessage(pack, start);
      writer.raw(pack.view());
      if (pack.length > KEPT_BYTES_MAX) pack = new PackWriter(4096);
    },
  };
}

export const boltEncoders: readonly RowEncoder[] = [
  encoder('bolt4', BOLT_4),
  encoder('bolt4-utc', BOLT_4_UTC),
  encoder('bolt5', BOLT_5),
];
