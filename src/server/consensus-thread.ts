/**
 * The consensus thread: election timers, peer streams and the log, away from queries and their garbage.
 *
 * Started with `workerData` = { options, writerPort, mainPort } and both ports in the transfer list.
 */
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { Consensus } from '../replica/consensus.ts';
import { noTransport } from '../replica/consensus-transport.ts';
import { StartRefused } from '../replica/start-checks.ts';
import type { ConsensusOptions, ConsensusToMain } from '../replica/protocol.ts';
import { RaftTransport } from '../rpc/raft-transport.ts';
import { setThreadPriority } from './thread-priority.ts';
import { reportWorkerStats } from './thread-stats.ts';

reportWorkerStats();

export interface ConsensusThreadData {
  readonly options: ConsensusOptions;
  readonly writerPort: MessagePort;
  readonly mainPort: MessagePort;
}

setThreadPriority(-10);

const { options, writerPort, mainPort } = workerData as ConsensusThreadData;

const fatal = (error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  mainPort.postMessage({ kind: 'fatal', message, isRefusal: error instanceof StartRefused } satisfies ConsensusToMain);
};
process.on('uncaughtException', fatal);

try {
  const transport = options.enabled
    ? new RaftTransport({
      listenHost: options.listenHost, port: options.rpcPort, secret: options.secret, electionTimeoutMs: options.electionTimeoutMs,
      ...(options.maxMessageBytes === undefined ? {} : { messageBytesMax: options.maxMessageBytes }), compressBytesMin: options.compressBytesMin ?? 0,
    })
    : noTransport;
  const consensus = new Consensus({ options, writerPort, mainPort, transport, clock: systemClock, random: systemRandom });
  consensus.start().catch(fatal);
} catch (error) {
  fatal(error);
}
