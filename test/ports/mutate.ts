/** Ways in which bytes go wrong. What comes out depends on the dice alone, so a seed makes it again. */
import type { Dice } from '../dice.ts';

export function noise(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.below(256)));
}

/** Marks of the formats: PackStream's lists, maps, structures and sizes, JSON, HTTP, protobuf, and edges of integers. */
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0xa1, 0xaf, 0xb1, 0xb4, 0xc0, 0xc1, 0xc8, 0xcb, 0xcc, 0xce, 0xd0, 0xd2, 0xd4, 0xd6, 0xd8, 0xda, 0xdc, 0xff, 0x0a, 0x0d, 0x22, 0x5b, 0x7b, 0x08, 0x12, 0x1a];
const SIZES = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];
/** One item inside another again and again: lists of one, maps of one, nodes, JSON, protobuf's bytes. */
const NESTS = [[0x91], [0xd4, 0x01], [0xa1, 0x81, 0x61], [0xb3, 0x4e], [0x5b], [0x7b, 0x22, 0x61, 0x22, 0x3a], [0x28], [0x0a, 0x7f]];

/** `other`: something of the same kind to splice in. */
export function mutated(dice: Dice, bytes: Buffer, other: Buffer): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let left = 1 + dice.below(3); left > 0; left--) result = once(dice, result, other);
  return result;
}

function once(dice: Dice, bytes: Buffer, other: Buffer): Buffer {
  const at = dice.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + dice.below(16));
  const put = (piece: Uint8Array, until = at) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(until)]);
  switch (dice.below(11)) {
    case 0: case 1:
      if (at < bytes.length) bytes[at]! ^= 1 << dice.below(8);
      return bytes;
    case 2:
      if (at < bytes.length) bytes[at] = dice.pick(BYTES);
      return bytes;
    case 3: return bytes.subarray(0, at);
    case 4: return put(noise(dice, 1 + dice.below(12)));
    case 5: return put(bytes.subarray(at, end));
    case 6: return put(Buffer.alloc(0), end);
    case 7: {
      const from = dice.below(other.length + 1);
      return put(other.subarray(from, from + dice.below(64)), end);
    }
    case 8: {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(dice.pick(SIZES));
      return put(dice.chance(0.5) ? size : size.subarray(2), end);
    }
    case 9: {
      const nest = Buffer.from(dice.pick(NESTS));
      return put(Buffer.concat(Array.from({ length: 1 + dice.below(dice.chance(0.05) ? 5000 : 100) }, () => nest)));
    }
    default: return put(Buffer.alloc(1 + dice.below(40), dice.pick(BYTES)));
  }
}

const SCALARS: readonly unknown[] = [null, true, 0, -1, 1.5, 1e300, 9_007_199_254_740_991, '', 'x', '`', '\u0000', '__proto__', 'constructor', '😀', 'RETURN 1', 'MATCH (n', 'CALL dbms.procedures()', 'x'.repeat(3000), [], {}, [1, [2, [3]]], { a: { b: {} } }];

/** The same value with something else in some places: well-formed, and wrong. */
export function scrambled(dice: Dice, value: unknown, share = 0.15): unknown {
  if (dice.chance(share)) return dice.chance(0.05) ? nested(dice) : dice.pick(SCALARS);
  if (Array.isArray(value)) return value.flatMap((item) => (dice.chance(0.05) ? [] : [scrambled(dice, item, share)]));
  if (typeof value === 'string' && value.length > 3 && dice.chance(share)) return cut(dice, value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (dice.chance(0.05) ? [] : [[dice.chance(0.03) ? cut(dice, `${key}xxxx`) : key, scrambled(dice, item, share)]])));
}

function cut(dice: Dice, text: string): string {
  const at = dice.below(text.length);
  return dice.chance(0.5) ? text.slice(0, at) + text.slice(at + 1 + dice.below(5)) : text.slice(0, at) + String(dice.pick(SCALARS)).slice(0, 20) + text.slice(at);
}

function nested(dice: Dice): unknown {
  let value: unknown = 1;
  for (let depth = dice.below(200); depth > 0; depth--) value = dice.chance(0.5) ? [value] : { a: value };
  return value;
}
