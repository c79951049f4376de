/**
 * What is kept under an idempotency key: how the request was answered and, where that is known, which request it was.
 *
 *   | answer | digest of the request, 16 bytes | "\0OF\0" |      without the last two: what it was is not known
 *
 * The request stands behind its answer because servers from before read an answer from its start, and stop where it ends.
 */
import { DbError } from '../base/errors.ts';

const MARK = Buffer.from('\0OF\0');
const DIGEST_BYTES = 16;
/** Longer answers are not kept: a repetition is told that it was done, without them. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** `digest`: 32 hexadecimal digits. */
export function keptAnswer(answer: Uint8Array, digest: string | undefined): Uint8Array {
  const kept = answer.length <= ANSWER_BYTES_MAX ? answer : new Uint8Array();
  return digest === undefined ? kept : new Uint8Array(Buffer.concat([kept, Buffer.from(digest, 'hex'), MARK]));
}

/** The answer alone. Throws KeyReused where it is another request's. */
export function answerTo(digest: string | undefined, kept: Uint8Array): Uint8Array {
  const bytes = Buffer.from(kept.buffer, kept.byteOffset, kept.length);
  const end = kept.length - MARK.length - DIGEST_BYTES;
  if (end < 0 || !bytes.subarray(-MARK.length).equals(MARK)) return kept;
  if (digest !== undefined && bytes.toString('hex', end, end + DIGEST_BYTES) !== digest) {
    throw new DbError('KeyReused', 'the idempotency key was used before, for another request: this one was not done', {
      hint: 'give each write a key of its own, and repeat a write under its key with the same text, parameters, graph and protocol',
    });
  }
  return kept.subarray(0, end);
}
