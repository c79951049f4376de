/**
 * What is kept under an idempotency key: how the request was answered and, where that is known, which request it was.
 *
 *   | answer | digest of the request, 16 bytes | "\0OF\0" |      without the last two: what it was is not known
 *
 * An answer that ends as this does by chance has the digest of no request behind it.
 */
import { DbError } from '../base/errors.ts';

const MARK = Buffer.from('\0OF\0');
const DIGEST_BYTES = 16;
const UNKNOWN = '0'.repeat(2 * DIGEST_BYTES);
/** Longer answers are not kept: a repetition is told that it was done, without them. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** `digest`: 32 hexadecimal digits. */
export function keptAnswer(answer: Uint8Array, digest: string | undefined): Uint8Array {
  const kept = answer.length <= ANSWER_BYTES_MAX ? answer : new Uint8Array();
  if (digest === undefined && !isMarked(kept)) return kept;
  return new Uint8Array(Buffer.concat([kept, Buffer.from(digest ?? UNKNOWN, 'hex'), MARK]));
}

/** The answer alone. Throws KeyReused where it is another request's. */
export function answerTo(digest: string | undefined, kept: Uint8Array): Uint8Array {
  if (!isMarked(kept)) return kept;
  const end = kept.length - MARK.length - DIGEST_BYTES;
  const known = Buffer.from(kept.subarray(end, end + DIGEST_BYTES)).toString('hex');
  if (digest !== undefined && known !== UNKNOWN && known !== digest) {
    throw new DbError('KeyReused', 'the idempotency key was used before, for another request: this one was not done', {
      hint: 'give each write a key of its own, and repeat a write under its key with the same text, parameters, graph and protocol',
    });
  }
  return kept.subarray(0, end);
}

function isMarked(kept: Uint8Array): boolean {
  return kept.length >= DIGEST_BYTES + MARK.length && MARK.equals(kept.subarray(-MARK.length));
}
