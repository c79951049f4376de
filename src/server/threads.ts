/** What the threads of one server are started with, and the calls between them. */
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { CertificateFiles } from '../base/certificates.ts';
import type { ExecLimits, FullTextSettings } from '../cypher/engine.ts';
import type { ConsensusOptions } from '../replica/protocol.ts';
import type { CsvLimits } from '../service/csv-files.ts';
import type { SpillOptions } from '../service/spill-files.ts';

export interface StoreOptions {
  readonly location: string;
  readonly cacheBytes: number;
  readonly writeBufferBytes: number;
}

export interface ConsensusThreadData {
  readonly options: ConsensusOptions;
  readonly writerPort: MessagePort;
  readonly mainPort: MessagePort;
  /** Calls of gRPC clients go over it to the main thread. */
  readonly clientPort: MessagePort;
  /** Mutual TLS between the servers. */
  readonly tls: { readonly files: CertificateFiles; readonly reloadMs: number } | undefined;
}

/** main → consensus, beside the port that consensus itself listens to: what concerns the transport only. */
export type ConsensusThreadMessage =
  | { readonly kind: 'reloadCertificates' }
  /** Who may speak to the RPC port; undefined: every address. */
  | { readonly kind: 'allow'; readonly addresses: readonly string[] | undefined };

/** What statements are run with, in every thread. */
export interface StatementThreadData {
  readonly timeZone: string;
  readonly csvDirectory: string;
  readonly csvLimits: CsvLimits;
  readonly graphsMax: number;
  readonly limits: ExecLimits;
  readonly fullText: FullTextSettings;
  readonly spill: SpillOptions;
}

export interface WriterThreadData extends StatementThreadData {
  readonly store: StoreOptions;
  readonly clocks: SharedArrayBuffer;
  readonly killFlags: SharedArrayBuffer;
  readonly blockCacheBytes: number;
  readonly mainPort: MessagePort;
  readonly consensusPort: MessagePort;
  readonly adminPassword: string | undefined;
  readonly uncommittedBytesMax: number;
  readonly entryBytesMax: number;
  readonly blocksReadMax: number;
  readonly compactDeletes: number;
  readonly syncIntervalMs: number;
  /** Free on the state store's disk; with less, what is committed is answered when it is written. */
  readonly commitAnswerFreeBytes: number;
  /** Of committed entries that the state store does not have yet; with more, the same. */
  readonly commitAnswerUnwrittenBytes: number;
  readonly resultBytesMax: number;
  readonly transactionIdleMs: number;
  readonly transactionTotalMs: number;
  readonly transactionsMax: number;
  readonly idempotencyKeptMs: number;
}

export interface ReaderThreadData extends StatementThreadData {
  /** One of the readers does, for all threads. */
  readonly readsAhead: boolean;
  /** Of the disk, which a state written to a file leaves alone. */
  readonly diskReserveBytes: number;
  readonly store: StoreOptions;
  readonly clocks: SharedArrayBuffer;
  readonly killFlags: SharedArrayBuffer;
  readonly blockCacheBytes: number;
  readonly mainPort: MessagePort;
  /** Which of the readers it is, what each has to do, and the ways to the others: see service/reader-crew.ts. */
  readonly own: number;
  readonly loads: SharedArrayBuffer;
  readonly crewPorts: readonly (MessagePort | undefined)[];
}

/** A port from each reader to each other one: by reader, then by the other. */
export function portsBetween(readers: number): (MessagePort | undefined)[][] {
  const ports = Array.from({ length: readers }, () => new Array<MessagePort | undefined>(readers).fill(undefined));
  for (let one = 0; one < readers; one++) {
    for (let other = one + 1; other < readers; other++) {
      const { port1, port2 } = new MessageChannel();
      ports[one]![other] = port1;
      ports[other]![one] = port2;
    }
  }
  return ports;
}

export interface CopyThreadData {
  readonly store: StoreOptions;
  readonly clocks: SharedArrayBuffer;
  readonly blockCacheBytes: number;
  readonly mainPort: MessagePort;
  /** Of versions that backups hold (service/backup-points.ts). */
  readonly idleMs: number;
  readonly heldMax: number;
}
