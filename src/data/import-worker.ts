/** The second thread of an import: see import-helper.ts. */
import { parentPort } from 'node:worker_threads';
import { Channel } from '../base/channel.ts';
import type { PortLike } from '../base/channel.ts';
import { AdjacencyBuild } from './adjacency-build.ts';
import type { AdjacencyTask } from './adjacency-build.ts';
import { BlockQueue } from './block-batch.ts';
import { LocalParts } from './encoded-parts.ts';
import type { EncodingTask } from './encoded-parts.ts';
import type { AdjacencyStep } from './import-helper.ts';

let parts: LocalParts | undefined;
let blocks: BlockQueue | undefined;
let build: AdjacencyBuild | undefined;
let rows = 0;

void new Channel(parentPort as unknown as PortLike, {
  read: (task: EncodingTask) => {
    parts = new LocalParts(task);
  },
  part: () => parts!.next(),
  cells: ({ part, rows: wanted }: { part: number; rows: readonly number[] }) => parts!.cellsOf(part, wanted),
  adjacency: (task: AdjacencyTask) => {
    const queue = blocks = new BlockQueue();
    build = new AdjacencyBuild(task);
    build.build(queue, (more) => {
      rows += more;
    }).then(() => queue.end(), (error: unknown) => queue.end(error));
  },
  blocks: async (): Promise<AdjacencyStep> => {
    const batch = await blocks!.take();
    const done = rows;
    rows = 0;
    return { batch, rows: done, nextChunk: build!.nextChunk };
  },
});
