/**
 * Pages of a vector tree (vector-tree.ts), blocks of their own kind with numbers of the graph's pages.
 *
 *   leaf    | 0 | parent + 1 | count | id … |                                     varints
 *   inner   | 1 | parent + 1 | count | page … | numbers of a centre | centre … |   varints; the centres as 32 bit floats, little-endian
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Block, BlockKind } from '../blocks.ts';

export const NO_PARENT = -1;

const FAN_MAX = 32;
const FAN_MIN = 8;
const INNER_BYTES = 65_536;

/** Pages below one page, at most; fewer where vectors are long, so that a page stays within some 64 KiB. */
export function fanOf({ dimensions }: { readonly dimensions: number }): number {
  return Math.max(FAN_MIN, Math.min(FAN_MAX, Math.floor(INNER_BYTES / 4 / dimensions)));
}

export class VectorPage implements Block {
  at = 0;
  /** The page above; NO_PARENT in the root. */
  parent: number;
  /** Leaf: ids of its members. Inner: numbers of the pages below. */
  ids: number[];
  /** Inner: the centre of each page below, one after the other. Undefined in a leaf. */
  centres: Float32Array | undefined;

  constructor(parent: number, ids: number[], centres: Float32Array | undefined) {
    this.parent = parent;
    this.ids = ids;
    this.centres = centres;
  }
}

export const VECTOR: BlockKind<VectorPage> = {
  tag: 13, name: 'vector page', logical: false,
  encode({ parent, ids, centres }, writer: ByteWriter) {
    writer.u8(centres === undefined ? 0 : 1).varint(parent + 1).varint(ids.length);
    for (const id of ids) writer.varint(id);
    if (centres === undefined) return;
    writer.varint(ids.length === 0 ? 0 : centres.length / ids.length).raw(new Uint8Array(centres.buffer, centres.byteOffset, centres.byteLength));
  },
  decode(reader: ByteReader) {
    const isInner = reader.u8() === 1;
    const parent = reader.varint() - 1;
    const ids = Array.from({ length: reader.varint() }, () => reader.varint());
    if (!isInner) return new VectorPage(parent, ids, undefined);
    const centres = new Float32Array(ids.length * reader.varint());
    new Uint8Array(centres.buffer).set(reader.raw(centres.byteLength));
    return new VectorPage(parent, ids, centres);
  },
  copy: ({ parent, ids, centres }) => new VectorPage(parent, ids.slice(), centres?.slice()),
  size: ({ ids, centres }) => 250 + ids.length * 8 + (centres?.byteLength ?? 0),
};
