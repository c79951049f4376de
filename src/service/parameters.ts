/** Parameters as bytes: values are classes, which neither a structured clone nor JSON would carry between threads. */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import type { CypherMap } from '../value/value.ts';
import type { LocalRequest, RunRequest } from './api.ts';

export function encodeMap(map: CypherMap): Uint8Array {
  const writer = new ByteWriter();
  encodeValue(writer, map);
  return new Uint8Array(writer.view());
}

/** A request fit to leave this thread. Field by field: every statement passes here, and spreading makes a slow object. */
export function portable(request: LocalRequest, transaction?: number): RunRequest {
  return {
    graph: request.graph, text: request.text, parameters: encodeMap(request.parameters), encoding: request.encoding, firstRows: request.firstRows,
    user: request.user, tokenIssuedMs: request.tokenIssuedMs, timeoutMs: request.timeoutMs, killSlot: request.killSlot,
    minVersion: request.minVersion, transaction, idempotencyKey: request.idempotencyKey,
    group: request.group, summaryRow: request.summaryRow,
  };
}

export function parametersOf({ parameters }: RunRequest | LocalRequest): CypherMap {
  return parameters instanceof Map ? parameters : decodeMap(parameters);
}

export function decodeMap(bytes: Uint8Array): CypherMap {
  const value = decodeValue(new ByteReader(bytes));
  return value instanceof Map ? value : new Map();
}
