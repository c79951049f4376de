/** What the threads of one server are started with, and the calls between them. */
import type { MessagePort } from 'node:worker_threads';

export interface StoreOptions {
  readonly location: string;
  readonly cacheBytes: number;
  readonly writeBufferBytes: number;
}

export interface WriterThreadData {
  readonly store: StoreOptions;
  readonly clocks: SharedArrayBuffer;
  readonly killFlags: SharedArrayBuffer;
  readonly blockCacheBytes: number;
  readonly mainPort: MessagePort;
  readonly consensusPort: MessagePort;
  readonly timeZone: string;
  readonly csvDirectory: string;
  readonly queryMemoryBytes: number;
  readonly adminPassword: string | undefined;
  readonly uncommittedBytesMax: number;
  readonly entryBytesMax: number;
  readonly syncIntervalMs: number;
  readonly resultBytesMax: number;
  readonly transactionIdleMs: number;
  readonly transactionTotalMs: number;
  readonly transactionsMax: number;
  readonly idempotencyKeptMs: number;
}

export interface ReaderThreadData {
  readonly store: StoreOptions;
  readonly clocks: SharedArrayBuffer;
  readonly killFlags: SharedArrayBuffer;
  readonly blockCacheBytes: number;
  readonly mainPort: MessagePort;
  readonly timeZone: string;
  readonly csvDirectory: string;
  readonly queryMemoryBytes: number;
}
