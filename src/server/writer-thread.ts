/** The writer thread: the transactor with the state store, write transactions, and nothing that waits for a client. */
import { Channel } from '../base/channel.ts';
import { expectCache } from '../base/heap-watch.ts';
import type { PortLike } from '../base/channel.ts';
import { systemClock } from '../base/clock.ts';
import { diskSpace } from '../base/disk-space.ts';
import { asDbError } from '../base/errors.ts';
import { systemRandom } from '../base/random.ts';
import { createFirstState, isNewGroup } from '../auth/first-start.ts';
import { StateReader } from '../graph/state-reader.ts';
import { StateWriter } from '../graph/state-writer.ts';
import type { ConsensusToWriter } from '../replica/protocol.ts';
import { OutcomeKeeper } from '../replica/outcome-keeper.ts';
import { Transactor } from '../replica/transactor.ts';
import { OWN_KEY_PREFIX } from '../service/idempotency-key.ts';
import { executorHandlers } from '../service/executors.ts';
import { allProcedures } from './procedures.ts';
import { WriteHost } from '../service/write-host.ts';
import { VersionClocks } from '../storage/clocks.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { allEncoders } from './encoders.ts';
import { threadData } from './thread-data.ts';
import type { WriterThreadData } from './threads.ts';
import { csvFiles } from '../service/csv-files.ts';
import { spillFiles } from '../service/spill-files.ts';

/** Longer than any server retries a request that it forwarded. */
const OWN_KEY_KEPT_MS = 120_000;

const FULL_DISK_MS = 500;

/** An index over so many elements takes some tenths of a second. */
const INDEXED_AT_ONCE_MAX = 1000;

const data = await threadData<WriterThreadData>();
const engine = await opened();
const clocks = new VersionClocks(data.clocks);
const writer = new StateWriter(engine, clocks, data.blockCacheBytes);
expectCache(data.blockCacheBytes, writer.cache);
const reader = new StateReader(engine, clocks, writer.cache);

const transactor = new Transactor({
  writer, reader, clock: systemClock,
  port: { post: (message, transfer) => data.consensusPort.postMessage(message, [...transfer]) },
  uncommittedBytesMax: data.uncommittedBytesMax, entryBytesMax: data.entryBytesMax, blocksReadMax: data.blocksReadMax, syncIntervalMs: data.syncIntervalMs,
  indexedAtOnceMax: INDEXED_AT_ONCE_MAX,
  early: { hasRoom: () => diskSpace(data.store.location).freeBytes >= data.commitAnswerFreeBytes, unwrittenBytesMax: data.commitAnswerUnwrittenBytes },
  onFatal: (error) => void channel.call('fatal', asDbError(error).message),
  onDiskFull: (error) => void channel.call('diskFull', error.message),
  onRole: (leading) => void onRole(leading),
  onOutcome: (key, atMs) => outcomes.note(key, atMs),
});

const outcomes = new OutcomeKeeper(engine, transactor, systemClock, {
  keptMs: (key) => (key.split('\n')[1]?.startsWith(OWN_KEY_PREFIX) === true ? OWN_KEY_KEPT_MS : data.idempotencyKeptMs),
});
setInterval(() => void outcomes.forgetOld(), 5000).unref();

/** A disk may fill up again between the look at its space and the opening, which writes a little: that is waited out too. */
async function opened(): Promise<Engine> {
  for (;;) {
    try {
      return await openLevelEngine({ ...data.store, compactDeletes: data.compactDeletes });
    } catch (error) {
      if (asDbError(error).code !== 'ReadOnlyDisk') throw error;
      await new Promise((resolve) => setTimeout(resolve, FULL_DISK_MS));
    }
  }
}

/** A new group gets its first graph, user and signing key from its first leader, before anybody is told that it leads. */
async function onRole(leading: boolean): Promise<void> {
  if (leading) {
    // Only for forgetting them in time: nobody waits for that. Where it fails, at the end of the process, another leader does it.
    outcomes.load().catch(() => undefined);
    try {
      await transactor.write((transaction) => {
        if (isNewGroup(transaction)) createFirstState(transaction, data.adminPassword);
        return { result: undefined };
      });
    } catch {
      return; // Leadership is gone again; the next leader does it.
    }
  }
  if (leading) host.lead();
  await channel.call('role', leading && transactor.leading);
}

const host = new WriteHost(transactor, {
  procedures: allProcedures(), encoders: allEncoders(), killFlags: new Int32Array(data.killFlags),
  random: systemRandom, wallMs: () => Date.now(), monotonicMs: () => performance.now(), timeZone: data.timeZone, csv: csvFiles(data.csvDirectory, data.csvLimits), graphsMax: data.graphsMax, spill: spillFiles(data.spill), limits: data.limits,
  fullText: data.fullText,
  resultBytesMax: data.resultBytesMax, transactionIdleMs: data.transactionIdleMs,
  transactionTotalMs: data.transactionTotalMs, transactionsMax: data.transactionsMax, onBuildProblem: (message) => void channel.call('warn', message),
});

const channel: Channel = new Channel(data.mainPort as unknown as PortLike, {
  ...executorHandlers({
    run: (request) => host.run(request), pull: (request) => host.pull(request), discard: (execution) => host.discard(execution),
    begin: (request) => host.begin(request), commit: (request) => host.commit(request), rollback: (transaction) => host.rollback(transaction),
  }),
  checksumAt: (version: number) => writer.checksumAt(version),
  version: () => writer.version,
  cacheBytes: () => writer.cache.bytes,
  drain: (timeoutMs: number) => transactor.stop(timeoutMs),
  stop: async () => {
    transactor.abandon();
    data.consensusPort.close();
    await reader.close();
    await engine.close();
    setImmediate(() => {
      channel.close();
      data.mainPort.close();
    });
  },
});

data.consensusPort.on('message', (message: ConsensusToWriter) => transactor.receive(message));
void channel.call('ready', writer.version);
