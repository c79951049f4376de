/**
 * The consensus thread: election timers, peer streams and the log, away from queries and their garbage.
 */
import { parentPort } from 'node:worker_threads';
import { CertificateWatch } from '../base/certificates.ts';
import { systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { Consensus } from '../replica/consensus.ts';
import { noTransport } from '../replica/consensus-transport.ts';
import { StartRefused } from '../replica/start-checks.ts';
import type { ConsensusToMain } from '../replica/protocol.ts';
import { relayTo } from '../rpc/client-relay.ts';
import { addClientServices } from '../rpc/client-server.ts';
import { peerTls } from '../rpc/peer-tls.ts';
import { RaftTransport } from '../rpc/raft-transport.ts';
import { threadData } from './thread-data.ts';
import type { ConsensusThreadData, ConsensusThreadMessage } from './threads.ts';
import { setThreadPriority } from './thread-priority.ts';

setThreadPriority(-10);

const TOLD_MS = 10_000;

const { options, writerPort, mainPort, clientPort, tls } = await threadData<ConsensusThreadData>();

const fatal = (error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  mainPort.postMessage({ kind: 'fatal', message, isRefusal: error instanceof StartRefused } satisfies ConsensusToMain);
  // Its end must not be heard of before the reason: main ends it with the process.
  setTimeout(() => undefined, TOLD_MS);
};
process.on('uncaughtException', fatal);

const log = (level: 'info' | 'error', message: string) => mainPort.postMessage({ kind: 'log', level, message } satisfies ConsensusToMain);

function startTls(): { readonly peers: ReturnType<typeof peerTls>; readonly watch: CertificateWatch } | undefined {
  if (tls === undefined) return undefined;
  const watch = new CertificateWatch(tls.files, {
    intervalMs: tls.reloadMs,
    onChange: (certificates) => {
      peers.use(certificates);
      log('info', 'new certificates are in use for new connections between servers');
    },
    // The main thread looks at the same files, and says so.
    onProblem: () => undefined,
  });
  const peers = peerTls(watch.current);
  return { peers, watch };
}

try {
  const secured = startTls();
  const transport = options.enabled
    ? new RaftTransport({
      listenHost: options.listenHost, port: options.rpcPort, secret: options.secret, electionTimeoutMs: options.electionTimeoutMs,
      ...(options.maxMessageBytes === undefined ? {} : { messageBytesMax: options.maxMessageBytes }), compressBytesMin: options.compressBytesMin ?? 0,
      addServices: (server, mayAsk) => addClientServices(server, relayTo(clientPort), mayAsk),
      ...(secured === undefined ? {} : { credentials: secured.peers.credentials }),
    })
    : noTransport;
  parentPort!.on('message', (message: ConsensusThreadMessage) => {
    if (message.kind === 'reloadCertificates') secured?.watch.reload();
    else if (transport instanceof RaftTransport) transport.allow(message.addresses);
  });
  // It ends with its work, not with this port.
  parentPort!.unref();
  const consensus = new Consensus({ options, writerPort, mainPort, transport, clock: systemClock, random: systemRandom, busyMs: () => performance.eventLoopUtilization().active });
  consensus.start().catch(fatal);
} catch (error) {
  fatal(error);
}
