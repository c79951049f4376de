/** The thread for copies: reads whole states and the log for backups, makes the scheduled ones, and writes out graphs for exports. */
import { ByteStreams, releasing } from '../base/byte-streams.ts';
import { Channel } from '../base/channel.ts';
import type { PortLike } from '../base/channel.ts';
import { systemClock } from '../base/clock.ts';
import { openStorage } from '../data/backup/open-storage.ts';
import { exportParts, framed } from '../data/export-stream.ts';
import type { ExportOptions } from '../data/export-graph.ts';
import { BlockCache } from '../graph/block-source.ts';
import { StateReader } from '../graph/state-reader.ts';
import type { GroupStatus, LogEntries } from '../replica/protocol.ts';
import { BackupPoints } from '../service/backup-points.ts';
import { VersionClocks } from '../storage/clocks.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { backupRound } from './backup-round.ts';
import type { RoundOptions } from './backup-round.ts';
import { PACKAGE_VERSION } from './package-version.ts';
import { setThreadPriority } from './thread-priority.ts';
import { threadData } from './thread-data.ts';
import type { CopyThreadData } from './threads.ts';

setThreadPriority(5);

const data = await threadData<CopyThreadData>();
const streams = new ByteStreams();
const channel: Channel = new Channel(data.mainPort as unknown as PortLike, {
  ...streams.handlers,
  newest: async () => (await opened).points.newest(),
  begin: async () => (await opened).points.begin(),
  end: async (name: string) => (await opened).points.end(name),
  state: async ({ name, after, bytesMax }: { name: string; after: string; bytesMax: number }) => {
    const { points } = await opened;
    points.check(name);
    return streams.open(points.state(name, after, bytesMax));
  },
  log: async ({ from, to, bytesMax }: { from: number; to: number; bytesMax: number }) => streams.open(await (await opened).points.log(from, to, bytesMax)),
  round: async ({ place, options }: { place: string; options: RoundOptions }) => (
    backupRound((await opened).points, openStorage(place, options.upload), options, () => systemClock.wallMs(), (line) => void channel.call('note', line).catch(() => undefined))),
  export: (request: ExportRequest) => openExport(request),
  stop,
});
/** Calls may come before the store is open. */
const opened = open();

async function open() {
  const engine = await openLevelEngine(data.store);
  const reader = new StateReader(engine, new VersionClocks(data.clocks), new BlockCache(data.blockCacheBytes));
  const points = new BackupPoints({
    reader, clock: systemClock, serverVersion: PACKAGE_VERSION, idleMs: data.idleMs, heldMax: data.heldMax,
    group: { status: () => channel.call<GroupStatus>('status', undefined), logEntries: (...range) => channel.call<LogEntries>('logEntries', range) },
  });
  return { engine, reader, points };
}

interface ExportRequest {
  readonly graphs: readonly string[] | undefined;
  readonly options: ExportOptions;
}

async function openExport({ graphs, options }: ExportRequest): Promise<{ version: number; stream: number }> {
  const { reader } = await opened;
  const point = await reader.acquireAnswered();
  try {
    const names = graphs ?? point.system.graphs.map(({ name }) => name);
    for (const name of names) point.view(name);
    // The read point lives as long as the stream, also when the client leaves.
    const bytes = releasing(framed(exportParts(point, names, options), point.version), () => reader.release(point));
    return { version: point.version, stream: streams.open(bytes) };
  } catch (error) {
    reader.release(point);
    throw error;
  }
}

async function stop(): Promise<void> {
  const { engine, reader, points } = await opened;
  await streams.close();
  points.close();
  await reader.close();
  await engine.close();
  setImmediate(() => {
    channel.close();
    data.mainPort.close();
  });
}
