/**
 * What an interactive transaction has done: its statements and what each was answered, as a hash. When the commit meets something that
 * has changed since the transaction read it, it is all done again on the newest state; the same answers mean that the client could not
 * tell the difference, so that is committed. See docs/decisions/016.
 */
import { createHash } from 'node:crypto';
import type { RowsPart, RunRequest } from './api.ts';

/** Beyond these a conflict is the client's to deal with: doing it again would hold up all other writes. */
const STATEMENTS_MAX = 100;
const BYTES_MAX = 256 << 10;
const WORK_MS_MAX = 100;

/** A procedure may do more than its transaction says; CALL { … } is none. */
const CALLS_PROCEDURE = /\bcall\s+[\p{L}_`]/iu;

/** A whole result. */
export interface Answered {
  readonly parts: readonly RowsPart[];
  readonly columns: readonly string[];
  readonly type: string;
}

interface Done {
  readonly request: RunRequest;
  readonly answer: string;
}

export class StatementLog {
  readonly #done: Done[] = [];
  #bytes = 0;
  #workMs = 0;
  #isWhole = true;

  get statements(): readonly Done[] {
    return this.#done;
  }

  get isRepeatable(): boolean {
    return this.#isWhole;
  }

  add(request: RunRequest, answered: Answered, tookMs: number): void {
    this.#bytes += request.text.length + request.parameters.length;
    this.#workMs += tookMs;
    if (this.#done.length >= STATEMENTS_MAX || this.#bytes > BYTES_MAX || this.#workMs > WORK_MS_MAX || CALLS_PROCEDURE.test(request.text)) this.giveUp();
    // Nobody can kill it any more, and the slot may be another's by then.
    if (this.#isWhole) this.#done.push({ request: { ...request, transaction: undefined, killSlot: -1 }, answer: hashOf(answered) });
  }

  /** A statement failed in the middle: what it left is not what doing it again would leave. */
  giveUp(): void {
    this.#isWhole = false;
    this.#done.length = 0;
  }
}

/** Of all that a client can see of an answer, but for times. */
export function hashOf({ parts, columns, type }: Answered): string {
  const hash = createHash('sha256').update(JSON.stringify([type, columns]));
  for (const { bytes, count, summary } of parts) {
    hash.update(`${count} ${bytes.length} `).update(bytes);
    if (summary !== undefined) hash.update(JSON.stringify([summary.stats, summary.mode, summary.notifications]));
  }
  return hash.digest('base64');
}
