/** The key under which a client may send a write again. It is part of the replicated state for as long as it is known, so it must be short. */
import { DbError } from '../base/errors.ts';

const KEY_CHARS_MAX = 256;

/** `name` is what the key is called where it was given. */
export function idempotencyKeyOf(key: string, name: string): string {
  if (key === '' || key.length > KEY_CHARS_MAX) throw new DbError('ArgumentError', `${name} must have 1 to ${KEY_CHARS_MAX} characters`);
  return key;
}
