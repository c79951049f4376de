/** Binary parts of a message in one buffer of its own (see `Packed` in protocol.ts). */
import type { Packed } from './protocol.ts';

export function pack(parts: readonly Uint8Array[]): Packed {
  const lengths = parts.map((part) => part.length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, lengths };
}

/** The parts, sharing the message's memory. */
export function unpack(packed: Packed): Uint8Array[] {
  let at = 0;
  return packed.lengths.map((length) => packed.bytes.subarray(at, at += length));
}
