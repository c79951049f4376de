/** Entries of indexes in sums. */
import { ByteWriter } from '../../base/bytes.ts';
import type { Checksum } from '../../graph/checksum.ts';
import { encodeValue } from '../../value/codec.ts';
import type { Value } from '../../value/value.ts';

const KEPT_BYTES_MAX = 2 ** 20;
let keys = new ByteWriter(256);
const ids = new ByteWriter(16);

function write(key: Value, id: number): void {
  if (keys.memory.length > KEPT_BYTES_MAX) keys = new ByteWriter(256);
  encodeValue(keys.reset(), key);
  ids.reset().varint(id);
}

export const entryHash = {
  add(sum: Checksum, key: Value, id: number): void {
    write(key, id);
    sum.add(keys.plainView(), ids.plainView());
  },
  subtract(sum: Checksum, key: Value, id: number): void {
    write(key, id);
    sum.subtract(keys.plainView(), ids.plainView());
  },
};
