/** A reader thread: long reads, each on a snapshot of its own. */
import { Channel } from '../base/channel.ts';
import { expectCache } from '../base/heap-watch.ts';
import type { PortLike } from '../base/channel.ts';
import { systemRandom } from '../base/random.ts';
import { BlockCache } from '../graph/block-source.ts';
import type { DerivedPages } from '../graph/warm-up.ts';
import { ReadAhead } from '../graph/read-ahead.ts';
import { StateReader } from '../graph/state-reader.ts';
import { ReaderCrew, ReaderLoads } from '../service/reader-crew.ts';
import { executorHandlers } from '../service/executors.ts';
import { allProcedures } from './procedures.ts';
import { ReadHost } from '../service/read-host.ts';
import { VersionClocks } from '../storage/clocks.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { allEncoders } from './encoders.ts';
import { ReadingAhead } from './read-ahead.ts';
import { fillFreshStore, writeState } from './state-transfer.ts';
import type { FreshState } from './state-transfer.ts';
import { setThreadPriority } from './thread-priority.ts';
import { threadData } from './thread-data.ts';
import type { ReaderThreadData } from './threads.ts';
import { csvFiles } from '../service/csv-files.ts';
import { spillFiles } from '../service/spill-files.ts';

setThreadPriority(5);

const data = await threadData<ReaderThreadData>();
const engine = await openLevelEngine(data.store);
const clocks = new VersionClocks(data.clocks);
const reader = new StateReader(engine, clocks, new BlockCache(data.blockCacheBytes));
expectCache(data.blockCacheBytes, reader.cache);
// Calls keep their order: by the time a statement that warms up is answered, the main thread has what it made.
reader.cache.onMade = (pages) => void channel.call('made', pages).catch(() => undefined);
const readingAhead = data.readsAhead ? new ReadingAhead(new ReadAhead(reader, clocks), () => clocks.published) : undefined;
const crew = new ReaderCrew(data.own, new ReaderLoads(data.loads), data.crewPorts);
const host = new ReadHost(reader, {
  procedures: allProcedures(), encoders: allEncoders(), killFlags: new Int32Array(data.killFlags),
  random: systemRandom, wallMs: () => Date.now(), timeZone: data.timeZone, csv: csvFiles(data.csvDirectory, data.csvLimits), graphsMax: data.graphsMax, spill: spillFiles(data.spill), limits: data.limits,
  fullText: data.fullText,
}, crew);
crew.listen((request, mayLeave) => host.help(request, mayLeave));

const channel: Channel = new Channel(data.mainPort as unknown as PortLike, {
  ...executorHandlers({
    run: (request) => host.run(request), pull: (request) => host.pull(request), discard: (execution) => host.discard(execution),
    begin: (request) => host.begin(request), commit: (request) => host.end(request.transaction), rollback: (transaction) => host.end(transaction),
  }),
  exportState: (path: string) => writeState(engine, reader, path, data.diskReserveBytes),
  fillFreshStore: (job: { directory: string; state: FreshState }) => fillFreshStore(job.directory, job.state, data.store),
  cacheBytes: () => reader.cache.bytes,
  adopt: (pages: DerivedPages) => reader.cache.adopt(pages, clocks),
  stop: async () => {
    readingAhead?.stop();
    await reader.close();
    await engine.close();
    setImmediate(() => {
      crew.close();
      channel.close();
      data.mainPort.close();
    });
  },
});
