/** What is asked about a transaction's record before it is proposed: behind that point nobody may refuse it any more. */
import { lookAtHeap } from '../base/heap-watch.ts';
import { entryTooLarge } from '../graph/effects.ts';

/** A record from this size on asks for the memory it will take: packed for the log and for others, decoded, in the engine's batch and table. */
const ASKED_BYTES = 2 ** 20;
const COPIES = 6;

/** Throws RequestTooLarge beyond `bytesMax`, MemoryLimit where the process has no room for it. */
export function mayPropose(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw entryTooLarge(bytes, bytesMax);
  if (bytes > ASKED_BYTES) lookAtHeap(COPIES * bytes);
}
