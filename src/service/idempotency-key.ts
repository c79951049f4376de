/** The key under which a client may send a write again. It is part of the replicated state for as long as it is known, so it must be short. */
import { createHash } from 'node:crypto';
import { DbError } from '../base/errors.ts';
import { hashKey } from '../value/compare.ts';
import type { Value } from '../value/value.ts';

const KEY_CHARS_MAX = 256;
/** Start of the keys the server itself gives to requests that it forwards; kept only as long as it may retry them. */
export const OWN_KEY_PREFIX = '~';
const CLIENTS_PREFIX = "'";

/** A client's key as it is used inside, where none begins as the server's own do. `name` is what the key is called where it was given. */
export function idempotencyKeyOf(key: string, name: string): string {
  if (key === '' || key.length > KEY_CHARS_MAX) throw new DbError('ArgumentError', `${name} must have 1 to ${KEY_CHARS_MAX} characters`);
  return key.startsWith(OWN_KEY_PREFIX) || key.startsWith(CLIENTS_PREFIX) ? CLIENTS_PREFIX + key : key;
}

/** 32 hexadecimal digits that tell requests under one key apart. Maps count whatever the order of their keys: some clients send them in another one each time. */
export function requestDigest(request: readonly Value[]): string {
  return createHash('sha256').update(String(hashKey([...request]))).digest('hex').slice(0, 32);
}
