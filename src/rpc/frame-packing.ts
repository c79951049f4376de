/**
 * Frames made smaller, where that pays: from a size on, and only while it saves a fifth.
 *
 * Compressing costs the consensus thread more than a local network costs, so it is off by default; between distant sites a write's
 * bytes are what is scarce. The other side must have said that it can read it.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Frame } from './raft-proto.ts';

const PAYS = 0.8;
/** Frames that go as they are after one that did not get smaller. */
const REST = 16;

export class FramePacker {
  readonly #bytesMin: number;
  #rest = 0;

  constructor(bytesMin: number) {
    this.#bytesMin = bytesMin;
  }

  pack(payload: Buffer, canInflate: boolean): Frame {
    if (this.#bytesMin === 0 || !canInflate || payload.length < this.#bytesMin) return { payload };
    if (this.#rest > 0) {
      this.#rest -= 1;
      return { payload };
    }
    const packed = deflateRawSync(payload, { level: 1 });
    if (packed.length <= payload.length * PAYS) return { payload: packed, deflated: true };
    this.#rest = REST;
    return { payload };
  }
}

/** Throws where it is no such frame, or a larger one than is allowed. */
export function unpackFrame({ payload, deflated }: Frame, bytesMax: number): Buffer {
  return deflated === true ? inflateRawSync(payload, { maxOutputLength: bytesMax }) : payload;
}
