/** Frames made by hand, for conversations that no library would have: HTTP/2 (RFC 9113) and lanes (src/rpc/peer-lane.ts). */
import { crc32 } from 'node:zlib';

export const H2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function h2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header that stands for itself: no table, no Huffman codes (RFC 7541 §6.2.2). */
export function h2Header(name: string, value: string): Buffer {
  const sized = (text: string) => {
    const bytes = Buffer.from(text);
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    const more: number[] = [127];
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) more.push((rest & 127) | 128);
    return Buffer.concat([Buffer.from([...more, rest]), bytes]);
  };
  return Buffer.concat([Buffer.from([0]), sized(name), sized(value)]);
}

/** `length`: what its head says of it. */
export function laneFrame(payload: Buffer, flags = 0, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(length, 0);
  head[4] = flags;
  head.writeUInt32LE(crc32(payload, flags), 5);
  return Buffer.concat([head, payload]);
}
