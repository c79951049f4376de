/** Parameters as bytes: values are classes, which neither a structured clone nor JSON would carry between threads. */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import type { CypherMap } from '../value/value.ts';

export function encodeMap(map: CypherMap): Uint8Array {
  const writer = new ByteWriter();
  encodeValue(writer, map);
  return new Uint8Array(writer.view());
}

export function decodeMap(bytes: Uint8Array): CypherMap {
  const value = decodeValue(new ByteReader(bytes));
  return value instanceof Map ? value : new Map();
}
